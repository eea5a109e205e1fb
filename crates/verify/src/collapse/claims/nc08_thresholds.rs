//! NC-08: when classes die or coincide.
use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::SeedableRng;
use solvable_linalg::Mat;
use solvable_model::collapse::{Bias, ClassCounts, ClassLoss, FreeFeaturesLoss};
use solvable_sim::collapse::{aligned_start, observe};
use solvable_sim::minimise::{LbfgsOptions, lbfgs};
use solvable_theory::collapse::{
    TwoGroups, class_grams, critical_products, minority_collapse, two_group_thresholds,
};

use super::common::{Setting, TERMINAL_GRADIENT, pick, refused, trained, whole};
use crate::check::{Budget, Identity};
use crate::{Cell, Chapter, CheckError, Claim, Parameters};

/// A class of `size` beside a larger one, at a depth.
struct Threshold {
    depth: usize,
    size: usize,
    other: usize,
    seed: u64,
}

impl Cell for Threshold {
    fn parameters(&self) -> Parameters {
        Parameters::new().with("M", self.depth).with("n", vec![self.size, self.other]).with("seed", self.seed)
    }
}

impl Threshold {
    fn total(&self) -> f64 {
        (self.size + self.other) as f64
    }

    fn critical(&self, depth: usize) -> Result<f64, CheckError> {
        let classes = ClassCounts::new(vec![self.size, self.other])?;
        Ok(critical_products(&classes, depth).map_err(refused)?[0])
    }
}

/// Objectives reached with a common regularisation, from a large start and from one without the small class, and the own
/// logit of the small class at the former.
struct Ends {
    learnt: f64,
    dead: f64,
    own_logit: f64,
}

fn ends(cell: &Threshold, lambda: f64, corrupt: impl Fn(&mut Setting)) -> Result<Ends, CheckError> {
    let mut rng = ChaCha12Rng::seed_from_u64(cell.seed);
    let weights = vec![lambda; cell.depth];
    let mut setting =
        Setting::squared(&[cell.size, cell.other], &vec![2; cell.depth], &weights, lambda, &mut rng);
    corrupt(&mut setting);
    let objective = FreeFeaturesLoss::collapsed(&setting.problem()?, ClassLoss::Squared)?;
    // Aligned with the targets at 1.2 times the larger one: from balanced starts of the wrong orientation the flow cannot
    // reach them, since no singular value crosses 0.
    let scale = (1.2 * (cell.other as f64).sqrt()).powf(1.0 / (setting.depth() as f64 + 1.0));
    let modes = Mat::from_fn(2, 2, |i, j| f64::from(u8::from(i == j)));
    let start = aligned_start(&objective, &modes, scale, &[], &mut rng)?;
    let options = LbfgsOptions::default().gradient_norm(TERMINAL_GRADIENT);
    let learnt = lbfgs(&objective, &start, &options).map_err(refused)?;
    // Row 0 of W_M and column 0 of H: gradient descent keeps them 0.
    let mut without = start;
    let factors = objective.layout().factors();
    let (top, features) = (factors[0], factors[factors.len() - 1]);
    without[top.offset..top.offset + top.columns].fill(0.0);
    without[features.range()].chunks_exact_mut(features.columns).for_each(|row| row[0] = 0.0);
    let dead = lbfgs(&objective, &without, &options).map_err(refused)?;
    let own_logit = observe(&objective, &learnt.x).logits()[(0, 0)];
    Ok(Ends { learnt: learnt.value, dead: dead.value, own_logit })
}

/// The product of all regularisations at which the learnt end stops being the lower one.
fn trained_threshold(cell: &Threshold, corrupt: impl Fn(&mut Setting) + Copy) -> Result<f64, CheckError> {
    if cell.depth == 1 {
        // Continuous: the own logit falls linearly in lambda.
        let [a, b] = [0.3, 0.6].map(|f| f / cell.total());
        let [s, t] = [ends(cell, a, corrupt)?.own_logit, ends(cell, b, corrupt)?.own_logit];
        return Ok((a + s * (b - a) / (s - t)).powi(2));
    }
    let l = cell.depth as f64 + 1.0;
    let gap = |ln: f64| ends(cell, (ln / l).exp(), corrupt).map(|e| e.learnt - e.dead);
    let (mut low, mut high) = (-25.0, 0.0);
    let (mut at_low, mut at_high) = (gap(low)?, gap(high)?);
    // Where the learnt minimum no longer exists both runs end in the same place: no secant through that end.
    while high - low > 1e-11 {
        let secant = at_high > 1e-9 && at_low < 0.0 && high - low < 0.5;
        let mut middle = 0.5 * (low + high);
        if secant {
            // A step beyond the secant's root, so that both ends close in.
            let root = low - at_low * (high - low) / (at_high - at_low);
            let probe = 1e-3 * (high - low);
            middle = if root - low < high - root { root + probe } else { root - probe };
            middle = middle.clamp(low + 1e-3 * (high - low), high - 1e-3 * (high - low));
        }
        let value = gap(middle)?;
        // Beyond the last learnt minimum both ends are the same place, up to rounding of either sign.
        if value < -1e-13 {
            (low, at_low) = (middle, value);
        } else {
            (high, at_high) = (middle, value);
        }
        if secant && high - low < 1e-6 {
            // The gap is smooth: the secant over a millionth is exact to its square.
            return Ok((low - at_low * (high - low) / (at_high - at_low)).exp());
        }
    }
    Ok((0.5 * (low + high)).exp())
}

