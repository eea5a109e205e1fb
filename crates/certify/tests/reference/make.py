#!/usr/bin/env python3
"""Writes table.txt beside this file: reference values of the certified quantities, 70 digits, by mpmath alone.

    python3 -m venv venv && venv/bin/pip install mpmath==1.4.1
    venv/bin/python crates/certify/tests/reference/make.py

Inputs are doubles, printed in their shortest form and taken as exact. One value a line: `kind inputs = value`. Roots are
found by mpmath's solvers at 110 digits from the equation as stated, never from the rearrangements that the library uses.
"""
import pathlib

import mpmath
from mpmath import mp, mpf

mp.dps = 110
DIGITS = 70
lines = []


def put(kind, inputs, value):
    args = " ".join(repr(x) if isinstance(x, float) else str(x) for x in inputs)
    lines.append(f"{kind} {args} = {mpmath.nstr(value, DIGITS, min_fixed=0, max_fixed=0)}")


# ---- elementary functions ----------------------------------------------------------------------------------------
WIDE = [5e-324, 1e-300, 1e-120, 3.7e-20, 0.001, 0.3, 0.75, 0.9999999999999999, 1.0000000000000002, 1.5, 2.0, 10.0,
        12345.678, 1e20, 1e120, 1.7e308]
for x in WIDE:
    put("ln", [x], mpmath.log(mpf(x)))
    put("sqrt", [x], mpmath.sqrt(mpf(x)))
    put("root3", [x], mpmath.cbrt(mpf(x)))
    put("root7", [x], mpmath.root(mpf(x), 7))
for x in [1e-320, 1e-120, 2.5e-17, 0.001, 0.5, 1.0, 2.302585092994046, 33.3, 700.5, 1e4, 1e6]:
    for signed in (x, -x):
        put("exp", [signed], mpmath.exp(mpf(signed)))
        if x < 1e6:
            put("tanh", [signed], mpmath.tanh(mpf(signed)))
for x, y in [(1e-120, 0.3), (1e-120, -7.25), (1e120, 2.5), (0.7, 1000.0), (3.0, 1 / 3), (1.0000000000000002, 1e15),
             (5e-324, 0.01), (2.0, -1074.5)]:
    put("pow", [x, y], mpmath.power(mpf(x), mpf(y)))


# ---- bags --------------------------------------------------------------------------------------------------------
def bags(k, rho, lam, s2, sigma, weight, theta2):
    """(A3) solved as a system in (delta, s); (A5) with the plain 1 - F G."""
    k, rho, lam, s2 = map(mpf, (k, rho, lam, s2))
    sigma, weight, theta2 = ([mpf(v) for v in l] for l in (sigma, weight, theta2))
    p, tau = 1 / k, 1 - rho

    def s_of(delta):
        return p / (1 + delta) + (1 - p) * tau / (1 + tau * delta)

    def defect(delta):
        return delta - sum(w * g / (s_of(delta) * g + lam) for w, g in zip(weight, sigma))

    low, high = mpf(0), sum(w * g for w, g in zip(weight, sigma)) / lam + 1
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if defect(middle) < 0 else (low, middle)
    delta = mpmath.findroot(defect, (low, high), solver="anderson", tol=mpf(10) ** -200)
    s = s_of(delta)
    s_a, s_b = p / (1 + delta), (1 - p) * tau / (1 + tau * delta)
    g_a, g_b = p / (1 + delta) ** 2, (1 - p) * tau**2 / (1 + tau * delta) ** 2
    f = sum(w * g**2 / (s * g + lam) ** 2 for w, g in zip(weight, sigma))
    a = sum(g * ((s_b * g + lam) / (s * g + lam)) ** 2 * t for g, t in zip(sigma, theta2))
    c = sum(g * (s_a * g / (s * g + lam)) ** 2 * t for g, t in zip(sigma, theta2))
    left = 1 - f * (g_a + g_b)
    return {"delta": delta, "s": s, "bias2": a + f * (g_a * a + g_b * c) / left, "var": s2 * f * g_a / left}


