"""Workload 3: Monte-Carlo risk of the interpolating (bag/instance level) estimator.

x_i ~ N(0, I_d), y = x.theta + sigma eps, |theta| = 1, n samples in m = n/k bags of k
consecutive samples, only bag means ybar_a seen. theta_hat(rho) minimises
  rho (1/m) |ybar - Xbar th|^2 + (1 - rho) (1/n) sum_a sum_{i in a} (ybar_a - x_i.th)^2 + lam |th|^2
(rho = 1 bag level, 0 instance level), i.e. solves
[rho Xbar'Xbar/m + (1 - rho) X'X/n + lam I] th = Xbar'ybar/m for every rho.
Risk = |th_hat - theta|^2. 20 values rho = 0, 0.05, ..., 0.95, R replicates (seconds are for
`reps_mc` replicates, scaled result per replicate in extra). result = mean over rho of the
risk on ONE deterministic replicate (common.gauss seeds: 1 = X (n,d), 2 = noise (n),
3 = theta (d, then normalised)), reproducible to rounding; extra: MC mean risks and s.e.

impl: numpy_chol (one Cholesky per rho), numpy_woodbury (lam = 0: one Cholesky of X'X, one
symmetric eigenproblem of size m, then every rho is O(dm)): the structured algorithm,
jax_vmap (batched Cholesky over rho), torch_chol (batched)."""
import common as C
import numpy as np
import scipy.linalg as sl

IMPLS = ["numpy_chol", "numpy_woodbury", "torch_chol", "jax_vmap"]


def main():
    ap = C.parser("agg_mc", IMPLS, 2)
    for k, v in dict(n=1000, d=500, k=4, nrho=20, reps_mc=10).items():
        ap.add_argument("--" + k.replace("_", "-"), type=int, default=v)
    ap.add_argument("--sigma", type=float, default=0.5)
    ap.add_argument("--lam", type=float, default=0.0)
    a = ap.parse_args()
    n, d, k, R = a.n, a.d, a.k, a.reps_mc
    m = n // k; sig = a.sigma
    rho = 1 - np.arange(1, a.nrho + 1) / a.nrho   # 0.95 down to 0
    par = dict(n=n, d=d, k=k, nrho=a.nrho, reps_mc=R, sigma=sig, lam=a.lam)
    th0 = C.gauss(3, (d,)); th0 /= np.linalg.norm(th0)
    det = (C.gauss(1, (n, d)), C.gauss(2, (n,)))

    def bags(X, e):
        Xb = X.reshape(m, k, d).mean(1)
        return Xb, Xb @ th0 + sig * e.reshape(m, k).mean(1)

    def chol(X, e):
        Xb, yb = bags(X, e)
        G = X.T @ X / n; B = Xb.T @ Xb / m; c = Xb.T @ yb / m
        out = np.empty(len(rho));
        for i, r in enumerate(rho):
            A = (1 - r) * G + r * B
            if a.lam:
                A[np.diag_indices(d)] += a.lam
            f = sl.cho_factor(A, lower=True, overwrite_a=True, check_finite=False)
            x = sl.cho_solve(f, c, check_finite=False) - th0
            out[i] = x @ x
        return out

    def woodbury(X, e):
        assert a.lam == 0
        Xb, yb = bags(X, e)
        L = sl.cholesky(X.T @ X / n, lower=True, overwrite_a=True, check_finite=False)
        Z = sl.solve_triangular(L, Xb.T, lower=True, check_finite=False) / np.sqrt(m)     # d x m
        w, Q = sl.eigh(Z.T @ Z, overwrite_a=True, check_finite=False, driver="evd")
        c = Q.T @ yb / np.sqrt(m)
        t = rho / (1 - rho)
        co = c[:, None] / (1 + t[None, :] * w[:, None]) / (1 - rho)[None, :]
        TH = sl.solve_triangular(L, Z @ (Q @ co), lower=True, trans="T", check_finite=False)
        return ((TH - th0[:, None]) ** 2).sum(0)

    def report(impl, one, sweep, **kw):
        risk_det = np.asarray(one(*det))
        rr, t = C.bench(sweep, a.reps, 1, a.max_seconds)
        C.emit("agg_mc", impl, par, t, risk_det.mean(), risk_det_first=risk_det[0], risk_det_last=risk_det[-1],
               seconds_per_replicate=float(np.median(t)) / R, mc_risk_mean=np.mean(rr),
               mc_se=float(np.std(np.mean(rr, 1)) / np.sqrt(R)), **kw)

    for impl in C.chosen(a.impl, IMPLS):
        if impl.startswith("numpy"):
            f = chol if impl == "numpy_chol" else woodbury
            g = np.random.Generator(np.random.SFC64(5))
            report(impl, f, lambda: [f(g.standard_normal((n, d)), g.standard_normal(n)) for _ in range(R)])
        elif impl == "torch_chol":
            T = C.load_torch(); th = T.tensor(th0); rh = T.tensor(rho)[:, None, None]

            def one(X, e):
                X, e = T.as_tensor(X), T.as_tensor(e)
                Xb = X.view(m, k, d).mean(1); yb = Xb @ th + sig * e.view(m, k).mean(1)
                A = (1 - rh) * (X.T @ X / n) + rh * (Xb.T @ Xb / m) + a.lam * T.eye(d, dtype=T.float64)
                x = T.cholesky_solve((Xb.T @ yb / m).expand(len(rho), d)[..., None], T.linalg.cholesky(A))[..., 0]
                return ((x - th) ** 2).sum(-1).numpy()
            report(impl, one, lambda: [one(T.randn(n, d, dtype=T.float64), T.randn(n, dtype=T.float64)) for _ in range(R)])
        else:
            J = C.load_jax(True); jn = J.numpy; th = jn.asarray(th0)

            def one(X, e):
                Xb = X.reshape(m, k, d).mean(1); yb = Xb @ th + sig * e.reshape(m, k).mean(1)
                G, B, c = X.T @ X / n, Xb.T @ Xb / m, Xb.T @ yb / m

                def s(r):
                    f = J.scipy.linalg.cho_factor((1 - r) * G + r * B + a.lam * jn.eye(d), lower=True)
                    return ((J.scipy.linalg.cho_solve(f, c) - th) ** 2).sum()
                return J.vmap(s)(jn.asarray(rho))
            j1 = J.jit(one)
            jr = J.jit(lambda key: J.lax.map(lambda q: one(J.random.normal(q, (n, d)), J.random.normal(J.random.fold_in(q, 1), (n,))),
                                             J.random.split(key, R)))
            it = iter(range(10 ** 6))
            report(impl, j1, lambda: np.asarray(jr(J.random.key(next(it)))))


main()
