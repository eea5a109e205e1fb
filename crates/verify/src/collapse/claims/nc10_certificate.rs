//! NC-10: certificate of global optimality for the squared loss.
use rand_chacha::ChaCha12Rng;
use solvable_linalg::{Mat, singular_values};
use solvable_model::collapse::Bias;
use solvable_sim::collapse::observe;
use solvable_theory::collapse::{squared_dual, squared_minimum};

use super::common::{Setting, log_uniform, pick, refused, trained, whole};
use crate::check::{Budget, Certificate, Enclosure};
use crate::{Chapter, CheckError, Claim};

/// Depth one, wide: some classes dead.
fn problems(budget: Budget, rng: &mut ChaCha12Rng) -> Vec<Setting> {
    let mut cells = vec![
        Setting::squared(&[5, 5, 5], &[4], &[0.01], 0.001, rng),
        Setting::squared(&[9, 4, 1], &[4], &[0.03], 0.012, rng).with_bias(Bias::Free),
    ];
    for i in 0..pick(budget, 2, 20) {
        let classes = whole(rng, 2, 4);
        let counts: Vec<usize> = (0..classes).map(|_| whole(rng, 1, 8)).collect();
        let weights = [log_uniform(rng, 3e-3, 3e-2)];
        let bias = if i % 2 == 0 { Bias::Free } else { Bias::None };
        let features = log_uniform(rng, 3e-3, 3e-2);
        cells.push(Setting::squared(&counts, &[classes + 1], &weights, features, rng).with_bias(bias));
    }
    cells
}

/// The enclosure of the minimum that one trained network certifies by itself: its own value from above, the dual
/// `<G, T> - N |G|²/2` at its residual `G = (T - Z)/N`, shrunk until `|G|_op <= lambda`, from below.
///
/// Class columns are scaled by `sqrt(n_k)`, in which norms agree with those over all samples.
fn certified(cell: &Setting, shrink: bool, per_sample: bool) -> Result<Enclosure, CheckError> {
    let (objective, end) = trained(cell)?;
    let logits = observe(&objective, &end.x).logits();
    let (k, total) = (cell.counts.len(), cell.total());
    let root = |c: usize| (cell.counts[c] as f64).sqrt();
    // Without bias the target is Y; a free bias centres it over the samples.
    let target = Mat::from_fn(k, k, |r, c| {
        let mean = if cell.bias == Bias::Free { cell.counts[r] as f64 / total } else { 0.0 };
        root(c) * (f64::from(u8::from(r == c)) - mean)
    });
    let scale = if per_sample { total } else { 1.0 };
    let residual = Mat::from_fn(k, k, |r, c| (target[(r, c)] - root(c) * logits[(r, c)]) / scale);
    let lambda = cell.product().sqrt();
    let norm = singular_values(residual.as_ref())?[0];
    let factor = if shrink { (lambda / norm).min(1.0) } else { 1.0 };
    let (mut linear, mut square) = (0.0, 0.0);
    for r in 0..k {
        for c in 0..k {
            let g = factor * residual[(r, c)];
            linear += g * target[(r, c)];
            square += g * g;
        }
    }
    // Rounding of sums of K² terms of size below 1.
    let rounding = 64.0 * (k * k) as f64 * f64::EPSILON;
    Ok(Enclosure { lower: linear - 0.5 * total * square - rounding, upper: end.value + rounding })
}

fn attained(cell: &Setting) -> Result<Enclosure, CheckError> {
    let minimum = squared_minimum(&cell.problem()?).map_err(refused)?;
    let dual = squared_dual(&cell.problem()?).map_err(refused)?;
    // The dual value of theory is one more estimate of the same number.
    let rounding = 64.0 * f64::EPSILON * minimum.value();
    Ok(Enclosure {
        lower: minimum.optimality.lower_bound.min(dual) - rounding,
        upper: minimum.value().max(dual) + rounding,
    })
}

fn exactly(value: f64) -> Enclosure {
    Enclosure { lower: value, upper: value }
}

pub(super) fn claim() -> Claim {
    let certificate = Certificate::new(
        "dual",
        "minimum against the primal and dual values of a trained network",
        problems,
        attained,
        |cell: &Setting| certified(cell, true, true),
    )
    .wrong("half of the penalty", |cell| {
        let minimum = squared_minimum(&cell.problem()?).map_err(refused)?;
        let energy: f64 = minimum.modes.iter().map(|m| m.layer_energy).sum();
        Ok(exactly(minimum.value() - 0.5 * energy))
    })
    .wrong("the bias forgotten", |cell| {
        attained(&cell.but(|s| s.bias = if s.bias == Bias::Free { Bias::None } else { Bias::Free }))
    })
    .broken("a network trained with half the decay", |cell| {
        certified(&cell.but(|s| s.lambda_h *= 0.5), true, true)
    })
    .broken("a residual that is not divided by N", |cell| {
        let mut wrong = certified(cell, false, false)?;
        // The enclosure of a wrong dual: its value alone.
        wrong.upper = wrong.lower;
        Ok(wrong)
    });
    Claim {
        id: "NC-10",
        chapter: Chapter::Collapse,
        title: "Certificate of global optimality",
        statement: "For any parameters $f(\\theta)-f^\\star\\ge0$ is a rigorous optimality gap. At depth one a matching convex dual \
            exists: $$f^\\star=\\max_{\\|G\\|_{op}\\le\\lambda}\\langle G,T\\rangle-\\frac N2\\|G\\|_F^2,\\qquad G=(T-Z^\\star)/N,$$ \
            with $\\lambda=\\sqrt{\\lambda_W\\lambda_H}$. A trained network thus certifies its own optimality.",
        assumptions: "Squared loss, $M=1$, no active bottleneck, no bias or a free one.",
        source: "Derived",
        formula: "solvable_theory::collapse::{squared_minimum, squared_dual}",
        simulator: "solvable_sim::collapse::train; dual value of the trained residual",
        checks: vec![Box::new(certificate)],
    }
}
