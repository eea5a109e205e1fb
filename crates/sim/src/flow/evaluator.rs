//! Counted and checked evaluations of a vector field.
use super::error::{FlowError, NotFinite};
use super::field::VectorField;

/// A vector field with its temporaries and counters.
pub(crate) struct Evaluator<'a, F: VectorField> {
    pub(crate) field: &'a F,
    pub(crate) work: F::Work,
    pub(crate) evaluations: u64,
    pub(crate) jacobian_products: u64,
    /// Whether to ask for the energy.
    pub(crate) with_energy: bool,
}

impl<'a, F: VectorField> Evaluator<'a, F> {
    pub(crate) fn new(field: &'a F, with_energy: bool) -> Self {
        Self { field, work: field.work(), evaluations: 0, jacobian_products: 0, with_energy }
    }

    /// `slope = f(t, x)`, or where it is not finite.
    pub(crate) fn eval(&mut self, t: f64, x: &[f64], slope: &mut [f64]) -> Result<(), NotFinite> {
        self.evaluations += 1;
        self.field.eval(t, x, slope, &mut self.work);
        self.check(t, slope)
    }

    /// `slope = f(t, x)` with the energy, where it is wanted and exists.
    pub(crate) fn eval_energy(
        &mut self,
        t: f64,
        x: &[f64],
        slope: &mut [f64],
    ) -> Result<Option<f64>, NotFinite> {
        if !self.with_energy {
            return self.eval(t, x, slope).map(|()| None);
        }
        self.evaluations += 1;
        let energy = self.field.eval_with_energy(t, x, slope, &mut self.work);
        self.check(t, slope)?;
        Ok(energy)
    }

    /// `product = (df/dx)(t, x) v` where the field provides it; false if it does not.
    pub(crate) fn jacobian_vector(
        &mut self,
        t: f64,
        x: &[f64],
        v: &[f64],
        product: &mut [f64],
    ) -> Result<bool, NotFinite> {
        if !self.field.jacobian_vector(t, x, v, product, &mut self.work) {
            return Ok(false);
        }
        self.jacobian_products += 1;
        self.check(t, product).map(|()| true)
    }

    fn check(&self, time: f64, slope: &[f64]) -> Result<(), NotFinite> {
        // No early exit, so that the common case is one vectorised pass.
        if slope.iter().fold(true, |finite, v| finite & v.is_finite()) {
            return Ok(());
        }
        let component = slope.iter().position(|v| !v.is_finite()).unwrap_or(0);
        Err(NotFinite { time, evaluation: self.evaluations, component, value: slope[component] })
    }
}

impl From<NotFinite> for FlowError {
    fn from(found: NotFinite) -> Self {
        Self::NotFinite(found)
    }
}
