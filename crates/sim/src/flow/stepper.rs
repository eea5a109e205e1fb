//! What the driver asks of a method.
use super::error::NotFinite;
use super::evaluator::Evaluator;
use super::field::VectorField;

/// Tolerances of one step.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tolerance {
    pub(super) relative: f64,
    pub(super) absolute: f64,
    /// Steps of fixed length: no estimate rejects them.
    pub(super) fixed: bool,
}

impl Tolerance {
    /// Unit of error of a component that goes from `x` to `y`. Never 0, so that a component at rest at 0 is within any
    /// tolerance, also a purely relative one.
    pub(super) fn scale(&self, x: f64, y: f64) -> f64 {
        (self.absolute + self.relative * x.abs().max(y.abs())).max(f64::MIN_POSITIVE)
    }
}

/// The start of a step.
#[derive(Clone, Copy, Debug)]
pub(super) struct Point<'a> {
    pub(super) t: f64,
    pub(super) x: &'a [f64],
    pub(super) slope: &'a [f64],
}

/// A step that was computed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Trial {
    /// Error estimate in units of the tolerance.
    pub(super) error: f64,
    /// Euclidean norm of the estimated error.
    pub(super) local_error: f64,
    /// Energy at the new point, where there is one and the step was not rejected for its error.
    pub(super) energy: Option<f64>,
}

/// A step that could not be computed.
#[derive(Clone, Copy, Debug)]
pub(super) enum Failure {
    NotFinite(NotFinite),
    /// An implicit method's iteration did not converge.
    NotConverged,
}

impl From<NotFinite> for Failure {
    fn from(found: NotFinite) -> Self {
        Self::NotFinite(found)
    }
}

/// A one-step method. A step is attempted, then either committed or forgotten.
pub(super) trait Stepper<F: VectorField> {
    /// A step no longer than `h` that the method can take.
    fn limit(
        &mut self,
        field: &mut Evaluator<'_, F>,
        from: Point<'_>,
        h: f64,
        tolerance: Tolerance,
    ) -> Result<f64, NotFinite> {
        let _ = (field, from, tolerance);
        Ok(h)
    }

    /// Computes the step of length `h`. The slope at the new point is computed too unless the error exceeds the tolerance.
    fn attempt(
        &mut self,
        field: &mut Evaluator<'_, F>,
        from: Point<'_>,
        h: f64,
        tolerance: Tolerance,
    ) -> Result<Trial, Failure>;

    /// State after the attempted step.
    fn new_state(&self) -> &[f64];

    /// Makes [`interpolate`](Self::interpolate) ready for the attempted step.
    fn prepare_dense(
        &mut self,
        field: &mut Evaluator<'_, F>,
        from: Point<'_>,
        h: f64,
    ) -> Result<(), NotFinite>;

    /// State at `from.t + theta h`, after [`prepare_dense`](Self::prepare_dense).
    fn interpolate(&self, from: Point<'_>, theta: f64, state: &mut [f64]);

    /// Moves the new state and slope into `x` and `slope`.
    fn commit(&mut self, x: &mut Vec<f64>, slope: &mut Vec<f64>);

    /// Factor from the step just attempted to the next one.
    fn factor(&mut self, h: f64, error: f64, accepted: bool) -> f64;

    /// Whether `patience` steps were limited by stability, with hardly one between that was not; asked of each accepted
    /// step, before it is committed.
    fn finds_stiffness(&mut self, patience: u32) -> bool {
        let _ = patience;
        false
    }

    /// Matrices factored so far.
    fn factorizations(&self) -> u64 {
        0
    }
}

/// Root mean square of `errors`.
pub(super) fn root_mean_square(sum_of_squares: f64, n: usize) -> f64 {
    (sum_of_squares / n as f64).sqrt()
}

/// Euclidean norm, safe against overflow of the squares.
pub(super) fn norm(x: &[f64]) -> f64 {
    let sum: f64 = x.iter().map(|v| v * v).sum();
    if sum.is_normal() {
        return sum.sqrt();
    }
    let largest = x.iter().fold(0.0_f64, |m, v| m.max(v.abs()));
    if largest == 0.0 || !largest.is_finite() {
        return largest;
    }
    largest * x.iter().map(|v| (v / largest).powi(2)).sum::<f64>().sqrt()
}
