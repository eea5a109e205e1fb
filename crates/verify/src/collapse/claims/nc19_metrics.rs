//! NC-19: the collapse metrics.
use rand::RngExt;
use rand_chacha::ChaCha12Rng;
use solvable_linalg::Mat;
use solvable_model::collapse::{CollapseMetrics, FrameTargets, collapse_metrics};
use solvable_sim::collapse::{DenseMetrics, dense_metrics, shape_distance};

use super::common::{pick, whole};
use crate::check::{Budget, Identity};
use crate::{Cell, Chapter, CheckError, Claim, Parameters};

/// Features, labels and a classifier.
struct Layer {
    features: Mat<f64>,
    labels: Vec<usize>,
    classifier: Mat<f64>,
    bias: Vec<f64>,
    spread: f64,
}

impl Cell for Layer {
    fn parameters(&self) -> Parameters {
        Parameters::new()
            .with("K", self.classifier.nrows())
            .with("d", self.features.nrows())
            .with("N", self.labels.len())
            .with("spread", self.spread)
    }
}

/// From nearly collapsed to unrelated, fewer and more dimensions than classes, unequal classes.
fn layers(budget: Budget, rng: &mut ChaCha12Rng) -> Vec<Layer> {
    let mut cells = Vec::new();
    for spread in [1e-6, 0.1, 1.0, 10.0] {
        for _ in 0..pick(budget, 2, 12) {
            let (classes, d) = (whole(rng, 2, 5), whole(rng, 1, 8));
            let mut uniform = || 2.0 * rng.random::<f64>() - 1.0;
            let means = Mat::from_fn(d, classes, |_, _| uniform());
            let classifier = Mat::from_fn(classes, d, |_, _| uniform());
            let bias: Vec<f64> = (0..classes).map(|_| 0.3 * uniform()).collect();
            let mut labels: Vec<usize> = (0..classes).collect();
            for k in 0..classes {
                let extra = whole(rng, 1, 6);
                labels.extend(std::iter::repeat_n(k, extra));
            }
            let features = Mat::from_fn(d, labels.len(), |r, i| {
                means[(r, labels[i])] + spread * (2.0 * rng.random::<f64>() - 1.0)
            });
            cells.push(Layer { features, labels, classifier, bias, spread });
        }
    }
    cells
}

/// A frame of lengths 1, 2, ..., K for all three targets.
fn lengths(cell: &Layer) -> Vec<f64> {
    (1..=cell.classifier.nrows()).map(|k| k as f64).collect()
}

fn streamed(cell: &Layer) -> Result<CollapseMetrics, CheckError> {
    let frame = lengths(cell);
    let targets =
        FrameTargets { classifier: Some(frame.clone()), feature: Some(frame.clone()), logits: Some(frame) };
    Ok(collapse_metrics(
        cell.features.as_ref(),
        &cell.labels,
        cell.classifier.as_ref(),
        Some(&cell.bias),
        &targets,
    )?)
}

fn defined(value: Option<f64>) -> f64 {
    value.unwrap_or(-1.0)
}

/// ln NC1, the three distances of the classifier, the means and the product, NC4.
fn listed(m: &CollapseMetrics) -> Vec<f64> {
    vec![
        defined(m.nc1).ln(),
        defined(m.nc2_w_etf),
        defined(m.nc2_w_of),
        defined(m.nc2_w_gof),
        defined(m.nc2_h_etf),
        defined(m.nc2_h_of),
        defined(m.nc2_h_gof),
        defined(m.nc3_etf),
        defined(m.nc3_of),
        defined(m.nc3_gof),
        m.nc4,
    ]
}

fn product(a: &Mat<f64>, b: &Mat<f64>, transpose: bool) -> Mat<f64> {
    let inner = if transpose { a.nrows() } else { a.ncols() };
    let rows = if transpose { a.ncols() } else { a.nrows() };
    Mat::from_fn(rows, b.ncols(), |i, j| {
        (0..inner).map(|r| if transpose { a[(r, i)] } else { a[(i, r)] } * b[(r, j)]).sum()
    })
}

