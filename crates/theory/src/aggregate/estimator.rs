//! The interpolating estimator on given data, its path through the singular points, and its gradient flow (AGG-3, AGG-16).
use solvable_linalg::{Mat, MatRef, matmul, svd, transpose_matmul};
use solvable_model::InputError;
use solvable_model::aggregate::{AggregateData, BagDesign, Mixing};

use super::error::{AggregateError, finite};

/// A minimiser of the interpolated objective.
#[derive(Clone, Debug, PartialEq)]
pub struct Estimate {
    /// The parameter.
    pub theta: Vec<f64>,
    /// Rank of the weighted bag rows that was used.
    pub bag_rank: usize,
    /// Rank of the covariates that was used.
    pub rank: usize,
}

/// Weighted rows of the problem: `H = B'B + tau D'D + n lambda I`, right-hand side `B' t`.
///
/// Bag a of k_a rows gives the row `sqrt(w_a k_a) xbar_a` with target `sqrt(w_a k_a) ybar_a`,
/// `w_a = rho n/(m k_a) + tau` (1 for bags of one size); row i gives the deviation `x_i - xbar` with target 0.
pub(super) struct WeightedRows {
    /// m x d.
    pub(super) bags: Mat<f64>,
    /// Targets of the bag rows.
    pub(super) targets: Vec<f64>,
    /// n x d deviations from the bag means, weight tau.
    pub(super) deviations: Mat<f64>,
}

/// Weight of the bag row of a bag of `size` rows.
pub(super) fn bag_weight(bags: &BagDesign, mixing: Mixing, size: usize) -> f64 {
    if bags.equal_size().is_some() {
        // rho + tau, not 1 after rounding.
        return 1.0;
    }
    mixing.rho() * (bags.rows() as f64 / (bags.bags() as f64 * size as f64)) + mixing.tau()
}

impl WeightedRows {
    pub(super) fn new(x: MatRef<'_, f64>, mean_labels: &[f64], bags: &BagDesign, mixing: Mixing) -> Self {
        let (n, d, m) = (x.nrows(), x.ncols(), bags.bags());
        let mut means = Mat::zeros(m, d);
        let mut deviations = Mat::zeros(n, d);
        for j in 0..d {
            for a in 0..m {
                let members = bags.members(a);
                let mean = members.iter().map(|&i| x[(i, j)]).sum::<f64>() / members.len() as f64;
                means[(a, j)] = mean;
                for &i in members {
                    deviations[(i, j)] = x[(i, j)] - mean;
                }
            }
        }
        let scale: Vec<f64> =
            (0..m).map(|a| (bag_weight(bags, mixing, bags.size(a)) * bags.size(a) as f64).sqrt()).collect();
        Self {
            bags: Mat::from_fn(m, d, |a, j| scale[a] * means[(a, j)]),
            targets: scale.iter().zip(mean_labels).map(|(s, y)| s * y).collect(),
            deviations,
        }
    }
}

