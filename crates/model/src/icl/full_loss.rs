//! Population loss of the full layer, all blocks (ICL-17).
use solvable_linalg::{Mat, MatRef, dot, mat_vec, matmul, trace_product};

use super::{LayerBlocks, QueryToken, RegressionTask};
use crate::{InputError, Objective};

/// `l(p, U, u, q) = L_full/2`, the loss the papers train, of the layer with all blocks that matter (ICL-1, ICL-17).
///
/// Gaussian covariates, Gaussian task and Gaussian noise, exact for every N and normaliser rho:
/// `L_full = L(A) + L_even`, `A = (N/rho)(u U' + q p')`, and with `f = N/rho`, `T = t + sigma2`, `P = p p'`,
///
/// `L_even = f^2 { tr[Lambda U' ((1+1/N) Lambda P Lambda + (p'Lambda p/N) Lambda) U] + 2u q'Lambda U'(T Lambda +
/// (2/N) Lambda Psi Lambda) p + u^2 (1+2/N)[T^2 + 2 tr(Lambda Psi Lambda Psi)] q'Lambda q }`,
///
/// to which a query inside the attention adds, with `h = f(U'Lambda p + u T q)`, `U_s = (U+U')/2`,
/// `(2/rho)[(h'Lambda p) tr(Lambda U) + 2 h'Lambda U_s Lambda p] + (1/rho^2) p' E[(x'U_s x)^2 x x'] p`.
///
/// Parameters: p (d), U row by row (d^2), u, q (d). An evaluation with gradient costs about ten d x d products.
#[derive(Clone, Debug)]
pub struct FullLayerLoss {
    lambda: Mat<f64>,
    cross: Mat<f64>,
    signal: f64,
    /// T = t + sigma2.
    power: f64,
    /// N.
    length: f64,
    rho: f64,
    /// (1 + 2/N) [T^2 + 2 tr(Lambda Psi Lambda Psi)].
    fourth: f64,
    inside: bool,
}

impl FullLayerLoss {
    /// The loss of a task under a normaliser and a query convention. O(d^3).
    ///
    /// # Errors
    /// [`InputError::OutOfDomain`] unless `rho` is finite and positive.
    pub fn new(task: &RegressionTask, rho: f64, query: QueryToken) -> Result<Self, InputError> {
        InputError::check_positive("rho", rho)?;
        let lambda = task.lambda().matrix().to_owned();
        let image = matmul(lambda.as_ref(), task.psi().matrix());
        let length = task.context() as f64;
        let power = task.signal() + task.sigma2();
        let squares = trace_product(image.as_ref(), image.as_ref());
        Ok(Self {
            cross: matmul(image.as_ref(), lambda.as_ref()),
            lambda,
            signal: task.signal(),
            power,
            length,
            rho,
            fourth: (1.0 + 2.0 / length) * (power * power + 2.0 * squares),
            inside: query == QueryToken::Inside,
        })
    }

    /// Dimension d of the covariates.
    #[must_use]
    pub fn covariates(&self) -> usize {
        self.lambda.nrows()
    }

    /// The parameter vector of some blocks.
    ///
    /// # Errors
    /// [`InputError`] when a block has the wrong shape or a non-finite entry.
    pub fn parameters(&self, blocks: &LayerBlocks) -> Result<Vec<f64>, InputError> {
        let d = self.covariates();
        let found = (blocks.key_query.nrows(), blocks.key_query.ncols());
        if found != (d, d) {
            return Err(InputError::Shape { argument: "U".into(), found, expected: (d, d) });
        }
        for (argument, v) in [("p", &blocks.p), ("q", &blocks.q)] {
            if v.len() != d {
                let found = (v.len(), 1);
                return Err(InputError::Shape { argument: argument.into(), found, expected: (d, 1) });
            }
            InputError::check_vector(argument, v)?;
        }
        InputError::check_finite("u", blocks.u)?;
        let u: Vec<f64> = (0..d * d).map(|k| blocks.key_query[(k / d, k % d)]).collect();
        InputError::check_vector("U", &u)?;
        Ok([&blocks.p[..], &u, &[blocks.u], &blocks.q].concat())
    }

