//! NC-15 and NC-16: cross-entropy on two groups of classes, and sharp minority collapse.
use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::SeedableRng;
use solvable_model::collapse::Bias;
use solvable_sim::collapse::observe;
use solvable_theory::collapse::{
    TwoGroupEntropyMinimum, TwoGroups, minority_collapse, two_group_entropy_minimum,
};

use super::common::{
    Setting, VANISHING, geometry_bound, pick, refused, trained, value_bound, vanishing_point, whole,
};
use crate::check::{Budget, Identity};
use crate::{Cell, Chapter, CheckError, Claim, Parameters};

/// k_A classes of n_A beside k_B of n_B.
#[derive(Clone)]
struct Groups {
    groups: [usize; 4],
    lambda_w: f64,
    lambda_h: f64,
    bias: Bias,
    seed: u64,
}

impl Cell for Groups {
    fn parameters(&self) -> Parameters {
        let [k_a, n_a, k_b, n_b] = self.groups;
        let bias = match self.bias {
            Bias::None => "none".to_owned(),
            Bias::Free => "free".to_owned(),
            other => format!("{}", other.weight()),
        };
        Parameters::new()
            .with("kA", k_a)
            .with("nA", n_a)
            .with("kB", k_b)
            .with("nB", n_b)
            .with("lw", self.lambda_w)
            .with("lh", self.lambda_h)
            .with("bias", bias)
            .with("seed", self.seed)
    }
}

impl Groups {
    fn groups(&self) -> Result<TwoGroups, CheckError> {
        let [k_a, n_a, k_b, n_b] = self.groups;
        Ok(TwoGroups::new(k_a, n_a, k_b, n_b)?)
    }

    fn setting(&self) -> Setting {
        let [k_a, n_a, k_b, n_b] = self.groups;
        let counts = [vec![n_a; k_a], vec![n_b; k_b]].concat();
        let mut rng = ChaCha12Rng::seed_from_u64(self.seed);
        Setting::squared(&counts, &[k_a + k_b], &[self.lambda_w], self.lambda_h, &mut rng)
            .with_bias(self.bias)
            .cross_entropy()
    }

    fn but(&self, change: impl FnOnce(&mut Self)) -> Self {
        let mut copy = self.clone();
        change(&mut copy);
        copy
    }

    fn theory(&self) -> Result<TwoGroupEntropyMinimum, CheckError> {
        two_group_entropy_minimum(&self.groups()?, self.lambda_w, self.lambda_h, self.bias).map_err(refused)
    }
}

/// Worked cases of all bias types, a collapsed minority, single classes; then random ones.
fn cells(budget: Budget, rng: &mut ChaCha12Rng) -> Vec<Groups> {
    let mut seed = || whole(rng, 0, 1_000_000) as u64;
    let mut cells = vec![
        Groups { groups: [3, 4, 2, 2], lambda_w: 0.01, lambda_h: 0.01, bias: Bias::None, seed: seed() },
        Groups {
            groups: [2, 4, 2, 1],
            lambda_w: 0.01,
            lambda_h: 0.02,
            bias: Bias::Regularised(0.05),
            seed: seed(),
        },
        Groups { groups: [1, 5, 2, 2], lambda_w: 0.01, lambda_h: 0.02, bias: Bias::Free, seed: seed() },
    ];
    for _ in 0..pick(budget, 1, 8) {
        let groups = [whole(rng, 1, 3), whole(rng, 3, 5), whole(rng, 1, 3), whole(rng, 1, 2)];
        let seed = whole(rng, 0, 1_000_000) as u64;
        cells.push(Groups { groups, lambda_w: 0.015, lambda_h: 0.01, bias: Bias::None, seed });
    }
    cells
}

/// Margins within A and B (0 for a single class), across from A and from B, and the bias gap.
fn predicted(cell: &Groups) -> Result<Vec<f64>, CheckError> {
    let m = cell.theory()?;
    Ok(vec![m.within[0], m.within[1], m.across[0], m.across[1], m.bias_gap])
}

fn measured(cell: &Groups) -> Result<Vec<f64>, CheckError> {
    let (objective, end) = trained(&cell.setting())?;
    let seen = observe(&objective, &end.x);
    let (z, [k_a, _, k_b, _]) = (seen.logits(), cell.groups);
    let (a, b) = (0, k_a);
    let within = |first: usize, count: usize| {
        if count > 1 { z[(first, first)] - z[(first + 1, first)] } else { 0.0 }
    };
    Ok(vec![
        within(a, k_a),
        within(b, k_b),
        z[(a, a)] - z[(b, a)],
        z[(b, b)] - z[(a, b)],
        seen.bias[a] - seen.bias[b],
    ])
}

