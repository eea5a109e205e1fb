//! Bags and private estimators over exact rationals: losses, deterministic equivalents, thresholds, mechanisms on small universes.
//!
//! A mechanism's weight `exp(-epsilon/2)` is an arbitrary rational r in (0, 1): probabilities and their ratios are exact.
use std::collections::{BTreeMap, VecDeque};

use crate::exact::{
    Draw, Matrix, Q, chain, coin, frac, instances, int, mean, pow, product, slope, sum, vectors,
};

/// Bags of equal size: the n x n projection on bag means.
fn bag_means(n: usize, k: usize) -> Matrix {
    Matrix::from_fn(n, n, |i, j| if i / k == j / k { frac(1, k as i64) } else { int(0) })
}

/// Squared losses of predictions `f` in consecutive bags of k, written out: bag level, instance level, within bags.
fn losses(y: &[Q], f: &[Q], k: usize) -> (Q, Q, Q) {
    let (n, size) = (y.len(), int(k as i64));
    let m = n / k;
    let average = |v: &[Q], a: usize| sum(v[a * k..(a + 1) * k].iter().cloned()) / &size;
    let bag = sum((0..m).map(|a| pow(&(average(y, a) - average(f, a)), 2))) / int(m as i64);
    let instance = sum((0..n).map(|i| pow(&(average(y, i / k) - &f[i]), 2))) / int(n as i64);
    let within = sum((0..n).map(|i| pow(&(&f[i] - average(f, i / k)), 2))) / int(n as i64);
    (bag, instance, within)
}

/// Instance level = bag level + within-bag variance, pairs of a bag, linear predictions.
///
/// Exact identity: AGG-1
#[test]
fn instance_is_bag_plus_within() {
    instances(20, |draw| {
        let (k, m, d) = (draw.size(1, 4), draw.size(1, 4), draw.size(1, 3));
        let n = k * m;
        let (x, theta, y) = (draw.matrix(n, d), draw.matrix(d, 1), draw.list(n));
        let f: Vec<Q> = (0..n).map(|i| (&x * &theta).at(i, 0).clone()).collect();
        let (bag, instance, within) = losses(&y, &f, k);
        assert_eq!(instance, &bag + &within);
        let rho = draw.unit();
        assert_eq!(&rho * &bag + (int(1) - &rho) * &instance, &bag + (int(1) - &rho) * &within);
        let pairs =
            sum((0..n * n).filter(|p| p / n / k == p % n / k).map(|p| pow(&(&f[p / n] - &f[p % n]), 2)));
        assert_eq!(within, pairs / int(2 * (n * k) as i64));
        let deviations = &x - &(&bag_means(n, k) * &x);
        assert_eq!(within, (&deviations * &theta).norm2() / int(n as i64));
        if k == 1 {
            assert_eq!(within, int(0));
        }
    });
}

/// Canonical losses `psi(f) - y f`: the gap does not see the labels; for `psi = f^2` it is the variance. Taylor's remainder
/// of a quartic by Simpson's rule, exact at its degree.
///
/// Exact identity: AGG-2
#[test]
fn canonical_losses() {
    instances(12, |draw| {
        let (k, m) = (draw.size(1, 4), draw.size(1, 3));
        let n = k * m;
        let (y, f, c) = (draw.list(n), draw.list(n), draw.list(5));
        let psi = |x: &Q| sum((0..5).map(|j| &c[j] * pow(x, j as i64)));
        let bend = |x: &Q| sum((2..5).map(|j| int((j * (j - 1)) as i64) * &c[j] * pow(x, j as i64 - 2)));
        let size = int(k as i64);
        let average = |v: &[Q], a: usize| sum(v[a * k..(a + 1) * k].iter().cloned()) / &size;
        let (mut gap, mut free, mut taylor) = (int(0), int(0), int(0));
        for a in 0..m {
            let (label, middle) = (average(&y, a), average(&f, a));
            let loss = |x: &Q| psi(x) - &label * x;
            for x in &f[a * k..(a + 1) * k] {
                gap += (loss(x) - loss(&middle)) / int(n as i64);
                free += (psi(x) - psi(&middle)) / int(n as i64);
                let off = x - &middle;
                // (1 - t) psi''(middle + t off) is cubic in t.
                let at = |t: Q| (int(1) - &t) * bend(&(&middle + &t * &off));
                let integral = (at(int(0)) + int(4) * at(frac(1, 2)) + at(int(1))) / int(6);
                taylor += &off * &off * integral / int(n as i64);
            }
        }
        assert_eq!(gap, free);
        assert_eq!(gap, taylor);
    });
}

