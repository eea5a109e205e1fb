//! Features constrained to be non-negative, as squares of free parameters.
use rand::Rng;
use solvable_model::Objective;
use solvable_model::collapse::{FreeFeaturesLoss, FreeFeaturesWork};

use super::start::spread_start;

/// The objective with `H_1 = S * S` (entry by entry) for free S: its minima are those of the problem under `H_1 >= 0`.
#[derive(Clone, Debug)]
pub struct NonnegativeFeatures<'a> {
    objective: &'a FreeFeaturesLoss,
}

/// Temporaries of [`NonnegativeFeatures`].
#[derive(Clone, Debug)]
pub struct NonnegativeWork {
    inner: FreeFeaturesWork,
    point: Vec<f64>,
}

impl<'a> NonnegativeFeatures<'a> {
    /// The constrained problem.
    #[must_use]
    pub fn new(objective: &'a FreeFeaturesLoss) -> Self {
        Self { objective }
    }

    /// A random start whose logits have singular values around `size`; no entry of S is 0.
    #[must_use]
    pub fn start(&self, size: f64, rng: &mut impl Rng) -> Vec<f64> {
        let mut x = spread_start(self.objective.layout(), size, rng);
        for v in &mut x[self.features()] {
            *v = v.abs().sqrt();
        }
        x
    }

    /// The parameters in the layout of the unconstrained objective.
    ///
    /// # Panics
    /// If `x` has another dimension.
    #[must_use]
    pub fn parameters(&self, x: &[f64]) -> Vec<f64> {
        let mut point = vec![0.0; x.len()];
        self.square(x, &mut point);
        point
    }

    fn features(&self) -> core::ops::Range<usize> {
        let factors = self.objective.layout().factors();
        factors[factors.len() - 1].range()
    }

    fn square(&self, x: &[f64], point: &mut [f64]) {
        point.copy_from_slice(x);
        for v in &mut point[self.features()] {
            *v *= *v;
        }
    }
}

impl Objective for NonnegativeFeatures<'_> {
    type Work = NonnegativeWork;

    fn dimension(&self) -> usize {
        self.objective.dimension()
    }

    fn work(&self) -> NonnegativeWork {
        NonnegativeWork { inner: self.objective.work(), point: vec![0.0; self.dimension()] }
    }

    fn value(&self, x: &[f64], work: &mut NonnegativeWork) -> f64 {
        self.square(x, &mut work.point);
        self.objective.value(&work.point, &mut work.inner)
    }

    fn gradient(&self, x: &[f64], gradient: &mut [f64], work: &mut NonnegativeWork) {
        self.value_and_gradient(x, gradient, work);
    }

    fn value_and_gradient(&self, x: &[f64], gradient: &mut [f64], work: &mut NonnegativeWork) -> f64 {
        self.square(x, &mut work.point);
        let value = self.objective.value_and_gradient(&work.point, gradient, &mut work.inner);
        let range = self.features();
        for (g, s) in gradient[range.clone()].iter_mut().zip(&x[range]) {
            *g *= 2.0 * s;
        }
        value
    }
}
