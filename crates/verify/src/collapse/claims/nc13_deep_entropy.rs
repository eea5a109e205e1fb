//! NC-13: deep cross-entropy: where the published statement fails, what is true, and a bound that always holds.
use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::SeedableRng;
use solvable_certify::{CertifyError, Interval};
use solvable_linalg::{Mat, singular_values};
use solvable_model::collapse::ClassLoss;
use solvable_sim::collapse::{Training, aligned_start, observe, train_all};
use solvable_sim::minimise::{LbfgsOptions, lbfgs};
use solvable_theory::collapse::{
    DeepEntropyMinimum, deep_entropy_minimum, product_cost, two_class_entropy_minimum,
};

use super::common::{
    Setting, TERMINAL_GRADIENT, geometry_bound, log_uniform, pick, refused, trained, value_bound,
};
use crate::check::{Bound, Budget, Enclosure, Identity, Observation, Refutation, Seen};
use crate::{Chapter, CheckError, Claim};

/// K balanced classes of n, M layers of width K, one regularisation.
fn deep(classes: usize, n: usize, depth: usize, lambda: f64, rng: &mut ChaCha12Rng) -> Setting {
    Setting::squared(&vec![n; classes], &vec![classes; depth], &vec![lambda; depth], lambda, rng)
        .cross_entropy()
}

/// The same problem with another number of classes.
fn deep_like(cell: &Setting, classes: usize) -> Setting {
    cell.but(|s| {
        s.counts = vec![s.counts[0]; classes];
        s.widths = vec![classes; s.widths.len()];
    })
}

/// Where no nonzero simplex is a global minimiser, and both branches are nonzero.
fn refuted(budget: Budget, rng: &mut ChaCha12Rng) -> Vec<Setting> {
    let mut cells = vec![deep(4, 2, 3, 1e-3, rng), deep(7, 3, 2, 2e-3, rng)];
    for _ in 0..pick(budget, 0, 5) {
        let lambda = log_uniform(rng, 1e-4, 4e-3);
        cells.push(deep(10, 5, 2, lambda, rng));
    }
    cells
}

fn theory(cell: &Setting) -> Result<DeepEntropyMinimum, CheckError> {
    deep_entropy_minimum(&cell.problem()?).map_err(refused)
}

/// The objective on a ray: `data(e^-m) + (L/2) (n Lambda)^(1/L) weight m^(2/L)`, in intervals.
struct Ray {
    factors: u32,
    /// `(L/2) (n Lambda)^(1/L) weight`.
    penalty: Interval,
}

impl Ray {
    /// `directions` singular values `stretch * sqrt(n) m` of each size.
    fn new(cell: &Setting, sizes: &[(usize, i64)]) -> Result<Self, CertifyError> {
        let l = cell.depth() as u32 + 1;
        let mut product = Interval::exact(cell.lambda_h)?;
        for &w in &cell.lambda_w {
            product = product * Interval::exact(w)?;
        }
        let base = (product * Interval::from(cell.counts[0] as i64)).root(l)?;
        let mut weight = Interval::zero();
        for &(count, stretch) in sizes {
            weight = weight + Interval::from(count as i64) * Interval::from(stretch * stretch).root(l)?;
        }
        Ok(Self { factors: l, penalty: (base * weight * Interval::from(i64::from(l))).scaled(-1) })
    }

    fn penalty(&self, m: f64) -> Result<Interval, CertifyError> {
        let m = Interval::exact(m)?;
        Ok(self.penalty.clone() * (m.clone() * m).root(self.factors)?)
    }
}

/// `log(1 + (K-1) e^-m)`.
fn simplex_loss(classes: usize, m: f64) -> Result<Interval, CertifyError> {
    let e = (-Interval::exact(m)?).exp()?;
    (Interval::one() + Interval::from(classes as i64 - 1) * e).ln()
}

