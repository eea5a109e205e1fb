//! NC-17: the limit of vanishing regularisation under cross-entropy.
use rand_chacha::ChaCha12Rng;
use solvable_linalg::{Mat, matmul, singular_values, symmetric_eigen};
use solvable_model::collapse::ClassCounts;
use solvable_sim::collapse::observe;
use solvable_theory::collapse::{SeliGeometry, seli_geometry};

use super::common::{Setting, entries, pick, refused, trained, whole};
use crate::check::{Bound, Budget, Identity, Observation, Seen};
use crate::{Cell, Chapter, CheckError, Claim, Parameters};

struct Classes {
    counts: Vec<usize>,
}

impl Cell for Classes {
    fn parameters(&self) -> Parameters {
        Parameters::new().with("n", self.counts.clone())
    }
}

impl Classes {
    fn theory(&self) -> Result<SeliGeometry, CheckError> {
        seli_geometry(&ClassCounts::new(self.counts.clone())?).map_err(refused)
    }

    fn root(&self, k: usize) -> f64 {
        (self.counts[k] as f64).sqrt()
    }

    /// `(I - J/K) D^(1/2)`.
    fn target(&self) -> Mat<f64> {
        let k = self.counts.len();
        Mat::from_fn(k, k, |i, j| (f64::from(u8::from(i == j)) - 1.0 / k as f64) * self.root(j))
    }
}

fn classes(budget: Budget, rng: &mut ChaCha12Rng) -> Vec<Classes> {
    let mut cells = vec![
        Classes { counts: vec![5, 3, 1] },
        Classes { counts: vec![10, 10, 1, 1] },
        Classes { counts: vec![4; 3] },
    ];
    for _ in 0..pick(budget, 2, 20) {
        cells.push(Classes { counts: (0..whole(rng, 2, 6)).map(|_| whole(rng, 1, 30)).collect() });
    }
    cells
}

fn predicted(cell: &Classes) -> Result<Vec<f64>, CheckError> {
    let g = cell.theory()?;
    let mut values = vec![g.nuclear_norm, g.dual_value];
    values.extend(entries(&g.classifiers));
    values.extend(entries(&g.features));
    Ok(values)
}

/// The same by square roots of Gram matrices: `(A A')^(1/2)` and `D^(-1/2) (A'A)^(1/2) D^(-1/2)`, A = (I - J/K) D^(1/2).
fn by_roots(cell: &Classes, target: &Mat<f64>) -> Result<Vec<f64>, CheckError> {
    let k = cell.counts.len();
    // Eigenvalues of A A' that are 0 come out as rounding of either sign: at most this.
    let floor = 64.0 * (k as f64) * f64::EPSILON * cell.counts.iter().max().map_or(1.0, |&n| n as f64);
    let left = symmetric_eigen(matmul(target.as_ref(), target.transpose()).as_ref())?.sqrt_within(floor)?;
    let right = symmetric_eigen(matmul(target.transpose(), target.as_ref()).as_ref())?.sqrt_within(floor)?;
    let norm: f64 = singular_values(target.as_ref())?.iter().sum();
    let mut values = vec![norm, norm];
    values.extend(entries(&left));
    values.extend(entries(&Mat::from_fn(k, k, |i, j| right[(i, j)] / (cell.root(i) * cell.root(j)))));
    Ok(values)
}

/// Logits within a half of the identity, scaled so that the smallest margin is 1; `None` unless every sample is classified correctly.
fn separated(cell: &Classes, x: &[f64]) -> Option<Mat<f64>> {
    let k = cell.counts.len();
    let z = Mat::from_fn(k, k, |i, j| f64::from(u8::from(i == j)) + x[i * k + j] - 0.5);
    let margin = (0..k)
        .flat_map(|j| (0..k).filter(move |&i| i != j).map(move |i| (i, j)))
        .map(|(i, j)| z[(j, j)] - z[(i, j)])
        .fold(f64::INFINITY, f64::min);
    (margin > 1e-3).then(|| Mat::from_fn(k, k, |i, j| z[(i, j)] / margin))
}

fn norm_of(z: &Mat<f64>, scale: impl Fn(usize) -> f64) -> Result<f64, CheckError> {
    let scaled = Mat::from_fn(z.nrows(), z.ncols(), |i, j| z[(i, j)] * scale(j));
    Ok(singular_values(scaled.as_ref())?.iter().sum())
}

