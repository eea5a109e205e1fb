//! In-context linear regression by linear self-attention: enclosures of the one-layer optimum (ICL-3) and of the optimal risk at
//! depth (ICL-47).
mod depth;

pub use depth::{CertifiedDepth, optimal_depth};

use solvable_model::icl::RegressionTask;

use crate::{CertifyError, Interval, IntervalMatrix, enclose_eigenvalues};

/// The global optimum of a task whose entries are taken as exact doubles.
#[derive(Clone, Debug)]
pub struct CertifiedOptimum {
    /// The minimizer A*, symmetric.
    pub a_star: IntervalMatrix,
    /// The minimum L*.
    pub l_star: Interval,
}

/// Encloses `A* = (a Psi Lambda + b I)^-1 Psi` and `L* = t - tr(A* Lambda Psi Lambda)` with `a = 1 + 1/N`,
/// `b = (t + sigma2)/N`, `t = tr(Lambda Psi)` (ICL-3).
///
/// Gaussian elimination in intervals of 57 digits; the subtraction in L* costs log10(N) of them. The system is regular
/// whenever `t + sigma2 > 0`: its eigenvalues are `a beta + b`. O(d^3) interval operations, about a second at d = 50.
///
/// # Errors
/// [`CertifyError::Singular`] when `t + sigma2 = 0` or the condition number exceeds what 57 digits can tell.
///
/// ```
/// use solvable_certify::icl::optimum;
/// use solvable_model::icl::RegressionTask;
/// // Isotropic and noiseless: L* = d (d + 1) / (N + d + 1) = 2, A* = N / (N + d + 1) I = I / 2.
/// let o = optimum(&RegressionTask::isotropic(4, 1.0, 1.0, 0.0, 5)?)?;
/// assert!(o.l_star.contains(2.0) && o.l_star.width() < 1e-50);
/// assert!(o.a_star.get(0, 0).contains(0.5) && o.a_star.get(0, 1).contains(0.0));
/// # Ok::<(), solvable_certify::CertifyError>(())
/// ```
pub fn optimum(task: &RegressionTask) -> Result<CertifiedOptimum, CertifyError> {
    let d = task.dimension();
    let lambda = IntervalMatrix::exact(task.lambda().matrix())?;
    let psi = IntervalMatrix::exact(task.psi().matrix())?;
    let n = Interval::exact(task.context() as f64)?;
    let inverse = (Interval::one() / n)?;
    let product = psi.times(&lambda);
    let signal = product.trace();
    let noise = (signal.clone() + Interval::exact(task.sigma2())?) * inverse.clone();
    if !noise.is_positive() {
        return Err(CertifyError::Singular { size: d });
    }
    let excess = Interval::one() + inverse;
    let system = IntervalMatrix::from_fn(d, d, |i, j| {
        let diagonal = if i == j { noise.clone() } else { Interval::zero() };
        excess.clone() * product.get(i, j).clone() + diagonal
    });
    let a = system.solve(&psi)?;
    // A* is symmetric: both triangles enclose the same numbers.
    let a_star = IntervalMatrix::from_fn(d, d, |i, j| {
        a.get(i, j).intersection(a.get(j, i)).unwrap_or_else(|| a.get(i, j).clone())
    });
    let cross = lambda.times(&psi).times(&lambda);
    let gained = (0..d * d).fold(Interval::zero(), |sum, k| {
        sum + a_star.get(k / d, k % d).clone() * cross.get(k / d, k % d).clone()
    });
    Ok(CertifiedOptimum { a_star, l_star: signal - gained })
}

/// Encloses the eigenvalues of the minimizer A*, descending (ICL-3). O(d^3) interval operations.
///
/// # Errors
/// As [`optimum`], and when no eigenbasis can be certified.
pub fn minimizer_spectrum(task: &RegressionTask) -> Result<Vec<Interval>, CertifyError> {
    enclose_eigenvalues(&optimum(task)?.a_star)
}