    /// The blocks of a parameter vector.
    #[must_use]
    pub fn blocks(&self, x: &[f64]) -> LayerBlocks {
        let d = self.covariates();
        LayerBlocks {
            p: x[..d].to_vec(),
            key_query: Mat::from_fn(d, d, |i, j| x[d + i * d + j]),
            u: x[d + d * d],
            q: x[d + d * d + 1..].to_vec(),
        }
    }

    fn times(&self, m: MatRef<'_, f64>, x: &[f64]) -> Vec<f64> {
        let mut out = vec![0.0; m.nrows()];
        mat_vec(m, x, &mut out);
        out
    }

    /// Twice the objective and, if asked for, twice its gradient.
    fn evaluate(&self, x: &[f64], gradient: Option<&mut [f64]>) -> f64 {
        let d = self.covariates();
        let LayerBlocks { p, key_query: big, u, q } = self.blocks(x);
        let (l, n, rho, power) = (self.lambda.as_ref(), self.length, self.rho, self.power);
        let f = n / rho;

        // The part odd in the labels: L(A).
        let a = Mat::from_fn(d, d, |i, j| f * (u * big[(j, i)] + q[i] * p[j]));
        let s =
            Mat::from_fn(d, d, |i, j| (1.0 + 1.0 / n) * self.cross[(i, j)] + power / n * self.lambda[(i, j)]);
        let left = matmul(l, a.as_ref());
        let product = matmul(left.as_ref(), s.as_ref());
        let quadratic = trace_product(product.as_ref(), a.transpose());
        let linear = trace_product(self.cross.as_ref(), a.as_ref());
        let odd = quadratic - 2.0 * linear + self.signal;

        // The even part without the query among the keys.
        let k = self.times(l, &p);
        let lq = self.times(l, &q);
        let pi = dot(&p, &k);
        let ul = matmul(big.as_ref(), l);
        let w = matmul(ul.as_ref(), big.transpose());
        let lw = matmul(l, w.as_ref());
        let twisted = self.times(self.cross.as_ref(), &p);
        let vp: Vec<f64> = (0..d).map(|i| power * k[i] + 2.0 / n * twisted[i]).collect();
        let uvp = self.times(big.transpose(), &vp);
        let ql = dot(&q, &lq);
        let kwk = dot(&k, &self.times(w.as_ref(), &k));
        let trace_lw: f64 = (0..d).map(|i| lw[(i, i)]).sum();
        let mut even = f
            * f
            * ((1.0 + 1.0 / n) * kwk
                + pi / n * trace_lw
                + 2.0 * u * dot(&lq, &uvp)
                + u * u * self.fourth * ql);

        // What a query among the keys adds.
        let sym = Mat::from_fn(d, d, |i, j| 0.5 * (big[(i, j)] + big[(j, i)]));
        let tau: f64 = trace_product(l, big.as_ref());
        let uk = self.times(big.transpose(), &k);
        let h: Vec<f64> = (0..d).map(|i| f * (uk[i] + u * power * q[i])).collect();
        let sk = self.times(sym.as_ref(), &k);
        let lsk = self.times(l, &sk);
        let sl = matmul(sym.as_ref(), l);
        let square = trace_product(sl.as_ref(), sl.as_ref());
        let (hk, ksk, slsk) = (dot(&h, &k), dot(&k, &sk), dot(&sk, &lsk));
        if self.inside {
            even += 2.0 / rho * (hk * tau + 2.0 * dot(&h, &lsk));
            even += (pi * (tau * tau + 2.0 * square) + 4.0 * tau * ksk + 8.0 * slsk) / (rho * rho);
        }

        if let Some(g) = gradient {
            let ga = Mat::from_fn(d, d, |i, j| 2.0 * (product[(i, j)] - self.cross[(i, j)]));
            let (gap, gaq) = (self.times(ga.as_ref(), &p), self.times(ga.transpose(), &q));
            let lwk = self.times(lw.as_ref(), &k);
            let ulq = self.times(big.as_ref(), &lq);
            let (lulq, mulq) = (self.times(l, &ulq), self.times(self.cross.as_ref(), &ulq));
            let luvp = self.times(l, &uvp);
            let lul = matmul(l, ul.as_ref());
            let ulk = self.times(ul.transpose(), &k);
            let (gp, rest) = g.split_at_mut(d);
            let (gu, rest) = rest.split_at_mut(d * d);
            let (gs, gq) = rest.split_at_mut(1);
            gs[0] = f * trace_product(ga.as_ref(), big.as_ref())
                + f * f * (2.0 * dot(&lq, &uvp) + 2.0 * u * self.fourth * ql);
            for i in 0..d {
                gp[i] = f * gaq[i]
                    + f * f
                        * (2.0 * (1.0 + 1.0 / n) * lwk[i]
                            + 2.0 / n * trace_lw * k[i]
                            + 2.0 * u * (power * lulq[i] + 2.0 / n * mulq[i]));
                gq[i] = f * gap[i] + f * f * (2.0 * u * luvp[i] + 2.0 * u * u * self.fourth * lq[i]);
                for j in 0..d {
                    gu[i * d + j] = f * u * ga[(j, i)]
                        + f * f
                            * (2.0 * (1.0 + 1.0 / n) * k[i] * ulk[j]
                                + 2.0 / n * pi * lul[(i, j)]
                                + 2.0 * u * vp[i] * lq[j]);
                }
            }
            if self.inside {
                let lh = self.times(l, &h);
                let slh = self.times(sym.as_ref(), &lh);
                let lslh = self.times(l, &slh);
                let slsk_vector = self.times(sym.as_ref(), &lsk);
                let lslsk = self.times(l, &slsk_vector);
                let g1: Vec<f64> = (0..d).map(|i| 2.0 / rho * (tau * k[i] + 2.0 * lsk[i])).collect();
                let ug1 = self.times(big.as_ref(), &g1);
                let lug1 = self.times(l, &ug1);
                let lsl = matmul(l, sl.as_ref());
                gs[0] += f * power * dot(&g1, &q);
                for i in 0..d {
                    gq[i] += f * u * power * g1[i];
                    gp[i] += f * lug1[i]
                        + 2.0 / rho * (tau * lh[i] + 2.0 * lslh[i])
                        + 2.0 / (rho * rho)
                            * ((tau * tau + 2.0 * square) * k[i] + 4.0 * tau * lsk[i] + 8.0 * lslsk[i]);
                    for j in 0..d {
                        gu[i * d + j] += f * k[i] * g1[j]
                            + 2.0 / rho * (hk * l[(i, j)] + lh[i] * k[j] + k[i] * lh[j])
                            + ((2.0 * tau * pi + 4.0 * ksk) * l[(i, j)]
                                + 4.0 * pi * lsl[(i, j)]
                                + 4.0 * tau * k[i] * k[j]
                                + 8.0 * (k[i] * lsk[j] + lsk[i] * k[j]))
                                / (rho * rho);
                    }
                }
            }
        }
        odd + even
    }
}