/// The pairs' data term; an odd class sees K - 1 others at margin m.
fn pair_loss(classes: usize, m: f64) -> Result<Interval, CertifyError> {
    let k = classes as i64;
    let e = (-Interval::exact(m)?).exp()?;
    let paired = (Interval::one() + Interval::from(k - 2) * e.clone() + e.clone() * e.clone()).ln()?;
    if classes.is_multiple_of(2) {
        return Ok(paired);
    }
    let odd = (Interval::one() + Interval::from(k - 1) * e).ln()?;
    (Interval::from(k - 1) * paired + odd) / Interval::from(k)
}

/// Minus the derivative of `log(1 + (K-1) e^-m)`.
fn simplex_slope(classes: usize, m: f64) -> Result<Interval, CertifyError> {
    let e = Interval::from(classes as i64 - 1) * (-Interval::exact(m)?).exp()?;
    e.clone() / (Interval::one() + e)
}

/// A lower bound of the objective on margins from a to b: the convex data term above its tangent in the middle, the
/// concave penalty above its chord; their sum is linear, hence least at an end.
fn below(ray: &Ray, classes: usize, (a, b): (f64, f64)) -> Result<f64, CertifyError> {
    let c = 0.5 * (a + b);
    let (loss, slope) = (simplex_loss(classes, c)?, simplex_slope(classes, c)?);
    let (left, right) =
        (Interval::exact(c)? - Interval::exact(a)?, Interval::exact(b)? - Interval::exact(c)?);
    let at_a = loss.clone() + slope.clone() * left + ray.penalty(a)?;
    let at_b = loss - slope * right + ray.penalty(b)?;
    Ok(at_a.bounds().0.min(at_b.bounds().0))
}

/// A rigorous enclosure of the smallest objective over all simplices `m (I - J/K) Y`, m >= 0, charged for this number of
/// directions. Intervals of margins are halved until the bound is within a share of the distance to the pairs.
fn published(cell: &Setting, directions: usize) -> Result<Enclosure, CheckError> {
    let minimum = theory(cell)?;
    let pairs = minimum.pairs.map_or(minimum.simplex.value, |p| p.value);
    published_within(cell, directions, 0.008 * (minimum.simplex.value - pairs).abs().max(1e-6))
}

/// The same, to within `slack`.
fn published_within(cell: &Setting, directions: usize, slack: f64) -> Result<Enclosure, CheckError> {
    let minimum = theory(cell)?;
    let k = cell.counts.len();
    let ray = Ray::new(cell, &[(directions, 1)]).map_err(refused)?;
    let attained_at = |m: f64| value(&ray, simplex_loss(k, m).map_err(refused)?, m);
    // Beyond this margin the penalty alone exceeds the value at 0.
    let mut far = 1.0;
    while ray.penalty(far).map_err(refused)?.bounds().0 < (k as f64).ln() && far < 1e6 {
        far *= 2.0;
    }
    // The best of a scan in doubles, and of theory's margin.
    let penalty = 0.5 * (ray.penalty.bounds().0 + ray.penalty.bounds().1);
    let rough =
        |m: f64| ((k as f64 - 1.0) * (-m).exp()).ln_1p() + penalty * m.powf(2.0 / f64::from(ray.factors));
    let scanned = (1..4000)
        .map(|i| far * f64::from(i) / 4000.0)
        .min_by(|a, b| rough(*a).total_cmp(&rough(*b)))
        .unwrap_or(far);
    let attained = attained_at(scanned)?.min(attained_at(minimum.simplex.margin)?);
    let aim = attained - slack;
    let (mut lowest, mut todo) = (f64::INFINITY, vec![(0.0, far)]);
    while let Some((a, b)) = todo.pop() {
        let low = below(&ray, k, (a, b)).map_err(refused)?;
        if low >= aim || b - a < 1e-3 {
            lowest = lowest.min(low);
        } else {
            let middle = 0.5 * (a + b);
            todo.extend([(a, middle), (middle, b)]);
        }
    }
    Ok(Enclosure { lower: lowest.min(attained), upper: attained })
}

fn value(ray: &Ray, data: Interval, m: f64) -> Result<f64, CheckError> {
    Ok((data + ray.penalty(m).map_err(refused)?).bounds().1)
}