/// Normal equations (gradient against derivatives of the objective), the interpolators, plain descent in closed form.
///
/// Exact identity: AGG-3, AGG-16
#[test]
fn estimator_and_descent() {
    instances(8, |draw| {
        let (k, m, d) = (draw.size(1, 3), draw.size(1, 3), draw.size(1, 3));
        let n = k * m;
        let (x, y) = (draw.matrix(n, d), draw.list(n));
        let (rho, lambda) = (draw.unit(), draw.positive());
        let p = bag_means(n, k);
        let kept = chain(&[&x.t(), &p, &x]);
        let spread = &(&x.t() * &x) - &kept;
        let size = int(n as i64);
        let h = &(&kept + &spread.scale(&(int(1) - &rho))) + &Matrix::identity(d).scale(&(&size * &lambda));
        let right = chain(&[&x.t(), &p, &Matrix::column(&y)]);
        let objective = |theta: &Matrix| {
            let f: Vec<Q> = (0..n).map(|i| (&x * theta).at(i, 0).clone()).collect();
            let (bag, instance, _) = losses(&y, &f, k);
            &rho * bag + (int(1) - &rho) * instance + &lambda * theta.norm2()
        };
        let theta = draw.matrix(d, 1);
        let gradient = (&(&h * &theta) - &right).scale(&(int(2) / &size));
        for j in 0..d {
            let along = |t: &Q| {
                let mut moved = theta.clone();
                moved.set(j, 0, theta.at(j, 0) + t);
                objective(&moved)
            };
            assert_eq!(slope(along), *gradient.at(j, 0));
        }
        let best = &h.inverse().expect("definite") * &right;
        // Three steps of descent.
        let eta = draw.positive();
        let mut point = theta.clone();
        for _ in 0..3 {
            let slope = (&(&h * &point) - &right).scale(&(int(2) / &size));
            point = &point - &slope.scale(&eta);
        }
        let factor = &Matrix::identity(d) - &h.scale(&(int(2) * eta / &size));
        assert_eq!(point, &best + &(&factor.power(3) * &(&theta - &best)));
    });
    let mut full = 0;
    instances(8, |draw| {
        // n <= d: X'(XX')^-1 P y satisfies A theta = y_A and D theta = 0, so it is optimal for every rho < 1.
        let (k, m) = (2, draw.size(1, 2));
        let n = k * m;
        let (x, y) = (draw.matrix(n, n + 1), draw.matrix(n, 1));
        let Some(gram) = (&x * &x.t()).inverse() else { return };
        full += 1;
        let p = bag_means(n, k);
        let theta = chain(&[&x.t(), &gram, &p, &y]);
        let fitted = &x * &theta;
        assert_eq!(&p * &fitted, &p * &y);
        assert_eq!(&fitted - &(&p * &fitted), Matrix::zeros(n, 1));
    });
    assert!(full >= 6, "{full} designs of full row rank");
}

/// Two groups of rows with the fixed point solved by construction: weights are scaled until delta is the chosen number.
pub(crate) struct Equivalent {
    pub(crate) p: Q,
    pub(crate) tau: Q,
    pub(crate) lambda: Q,
    pub(crate) delta: Q,
    pub(crate) s: Q,
    pub(crate) sigma: Vec<Q>,
    pub(crate) weight: Vec<Q>,
    pub(crate) energy: Vec<Q>,
}

impl Equivalent {
    pub(crate) fn new(draw: &mut Draw, values: usize) -> Self {
        let (p, tau, lambda, delta) = (draw.unit(), draw.unit(), draw.positive(), draw.positive());
        let s = &p / (int(1) + &delta) + (int(1) - &p) * &tau / (int(1) + &tau * &delta);
        let sigma: Vec<Q> = (0..values).map(|_| draw.positive()).collect();
        let raw: Vec<Q> = (0..values).map(|_| draw.positive()).collect();
        let total = sum(sigma.iter().zip(&raw).map(|(g, w)| w * g / (&s * g + &lambda)));
        let weight = raw.iter().map(|w| w * &delta / &total).collect();
        let energy = (0..values).map(|_| draw.positive()).collect();
        Self { p, tau, lambda, delta, s, sigma, weight, energy }
    }

    pub(crate) fn trace(&self, i: i64, m: i64) -> Q {
        sum(self
            .sigma
            .iter()
            .zip(&self.weight)
            .map(|(g, w)| w * pow(g, i) / pow(&(&self.s * g + &self.lambda), m)))
    }

    /// `(g_A, g_B)`.
    pub(crate) fn groups(&self) -> (Q, Q) {
        let a = &self.p / pow(&(int(1) + &self.delta), 2);
        let b = (int(1) - &self.p) * &self.tau * &self.tau / pow(&(int(1) + &self.tau * &self.delta), 2);
        (a, b)
    }

    /// `(s_A, s_B)`.
    pub(crate) fn shares(&self) -> (Q, Q) {
        let a = &self.p / (int(1) + &self.delta);
        (a.clone(), &self.s - a)
    }
}