/// The minimiser of `rho L_bag + (1-rho) L_ins + lambda |theta|^2`, squared losses (AGG-3):
/// `H^-1 A'y_A`, `H = A'A + tau D'D + n lambda I`; the minimum-norm minimiser (lambda -> 0+) for singular H; at
/// [`Mixing::LEFT_OF_ONE`] the limit rho -> 1-, taken after lambda -> 0+.
///
/// Bags may differ in size. H is never formed. X is restricted to its row space, the bag rows decomposed (`A = U S V'`),
/// the directions they do not see eliminated by least squares on the deviations, and the rest solved in the
/// coordinates that they see. Each of the three problems has the conditioning of its own rows: tau and lambda may be
/// as small as rounding allows, and at lambda = 0 the limits tau -> 0 and (fewer rows than covariates) the
/// independence of tau < 1 come out by themselves. Ranks are decided at `max(rows, columns) epsilon` of the
/// largest singular value. Cost O(n d min(n, d)).
///
/// # Errors
/// [`AggregateError`] for a negative lambda, or when a decomposition fails its certificate.
///
/// ```
/// use solvable_linalg::from_rows;
/// use solvable_model::aggregate::{AggregateData, BagDesign, Mixing};
/// use solvable_theory::aggregate::estimate;
/// let x = from_rows(&[vec![1.0, 0.0], vec![2.0, 1.0], vec![0.0, -1.0], vec![1.0, 1.0]]).unwrap();
/// let data = AggregateData::new(x, vec![1.0, 2.0, 0.0, 3.0], BagDesign::consecutive(4, 2)?)?;
/// let theta = estimate(&data, Mixing::new(0.4)?, 0.1)?.theta;
/// assert!((theta[0] - 1.25).abs() < 1e-14 && (theta[1] + 0.625).abs() < 1e-14);
/// # Ok::<(), solvable_theory::aggregate::AggregateError>(())
/// ```
pub fn estimate(data: &AggregateData, mixing: Mixing, lambda: f64) -> Result<Estimate, AggregateError> {
    InputError::check_nonnegative("lambda", lambda)?;
    let n = data.rows();
    let Some(basis) = row_space(data.covariates())? else {
        return Ok(Estimate { theta: vec![0.0; data.dimension()], bag_rank: 0, rank: 0 });
    };
    let r = basis.ncols();
    let x = matmul(data.covariates(), basis.as_ref());
    let rows = WeightedRows::new(x.as_ref(), data.mean_labels(), data.bags(), mixing);
    let (seen, unseen, values, targets) = split(&rows, r)?;
    let bag_rank = values.len();
    // Penalties on V a + V0 z: deviations and ridge. At the left limit the weight tau > 0 of the deviations is
    // irrelevant for z, and they have no say on a.
    let left = mixing.is_left_limit() && lambda == 0.0;
    let root_tau = if left { 1.0 } else { mixing.tau().sqrt() };
    let ridge = (n as f64 * lambda).sqrt();
    let penalty =
        |v: MatRef<'_, f64>| {
            let image = matmul(rows.deviations.as_ref(), v);
            Mat::from_fn(n + r, v.ncols(), |i, j| {
                if i < n { root_tau * image[(i, j)] } else { ridge * v[(i - n, j)] }
            })
        };
    let present = root_tau > 0.0 || ridge > 0.0;
    // z = -(P V0)^+ P V a for every column of V: follow = dz/da.
    let (follow, left_over) = if bag_rank == 0 || !present {
        (None, None)
    } else {
        let direct = penalty(seen.as_ref());
        if unseen.ncols() == 0 {
            (None, Some(direct))
        } else {
            let through = penalty(unseen.as_ref());
            let fit = solvable_linalg::least_squares(through.as_ref(), direct.as_ref())?;
            let image = matmul(through.as_ref(), fit.x.as_ref());
            (Some(fit.x), Some(Mat::from_fn(n + r, bag_rank, |i, j| direct[(i, j)] - image[(i, j)])))
        }
    };
    let a = coordinates(&values, &targets, left_over.filter(|_| !left), ridge)?;
    let mut theta = vec![0.0; data.dimension()];
    let mut inner = vec![0.0; r];
    for (j, &aj) in a.iter().enumerate() {
        for i in 0..r {
            inner[i] += seen[(i, j)] * aj;
        }
    }
    if let Some(follow) = follow {
        for (j, &aj) in a.iter().enumerate() {
            for l in 0..unseen.ncols() {
                let z = -follow[(l, j)] * aj;
                for i in 0..r {
                    inner[i] += unseen[(i, l)] * z;
                }
            }
        }
    }
    solvable_linalg::mat_vec(basis.as_ref(), &inner, &mut theta);
    for &t in &theta {
        finite("estimate", t)?;
    }
    Ok(Estimate { theta, bag_rank, rank: r })
}

/// Orthonormal basis of the row space, d x rank; `None` when X = 0.
fn row_space(x: MatRef<'_, f64>) -> Result<Option<Mat<f64>>, AggregateError> {
    let parts = svd(x)?;
    let rank = parts.rank();
    Ok((rank > 0).then(|| parts.v.subcols(0, rank).to_owned()))
}

/// Directions that the bag rows see and do not see, singular values of the former, and `U' t`.
type Split = (Mat<f64>, Mat<f64>, Vec<f64>, Vec<f64>);

