//! The regularised loss in the raw parameters.
use solvable_linalg::{Mat, MatMut, dot, matmul_into, sum_compensated};

use super::{ClassLoss, FreeFeatures, ParameterLayout};
use crate::{InputError, Objective};

/// The objective of [`FreeFeatures`] as a function of W_M, ..., W_1, H_1 and b.
///
/// With `P = W_M ... W_1`, logits `z_i = P h_i + b` and G the matrix of `(1/N) dloss/dz_i`:
/// `grad_H = P' G + lambda_H H_1`, `grad_Wm = (W_M ... W_(m+1))' G (W_(m-1) ... W_1 H_1)' + lambda_Wm W_m`,
/// `grad_b = G 1 + lambda_b b`. Every chain is multiplied from its side of K rows: one evaluation costs
/// `O(K d_1 N + K sum d_(m+1) d_m)` and allocates nothing.
///
/// Two sets of columns are offered. [`new`](Self::new) has one column of H_1 a sample, grouped by class. With
/// [`collapsed`](Self::collapsed) all features of a class are equal and the columns are `sqrt(n_k) h_k`, so that squared
/// norms agree with those of H_1: the cost does not depend on N, and gradient flow is that of the full problem started
/// from collapsed features.
#[derive(Clone, Debug)]
pub struct FreeFeaturesLoss {
    problem: FreeFeatures,
    loss: ClassLoss,
    layout: ParameterLayout,
    /// The class of each column.
    labels: Vec<usize>,
    /// Weight of each class's column in the mean loss.
    weights: Vec<f64>,
    /// Logits are this multiple of `P` times the column.
    scales: Vec<f64>,
}

/// Temporaries of [`FreeFeaturesLoss`].
#[derive(Clone, Debug)]
pub struct FreeFeaturesWork {
    /// W_M, W_M W_(M-1), ..., W_M ... W_1.
    prefix: Vec<Mat<f64>>,
    /// For each layer: G times the transposed product of everything below it.
    suffix: Vec<Mat<f64>>,
    /// Logits, then G; one column a sample.
    logits: Mat<f64>,
    /// Weighted losses, one a column.
    terms: Vec<f64>,
}

impl FreeFeaturesLoss {
    /// One column of features a sample; the first n_1 columns belong to class 0, and so on.
    ///
    /// # Errors
    /// [`InputError::Condition`] when the parameters do not fit into memory.
    pub fn new(problem: &FreeFeatures, loss: ClassLoss) -> Result<Self, InputError> {
        let layout = ParameterLayout::new(problem, problem.classes().total())?;
        let counts = problem.classes().counts();
        let mut labels = Vec::with_capacity(problem.classes().total());
        for (k, &n) in counts.iter().enumerate() {
            labels.extend(core::iter::repeat_n(k, n));
        }
        let weights = vec![1.0 / problem.classes().total() as f64; counts.len()];
        let scales = vec![1.0; counts.len()];
        Ok(Self { problem: problem.clone(), loss, layout, labels, weights, scales })
    }

    /// One column a class, `sqrt(n_k)` times the common feature of the class.
    ///
    /// # Errors
    /// [`InputError::Condition`] when the parameters do not fit into memory.
    pub fn collapsed(problem: &FreeFeatures, loss: ClassLoss) -> Result<Self, InputError> {
        let counts = problem.classes().counts();
        let layout = ParameterLayout::new(problem, counts.len())?;
        let total = problem.classes().total() as f64;
        let weights = counts.iter().map(|&n| n as f64 / total).collect();
        let scales = counts.iter().map(|&n| 1.0 / (n as f64).sqrt()).collect();
        let labels = (0..counts.len()).collect();
        Ok(Self { problem: problem.clone(), loss, layout, labels, weights, scales })
    }

    /// The problem.
    #[must_use]
    pub fn problem(&self) -> &FreeFeatures {
        &self.problem
    }

    /// The loss of a sample.
    #[must_use]
    pub fn loss(&self) -> ClassLoss {
        self.loss
    }

    /// Where each factor lives in the parameter vector.
    #[must_use]
    pub fn layout(&self) -> &ParameterLayout {
        &self.layout
    }

    /// The class of each column of the features, counted from 0.
    #[must_use]
    pub fn labels(&self) -> &[usize] {
        &self.labels
    }

    /// Logits of a column of class k are this multiple of `W_M ... W_1` times the column, plus the bias: 1 for columns
    /// that are samples, `1/sqrt(n_k)` for [`collapsed`](Self::collapsed) ones.
    ///
    /// # Panics
    /// If `k` is not a class.
    #[must_use]
    pub fn column_scale(&self, k: usize) -> f64 {
        self.scales[k]
    }