/// The denominator without cancellation, the general risk (A4) against the two-group form (A5), the derivative of the
/// equation for delta.
///
/// Exact identity: AGG-4
#[test]
fn deterministic_equivalent() {
    instances(12, |draw| {
        let values = draw.size(1, 3);
        let e = Equivalent::new(draw, values);
        let sigma2 = draw.positive();
        let (ga, gb) = e.groups();
        let (sa, sb) = e.shares();
        let g = &ga + &gb;
        let f = e.trace(2, 2);
        let one = int(1);
        let free = (&e.p / pow(&(&one + &e.delta), 2)
            + (&one - &e.p) * &e.tau / pow(&(&one + &e.tau * &e.delta), 2)
            + &e.lambda * e.trace(1, 2) * &g)
            / &e.s;
        assert_eq!(&one - &f * &g, free);
        // (A4): bar theta = sigma s_A/(s sigma + lambda) theta, targets 1 and 0.
        let factor = |j: usize| &e.sigma[j] * &sa / (&e.s * &e.sigma[j] + &e.lambda);
        let miss = |target: i64| {
            sum((0..values).map(|j| &e.sigma[j] * pow(&(factor(j) - int(target)), 2) * &e.energy[j]))
        };
        let v = (&ga * (miss(1) + &sigma2) + &gb * miss(0)) / (&one - &f * &g);
        let general = miss(1) + &f * v;
        let weighted = |above: &dyn Fn(usize) -> Q| {
            sum((0..values).map(|j| {
                let ratio = above(j) / (&e.s * &e.sigma[j] + &e.lambda);
                &e.sigma[j] * &ratio * &ratio * &e.energy[j]
            }))
        };
        let a = weighted(&|j| &sb * &e.sigma[j] + &e.lambda);
        let c = weighted(&|j| &sa * &e.sigma[j]);
        let bias = &a + &f * (&ga * &a + &gb * &c) / &free;
        let variance = sigma2 * &f * &ga / &free;
        assert_eq!(general, bias + variance);
    });
}

/// Isotropic designs: the equation for delta, the ridgeless quadratic, both endpoints from the general formula, and their
/// left limit.
///
/// Exact identity: AGG-5
#[test]
fn isotropic_closed_forms() {
    instances(12, |draw| {
        let e = Equivalent::new(draw, 1);
        // Sigma = I: rescale lambda and weight so that the eigenvalue is 1.
        let (p, tau, delta, one) = (&e.p, &e.tau, &e.delta, int(1));
        let lambda = &e.lambda;
        let gamma = delta * (&e.s + lambda);
        let left =
            lambda * delta + p * delta / (&one + delta) + (&one - p) * tau * delta / (&one + tau * delta);
        assert_eq!(left, gamma);
        // Ridgeless: gamma = delta s solves the quadratic.
        let gamma = delta * &e.s;
        let b = p + (&one - p) * tau - &gamma * (&one + tau);
        assert_eq!(tau * (&one - &gamma) * delta * delta + b * delta, gamma);
        // Risk without ridge from (A5) at weights (1, tau).
        let (r2, s2) = (draw.positive(), draw.positive());
        let risk = |p: &Q, tau: &Q, delta: &Q| {
            let (sa, sb) = (p / (&one + delta), (&one - p) * tau / (&one + tau * delta));
            let s = &sa + &sb;
            let (ga, gb) =
                (p / pow(&(&one + delta), 2), (&one - p) * tau * tau / pow(&(&one + tau * delta), 2));
            let f = delta * &s / (&s * &s);
            let left = &one - &f * (&ga + &gb);
            let (a, c) = (&r2 * pow(&(&sb / &s), 2), &r2 * pow(&(&sa / &s), 2));
            (&a + &f * (&ga * &a + &gb * &c) / &left, &s2 * &f * &ga / &left)
        };
        // Instance level: delta = gamma/(1 - gamma); bag level: delta = k gamma/(1 - k gamma).
        let g = draw.unit();
        let q = &one - p;
        let printed = (&r2 * (&q * &q + &g / (&one - &g) * p * &q), &s2 * p * &g / (&one - &g));
        assert_eq!(risk(p, &one, &(&g / (&one - &g))), printed);
        let (variance, share) = (&s2 * &g / (&one - &g), &g / (&one - &g));
        assert_eq!(risk(p, &int(0), &share), (int(0), variance));
    });
    instances(8, |draw| {
        // tau -> 0 at p < gamma < 1: with delta = x/tau, the leading coefficients of (A5) in tau.
        let p = draw.unit();
        let gamma = &p + (int(1) - &p) * draw.unit();
        let (one, r2, s2) = (int(1), draw.positive(), draw.positive());
        // s = tau (p/x + q/(1+x)), gamma = delta s = p + q x/(1+x).
        let q = &one - &p;
        let x = (&gamma - &p) / (&one - &gamma);
        assert_eq!(&p + &q * &x / (&one + &x), gamma);
        let (sa, sb) = (&p / &x, &q / (&one + &x));
        let s = &sa + &sb;
        let (ga, gb) = (&p / (&x * &x), &q / pow(&(&one + &x), 2));
        let f = &gamma / (&s * &s);
        let left = &one - &f * (&ga + &gb);
        let (a, c) = (&r2 * pow(&(&sb / &s), 2), &r2 * pow(&(&sa / &s), 2));
        let bias = &a + &f * (&ga * &a + &gb * &c) / &left;
        let variance = &s2 * &f * &ga / &left;
        let excess = &gamma - &p;
        assert_eq!(bias, &r2 * &excess * (&one - &excess) / (&gamma * (&one - &gamma)));
        assert_eq!(variance, &s2 * &p * &q / (&excess * (&one - &gamma)));
    });
}

