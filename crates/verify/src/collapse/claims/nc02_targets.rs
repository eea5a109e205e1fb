//! NC-02: singular values of the target, with and without a free bias.
use rand_chacha::ChaCha12Rng;
use solvable_linalg::{Mat, singular_values, symmetric_eigenvalues};
use solvable_model::collapse::{Bias, ClassCounts};
use solvable_theory::collapse::targets;

use super::common::{pick, refused, whole};
use crate::check::{Budget, Identity};
use crate::{Cell, Chapter, CheckError, Claim, Parameters};

struct Classes {
    counts: Vec<usize>,
    bias: Bias,
}

impl Cell for Classes {
    fn parameters(&self) -> Parameters {
        let bias = if self.bias == Bias::None { "none" } else { "free" };
        Parameters::new().with("n", self.counts.clone()).with("bias", bias)
    }
}

impl Classes {
    fn total(&self) -> f64 {
        self.counts.iter().sum::<usize>() as f64
    }
}

/// Squared singular values of the one-hot labels, after `offset(class, counts, total)` is taken from every label of a row.
fn from_labels(cell: &Classes, offset: impl Fn(usize) -> f64) -> Result<Vec<f64>, CheckError> {
    let labels: Vec<usize> =
        cell.counts.iter().enumerate().flat_map(|(k, &n)| std::iter::repeat_n(k, n)).collect();
    let one_hot =
        Mat::from_fn(cell.counts.len(), labels.len(), |k, i| f64::from(u8::from(labels[i] == k)) - offset(k));
    Ok(singular_values(one_hot.as_ref())?.into_iter().map(|s| s * s).collect())
}

fn centred(cell: &Classes) -> Result<Vec<f64>, CheckError> {
    from_labels(cell, |k| if cell.bias == Bias::None { 0.0 } else { cell.counts[k] as f64 / cell.total() })
}

fn eigenvalues(cell: &Classes, entry: impl Fn(f64, f64) -> f64) -> Result<Vec<f64>, CheckError> {
    let n = |k: usize| cell.counts[k] as f64;
    let k = cell.counts.len();
    let matrix = Mat::from_fn(k, k, |a, b| {
        let diagonal = if a == b { n(a) } else { 0.0 };
        if cell.bias == Bias::None { diagonal } else { diagonal - entry(n(a), n(b)) }
    });
    Ok(symmetric_eigenvalues(matrix.as_ref())?)
}

fn cells(budget: Budget, rng: &mut ChaCha12Rng) -> Vec<Classes> {
    let mut cells = Vec::new();
    let mut both = |counts: Vec<usize>| {
        for bias in [Bias::None, Bias::Free] {
            cells.push(Classes { counts: counts.clone(), bias });
        }
    };
    // One class, balanced, two groups, one giant, squared targets exactly between two sizes (5/2).
    for counts in [vec![4], vec![3; 4], vec![7, 7, 2, 2, 2], vec![60, 1, 1], vec![3, 2, 5, 2]] {
        both(counts);
    }
    for _ in 0..pick(budget, 4, 40) {
        let classes = whole(rng, 2, 7);
        both((0..classes).map(|_| whole(rng, 1, 20)).collect());
    }
    cells
}

pub(super) fn claim() -> Claim {
    let squares = Identity::new(
        "squared-targets",
        "squared singular values of the centred labels",
        cells,
        |cell: &Classes| {
            Ok(targets(&ClassCounts::new(cell.counts.clone())?, cell.bias).map_err(refused)?.squares)
        },
        centred,
        // The decomposition of a K x N matrix is backward stable; squares double the error.
        |cell| Ok(8.0 * (cell.total() + cell.counts.len() as f64) * f64::EPSILON),
    )
    .wrong("the class sizes, as if the bias did nothing", |cell| {
        let mut sizes: Vec<f64> = cell.counts.iter().map(|&n| n as f64).collect();
        sizes.sort_by(|a, b| b.total_cmp(a));
        Ok(sizes)
    })
    .wrong("classes weighted equally: D - D^(1/2) J D^(1/2) / K", |cell| {
        let k = cell.counts.len() as f64;
        eigenvalues(cell, |a, b| (a * b).sqrt() / k)
    })
    .wrong("a bias of 1/K for every class", |cell| {
        let (k, total) = (cell.counts.len() as f64, cell.total());
        eigenvalues(cell, |a, b| (a + b) / k - total / (k * k))
    })
    .broken("labels centred by 1/K", |cell| {
        let k = cell.counts.len() as f64;
        from_labels(cell, |_| if cell.bias == Bias::None { 0.0 } else { 1.0 / k })
    });
    Claim {
        id: "NC-02",
        chapter: Chapter::Collapse,
        title: "Targets and their singular values",
        statement: "Without bias the target is the label matrix $Y$, with singular values $\\sqrt{n_k}$. A free bias absorbs \
            the mean: every minimiser has $Z\\mathbf 1=0$ and $b_k=n_k/N$, the target is $YP$ with $P=I-J/N$, and its \
            squared singular values are the eigenvalues of $D-\\mathbf n\\mathbf n^\\top/N$. For two groups they are \
            $n_A$ ($k_A-1$ times), $n_B$ ($k_B-1$ times), $Kn_An_B/N$ and $0$.",
        assumptions: "Squared loss; every class has a sample.",
        source: "Derived; the matrix agrees with arXiv 2411.17278",
        formula: "solvable_theory::collapse::targets",
        simulator: "singular values of the K x N matrix of labels, centred row by row",
        checks: vec![Box::new(squares)],
    }
}
