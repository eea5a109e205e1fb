//! Gauss rules and the double exponential rule.
use solvable_linalg::tridiagonal_eigen;
use solvable_model::InputError;

/// Largest rule offered: beyond, the largest Laguerre polynomials leave the range of doubles.
pub const MAX_NODES: usize = 128;

/// Nodes in increasing order and positive weights.
#[derive(Clone, Debug, PartialEq)]
pub struct GaussRule {
    /// Nodes, increasing.
    pub nodes: Vec<f64>,
    /// Weights.
    pub weights: Vec<f64>,
}

impl GaussRule {
    /// `sum_i w_i f(x_i)`.
    pub fn integrate(&self, mut f: impl FnMut(f64) -> f64) -> f64 {
        self.nodes.iter().zip(&self.weights).map(|(&x, &w)| w * f(x)).sum()
    }
}

/// n-point rule for `int_{-1}^1 f(x) dx`, exact for polynomials of degree 2n - 1.
///
/// # Errors
/// [`InputError`] unless `1 <= n <= MAX_NODES`.
///
/// ```
/// use solvable_theory::quadrature::gauss_legendre;
/// assert!((gauss_legendre(5)?.integrate(|x| x.powi(8)) - 2.0 / 9.0).abs() < 1e-15);
/// # Ok::<(), solvable_model::InputError>(())
/// ```
pub fn gauss_legendre(n: usize) -> Result<GaussRule, InputError> {
    let off = |k: f64| k / (4.0 * k * k - 1.0).sqrt();
    gauss(n, 2.0, |_| 0.0, off)
}

/// n-point rule for `E f(z)`, z ~ N(0, 1) (weights sum to 1).
///
/// # Errors
/// As [`gauss_legendre`].
///
/// ```
/// use solvable_theory::quadrature::gauss_hermite;
/// assert!((gauss_hermite(4)?.integrate(|z| z.powi(6)) - 15.0).abs() < 1e-13);
/// # Ok::<(), solvable_model::InputError>(())
/// ```
pub fn gauss_hermite(n: usize) -> Result<GaussRule, InputError> {
    gauss(n, 1.0, |_| 0.0, f64::sqrt)
}

/// n-point rule for `E f(x)`, x of the Gamma law with density `x^alpha e^-x / Gamma(alpha + 1)` (weights
/// sum to 1).
///
/// # Errors
/// As [`gauss_legendre`], and unless `-1 < alpha <= 100`.
pub fn gauss_laguerre(n: usize, alpha: f64) -> Result<GaussRule, InputError> {
    InputError::check("alpha", alpha, alpha > -1.0 && alpha <= 100.0, "greater than -1, at most 100")?;
    gauss(n, 1.0, |k| 2.0 * k + 1.0 + alpha, |k| (k * (k + alpha)).sqrt())
}

/// n-point rule for `E f(u)`, u ~ Beta(a, b) on [0, 1] (weights sum to 1).
///
/// # Errors
/// As [`gauss_legendre`], and unless a and b are finite and positive; [`InputError::Condition`] where the law is so narrow or so
/// close to two points that its nodes cannot be told apart.
pub fn gauss_beta(n: usize, a: f64, b: f64) -> Result<GaussRule, InputError> {
    InputError::check_positive("a", a)?;
    InputError::check_positive("b", b)?;
    let sum = InputError::check_finite("a + b", a + b)?;
    // Jacobi polynomials of weight (1 - x)^(b-1) (1 + x)^(a-1), moved from [-1, 1] to [0, 1]. Written in a, b and a + b: 1 is
    // never taken from them, so that small ones keep their digits.
    let center = |k: f64| {
        if k == 0.0 {
            return a / sum;
        }
        let s = 2.0 * (k - 1.0) + sum;
        0.5 * (1.0 + (a - b) * ((sum - 2.0) / s) / (s + 2.0))
    };
    let off = |k: f64| {
        let s = 2.0 * (k - 1.0) + sum;
        // At k = 1 the factor (k - 2 + a + b)/(s - 1) is 1, also where both vanish.
        let tail = if k == 1.0 { 1.0 } else { (k - 2.0 + sum) / (s - 1.0) };
        ((k - 1.0 + b) / s * ((k - 1.0 + a) / s) * (k * tail / (s + 1.0))).sqrt()
    };
    gauss(n, 1.0, center, off)
}