fn split(rows: &WeightedRows, r: usize) -> Result<Split, AggregateError> {
    // Zero rows make the right vectors a full basis.
    let m = rows.bags.nrows();
    let tall = Mat::from_fn(m.max(r), r, |i, j| if i < m { rows.bags[(i, j)] } else { 0.0 });
    let parts = svd(tall.as_ref())?;
    let rank = parts.rank();
    let targets: Vec<f64> =
        (0..rank).map(|j| (0..m).map(|i| parts.u[(i, j)] * rows.targets[i]).sum()).collect();
    let (seen, unseen) = (parts.v.subcols(0, rank).to_owned(), parts.v.subcols(rank, r - rank).to_owned());
    Ok((seen, unseen, parts.s[..rank].to_vec(), targets))
}

/// `argmin |S a - t|^2 + |Q a|^2`, S diagonal and positive, `Q'Q` at least `ridge^2 I`.
///
/// Least squares on the stacked rows keep the conditioning of the rows themselves. Where the ridge dominates they would
/// lose `Q/S` digits, because t stands against the small rows; there the normal equations, divided by the ridge,
/// have condition number at most 4k.
fn coordinates(
    values: &[f64],
    targets: &[f64],
    penalty: Option<Mat<f64>>,
    ridge: f64,
) -> Result<Vec<f64>, AggregateError> {
    let k = values.len();
    let Some(q) = penalty else {
        return Ok(values.iter().zip(targets).map(|(s, t)| t / s).collect());
    };
    if k == 0 {
        return Ok(Vec::new());
    }
    let p = q.nrows();
    let within =
        |j: usize| (0..p).map(|i| (q[(i, j)] / ridge).powi(2)).sum::<f64>() + (values[j] / ridge).powi(2);
    if ridge > 0.0 && (0..k).all(|j| within(j) <= 4.0) {
        let scaled = Mat::from_fn(p, k, |i, j| q[(i, j)] / ridge);
        let mut normal = transpose_matmul(scaled.as_ref(), scaled.as_ref());
        for (j, s) in values.iter().enumerate() {
            normal[(j, j)] += (s / ridge).powi(2);
        }
        let side = Mat::from_fn(k, 1, |j, _| values[j] / ridge * targets[j]);
        let solution = solvable_linalg::solve_spd(normal.as_ref(), side.as_ref())?.x;
        return Ok((0..k).map(|j| solution[(j, 0)] / ridge).collect());
    }
    let stack =
        Mat::from_fn(
            k + p,
            k,
            |i, j| {
                if i < k { if i == j { values[i] } else { 0.0 } } else { q[(i - k, j)] }
            },
        );
    let side = Mat::from_fn(k + p, 1, |i, _| if i < k { targets[i] } else { 0.0 });
    let fit = solvable_linalg::least_squares(stack.as_ref(), side.as_ref())?;
    Ok((0..k).map(|j| fit.x[(j, 0)]).collect())
}

/// Spectral form of gradient flow and gradient descent on the interpolated objective (AGG-16).
#[derive(Clone, Debug)]
pub struct BagFlow {
    /// Orthonormal eigenvectors of H/n with eigenvalue above that of the ridge alone, d x r.
    basis: Mat<f64>,
    /// Eigenvalues of H/n on the basis.
    rates: Vec<f64>,
    /// Coordinates of `A'y_A/n`.
    drive: Vec<f64>,
    /// Eigenvalue on the complement: lambda.
    ridge: f64,
}

impl BagFlow {
    /// Decomposes H/n once; each time then costs O(d r).
    ///
    /// From the singular values s of the weighted rows: `h = s^2 + lambda`, drive `s u't`. Directions whose singular
    /// value is below the rank tolerance are in the kernel of the rows and have no drive: they keep theta_0 (decay
    /// at rate 2 lambda) for all times.
    ///
    /// # Errors
    /// [`AggregateError`] for a negative lambda or a failed decomposition.
    pub fn new(data: &AggregateData, mixing: Mixing, lambda: f64) -> Result<Self, AggregateError> {
        InputError::check_nonnegative("lambda", lambda)?;
        let rows = WeightedRows::new(data.covariates(), data.mean_labels(), data.bags(), mixing);
        let (n, m, d) = (data.rows(), data.bags().bags(), data.dimension());
        let (root_n, root_tau) = ((n as f64).sqrt(), mixing.tau().sqrt());
        let height = if root_tau > 0.0 { m + n } else { m };
        let stack = Mat::from_fn(height, d, |i, j| {
            if i < m { rows.bags[(i, j)] / root_n } else { root_tau * rows.deviations[(i - m, j)] / root_n }
        });
        let parts = svd(stack.as_ref())?;
        let rank = parts.rank();
        let drive = (0..rank).map(|j| {
            let t: f64 = (0..m).map(|i| parts.u[(i, j)] * rows.targets[i]).sum();
            parts.s[j] * (t / root_n)
        });
        Ok(Self {
            drive: drive.collect(),
            rates: parts.s[..rank].iter().map(|s| s * s + lambda).collect(),
            basis: parts.v.subcols(0, rank).to_owned(),
            ridge: lambda,
        })
    }