fn thresholds(budget: Budget, rng: &mut ChaCha12Rng) -> Vec<Threshold> {
    let mut cells = Vec::new();
    for _ in 0..pick(budget, 1, 4) {
        for depth in 1..=pick(budget, 3, 4) {
            let size = whole(rng, 1, 5);
            let other = size + whole(rng, 1, 5);
            cells.push(Threshold { depth, size, other, seed: whole(rng, 0, 1_000_000) as u64 });
        }
    }
    cells
}

/// Two groups with a free bias at depth one.
struct Groups {
    groups: [usize; 4],
    seed: u64,
}

impl Cell for Groups {
    fn parameters(&self) -> Parameters {
        let [k_a, n_a, k_b, n_b] = self.groups;
        Parameters::new()
            .with("kA", k_a)
            .with("nA", n_a)
            .with("kB", k_b)
            .with("nB", n_b)
            .with("seed", self.seed)
    }
}

impl Groups {
    fn groups(&self) -> Result<TwoGroups, CheckError> {
        let [k_a, n_a, k_b, n_b] = self.groups;
        Ok(TwoGroups::new(k_a, n_a, k_b, n_b)?)
    }

    fn setting(&self, lambda: f64) -> Setting {
        let [k_a, n_a, k_b, n_b] = self.groups;
        let mut counts = vec![n_a; k_a];
        counts.extend(vec![n_b; k_b]);
        let mut rng = ChaCha12Rng::seed_from_u64(self.seed);
        Setting::squared(&counts, &[k_a + k_b], &[2.0 * lambda], 0.5 * lambda, &mut rng).with_bias(Bias::Free)
    }

    fn total(&self) -> f64 {
        let [k_a, n_a, k_b, n_b] = self.groups;
        (k_a * n_a + k_b * n_b) as f64
    }
}

/// lambda at which the margin between two minority classes vanishes: linear in lambda, extrapolated.
fn trained_minority(cell: &Groups, bias: Bias) -> Result<f64, CheckError> {
    let first = cell.groups[0];
    let margin = |lambda: f64| {
        let setting = cell.setting(lambda).with_bias(bias);
        let (objective, end) = trained(&setting)?;
        let z = observe(&objective, &end.x).logits();
        Ok::<_, CheckError>(z[(first, first)] - z[(first, first + 1)])
    };
    let [a, b] = [0.3, 0.6].map(|f| f / cell.total());
    let (s, t) = (margin(a)?, margin(b)?);
    Ok(a + s * (b - a) / (s - t))
}

fn group_cells(budget: Budget, rng: &mut ChaCha12Rng) -> Vec<Groups> {
    let mut cells = vec![Groups { groups: [2, 5, 2, 1], seed: whole(rng, 0, 1_000_000) as u64 }];
    for _ in 0..pick(budget, 1, 6) {
        let n_b = whole(rng, 1, 2);
        let groups = [whole(rng, 1, 2), n_b + whole(rng, 1, 4), whole(rng, 2, 3), n_b];
        cells.push(Groups { groups, seed: whole(rng, 0, 1_000_000) as u64 });
    }
    cells
}

/// Distance of two minority means, their length, and the distance of a majority mean: 2% above the threshold.
fn above(cell: &Groups, gram: impl Fn(usize, usize) -> f64) -> Vec<f64> {
    let (b, k) = (cell.groups[0], cell.groups[0] + cell.groups[2]);
    let distance = |i: usize, j: usize| (gram(i, i) + gram(j, j) - 2.0 * gram(i, j)).max(0.0).sqrt();
    vec![distance(b, k - 1), gram(b, b).sqrt(), distance(0, b)]
}

