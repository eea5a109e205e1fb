//! Squared loss with features and bias eliminated: variable projection.
use solvable_linalg::{CholeskyInPlace, LinalgError, Mat, MatMut, MatRef, dot, matmul_into};
use solvable_model::collapse::{ClassLoss, FreeFeatures, FreeFeaturesLoss};
use solvable_model::{InputError, Objective};

/// The squared loss of free features, minimised over the features and the bias, as a function of W_M, ..., W_1 alone.
///
/// Given `P = W_M ... W_1` the features and the bias enter as a ridge regression. With `A = P P' + N λ_H I`, `n` the class
/// sizes, and E the K x K matrix with columns `sqrt(n_k) (e_k - b)`,
///
/// `F(W) = (λ_H/2) |L^-1 E|² + Σ λ_Wm |W_m|²/2 + λ_b |b|²/2`, `A = L L'`,
///
/// attained by `h_k = P' A^-1 (e_k - b)` for every sample of class k and by `b = (N λ_H I + λ_b A)^-1 λ_H n` (n/N where
/// the bias is free, 0 where there is none). The gradient is that of the full loss at those features, by the envelope
/// theorem: `dF/dP = -λ_H Z Z' P`, `Z = A^-1 E`. So the stationary points are those of [`FreeFeaturesLoss`], and
/// [`complete`](Self::complete) gives all of its parameters with the same value and the same gradient norm; gone are the
/// flat directions of the features, whose curvature is `λ_H` alone, and everything of the size of N.
///
/// One evaluation costs `O(K Σ d_(m+1) d_m + K² d_1 + K³)` and allocates nothing. Rounding errors are relative to the
/// condition number of A, at most `1 + |P|²/(N λ_H)`; where A is not positive definite in floating point the value is NaN.
/// Golub and Pereyra, SIAM J. Numer. Anal. 10 (1973) 413-432.
#[derive(Clone, Debug)]
pub struct ProjectedFeatures {
    /// One column of features a class.
    whole: FreeFeaturesLoss,
    /// λ_H N.
    shift: f64,
    roots: Vec<f64>,
}

/// Temporaries of [`ProjectedFeatures`].
#[derive(Debug)]
pub struct ProjectedWork {
    /// W_M, W_M W_(M-1), ..., W_M ... W_1.
    prefix: Vec<Mat<f64>>,
    /// For each layer: dF/dP times the transposed product of everything below it.
    suffix: Vec<Mat<f64>>,
    factor: CholeskyInPlace,
    /// A, then L.
    a: Mat<f64>,
    /// λ_H N I + λ_b A, where the bias is regularised.
    bias_matrix: Mat<f64>,
    /// b, as a column.
    bias: Mat<f64>,
    /// E, L^-1 E, then Z.
    z: Mat<f64>,
    /// Z Z'.
    zz: Mat<f64>,
}

impl ProjectedFeatures {
    /// The loss of `problem` with everything but the layers eliminated.
    ///
    /// # Errors
    /// [`InputError::Condition`] when the parameters do not fit into memory.
    pub fn new(problem: &FreeFeatures) -> Result<Self, InputError> {
        let whole = FreeFeaturesLoss::collapsed(problem, ClassLoss::Squared)?;
        let classes = problem.classes();
        let shift = problem.lambda_h() * classes.total() as f64;
        let roots = classes.counts().iter().map(|&n| (n as f64).sqrt()).collect();
        Ok(Self { whole, shift, roots })
    }

    /// The loss whose features are eliminated, one column a class ([`FreeFeaturesLoss::collapsed`]); its parameter vector
    /// begins with that of this objective.
    #[must_use]
    pub fn whole(&self) -> &FreeFeaturesLoss {
        &self.whole
    }

    /// All parameters of [`whole`](Self::whole): the layers `x` with the best features and bias for them.
    ///
    /// # Errors
    /// [`LinalgError::NotPositiveDefinite`] where `P P' + N λ_H I` is not positive definite in floating point (also for
    /// layers that are not finite).
    ///
    /// # Panics
    /// If `x` does not have one entry a parameter.
    pub fn complete(&self, x: &[f64]) -> Result<Vec<f64>, LinalgError> {
        assert_eq!(x.len(), self.dimension(), "one entry a parameter");
        let mut work = self.work();
        self.forward(x, &mut work)?;
        CholeskyInPlace::solve_upper(work.a.as_ref(), work.z.as_mut());
        let layout = self.whole.layout();
        let mut all = x.to_vec();
        all.resize(layout.dimension(), 0.0);
        let features = layout.factors()[layout.factors().len() - 1];
        // Columns sqrt(n_k) h_k.
        let columns =
            MatMut::from_row_major_slice_mut(&mut all[features.range()], features.rows, features.columns);
        matmul_into(columns, work.classifier().transpose(), work.z.as_ref());
        if let Some(start) = layout.bias_offset() {
            all[start..].copy_from_slice(work.bias.col_as_slice(0));
        }
        Ok(all)
    }