impl Objective for FullLayerLoss {
    type Work = ();

    fn dimension(&self) -> usize {
        let d = self.covariates();
        d * d + 2 * d + 1
    }

    fn work(&self) {}

    fn value(&self, x: &[f64], (): &mut ()) -> f64 {
        0.5 * self.evaluate(x, None)
    }

    fn gradient(&self, x: &[f64], gradient: &mut [f64], work: &mut ()) {
        self.value_and_gradient(x, gradient, work);
    }

    fn value_and_gradient(&self, x: &[f64], gradient: &mut [f64], (): &mut ()) -> f64 {
        let value = self.evaluate(x, Some(gradient));
        gradient.iter_mut().for_each(|g| *g *= 0.5);
        0.5 * value
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Covariance;

    fn t2() -> RegressionTask {
        let lambda = [[1.5, 0.4, 0.0], [0.4, 1.0, 0.2], [0.0, 0.2, 0.6]].map(|r| r.to_vec());
        let psi = [[1.0, -0.3, 0.1], [-0.3, 0.8, 0.0], [0.1, 0.0, 0.5]].map(|r| r.to_vec());
        RegressionTask::new(
            Covariance::from_rows("Lambda", &lambda).expect("valid"),
            Covariance::from_rows("Psi", &psi).expect("valid"),
            0.25,
            8,
        )
        .expect("valid")
    }

    const POINT: [f64; 16] =
        [0.2, -0.1, 0.3, 0.5, 0.1, 0.0, -0.2, 0.7, 0.05, 0.0, 0.3, 0.9, 0.7, -0.3, 0.1, 0.2];

    /// Reference numbers of the specification for the three conventions; 12 to 15 digits printed.
    #[test]
    fn values_match_the_reference() {
        for (rho, query, expected) in [
            (8.0, QueryToken::Inside, 2.20376862375),
            (9.0, QueryToken::Inside, 2.01172039407407),
            (8.0, QueryToken::Masked, 2.18983557375),
        ] {
            let loss = FullLayerLoss::new(&t2(), rho, query).expect("valid");
            let value = 2.0 * loss.value(&POINT, &mut ());
            assert!((value - expected).abs() <= 1e-14 * expected, "{value} {expected}");
            let blocks = loss.blocks(&POINT);
            assert_eq!(loss.parameters(&blocks).expect("valid"), POINT);
        }
    }

    /// The objective is a polynomial of degree at most 4 in each coordinate: the five-point central difference is exact
    /// up to rounding, of order eps * value / h.
    #[test]
    fn gradient_is_the_derivative() {
        for (rho, query) in [(8.0, QueryToken::Inside), (9.0, QueryToken::Inside), (5.0, QueryToken::Masked)]
        {
            let loss = FullLayerLoss::new(&t2(), rho, query).expect("valid");
            let mut gradient = [0.0; 16];
            loss.gradient(&POINT, &mut gradient, &mut ());
            let h = 0.125;
            for k in 0..16 {
                let shifted = |s: f64| {
                    let mut y = POINT;
                    y[k] += s;
                    loss.value(&y, &mut ())
                };
                let slope =
                    (8.0 * (shifted(h) - shifted(-h)) - (shifted(2.0 * h) - shifted(-2.0 * h))) / (12.0 * h);
                let tolerance = 64.0 * f64::EPSILON * loss.value(&POINT, &mut ()) / h;
                assert!((slope - gradient[k]).abs() <= tolerance, "{k}: {slope} {}", gradient[k]);
            }
        }
    }

    /// With p = q = 0 the layer is the reduced one, and the gradient in (p, q) vanishes exactly.
    #[test]
    fn the_reduced_layer_is_invariant() {
        let loss = FullLayerLoss::new(&t2(), 8.0, QueryToken::Inside).expect("valid");
        let mut x = POINT;
        x[..3].fill(0.0);
        x[13..].fill(0.0);
        let mut gradient = [0.0; 16];
        let value = loss.value_and_gradient(&x, &mut gradient, &mut ());
        assert!(gradient[..3].iter().chain(&gradient[13..]).all(|&g| g == 0.0));
        let reduced = super::super::FactoredLoss::new(&t2());
        let y: Vec<f64> = core::iter::once(x[12]).chain(x[3..12].iter().copied()).collect();
        let other = reduced.value(&y, &mut reduced.work());
        assert!((value - other).abs() <= 16.0 * f64::EPSILON * value);
    }
}