/// The objective of explicit parameters: antipodal pairs at this margin.
fn counterexample(cell: &Setting, m: f64) -> Result<Enclosure, CheckError> {
    let k = cell.counts.len();
    let mut sizes = vec![(k / 2, 2)];
    if k % 2 == 1 {
        sizes.push((1, 1));
    }
    let ray = Ray::new(cell, &sizes).map_err(refused)?;
    let enclosed = pair_loss(k, m).map_err(refused)? + ray.penalty(m).map_err(refused)?;
    let (lower, upper) = enclosed.bounds();
    Ok(Enclosure { lower, upper })
}

/// Three classes with a free bias: `Z = z (1, 0, -1)'(1, 0, -1)` with bias delta on the middle class alone.
fn biased_counterexample(cell: &Setting, (z, delta): (f64, f64)) -> Result<Enclosure, CheckError> {
    let enclose = || -> Result<Interval, CertifyError> {
        let exp = |v: f64| Interval::exact(v)?.exp();
        let two = || Interval::from(2_i64);
        let outer = (Interval::one() + exp(delta)? * exp(-z)? + exp(-2.0 * z)?).ln()?;
        let middle = (Interval::one() + two() * exp(-delta)?).ln()?;
        // One singular value, 2 z sqrt(n).
        let penalty = Ray::new(cell, &[(1, 2)])?.penalty(z)?;
        Ok(((two() * outer + middle) / Interval::from(3_i64))? + penalty)
    };
    let (lower, upper) = enclose().map_err(refused)?.bounds();
    Ok(Enclosure { lower, upper })
}

/// The best z and delta of that family at n = 2, M = 3, all regularisations 1e-3.
const BIASED: (f64, f64) = (14.647_125, 7.323_233);

fn pair_margin(cell: &Setting) -> Result<f64, CheckError> {
    Ok(theory(cell)?.pairs.map_or(0.0, |p| p.margin))
}

/// Orthonormal modes of the simplex (a basis of the contrasts) or of the pairs.
fn modes(classes: usize, pairs: bool) -> Mat<f64> {
    if pairs {
        return Mat::from_fn(classes, classes.div_ceil(2), |i, j| {
            if i / 2 != j {
                0.0
            } else if i == classes - 1 && classes % 2 == 1 {
                1.0
            } else {
                [1.0, -1.0][i % 2] * std::f64::consts::FRAC_1_SQRT_2
            }
        });
    }
    // Helmert contrasts.
    Mat::from_fn(classes, classes - 1, |i, j| {
        let size = ((j + 1) * (j + 2)) as f64;
        match i.cmp(&(j + 1)) {
            std::cmp::Ordering::Less => 1.0 / size.sqrt(),
            std::cmp::Ordering::Equal => -((j + 1) as f64) / size.sqrt(),
            std::cmp::Ordering::Greater => 0.0,
        }
    })
}

/// Trains the raw parameters from a start on the modes of one branch: value reached, then margin between classes 0 and 1.
fn from_branch(cell: &Setting, pairs: bool) -> Result<[f64; 2], CheckError> {
    let objective = cell.objective()?;
    let mut rng = ChaCha12Rng::seed_from_u64(cell.seed);
    let modes = modes(cell.counts.len(), pairs);
    // Singular values of the logits near 6 sqrt(n): a margin of about 6.
    let size = 6.0 * (cell.counts[0] as f64).sqrt();
    let s0 = size.powf(1.0 / (cell.depth() as f64 + 1.0));
    let start = aligned_start(&objective, &modes, s0, &[], &mut rng)?;
    let options = LbfgsOptions::default().gradient_norm(TERMINAL_GRADIENT);
    let end = lbfgs(&objective, &start, &options).map_err(refused)?;
    let z = observe(&objective, &end.x).logits();
    let margin = if pairs { 0.5 * (z[(0, 0)] - z[(1, 0)]) } else { z[(0, 0)] - z[(1, 0)] };
    Ok([end.value, margin])
}

