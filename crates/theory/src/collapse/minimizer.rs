//! Parameters that attain the minimum (NC-04, NC-09).
use solvable_linalg::Mat;
use solvable_model::collapse::{ClassLoss, FreeFeaturesLoss};

use super::CollapseError;
use super::minimum::squared_minimum;

/// Parameters of a global minimiser of the squared loss, in the layout of the objective (NC-04).
///
/// `W_M = sum_j sqrt(q_j/lambda_WM) u_j e_j'`, inner layers diagonal with `sqrt(q_j/lambda_Wm)`,
/// `H_1 = sum_j sqrt(q_j/lambda_H) e_j v_j'`. All others are `Q_(m+1) W_m Q_m'`, `Q_1 H_1` with orthogonal Q (NC-09), up to
/// ties. Modes exactly at their threshold are taken alive. Costs the number of parameters.
///
/// # Errors
/// Those of [`squared_minimum`]; [`CollapseError::Input`] when the objective is not the squared loss.
pub fn squared_minimizer(objective: &FreeFeaturesLoss) -> Result<Vec<f64>, CollapseError> {
    let problem = objective.problem();
    if objective.loss() != ClassLoss::Squared {
        return Err(CollapseError::Loss);
    }
    let minimum = squared_minimum(problem)?;
    let counts = problem.classes().counts();
    let shapes = objective.layout().factors();
    let lambdas = problem.lambda_w().iter().copied().chain([problem.lambda_h()]);
    let mut factors: Vec<Mat<f64>> = shapes.iter().map(|s| Mat::zeros(s.rows, s.columns)).collect();
    for (i, lambda) in lambdas.enumerate() {
        for (j, mode) in minimum.modes.iter().enumerate().take(problem.rank_bound()) {
            let value = (mode.layer_energy / lambda).sqrt();
            if i == 0 {
                for k in 0..counts.len() {
                    factors[i][(k, j)] = value * minimum.vectors[(k, j)];
                }
            } else if i < shapes.len() - 1 {
                factors[i][(j, j)] = value;
            } else {
                for (c, &k) in objective.labels().iter().enumerate() {
                    // v_j at a sample of class k is tau_j u_kj/n_k.
                    let right = mode.target * minimum.vectors[(k, j)] / counts[k] as f64;
                    factors[i][(j, c)] = value * right / objective.column_scale(k);
                }
            }
        }
    }
    let views: Vec<_> = factors.iter().map(Mat::as_ref).collect();
    let bias = (!minimum.bias.is_empty()).then_some(minimum.bias.as_slice());
    Ok(objective.layout().pack(&views, bias)?)
}