/// Haar second moments give the printed finite-size risk; so does the average over random bags of the conditional risk.
///
/// Exact identity: AGG-6, AGG-14
#[test]
fn finite_sizes() {
    instances(20, |draw| {
        let (k, m) = (draw.whole(1, 4), draw.whole(3, 6));
        let n = k * m;
        let d = draw.whole(1, n - 2);
        let q = n - m;
        let (n_, m_, q_, d_) = (int(n), int(m), int(q), int(d));
        let one = int(1);
        let last = &n_ - &d_ - &one;
        let diagonal = &q_ * (&q_ + int(2)) / (&n_ * (&n_ + int(2)));
        let alpha = &m_ * &q_ / (&n_ * (&n_ + int(2)) * (&n_ - &one));
        // E V M V = alpha tr(M) + beta M with M = W E W^-1 W averaged: alpha E[tr W tr W^-1]/d + beta.
        let beta = &diagonal - &alpha;
        let bias = &beta + &alpha * (&n_ * &d_ - int(2)) / &last;
        let printed = &diagonal
            + &m_ * &q_ / (&n_ * (&n_ + int(2))) * (&d_ - &one) * (&n_ + &one) / ((&n_ - &one) * &last);
        assert_eq!(bias, printed);
        // Conditional on omega and |z|^2: Beta(q/2, m/2) and chi^2_n, independent.
        let kappa = (&d_ - &one) / ((&n_ - &one) * &last);
        let (w1, w2) = (&q_ / &n_, diagonal.clone());
        let averaged = &w2 + &kappa * (&w1 - &w2) * (&n_ + &one);
        assert_eq!(averaged, printed);
        let inverse = &one / (&n_ - int(2));
        let variance = (&one - &w1) * &inverse + (&m_ - &one + &w1) * &kappa * (&one + &inverse);
        assert_eq!(variance, &m_ * &d_ / (&n_ * &last));
    });
}

/// The coefficients of a rotation-invariant projection from its two invariants: against independent entries.
///
/// Exact identity: AGG-7
#[test]
fn invariant_second_moments() {
    instances(10, |draw| {
        let d = draw.whole(2, 6);
        let (alpha, beta) = (draw.any(), draw.any());
        let d_ = int(d);
        // E V_ij V_kl = (beta - alpha) d_ij d_kl + alpha (d_ik d_jl + d_il d_jk), summed index by index.
        let delta = |a: i64, b: i64| int(i64::from(a == b));
        let entry = |i: i64, j: i64, k: i64, l: i64| {
            (&beta - &alpha) * delta(i, j) * delta(k, l)
                + &alpha * (delta(i, k) * delta(j, l) + delta(i, l) * delta(j, k))
        };
        let all = || (0..d * d).map(|p| (p / d, p % d));
        let q2 = sum(all().map(|(i, j)| entry(i, j, j, i)));
        let q11 = sum(all().map(|(i, k)| entry(i, i, k, k)));
        let solved = (&d_ * &q2 - &q11) / (&d_ * (&d_ - int(1)) * (&d_ + int(2)));
        assert_eq!(solved, alpha);
        assert_eq!(&q2 / &d_ - &d_ * &solved, beta);
        // One set of numbers u: tau = 1 is 1 - u.
        let tau = draw.unit();
        let u = draw.unit();
        let v = &tau * (int(1) - &u) / (&u + &tau * (int(1) - &u));
        let h = &u / pow(&(&u + &tau * (int(1) - &u)), 2);
        assert_eq!(pow(&(int(1) - &v), 2), &h * &u);
    });
}

fn bag_risk(k: &Q, gamma: &Q, r2: &Q, s2: &Q) -> Q {
    let x = k * gamma;
    if x < int(1) { s2 * &x / (int(1) - x) } else { r2 * (int(1) - int(1) / &x) + s2 / (x - int(1)) }
}

fn instance_risk(k: &Q, gamma: &Q, r2: &Q, s2: &Q) -> Q {
    let (p, one) = (int(1) / k, int(1));
    let q = &one - &p;
    if *gamma < one {
        r2 * (&q * &q + gamma / (&one - gamma) * &p * &q) + s2 * &p * gamma / (&one - gamma)
    } else {
        let bias = &one - int(2) * &p / gamma + &p * &p / gamma + &p * &q / (gamma - &one);
        r2 * bias + s2 * &p / (gamma - &one)
    }
}

