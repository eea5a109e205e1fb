//! NC-01: the penalty of the factors, as a function of their product.
use solvable_linalg::{Mat, MatRef, frobenius_norm, matmul, qr, singular_values};
use solvable_theory::collapse::product_cost;

use super::common::{log_uniform, pick, refused};
use crate::check::{Bound, Budget, Identity};
use crate::{Cell, Chapter, CheckError, Claim, Parameters};
use rand::RngExt;
use rand_chacha::ChaCha12Rng;

/// Factors `side x side` with these weights.
struct Product {
    lambdas: Vec<f64>,
    side: usize,
    /// Singular values of the product, where they are prescribed.
    sigma: Vec<f64>,
    entries: Vec<f64>,
}

impl Cell for Product {
    fn parameters(&self) -> Parameters {
        Parameters::new()
            .with("lambda", self.lambdas.clone())
            .with("side", self.side)
            .with("sigma", self.sigma.clone())
    }
}

impl Product {
    fn split(&self) -> (&[f64], f64) {
        let last = self.lambdas.len() - 1;
        (&self.lambdas[..last], self.lambdas[last])
    }

    fn factors(&self, x: &[f64]) -> Vec<Mat<f64>> {
        let size = self.side * self.side;
        (0..self.lambdas.len())
            .map(|i| Mat::from_fn(self.side, self.side, |r, c| 4.0 * x[i * size + r * self.side + c] - 2.0))
            .collect()
    }
}

fn penalty(factors: &[Mat<f64>], lambdas: &[f64]) -> f64 {
    factors.iter().zip(lambdas).map(|(f, l)| 0.5 * l * frobenius_norm(f.as_ref()).powi(2)).sum()
}

fn product(factors: &[Mat<f64>]) -> Mat<f64> {
    factors[1..].iter().fold(factors[0].clone(), |p, f| matmul(p.as_ref(), f.as_ref()))
}

/// 1 over the cost that `formula` gives to the product of the factors at x.
fn inverse_cost(
    cell: &Product,
    x: &[f64],
    formula: impl Fn(&[f64], &[f64], f64) -> Result<f64, CheckError>,
) -> Result<Option<f64>, CheckError> {
    let sigma = singular_values(product(&cell.factors(x)).as_ref())?;
    let (weights, features) = cell.split();
    let cost = formula(&sigma, weights, features)?;
    Ok((cost > 0.0).then(|| 1.0 / cost))
}

fn exact(sigma: &[f64], weights: &[f64], features: f64) -> Result<f64, CheckError> {
    Ok(product_cost(sigma, weights, features).map_err(refused)?.value)
}

fn nuclear(sigma: &[f64], weights: &[f64], features: f64) -> Result<f64, CheckError> {
    let l = weights.len() as f64 + 1.0;
    let product = features * weights.iter().product::<f64>();
    Ok(0.5 * l * product.powf(1.0 / l) * sigma.iter().sum::<f64>())
}

fn unhalved(sigma: &[f64], weights: &[f64], features: f64) -> Result<f64, CheckError> {
    Ok(2.0 * exact(sigma, weights, features)?)
}

/// Factors with the product `U diag(sigma) V'`: factor i has the singular values `share(sigma, i)`.
fn factorisation(cell: &Product, share: impl Fn(f64, usize) -> f64) -> Result<Vec<Mat<f64>>, CheckError> {
    let (side, count) = (cell.side, cell.lambdas.len());
    let frames = (0..=count)
        .map(|f| {
            let block = &cell.entries[f * side * side..(f + 1) * side * side];
            qr(MatRef::from_row_major_slice(block, side, side)).map(|q| q.q)
        })
        .collect::<Result<Vec<_>, _>>()?;
    Ok((0..count)
        .map(|i| {
            Mat::from_fn(side, side, |r, c| {
                (0..side).map(|j| frames[i][(r, j)] * share(cell.sigma[j], i) * frames[i + 1][(c, j)]).sum()
            })
        })
        .collect())
}

/// Equal `lambda_i s_i²` in all factors.
fn balanced_share(cell: &Product, sigma: f64, i: usize) -> f64 {
    let l = cell.lambdas.len() as f64;
    let product: f64 = cell.lambdas.iter().product();
    (sigma * product.sqrt()).powf(1.0 / l) / cell.lambdas[i].sqrt()
}

/// The penalty of a factorisation, and the singular values of its product.
fn weighed(cell: &Product, share: impl Fn(f64, usize) -> f64) -> Result<Vec<f64>, CheckError> {
    let factors = factorisation(cell, share)?;
    let mut values = vec![penalty(&factors, &cell.lambdas)];
    values.extend(singular_values(product(&factors).as_ref())?);
    Ok(values)
}

fn predicted(
    cell: &Product,
    formula: impl Fn(&[f64], &[f64], f64) -> Result<f64, CheckError>,
) -> Result<Vec<f64>, CheckError> {
    let (weights, features) = cell.split();
    let mut values = vec![formula(&cell.sigma, weights, features)?];
    values.extend(&cell.sigma);
    Ok(values)
}

