#!/usr/bin/env python3
"""Reference numbers of chapter collapse with 330 digits (the smallest minima are 1e-250 of the terms they are the difference of): python3 reference.py > table.rs (needs mpmath).

Every quantity is found from its definition by a route of its own: bisection of stationarity conditions written in the
parameters themselves, dense eigenvalues, quadrature. Inputs are exact doubles."""
from mpmath import mp, mpf, sqrt, log, exp, eigsy, matrix, findroot, quad, log1p
mp.dps = 330

def bisect(f, a, b):
    """Root of f with f(a) > 0 > f(b)."""
    a, b = mpf(a), mpf(b)
    for _ in range(1100):
        c = (a + b) / 2
        if f(c) > 0: a = c
        else: b = c
    return (a + b) / 2

def scalar(M, beta):
    """x, g, sigma/tau of min 1/(1+x^M) + beta x."""
    beta = mpf(beta)
    g = lambda x: 1 / (1 + x**M) + beta * x
    if M == 1:
        x = 1 / sqrt(beta) - 1 if beta < 1 else mpf(0)
    else:
        # In y = log x the logarithm of the stationarity condition is concave; its right root.
        psi = lambda y: log(M) + (M - 1) * y - 2 * log(1 + exp(M * y)) - log(beta)
        top = log(mpf(M - 1) / (M + 1)) / M
        if psi(top) <= 0: x = mpf(0)
        else:
            y = bisect(psi, top, log(M / beta) / (M + 1) + 1)
            x = exp(y)
            if g(x) > 1: x = mpf(0)
    return x, g(x), x**M / (1 + x**M)

def squares(counts, free):
    K, N = len(counts), sum(counts)
    if not free: return sorted(map(mpf, counts), reverse=True)
    A = matrix(K, K)
    for i in range(K):
        for j in range(K):
            A[i, j] = (counts[i] if i == j else 0) - mpf(counts[i]) * counts[j] / N
    e = sorted(eigsy(A, eigvals_only=True), reverse=True)
    return e[:-1] + [mpf(0)]

def minimum(counts, widths, lw, lh, free):
    """f* by minimising (sigma-tau)^2/2N + L/2 Lambda^(1/L) sigma^(2/L) over sigma directly."""
    N, L = sum(counts), len(lw) + 1
    Lam = mpf(lh)
    for l in lw: Lam *= mpf(l)
    R = min([len(counts)] + widths)
    total, sig = mpf(0), []
    for j, s in enumerate(squares(counts, free)):
        tau = sqrt(s)
        cost = lambda z: (z - tau)**2 / (2 * N) + (mpf(L) / 2) * (Lam * z * z)**(mpf(1) / L)
        best, arg = s / (2 * N), mpf(0)
        if s > 0 and j < R:
            if L == 2:
                z = tau - N * sqrt(Lam)
            else:
                # derivative times z^(1-2/L) N: z^(1-2/L) (z - tau) + N Lambda^(1/L); its largest root.
                d = lambda z: (z - tau) * z**(1 - mpf(2) / L) + N * Lam**(mpf(1) / L)
                low = tau * (1 - mpf(2) / L) / (2 - mpf(2) / L)
                z = bisect(lambda z: -d(z), low, tau) if d(low) < 0 else mpf(0)
                # bisect wants f(a) > 0 > f(b).
            if z > 0 and cost(z) < best: best, arg = cost(z), z
        total += best
        sig.append(arg)
    return total, sig

def f(x): return repr(float(x)) if '.' in repr(float(x)) or 'e' in repr(float(x)) else repr(float(x)) + '.0'
def fl(xs): return '&[' + ', '.join(f(x) for x in xs) + ']'
def il(xs): return '&[' + ', '.join(str(x) for x in xs) + ']'

print('//! Written by `reference.py`: high-precision arithmetic, rounded to doubles.')
print('/// M, beta; x, g, sigma/tau.')
print('pub(super) type Scalar = (usize, f64, f64, f64, f64);')
print('pub(super) const SCALAR: &[Scalar] = &[')
for M in [1, 2, 3, 4, 6, 9, 64, 65, 1000]:
    for beta in [1e-300, 1e-120, 3e-40, 1e-6, 0.1, 0.37, 0.49, 0.52, 0.6, 0.999999, 1.5]:
        x, g, a = scalar(M, beta)
        print(f'    ({M}, {f(beta)}, {f(x)}, {f(g)}, {f(a)}),')
print('];')
print('/// counts, widths, lambda_w, lambda_h, free bias; f*, sigma.')
print("pub(super) type Minimum = (&'static [usize], &'static [usize], &'static [f64], f64, bool, f64, &'static [f64]);")
print('pub(super) const MINIMUM: &[Minimum] = &[')
for case in [
    ([5, 5, 5], [4], [.01], .001, False), ([8, 5, 3, 1], [6, 5], [.005, .01], .002, True),
    ([8, 5, 5, 1], [5, 3, 6], [.005, .01, .003], .002, False),
    ([8, 5, 3, 1], [6], [1e-120], 1e-120, True), ([8, 5, 3, 1], [6], [1e-160], 1e-170, False),
    ([8, 5, 3, 1], [6, 6, 6], [1e-120, 1e-30, 1.0], 1e-120, True),
    ([8, 5, 3, 1], [6, 6], [1e-200, 1e-250], 1e-300, False),
    ([10**9, 7, 1], [3, 3], [1e-12, 1e-9], 1e-11, True), ([10**12, 10**6, 1], [3], [1e-9], 1e-9, False),
    ([10**12, 10**6, 2, 1], [4], [1e-14], 1e-14, True), ([1], [1], [.2], .3, False), ([7], [2, 1], [.02, .01], .3, False),
    ([3, 1, 1], [2, 9], [.05, .001], .03, True), ([4, 4], [1, 1, 1, 1, 1, 1], [.1] * 6, .1, False)]:
    v, s = minimum(*case)
    print(f'    ({il(case[0])}, {il(case[1])}, {fl(case[2])}, {f(case[3])}, {str(case[4]).lower()}, {f(v)}, {fl(s)}),')
print('];')
print('/// counts; squared targets with a free bias.')
print("pub(super) type Square = (&'static [usize], &'static [f64]);")
print('pub(super) const SQUARES: &[Square] = &[')
for c in [[50, 20, 20, 7, 3, 1], [10**12, 10**12 - 1, 1], [10**15, 10**8, 10**3, 1], [1, 2], [1, 10**15], [2, 1, 1, 1, 10**6, 10**6 + 1], list(range(1, 13))]:
    mp.dps = 60
    print(f'    ({il(c)}, {fl(squares(c, True))}),')
print('];')
