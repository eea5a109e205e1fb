//! NC-14: cross-entropy at depth one on any class counts: a convex program with its certificate.
use rand_chacha::ChaCha12Rng;
use solvable_linalg::{Mat, singular_values};
use solvable_model::collapse::Bias;
use solvable_sim::collapse::observe;
use solvable_theory::collapse::{EntropyProgramMinimum, all_zero_threshold, entropy_program_minimum};

use super::common::{
    Setting, VANISHING, geometry_bound, log_uniform, pick, refused, trained, value_bound, vanishing_point,
    whole,
};
use crate::check::{Budget, Certificate, Enclosure, Identity};
use crate::{Chapter, CheckError, Claim};

fn problems(budget: Budget, rng: &mut ChaCha12Rng) -> Vec<Setting> {
    let mut cells = vec![
        Setting::squared(&[6, 4, 2], &[4], &[0.02], 0.01, rng),
        Setting::squared(&[5, 2, 1], &[3], &[0.01], 0.02, rng).with_bias(Bias::Free),
        Setting::squared(&[5, 3, 3], &[3], &[0.02], 0.02, rng).with_bias(Bias::Regularised(0.05)),
    ];
    for _ in 0..pick(budget, 0, 8) {
        let counts: Vec<usize> = (0..whole(rng, 2, 4)).map(|_| whole(rng, 1, 6)).collect();
        let k = counts.len();
        cells.push(Setting::squared(&counts, &[k], &[log_uniform(rng, 0.01, 0.04)], 0.02, rng));
    }
    cells.into_iter().map(Setting::cross_entropy).collect()
}

fn program(cell: &Setting) -> Result<EntropyProgramMinimum, CheckError> {
    entropy_program_minimum(&cell.problem()?).map_err(refused)
}

/// Singular values of `X = Z D^(1/2)`, the logits of the means without bias, differences of the bias.
fn predicted(cell: &Setting, change: impl Fn(&mut EntropyProgramMinimum)) -> Result<Vec<f64>, CheckError> {
    let mut m = program(cell)?;
    change(&mut m);
    let mut values = m.singular_values;
    values.extend((0..cell.counts.len()).map(|k| m.logits[(k, k)]));
    values.extend(m.bias.iter().map(|b| b - m.bias[0]));
    Ok(values)
}

fn measured(cell: &Setting) -> Result<Vec<f64>, CheckError> {
    let (objective, end) = trained(cell)?;
    let seen = observe(&objective, &end.x);
    let mut values = seen.logit_singular_values(&cell.counts)?;
    let z = seen.logits();
    values.extend((0..cell.counts.len()).map(|k| z[(k, k)]));
    values.extend(seen.bias.iter().map(|b| b - seen.bias[0]));
    Ok(values)
}

/// Primal value of a trained network, and the dual value at its softmax columns, moved towards the labels until they are
/// feasible: `Σ n_k/N H(p_k) - |r|²/(2 lambda_b)`. Not for a free bias.
fn certified(cell: &Setting, entropies: bool) -> Result<Enclosure, CheckError> {
    let (objective, end) = trained(cell)?;
    let seen = observe(&objective, &end.x);
    let (z, k, n) = (seen.logits(), cell.counts.len(), cell.total());
    let softmax = Mat::from_fn(k, k, |i, c| {
        let logit = |j: usize| z[(j, c)] + seen.bias[j];
        let top = (0..k).map(logit).fold(f64::NEG_INFINITY, f64::max);
        (logit(i) - top).exp() / (0..k).map(|j| (logit(j) - top).exp()).sum::<f64>()
    });
    let direction = |i: usize, c: usize| softmax[(i, c)] - f64::from(u8::from(i == c));
    let gradient = Mat::from_fn(k, k, |i, c| (cell.counts[c] as f64).sqrt() / n * direction(i, c));
    let norm = singular_values(gradient.as_ref())?[0];
    let theta = (cell.product().sqrt() / norm).min(1.0);
    let mut dual = 0.0;
    let mut defect = vec![0.0; k];
    for c in 0..k {
        let share = cell.counts[c] as f64 / n;
        for i in 0..k {
            let p = f64::from(u8::from(i == c)) + theta * direction(i, c);
            if p > 0.0 && entropies {
                dual -= share * p * p.ln();
            }
            defect[i] += share * theta * direction(i, c);
        }
    }
    if cell.bias.weight() > 0.0 {
        dual -= defect.iter().map(|r| r * r).sum::<f64>() / (2.0 * cell.bias.weight());
    }
    // Rounding of sums of K² terms below 1.
    let rounding = 64.0 * (k * k) as f64 * f64::EPSILON;
    Ok(Enclosure { lower: dual - rounding, upper: end.value + rounding })
}