/// Even K: with an odd class left over, the pairs' common margin is a bound but no critical point.
fn branch_cells(budget: Budget, rng: &mut ChaCha12Rng) -> Vec<Setting> {
    let mut cells = vec![deep(4, 2, 3, 1e-3, rng), deep(6, 1, 2, 5e-3, rng)];
    for _ in 0..pick(budget, 0, 6) {
        cells.push(deep(6, 2, 2, log_uniform(rng, 5e-4, 5e-3), rng));
    }
    cells
}

fn branches(cell: &Setting) -> Result<Vec<f64>, CheckError> {
    let m = theory(cell)?;
    let pairs = m.pairs.map_or([0.0; 2], |p| [p.value, p.margin]);
    Ok(vec![m.simplex.value, m.simplex.margin, pairs[0], pairs[1]])
}

fn two_classes(budget: Budget, rng: &mut ChaCha12Rng) -> Vec<Setting> {
    let mut cells =
        vec![Setting::squared(&[9, 2], &[2, 2], &[0.01, 0.02], 0.01, rng), deep(2, 3, 3, 0.01, rng)];
    for _ in 0..pick(budget, 1, 8) {
        let lambda = log_uniform(rng, 2e-3, 2e-2);
        cells.push(Setting::squared(&[4, 3], &[3, 2], &[lambda, 0.01], lambda, rng));
    }
    cells.into_iter().map(Setting::cross_entropy).collect()
}

fn two_class(cell: &Setting, change: impl Fn(f64) -> f64) -> Result<Vec<f64>, CheckError> {
    let m = two_class_entropy_minimum(&cell.problem()?).map_err(refused)?;
    Ok(vec![m.optimality.value, change(m.margin)])
}

/// The objective at `m ((1-t) (I - J/K) + t pairs)`, its penalty the smallest for that product.
fn blend(cell: &Setting, x: &[f64]) -> Result<f64, CheckError> {
    let k = cell.counts.len();
    let (t, m) = (x[0], 0.1 + 12.0 * x[1]);
    let basis = modes(k, true);
    let z = Mat::from_fn(k, k, |i, j| {
        let simplex = f64::from(u8::from(i == j)) - 1.0 / k as f64;
        // On a pair (1,-1)'(1,-1) has entries of 1: twice the projection; the odd class has a single 1.
        let pair: f64 = (0..basis.ncols())
            .map(|c| if 2 * c + 1 < k { 2.0 } else { 1.0 } * basis[(i, c)] * basis[(j, c)])
            .sum();
        m * ((1.0 - t) * simplex + t * pair)
    });
    let root = (cell.counts[0] as f64).sqrt();
    let sigma = singular_values(Mat::from_fn(k, k, |i, j| root * z[(i, j)]).as_ref())?;
    let cost = product_cost(&sigma, &cell.lambda_w, cell.lambda_h).map_err(refused)?.value;
    let mut column = vec![0.0; k];
    let mut data = 0.0;
    for j in 0..k {
        for (i, v) in column.iter_mut().enumerate() {
            *v = z[(i, j)];
        }
        data += ClassLoss::CrossEntropy.value(&column, j) / k as f64;
    }
    Ok(data + cost)
}

