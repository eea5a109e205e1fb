//! NC-23 and NC-24: the Hessian at the minimum, saddles, and local minima.
use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::SeedableRng;
use solvable_linalg::Mat;
use solvable_model::collapse::FreeFeaturesLoss;
use solvable_sim::collapse::{Training, aligned_start, gaussian_start, hessian, train_all};
use solvable_sim::minimise::{LbfgsOptions, lbfgs};
use solvable_theory::collapse::{
    HessianSpectrum, exchange_eigenvalue, hessian_spectrum, local_minima, smallest_hessian_eigenvalue,
};

use super::common::{Setting, TERMINAL_GRADIENT, pick, refused, value_bound};
use crate::check::{Budget, Identity, Observation, Seen};
use crate::{Cell, Chapter, CheckError, Claim, Parameters};

/// Step of the five-point stencil: its error and its rounding are near 1e-12 for objectives of size one.
const STEP: f64 = 1e-3;

/// Bound of a numerical eigenvalue: the stencil, and the distance of the trained point from the exact one.
const EIGENVALUE: f64 = 1e-6;

fn balanced(_: Budget, rng: &mut ChaCha12Rng) -> Vec<Setting> {
    vec![
        Setting::squared(&[2; 3], &[5], &[0.05], 0.05, rng),
        Setting::squared(&[3; 2], &[2], &[0.08], 0.08, rng),
        Setting::squared(&[2; 3], &[3], &[0.02], 0.02, rng),
    ]
}

fn spectrum(cell: &Setting, change: impl Fn(&mut HessianSpectrum)) -> Result<Vec<f64>, CheckError> {
    let mut found = hessian_spectrum(&cell.problem()?).map_err(refused)?;
    change(&mut found);
    let mut values: Vec<f64> =
        found.eigenvalues.iter().flat_map(|&(value, count)| std::iter::repeat_n(value, count)).collect();
    values.sort_by(|a, b| b.total_cmp(a));
    Ok(values)
}

fn numerical_spectrum(cell: &Setting, corrupt: impl Fn(&mut Setting)) -> Result<Vec<f64>, CheckError> {
    let objective = cell.objective()?;
    let modes = Mat::from_fn(cell.counts.len(), cell.counts.len(), |i, j| f64::from(u8::from(i == j)));
    let x = critical_point(cell, &objective, &modes)?;
    let other = cell.but(corrupt).objective()?;
    Ok(hessian(&other, &x, STEP).eigenvalues()?)
}

/// The critical point that learns the given modes: training from them leaves all others at 0, exactly.
fn critical_point(
    cell: &Setting,
    objective: &FreeFeaturesLoss,
    modes: &Mat<f64>,
) -> Result<Vec<f64>, CheckError> {
    if modes.ncols() == 0 {
        return Ok(vec![0.0; objective.layout().dimension()]);
    }
    let mut rng = ChaCha12Rng::seed_from_u64(cell.seed);
    let largest = *cell.counts.iter().max().unwrap_or(&1) as f64;
    let s0 = largest.sqrt().powf(1.0 / (cell.depth() as f64 + 1.0));
    let start = aligned_start(objective, modes, s0, &[], &mut rng)?;
    let options = LbfgsOptions::default().gradient_norm(TERMINAL_GRADIENT);
    Ok(lbfgs(objective, &start, &options).map_err(refused)?.x)
}

/// A problem and the classes that a critical point learns.
struct Saddle {
    setting: Setting,
    active: Vec<usize>,
}

impl Cell for Saddle {
    fn parameters(&self) -> Parameters {
        self.setting.parameters().with("active", self.active.clone())
    }
}

impl Saddle {
    fn modes(&self) -> Mat<f64> {
        let k = self.setting.counts.len();
        Mat::from_fn(k, self.active.len(), |i, j| f64::from(u8::from(self.active[j] == i)))
    }

