//! Risk of weighted ridge regression given the covariates: noise and signs of theta* averaged exactly.
use rand::Rng;
use solvable_model::InputError;
use solvable_model::aggregate::{Mixing, RowGroup};

use super::dense::{add_gram, add_multiple, cholesky, dot, mirror, multiply, solve};
use super::{Population, SimulationError};

/// Bias and variance parts of a risk.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ConditionalRisk {
    /// `E |Sigma^(1/2)(M - I) theta*|^2`, M the matrix of the estimator's mean.
    pub bias2: f64,
    /// The noise's part.
    pub var: f64,
}

impl ConditionalRisk {
    /// `bias2 + var`.
    #[must_use]
    pub fn total(self) -> f64 {
        self.bias2 + self.var
    }
}

/// What training shows, averaged over the noise (AGG-13).
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ConditionalObservables {
    /// Risk of the estimator.
    pub risk: ConditionalRisk,
    /// Bag-level loss at the estimator, `|y_A - A theta|^2 / n`.
    pub bag_loss: f64,
    /// Within-bag penalty at the estimator, `|D theta|^2 / n`.
    pub within: f64,
    /// `tr(A H^(-1) A') / m`.
    pub leverage: f64,
    /// Bag-level GCV score, `(|y_A - A theta|^2 / m) / (1 - leverage)^2`.
    pub gcv: f64,
}

/// Ridge regression on rows with a target multiplier, a weight and a noise level each: `min (1/n) sum_i w_i (y_i - x_i'
/// theta)^2 + lambda |theta|^2` with `y_i = mu_i x_i' theta* + noise`.
///
/// A replicate draws covariates only. With `G_g` the Gram matrix of group g and `H = sum_g w_g G_g + n lambda I`, the
/// estimator's mean is `theta* + E theta*`, `E = H^(-1) (sum_g w_g (mu_g - 1) G_g - n lambda I)`, its covariance
/// `H^(-1) (sum_g w_g^2 s_g^2 G_g) H^(-1)`: the noise is never sampled.
#[derive(Clone, Debug)]
pub struct RidgeExperiment {
    population: Population,
    n: usize,
    lambda: f64,
    design: Design,
}

#[derive(Clone, Debug)]
enum Design {
    /// Bags of k rows: bag rows `sqrt(k) xbar` of weight 1, within-bag deviations of weight tau.
    Bags { k: usize, tau: f64 },
    /// Groups of independent rows.
    Groups(Vec<(usize, RowGroup)>),
}

/// Temporaries of [`RidgeExperiment::replicate`].
#[derive(Clone, Debug)]
pub struct RidgeWork {
    rows: Vec<f64>,
    mean: Vec<f64>,
    gram: [Vec<f64>; 2],
    noise: Vec<f64>,
    h: Vec<f64>,
    right: Vec<f64>,
    product: Vec<f64>,
}

impl RidgeExperiment {
    /// Bags of k of n rows, mixing `rho`, ridge `lambda` (in the normalisation of the interpolated loss).
    ///
    /// # Errors
    /// [`InputError`] when k does not divide n, lambda is negative, or rho is the left limit of 1 (a limit, not a loss).
    pub fn bags(
        population: Population,
        n: usize,
        k: usize,
        mixing: Mixing,
        lambda: f64,
    ) -> Result<Self, InputError> {
        InputError::check_count("n", n)?;
        InputError::check_count("k", k)?;
        InputError::check_nonnegative("lambda", lambda)?;
        let condition = "a divisor of n, with rho a weight and not a limit";
        if !n.is_multiple_of(k) || mixing.is_left_limit() {
            return Err(InputError::Count { argument: "k".into(), value: k as u64, condition });
        }
        Ok(Self { population, n, lambda, design: Design::Bags { k, tau: mixing.tau() } })
    }

    /// Groups of independent rows; group g has `fraction_g n` rows, rounded.
    ///
    /// # Errors
    /// [`InputError`] when a number is out of its domain or the rounded groups do not have n rows in all.
    pub fn groups(
        population: Population,
        n: usize,
        groups: &[RowGroup],
        lambda: f64,
    ) -> Result<Self, InputError> {
        InputError::check_count("n", n)?;
        InputError::check_nonnegative("lambda", lambda)?;
        let mut counted = Vec::with_capacity(groups.len());
        for group in groups {
            InputError::check_nonnegative("fraction", group.fraction)?;
            InputError::check_nonnegative("row_weight", group.row_weight)?;
            InputError::check_nonnegative("noise_variance", group.noise_variance)?;
            InputError::check_finite("target", group.target)?;
            counted.push(((group.fraction * n as f64).round() as usize, *group));
        }
        let total: usize = counted.iter().map(|g| g.0).sum();
        if total != n {
            let condition = "the number of rows n";
            return Err(InputError::Count {
                argument: "rows in all groups".into(),
                value: total as u64,
                condition,
            });
        }
        Ok(Self { population, n, lambda, design: Design::Groups(counted) })
    }

