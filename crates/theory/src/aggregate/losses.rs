//! The two losses of a prediction and their difference (AGG-1, AGG-2).
use solvable_model::InputError;
use solvable_model::aggregate::{AggregateData, BagDesign, Mixing, PointwiseLoss};

use super::error::{AggregateError, finite};

/// Squared losses of a parameter.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BagLosses {
    /// `L_bag = (1/m) sum_a (ybar_a - fbar_a)^2`.
    pub bag: f64,
    /// `L_ins = L_bag + R_w`.
    pub instance: f64,
    /// Within-bag variance of the predictions `R_w = (1/n) sum_a sum_i (f_i - fbar_a)^2`.
    pub within: f64,
    /// `L_bag + (1 - rho) R_w + lambda |theta|^2`.
    pub interpolated: f64,
}

/// Squared losses by the decomposition "instance level = bag level + within-bag variance" (AGG-1).
///
/// `f = X theta`; `R_w` does not involve labels. Bags of one size. All terms are sums of squares: the relative error
/// is a few ulps times that of the predictions. Cost O(n d).
///
/// # Errors
/// [`AggregateError`] when bags differ in size, `theta` has the wrong length or is not finite, lambda is negative, or a
/// loss leaves the range of doubles.
pub fn losses(
    data: &AggregateData,
    theta: &[f64],
    mixing: Mixing,
    lambda: f64,
) -> Result<BagLosses, AggregateError> {
    InputError::check_nonnegative("lambda", lambda)?;
    let f = data.predictions(theta)?;
    let bags = data.bags();
    let within = within_bag_variance(bags, &f)?;
    let means = bags.means(&f)?;
    let misfit = |(y, f): (&f64, &f64)| (y - f) * (y - f);
    let bag = data.mean_labels().iter().zip(&means).map(misfit).sum::<f64>() / bags.bags() as f64;
    let norm2: f64 = theta.iter().map(|t| t * t).sum();
    let interpolated = bag + mixing.tau() * within + if lambda > 0.0 { lambda * norm2 } else { 0.0 };
    Ok(BagLosses {
        bag: finite("bag-level loss", bag)?,
        instance: finite("instance-level loss", bag + within)?,
        within,
        interpolated: finite("interpolated loss", interpolated)?,
    })
}

/// `V = (1/n) sum_a sum_{i in a} (f_i - fbar_a)^2`.
///
/// # Errors
/// [`AggregateError`] when bags differ in size, `f` does not have one finite entry a row, or V overflows.
pub fn within_bag_variance(bags: &BagDesign, f: &[f64]) -> Result<f64, AggregateError> {
    average(bags, f, |_, u| u * u)
}

/// The difference `L_ins - L_bag` of a loss and the bounds it obeys.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LossGap {
    /// The difference, at least 0.
    pub gap: f64,
    /// Within-bag variance V of the predictions.
    pub within: f64,
    /// `V sup l''/2`, where the curvature of the loss is bounded: V (squared), V/8 (logistic), none (Poisson).
    pub upper: Option<f64>,
}

/// `L_ins - L_bag` of predictions (natural parameters) `f` in bags of one size; no labels enter (AGG-2).
///
/// With `l(y, f) = psi(f) - y f` the gap is `(1/n) sum_a sum_i [psi(f_i) - psi(fbar) - psi'(fbar)(f_i - fbar)]`:
/// the linear terms sum to 0 and make each summand a Bregman divergence, at least 0, so nothing cancels between
/// rows; each is evaluated without cancellation too (a Gauss rule of the integral form
/// `u^2 int_0^1 (1-t) psi''(fbar + t u) dt` for small u, the conjugate side of the logistic for large fbar). Relative error
/// a few tens of ulps times that of `f_i - fbar`.
///
/// ```
/// use solvable_model::aggregate::{BagDesign, PointwiseLoss};
/// use solvable_theory::aggregate::loss_gap;
/// let bags = BagDesign::consecutive(2, 2)?;
/// // cosh - 1.
/// let gap = loss_gap(PointwiseLoss::Poisson, &bags, &[1.0, -1.0])?;
/// assert!((gap.gap - (1.0_f64.cosh() - 1.0)).abs() < 1e-15);
/// # Ok::<(), solvable_theory::aggregate::AggregateError>(())
/// ```
///
/// # Errors
/// As [`within_bag_variance`].
pub fn loss_gap(loss: PointwiseLoss, bags: &BagDesign, f: &[f64]) -> Result<LossGap, AggregateError> {
    let within = within_bag_variance(bags, f)?;
    let (gap, curvature) = match loss {
        PointwiseLoss::Squared => (within, Some(2.0)),
        PointwiseLoss::Logistic => (average(bags, f, logistic_divergence)?, Some(0.25)),
        PointwiseLoss::Poisson => (average(bags, f, exponential_divergence)?, None),
        _ => return Err(AggregateError::OutOfRange { quantity: "the curvature of this loss" }),
    };
    Ok(LossGap { gap, within, upper: curvature.map(|c| 0.5 * c * within) })
}