    fn smallest(&self, corrupt: impl Fn(&mut Setting)) -> Result<Vec<f64>, CheckError> {
        let objective = self.setting.objective()?;
        let x = critical_point(&self.setting, &objective, &self.modes())?;
        let other = self.setting.but(corrupt).objective()?;
        Ok(hessian(&other, &x, STEP).eigenvalues()?.last().copied().into_iter().collect())
    }
}

fn saddles(_: Budget, rng: &mut ChaCha12Rng) -> Vec<Saddle> {
    let mut cells = Vec::new();
    for active in [vec![], vec![0], vec![1], vec![2], vec![0, 1], vec![0, 2], vec![0, 1, 2]] {
        cells.push(Saddle { setting: Setting::squared(&[6, 3, 1], &[4], &[0.03], 0.03, rng), active });
    }
    for (width, active) in [(1, vec![1]), (1, vec![0]), (2, vec![1, 2]), (2, vec![0, 1])] {
        cells.push(Saddle { setting: Setting::squared(&[6, 3, 1], &[width], &[0.03], 0.03, rng), active });
    }
    cells
}

fn predicted_smallest(cell: &Saddle) -> Result<f64, CheckError> {
    smallest_hessian_eigenvalue(&cell.setting.problem()?, &cell.active).map_err(refused)
}

fn exchanges(budget: Budget, rng: &mut ChaCha12Rng) -> Vec<Saddle> {
    let mut cells = Vec::new();
    for depth in 2..=pick(budget, 2, 3) {
        let lambda = [0.0717, 0.03][depth - 2];
        let setting = Setting::squared(&[9, 4], &vec![3; depth], &vec![lambda; depth], lambda, rng);
        cells.push(Saddle { setting, active: vec![1] });
    }
    cells
}

/// Local minima by the number of modes learnt: where all exist, and where the last does not.
fn ladders(_: Budget, rng: &mut ChaCha12Rng) -> Vec<Setting> {
    [3.686_845_698_680_02e-4_f64, 5.018_206_645_425_58e-4]
        .into_iter()
        .map(|product| {
            let lambda = product.cbrt();
            Setting::squared(&[9, 4], &[3, 3], &[lambda; 2], lambda, rng)
        })
        .collect()
}

/// Values reached from a tiny start, then from starts on the largest 1, 2, ... classes.
fn reached(cell: &Setting, reversed: bool) -> Result<Vec<f64>, CheckError> {
    let objective = cell.objective()?;
    let mut rng = ChaCha12Rng::seed_from_u64(cell.seed);
    let options = LbfgsOptions::default().gradient_norm(TERMINAL_GRADIENT);
    let tiny = gaussian_start(objective.layout(), 0.02, &mut rng);
    let mut values = vec![lbfgs(&objective, &tiny, &options).map_err(refused)?.value];
    let k = cell.counts.len();
    for r in 1..local_minima(&cell.problem()?).map_err(refused)?.values.len() {
        let modes = Mat::from_fn(k, r, |i, j| f64::from(u8::from(i == if reversed { k - 1 - j } else { j })));
        let x = critical_point(cell, &objective, &modes)?;
        values.push(solvable_model::Objective::value(
            &objective,
            &x,
            &mut solvable_model::Objective::work(&objective),
        ));
    }
    Ok(values)
}

/// Values of trainings from starts of very different sizes.
fn ends(cell: &Setting) -> Result<Vec<f64>, CheckError> {
    let objective = cell.objective()?;
    let mut values = Vec::new();
    for size in [0.02, 0.5, 1.2] {
        let training = Training { size, ..Training::new(4, cell.seed) };
        values.extend(train_all(&objective, &training).map_err(refused)?.into_iter().map(|e| e.value));
    }
    Ok(values)
}

/// For each end value the nearest of the list.
fn nearest(cell: &Setting, list: &[f64]) -> Result<Vec<f64>, CheckError> {
    let closest = |v: f64| {
        list.iter().copied().min_by(|a, b| (a - v).abs().total_cmp(&(b - v).abs())).unwrap_or(f64::NAN)
    };
    Ok(ends(cell)?.into_iter().map(closest).collect())
}

