//! ICL-11: covariances that change from prompt to prompt.
use rand::RngExt;
use rand_chacha::ChaCha12Rng;
use solvable_linalg::{Mat, kronecker, matmul, solve};
use solvable_model::icl::{PredictorLoss, PromptMixture, RegressionTask};
use solvable_sim::icl::MixtureRisk;
use solvable_theory::icl::{Whitened, minimum, mixture_loss, mixture_minimum};

use super::support::{average, dense, diagonal, entries, random_task, task, transposed};
use crate::check::{Bound, Budget, Expectation, Identity};
use crate::statistics::Estimate;
use crate::{Cell, Chapter, CheckError, Claim, Parameters};

struct Mixed {
    index: usize,
    mixture: PromptMixture,
}

impl Cell for Mixed {
    fn parameters(&self) -> Parameters {
        Parameters::new()
            .with("instance", self.index)
            .with("d", self.mixture.dimension())
            .with("components", self.mixture.components().len())
    }
}

fn mixture(weights: &[f64], components: Vec<RegressionTask>) -> PromptMixture {
    PromptMixture::new(weights, components).expect("a valid mixture is written here")
}

/// Random mixtures of two or three laws in a common dimension.
fn cells(budget: Budget, rng: &mut ChaCha12Rng) -> Vec<Mixed> {
    let count = if budget == Budget::Quick { 8 } else { 80 };
    (0..count)
        .map(|index| {
            let d = rng.random_range(1..=4);
            let k = rng.random_range(2..=3);
            let mut components = Vec::new();
            while components.len() < k {
                let t = random_task(rng, d, false);
                if t.dimension() == d {
                    components.push(t);
                }
            }
            let raw: Vec<f64> = (0..k).map(|_| 0.1 + rng.random::<f64>()).collect();
            let total: f64 = raw.iter().sum();
            Mixed { index, mixture: mixture(&raw.iter().map(|r| r / total).collect::<Vec<_>>(), components) }
        })
        .collect()
}

/// The stationarity equation as a d^2 x d^2 system, by Gaussian elimination.
fn kronecker_solution(m: &PromptMixture, weights: &[f64]) -> Result<Mat<f64>, CheckError> {
    let d = m.dimension();
    let mut system = Mat::<f64>::zeros(d * d, d * d);
    let mut right = Mat::<f64>::zeros(d * d, 1);
    for (&weight, t) in weights.iter().zip(m.components()) {
        let loss = PredictorLoss::new(t);
        let k = kronecker(loss.second_moment(), t.lambda().matrix());
        let lp = matmul(t.lambda().matrix(), t.psi().matrix());
        let cross = matmul(lp.as_ref(), t.lambda().matrix());
        for i in 0..d * d {
            for j in 0..d * d {
                system[(i, j)] += weight * k[(i, j)];
            }
            // vec stacks columns.
            right[(i, 0)] += weight * cross[(i % d, i / d)];
        }
    }
    let x = solve(system.as_ref(), right.as_ref())?.x;
    Ok(Mat::from_fn(d, d, |i, j| x[(j * d + i, 0)]))
}

fn system_condition(m: &PromptMixture) -> f64 {
    // Smallest and largest eigenvalues of the summands bound those of the sum.
    let d = m.dimension() as f64;
    let (mut low, mut high) = (0.0, 0.0);
    for (w, t) in m.weights().iter().zip(m.components()) {
        let s = PredictorLoss::new(t);
        let (l, n) = (t.lambda(), t.context() as f64);
        low += w * l.smallest_eigenvalue().powi(2) * (t.signal() + t.sigma2()) / n;
        high += w * l.largest_eigenvalue() * d * solvable_linalg::max_abs(s.second_moment());
    }
    high / low
}

fn simulate(
    m: &PromptMixture,
    a: &Mat<f64>,
    law: &PromptMixture,
    seed: u64,
    count: u64,
) -> Result<Estimate, CheckError> {
    debug_assert_eq!(m.dimension(), law.dimension());
    let risk = MixtureRisk::new(a.as_ref(), law)?;
    average(seed, count, || risk.work(), |rng, work| risk.draw(rng, work))
}

fn two_laws() -> Vec<Mixed> {
    let steep = task(diagonal(&[2.0, 1.0, 0.6, 0.4]), diagonal(&[0.5; 4]), 0.0, 30);
    vec![Mixed { index: 0, mixture: mixture(&[0.6, 0.4], vec![dense(4, 0.25, 20), steep]) }]
}

fn price_ignored(m: &PromptMixture) -> Result<f64, CheckError> {
    let mut total = 0.0;
    for (w, t) in m.weights().iter().zip(m.components()) {
        total += w * minimum(&Whitened::new(t)?)?;
    }
    Ok(total)
}