pub(super) fn claim() -> Claim {
    let refutation = Refutation::new(
        "simplex-not-optimal",
        "the best simplex against antipodal pairs, in interval arithmetic",
        refuted,
        |cell: &Setting| published(cell, cell.counts.len() - 1),
        |cell| counterexample(cell, pair_margin(cell)?),
    )
    .wrong("a simplex charged for one direction only", |cell| published(cell, 1))
    .wrong("the factor L/2 of the penalty forgotten", |cell| {
        let l = cell.depth() as f64 + 1.0;
        let lighter = cell.but(|s| {
            s.lambda_h *= 2.0 / l;
            s.lambda_w.iter_mut().for_each(|w| *w *= 2.0 / l);
        });
        published(&lighter, cell.counts.len() - 1)
    })
    .broken("the zero network", |cell| {
        let v = (cell.counts.len() as f64).ln();
        Ok(Enclosure { lower: v.next_down(), upper: v.next_up() })
    })
    .broken("pairs at a tenth of their margin", |cell| counterexample(cell, 0.1 * pair_margin(cell)?));
    let biased = Refutation::new(
        "free-bias",
        "the best simplex, whose bias is constant, against one pair and a biased class between them",
        |_, rng| vec![deep(3, 2, 3, 1e-3, rng)],
        |cell: &Setting| published_within(cell, 2, 1e-6),
        |cell| biased_counterexample(cell, BIASED),
    )
    .wrong("a simplex charged for one direction only", |cell| published_within(cell, 1, 1e-6))
    .wrong("a simplex of two classes", |cell| published_within(&deep_like(cell, 2), 1, 1e-6))
    .broken("the same without its bias", |cell| biased_counterexample(cell, (BIASED.0, 0.0)))
    .broken("half the logits", |cell| biased_counterexample(cell, (0.5 * BIASED.0, BIASED.1)));
    let attained = Identity::new(
        "branches-attained",
        "values and margins of both branches, reached by the raw parameters",
        branch_cells,
        branches,
        |cell: &Setting| Ok([from_branch(cell, false)?, from_branch(cell, true)?].concat()),
        // As for depth one: softmax weights lower the curvature of the margin.
        |cell| Ok(100.0 * geometry_bound(cell)?),
    )
    .wrong("the penalty of the nuclear norm", |cell| {
        let m = theory(cell)?;
        let (k, l) = (cell.counts.len() as f64, cell.depth() as f64 + 1.0);
        let scale = 0.5 * l * cell.product().powf(1.0 / l) * (k - 1.0);
        let sigma = m.simplex.margin * (cell.counts[0] as f64).sqrt();
        let mut values = branches(cell)?;
        values[0] += scale * (sigma - sigma.powf(2.0 / l));
        Ok(values)
    })
    .wrong("pairs whose partners are as far as the others", |cell| {
        let mut values = branches(cell)?;
        let (k, m) = (cell.counts.len() as f64, values[3]);
        values[2] +=
            (1.0 + (k - 1.0) * (-m).exp()).ln() - (1.0 + (k - 2.0) * (-m).exp() + (-2.0 * m).exp()).ln();
        Ok(values)
    })
    .broken("a layer's decay forgotten", |cell| {
        let other = cell.but(|s| s.lambda_w[0] *= 0.1);
        Ok([from_branch(&other, false)?, from_branch(&other, true)?].concat())
    });
    let two = Identity::new(
        "two-classes",
        "two classes at depth two and three: value and common margin",
        two_classes,
        |cell: &Setting| two_class(cell, |m| m),
        |cell| {
            let (objective, end) = trained(cell)?;
            let z = observe(&objective, &end.x).logits();
            Ok(vec![end.value, z[(0, 0)] - z[(1, 0)]])
        },
        |cell| Ok(100.0 * geometry_bound(cell)?),
    )
    .wrong("margins by class, as at depth one", |cell| {
        let ratio = (cell.counts[0] as f64 / cell.counts[1] as f64).sqrt();
        two_class(cell, |m| if ratio == 1.0 { 1.01 * m } else { m * ratio })
    })
    .wrong("half of the samples counted in the penalty's norm", |cell| {
        let m = two_class_entropy_minimum(&cell.problem()?).map_err(refused)?;
        let l = cell.depth() as f64 + 1.0;
        let sigma = m.margin * (0.5 * cell.total()).sqrt();
        let cost = 0.5 * l * (cell.product() * sigma * sigma).powf(1.0 / l);
        Ok(vec![m.optimality.value + cost * (2.0_f64.powf(1.0 / l) - 1.0), m.margin])
    })
    .broken("squared loss trained", |cell| {
        let (objective, end) = trained(&cell.but(|s| s.loss = ClassLoss::Squared))?;
        let z = observe(&objective, &end.x).logits();
        Ok(vec![end.value, z[(0, 0)] - z[(1, 0)]])
    });
    let bound = Bound::new(
        "lower-bound",
        "proved lower bound over the objective between simplex and pairs",
        |_, rng| vec![deep(4, 2, 3, 1e-3, rng), deep(6, 2, 2, 5e-3, rng)],
        2,
        |cell: &Setting, _| Ok(Some(1.0 / theory(cell)?.optimality.lower_bound)),
        |cell, x| Ok(Some(1.0 / blend(cell, x)?)),
        1e-12,
    )
    .slack("tight at depth one and for two classes only")
    .search(4, 800, 8_000)
    .wrong("the best simplex as a lower bound", |cell, _| Ok(Some(1.0 / theory(cell)?.simplex.value)))
    .wrong("the bound of depth one", |cell, _| {
        let (k, t) = (cell.counts.len() as f64, cell.lambda_h * (cell.counts[0] as f64).sqrt());
        let m = (1.0 / t - k + 1.0).ln();
        // Nuclear norm with weight L/2 lambda: right at L = 2 only.
        let l = cell.depth() as f64 + 1.0;
        Ok(Some(1.0 / ((1.0 + (k - 1.0) * (-m).exp()).ln() + 4.0 * l * t * (k - 1.0) * m)))
    })
    .broken("the penalty left out", |cell, x| {
        let whole = blend(cell, x)?;
        let free = blend(&cell.but(|s| s.lambda_h = 1e-30), x)?;
        Ok(Some(1.0 / free.min(whole)))
    });
    let basins = Observation::new(
        "basins",
        "share of random starts that end below the best simplex",
        |_, rng| vec![deep(4, 2, 3, 1e-3, rng)],
        |cell: &Setting, seed, budget| {
            let starts = pick(budget, 10, 100);
            let ends = train_all(&cell.objective()?, &Training { size: 6.0, ..Training::new(starts, seed) })
                .map_err(refused)?;
            let simplex = theory(cell)?.simplex.value;
            let margin = simplex * value_bound(cell)?;
            let below = ends.iter().filter(|e| e.value < simplex - margin).count() as f64 / starts as f64;
            let half_width = (below * (1.0 - below) / starts as f64).sqrt();
            Ok(Seen { value: below, half_width, count: starts as u64 })
        },
    );
    Claim {
        id: "NC-13",
        chapter: Chapter::Collapse,
        title: "Deep cross-entropy: the simplex is not optimal",
        statement: "It was published that for every depth all global minimisers of balanced cross-entropy are simplex \
            equiangular tight frames. For $M\\ge2$ this fails: antipodal pairs, $Z$ made of blocks $m(1,-1)^\\top(1,-1)$, have a \
            smaller objective than every simplex whenever $$r\\,2^{2/L}<2r-1\\quad(K=2r),\\qquad r\\,2^{2/L}+1<2r\\quad(K=2r+1),\
            \\qquad L=M+1,$$ that is for $K\\ge4$ at $M\\ge3$ and $K\\ge6$ at $M=2$; with a free bias it fails already for $K=3$, $M=3$. What holds: for $K=2$ all samples share one \
            margin at any depth, and for all $K$, $M$ $$f^\\star\\ge\\min_{m\\ge0}\\log(1+(K-1)e^{-m})+\\frac L2\\Lambda^{1/L}\
            \\big((K-1)m\\sqrt n\\big)^{2/L}.$$",
        assumptions: "Balanced classes, no bias unless said, widths at least $K$. Both branches nonzero: otherwise the zero network is better \
            than either.",
        source: "Refutes theorem A.1 of Dang et al., arXiv 2301.00437; Garrod and Keating, arXiv 2410.23169, found the gap",
        formula: "solvable_theory::collapse::{deep_entropy_minimum, two_class_entropy_minimum}",
        simulator: "interval enclosures of both objectives; raw parameters trained from starts on either branch",
        checks: vec![
            Box::new(refutation),
            Box::new(biased),
            Box::new(attained),
            Box::new(two),
            Box::new(bound),
            Box::new(basins),
            super::enclosures::deep_bound(),
        ],
    }
}