/// Golub-Welsch; weights `mass / sum_k p_k(x)^2` of the orthonormal polynomials.
///
/// The eigenvector's first components lose relative accuracy where weights are tiny; the sum of squares has
/// no cancellation and keeps it. A Newton step on p_n would cost digits: its recurrence rounds at the size of the largest node
/// (400 roundings at the least of 128 Laguerre nodes, whose eigenvalue is good to one).
fn gauss(
    n: usize,
    mass: f64,
    diagonal: impl Fn(f64) -> f64,
    off: impl Fn(f64) -> f64,
) -> Result<GaussRule, InputError> {
    if n == 0 || n > MAX_NODES {
        let condition = "between 1 and 128";
        return Err(InputError::Count { argument: "number of nodes".into(), value: n as u64, condition });
    }
    let a: Vec<f64> = (0..n).map(|k| diagonal(k as f64)).collect();
    let b: Vec<f64> = (1..n).map(|k| off(k as f64)).collect();
    let nodes = tridiagonal_eigen(&a, &b)?.values;
    let weight = |&x: &f64| {
        let (mut p, mut before, mut sum) = (1.0, 0.0, 1.0);
        for k in 0..n - 1 {
            let last = if k == 0 { 0.0 } else { b[k - 1] };
            (before, p) = (p, ((x - a[k]) * p - last * before) / b[k]);
            sum += p * p;
        }
        mass / sum
    };
    let weights: Vec<f64> = nodes.iter().map(weight).collect();
    if let Some(&value) = weights.iter().find(|w| !w.is_finite()) {
        let condition = "the nodes of this law cannot be told apart in double precision";
        return Err(InputError::Condition { argument: "weight".into(), value, condition });
    }
    Ok(GaussRule { nodes, weights })
}

/// A point of the double exponential rule, with its distances to both ends free of cancellation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EndPoints {
    /// The point.
    pub x: f64,
    /// `x - a`, to full relative accuracy.
    pub from_a: f64,
    /// `b - x`, to full relative accuracy.
    pub to_b: f64,
}

/// The value of an integral with an estimate of its error.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Integral {
    /// The value.
    pub value: f64,
    /// Difference between the last two refinements; the error of the last is about its square, relative.
    pub error: f64,
    /// Evaluations of the integrand.
    pub evaluations: usize,
}