pub(super) fn claim() -> Claim {
    let grams = Identity::new(
        "geometry",
        "nuclear norm, dual value, Gram matrices at vanishing regularisation",
        classes,
        predicted,
        |cell: &Classes| by_roots(cell, &cell.target()),
        // Square roots of Gram matrices: the structural zero comes back as the root of its rounding.
        |_| Ok(16.0 * f64::EPSILON.sqrt()),
    )
    .wrong("the simplex for both", |cell| {
        let k = cell.counts.len() as f64;
        let mut values = predicted(cell)?;
        let mean = values[0] / (k - 1.0);
        let target = entries(&Mat::from_fn(cell.counts.len(), cell.counts.len(), |i, j| {
            (f64::from(u8::from(i == j)) - 1.0 / k) * mean
        }));
        let size = target.len();
        values[2..2 + size].copy_from_slice(&target);
        values[2 + size..].copy_from_slice(&target);
        Ok(values)
    })
    .wrong("features without the weights of the classes", |cell| {
        let mut values = predicted(cell)?;
        let k = cell.counts.len();
        for i in 0..k {
            for j in 0..k {
                values[2 + k * k + i * k + j] *= cell.root(i) * cell.root(j);
            }
        }
        Ok(values)
    })
    .broken("classes weighted by their sizes", |cell| {
        let target = cell.target();
        let k = cell.counts.len();
        by_roots(cell, &Mat::from_fn(k, k, |i, j| target[(i, j)] * cell.root(j)))
    });
    let margin = Bound::new(
        "max-margin",
        "optimal nuclear norm over that of separating logits with margin 1",
        |_, _| vec![Classes { counts: vec![5, 3, 1] }, Classes { counts: vec![7, 1] }],
        9,
        |cell: &Classes, _| Ok(Some(1.0 / cell.theory()?.nuclear_norm)),
        |cell, x| match separated(cell, x) {
            Some(z) => Ok(Some(1.0 / norm_of(&z, |j| cell.root(j))?)),
            None => Ok(None),
        },
        1e-12,
    )
    .tight(0.05)
    .search(3, 12_000, 100_000)
    .wrong("K directions of the average size", |cell, _| {
        let k = cell.counts.len() as f64;
        Ok(Some((k - 1.0) / (k * cell.theory()?.nuclear_norm)))
    })
    .wrong("the class sizes for their roots", |cell, _| {
        let z = Mat::from_fn(cell.counts.len(), cell.counts.len(), |i, j| {
            f64::from(u8::from(i == j)) - 1.0 / cell.counts.len() as f64
        });
        Ok(Some(1.0 / norm_of(&z, |j| cell.counts[j] as f64)?))
    })
    .broken("a margin counted in half", |cell, x| match separated(cell, x) {
        Some(z) => Ok(Some(2.0 / norm_of(&z, |j| cell.root(j))?)),
        None => Ok(None),
    });
    let rate = Observation::new(
        "rate",
        "(1 - cos(Z, I - J/K)) log^2(1/lambda) of trained logits",
        |budget, rng| {
            [1e-2, 1e-3, 1e-4]
                .into_iter()
                .take(pick(budget, 2, 3))
                .map(|lambda| Setting::squared(&[5, 3, 1], &[3], &[lambda], lambda, rng).cross_entropy())
                .collect()
        },
        |cell: &Setting, _, _| {
            let (objective, end) = trained(cell)?;
            let z = observe(&objective, &end.x).logits();
            let k = cell.counts.len();
            let (mut inner, mut square) = (0.0, 0.0);
            for j in 0..k {
                for i in 0..k {
                    inner += z[(i, j)] * (f64::from(u8::from(i == j)) - 1.0 / k as f64);
                    square += z[(i, j)] * z[(i, j)];
                }
            }
            let cosine = inner / (square * (k as f64 - 1.0)).sqrt();
            let value = (1.0 - cosine) * (1.0 / cell.lambda_h).ln().powi(2);
            Ok(Seen { value, half_width: 1e-6 * value, count: 1 })
        },
    );
    Claim {
        id: "NC-17",
        chapter: Chapter::Collapse,
        title: "Vanishing regularisation: logits balance, features do not",
        statement: "As $\\lambda\\to0$ at depth one without bias, $\\bar Z/\\|\\bar Z\\|\\to(I-J/K)/\\sqrt{K-1}$ for any class counts. With \
            $(I-J/K)D^{1/2}=U\\Sigma Q^\\top$, $WW^\\top$ tends to a multiple of $U\\Sigma U^\\top$ and $\\bar H^\\top\\bar H$ to one of \
            $D^{-1/2}Q\\Sigma Q^\\top D^{-1/2}$. The limit solves $\\min\\|\\bar ZD^{1/2}\\|_*$ under margins of at least $1$.",
        assumptions: "Cross-entropy, $M=1$, no bias, width at least $K$. The approach is logarithmic, hence recorded only.",
        source: "Thrampoulidis et al., arXiv 2208.05512; dual certificate derived",
        formula: "solvable_theory::collapse::seli_geometry",
        simulator: "square roots of Gram matrices; a search over separating logits; trainings at small regularisation",
        checks: vec![Box::new(grams), Box::new(margin), Box::new(rate)],
    }
}