for gamma, k, rho, lam, r2, s2 in [
    (0.25, 4.0, 0.5, 0.1, 1.0, 0.5), (0.25, 3.0, 0.7, 0.05, 1.5, 0.4), (1.5, 2.0, 0.3, 0.02, 1.0, 0.2),
    (0.9, 1.0, 0.0, 2.0, 1.0, 1.0), (3.0, 7.0, 1.0, 1e-6, 2.0, 0.3), (1e-3, 5.0, 0.99, 10.0, 1e6, 1e-6),
    (0.5, 2.0, 0.25, 1e-12, 1.0, 1.0),
]:
    for name, value in bags(k, rho, lam, s2, [1.0], [gamma], [r2]).items():
        put(f"bags-{name}", [k, rho, lam, s2, 1, 1.0, gamma, r2], value)
for k, rho, lam, s2, spectrum in [
    (4.0, 0.5, 0.05, 0.5, ([2.0, 0.5, 0.05], [0.15, 0.1, 0.05], [0.6, 0.9, 1.8])),
    (2.0, 0.0, 0.3, 1.0, ([1e4, 1.0, 1e-6], [0.01, 0.5, 0.4], [1.0, 0.0, 3.0])),
    (3.0, 1.0, 1e-3, 0.1, ([7.0, 0.0, 0.2], [0.2, 0.3, 0.9], [0.1, 5.0, 1.0])),
]:
    for name, value in bags(k, rho, lam, s2, *spectrum).items():
        put(f"bags-{name}", [k, rho, lam, s2, 3, *spectrum[0], *spectrum[1], *spectrum[2]], value)


def risks(k, gamma, snr):
    """Rows of AGG-5 (iii) at sigma^2 = 1: instance level minus bag level."""
    p = 1 / mpf(k)
    instance = snr * ((1 - p) ** 2 + gamma / (1 - gamma) * p * (1 - p)) + p * gamma / (1 - gamma)
    x = k * gamma
    bag = x / (1 - x) if x < 1 else snr * (1 - 1 / x) + 1 / (x - 1)
    return instance - bag


for gamma, k in [(0.05, 4), (0.1, 2), (0.2, 4), (0.3, 5), (0.5, 4), (0.6, 2), (0.49999, 2), (1e-6, 1000)]:
    # Affine in snr: the root by two values.
    at0, at1 = risks(k, mpf(gamma), mpf(0)), risks(k, mpf(gamma), mpf(1))
    put("critical-snr", [gamma, k], at0 / (at0 - at1))
for gamma, r2, s2 in [(0.1, 0.5, 1.0), (0.3, 1.0, 1.5), (0.2, 1.0, 2.0), (0.45, 0.9, 1.0)]:
    for clip, epsilon in [(0.0, 1.0), (3.0, 1.0), (4.0, 0.25)]:
        kappa = 8 * mpf(clip) ** 2 / mpf(epsilon) ** 2
        g = mpf(gamma)

        def slope(p):
            ratio = g / (1 - g)
            return (mpf(r2) * (-2 * (1 - p) + ratio * (1 - 2 * p)) + ratio * (mpf(s2) + 2 * kappa * p))

        # Linear in p = 1/k.
        at0, at1 = slope(mpf(0)), slope(mpf(1))
        size = (at0 - at1) / at0
        if size > 1:
            put("bag-size", [gamma, r2, s2, clip, epsilon], size)
for gamma, k, r2, s2 in [(0.25, 4.0, 1.0, 0.5), (1.3, 3.0, 1.0, 0.2), (0.01, 2.0, 1e-8, 5.0), (40.0, 1.0, 3.0, 1e-9)]:
    gamma_, k_, r2_, s2_ = map(mpf, (gamma, k, r2, s2))
    fixed = lambda r: r * (1 + r2_ / (k_ * gamma_) / (s2_ + r)) - r2_
    put("bayes", [gamma, k, r2, s2], mpmath.findroot(fixed, (mpf(0), r2_), solver="anderson", tol=mpf(10) ** -200))