    /// Fills the products, L, b and L^-1 E; returns the value.
    fn forward(&self, x: &[f64], work: &mut ProjectedWork) -> Result<f64, LinalgError> {
        let problem = self.whole.problem();
        let layers = self.layers();
        work.prefix[0].copy_from(layers[0].view(x));
        for i in 1..layers.len() {
            let (above, here) = work.prefix.split_at_mut(i);
            matmul_into(here[0].as_mut(), above[i - 1].as_ref(), layers[i].view(x));
        }
        let classes = self.roots.len();
        let p = work.prefix[layers.len() - 1].as_ref();
        matmul_into(work.a.as_mut(), p, p.transpose());
        (0..classes).for_each(|k| work.a[(k, k)] += self.shift);
        let lambda_b = problem.bias().weight();
        if problem.bias().is_trained() {
            for (b, root) in work.bias.col_as_slice_mut(0).iter_mut().zip(&self.roots) {
                *b = problem.lambda_h() * root * root;
            }
            if lambda_b == 0.0 {
                work.bias.col_as_slice_mut(0).iter_mut().for_each(|b| *b /= self.shift);
            } else {
                for k in 0..classes {
                    let column = work.bias_matrix.col_as_slice_mut(k);
                    column.iter_mut().zip(work.a.col_as_slice(k)).for_each(|(m, a)| *m = lambda_b * a);
                    column[k] += self.shift;
                }
                work.factor.factor(work.bias_matrix.as_mut())?;
                CholeskyInPlace::solve(work.bias_matrix.as_ref(), work.bias.as_mut());
            }
        }
        for (k, root) in self.roots.iter().enumerate() {
            let column = work.z.col_as_slice_mut(k);
            column.iter_mut().zip(work.bias.col_as_slice(0)).for_each(|(e, b)| *e = -root * b);
            column[k] += root;
        }
        work.factor.factor(work.a.as_mut())?;
        CholeskyInPlace::solve_lower(work.a.as_ref(), work.z.as_mut());
        let fit: f64 = (0..classes).map(|k| dot(work.z.col_as_slice(k), work.z.col_as_slice(k))).sum();
        let bias = work.bias.col_as_slice(0);
        let mut value = 0.5 * problem.lambda_h() * fit + 0.5 * lambda_b * dot(bias, bias);
        for (shape, lambda) in layers.iter().zip(problem.lambda_w()) {
            let entries = &x[shape.range()];
            value += 0.5 * lambda * dot(entries, entries);
        }
        Ok(value)
    }

    /// Shapes of W_M, ..., W_1.
    fn layers(&self) -> &[solvable_model::collapse::FactorShape] {
        let factors = self.whole.layout().factors();
        &factors[..factors.len() - 1]
    }
}

impl ProjectedWork {
    /// P.
    fn classifier(&self) -> MatRef<'_, f64> {
        self.prefix[self.prefix.len() - 1].as_ref()
    }
}

impl Objective for ProjectedFeatures {
    type Work = ProjectedWork;

    fn dimension(&self) -> usize {
        self.layers().iter().map(|shape| shape.rows * shape.columns).sum()
    }

    fn work(&self) -> ProjectedWork {
        let classes = self.roots.len();
        let square = || Mat::zeros(classes, classes);
        let thin =
            || self.layers().iter().map(|shape| Mat::zeros(classes, shape.columns)).collect::<Vec<_>>();
        ProjectedWork {
            prefix: thin(),
            suffix: thin(),
            factor: CholeskyInPlace::new(classes),
            a: square(),
            bias_matrix: square(),
            bias: Mat::zeros(classes, 1),
            z: square(),
            zz: square(),
        }
    }

    fn value(&self, x: &[f64], work: &mut ProjectedWork) -> f64 {
        self.forward(x, work).unwrap_or(f64::NAN)
    }

    fn gradient(&self, x: &[f64], gradient: &mut [f64], work: &mut ProjectedWork) {
        self.value_and_gradient(x, gradient, work);
    }

    fn value_and_gradient(&self, x: &[f64], gradient: &mut [f64], work: &mut ProjectedWork) -> f64 {
        let Ok(value) = self.forward(x, work) else {
            gradient.fill(f64::NAN);
            return f64::NAN;
        };
        CholeskyInPlace::solve_upper(work.a.as_ref(), work.z.as_mut());
        matmul_into(work.zz.as_mut(), work.z.as_ref(), work.z.transpose());
        let problem = self.whole.problem();
        let layers = self.layers();
        let last = layers.len() - 1;
        matmul_into(work.suffix[last].as_mut(), work.zz.as_ref(), work.prefix[last].as_ref());
        for c in 0..layers[last].columns {
            let column = work.suffix[last].col_as_slice_mut(c);
            column.iter_mut().for_each(|s| *s *= -problem.lambda_h());
        }
        for i in (0..=last).rev() {
            if i < last {
                let (here, below) = work.suffix.split_at_mut(i + 1);
                matmul_into(here[i].as_mut(), below[0].as_ref(), layers[i + 1].view(x).transpose());
            }
            let shape = layers[i];
            let mut out =
                MatMut::from_row_major_slice_mut(&mut gradient[shape.range()], shape.rows, shape.columns);
            if i == 0 {
                out.copy_from(work.suffix[0].as_ref());
            } else {
                matmul_into(out, work.prefix[i - 1].transpose(), work.suffix[i].as_ref());
            }
        }
        for (shape, lambda) in layers.iter().zip(problem.lambda_w()) {
            let range = shape.range();
            gradient[range.clone()].iter_mut().zip(&x[range]).for_each(|(g, w)| *g += lambda * w);
        }
        value
    }
}
