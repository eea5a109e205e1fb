//! Dense Jacobians, column by column.
use super::error::NotFinite;
use super::evaluator::Evaluator;
use super::field::VectorField;
use super::stepper::Point;

/// Column at a time, into row-major `matrix`: Jacobian-vector products where the field has them, else forward
/// differences of n evaluations.
pub(super) struct Jacobian {
    pub(super) matrix: Vec<f64>,
    point: Vec<f64>,
    column: Vec<f64>,
}

impl Jacobian {
    pub(super) fn new(n: usize) -> Self {
        Self { matrix: vec![0.0; n * n], point: vec![0.0; n], column: vec![0.0; n] }
    }

    /// Evaluates `df/dx` at a point.
    pub(super) fn evaluate<F: VectorField>(
        &mut self,
        field: &mut Evaluator<'_, F>,
        at: Point<'_>,
    ) -> Result<(), NotFinite> {
        let n = at.x.len();
        let mut exact = true;
        for j in 0..n {
            if exact {
                self.point.fill(0.0);
                self.point[j] = 1.0;
                exact = field.jacobian_vector(at.t, at.x, &self.point, &mut self.column)?;
                if !exact {
                    self.point.copy_from_slice(at.x);
                }
            }
            if !exact {
                // The increment balances rounding and curvature (Hairer and Wanner, code RADAU5); the sum is rounded
                // first, so that the increment divided by is the one applied.
                let moved = at.x[j] + (f64::EPSILON * at.x[j].abs().max(1e-5)).sqrt();
                let increment = moved - at.x[j];
                self.point[j] = moved;
                field.eval(at.t, &self.point, &mut self.column)?;
                self.point[j] = at.x[j];
                for (c, s) in self.column.iter_mut().zip(at.slope) {
                    *c = (*c - s) / increment;
                }
            }
            for i in 0..n {
                self.matrix[i * n + j] = self.column[i];
            }
        }
        Ok(())
    }
}