/// At the critical signal-to-noise ratio both limiting risks are equal, and their order changes there.
///
/// Exact identity: AGG-8
#[test]
fn critical_ratio() {
    let mut cases = [0; 3];
    instances(40, |draw| {
        let k = int(draw.whole(2, 6));
        let gamma = draw.positive() / int(3);
        let (p, one, x) = (int(1) / &k, int(1), &k * &gamma);
        if x == one || gamma == one {
            return;
        }
        let s2 = draw.positive();
        let gap =
            |snr: &Q| instance_risk(&k, &gamma, &(snr * &s2), &s2) - bag_risk(&k, &gamma, &(snr * &s2), &s2);
        if gamma > one {
            cases[2] += 1;
            let snr = draw.positive();
            let q = &one - &p;
            let printed = &snr * &s2 * &p * &q / (&gamma * (&gamma - &one))
                + &s2 * (&p / (&gamma - &one) - &p / (&gamma - &p));
            assert_eq!(gap(&snr), printed);
            assert!(gap(&snr) > int(0));
            return;
        }
        let critical = if x < one {
            cases[0] += 1;
            &x * (&k + &one - &x) / ((&one - &x) * (&k - &one - &x + int(2) * &gamma))
        } else {
            cases[1] += 1;
            let above = &gamma * (&one - &gamma - &gamma * &gamma + &p * &gamma);
            let inner =
                &one - int(3) * &gamma + int(3) * &gamma * &gamma + &p * &gamma * (&one - int(2) * &gamma);
            assert!(inner > int(0));
            above / ((&gamma - &p) * inner)
        };
        if critical > int(0) {
            assert_eq!(gap(&critical), int(0));
            assert!(gap(&(&critical * frac(9, 10))) < int(0) && gap(&(&critical * frac(11, 10))) > int(0));
        } else {
            assert!(gap(&draw.positive()) > int(0));
        }
    });
    assert!(cases.iter().all(|&c| c > 2), "{cases:?}");
}

/// The best bag size is the vertex of a parabola in 1/k, with and without private noise; `k* >= 1` exactly for snr <= 1.
///
/// Exact identity: AGG-9, AGG-11
#[test]
fn best_bag_size() {
    let mut sizes = [0; 2];
    instances(60, |draw| {
        let gamma = draw.unit() / int(2);
        let (r2, s2, one) = (draw.positive(), draw.positive(), int(1));
        let below = int(2) * &r2 * (&one - &gamma) - &gamma * (&r2 + &s2);
        for kappa in [int(0), draw.positive()] {
            let risk = |p: &Q| {
                let q = &one - p;
                &r2 * (&q * &q + &gamma / (&one - &gamma) * p * &q)
                    + &gamma / (&one - &gamma) * (&s2 + &kappa * p) * p
            };
            let above = int(2) * (&r2 * (&one - int(2) * &gamma) + &gamma * &kappa);
            if below <= int(0) {
                // Least at p = 0: increasing from there.
                sizes[0] += 1;
                assert!(risk(&frac(1, 100)) >= risk(&int(0)));
                continue;
            }
            sizes[1] += 1;
            let p = &below / &above;
            assert_eq!(slope(|t| risk(&(&p + t))), int(0));
            if kappa == int(0) {
                assert_eq!(p < one, r2 < s2);
                assert_eq!(below > int(0), &r2 / &s2 > &gamma / (int(2) - int(3) * &gamma));
            }
        }
    });
    assert!(sizes.iter().all(|&c| c > 4), "{sizes:?}");
}

/// The optimal ridge: completed square over all linear estimators at finite size, fixed point of the limit, delta = R/sigma^2.
///
/// Exact identity: AGG-10
#[test]
fn bayes_ridge() {
    instances(6, |draw| {
        // Bags of four: S has entries 1/2.
        let (k, m, d) = (4, draw.size(1, 2), draw.size(1, 3));
        let n = k * m;
        let s = Matrix::from_fn(m, n, |a, i| if i / k == a { frac(1, 2) } else { int(0) });
        let design = &s * &draw.matrix(n, d);
        let (root, sigma) = (draw.positive(), draw.positive());
        // theta = root g with unit coins: r^2/d = root^2.
        let average = |map: &Matrix| {
            mean(&vectors(&coin(), d), |g| {
                let theta = Matrix::column(g).scale(&root);
                mean(&vectors(&coin(), m), |e| {
                    let y = &(&design * &theta) + &Matrix::column(e).scale(&sigma);
                    (&(map * &y) - &theta).norm2()
                })
            })
        };
        let ratio = pow(&(&sigma / &root), 2);
        let h = &(&design.t() * &design) + &Matrix::identity(d).scale(&ratio);
        let best = &h.inverse().expect("definite") * &design.t();
        let other = draw.matrix(d, m);
        let step = &other - &best;
        let noise =
            &(&design * &design.t()).scale(&(&root * &root)) + &Matrix::identity(m).scale(&(&sigma * &sigma));
        assert_eq!(average(&other), average(&best) + chain(&[&step, &noise, &step.t()]).trace());
    });
    instances(12, |draw| {
        let (risk, s2, k) = (draw.positive(), draw.positive(), int(draw.whole(1, 5)));
        let gamma = draw.positive();
        let (one, p) = (int(1), int(1) / &k);
        let below = &one - &risk / (&k * &gamma * (&s2 + &risk));
        if below <= int(0) {
            return;
        }
        let r2 = &risk / below;
        assert_eq!(risk, &r2 / (&one + &r2 / (&k * &gamma * (&s2 + &risk))));
        let b = &s2 + &r2 / (&k * &gamma) - &r2;
        assert_eq!(&risk * &risk + b * &risk, &r2 * &s2);
        // The bag-level limit at lambda = gamma sigma^2/r^2 has delta = R/sigma^2 and this risk.
        let (lambda, delta) = (&gamma * &s2 / &r2, &risk / &s2);
        assert_eq!(&lambda * &delta + &p * &delta / (&one + &delta), gamma);
        let s = &p / (&one + &delta);
        let g = &p / pow(&(&one + &delta), 2);
        let f = &gamma / pow(&(&s + &lambda), 2);
        let a = &r2 * pow(&(&lambda / (&s + &lambda)), 2);
        let left = &one - &f * &g;
        assert_eq!(&a + &f * &g * &a / &left + &s2 * &f * &g / &left, risk);
    });
}

