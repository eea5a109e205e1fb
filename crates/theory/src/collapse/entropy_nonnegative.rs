//! Cross-entropy with non-negative features at depth one (NC-18).
use solvable_linalg::sum_compensated;
use solvable_model::collapse::{Bias, FreeFeatures};

use super::CollapseError;
use super::error::bias_word;
use super::optimality::{Optimality, Status};
use super::range::Scaled;
use super::schatten::Regularisation;

/// The minimum with the constraint `H_1 >= 0`.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct NonnegativeEntropyMinimum {
    /// The global minimum.
    pub optimality: Optimality,
    /// The margin m_k of each class: `W hbar_k = m_k (e_k - 1/K)`.
    pub margins: Vec<f64>,
    /// `|hbar_k|^2`; the class means are orthogonal, with disjoint supports.
    pub feature_norm_sq: Vec<f64>,
}

/// The global minimum of cross-entropy with features constrained to `H_1 >= 0`, depth one, no bias, any imbalance (NC-18).
///
/// With `rho_k = sqrt(n_k)/(N lambda) sqrt(K/(K-1))`: `m_k = max(0, log((K-1)(rho_k - 1)))`,
/// `|hbar_k|^2 = m_k sqrt(lambda_W (K-1)/(lambda_H n_k K))`,
/// `f* = sum_k n_k/N log(1 + (K-1) e^-m_k) + lambda sum_k m_k sqrt(n_k (K-1)/K)`. Tangents to the losses and elimination of
/// W leave cross terms that non-negative inner products can only raise. O(K).
///
/// # Errors
/// [`CollapseError::Bias`] with a bias; [`CollapseError::Depth`] unless M = 1; [`CollapseError::TooNarrow`] when the width is
/// less than K.
pub fn nonnegative_entropy_minimum(
    problem: &FreeFeatures,
) -> Result<NonnegativeEntropyMinimum, CollapseError> {
    if problem.bias() != Bias::None {
        return Err(CollapseError::Bias { found: bias_word(problem.bias()), needed: "none" });
    }
    if problem.depth() != 1 {
        return Err(CollapseError::Depth { depth: problem.depth(), condition: "this is a result for M = 1" });
    }
    let counts = problem.classes().counts();
    let (k, total) = (counts.len() as f64, problem.classes().total() as f64);
    let width = problem.widths()[0];
    if width < counts.len() {
        return Err(CollapseError::TooNarrow { width, needed: counts.len() });
    }
    let lambda = Regularisation::new(problem.lambda_w(), problem.lambda_h()).product.root(2);
    let ratio = Scaled::new(problem.lambda_w()[0]).over(Scaled::new(problem.lambda_h()));
    let (mut margins, mut lengths, mut terms) = (Vec::new(), Vec::new(), Vec::new());
    for &n in counts {
        let n = n as f64;
        let (mut margin, mut length) = (0.0, 0.0);
        if counts.len() > 1 {
            // 1/rho, which may vanish but not overflow.
            let inverse = lambda.over(Scaled::new((n * k / (k - 1.0)).sqrt() / total)).clamped();
            let excess = (k - 1.0) - k * inverse;
            margin = if excess <= 0.0 {
                0.0
            } else if inverse > 0.1 / k {
                // (K-1)(rho - 1) - 1 = ((K-1) - K/rho) rho.
                (excess / inverse).ln_1p()
            } else {
                ((k - 1.0) * (1.0 - inverse)).ln()
                    - lambda.over(Scaled::new((n * k / (k - 1.0)).sqrt() / total)).ln()
            };
        }
        if margin > 0.0 {
            let unit = ratio.times(Scaled::new((k - 1.0) / k)).over(Scaled::new(n)).root(2);
            length = unit.times(Scaled::new(margin)).value("the length of a feature")?;
        }
        let data = n / total * ((k - 1.0) * (-margin).exp()).ln_1p();
        terms.push(data);
        if margin > 0.0 {
            terms.push(lambda.clamped() * margin * (n * ((k - 1.0) / k)).sqrt());
        }
        margins.push(margin);
        lengths.push(length);
    }
    let value = sum_compensated(&terms);
    let optimality = Optimality::new(value, value * (1.0 - 16.0 * f64::EPSILON), Status::Global);
    Ok(NonnegativeEntropyMinimum { optimality, margins, feature_norm_sq: lengths })
}