# ---- collapse: squared loss --------------------------------------------------------------------------------------
def scalar(m, beta):
    """The best of 0 and the largest stationary point of 1/(1 + x^M) + beta x; stationarity in y = log x."""
    m = int(m)
    if m == 1:
        x = 1 / mpmath.sqrt(beta) - 1
        return (x, 2 * mpmath.sqrt(beta) - beta) if beta < 1 else (mpf(0), mpf(1))
    psi = lambda y: mpmath.log(m) + (m - 1) * y - 2 * mpmath.log1p(mpmath.exp(m * y)) - mpmath.log(beta)
    low = mpmath.log(mpf(m - 1) / (m + 1)) / m
    if psi(low) <= 0:
        return mpf(0), mpf(1)
    high = low + 1
    while psi(high) > 0:
        high = 2 * high - low
    y = mpmath.findroot(psi, (low, high), solver="anderson", tol=mpf(10) ** -200)
    x = mpmath.exp(y)
    g = 1 / (1 + x**m) + beta * x
    return (x, g) if g < 1 else (mpf(0), mpf(1))


for m, beta in [(1, 0.25), (1, 1e-120), (1, 0.999999), (2, 0.1), (3, 0.1), (2, 0.49), (5, 1e-6), (3, 0.529),
                (4, 1e-120), (9, 0.7), (9, 1e-60), (40, 0.5), (2, 0.4999999999)]:
    x, g = scalar(m, mpf(beta))
    put("scalar-x", [m, beta], x)
    put("scalar-value", [m, beta], g)
for m in [2, 3, 4, 6, 9, 100]:
    # beta_c: the value at the stationary point is 1; beta_s: two stationary points meet (maximum of M x^(M-1)/(1+x^M)^2).
    of = lambda y: m * y ** (1 - mpf(1) / m) / (1 + y) ** 2
    touch = mpmath.findroot(lambda y: 1 / (1 + y) + of(y) * y ** (mpf(1) / m) - 1, mpf(m) - 1 + mpf("0.1"),
                            tol=mpf(10) ** -200)
    put("beta-c", [m], of(touch))
    edge = mpmath.findroot(lambda y: (m - 1) * (1 + y) - 2 * m * y, mpf("0.5"), tol=mpf(10) ** -200)
    put("beta-s", [m], of(edge))
    put("critical-product", [m, 5, 17],
        mpmath.exp(m * mpmath.log(of(touch) * mpf(5) / (m * 17)) - mpmath.log(17)))


def squared(counts, lambda_w, lambda_h, rank, free):
    n, m = sum(counts), len(lambda_w)
    targets = [mpf(c) for c in counts]
    if free:
        a = mpmath.matrix(len(counts), len(counts))
        for i, x in enumerate(counts):
            for j, y in enumerate(counts):
                a[i, j] = (x if i == j else 0) - mpf(x) * y / n
        targets = list(mpmath.eigsy(a, eigvals_only=True))
    targets = sorted(targets, reverse=True)
    big = mpf(lambda_h)
    for l in lambda_w:
        big *= mpf(l)
    total = mpf(0)
    for j, t in enumerate(targets):
        if t < mpf(10) ** -90:
            continue
        beta = m * n * (n * big) ** (mpf(1) / m) / t
        total += t * (scalar(m, beta)[1] if j < rank else 1)
    return total / (2 * n)


for counts, rank, lambda_w, lambda_h, free in [
    ([5, 5, 5], 3, [0.01], 0.001, False), ([5, 5, 5], 3, [0.01], 0.001, True),
    ([8, 5, 3, 1], 4, [0.01], 0.002, False), ([8, 5, 3, 1], 4, [0.01], 0.002, True),
    ([8, 5, 3, 1], 2, [0.01], 0.002, False), ([8, 5, 3, 1], 4, [0.005, 0.01], 0.002, True),
    ([8, 5, 5, 1], 3, [0.005, 0.01, 0.003], 0.002, False), ([6, 6, 6, 6], 2, [0.005, 0.01], 0.002, True),
    ([200, 100, 50, 50], 4, [5e-4] * 6, 5e-4, False), ([4, 3, 2], 3, [1e-120], 1e-120, False),
]:
    put("squared", [int(free), rank, lambda_h, len(lambda_w), *lambda_w, *counts],
        squared(counts, lambda_w, lambda_h, rank, free))