/// Every split of n values into bags of k.
fn partitions(items: &[usize], k: usize) -> Vec<Vec<Vec<usize>>> {
    let Some((&first, rest)) = items.split_first() else { return vec![Vec::new()] };
    let mut all = Vec::new();
    for mask in 0..1_usize << rest.len() {
        if mask.count_ones() as usize != k - 1 {
            continue;
        }
        let (mut bag, mut others) = (vec![first], Vec::new());
        for (i, &item) in rest.iter().enumerate() {
            if mask >> i & 1 == 1 { bag.push(item) } else { others.push(item) }
        }
        for mut tail in partitions(&others, k) {
            tail.push(bag.clone());
            all.push(tail);
        }
    }
    all
}

/// The mean cost of random bags, and sorted blocks as the best ones, over all partitions.
///
/// Exact identity: AGG-15
#[test]
fn curated_bags() {
    for (n, k) in [(4, 2), (6, 2), (6, 3), (8, 4)] {
        instances(3, |draw| {
            let mut values = draw.list(n);
            values.sort();
            let cost = |bags: &Vec<Vec<usize>>| {
                sum(bags.iter().map(|bag| {
                    let center = sum(bag.iter().map(|&i| values[i].clone())) / int(k as i64);
                    sum(bag.iter().map(|&i| pow(&(&values[i] - &center), 2)))
                }))
            };
            let all = partitions(&(0..n).collect::<Vec<_>>(), k);
            let average = sum(all.iter().map(cost)) / int(all.len() as i64);
            let center = sum(values.iter().cloned()) / int(n as i64);
            let spread = sum(values.iter().map(|v| pow(&(v - &center), 2)));
            assert_eq!(average, frac((n - n / k) as i64, n as i64 - 1) * spread);
            let blocks = (0..n / k).map(|a| (a * k..(a + 1) * k).collect()).collect();
            assert_eq!(all.iter().map(cost).min().expect("partitions"), cost(&blocks));
        });
    }
}

/// All multisets of n symbols out of q, sorted.
fn universe(q: usize, n: usize) -> Vec<Vec<usize>> {
    (0..n).fold(vec![Vec::new()], |sofar, _| {
        sofar
            .into_iter()
            .flat_map(|s: Vec<usize>| {
                let low = s.last().copied().unwrap_or(0);
                (low..q).map(move |v| {
                    let mut s = s.clone();
                    s.push(v);
                    s
                })
            })
            .collect()
    })
}

/// Datasets one replacement away.
fn neighbours(s: &[usize], q: usize) -> Vec<Vec<usize>> {
    let mut all = Vec::new();
    for i in 0..s.len() {
        for v in 0..q {
            let mut t = s.to_vec();
            t[i] = v;
            t.sort_unstable();
            all.push(t);
        }
    }
    all
}

/// A value of a dataset.
type Estimator<'a> = dyn Fn(&[usize]) -> usize + 'a;

/// Path lengths of every output by breadth-first search.
fn lengths(s: &[usize], q: usize, f: &Estimator<'_>) -> BTreeMap<usize, i64> {
    let mut distance = BTreeMap::from([(s.to_vec(), 0)]);
    let mut queue = VecDeque::from([s.to_vec()]);
    let mut found = BTreeMap::new();
    while let Some(at) = queue.pop_front() {
        let steps = distance[&at];
        found.entry(f(&at)).or_insert(steps);
        for next in neighbours(&at, q) {
            if !distance.contains_key(&next) {
                distance.insert(next.clone(), steps + 1);
                queue.push_back(next);
            }
        }
    }
    found
}

/// The inverse-sensitivity law `r^len` over outputs, normalised.
fn law(lengths: &BTreeMap<usize, i64>, r: &Q) -> BTreeMap<usize, Q> {
    let total = sum(lengths.values().map(|&l| pow(r, l)));
    lengths.iter().map(|(&t, &l)| (t, pow(r, l) / &total)).collect()
}

fn order_statistic(j: usize) -> impl Fn(&[usize]) -> usize {
    move |s| s[j - 1]
}

