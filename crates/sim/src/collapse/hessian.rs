//! Hessian spectra by finite differences of the gradient: no second derivative is ever written down.
use solvable_linalg::{LinalgError, Mat, symmetric_eigenvalues};
use solvable_model::Objective;

/// A numerical Hessian.
#[derive(Clone, Debug)]
pub struct Hessian {
    /// Symmetrised matrix.
    pub matrix: Mat<f64>,
    /// Largest difference between an entry and its mirror image: an a posteriori measure of the error, which symmetry
    /// would make 0.
    pub asymmetry: f64,
}

/// The Hessian of `objective` at `x` by the five-point stencil
/// `(g(x - 2h) - 8 g(x - h) + 8 g(x + h) - g(x + 2h)) / (12 h)` along every coordinate.
///
/// The stencil's error is `h⁴ |∂⁵f| / 30`, its rounding error about `1.5 ε |g| / h`: at `h = 1e-3` both are near 1e-12
/// for objectives of size one. Cost: 4n gradients for n parameters.
///
/// ```
/// use solvable_model::Objective;
/// use solvable_sim::collapse::hessian;
/// struct Saddle;
/// impl Objective for Saddle {
///     type Work = ();
///     fn dimension(&self) -> usize { 2 }
///     fn work(&self) {}
///     fn value(&self, x: &[f64], _: &mut ()) -> f64 { x[0] * x[1] }
///     fn gradient(&self, x: &[f64], g: &mut [f64], _: &mut ()) { g.copy_from_slice(&[x[1], x[0]]) }
/// }
/// let values = hessian(&Saddle, &[0.3, -2.0], 1e-3).eigenvalues()?;
/// assert!((values[0] - 1.0).abs() < 1e-11 && (values[1] + 1.0).abs() < 1e-11);
/// # Ok::<(), solvable_linalg::LinalgError>(())
/// ```
///
/// # Panics
/// If `x` has not the objective's dimension.
#[must_use]
pub fn hessian<O: Objective>(objective: &O, x: &[f64], step: f64) -> Hessian {
    let n = objective.dimension();
    assert_eq!(x.len(), n, "hessian: a point of another dimension");
    let mut work = objective.work();
    let mut point = x.to_vec();
    let mut gradient = vec![0.0; n];
    let mut matrix = Mat::<f64>::zeros(n, n);
    for j in 0..n {
        for (shift, weight) in [(-2.0, 1.0), (-1.0, -8.0), (1.0, 8.0), (2.0, -1.0)] {
            point[j] = x[j] + shift * step;
            objective.gradient(&point, &mut gradient, &mut work);
            for i in 0..n {
                matrix[(i, j)] += weight * gradient[i] / (12.0 * step);
            }
        }
        point[j] = x[j];
    }
    let mut asymmetry = 0.0_f64;
    for j in 0..n {
        for i in 0..j {
            asymmetry = asymmetry.max((matrix[(i, j)] - matrix[(j, i)]).abs());
            let mean = 0.5 * (matrix[(i, j)] + matrix[(j, i)]);
            matrix[(i, j)] = mean;
            matrix[(j, i)] = mean;
        }
    }
    Hessian { matrix, asymmetry }
}

impl Hessian {
    /// Eigenvalues, largest first.
    ///
    /// # Errors
    /// [`LinalgError`] when an entry is not finite or the decomposition fails its certificate.
    pub fn eigenvalues(&self) -> Result<Vec<f64>, LinalgError> {
        symmetric_eigenvalues(self.matrix.as_ref())
    }
}