# ---- collapse: cross-entropy -------------------------------------------------------------------------------------
for k, n, w, h in [(4, 5, 0.01, 0.005), (3, 7, 0.005, 0.002), (5, 2, 0.05, 0.025), (10, 10, 0.001, 0.001), (2, 1, 1e-120, 1e-120)]:
    lam = mpmath.sqrt(mpf(w) * mpf(h))
    slope = lambda m: 1 / (mpmath.exp(m) + k - 1) - lam * mpmath.sqrt(n)
    m = mpmath.findroot(lambda m: mpmath.log(mpmath.exp(m) + k - 1) + mpmath.log(lam * mpmath.sqrt(n)),
                        -mpmath.log(lam), tol=mpf(10) ** -200)
    put("margin", [k, n, w, h], m)
    put("margin-value", [k, n, w, h], mpmath.log1p((k - 1) * mpmath.exp(-m)) + lam * (k - 1) * mpmath.sqrt(n) * m)


def deep(k, n, depth, lam, inside):
    """The largest stationary margin of the data term plus (L/2) lambda (K-1 outside or inside the power), and the values."""
    big, lam = depth + 1, mpf(lam)
    power = mpf(2) / big
    factor = (mpf(k - 1) * mpmath.sqrt(n)) ** power if inside else (k - 1) * mpmath.sqrt(n) ** power
    value = lambda m: mpmath.log1p((k - 1) * mpmath.exp(-m)) + big * lam / 2 * factor * m**power
    slope = lambda m: -(k - 1) / (mpmath.exp(m) + k - 1) + lam * factor * m ** (power - 1)
    # From the right: the slope is positive beyond the largest root.
    m = mpf(2000)
    while slope(m) > 0:
        m *= mpf("0.98")
        if m < mpf("0.01"):
            return None, mpmath.log(k)
    root = mpmath.findroot(slope, (m, m / mpf("0.98")), solver="anderson", tol=mpf(10) ** -190)
    return root, value(root)


for k, n, depth, lam in [(2, 3, 3, 0.01), (3, 2, 2, 0.001), (4, 2, 3, 0.001), (4, 2, 2, 0.01), (6, 2, 2, 0.005),
                         (10, 5, 2, 2.0**-10), (5, 1, 6, 1e-30)]:
    m, value = deep(k, n, depth, lam, False)
    put("simplex-margin", [k, n, depth, lam], m)
    put("simplex-value", [k, n, depth, lam], value)
    put("deep-bound", [k, n, depth, lam], min(deep(k, n, depth, lam, True)[1], mpmath.log(k)))
for n, total in [(100, 3000), (1, 7), (2, 42), (10**9, 10**12)]:
    put("minority", [n, total], mpmath.sqrt(n) / total)


def two_groups(ka, na, kb, nb, w, h, start):
    """Stationarity of the reduced problem in (m_A, m_B, v_A, v_B), no bias."""
    lam = mpmath.sqrt(mpf(w) * mpf(h))
    n, k = ka * na + kb * nb, ka + kb
    ca, cb = mpmath.sqrt(k) / (ka * mpmath.sqrt(kb * na)), mpmath.sqrt(k) / (kb * mpmath.sqrt(ka * nb))

    def margins(ma, mb, va, vb):
        return ma * (1 - mpf(1) / ka) + ca * va, mb * (1 - mpf(1) / kb) + cb * vb

    def value(ma, mb, va, vb):
        qa, qb = margins(ma, mb, va, vb)
        data = (mpf(ka * na) / n * mpmath.log1p((ka - 1) * mpmath.exp(-ma) + kb * mpmath.exp(-qa))
                + mpf(kb * nb) / n * mpmath.log1p((kb - 1) * mpmath.exp(-mb) + ka * mpmath.exp(-qb)))
        return data + lam * ((ka - 1) * mpmath.sqrt(na) * ma + (kb - 1) * mpmath.sqrt(nb) * mb
                             + mpmath.sqrt(va**2 + vb**2))

    def gradient(ma, mb, va, vb):
        qa, qb = margins(ma, mb, va, vb)
        da = 1 + (ka - 1) * mpmath.exp(-ma) + kb * mpmath.exp(-qa)
        db = 1 + (kb - 1) * mpmath.exp(-mb) + ka * mpmath.exp(-qb)
        wa, wb = mpf(ka * na) / n, mpf(kb * nb) / n
        pa, pb = kb * mpmath.exp(-qa) / da, ka * mpmath.exp(-qb) / db
        norm = mpmath.sqrt(va**2 + vb**2)
        return [-wa * ((ka - 1) * mpmath.exp(-ma) / da + pa * (1 - mpf(1) / ka)) + lam * (ka - 1) * mpmath.sqrt(na),
                -wb * ((kb - 1) * mpmath.exp(-mb) / db + pb * (1 - mpf(1) / kb)) + lam * (kb - 1) * mpmath.sqrt(nb),
                -wa * pa * ca + lam * va / norm, -wb * pb * cb + lam * vb / norm]

    ma, mb, qa, qb = map(mpf, start)
    va, vb = (qa - ma * (1 - mpf(1) / ka)) / ca, (qb - mb * (1 - mpf(1) / kb)) / cb
    found = mpmath.findroot(gradient, (ma, mb, va, vb), tol=mpf(10) ** -160, maxsteps=60)
    return value(*found)