    /// Fresh temporaries.
    #[must_use]
    pub fn work(&self) -> RidgeWork {
        let d = self.population.dimension();
        let square = || vec![0.0; d * d];
        RidgeWork {
            rows: vec![0.0; self.n * d],
            mean: vec![0.0; d],
            gram: [square(), square()],
            noise: square(),
            h: square(),
            right: vec![0.0; 2 * d * d],
            product: square(),
        }
    }

    /// Draws covariates and returns the conditional risk.
    ///
    /// Cost `n d^2 + 5 d^3`; allocates nothing.
    ///
    /// # Errors
    /// [`SimulationError::Singular`] when H is singular: `lambda = 0` with fewer rows than covariates.
    pub fn replicate<R: Rng + ?Sized>(
        &self,
        rng: &mut R,
        work: &mut RidgeWork,
    ) -> Result<ConditionalRisk, SimulationError> {
        self.population.fill(rng, &mut work.rows);
        self.evaluate(work)
    }

    /// The conditional risk of given covariates, n rows of d numbers.
    ///
    /// # Errors
    /// As [`replicate`](Self::replicate), and [`SimulationError::Input`] for a wrong number of entries.
    pub fn risk_given(&self, rows: &[f64], work: &mut RidgeWork) -> Result<ConditionalRisk, SimulationError> {
        self.load(rows, work)?;
        self.evaluate(work)
    }

    fn load(&self, rows: &[f64], work: &mut RidgeWork) -> Result<(), InputError> {
        if rows.len() != work.rows.len() {
            let (found, expected) = ((rows.len(), 1), (work.rows.len(), 1));
            return Err(InputError::Shape { argument: "rows".into(), found, expected });
        }
        InputError::check_vector("rows", rows)?;
        work.rows.copy_from_slice(rows);
        Ok(())
    }

    fn evaluate(&self, work: &mut RidgeWork) -> Result<ConditionalRisk, SimulationError> {
        let d = self.population.dimension();
        let ridge = self.n as f64 * self.lambda;
        work.h.fill(0.0);
        work.noise.fill(0.0);
        // The matrix E before the solve, in `product` until it moves to the right-hand side.
        work.product.fill(0.0);
        match &self.design {
            Design::Bags { k, tau } => {
                self.bag_grams(*k, work);
                let [a, b] = &work.gram;
                for (i, (&a, &b)) in a.iter().zip(b).enumerate() {
                    work.h[i] = a + tau * b;
                    work.product[i] = -tau * b;
                    work.noise[i] = self.population.s2() * a;
                }
            }
            Design::Groups(groups) => {
                let mut start = 0;
                for (count, group) in groups {
                    let rows = &work.rows[start * d..(start + count) * d];
                    start += count;
                    let gram = &mut work.gram[0];
                    gram.fill(0.0);
                    add_gram(gram, rows, d);
                    let w = group.row_weight;
                    for (i, &g) in gram.iter().enumerate() {
                        work.h[i] += w * g;
                        work.product[i] += w * (group.target - 1.0) * g;
                        work.noise[i] += w * w * group.noise_variance * g;
                    }
                }
            }
        }
        for i in 0..d {
            work.h[i * d + i] += ridge;
            work.product[i * d + i] -= ridge;
        }
        mirror(&mut work.product, d);
        mirror(&mut work.noise, d);
        self.solve_right(work)?;
        Ok(self.risk(work))
    }

    /// Draws covariates and returns risk and training observables; bags only.
    ///
    /// # Errors
    /// As [`replicate`](Self::replicate), and [`SimulationError::Regime`] for groups.
    pub fn observe<R: Rng + ?Sized>(
        &self,
        rng: &mut R,
        work: &mut RidgeWork,
    ) -> Result<ConditionalObservables, SimulationError> {
        self.population.fill(rng, &mut work.rows);
        self.training_observables(work)
    }

    /// Risk and training observables of given covariates; bags only.
    ///
    /// # Errors
    /// As [`risk_given`](Self::risk_given) and [`observe`](Self::observe).
    pub fn observe_given(
        &self,
        rows: &[f64],
        work: &mut RidgeWork,
    ) -> Result<ConditionalObservables, SimulationError> {
        self.load(rows, work)?;
        self.training_observables(work)
    }