/// `L_ins - L_bag` of any twice differentiable loss, from its curvature `l''(y, f)` in f (AGG-2.3):
/// `(1/n) sum_a sum_i (f_i - fbar)^2 int_0^1 (1-t) l''(ybar, fbar + t (f_i - fbar)) dt`.
///
/// Labels enter through the curvature; for a convex loss the gap is at least 0, and between `c_- V/2` and `c_+ V/2` when the
/// curvature is between c_- and c_+. The integral is a 12-point Gauss rule on 8 equal panels: exact for curvatures that are
/// polynomials of degree below 23 between neighbours, a few ulps for analytic ones without singularities within a quarter
/// of `|f_i - fbar|` of the segment.
///
/// # Errors
/// As [`within_bag_variance`], and unless `mean_labels` has one finite entry a bag.
pub fn curvature_gap(
    bags: &BagDesign,
    mean_labels: &[f64],
    f: &[f64],
    curvature: impl Fn(f64, f64) -> f64,
) -> Result<f64, AggregateError> {
    InputError::check_vector("mean labels", mean_labels)?;
    if mean_labels.len() != bags.bags() {
        let (found, expected) = ((mean_labels.len(), 1), (bags.bags(), 1));
        return Err(InputError::Shape { argument: "mean labels".into(), found, expected }.into());
    }
    within_bag_variance(bags, f)?;
    let means = bags.means(f)?;
    const PANELS: u32 = 8;
    let mut total = 0.0;
    for (&a, &fi) in bags.bag_of().iter().zip(f) {
        let u = fi - means[a];
        if u == 0.0 {
            continue;
        }
        let integral: f64 = (0..PANELS)
            .map(|panel| {
                unit_rule(|s| {
                    let t = (f64::from(panel) + s) / f64::from(PANELS);
                    (1.0 - t) * curvature(mean_labels[a], means[a] + t * u)
                }) / f64::from(PANELS)
            })
            .sum();
        total += u * u * integral;
    }
    finite("difference of the losses", total / f.len() as f64)
}

/// `(1/n) sum_a sum_i g(fbar_a, f_i - fbar_a)` over bags of one size.
fn average(bags: &BagDesign, f: &[f64], g: impl Fn(f64, f64) -> f64) -> Result<f64, AggregateError> {
    InputError::check_vector("f", f)?;
    let means = bags.means(f)?;
    if bags.equal_size().is_none() {
        return Err(AggregateError::UnequalBags { first: bags.size(0), bag: odd_bag(bags) });
    }
    let mut total = 0.0;
    for (&a, &fi) in bags.bag_of().iter().zip(f) {
        total += g(means[a], fi - means[a]);
    }
    finite("difference of the losses", total / f.len() as f64)
}

/// The first bag whose size differs from bag 0.
fn odd_bag(bags: &BagDesign) -> usize {
    (0..bags.bags()).find(|&a| bags.size(a) != bags.size(0)).unwrap_or(0)
}

/// `log(1+e^(f+u)) - log(1+e^f) - sigma(f) u`.
///
/// Unchanged when f and u change sign together; with f <= 0 and `s = sigma(f) <= 1/2` it is
/// `log(1 + s (e^u - 1)) - s u`.
fn logistic_divergence(f: f64, u: f64) -> f64 {
    let (f, u) = if f > 0.0 { (-f, -u) } else { (f, u) };
    let e = f.exp();
    let s = e / (1.0 + e);
    if u.abs() <= 1.0 {
        let curvature = |t: f64| {
            let e = (-(f + t * u).abs()).exp();
            e / ((1.0 + e) * (1.0 + e))
        };
        return u * u * unit_rule(|t| (1.0 - t) * curvature(t));
    }
    if u <= 500.0 {
        return (s * u.exp_m1()).ln_1p() - s * u;
    }
    let psi = |x: f64| x.max(0.0) + (-x.abs()).exp().ln_1p();
    psi(f + u) - psi(f) - s * u
}