fn attained(cell: &Setting) -> Result<Enclosure, CheckError> {
    let m = program(cell)?.optimality;
    Ok(Enclosure { lower: m.lower_bound.min(m.value), upper: m.value * (1.0 + 64.0 * f64::EPSILON) })
}

/// Where the largest singular value of the trained logits vanishes, in units of the threshold.
fn vanishing(cell: &Setting, threshold: f64) -> Result<Vec<f64>, CheckError> {
    let at = vanishing_point(|part| {
        let near = cell.but(|s| {
            let scale = threshold * part / s.product().sqrt();
            s.lambda_h *= scale;
            s.lambda_w[0] *= scale;
        });
        let (objective, end) = trained(&near)?;
        Ok(observe(&objective, &end.x).logit_singular_values(&cell.counts)?[0])
    })?;
    Ok(vec![at])
}

fn zero_cells(_: Budget, rng: &mut ChaCha12Rng) -> Vec<Setting> {
    vec![
        Setting::squared(&[6, 4, 2], &[3], &[0.02], 0.01, rng).cross_entropy(),
        Setting::squared(&[5, 2, 1], &[3], &[0.01], 0.02, rng).with_bias(Bias::Free).cross_entropy(),
    ]
}

fn threshold(cell: &Setting) -> Result<f64, CheckError> {
    all_zero_threshold(&cell.problem()?).map_err(refused)
}

