#!/usr/bin/env python3
"""Reference numbers of cross-entropy with 220 digits: python3 reference_entropy.py > table_entropy.rs (needs mpmath).

Two groups: damped Newton on the convex problem of up to five variables. Depth M: bisection of stationarity conditions.
Passage times: adaptive quadrature. Inputs are exact doubles."""
from mpmath import mp, mpf, sqrt, log, exp, matrix, lu_solve, quad, expm1, log1p
mp.dps = 220

def bisect(f, a, b):
    """Root of f with f(a) > 0 > f(b)."""
    a, b = mpf(a), mpf(b)
    for _ in range(760):
        c = (a + b) / 2
        if f(c) > 0: a = c
        else: b = c
    return (a + b) / 2

def groups(kA, nA, kB, nB, lw, lh, bias, lb):
    k, n = [kA, kB], [mpf(nA), mpf(nB)]
    N, K, lam = kA * nA + kB * nB, kA + kB, sqrt(mpf(lw) * mpf(lh))
    share = [k[g] * n[g] / N for g in (0, 1)]
    within = [1 - mpf(1) / k[g] for g in (0, 1)]
    across = [sqrt(mpf(K)) / (k[g] * sqrt(k[1 - g] * n[g])) for g in (0, 1)]
    curv = (mpf(lb) if bias == 'regularised' else 0) * kA * kB / mpf(K)
    alive = [k[g] >= 2 and sqrt(n[g]) > N * lam for g in (0, 1)]

    def evaluate(x):
        f, gr, H = mpf(0), [mpf(0)] * 5, [[mpf(0)] * 5 for _ in range(5)]
        for g in (0, 1):
            s = 1 if g == 0 else -1
            c1, c2 = [0] * 5, [0] * 5
            c1[g] = 1
            c2[g], c2[2 + g], c2[4] = within[g], across[g], s
            y1 = x[g]; y2 = sum(c * v for c, v in zip(c2, x))
            e1, e2 = (k[g] - 1) * exp(-y1), k[1 - g] * exp(-y2)
            S = 1 + e1 + e2
            f += share[g] * log1p(e1 + e2)
            p1, p2 = e1 / S, e2 / S
            for i in range(5):
                gr[i] -= share[g] * (p1 * c1[i] + p2 * c2[i])
                for j in range(5):
                    m1, m2 = p1 * c1[i] + p2 * c2[i], p1 * c1[j] + p2 * c2[j]
                    H[i][j] += share[g] * (p1 * c1[i] * c1[j] + p2 * c2[i] * c2[j] - m1 * m2)
            lin = lam * (k[g] - 1) * sqrt(n[g])
            f += lin * x[g]; gr[g] += lin
        r = sqrt(x[2]**2 + x[3]**2)
        if r > 0:
            f += lam * r
            for i in (2, 3):
                gr[i] += lam * x[i] / r
                for j in (2, 3):
                    H[i][j] += lam * ((1 if i == j else 0) / r - x[i] * x[j] / r**3)
        f += curv * x[4]**2 / 2; gr[4] += curv * x[4]; H[4][4] += curv
        return f, gr, H

    def newton(x, act):
        for _ in range(4000):
            f, gr, H = evaluate(x)
            A = matrix(len(act), len(act)); b = matrix(len(act), 1)
            for a, i in enumerate(act):
                b[a] = -gr[i]
                for c, j in enumerate(act): A[a, c] = H[i][j]
            d = lu_solve(A, b)
            slope = sum(gr[i] * d[a] for a, i in enumerate(act))
            if -slope < mpf(10)**-100 * abs(f): break
            t = mpf(1)
            while True:
                y = list(x)
                for a, i in enumerate(act): y[i] += t * d[a]
                if evaluate(y)[0] <= f + t * slope / 4 or t < mpf(10)**-40: break
                t /= 2
            x = y
        return x

    act = [g for g in (0, 1) if alive[g]] + ([4] if bias != 'none' else [])
    x0 = [mpf(0)] * 5
    flat = newton(x0, act) if act else x0
    g = evaluate(flat)[1]
    norm = sqrt(g[2]**2 + g[3]**2)
    x = flat
    if norm > lam:
        f0, t = evaluate(flat)[0], mpf(1)
        while True:
            x = list(flat)
            x[2] -= t * g[2] / norm; x[3] -= t * g[3] / norm
            if evaluate(x)[0] < f0: break
            t /= 2
        x = newton(x, act + [2, 3])
    q = [within[g] * x[g] + across[g] * x[2 + g] for g in (0, 1)]
    return evaluate(x)[0], [x[0], x[1], q[0], q[1]], x[4]

def ray(data, slope, c, P, power, K):
    """largest local minimum of data(m) + c P m^power/power; slope = -data'."""
    psi = lambda m: (1 - power) * log(m) + log(slope(m)) - log(c * P)
    top = 4 + 4 * abs(log(c * P))
    m, high, low = top, top, None
    for i in range(4000):
        m = high * mpf('0.99')
        if psi(m) >= 0: low = m; break
        high = m
    if low is None: return mpf(0), log(mpf(K))
    m = bisect(psi, low, high)
    v = data(m) + c * P * m**power / power
    return (m, v) if v < log(mpf(K)) else (mpf(0), log(mpf(K)))