pub(super) fn claim() -> Claim {
    let products = Identity::new(
        "critical-product",
        "product of regularisations at which the learnt minimum stops being the global one",
        thresholds,
        |cell: &Threshold| Ok(vec![cell.critical(cell.depth)?]),
        |cell| Ok(vec![trained_threshold(cell, |_| {})?]),
        // At depth two and more from a secant over a millionth; at depth one extrapolated from trained logits.
        |_| Ok(1e-6),
    )
    .wrong("one power of N too few", |cell| Ok(vec![cell.total() * cell.critical(cell.depth)?]))
    .wrong("the threshold of another depth", |cell| Ok(vec![cell.critical(cell.depth + 1)?]))
    .wrong("the spinodal", |cell| {
        let m = cell.depth as f64;
        let ratio: f64 = if cell.depth == 1 {
            2.0
        } else {
            m * ((m - 1.0) / (m + 1.0)).powf((m - 1.0) / m) * ((m + 1.0) / (2.0 * m)).powi(2)
                / ((m - 1.0).powf((m - 1.0) / m) / m)
        };
        Ok(vec![cell.critical(cell.depth)? * ratio.powi(cell.depth as i32)])
    })
    .broken("features without their decay", |cell| {
        Ok(vec![trained_threshold(cell, |s| s.lambda_h *= 0.25)?])
    });
    let minority = Identity::new(
        "minority-threshold",
        "free bias, depth one: lambda at which minority classes coincide",
        group_cells,
        |cell: &Groups| {
            let at = minority_collapse(&cell.groups()?, 0.1).map_err(refused)?.critical_lambda;
            let product = two_group_thresholds(&cell.groups()?, 1).map_err(refused)?.minority_within;
            Ok(vec![at, product.unwrap_or(0.0).sqrt()])
        },
        |cell| {
            let lambda = trained_minority(cell, Bias::Free)?;
            Ok(vec![lambda, lambda])
        },
        |_| Ok(1e-6),
    )
    .wrong("the between-group mode", |cell| {
        let product = two_group_thresholds(&cell.groups()?, 1).map_err(refused)?.between;
        Ok(vec![product.sqrt(); 2])
    })
    .wrong("classes counted for samples: sqrt(n)/K", |cell| {
        let at = minority_collapse(&cell.groups()?, 0.1).map_err(refused)?.critical_lambda;
        Ok(vec![at * cell.total() / (cell.groups[0] + cell.groups[2]) as f64; 2])
    })
    .broken("the minority oversampled", |cell| {
        let [k_a, n_a, k_b, n_b] = cell.groups;
        let lambda =
            trained_minority(&Groups { groups: [k_a, n_a, k_b, 2 * n_b], seed: cell.seed }, Bias::Free)?;
        Ok(vec![lambda; 2])
    });
    let collapsed = Identity::new(
        "minority-collapsed",
        "2% above it: minority features coincide, with a length, apart from the majority",
        group_cells,
        |cell: &Groups| {
            let lambda = 1.02 * minority_collapse(&cell.groups()?, 0.1).map_err(refused)?.critical_lambda;
            let grams = class_grams(&cell.setting(lambda).problem()?).map_err(refused)?;
            Ok(above(cell, |i, j| grams.features[(i, j)]))
        },
        |cell| {
            let lambda = 1.02 * minority_collapse(&cell.groups()?, 0.1).map_err(refused)?.critical_lambda;
            let (objective, end) = trained(&cell.setting(lambda))?;
            let gram = observe(&objective, &end.x).feature_gram();
            Ok(above(cell, |i, j| gram[(i, j)]))
        },
        // The collapsed directions have curvature 0.02 of the others; a distance is the root of a difference of squares.
        |_| Ok(1e-6),
    )
    .wrong("dead: zero features", |cell| {
        let lambda = 1.02 * minority_collapse(&cell.groups()?, 0.1).map_err(refused)?.critical_lambda;
        let grams = class_grams(&cell.setting(lambda).problem()?).map_err(refused)?;
        let b = cell.groups[0];
        Ok(above(cell, |i, j| if i >= b || j >= b { 0.0 } else { grams.features[(i, j)] }))
    })
    .wrong("not yet collapsed", |cell| {
        let lambda = 0.98 * minority_collapse(&cell.groups()?, 0.1).map_err(refused)?.critical_lambda;
        let grams = class_grams(&cell.setting(lambda).problem()?).map_err(refused)?;
        Ok(above(cell, |i, j| grams.features[(i, j)]))
    })
    .broken("no bias", |cell| {
        let lambda = 1.02 * minority_collapse(&cell.groups()?, 0.1).map_err(refused)?.critical_lambda;
        let (objective, end) = trained(&cell.setting(lambda).with_bias(Bias::None))?;
        let gram = observe(&objective, &end.x).feature_gram();
        Ok(above(cell, |i, j| gram[(i, j)]))
    });
    Claim {
        id: "NC-08",
        chapter: Chapter::Collapse,
        title: "Thresholds: when classes die or coincide",
        statement: "Without bias class $k$ has zero features and a zero classifier row as soon as $$\\Lambda\\ge\\Lambda_c(n_k)=\
            \\frac{(M-1)^{M-1}}{M^{2M}}\\frac{n_k^M}{N^{M+1}}.$$ With a free bias and two groups the differences within the \
            minority die first: all minority classes then share one non-zero feature vector, while majority classes stay \
            distinct. At depth one this happens when $n_B\\le N^2\\lambda_W\\lambda_H$.",
        assumptions: "Squared loss. For $M\\ge2$ the transition is of first order: the learnt minimum survives as a local one.",
        source: "Derived; minority collapse in the sense of Fang et al., PNAS 2021",
        formula: "solvable_theory::collapse::{critical_products, two_group_thresholds, minority_collapse}",
        simulator: "trainings on either side, their values and margins followed to the crossing",
        checks: vec![
            Box::new(products),
            Box::new(minority),
            Box::new(collapsed),
            super::enclosures::critical_product(),
        ],
    }
}