fn ladder(cell: &Setting) -> Result<Vec<f64>, CheckError> {
    Ok(local_minima(&cell.problem()?).map_err(refused)?.values)
}

pub(super) fn hessian_claim() -> Claim {
    let identity = Identity::new(
        "spectrum",
        "all Hessian eigenvalues at the trained minimum",
        balanced,
        |cell: &Setting| spectrum(cell, |_| {}),
        |cell| numerical_spectrum(cell, |_| {}),
        |_| Ok(EIGENVALUE),
    )
    .wrong("multiplicities of scale and shear exchanged", |cell| {
        spectrum(cell, |s| {
            let last = s.eigenvalues.len() - 1;
            let (a, b) = (s.eigenvalues[last - 1].1, s.eigenvalues[last].1);
            (s.eigenvalues[last - 1].1, s.eigenvalues[last].1) = (b, a);
        })
    })
    .wrong("r - lambda for twice that", |cell| {
        spectrum(cell, |s| {
            let at = s.eigenvalues.len() - 2;
            s.eigenvalues[at].0 *= 0.5;
        })
    })
    .wrong("no shear: 2r with scale", |cell| {
        spectrum(cell, |s| {
            let last = s.eigenvalues.len() - 1;
            s.eigenvalues[last].0 = s.eigenvalues[last - 1].0;
        })
    })
    .broken("the Hessian of another decay", |cell| numerical_spectrum(cell, |s| s.lambda_h *= 1.1));
    Claim {
        id: "NC-23",
        chapter: Chapter::Collapse,
        title: "Hessian spectrum at the collapsed minimum",
        statement: "At depth one, balanced, without bias, $\\lambda_W=\\lambda_H=\\lambda<r=\\sqrt n/N$, $d\\ge K$, the eigenvalues are \
            $0$ ($K(d-K)+K(K-1)/2$ times, rotations), $\\lambda$ ($(d-K)(N-K)$), $2\\lambda$ ($K(d-K)+K(K+1)/2$), $r$ ($K(N-K)$), \
            $2(r-\\lambda)$ ($K(K+1)/2$) and $2r$ ($K(K-1)/2$).",
        assumptions: "Squared loss.",
        source: "Derived",
        formula: "solvable_theory::collapse::hessian_spectrum",
        simulator: "solvable_sim::collapse::hessian: finite differences of the gradient at a trained point",
        checks: vec![Box::new(identity)],
    }
}