/// `int_a^b f`, by the double exponential (tanh-sinh) rule, for integrands analytic inside (a, b) with any
/// integrable algebraic or logarithmic singularities at the ends.
///
/// The step is halved until two values agree to `tolerance` (relative to the integral of |f|) or eight
/// times; `error` says which. Singular factors must be written with `from_a` and `to_b`.
/// Non-finite values of f (at the very ends) count as 0. (Takahasi and Mori, *Publ. RIMS* 9, 1974.)
///
/// # Errors
/// [`InputError`] unless `a <= b` are finite, `tolerance` is positive and the integral fits into a double.
///
/// ```
/// use solvable_theory::quadrature::tanh_sinh;
/// let integral = tanh_sinh(|p| 1.0 / (p.from_a * p.to_b).sqrt(), 0.0, 1.0, 1e-13)?;
/// assert!((integral.value - std::f64::consts::PI).abs() < 1e-12);
/// # Ok::<(), solvable_model::InputError>(())
/// ```
pub fn tanh_sinh(
    mut f: impl FnMut(EndPoints) -> f64,
    a: f64,
    b: f64,
    tolerance: f64,
) -> Result<Integral, InputError> {
    InputError::check_finite("a", a)?;
    InputError::check("b", b, b.is_finite() && b >= a && (b - a).is_finite(), "finite and at least a")?;
    InputError::check_positive("tolerance", tolerance)?;
    let width = b - a;
    let mut evaluations = 0;
    // Sums of f weights and |f| weights at t = +-start, +-(start + stride), ...
    let mut sweep = |start: f64, stride: f64| {
        let (mut total, mut absolute) = (0.0, 0.0);
        let mut t = start;
        loop {
            let arm = std::f64::consts::FRAC_PI_2 * t.sinh();
            let small = (-2.0 * arm).exp();
            // Distance to the nearer end over the width, and the weight.
            let near = small / (1.0 + small);
            let weight = std::f64::consts::PI * t.cosh() * near / (1.0 + small) * width;
            // The weight is larger.
            if near * width < f64::MIN_POSITIVE {
                break;
            }
            let far = 1.0 / (1.0 + small);
            let right = EndPoints { x: b - near * width, from_a: far * width, to_b: near * width };
            let left = EndPoints { x: a + near * width, from_a: near * width, to_b: far * width };
            for point in [left, right].into_iter().take(if t == 0.0 { 1 } else { 2 }) {
                let value = f(point);
                evaluations += 1;
                if value.is_finite() {
                    total += weight * value;
                    absolute += weight * value.abs();
                }
            }
            t += stride;
        }
        (total, absolute)
    };
    let mut h = 1.0;
    let (mut total, mut absolute) = sweep(0.0, h);
    let mut value = h * total;
    let mut error = f64::INFINITY;
    for _ in 0..8 {
        h *= 0.5;
        let (more, more_absolute) = sweep(h, 2.0 * h);
        total += more;
        absolute += more_absolute;
        let refined = h * total;
        error = (refined - value).abs();
        value = refined;
        if error <= tolerance * h * absolute {
            break;
        }
    }
    if !value.is_finite() {
        let condition = "the integral is outside the range of doubles";
        return Err(InputError::Condition { argument: "b".into(), value: b, condition });
    }
    Ok(Integral { value, error, evaluations })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Relative error of an n-term sum of positive terms whose nodes are good to a few ulps, for a power p.
    fn bound(n: usize, p: i32) -> f64 {
        (4.0 * n as f64 + 8.0 * f64::from(p)) * f64::EPSILON
    }

    /// Zeros of P_64, He_128 and L_n, the least ones where digits are lost first; mpmath `findroot` on the polynomials.
    #[test]
    fn small_nodes_keep_their_digits() {
        let rules = [
            (gauss_legendre(64), 0.024_350_292_663_424_433),
            (gauss_legendre(64), 0.999_305_041_735_772_1),
            (gauss_hermite(128), 0.138_570_049_903_069_8),
            (gauss_laguerre(16, 0.0), 0.087_649_410_478_927_84),
            (gauss_laguerre(16, 0.0), 51.701_160_339_543_32),
            (gauss_laguerre(64, 0.0), 0.022_415_874_146_705_28),
            (gauss_laguerre(128, 0.0), 0.011_251_388_263_675_963),
        ];
        for (rule, zero) in rules {
            let rule = rule.expect("n");
            let error = rule.nodes.iter().map(|x| (x / zero - 1.0).abs()).fold(f64::INFINITY, f64::min);
            assert!(error <= 8.0 * f64::EPSILON, "{zero}: {error}");
        }
    }

    #[test]
    fn rules_integrate_powers_exactly() {
        for n in [1, 2, 5, 16, 61, 128] {
            let degree = (2 * n as i32 - 1).min(40);
            let (legendre, hermite) = (gauss_legendre(n).expect("n"), gauss_hermite(n).expect("n"));
            let (mut odd, mut laguerre_moment, mut beta_moment) = (1.0, 1.0, 1.0);
            let (alpha, a, b) = (0.5, 1.5, 3.0);
            let laguerre = gauss_laguerre(n, alpha).expect("n");
            let beta = gauss_beta(n, a, b).expect("n");
            for p in 0..=degree {
                let x = f64::from(p);
                if p % 2 == 0 {
                    let exact = 2.0 / (x + 1.0);
                    let found = legendre.integrate(|t| t.powi(p));
                    assert!((found / exact - 1.0).abs() < bound(n, p), "Legendre {n} {p}");
                    let found = hermite.integrate(|t| t.powi(p));
                    assert!((found / odd - 1.0).abs() < 4.0 * bound(n, p), "Hermite {n} {p}");
                    odd *= x + 1.0;
                } else {
                    assert!(legendre.integrate(|t| t.powi(p)).abs() < bound(n, p));
                }
                let found = laguerre.integrate(|t| t.powi(p));
                assert!((found / laguerre_moment - 1.0).abs() < 4.0 * bound(n, p), "Laguerre {n} {p}");
                laguerre_moment *= x + 1.0 + alpha;
                let found = beta.integrate(|t| t.powi(p));
                assert!((found / beta_moment - 1.0).abs() < 4.0 * bound(n, p), "Beta {n} {p}");
                beta_moment *= (a + x) / (a + b + x);
            }
        }
        assert!(gauss_legendre(0).is_err() && gauss_hermite(129).is_err());
        assert!(gauss_laguerre(3, -1.0).is_err() && gauss_beta(3, 0.0, 1.0).is_err());
        for (a, b) in [(1e200, 1e-200), (5e-324, 1.0), (f64::MAX, f64::MAX), (1e-8, 1e200)] {
            assert!(gauss_beta(5, a, b).map_or(true, |r| r.weights.iter().all(|w| w.is_finite())), "{a} {b}");
        }
    }

    /// E u = a/(a+b) and E u^2 = E u (a+1)/(a+b+1), also where a - 1 + b - 1 has no digit of either.
    #[test]
    fn beta_rules_of_small_exponents_keep_their_digits() {
        for (a, b) in [(1e-8, 3e-8), (1e-12, 0.5), (0.25, 1e-10)] {
            let rule = gauss_beta(5, a, b).expect("inside");
            let first = a / (a + b);
            let second = first * (a + 1.0) / (a + b + 1.0);
            assert!((rule.integrate(|u| u) / first - 1.0).abs() < bound(5, 1), "{a} {b}");
            assert!((rule.integrate(|u| u * u) / second - 1.0).abs() < bound(5, 2), "{a} {b}");
        }
    }

    #[test]
    fn chebyshev_rule_has_equal_weights() {
        // Beta(1/2, 1/2): the one case where a + b - 1 = 0 needs its limit.
        let rule = gauss_beta(7, 0.5, 0.5).expect("valid");
        for (i, (x, w)) in rule.nodes.iter().zip(&rule.weights).enumerate() {
            let angle = std::f64::consts::PI * (2.0 * i as f64 + 1.0) / 14.0;
            assert!((x - 0.5 * (1.0 - angle.cos())).abs() < 4.0 * f64::EPSILON);
            assert!((w - 1.0 / 7.0).abs() < 16.0 * f64::EPSILON);
        }
    }

    #[test]
    fn double_exponential_rule_handles_singular_ends() {
        // Closed forms: Beta functions and int_0^1 log x = -1.
        let beta = |p: f64, q: f64, exact: f64| {
            let found = tanh_sinh(|e| e.from_a.powf(p - 1.0) * e.to_b.powf(q - 1.0), 0.0, 1.0, 1e-14);
            let found = found.expect("valid");
            assert!((found.value / exact - 1.0).abs() < 1e-12, "{p} {q} {found:?}");
        };
        beta(1.5, 2.0, 4.0 / 15.0);
        beta(3.0, 4.0, 1.0 / 60.0);
        beta(0.5, 1.0, 2.0);
        let log = tanh_sinh(|e| e.from_a.ln(), 0.0, 1.0, 1e-14).expect("valid");
        assert!((log.value + 1.0).abs() < 1e-13);
        let smooth = tanh_sinh(|e| e.x.cos(), -2.0, 3.0, 1e-14).expect("valid");
        assert!((smooth.value - (3.0_f64.sin() + 2.0_f64.sin())).abs() < 1e-14);
        assert!(tanh_sinh(|_| 1.0, 1.0, 0.0, 1e-9).is_err());
    }
    #[test]
    fn limits_of_the_domains() {
        for alpha in [-1.0, -1.5, 100_f64.next_up(), f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert!(gauss_laguerre(3, alpha).is_err(), "{alpha}");
        }
        // The mean of a Gamma law is alpha + 1.
        for alpha in [-0.999, 0.0, 100.0] {
            let rule = gauss_laguerre(3, alpha).expect("inside");
            assert!((rule.integrate(|x| x) / (alpha + 1.0) - 1.0).abs() < bound(3, 1));
        }
        for bad in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert!(gauss_beta(3, bad, 1.0).is_err() && gauss_beta(3, 1.0, bad).is_err());
            assert!(tanh_sinh(|_| 1.0, 0.0, 1.0, bad).is_err());
        }
        for (a, b) in [
            (f64::NAN, 1.0),
            (f64::NEG_INFINITY, 1.0),
            (0.0, f64::NAN),
            (0.0, f64::INFINITY),
            (1_f64.next_up(), 1.0),
            // Finite ends, infinite distance.
            (-1e308, 1e308),
        ] {
            assert!(tanh_sinh(|_| 1.0, a, b, 1e-9).is_err(), "{a} {b}");
        }
        assert_eq!(tanh_sinh(|_| 1.0, 1.0, 1.0, 1e-9).expect("one point").value, 0.0);
        assert!(gauss_legendre(1).is_ok() && gauss_legendre(128).is_ok() && gauss_legendre(129).is_err());
    }
}
