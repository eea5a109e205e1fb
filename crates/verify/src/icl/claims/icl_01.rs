//! ICL-1: which weights matter, and the prediction through them.
use rand::RngExt;
use rand_chacha::ChaCha12Rng;
use solvable_linalg::Mat;
use solvable_model::icl::{LayerBlocks, LinearAttention, Prompt, QueryToken};

use super::support::random_matrix;
use crate::check::{Budget, Identity};
use crate::{Cell, Chapter, CheckError, Claim, Parameters};

/// A layer with every weight nonzero, and a prompt.
struct Forward {
    index: usize,
    layer: LinearAttention,
    rho: f64,
    query: QueryToken,
    prompt: Prompt,
}

impl Cell for Forward {
    fn parameters(&self) -> Parameters {
        Parameters::new()
            .with("instance", self.index)
            .with("d", self.prompt.dimension())
            .with("N", self.prompt.context())
            .with("rho", self.rho)
            .with("query", if self.query == QueryToken::Inside { "inside" } else { "masked" })
    }
}

fn cells(budget: Budget, rng: &mut ChaCha12Rng) -> Vec<Forward> {
    let count = if budget == Budget::Quick { 24 } else { 400 };
    (0..count)
        .map(|index| {
            let d = rng.random_range(1..=8);
            let n = rng.random_range(1..=12);
            let query = if index % 2 == 0 { QueryToken::Inside } else { QueryToken::Masked };
            let rho = if index % 3 == 0 { (n + 1) as f64 } else { n as f64 };
            let (value, key_query) = (random_matrix(rng, d + 1, d + 1), random_matrix(rng, d + 1, d + 1));
            let tokens = random_matrix(rng, n + 1, d + 1);
            let x = Mat::from_fn(n, d, |i, j| tokens[(i, j)]);
            let y = (0..n).map(|i| tokens[(i, d)]).collect();
            let x_q = (0..d).map(|j| tokens[(n, j)]).collect();
            Forward {
                index,
                layer: LinearAttention::new(value, key_query, rho, query).expect("finite by construction"),
                rho,
                query,
                prompt: Prompt::new(x, y, x_q).expect("finite by construction"),
            }
        })
        .collect()
}

/// What a version of the block formula does differently.
#[derive(Clone, Copy, PartialEq)]
enum Version {
    Stated,
    QueryFlipped,
    Transposed,
    NoLabelPower,
    Magnitude,
}

/// `[p'G U + p's q' + u s'U + u v q'] x_q`.
fn block_formula(cell: &Forward, version: Version) -> f64 {
    let b = LayerBlocks::of(&cell.layer);
    let (d, n) = (cell.prompt.dimension(), cell.prompt.context());
    let absolute = version == Version::Magnitude;
    let m = |v: f64| if absolute { v.abs() } else { v };
    let inside = (cell.query == QueryToken::Inside) != (version == Version::QueryFlipped);
    let xq = &cell.prompt.query;
    let key = |i: usize, j: usize| {
        if version == Version::Transposed { b.key_query[(j, i)] } else { b.key_query[(i, j)] }
    };
    // p'G, s, v.
    let mut pg = vec![0.0; d];
    let mut s = vec![0.0; d];
    let mut v = 0.0;
    for i in 0..n + usize::from(inside) {
        let x = |j: usize| if i < n { m(cell.prompt.x[(i, j)]) } else { m(xq[j]) };
        let y = if i < n { m(cell.prompt.y[i]) } else { 0.0 };
        let px: f64 = (0..d).map(|j| m(b.p[j]) * x(j)).sum();
        for j in 0..d {
            pg[j] += px * x(j) / cell.rho;
            s[j] += y * x(j) / cell.rho;
        }
        v += y * y / cell.rho;
    }
    let ps: f64 = (0..d).map(|j| m(b.p[j]) * s[j]).sum();
    let label_power = if version == Version::NoLabelPower { 0.0 } else { m(b.u) * v };
    (0..d)
        .map(|j| {
            let through_keys: f64 = (0..d).map(|i| (pg[i] + m(b.u) * s[i]) * m(key(i, j))).sum();
            (through_keys + (ps + label_power) * m(b.q[j])) * m(xq[j])
        })
        .sum()
}

fn literal(cell: &Forward) -> Result<Vec<f64>, CheckError> {
    Ok(vec![cell.layer.predict(&cell.prompt)?])
}

pub(super) fn claim() -> Claim {
    let check = Identity::new(
        "blocks",
        "prediction of a layer with all weights nonzero",
        cells,
        |c| Ok(vec![block_formula(c, Version::Stated)]),
        literal,
        // Each prediction is a sum of products at most this deep; the scale is the sum of their magnitudes.
        |c| Ok(4.0 * (2 * c.prompt.dimension() + c.prompt.context() + 8) as f64 * f64::EPSILON),
    )
    .scale(|c| Ok(block_formula(c, Version::Magnitude)))
    .wrong("query token counted on the wrong side", |c| Ok(vec![block_formula(c, Version::QueryFlipped)]))
    .wrong("key block transposed", |c| Ok(vec![block_formula(c, Version::Transposed)]))
    .wrong("label power forgotten", |c| Ok(vec![block_formula(c, Version::NoLabelPower)]))
    .broken("normaliser is one more", |c| {
        let blocks = LayerBlocks::of(&c.layer);
        Ok(vec![blocks.layer(c.rho + 1.0, c.query)?.predict(&c.prompt)?])
    });
    Claim {
        id: "ICL-1",
        chapter: Chapter::Icl,
        title: "Which weights of the layer matter",
        statement: r"For the layer $f(E)=E+W^{PV}E\,(E^\top W^{KQ}E)/\rho$ with last row $(p^\top,u)$ of $W^{PV}$ and first $d$ columns $\binom{U}{q^\top}$ of $W^{KQ}$, the prediction is

$$\hat y=\Big[p^\top\hat G\,U+p^\top\hat s\,q^\top+u\,\hat s^\top U+u\,\hat v\,q^\top\Big]x_q,$$

with $\hat G=\frac1\rho(\sum_i x_ix_i^\top+\delta\,x_qx_q^\top)$, $\hat s=\frac1\rho\sum_i x_iy_i$, $\hat v=\frac1\rho\sum_i y_i^2$; $\delta=1$ when the query token is inside the attention. No other weight has an influence, and with $p=0$ the query token contributes nothing.",
        assumptions: "None: every prompt, every weight.",
        source: "Zhang, Frei, Bartlett (JMLR 2024), Section 3; derived for all blocks",
        formula: "solvable_verify::icl::claims::icl_01 (block formula)",
        simulator: "solvable_model::icl::LinearAttention::predict",
        checks: vec![Box::new(check)],
    }
}
