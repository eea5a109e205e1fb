//! The empirical objective that interpolates between the two losses.
use solvable_linalg::{MatRef, mat_vec};

use super::{AggregateData, Mixing, PointwiseLoss};
use crate::{InputError, Objective};

/// `rho L_bag(theta) + (1 - rho) L_ins(theta) + lambda |theta|^2` of linear predictions `f = X theta`.
///
/// Both losses are evaluated as written, from the bag averages of labels and predictions; the data are
/// borrowed. One evaluation of value or gradient costs two passes over X and allocates nothing.
#[derive(Clone, Copy, Debug)]
pub struct InterpolatedObjective<'a> {
    data: &'a AggregateData,
    loss: PointwiseLoss,
    mixing: Mixing,
    lambda: f64,
}

/// Temporaries of [`InterpolatedObjective`]: predictions, their bag means, and row weights.
#[derive(Clone, Debug)]
pub struct ObjectiveWork {
    predictions: Vec<f64>,
    weights: Vec<f64>,
}

impl<'a> InterpolatedObjective<'a> {
    /// States the objective; `lambda >= 0`. A left limit `rho -> 1` has the objective of `rho = 1`.
    ///
    /// # Errors
    /// [`InputError::OutOfDomain`] unless `lambda` is finite and at least 0.
    pub fn new(
        data: &'a AggregateData,
        loss: PointwiseLoss,
        mixing: Mixing,
        lambda: f64,
    ) -> Result<Self, InputError> {
        InputError::check_nonnegative("lambda", lambda)?;
        Ok(Self { data, loss, mixing, lambda })
    }

    /// The data.
    #[must_use]
    pub fn data(&self) -> &'a AggregateData {
        self.data
    }

    /// The ridge lambda.
    #[must_use]
    pub fn lambda(&self) -> f64 {
        self.lambda
    }

    /// The weight rho.
    #[must_use]
    pub fn mixing(&self) -> Mixing {
        self.mixing
    }

    fn x(&self) -> MatRef<'a, f64> {
        self.data.covariates()
    }
}

impl Objective for InterpolatedObjective<'_> {
    type Work = ObjectiveWork;

    fn dimension(&self) -> usize {
        self.data.dimension()
    }

    fn work(&self) -> ObjectiveWork {
        let n = self.data.rows();
        ObjectiveWork { predictions: vec![0.0; n], weights: vec![0.0; n] }
    }

    fn value(&self, x: &[f64], work: &mut ObjectiveWork) -> f64 {
        mat_vec(self.x(), x, &mut work.predictions);
        let (bags, f) = (self.data.bags(), &work.predictions);
        let (mut bag, mut instance) = (0.0, 0.0);
        for (a, &y) in self.data.mean_labels().iter().enumerate() {
            bag += self.loss.value(y, bags.mean(a, f));
            instance += bags.members(a).iter().map(|&i| self.loss.value(y, f[i])).sum::<f64>();
        }
        let (m, n) = (bags.bags() as f64, bags.rows() as f64);
        // A loss of weight 0 is not evaluated: it may be infinite.
        let mut value = self.lambda * x.iter().map(|t| t * t).sum::<f64>();
        if self.mixing.rho() > 0.0 {
            value += self.mixing.rho() * bag / m;
        }
        if self.mixing.tau() > 0.0 {
            value += self.mixing.tau() * instance / n;
        }
        value
    }

    fn gradient(&self, x: &[f64], gradient: &mut [f64], work: &mut ObjectiveWork) {
        mat_vec(self.x(), x, &mut work.predictions);
        let (bags, f) = (self.data.bags(), &work.predictions);
        let (m, n) = (bags.bags() as f64, bags.rows() as f64);
        let (rho, tau) = (self.mixing.rho(), self.mixing.tau());
        for (a, &y) in self.data.mean_labels().iter().enumerate() {
            let members = bags.members(a);
            let shared = if rho > 0.0 {
                rho / (m * members.len() as f64) * self.loss.derivative(y, bags.mean(a, f))
            } else {
                0.0
            };
            for &i in members {
                let own = if tau > 0.0 { tau / n * self.loss.derivative(y, f[i]) } else { 0.0 };
                work.weights[i] = shared + own;
            }
        }
        for (j, g) in gradient.iter_mut().enumerate() {
            let column = self.x().col(j);
            let product: f64 = column.iter().zip(&work.weights).map(|(a, b)| a * b).sum();
            *g = product + 2.0 * self.lambda * x[j];
        }
    }
}
