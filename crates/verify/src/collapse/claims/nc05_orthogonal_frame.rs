//! NC-05: the general orthogonal frame, without bias.
use rand_chacha::ChaCha12Rng;
use solvable_linalg::Mat;
use solvable_model::collapse::{Bias, FreeFeaturesLoss};
use solvable_sim::collapse::{layer_means, observe};
use solvable_theory::collapse::{ClassFrame, orthogonal_frame};

use super::common::{Setting, geometry_bound, log_uniform, pick, refused, trained};
use crate::check::{Budget, Identity};
use crate::{Chapter, CheckError, Claim};

/// Unequal and equal classes, unequal weights, one class of several dead.
fn problems(budget: Budget, rng: &mut ChaCha12Rng) -> Vec<Setting> {
    let mut cells = vec![
        Setting::squared(&[15, 8, 4, 2], &[5, 6, 5], &[0.004, 0.008, 0.002], 0.003, rng),
        Setting::squared(&[4, 4, 4], &[4, 5], &[0.01, 0.004], 0.006, rng),
        Setting::squared(&[9, 4, 1], &[4], &[0.03], 0.012, rng),
    ];
    for _ in 0..pick(budget, 1, 12) {
        let weights = [log_uniform(rng, 2e-3, 8e-3), log_uniform(rng, 2e-3, 8e-3)];
        let features = log_uniform(rng, 2e-3, 8e-3);
        cells.push(Setting::squared(&[7, 5, 3], &[4, 5], &weights, features, rng));
    }
    cells
}

/// Per class: squared lengths of classifier row and class mean, own logit, squared lengths of the mean after each layer;
/// then the largest entry off the diagonal of each Gram matrix, and the spread within classes.
fn predicted(cell: &Setting, change: impl Fn(&mut ClassFrame, &Setting)) -> Result<Vec<f64>, CheckError> {
    let mut values = Vec::new();
    for mut class in orthogonal_frame(&cell.problem()?).map_err(refused)? {
        change(&mut class, cell);
        values.extend([class.w_norm_sq, class.h_norm_sq, class.own_logit]);
        values.extend(&class.layer_features);
    }
    values.extend([0.0; 4]);
    Ok(values)
}

fn measured(objective: &FreeFeaturesLoss, x: &[f64]) -> Vec<f64> {
    let seen = observe(objective, x);
    let (w, h, z) = (seen.classifier_gram(), seen.feature_gram(), seen.logits());
    let layers = layer_means(objective, x);
    let square = |m: &Mat<f64>, k: usize| (0..m.nrows()).map(|i| m[(i, k)] * m[(i, k)]).sum::<f64>();
    let mut values = Vec::new();
    for k in 0..w.nrows() {
        values.extend([w[(k, k)], h[(k, k)], z[(k, k)]]);
        values.extend(layers.iter().map(|l| square(l, k)));
    }
    let off = |m: &Mat<f64>| {
        (0..m.nrows())
            .flat_map(|i| (0..m.ncols()).filter(move |&j| j != i).map(move |j| m[(i, j)].abs()))
            .fold(0.0, f64::max)
    };
    values.extend([off(&w), off(&h), off(&z), seen.within]);
    values
}

pub(super) fn claim() -> Claim {
    let frame = Identity::new(
        "frame",
        "lengths, own logits, layer features; orthogonality; spread within classes",
        problems,
        |cell: &Setting| predicted(cell, |_, _| {}),
        |cell| trained(cell).map(|(objective, end)| measured(&objective, &end.x)),
        geometry_bound,
    )
    .wrong("equal weights assumed: the published constant c = 1", |cell| {
        predicted(cell, |class, cell| {
            let first = class.layer_singular_values[cell.depth() - 1];
            class.w_norm_sq = first.powi(2 * cell.depth() as i32);
        })
    })
    .wrong("class means as if features were summed", |cell| {
        predicted(cell, |class, _| class.h_norm_sq = class.gof_feature)
    })
    .wrong("own logit without shrinkage", |cell| {
        predicted(cell, |class, _| class.own_logit = f64::from(u8::from(class.own_logit > 0.0)))
    })
    .broken("a bias trained along", |cell| {
        trained(&cell.but(|s| s.bias = Bias::Free)).map(|(objective, end)| measured(&objective, &end.x))
    });
    Claim {
        id: "NC-05",
        chapter: Chapter::Collapse,
        title: "Geometry without bias: general orthogonal frame",
        statement: "At every global minimiser of the squared loss without bias, features equal their class means \
            $\\bar h_k$, the $\\bar h_k$ are orthogonal and so are the classifier rows $w_k$, with $$\\|w_k\\|^2=N\\lambda_Hx_k^M,\
            \\qquad\\|\\bar h_k\\|^2=\\frac{x_k^M}{N\\lambda_H(1+x_k^M)^2},\\qquad w_k=N\\lambda_H(1+x_k^M)\\bar h_k,$$ and \
            $W\\bar H=\\mathrm{diag}(x_k^M/(1+x_k^M))$. Class means after layer $m$ are orthogonal too, with squared length \
            $q_k^{m+1}/(n_k\\lambda_H\\prod_{i\\le m}\\lambda_{W_i})$.",
        assumptions: "No bottleneck, no tie at a threshold.",
        source: "Derived; metrics and targets agree with the code of Dang et al., arXiv 2301.00437",
        formula: "solvable_theory::collapse::orthogonal_frame",
        simulator: "solvable_sim::collapse::{train, observe, layer_means}",
        checks: vec![Box::new(frame)],
    }
}