/// Laws sum to one, lengths are 1-Lipschitz, and the largest ratio over all neighbours and outputs is at most `r^-2 = e^epsilon`,
/// for order statistics, sums and a trimmed sum.
///
/// Exact identity: DP-1, DP-7, DP-12
#[test]
fn exact_privacy_loss() {
    let sum_of = |s: &[usize]| s.iter().sum::<usize>();
    let trimmed = |s: &[usize]| s[1..s.len() - 1].iter().sum::<usize>();
    let median = order_statistic(2);
    let estimators: [(usize, usize, &Estimator<'_>); 4] =
        [(3, 3, &median), (4, 3, &median), (3, 3, &sum_of), (3, 4, &trimmed)];
    for (q, n, f) in estimators {
        instances(2, |draw| {
            let r = draw.unit();
            let all: BTreeMap<Vec<usize>, _> = universe(q, n)
                .into_iter()
                .map(|s| {
                    let l = lengths(&s, q, f);
                    (s, (law(&l, &r), l))
                })
                .collect();
            let mut worst = int(1);
            for (s, (probabilities, lengths)) in &all {
                assert_eq!(sum(probabilities.values().cloned()), int(1));
                for t in neighbours(s, q) {
                    let (other, far) = &all[&t];
                    for (output, p) in probabilities {
                        assert!((lengths[output] - far[output]).abs() <= 1);
                        worst = worst.max(p / &other[output]);
                    }
                }
            }
            assert!(worst <= pow(&r, -2) && worst > int(1), "{q} {n}");
            // Private implies robust: j replacements change a probability by at most e^(j epsilon).
            for (s, (probabilities, _)) in &all {
                let mut reached = vec![s.clone()];
                for j in 1..=2 {
                    reached = reached.iter().flat_map(|s| neighbours(s, q)).collect();
                    reached.sort();
                    reached.dedup();
                    for t in &reached {
                        for (output, p) in probabilities {
                            assert!(p <= &(&all[t].0[output] * pow(&worst, j)));
                        }
                    }
                }
            }
        });
    }
}

/// Closed path lengths of order statistics and sums against the search.
///
/// Exact identity: DP-3, DP-4
#[test]
fn path_lengths() {
    for (q, n) in [(4_usize, 3_usize), (3, 4), (5, 3)] {
        for s in universe(q, n) {
            for j in 1..=n {
                for (t, found) in lengths(&s, q, &order_statistic(j)) {
                    let low = s.iter().filter(|&&x| x < t).count() as i64;
                    let high = s.iter().filter(|&&x| x > t).count() as i64;
                    assert_eq!(found, 0.max(low - (j as i64 - 1)).max(high - (n - j) as i64));
                }
            }
            for (t, found) in lengths(&s, q, &|s| s.iter().sum()) {
                let reach = |j: usize| {
                    let least: usize = s[..n - j].iter().sum();
                    let most = s[j..].iter().sum::<usize>() + j * (q - 1);
                    least <= t && t <= most
                };
                assert_eq!(found, (0..=n).find(|&j| reach(j)).expect("all reachable") as i64);
            }
        }
    }
}

/// Two-dimensional medians on a grid: the covering formula against the search.
///
/// Exact identity: DP-5
#[test]
fn plane_medians() {
    let (side, n) = (3_usize, 3_usize);
    let h = n / 2;
    let median = move |s: &[usize]| {
        let coordinate = |f: &dyn Fn(usize) -> usize| {
            let mut c: Vec<usize> = s.iter().map(|&v| f(v)).collect();
            c.sort_unstable();
            c[h]
        };
        coordinate(&|v| v / side) * side + coordinate(&|v| v % side)
    };
    for s in universe(side * side, n) {
        for (t, found) in lengths(&s, side * side, &median) {
            let offending = |f: &dyn Fn(usize) -> usize| -> Vec<usize> {
                let below: Vec<usize> = (0..n).filter(|&i| f(s[i]) < f(t)).collect();
                let above: Vec<usize> = (0..n).filter(|&i| f(s[i]) > f(t)).collect();
                [below, above].into_iter().find(|o| o.len() > h).unwrap_or_default()
            };
            let (one, two) = (offending(&|v| v / side), offending(&|v| v % side));
            let excess = |o: &Vec<usize>| o.len().saturating_sub(h) as i64;
            let both = one.iter().filter(|i| two.contains(i)).count() as i64;
            let (d1, d2) = (excess(&one), excess(&two));
            assert_eq!(found, d1.max(d2).max(d1 + d2 - both));
        }
    }
}

/// Nested intervals of the median and the mean: what j replacements reach, the normaliser as a sum over segments, total
/// probability one, the tail bound.
///
/// Exact identity: DP-2, DP-6, DP-8
#[test]
fn nested_intervals() {
    instances(20, |draw| {
        let h = draw.size(1, 3);
        let n = 2 * h + 1;
        let (low, high) = (int(-5), int(5));
        let mut x = draw.list(n);
        x.sort();
        let (rho, r) = (draw.unit(), draw.unit());
        let at = |i: i64| {
            if i <= 0 {
                low.clone()
            } else if i > n as i64 {
                high.clone()
            } else {
                x[i as usize - 1].clone()
            }
        };
        let median: Vec<(Q, Q)> =
            (0..=h as i64 + 1).map(|j| (at(h as i64 + 1 - j), at(h as i64 + 1 + j))).collect();
        let average = |values: &[Q], j: usize, end: &Q| {
            (sum(values.iter().cloned()) + int(j as i64) * end) / int(n as i64)
        };
        let mean: Vec<(Q, Q)> =
            (0..=n).map(|j| (average(&x[..n - j], j, &low), average(&x[j..], j, &high))).collect();
        // The median of any data with j values replaced by either end lies at the ends of interval j.
        for (j, (least, most)) in median.iter().enumerate().take(h + 1) {
            for (end, edge) in [(&low, least), (&high, most)] {
                let mut moved: Vec<Q> = x.clone();
                let kept = if end == &low { n - j..n } else { 0..j };
                moved[kept].fill(end.clone());
                moved.sort();
                assert_eq!(&moved[h], edge);
            }
        }
        for intervals in [median, mean] {
            for pair in intervals.windows(2) {
                assert!(pair[1].0 <= pair[0].0 && pair[0].1 <= pair[1].1);
            }
            let printed = int(2) * &rho
                + sum(intervals
                    .windows(2)
                    .enumerate()
                    .map(|(j, w)| pow(&r, j as i64 + 1) * ((&w[0].0 - &w[1].0) + (&w[1].1 - &w[0].1))));
            // Integrate r^len over [low - rho, high + rho] segment by segment.
            let mut edges: Vec<Q> = intervals.iter().flat_map(|(a, b)| [a - &rho, b + &rho]).collect();
            edges.sort();
            let mut weights = BTreeMap::new();
            for pair in edges.windows(2) {
                let t = (&pair[0] + &pair[1]) / int(2);
                let length =
                    intervals.iter().position(|(a, b)| a - &rho <= t && t <= b + &rho).expect("covered");
                *weights.entry(length as i64).or_insert(int(0)) +=
                    (&pair[1] - &pair[0]) * pow(&r, length as i64);
            }
            assert_eq!(sum(weights.values().cloned()), printed);
            // Tails: at most (R/rho + 1) r^K with R = 5.
            for k in 1..=intervals.len() as i64 {
                let tail = sum(weights.range(k..).map(|(_, w)| w.clone())) / &printed;
                assert!(tail <= (int(5) / &rho + int(1)) * pow(&r, k));
            }
        }
    });
}

/// Packing: the mechanism's law on each dataset, and the limit for any private law.
///
/// Exact identity: DP-13
#[test]
fn packing() {
    instances(4, |draw| {
        let (q, h) = (draw.size(2, 4), draw.size(1, 2));
        let n = 2 * h + 1;
        let r = draw.unit();
        for t in 0..q {
            let mut s = [vec![0; h], vec![t], vec![q - 1; h]].concat();
            s.sort_unstable();
            let law = law(&lengths(&s, q, &order_statistic(h + 1)), &r);
            let others = int(q as i64 - 1);
            assert_eq!(law[&t], int(1) / (int(1) + &others * &r));
            assert!(law.values().all(|p| p <= &law[&t]) && n == s.len());
            // Any law with ratios at least e^-epsilon = r^2: 1 >= P + (q-1) r^2 P; this one is within the factor 2.
            assert!(law[&t] <= int(1) / (int(1) + &others * &r * &r));
        }
    });
}

/// The clipped mean moves by at most 2T/k, so that Laplace noise of scale `2T/(k epsilon)` has loss at most epsilon, attained.
///
/// Exact identity: AGG-11
#[test]
fn label_privacy() {
    instances(10, |draw| {
        let (k, t, epsilon) = (draw.size(1, 4), draw.positive(), draw.positive());
        let clip = |v: &Q| v.clone().max(-&t).min(t.clone());
        let mean = |v: &[Q]| sum(v.iter().map(&clip)) / int(k as i64);
        let scale = int(2) * &t / (int(k as i64) * &epsilon);
        let y = draw.list(k);
        let mut worst = int(0);
        for value in [draw.any(), &t + draw.positive(), -&t - draw.positive()] {
            for i in 0..k {
                let mut moved = y.clone();
                moved[i] = value.clone();
                let step = mean(&moved) - mean(&y);
                worst = worst.max(step.clone().max(-step));
            }
        }
        assert!(worst <= &scale * &epsilon);
        let (mut low, mut high) = (y.clone(), y);
        (low[0], high[0]) = (-&t - int(1), &t + int(1));
        assert_eq!(mean(&high) - mean(&low), &scale * &epsilon);
        // Variance 2 b^2 of each mean, k of them in sqrt(k) times the mean: kappa/k with kappa = 8 T^2/epsilon^2.
        let kappa = int(8) * &t * &t / (&epsilon * &epsilon);
        assert_eq!(int(2) * &scale * &scale * int(k as i64), kappa / int(k as i64));
        assert_eq!(product([scale.clone(), epsilon]), int(2) * &t / int(k as i64));
    });
}