/// `e^(f+u) - e^f - e^f u`.
fn exponential_divergence(f: f64, u: f64) -> f64 {
    if u.abs() > 1.0 {
        return (f + u).exp() - f.exp() * (1.0 + u);
    }
    u * u * unit_rule(|t| (1.0 - t) * (f + t * u).exp())
}

/// Gauss-Legendre rule with 12 points for `int_0^1 g`: for the two integrands above and |u| <= 1 its
/// error is below 1e-24 relative (nearest singularity at distance pi).
fn unit_rule(g: impl Fn(f64) -> f64) -> f64 {
    const HALF: [(f64, f64); 6] = [
        (0.125_233_408_511_468_9, 0.249_147_045_813_402_8),
        (0.367_831_498_998_180_2, 0.233_492_536_538_354_8),
        (0.587_317_954_286_617_4, 0.203_167_426_723_065_92),
        (0.769_902_674_194_304_7, 0.160_078_328_543_346_22),
        (0.904_117_256_370_474_9, 0.106_939_325_995_318_43),
        (0.981_560_634_246_719_3, 0.047_175_336_386_511_83),
    ];
    HALF.iter().map(|&(x, w)| 0.5 * w * (g(0.5 * (1.0 - x)) + g(0.5 * (1.0 + x)))).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// f, u, and `psi(f+u) - psi(f) - psi'(f) u` of both functions, by mpmath with 60 digits.
    const REFERENCE: [(f64, f64, f64, f64); 17] = [
        (0.0, 1e-08, 1.25e-17, 5.0000000166666669e-17),
        (0.0, 1.5, 2.582660974228071e-1, 1.9816890703380648),
        (0.0, 300.0, 1.4930685281944005e+2, 1.9424263952412559e+130),
        (0.5, -0.99, 1.2002190431599094e-1, 5.961_391_814_774_147e-1),
        (0.5, -60.0, 3.637_348_288_793_117e1, 9.727_455_497_130_757e1),
        (-3.0, 0.3, 2.228_448_249_578_455e-3, 2.482_323_861_526_639e-3),
        (-3.0, 60.0, 5.410_586_025_777_225e1, 5.685_719_999_335_932e24),
        (12.0, -1e-05, 3.072_078_665_794_438e-16, 8.137_712_445_219_443e-6),
        (12.0, -7.0, 6.666_195_073_424_833e-3, 9.766_771_616_731_26e5),
        (-40.0, 1e-08, 2.124177134726385e-34, 2.124177134726385e-34),
        (-40.0, 1.5, 8.418_917_194_635_551e-18, 8.418_917_194_635_551e-18),
        (-40.0, 300.0, 2.6e+2, 8.252_115_441_813_89e112),
        (100.0, -0.99, 2.608645514144138e-44, 9.719_605_012_175_174e42),
        (100.0, -60.0, 4.248354255291589e-18, 1.585_989_113_671_52e45),
        (-300.0, 0.3, 2.5668312425197696e-132, 2.5668312425197696e-132),
        (-300.0, 60.0, 5.8792826982452692e-105, 5.8792826982452692e-105),
        (-300.0, 300.0, std::f64::consts::LN_2, 1.0),
    ];

    #[test]
    fn divergences_keep_relative_accuracy() {
        for (f, u, logistic, exponential) in REFERENCE {
            let (l, e) = (logistic_divergence(f, u), exponential_divergence(f, u));
            // f + u rounds: relative error |f + u| epsilon in e^(f+u).
            let tolerance = (32.0 + 4.0 * (f.abs() + u.abs())) * f64::EPSILON;
            assert!((l - logistic).abs() <= tolerance * logistic, "logistic {f} {u}: {l:e} {logistic:e}");
            assert!((e - exponential).abs() <= tolerance * exponential, "exponential {f} {u}: {e:e}");
        }
    }
}