fn prescribed(budget: Budget, rng: &mut ChaCha12Rng) -> Vec<Product> {
    let mut cells = Vec::new();
    for _ in 0..pick(budget, 1, 10) {
        for factors in 2..=5 {
            let side = 3;
            let lambdas = (0..factors).map(|_| log_uniform(rng, 1e-4, 10.0)).collect();
            let mut sigma: Vec<f64> = (0..side).map(|_| log_uniform(rng, 1e-3, 10.0)).collect();
            sigma.sort_by(|a, b| b.total_cmp(a));
            let entries = (0..(factors + 1) * side * side).map(|_| 2.0 * rng.random::<f64>() - 1.0).collect();
            cells.push(Product { lambdas, side, sigma, entries });
        }
    }
    cells
}

fn search_bound(factors: usize, name: &'static str) -> Bound<Product> {
    let side = 2;
    Bound::new(
        name,
        "cost of a product over the penalty of its factors",
        move |_, rng| {
            let lambdas = (0..factors).map(|_| log_uniform(rng, 0.05, 0.8)).collect();
            vec![Product { lambdas, side, sigma: Vec::new(), entries: Vec::new() }]
        },
        factors * side * side,
        |cell, x| inverse_cost(cell, x, exact),
        |cell, x| {
            let penalty = penalty(&cell.factors(x), &cell.lambdas);
            Ok((penalty > 0.0).then(|| 1.0 / penalty))
        },
        // Products of a few 2 x 2 matrices and their singular values.
        1e-12,
    )
    .tight(0.05)
    .search(6, 4_000, 60_000)
    .wrong("a factor 2: L instead of L/2", |cell, x| inverse_cost(cell, x, unhalved))
    .wrong("the weights forgotten", |cell, x| {
        inverse_cost(cell, x, |sigma, weights, _| exact(sigma, &vec![1.0; weights.len()], 1.0))
    })
    .broken("the features left out of the penalty", |cell, x| {
        let (weights, _) = cell.split();
        let factors = cell.factors(x);
        let penalty = penalty(&factors[..weights.len()], weights);
        Ok((penalty > 0.0).then(|| 1.0 / penalty))
    })
}

pub(super) fn claim() -> Claim {
    let attained = Identity::new(
        "attained",
        "cost against the penalty of the balanced factors, and their product",
        prescribed,
        |cell: &Product| predicted(cell, exact),
        |cell| weighed(cell, |s, i| balanced_share(cell, s, i)),
        |cell| {
            // Products of L orthogonal-diagonal-orthogonal factors: a few n eps each, on squares; the balanced factors of
            // a product may be larger than the product itself.
            let (n, l) = (cell.side as f64, cell.lambdas.len() as f64);
            let size: f64 = (0..cell.lambdas.len()).map(|i| balanced_share(cell, cell.sigma[0], i)).product();
            Ok(32.0 * n * l * f64::EPSILON * (size / cell.sigma[0]).max(1.0))
        },
    )
    .wrong("the nuclear norm at every depth", |cell| predicted(cell, nuclear))
    .wrong("a factor 2: L instead of L/2", |cell| predicted(cell, unhalved))
    .wrong("arithmetic for geometric mean of the weights", |cell| {
        predicted(cell, |sigma, weights, features| {
            let l = weights.len() as f64 + 1.0;
            let mean = (weights.iter().sum::<f64>() + features) / l;
            exact(sigma, &vec![mean; weights.len()], mean)
        })
    })
    .broken("factors of equal size whatever their weights", |cell| {
        weighed(cell, |s, _| s.powf(1.0 / cell.lambdas.len() as f64))
    });
    Claim {
        id: "NC-01",
        chapter: Chapter::Collapse,
        title: "Training reduces to a spectral problem",
        statement: "For matrices of rank at most $R$, the smallest penalty of factors with a given product is \
            $$\\min_{W_M\\cdots W_1H_1=Z}\\tfrac12\\Big(\\sum_m\\lambda_{W_m}\\|W_m\\|^2+\\lambda_H\\|H_1\\|^2\\Big)=\
            \\frac L2\\Lambda^{1/L}\\sum_j\\sigma_j(Z)^{2/L},\\qquad L=M+1,$$ attained by factors that share the energy \
            $q_j=(\\Lambda\\sigma_j^2)^{1/L}$ of each singular direction equally.",
        assumptions: "All regularisations positive; every width at least the rank of $Z$.",
        source: "Derived (Horn, Hölder, AM-GM); the Schatten identity is used in Garrod and Keating, arXiv 2410.23169",
        formula: "solvable_theory::collapse::product_cost",
        simulator: "penalties of raw factors: searched, and balanced by construction",
        checks: vec![
            Box::new(search_bound(2, "search-two-factors")),
            Box::new(
                search_bound(3, "search-three-factors")
                    .wrong("the nuclear norm at depth two", |cell, x| inverse_cost(cell, x, nuclear)),
            ),
            Box::new(attained),
        ],
    }
}