/// Two diagonal laws in dimension 2 from a point of the cube.
fn from_cube(x: &[f64]) -> PromptMixture {
    let wide = |v: f64| 10f64.powf(2.0 * v - 1.0);
    let law = |x: &[f64]| {
        let n = 1 + (50.0 * x[5]) as usize;
        task(diagonal(&[wide(x[0]), wide(x[1])]), diagonal(&[wide(x[2]), wide(x[3])]), x[4], n)
    };
    let w = 0.1 + 0.8 * x[12];
    mixture(&[w, 1.0 - w], vec![law(&x[..6]), law(&x[6..12])])
}

pub(super) fn claim() -> Claim {
    let equation = Identity::new(
        "stationarity",
        "minimizer against the Kronecker system solved by Gaussian elimination",
        cells,
        |c| Ok(entries(mixture_minimum(&c.mixture)?.a_star.as_ref())),
        |c| Ok(entries(kronecker_solution(&c.mixture, c.mixture.weights())?.as_ref())),
        |c| {
            let d = c.mixture.dimension() as f64;
            Ok(256.0 * d.powi(4) * f64::EPSILON * system_condition(&c.mixture))
        },
    )
    .wrong("transposed", |c| Ok(entries(transposed(mixture_minimum(&c.mixture)?.a_star.as_ref()).as_ref())))
    .wrong("first component only", |c| {
        let first = Whitened::new(&c.mixture.components()[0])?;
        Ok(entries(solvable_theory::icl::minimizer(&first)?.as_ref()))
    })
    .broken("equal weights", |c| {
        let k = c.mixture.components().len();
        Ok(entries(kronecker_solution(&c.mixture, &vec![1.0 / k as f64; k])?.as_ref()))
    });
    let loss = Expectation::new(
        "loss on the mixture",
        "minimum, by random prompts of a random component",
        |_, _| two_laws(),
        |c| Ok(mixture_minimum(&c.mixture)?.l_star),
        |c, seed, count| simulate(&c.mixture, &mixture_minimum(&c.mixture)?.a_star, &c.mixture, seed, count),
    )
    .replicas(8192, 1 << 18, 1 << 22)
    .wrong("mean of the components' minima", |c| price_ignored(&c.mixture))
    .wrong("loss of the average law's minimizer", |c| {
        let a: Vec<Mat<f64>> = c
            .mixture
            .components()
            .iter()
            .map(|t| Ok(solvable_theory::icl::minimizer(&Whitened::new(t)?)?))
            .collect::<Result<_, CheckError>>()?;
        let mean = Mat::from_fn(4, 4, |i, j| 0.2 * a[0][(i, j)] + 0.8 * a[1][(i, j)]);
        Ok(mixture_loss(&c.mixture, mean.as_ref())?)
    })
    .broken("weights swapped", |c, seed, count| {
        let swapped = mixture(&[0.4, 0.6], c.mixture.components().to_vec());
        simulate(&c.mixture, &mixture_minimum(&c.mixture)?.a_star, &swapped, seed, count)
    });
    let price = Bound::new(
        "price of not knowing",
        "mean of the components' minima over the mixture's minimum, maximised over two laws",
        |_, _| vec![Parameters::new().with("d", 2)],
        13,
        |_, x| Ok(Some(mixture_minimum(&from_cube(x))?.l_star)),
        |_, x| Ok(Some(price_ignored(&from_cube(x))?)),
        1e-11,
    )
    .tight(0.02)
    .wrong("two and a half percent low", |_, x| Ok(Some(0.975 * mixture_minimum(&from_cube(x))?.l_star)))
    .wrong("minimum without noise", |_, x| {
        let m = from_cube(x);
        let quiet = |t: &RegressionTask| task(t.lambda().clone(), t.psi().clone(), 0.0, t.context());
        let m = mixture(m.weights(), m.components().iter().map(quiet).collect());
        Ok(Some(mixture_minimum(&m)?.l_star))
    })
    .broken("largest component minimum", |_, x| {
        let m = from_cube(x);
        let mut most: f64 = 0.0;
        for t in m.components() {
            most = most.max(minimum(&Whitened::new(t)?)?);
        }
        Ok(Some(most))
    });
    Claim {
        id: "ICL-11",
        chapter: Chapter::Icl,
        title: "Covariances that change from prompt to prompt",
        statement: r"If a prompt has law $k$ with probability $\pi_k$, the minimizers of $L=\sum_k\pi_kL_k$ solve

$$\sum_k\pi_k\Lambda_kAS_k=\sum_k\pi_k\Lambda_k\Psi_k\Lambda_k,\qquad L^*=\sum_k\pi_k\mathrm{tr}(\Lambda_k\Psi_k)-\Big\langle A^*,\sum_k\pi_k\Lambda_k\Psi_k\Lambda_k\Big\rangle\ \ge\ \sum_k\pi_kL_k^* .$$

In general $A^*$ is not symmetric.",
        assumptions: "As for ICL-2, for each component.",
        source: "Derived; Zhang, Frei, Bartlett, Section 4.3",
        formula: "solvable_theory::icl::{mixture_minimum, mixture_loss}",
        simulator: "solvable_sim::icl::MixtureRisk; Gaussian elimination",
        checks: vec![Box::new(equation), Box::new(loss), Box::new(price)],
    }
}