    fn training_observables(&self, work: &mut RidgeWork) -> Result<ConditionalObservables, SimulationError> {
        let d = self.population.dimension();
        let Design::Bags { k, .. } = self.design else {
            let (form, condition) = ("training observables", "rows in bags");
            return Err(SimulationError::Regime { form, condition, n: self.n, d, m: 0 });
        };
        let risk = self.evaluate(work)?;
        let m = (self.n / k) as f64;
        let s2 = self.population.s2();
        for gram in &mut work.gram {
            mirror(gram, d);
        }
        let energy = self.population.energy();
        // E = H^-1 G_A - I sits in the first d columns of `right`, H^-1 in the last d.
        let e = |i: usize, j: usize| work.right[i * 2 * d + j];
        let inverse = |i: usize, j: usize| work.right[i * 2 * d + d + j];
        let (mut residual, mut within, mut trace) = (0.0, 0.0, 0.0);
        let (mut noise_residual, mut noise_within) = (m * s2, 0.0);
        // C = H^-1 G_A: |S y - A theta|^2 has mean sum_j energy_j E_j' G_A E_j + s2 (m - 2 tr C + tr C^2).
        for i in 0..d {
            trace += e(i, i) + 1.0;
            for j in 0..d {
                let c = e(i, j) + if i == j { 1.0 } else { 0.0 };
                let back = e(j, i) + if i == j { 1.0 } else { 0.0 };
                noise_residual += s2 * c * back;
            }
        }
        noise_residual -= 2.0 * s2 * trace;
        for (gram, first) in [(&work.gram[0], true), (&work.gram[1], false)] {
            // Columns of E for the bag rows, of C for the deviations (their target is 0).
            for j in 0..d {
                if energy[j] == 0.0 {
                    continue;
                }
                let shift = |i: usize| if !first && i == j { 1.0 } else { 0.0 };
                let mut quadratic = 0.0;
                for i in 0..d {
                    let vi = e(i, j) + shift(i);
                    let inner: f64 = (0..d).map(|l| gram[i * d + l] * (e(l, j) + shift(l))).sum();
                    quadratic += vi * inner;
                }
                if first {
                    residual += energy[j] * quadratic;
                } else {
                    within += energy[j] * quadratic;
                }
            }
        }
        // s2 tr(H^-1 G_A H^-1 G_B) from C H^-1 G_B.
        for i in 0..d {
            for j in 0..d {
                let c = e(i, j) + if i == j { 1.0 } else { 0.0 };
                let back: f64 = (0..d).map(|l| inverse(j, l) * work.gram[1][l * d + i]).sum();
                noise_within += s2 * c * back;
            }
        }
        let square = residual + noise_residual;
        let leverage = trace / m;
        Ok(ConditionalObservables {
            risk,
            bag_loss: square / self.n as f64,
            within: (within + noise_within) / self.n as f64,
            leverage,
            gcv: square / m / (1.0 - leverage).powi(2),
        })
    }

    /// Gram matrices of the bag rows and of the deviations, upper triangles. Centres `work.rows` in place.
    fn bag_grams(&self, k: usize, work: &mut RidgeWork) {
        let d = self.population.dimension();
        let [a, b] = &mut work.gram;
        a.fill(0.0);
        b.fill(0.0);
        let root = (k as f64).sqrt();
        for bag in work.rows.chunks_exact_mut(k * d) {
            work.mean.fill(0.0);
            for row in bag.chunks_exact(d) {
                add_multiple(&mut work.mean, 1.0 / k as f64, row);
            }
            for row in bag.chunks_exact_mut(d) {
                add_multiple(row, -1.0, &work.mean);
            }
            for mean in &mut work.mean {
                *mean *= root;
            }
            add_gram(a, &work.mean, d);
        }
        if k > 1 {
            add_gram(b, &work.rows, d);
        }
    }

    /// Factors H and replaces the right-hand side by `[E, H^(-1)]`.
    fn solve_right(&self, work: &mut RidgeWork) -> Result<(), SimulationError> {
        let d = self.population.dimension();
        cholesky(&mut work.h, d)?;
        for i in 0..d {
            let row = &mut work.right[i * 2 * d..(i + 1) * 2 * d];
            row[..d].copy_from_slice(&work.product[i * d..(i + 1) * d]);
            row[d..].fill(0.0);
            row[d + i] = 1.0;
        }
        solve(&work.h, d, &mut work.right, 2 * d);
        Ok(())
    }

    fn risk(&self, work: &mut RidgeWork) -> ConditionalRisk {
        let d = self.population.dimension();
        let (sigma, energy) = (self.population.sigma(), self.population.energy());
        let mut risk = ConditionalRisk::default();
        // tr(Sigma H^-1 N H^-1), N the noise matrix: rows of H^-1 against rows of H^-1 N.
        for i in 0..d {
            let row = &work.right[i * 2 * d..(i + 1) * 2 * d];
            let (e, inverse) = row.split_at(d);
            let bias: f64 = e.iter().zip(energy).map(|(e, t)| t * e * e).sum();
            risk.bias2 += sigma[i] * bias;
            let product = &mut work.product[..d];
            multiply(product, inverse, &work.noise, d, d);
            risk.var += sigma[i] * dot(product, inverse);
        }
        risk
    }
}