/// A proof that the loss is strictly convex in A: a positive lower bound of the smallest eigenvalue of its Hessian
/// `2 S (x) Lambda`, and with it the only minimizer (ICL-3).
///
/// The eigenvalues are products of those of S and Lambda; both are enclosed. `None` when Lambda or S may be singular:
/// the loss is still convex, the minimizer then not unique.
///
/// # Errors
/// When no eigenbasis can be certified.
pub fn strict_convexity(task: &RegressionTask) -> Result<Option<Interval>, CertifyError> {
    let d = task.dimension();
    let lambda = IntervalMatrix::exact(task.lambda().matrix())?;
    let psi = IntervalMatrix::exact(task.psi().matrix())?;
    let inverse = (Interval::one() / Interval::exact(task.context() as f64)?)?;
    let cross = lambda.times(&psi).times(&lambda);
    let noise = (lambda.times(&psi).trace() + Interval::exact(task.sigma2())?) * inverse.clone();
    let s = IntervalMatrix::from_fn(d, d, |i, j| {
        (Interval::one() + inverse.clone()) * cross.get(i, j).clone()
            + noise.clone() * lambda.get(i, j).clone()
    });
    let least = |m: &IntervalMatrix| -> Result<Option<Interval>, CertifyError> {
        Ok(enclose_eigenvalues(m)?.pop().filter(Interval::is_positive))
    };
    Ok(match (least(&lambda)?, least(&s)?) {
        (Some(a), Some(b)) => Some((a * b).scaled(1)),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use solvable_model::Covariance;
    use solvable_theory::icl::{Whitened, minimizer, minimum};

    fn task(lambda: &[Vec<f64>], psi: &[Vec<f64>], sigma2: f64, n: usize) -> RegressionTask {
        RegressionTask::new(
            Covariance::from_rows("Lambda", lambda).expect("valid"),
            Covariance::from_rows("Psi", psi).expect("valid"),
            sigma2,
            n,
        )
        .expect("valid")
    }

    /// A dense pair whose optimum is rational: the exact values in lowest terms, worked out by hand with Cramer's rule.
    #[test]
    fn contains_a_rational_optimum() {
        // Lambda = [[2,1],[1,1]], Psi = I, N = 1, sigma2 = 0: t = 3, a = 2, b = 3;
        // A* = (2 Lambda + 3 I)^-1 = [[7,2],[2,5]]^-1 = [[5,-2],[-2,7]] / 31.
        let t = task(&[vec![2.0, 1.0], vec![1.0, 1.0]], &[vec![1.0, 0.0], vec![0.0, 1.0]], 0.0, 1);
        let o = optimum(&t).expect("regular");
        let over = |k: i64| (Interval::from(k) / Interval::from(31)).expect("31 is not 0");
        for (i, j, k) in [(0, 0, 5), (0, 1, -2), (1, 0, -2), (1, 1, 7)] {
            assert!(o.a_star.get(i, j).intersection(&over(k)).is_some());
            assert!(o.a_star.get(i, j).width() < 1e-50);
        }
        // Lambda^2 = [[5,3],[3,2]]: L* = 3 - (25 - 12 + 14)/31 = 66/31.
        assert!(o.l_star.intersection(&over(66)).is_some() && o.l_star.width() < 1e-50);
    }

    /// The double-precision theory is within a few units of the enclosure, at extreme lengths and scales too.
    #[test]
    fn theory_agrees_with_its_enclosure() {
        let lambda = [vec![1.5, 0.4, 0.0], vec![0.4, 1.0, 0.2], vec![0.0, 0.2, 0.6]];
        let psi = [vec![1.0, -0.3, 0.1], vec![-0.3, 0.8, 0.0], vec![0.1, 0.0, 0.5]];
        for (scale, sigma2, n) in [(1.0, 0.25, 8), (1.0, 0.0, 1 << 40), (1e-60, 0.0, 3), (1e60, 1e50, 100)] {
            let scaled: Vec<Vec<f64>> =
                lambda.iter().map(|r| r.iter().map(|v| v * scale).collect()).collect();
            let t = task(&scaled, &psi, sigma2, n);
            let o = optimum(&t).expect("regular");
            let law = Whitened::new(&t).expect("valid");
            let l = minimum(&law).expect("labels");
            let middle = o.l_star.midpoint();
            assert!((l / middle - 1.0).abs() < 64.0 * f64::EPSILON, "{l:e} {middle:e}");
            assert!(o.l_star.width() <= 1e-25 * middle);
            let a = minimizer(&law).expect("labels");
            assert!(
                (a[(0, 1)] - o.a_star.get(0, 1).midpoint()).abs() < 64.0 * f64::EPSILON * a[(0, 0)].abs()
            );
        }
    }

    #[test]
    fn spectrum_and_convexity() {
        let t = task(&[vec![2.0, 0.0], vec![0.0, 0.5]], &[vec![1.0, 0.0], vec![0.0, 1.0]], 0.0, 10);
        // 1 / (1.1 lambda + 0.25).
        let e = minimizer_spectrum(&t).expect("certified");
        let expect = |l: f64| 1.0 / (1.1 * l + 0.25);
        assert!(
            (e[0].midpoint() - expect(0.5)).abs() < 1e-15 && (e[1].midpoint() - expect(2.0)).abs() < 1e-15
        );
        // Smallest eigenvalue 2 * 0.5 * (1.1 * 0.25 + 0.25 * 0.5).
        let c = strict_convexity(&t).expect("certified").expect("positive");
        assert!((c.midpoint() - 0.4).abs() < 1e-15);
        let singular = task(&[vec![1.0, 0.0], vec![0.0, 0.0]], &[vec![1.0, 0.0], vec![0.0, 1.0]], 1.0, 2);
        assert!(strict_convexity(&singular).expect("certified").is_none());
        assert!(optimum(&singular).is_ok());
    }

    #[test]
    fn the_undefined_optimum_is_refused() {
        let zero = task(&[vec![1.0]], &[vec![0.0]], 0.0, 2);
        assert!(optimum(&zero).is_err());
    }
}