put("two-groups", [3, 6, 2, 2, 0.01, 0.005], two_groups(3, 6, 2, 2, 0.01, 0.005, (4.45, 3.52, 4.13, 3.90)))
put("two-groups", [2, 10, 3, 1, 0.04, 0.025], two_groups(2, 10, 3, 1, 0.04, 0.025, (3.22, 0.90, 2.68, 1.69)))


# ---- in-context learning -----------------------------------------------------------------------------------------
def task(name, lam, psi, sigma2, n):
    lam, psi = mpmath.matrix(lam), mpmath.matrix(psi)
    d = lam.rows
    t = sum((lam * psi)[i, i] for i in range(d))
    a, b = 1 + mpf(1) / n, (t + mpf(sigma2)) / n
    best = psi * mpmath.inverse(a * lam * psi + b * mpmath.eye(d))
    s = a * lam * psi * lam + b * lam
    loss = lam * best * s * best.T - 2 * lam * best * lam * psi + lam * psi
    put("task-minimum", [name], sum(loss[i, i] for i in range(d)))
    for i in range(d):
        for j in range(i, d):
            put("task-entry", [name, i, j], best[i, j])
    values = sorted(mpmath.eigsy((best + best.T) / 2, eigvals_only=True), reverse=True)
    for i, v in enumerate(values):
        put("task-eigenvalue", [name, i], v)
    smallest = lambda m: min(mpmath.eigsy((m + m.T) / 2, eigvals_only=True))
    put("task-curvature", [name], 2 * smallest(lam) * smallest(s))


LAMBDA = [[1.5, 0.4, 0.0], [0.4, 1.0, 0.2], [0.0, 0.2, 0.6]]
PSI = [[1.0, -0.3, 0.1], [-0.3, 0.8, 0.0], [0.1, 0.0, 0.5]]
task(1, [[2.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 0.5]], [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]], 0.0, 10)
task(2, LAMBDA, PSI, 0.25, 8)
task(3, LAMBDA, PSI, 1e-9, 1000000)
for c, s, depth in [(0.5, 0.1, 4), (0.5, 0.0, 6), (2.0, 0.3, 3), (1.0, 1e-12, 50), (0.01, 1e-8, 2)]:
    c_, s_ = mpf(c), mpf(s)
    half = (1 + c_ + s_) / mpmath.sqrt(c_) / 2
    r = 1 / (half + mpmath.sqrt(half**2 - 1))
    if s > 0:
        put("depth-bayes", [c, s], 1 - r / mpmath.sqrt(c_))
    put("depth-risk", [c, s, depth], 1 - r / mpmath.sqrt(c_) * (1 - r ** (2 * depth)) / (1 - r ** (2 * depth + 2)))

header = [f"# Made by make.py with mpmath {mpmath.__version__} at {mp.dps} digits; {DIGITS} digits printed. Do not edit."]
(pathlib.Path(__file__).parent / "table.txt").write_text("\n".join(header + lines) + "\n")
print(f"{len(lines)} values")