/// Minority collapse: the second group is the smaller one.
fn collapse_cells(budget: Budget, rng: &mut ChaCha12Rng) -> Vec<Groups> {
    let mut cells = Vec::new();
    for bias in [Bias::None, Bias::Free] {
        for _ in 0..pick(budget, 1, 4) {
            let n_b = whole(rng, 1, 2);
            let groups = [whole(rng, 2, 3), n_b + whole(rng, 2, 4), 2, n_b];
            let seed = whole(rng, 0, 1_000_000) as u64;
            cells.push(Groups { groups, lambda_w: 0.1, lambda_h: 0.1, bias, seed });
        }
    }
    cells
}

fn critical(cell: &Groups) -> Result<f64, CheckError> {
    Ok(minority_collapse(&cell.groups()?, 0.1).map_err(refused)?.critical_lambda)
}

/// Where the trained minority margin vanishes, in units of `at`.
fn vanishing(cell: &Groups, at: f64) -> Result<Vec<f64>, CheckError> {
    let first = cell.groups[0];
    let found = vanishing_point(|part| {
        let near = cell.but(|c| (c.lambda_w, c.lambda_h) = (2.0 * part * at, 0.5 * part * at));
        let (objective, end) = trained(&near.setting())?;
        let z = observe(&objective, &end.x).logits();
        Ok(z[(first, first)] - z[(first + 1, first)])
    })?;
    Ok(vec![found])
}

/// Distance of two minority features and the length of one, 1% above and below the threshold; predicted by NC-15.
fn sides(cell: &Groups, margin: impl Fn(&Groups) -> Result<f64, CheckError>) -> Result<Vec<f64>, CheckError> {
    let at = critical(cell)?;
    [1.01, 0.99]
        .map(|factor| {
            let near = cell.but(|c| (c.lambda_w, c.lambda_h) = (2.0 * factor * at, 0.5 * factor * at));
            margin(&near)
        })
        .into_iter()
        .collect()
}

fn trained_margin(cell: &Groups) -> Result<f64, CheckError> {
    Ok(measured(cell)?[1])
}

pub(super) fn two_groups() -> Claim {
    let value = Identity::new(
        "trained-value",
        "value of the reduction to five variables against the raw parameters",
        cells,
        |cell: &Groups| Ok(vec![cell.theory()?.optimality.value]),
        |cell| Ok(vec![trained(&cell.setting())?.1.value]),
        |cell| Ok(1e-12 + value_bound(&cell.setting())?),
    )
    .wrong("all classes of the average size", |cell| {
        let [k_a, n_a, k_b, n_b] = cell.groups;
        let mean = (k_a * n_a + k_b * n_b) / (k_a + k_b);
        Ok(vec![cell.but(|c| c.groups = [k_a, mean, k_b, mean]).theory()?.optimality.value])
    })
    .wrong("lambda for the root of the product", |cell| {
        let lambda = 0.5 * (cell.lambda_w + cell.lambda_h) * 1.05;
        Ok(vec![cell.but(|c| (c.lambda_w, c.lambda_h) = (lambda, lambda)).theory()?.optimality.value])
    })
    .broken("the sizes of the groups exchanged", |cell| {
        let [k_a, n_a, k_b, n_b] = cell.groups;
        Ok(vec![trained(&cell.but(|c| c.groups = [k_a, n_b, k_b, n_a + 1]).setting())?.1.value])
    });
    let margins = Identity::new(
        "trained-margins",
        "margins within and across the groups, bias gap",
        cells,
        predicted,
        measured,
        |cell: &Groups| Ok(100.0 * geometry_bound(&cell.setting())?),
    )
    .wrong("one margin for all", |cell| {
        let values = predicted(cell)?;
        Ok(vec![values[2], values[2], values[2], values[2], values[4]])
    })
    .wrong("margins that include the bias", |cell| {
        let mut values = predicted(cell)?;
        values[2] += values[4];
        values[3] -= values[4];
        if cell.bias == Bias::None {
            values[3] *= 1.01;
        }
        Ok(values)
    })
    .broken("the penalty of the bias without its half, no bias where it was free", |cell| {
        measured(&cell.but(|c| {
            c.bias = match c.bias {
                Bias::Regularised(w) => Bias::Regularised(2.0 * w),
                Bias::Free => Bias::None,
                _ => Bias::Free,
            }
        }))
    });
    Claim {
        id: "NC-15",
        chapter: Chapter::Collapse,
        title: "Cross-entropy on two groups: five variables",
        statement: "For $k_A$ classes of $n_A$ and $k_B$ of $n_B$ samples the minimum at depth one is block-symmetric: margins $m_A$, \
            $m_B$ within the groups, a rank-one block with coordinates $v_A$, $v_B$ between them and the bias gap $\\delta$. The \
            margins against the other group are $$q_A=m_A\\Big(1-\\tfrac1{k_A}\\Big)+\\frac{\\sqrt K\\,v_A}{k_A\\sqrt{k_Bn_A}},\\qquad \
            q_B=m_B\\Big(1-\\tfrac1{k_B}\\Big)+\\frac{\\sqrt K\\,v_B}{k_B\\sqrt{k_An_B}},$$ and the singular values of $X$ are \
            $\\sqrt{n_A}m_A$, $\\sqrt{n_B}m_B$ and $\\sqrt{v_A^2+v_B^2}$.",
        assumptions: "$M=1$, width at least $K$; any bias.",
        source: "Derived; block structure as in Hong and Ling, arXiv 2309.09725",
        formula: "solvable_theory::collapse::two_group_entropy_minimum",
        simulator: "solvable_sim::collapse::{train, observe}",
        checks: vec![Box::new(value), Box::new(margins), super::enclosures::two_group_value()],
    }
}