    /// Eigenvalues of H/n in descending order, without those of the complement of the rows (all equal to lambda).
    #[must_use]
    pub fn rates(&self) -> &[f64] {
        &self.rates
    }

    /// Largest stable step of gradient descent: `n / lambda_max(H)`; `+inf` when H = 0.
    #[must_use]
    pub fn largest_step(&self) -> f64 {
        1.0 / self.rates.first().copied().unwrap_or(self.ridge)
    }

    /// `theta(t) = theta-hat + e^(-2Ht/n) (theta_0 - theta-hat)`, t >= 0, infinity included (AGG-16).
    ///
    /// Mode by mode `e^(-2ht) c_0 + drive (1 - e^(-2ht))/h`, without dividing small numbers by small numbers.
    ///
    /// # Errors
    /// [`AggregateError`] when `t` is negative or NaN, or `theta0` has the wrong length or is not finite.
    pub fn at(&self, theta0: &[f64], t: f64) -> Result<Vec<f64>, AggregateError> {
        InputError::check("t", t, t >= 0.0, "at least 0")?;
        self.moved(theta0, |h| {
            if h == 0.0 || t == 0.0 {
                return (1.0, 0.0);
            }
            let x = 2.0 * h * t;
            ((-x).exp(), -(-x).exp_m1() / h)
        })
    }

    /// Gradient descent with step eta after `steps` steps:
    /// `theta-hat + (I - 2 eta H/n)^steps (theta_0 - theta-hat)` (AGG-16).
    ///
    /// # Errors
    /// [`AggregateError`] unless `eta >= 0` is finite, or when the iteration leaves the range of doubles.
    pub fn descent(&self, theta0: &[f64], eta: f64, steps: usize) -> Result<Vec<f64>, AggregateError> {
        InputError::check_nonnegative("eta", eta)?;
        self.moved(theta0, |h| {
            let x = 2.0 * eta * h;
            if x == 0.0 || steps == 0 {
                return (1.0, 0.0);
            }
            // 1 - (1-x)^steps by expm1 where the factor is positive.
            let k = steps as f64;
            let log = (-x).ln_1p();
            let kept = if x < 1.0 {
                (k * log).exp()
            } else {
                (x - 1.0).powf(k) * if steps.is_multiple_of(2) { 1.0 } else { -1.0 }
            };
            let gone = if x < 1.0 { -(k * log).exp_m1() } else { 1.0 - kept };
            (kept, gone / h)
        })
    }

    /// Applies `c -> kept c + gain drive` in each mode and `c -> kept c` on the complement.
    fn moved(&self, theta0: &[f64], f: impl Fn(f64) -> (f64, f64)) -> Result<Vec<f64>, AggregateError> {
        InputError::check_vector("theta0", theta0)?;
        let (d, r) = (self.basis.nrows(), self.basis.ncols());
        if theta0.len() != d {
            let (found, expected) = ((theta0.len(), 1), (d, 1));
            return Err(InputError::Shape { argument: "theta0".into(), found, expected }.into());
        }
        let start = Mat::from_fn(d, 1, |i, _| theta0[i]);
        let c0 = if r > 0 { transpose_matmul(self.basis.as_ref(), start.as_ref()) } else { Mat::zeros(0, 1) };
        let (outside, _) = f(self.ridge);
        let mut theta: Vec<f64> =
            if r == d { vec![0.0; d] } else { theta0.iter().map(|t| outside * t).collect() };
        for j in 0..r {
            let (kept, gain) = f(self.rates[j]);
            let subtract = if r == d { 0.0 } else { outside };
            let step = (kept - subtract) * c0[(j, 0)] + gain * self.drive[j];
            for i in 0..d {
                theta[i] += self.basis[(i, j)] * step;
            }
        }
        for &t in &theta {
            finite("parameter", t)?;
        }
        Ok(theta)
    }
}
