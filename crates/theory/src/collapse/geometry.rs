//! The geometry of classifiers and features at the minimum of the squared loss (NC-05, NC-06, NC-07).
use solvable_linalg::Mat;
use solvable_model::collapse::{Bias, FreeFeatures};

use super::CollapseError;
use super::error::bias_word;
use super::minimum::{SquaredMinimum, squared_minimum};
use super::range::Scaled;
use super::scalar::ModeState;

/// What one class looks like at the minimum without bias (NC-05).
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ClassFrame {
    /// `|w_k|^2 = N lambda_H x_k^M`, the squared length of the classifier row.
    pub w_norm_sq: f64,
    /// `|h_k|^2 = q_k/(lambda_H n_k)`, the squared length of the class mean of H_1.
    pub h_norm_sq: f64,
    /// `x^M/(1 + x^M)`, the logit of the own class; the others are 0.
    pub own_logit: f64,
    /// `N lambda_H (1 + x^M)`: `w_k` is this multiple of `h_k`.
    pub w_over_h: f64,
    /// `sqrt(q_k/lambda_i)` for W_M, ..., W_1, H_1.
    pub layer_singular_values: Vec<f64>,
    /// Squared lengths of the class mean of H_1, H_2 = W_1 H_1, ..., H_M.
    pub layer_features: Vec<f64>,
    /// `x_k^M`, the diagonal of the general orthogonal frame of classifiers.
    pub gof_classifier: f64,
    /// `x_k^M/(1 + x_k^M)^2`, that of features.
    pub gof_feature: f64,
    /// Whether the class is learnt.
    pub state: ModeState,
}

/// The general orthogonal frame: the geometry of every global minimiser without bias (NC-05).
///
/// Features collapse to their class means, which are orthogonal, and so are the classifier rows; row k is a multiple of
/// mean k. Equal class sizes give an orthogonal frame of equal lengths. Under a bottleneck the largest classes keep
/// this geometry and the others have zero features and rows (NC-07). In the order of the class counts; O(K M).
///
/// # Errors
/// [`CollapseError::Bias`] unless there is no bias; [`CollapseError::TiedCut`] when the rank bound cuts through classes of
/// equal size (only spectra are determined then); [`CollapseError::NotRepresentable`] for lengths outside `f64`.
///
/// ```
/// use solvable_model::collapse::{Bias, ClassCounts, FreeFeatures};
/// use solvable_theory::collapse::orthogonal_frame;
/// let problem = FreeFeatures::new(ClassCounts::new(vec![4, 1])?, vec![2], vec![0.01], 0.04, Bias::None)?;
/// let frame = orthogonal_frame(&problem)?;
/// // M = 1: |w_k|^2 = sqrt(n_k lambda_H/lambda_W) - N lambda_H, own logit 1 - N lambda/sqrt(n_k).
/// assert!((frame[0].w_norm_sq - (4.0 - 0.2)).abs() <= 1e-14);
/// assert!((frame[1].own_logit - (1.0 - 5.0 * 0.02)).abs() <= 1e-15);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn orthogonal_frame(problem: &FreeFeatures) -> Result<Vec<ClassFrame>, CollapseError> {
    if problem.bias() != Bias::None {
        return Err(CollapseError::Bias { found: bias_word(problem.bias()), needed: "none" });
    }
    let minimum = squared_minimum(problem)?;
    refuse_tied_cut(problem, &minimum)?;
    let counts = problem.classes().counts();
    let mut frames = vec![None; counts.len()];
    for (j, mode) in minimum.modes.iter().enumerate() {
        let k = (0..counts.len()).find(|&k| minimum.vectors[(k, j)] == 1.0).expect("a permutation");
        let n = Scaled::new(counts[k] as f64);
        let lambda_h = Scaled::new(problem.lambda_h());
        let base = Scaled::new(problem.classes().total() as f64).times(lambda_h);
        frames[k] = Some(match &minimum.branches[j] {
            None => ClassFrame {
                w_norm_sq: 0.0,
                h_norm_sq: 0.0,
                own_logit: 0.0,
                w_over_h: base.value("w_over_h")?,
                layer_singular_values: vec![0.0; problem.depth() + 1],
                layer_features: vec![0.0; problem.depth()],
                gof_classifier: 0.0,
                gof_feature: 0.0,
                state: mode.state,
            },
            Some(branch) => {
                let power = branch.power(problem.depth());
                let rest = power.over(Scaled::new(branch.alignment));
                let q = Scaled::new(mode.layer_energy);
                let mut length = q.over(lambda_h).over(n);
                let mut layer_features = vec![length.value("the length of a feature")?];
                for &lambda in problem.lambda_w()[1..].iter().rev() {
                    length = length.times(q).over(Scaled::new(lambda));
                    layer_features.push(length.value("the length of a feature")?);
                }
                let lambdas = problem.lambda_w().iter().copied().chain([problem.lambda_h()]);
                let singular = |l: f64| q.over(Scaled::new(l)).root(2).value("a singular value of a factor");
                ClassFrame {
                    w_norm_sq: base.times(power).value("the length of a classifier row")?,
                    h_norm_sq: layer_features[0],
                    own_logit: branch.alignment,
                    w_over_h: base.times(rest).value("w_over_h")?,
                    layer_singular_values: lambdas.map(singular).collect::<Result<_, _>>()?,
                    layer_features,
                    gof_classifier: power.value("x^M")?,
                    gof_feature: Scaled::new(branch.alignment).over(rest).value("x^M/(1 + x^M)^2")?,
                    state: mode.state,
                }
            }
        });
    }
    Ok(frames.into_iter().map(|f| f.expect("every class is one mode")).collect())
}