/// The same by their definitions; `labels` may be corrupted.
fn by_definition(
    cell: &Layer,
    labels: &[usize],
    change: impl Fn(&mut DenseMetrics),
) -> Result<Vec<f64>, CheckError> {
    let mut m = dense_metrics(cell.features.as_ref(), labels, cell.classifier.as_ref(), &cell.bias)?;
    change(&mut m);
    let k = cell.classifier.nrows();
    let identity = |i: usize, j: usize| f64::from(u8::from(i == j));
    let simplex = Mat::from_fn(k, k, |i, j| identity(i, j) - 1.0 / k as f64);
    let frame = Mat::from_fn(k, k, identity);
    let general = Mat::from_fn(k, k, |i, j| identity(i, j) * (i + 1) as f64);
    let rows = Mat::from_fn(cell.classifier.ncols(), k, |r, i| cell.classifier[(i, r)]);
    let w = product(&rows, &rows, true);
    let h = product(&m.means, &m.means, true);
    let z = product(&cell.classifier, &m.means, false);
    let centred = product(&cell.classifier, &m.centred_means, false);
    let mut values = vec![m.nc1.ln()];
    for (matrix, at_simplex) in [(&w, &w), (&h, &h), (&z, &centred)] {
        values.push(shape_distance(at_simplex, &simplex));
        values.push(shape_distance(matrix, &frame));
        values.push(shape_distance(matrix, &general));
    }
    values.push(m.nc4);
    Ok(values)
}

pub(super) fn claim() -> Claim {
    let metrics = Identity::new(
        "metrics",
        "NC1 to NC4 streamed against covariances formed and inverted",
        layers,
        |cell: &Layer| Ok(listed(&streamed(cell)?)),
        |cell| by_definition(cell, &cell.labels, |_| {}),
        // The inverse of the between-class covariance: its condition is at most 1e10 by the cut-off and below 1e5 for
        // random means; squares of deviations of 1e-6 keep 10 digits beside means of 1.
        |_| Ok(1e-9),
    )
    .scale(|_| Ok(1.0))
    .wrong("the trace not divided by K", |cell| {
        let mut values = listed(&streamed(cell)?);
        values[0] += (cell.classifier.nrows() as f64).ln();
        Ok(values)
    })
    .wrong("the covariance within classes averaged over classes", |cell| {
        let mut values = listed(&streamed(cell)?);
        let (k, n) = (cell.classifier.nrows() as f64, cell.labels.len() as f64);
        values[0] += (n / k).ln();
        Ok(values)
    })
    .wrong("matrices not normalised by their norm but by K", |cell| {
        let m = streamed(cell)?;
        let mut values = listed(&m);
        let k = cell.classifier.nrows() as f64;
        values[5] = defined(m.nc2_h_of) * solvable_linalg::frobenius_norm(m.feature_gram.as_ref()) / k;
        Ok(values)
    })
    .broken("one label wrong", |cell| {
        let mut labels = cell.labels.clone();
        let last = labels.len() - 1;
        labels[last] = (labels[last] + 1) % cell.classifier.nrows();
        by_definition(cell, &labels, |_| {})
    })
    .broken("means of all samples for class means", |cell| {
        by_definition(cell, &cell.labels, |m| m.means = m.centred_means.clone())
    });
    Claim {
        id: "NC-19",
        chapter: Chapter::Collapse,
        title: "Collapse metrics",
        statement: "With $\\Sigma_W=\\frac1N\\sum_i(h_i-\\bar h_{y_i})(h_i-\\bar h_{y_i})^\\top$ and $\\Sigma_B=\\frac1K\\sum_k(\\bar h_k-\\bar h)\
            (\\bar h_k-\\bar h)^\\top$: NC1 $=\\frac1K\\mathrm{tr}(\\Sigma_W\\Sigma_B^+)$, NC2 and NC3 are distances of $WW^\\top$, \
            $\\bar H^\\top\\bar H$, $W\\bar H$, each of norm one, from the candidate geometries ($W(\\bar H-\\bar h\\mathbf 1^\\top)$ for the simplex), and NC4 is the fraction of samples on \
            which classifier and nearest class mean disagree. They can be computed in two passes and $O(Kd)$ memory.",
        assumptions: "Every class has a sample. The pseudo-inverse cuts eigenvalues below $10^{-10}$ of the largest.",
        source: "Definitions as in the code of Dang et al., arXiv 2301.00437",
        formula: "solvable_model::collapse::collapse_metrics",
        simulator: "solvable_sim::collapse::dense_metrics",
        checks: vec![Box::new(metrics)],
    }
}