    /// Fills the products and the logits; returns the penalty.
    fn forward(&self, x: &[f64], work: &mut FreeFeaturesWork) -> f64 {
        let factors = self.layout.factors();
        let depth = factors.len() - 1;
        work.prefix[0].copy_from(factors[0].view(x));
        for i in 1..depth {
            let (above, here) = work.prefix.split_at_mut(i);
            matmul_into(here[0].as_mut(), above[i - 1].as_ref(), factors[i].view(x));
        }
        matmul_into(work.logits.as_mut(), work.prefix[depth - 1].as_ref(), factors[depth].view(x));
        let bias = self.layout.bias(x);
        for (c, &k) in self.labels.iter().enumerate() {
            let scale = self.scales[k];
            let column = work.logits.col_as_slice_mut(c);
            match bias {
                Some(b) => column.iter_mut().zip(b).for_each(|(z, b)| *z = scale * *z + b),
                None => column.iter_mut().for_each(|z| *z *= scale),
            }
        }
        let lambdas = self.problem.lambda_w().iter().copied().chain([self.problem.lambda_h()]);
        let mut penalty = 0.0;
        for (shape, lambda) in factors.iter().zip(lambdas) {
            let entries = &x[shape.range()];
            penalty += 0.5 * lambda * dot(entries, entries);
        }
        penalty + bias.map_or(0.0, |b| 0.5 * self.problem.bias().weight() * dot(b, b))
    }
}

impl Objective for FreeFeaturesLoss {
    type Work = FreeFeaturesWork;

    fn dimension(&self) -> usize {
        self.layout.dimension()
    }

    fn work(&self) -> FreeFeaturesWork {
        let classes = self.problem.classes().classes();
        let thin = || self.problem.widths().iter().map(|&d| Mat::zeros(classes, d)).collect::<Vec<_>>();
        FreeFeaturesWork {
            prefix: thin(),
            suffix: thin(),
            logits: Mat::zeros(classes, self.labels.len()),
            terms: vec![0.0; self.labels.len()],
        }
    }

    fn value(&self, x: &[f64], work: &mut FreeFeaturesWork) -> f64 {
        let penalty = self.forward(x, work);
        for (c, &k) in self.labels.iter().enumerate() {
            work.terms[c] = self.weights[k] * self.loss.value(work.logits.col_as_slice(c), k);
        }
        sum_compensated(&work.terms) + penalty
    }

    fn gradient(&self, x: &[f64], gradient: &mut [f64], work: &mut FreeFeaturesWork) {
        self.value_and_gradient(x, gradient, work);
    }

    fn value_and_gradient(&self, x: &[f64], gradient: &mut [f64], work: &mut FreeFeaturesWork) -> f64 {
        let penalty = self.forward(x, work);
        let factors = self.layout.factors();
        let depth = factors.len() - 1;
        if let Some(start) = self.layout.bias_offset() {
            let weight = self.problem.bias().weight();
            for (g, b) in gradient[start..].iter_mut().zip(&x[start..]) {
                *g = weight * b;
            }
        }
        for (c, &k) in self.labels.iter().enumerate() {
            let (weight, scale) = (self.weights[k], self.scales[k]);
            let column = work.logits.col_as_slice_mut(c);
            work.terms[c] = weight * self.loss.derivative_in_place(column, k);
            if let Some(start) = self.layout.bias_offset() {
                gradient[start..].iter_mut().zip(&*column).for_each(|(g, d)| *g += weight * d);
            }
            column.iter_mut().for_each(|d| *d *= weight * scale);
        }
        let (prefix, suffix) = (&work.prefix, &mut work.suffix);
        let features = factors[depth];
        matmul_into(
            view_mut(gradient, features.range(), features.rows, features.columns),
            prefix[depth - 1].transpose(),
            work.logits.as_ref(),
        );
        matmul_into(suffix[depth - 1].as_mut(), work.logits.as_ref(), features.view(x).transpose());
        for i in (0..depth).rev() {
            if i + 1 < depth {
                let (here, below) = suffix.split_at_mut(i + 1);
                matmul_into(here[i].as_mut(), below[0].as_ref(), factors[i + 1].view(x).transpose());
            }
            let shape = factors[i];
            let mut out = view_mut(gradient, shape.range(), shape.rows, shape.columns);
            if i == 0 {
                out.copy_from(suffix[0].as_ref());
            } else {
                matmul_into(out, prefix[i - 1].transpose(), suffix[i].as_ref());
            }
        }
        let lambdas = self.problem.lambda_w().iter().copied().chain([self.problem.lambda_h()]);
        for (shape, lambda) in factors.iter().zip(lambdas) {
            let range = shape.range();
            gradient[range.clone()].iter_mut().zip(&x[range]).for_each(|(g, v)| *g += lambda * v);
        }
        sum_compensated(&work.terms) + penalty
    }
}

/// Rows x columns entries of a slice, stored row by row.
fn view_mut(x: &mut [f64], range: core::ops::Range<usize>, rows: usize, columns: usize) -> MatMut<'_, f64> {
    MatMut::from_row_major_slice_mut(&mut x[range], rows, columns)
}