pub(super) fn claim() -> Claim {
    let value = Identity::new(
        "trained-value",
        "value of the program against the raw parameters",
        problems,
        |cell: &Setting| Ok(vec![program(cell)?.optimality.value]),
        |cell| Ok(vec![trained(cell)?.1.value]),
        // The program stops at a gap near rounding, relative to its value.
        |cell| Ok(1e-12 + value_bound(cell)?),
    )
    .wrong("the penalty halved", |cell| {
        let m = program(cell)?;
        let norm: f64 = m.singular_values.iter().sum();
        Ok(vec![m.optimality.value - 0.5 * cell.product().sqrt() * norm])
    })
    .wrong("equal class sizes", |cell| {
        let mean = cell.counts.iter().sum::<usize>() / cell.counts.len();
        Ok(vec![program(&cell.but(|s| s.counts.fill(mean)))?.optimality.value])
    })
    .broken("the decay of the features doubled", |cell| {
        Ok(vec![trained(&cell.but(|s| s.lambda_h *= 2.0))?.1.value])
    });
    let geometry = Identity::new(
        "trained-geometry",
        "singular values, own logits and bias differences",
        problems,
        |cell: &Setting| predicted(cell, |_| {}),
        measured,
        // Both routes stop near rounding in the value: square roots of it in the arguments.
        |cell| Ok(1e-5 + 100.0 * geometry_bound(cell)?),
    )
    .wrong("columns scaled by the class sizes, not their roots", |cell| {
        predicted(cell, |m| {
            for (k, &n) in cell.counts.iter().enumerate() {
                m.logits[(k, k)] /= (n as f64).sqrt();
            }
        })
    })
    .wrong("equal margins for all classes", |cell| {
        predicted(cell, |m| {
            let k = cell.counts.len();
            let mean = (0..k).map(|i| m.logits[(i, i)]).sum::<f64>() / k as f64;
            (0..k).for_each(|i| m.logits[(i, i)] = mean);
        })
    })
    .broken("classes in another order", |cell| measured(&cell.but(|s| s.counts.reverse())));
    let dual = Certificate::new(
        "certificate",
        "program value between dual and primal values of a trained network",
        |budget, rng| problems(budget, rng).into_iter().filter(|s| s.bias != Bias::Free).collect(),
        attained,
        |cell: &Setting| certified(cell, true),
    )
    .wrong("the penalty halved", |cell| {
        let m = program(cell)?;
        let norm: f64 = m.singular_values.iter().sum();
        let value = m.optimality.value - 0.5 * cell.product().sqrt() * norm;
        Ok(Enclosure { lower: value, upper: value })
    })
    .wrong("the penalty doubled", |cell| {
        let m = program(cell)?;
        let norm: f64 = m.singular_values.iter().sum();
        let value = m.optimality.value + cell.product().sqrt() * norm;
        Ok(Enclosure { lower: value, upper: value })
    })
    .broken("a network trained with half the decay", |cell| {
        certified(&cell.but(|s| s.lambda_h *= 0.5), true)
    });
    let zero = Identity::new(
        "all-zero",
        "lambda at which the trained logits vanish, over the predicted one",
        zero_cells,
        |_: &Setting| Ok(vec![1.0]),
        |cell| vanishing(cell, threshold(cell)?),
        |_| Ok(VANISHING),
    )
    .wrong("the largest class alone: sqrt(n_1)/N", |cell| {
        Ok(vec![(cell.counts[0] as f64).sqrt() / cell.total() / threshold(cell)?])
    })
    .wrong("free bias and none exchanged", |cell| {
        let free = cell.but(|s| s.bias = Bias::Free);
        let none = cell.but(|s| s.bias = Bias::None);
        let ratio = threshold(&free)? / threshold(&none)?;
        Ok(vec![if cell.bias == Bias::Free { 1.0 / ratio } else { ratio }])
    })
    .broken("one more sample in every class", |cell| {
        let at = threshold(cell)?;
        vanishing(&cell.but(|s| s.counts.iter_mut().for_each(|n| *n += 1)), at)
    });
    Claim {
        id: "NC-14",
        chapter: Chapter::Collapse,
        title: "Cross-entropy at depth one, any class counts: a convex program",
        statement: "For width at least $K$, with $X=\\bar ZD^{1/2}$, $$f^\\star=\\min_{X,b}\\sum_k\\frac{n_k}N\\ell\\big(X_k/\\sqrt{n_k}+b,k\\big)\
            +\\lambda\\|X\\|_*+\\frac{\\lambda_b}2\\|b\\|^2,$$ with strong dual $\\max\\sum_k\\frac{n_k}N\\mathcal H(p_k)-\\frac1{2\\lambda_b}\\|r\\|^2$ \
            over columns $p_k$ of the simplex with $\\|G\\|_{op}\\le\\lambda$, $G_k=\\frac{\\sqrt{n_k}}N(p_k-e_k)$. Everything is zero as soon as \
            $\\sigma_{\\max}((I-J/K)D^{1/2})\\le N\\lambda$ without bias, $\\tau_1\\le N\\lambda$ with a free one.",
        assumptions: "$M=1$, $\\lambda=\\sqrt{\\lambda_W\\lambda_H}$.",
        source: "Formulation in the code of Hong and Ling, arXiv 2309.09725; dual derived",
        formula: "solvable_theory::collapse::{entropy_program_minimum, all_zero_threshold}",
        simulator: "solvable_sim::collapse::train; dual value of the trained softmax",
        checks: vec![
            Box::new(value),
            Box::new(geometry),
            Box::new(dual),
            Box::new(zero),
            super::enclosures::program_value(),
        ],
    }
}
