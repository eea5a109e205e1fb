//! The problem: classes, widths, regularisation, bias.
use super::{Bias, ClassCounts};
use crate::{Argument, InputError};

/// A deep linear network on free features.
///
/// `W_M` is K x d_M, `W_m` is d_(m+1) x d_m, `H_1` is d_1 x N; the logits are `W_M ... W_1 H_1 + b 1'` and the objective is
///
/// `(1/N) sum_i loss(logits_i, y_i) + sum_m lambda_Wm |W_m|^2 / 2 + lambda_H |H_1|^2 / 2 + lambda_b |b|^2 / 2`.
///
/// Widths and `lambda_w` run from layer M down to layer 1. Nothing of size N is stored here.
#[derive(Clone, Debug, PartialEq)]
pub struct FreeFeatures {
    classes: ClassCounts,
    widths: Vec<usize>,
    lambda_w: Vec<f64>,
    lambda_h: f64,
    bias: Bias,
}

impl FreeFeatures {
    /// States the problem; the depth M is the number of widths.
    ///
    /// # Errors
    /// [`InputError::Count`] when there is no layer or a width is 0; [`InputError::Shape`] when the numbers of widths
    /// and of `lambda_w` differ; [`InputError::OutOfDomain`] unless every regularisation of a weight or of the features is
    /// finite and positive (with one of them 0 the infimum is not attained) and lambda_b is finite and not negative.
    pub fn new(
        classes: ClassCounts,
        widths: Vec<usize>,
        lambda_w: Vec<f64>,
        lambda_h: f64,
        bias: Bias,
    ) -> Result<Self, InputError> {
        InputError::check_count("M", widths.len())?;
        if lambda_w.len() != widths.len() {
            return Err(InputError::Shape {
                argument: "lambda_w_M_to_1".into(),
                found: (lambda_w.len(), 1),
                expected: (widths.len(), 1),
            });
        }
        for (i, &d) in widths.iter().enumerate() {
            if d == 0 {
                let argument = Argument::indexed("widths_M_to_1", i);
                return Err(InputError::Count { argument, value: 0, condition: "at least 1" });
            }
        }
        for (i, &l) in lambda_w.iter().enumerate() {
            let argument = Argument::indexed("lambda_w_M_to_1", i);
            InputError::check(argument, l, l.is_finite() && l > 0.0, "finite and greater than 0")?;
        }
        InputError::check_positive("lambda_h", lambda_h)?;
        // The variant can be written without its constructor.
        let bias = if let Bias::Regularised(lambda_b) = bias { Bias::regularised(lambda_b)? } else { bias };
        Ok(Self { classes, widths, lambda_w, lambda_h, bias })
    }

    /// The problem with equal widths and one common regularisation of all factors.
    ///
    /// # Errors
    /// As [`new`](Self::new); also when the depth is above [`LARGEST_LIST`](crate::LARGEST_LIST).
    pub fn uniform(
        classes: ClassCounts,
        depth: usize,
        width: usize,
        lambda: f64,
        bias: Bias,
    ) -> Result<Self, InputError> {
        InputError::check_list("M", depth)?;
        Self::new(classes, vec![width; depth], vec![lambda; depth], lambda, bias)
    }

    /// The class sizes.
    #[must_use]
    pub fn classes(&self) -> &ClassCounts {
        &self.classes
    }

    /// The number M of linear layers.
    #[must_use]
    pub fn depth(&self) -> usize {
        self.widths.len()
    }

    /// d_M, ..., d_1.
    #[must_use]
    pub fn widths(&self) -> &[usize] {
        &self.widths
    }

    /// lambda_WM, ..., lambda_W1.
    #[must_use]
    pub fn lambda_w(&self) -> &[f64] {
        &self.lambda_w
    }

    /// The regularisation of the features.
    #[must_use]
    pub fn lambda_h(&self) -> f64 {
        self.lambda_h
    }

    /// lambda_WM, ..., lambda_W1, lambda_H: one a factor.
    #[must_use]
    pub fn regularisations(&self) -> Vec<f64> {
        self.lambda_w.iter().copied().chain([self.lambda_h]).collect()
    }

    /// The bias.
    #[must_use]
    pub fn bias(&self) -> Bias {
        self.bias
    }

    /// The largest possible rank of the logits without bias: `min(K, d_M, ..., d_1)`.
    #[must_use]
    pub fn rank_bound(&self) -> usize {
        self.widths.iter().copied().fold(self.classes.classes(), usize::min)
    }

    /// The common regularisation, when that of all layers and of the features is the same.
    #[must_use]
    pub fn common_lambda(&self) -> Option<f64> {
        self.lambda_w.iter().all(|&l| l == self.lambda_h).then_some(self.lambda_h)
    }
}