def deep(K, n, M, lam):
    L = M + 1
    c = (n * mpf(lam)**L)**(mpf(1) / L)
    power = mpf(2) / L
    D = lambda m: log1p((K - 1) * exp(-m))
    S = lambda m: (K - 1) * exp(-m) / (1 + (K - 1) * exp(-m))
    etf = ray(D, S, c, K - 1, power, K)
    low = ray(D, S, c, mpf(K - 1)**power, power, K)
    T = lambda m: (K - 2) * exp(-m) + exp(-2 * m)
    Dp = lambda m: log1p(T(m))
    Sp = lambda m: ((K - 2) * exp(-m) + 2 * exp(-2 * m)) / (1 + T(m))
    r = K // 2
    if K % 2 == 0: pair = ray(Dp, Sp, c, r * 2**power, power, K)
    else:
        pair = ray(lambda m: ((K - 1) * Dp(m) + D(m)) / K, lambda m: ((K - 1) * Sp(m) + S(m)) / K, c, r * 2**power + 1, power, K)
    return etf, pair, low[1]

def f(x):
    s = repr(float(x))
    return s if '.' in s or 'e' in s else s + '.0'

print('//! Written by `reference_entropy.py`: high-precision arithmetic, rounded to doubles.')
print('/// k_A, n_A, k_B, n_B; lambda_w, lambda_h; bias and lambda_b; f*, (m_A, m_B, q_A, q_B), delta.')
print("pub(super) type Groups = ([usize; 4], f64, f64, &'static str, f64, f64, [f64; 4], f64);")
print('pub(super) const GROUPS: &[Groups] = &[')
for case in [(2, 10**6, 3, 1, 1e-6, 1e-5, 'none', 0.0), (2, 10**6, 3, 1, 1e-6, 1e-5, 'free', 0.0), (1, 50, 4, 3, 1e-3, 2e-3, 'regularised', 0.01),
             (1, 9, 1, 2, 1e-3, 2e-2, 'free', 0.0), (1, 9, 1, 2, 0.1, 0.2, 'regularised', 3.0), (3, 20, 2, 5, 1e-30, 1e-20, 'none', 0.0),
             (3, 20, 2, 5, 1e-30, 1e-20, 'free', 0.0), (3, 20, 2, 5, 1e-60, 1e-60, 'regularised', 1e-3), (50, 1000, 50, 10, 1e-4, 1e-4, 'none', 0.0),
             (2, 3, 5, 30, 0.01, 0.002, 'free', 0.0), (4, 7, 3, 2, 0.004, 0.003, 'regularised', 1e-8), (2, 100, 2, 1, 0.02, 0.03, 'regularised', 100.0)]:
    v, m, d = groups(*case)
    kA, nA, kB, nB, lw, lh, bias, lb = case
    print(f'    ([{kA}, {nA}, {kB}, {nB}], {f(lw)}, {f(lh)}, "{bias}", {f(lb)}, {f(v)}, [{", ".join(map(f, m))}], {f(d)}),')
print('];')
print('/// K, n, M, lambda; simplex margin and value; pair margin and value; lower bound.')
print('pub(super) type Deep = (usize, usize, usize, f64, [f64; 5]);')
print('pub(super) const DEEP: &[Deep] = &[')
for case in [(2, 5, 2, 1e-3), (3, 4, 2, 1e-120), (4, 1, 5, 1e-60), (7, 10**6, 3, 1e-9), (100, 500, 2, 1e-5), (1000, 1, 9, 1e-12), (5, 3, 40, 1e-4), (6, 2, 3, 0.02), (4, 2, 2, 0.5), (3, 1, 2, 0.18)]:
    e, p, l = deep(*case)
    K, n, M, lam = case
    print(f'    ({K}, {n}, {M}, {f(lam)}, [{f(e[0])}, {f(e[1])}, {f(p[0])}, {f(p[1])}, {f(l)}]),')
print('];')
mp.dps = 40
def margin_time(K, n, lam, a, b):
    return quad(lambda m: 1 / (2 * m * (1 / (sqrt(mpf(n)) * (exp(m) + K - 1)) - mpf(lam))), [mpf(a) + (mpf(b) - mpf(a)) * i / 20 for i in range(21)])
def scale_time(K, n, M, lam, a, b):
    N, L = K * n, M + 1
    return quad(lambda s: 1 / (-s**(L - 1) * (s**L - sqrt(mpf(n))) / N - mpf(lam) * s), [mpf(a) + (mpf(b) - mpf(a)) * i / 20 for i in range(21)])
print('/// K, n, lambda, m0, m1; t.')
print('pub(super) type MarginTime = (usize, usize, f64, f64, f64, f64);')
print('pub(super) const MARGIN_TIMES: &[MarginTime] = &[')
for c in [(4, 5, 0.01, 0.1, 2.0), (2, 1, 0.0, 0.5, 12.0), (10, 3, 1e-4, 0.01, 6.0), (3, 2, 0.3, 2.0, 0.1)]:
    print(f'    ({c[0]}, {c[1]}, {f(c[2])}, {f(c[3])}, {f(c[4])}, {f(margin_time(*c))}),')
print('];')
print('/// K, n, M, lambda, s0, s1; t.')
print('pub(super) type ScaleTime = (usize, usize, usize, f64, f64, f64, f64);')
print('pub(super) const SCALE_TIMES: &[ScaleTime] = &[')
for c in [(2, 9, 3, 0.02, 0.5, 1.1), (3, 2, 3, 0.02, 0.2, 0.01), (2, 9, 1, 0.0, 0.1, 1.7), (4, 4, 6, 0.001, 0.5, 1.05), (2, 3, 2, 0.1, 3.0, 1.1)]:
    print(f'    ({c[0]}, {c[1]}, {c[2]}, {f(c[3])}, {f(c[4])}, {f(c[5])}, {f(scale_time(*c))}),')
print('];')