pub(super) fn landscape_claim() -> Claim {
    let strict = Identity::new(
        "strict-saddles",
        "smallest Hessian eigenvalue at the critical points of depth one",
        saddles,
        |cell: &Saddle| Ok(vec![predicted_smallest(cell)?]),
        |cell| cell.smallest(|_| {}),
        |_| Ok(EIGENVALUE),
    )
    .scale(|_| Ok(1.0))
    .wrong("without the decay: -sqrt(n_k)/N", |cell| {
        let value = predicted_smallest(cell)?;
        Ok(vec![if value < 0.0 { value - cell.setting.lambda_h } else { value }])
    })
    .wrong("flat", |_| Ok(vec![0.0]))
    .broken("the Hessian of another decay", |cell| cell.smallest(|s| s.lambda_h *= 2.0));
    let exchange = Identity::new(
        "exchange",
        "depth two: the smaller class learnt, the larger not",
        exchanges,
        |cell: &Saddle| Ok(vec![exchange_eigenvalue(&cell.setting.problem()?, 1, 0).map_err(refused)?]),
        |cell| cell.smallest(|_| {}),
        |_| Ok(EIGENVALUE),
    )
    .wrong("the formula of depth one", |cell| Ok(vec![(2.0 - 3.0) / cell.setting.total()]))
    .wrong("a stable exchange", |cell| {
        Ok(vec![-exchange_eigenvalue(&cell.setting.problem()?, 1, 0).map_err(refused)?])
    })
    .broken("both classes learnt", |cell| {
        let both = Saddle { setting: cell.setting.clone(), active: vec![0, 1] };
        both.smallest(|_| {})
    });
    let values = Identity::new(
        "local-minima",
        "values of the local minima of depth two, each reached from its own start",
        ladders,
        ladder,
        |cell: &Setting| reached(cell, false),
        |_| Ok(1e-11),
    )
    .wrong("every mode at its global minimum", |cell| {
        let m = local_minima(&cell.problem()?).map_err(refused)?;
        Ok(vec![m.global; m.values.len()])
    })
    .wrong("an origin without its data term", |cell| {
        let mut list = ladder(cell)?;
        list[0] = 0.0;
        Ok(list)
    })
    .broken("the smallest classes first", |cell| reached(cell, true));
    let all = Identity::new(
        "all-ends",
        "end values of trainings from small and large starts: all in the list",
        ladders,
        |cell: &Setting| nearest(cell, &ladder(cell)?),
        ends,
        // As values: rounding, and the square of the terminal gradient.
        |cell| Ok(value_bound(cell)? + 1e-9),
    )
    .wrong("the global minimum alone", |cell| {
        nearest(cell, &[local_minima(&cell.problem()?).map_err(refused)?.global])
    })
    .wrong("no local minimum at the origin", |cell| nearest(cell, &ladder(cell)?[1..]))
    .broken("one layer with twice the decay", |cell| ends(&cell.but(|s| s.lambda_w[0] *= 2.0)));
    let death = Observation::new(
        "small-starts-die",
        "objective after training from standard deviation 0.02, depth one (0.1 or less) and two (1/2)",
        |_, rng| {
            [1, 2]
                .map(|depth| Setting::squared(&[4, 4], &vec![3; depth], &vec![0.01; depth], 0.01, rng))
                .into()
        },
        |cell: &Setting, seed, _| {
            let objective = cell.objective()?;
            let mut rng = ChaCha12Rng::seed_from_u64(seed);
            let start = gaussian_start(objective.layout(), 0.02, &mut rng);
            let options = LbfgsOptions::default().gradient_norm(TERMINAL_GRADIENT);
            let end = lbfgs(&objective, &start, &options).map_err(refused)?;
            Ok(Seen { value: end.value, half_width: 1e-12, count: 1 })
        },
    );
    Claim {
        id: "NC-24",
        chapter: Chapter::Collapse,
        title: "Landscape: strict saddles at depth one, bad local minima beyond",
        statement: "Squared loss without bias. At depth one with equal decays every critical point that is not a global minimum is a \
            strict saddle: if class $k$ is not learnt and a hidden unit is free, the Hessian has the eigenvalue $\\lambda-\\sqrt{n_k}/N$; \
            without a free unit $(\\sqrt{n_j}-\\sqrt{n_k})/N$ for a learnt $j$. At depth two and more the origin is a strict local \
            minimum, and for each $r$ the configuration that learns exactly the $r$ largest targets is one too while they have \
            $\\beta<\\beta_s$; learning $j$ but not a larger $k$ is a strict saddle with eigenvalue \
            $s_j^{L-2}(\\sqrt{n_j}-\\sqrt{n_k})/N$.",
        assumptions: "That there are no other local minima at depth two and more is supported by training, not proved.",
        source: "Zhu et al., Zhou et al. for $M=1$; derived for $M\\ge2$, the origin in Ziyin et al., arXiv 2202.04777",
        formula: "solvable_theory::collapse::{smallest_hessian_eigenvalue, exchange_eigenvalue, local_minima}",
        simulator: "trained critical points, finite-difference Hessians, end values of many starts",
        checks: vec![Box::new(strict), Box::new(exchange), Box::new(values), Box::new(all), Box::new(death)],
    }
}