fn refuse_tied_cut(problem: &FreeFeatures, minimum: &SquaredMinimum) -> Result<(), CollapseError> {
    match minimum.tied_cut {
        Some(target) => Err(CollapseError::TiedCut { rank: problem.rank_bound(), target }),
        None => Ok(()),
    }
}

/// The matrices of classifiers and class means that every global minimiser shares (NC-05, NC-06, NC-07).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ClassGrams {
    /// `W W'`.
    pub classifiers: Mat<f64>,
    /// Gram matrix of the class means of H_1.
    pub features: Mat<f64>,
    /// W times the class means: logits without bias, one column a class.
    pub logits: Mat<f64>,
    /// The bias: `n/N` where it is free, empty without bias.
    pub bias: Vec<f64>,
}

/// Gram matrices of the global minimisers of the squared loss, without bias or with a free bias (NC-05, NC-06).
///
/// With target pairs `(u_j, tau_j)`, the right vectors in class coordinates are `r_j = tau_j D^(-1/2) u_j`, so that
/// `W W' = sum_j N lambda_H x_j^M u_j u_j'`, `Hbar'Hbar = D^-1 (sum_j q_j tau_j^2/lambda_H u_j u_j') D^-1`,
/// `W Hbar = (sum_j sigma_j tau_j u_j u_j') D^-1`: sums of terms of one sign on the diagonal, no difference is formed.
/// Balanced with a free bias: all are multiples of `I - J/K`, the simplex. Costs O(K^3).
///
/// # Errors
/// As [`orthogonal_frame`], for bias none or free.
pub fn class_grams(problem: &FreeFeatures) -> Result<ClassGrams, CollapseError> {
    let minimum = squared_minimum(problem)?;
    refuse_tied_cut(problem, &minimum)?;
    let counts = problem.classes().counts();
    let k = counts.len();
    let base = Scaled::new(problem.classes().total() as f64).times(Scaled::new(problem.lambda_h()));
    let (mut classifiers, mut features, mut logits) = (Mat::zeros(k, k), Mat::zeros(k, k), Mat::zeros(k, k));
    for (j, mode) in minimum.modes.iter().enumerate() {
        let Some(branch) = &minimum.branches[j] else { continue };
        let w = base.times(branch.power(problem.depth())).value("the length of a classifier row")?;
        let square = mode.target * mode.target;
        let h = mode.layer_energy / problem.lambda_h() * square;
        let z = mode.singular_value * mode.target;
        for b in 0..k {
            for a in 0..k {
                let product = minimum.vectors[(a, j)] * minimum.vectors[(b, j)];
                let (na, nb) = (counts[a] as f64, counts[b] as f64);
                classifiers[(a, b)] += w * product;
                features[(a, b)] += h * product / na / nb;
                logits[(a, b)] += z * product / nb;
            }
        }
    }
    Ok(ClassGrams { classifiers, features, logits, bias: minimum.bias })
}