pub(super) fn minority() -> Claim {
    let threshold = Identity::new(
        "threshold",
        "lambda at which the trained minority margin vanishes, over the predicted one",
        collapse_cells,
        |_: &Groups| Ok(vec![1.0]),
        |cell| vanishing(cell, critical(cell)?),
        |_| Ok(VANISHING),
    )
    .wrong("the size of the majority", |cell| {
        Ok(vec![(cell.groups[1] as f64 / cell.groups[3] as f64).sqrt()])
    })
    .wrong("the threshold of the between-group mode", |cell| {
        let [k_a, n_a, k_b, n_b] = cell.groups.map(|v| v as f64);
        Ok(vec![((k_a + k_b) * n_a / (k_a * n_a + k_b * n_b)).sqrt()])
    })
    .broken("one more majority class", |cell| {
        let at = critical(cell)?;
        vanishing(&cell.but(|c| c.groups[0] += 1), at)
    });
    let both = Identity::new(
        "either-side",
        "minority margin 1% above and below the threshold",
        collapse_cells,
        |cell: &Groups| sides(cell, |c| Ok(c.theory()?.within[1])),
        |cell| sides(cell, trained_margin),
        // The margin is near 0.01; curvature 1% of the regularisation on the collapsed side.
        |_| Ok(1e-6),
    )
    .scale(|_| Ok(1.0))
    .wrong("never collapsed", |cell| {
        let values = sides(cell, |c| Ok(c.theory()?.within[1]))?;
        Ok(vec![values[1]; 2])
    })
    .wrong("collapsed on both sides", |_| Ok(vec![0.0; 2]))
    .broken("twice the minority", |cell| {
        let at = critical(cell)?;
        let other = cell.but(|c| c.groups[3] *= 2);
        [1.01, 0.99]
            .map(|f| trained_margin(&other.but(|c| (c.lambda_w, c.lambda_h) = (2.0 * f * at, 0.5 * f * at))))
            .into_iter()
            .collect()
    });
    Claim {
        id: "NC-16",
        chapter: Chapter::Collapse,
        title: "Sharp minority collapse under cross-entropy",
        statement: "At depth one a group of at least two classes of common size $n_g$ has coinciding features exactly when \
            $$\\sqrt{n_g}\\le N\\sqrt{\\lambda_W\\lambda_H},$$ whatever the bias, the other groups and $K$. Above the threshold in size \
            the margin opens linearly.",
        assumptions: "$M=1$, width at least $K$.",
        source: "Derived; consistent with every parameter list in the code of Hong and Ling, arXiv 2309.09725",
        formula: "solvable_theory::collapse::{minority_collapse, two_group_entropy_minimum}",
        simulator: "solvable_sim::collapse::train at regularisations closing in on the threshold",
        checks: vec![Box::new(threshold), Box::new(both), super::enclosures::critical_lambda()],
    }
}
