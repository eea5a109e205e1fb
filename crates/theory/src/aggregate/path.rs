//! A grid of (rho, lambda) from few decompositions: one serves all lambda at a rho, one all rho at lambda = 0 (AGG-3).
use solvable_linalg::{Mat, MatRef, matmul, symmetric_eigen, transpose_matmul};
use solvable_model::InputError;
use solvable_model::aggregate::{BagDesign, Mixing};

use super::error::{AggregateError, finite};
use super::estimator::bag_weight;

/// Second moments of bagged data: what every estimator of the family needs of them.
///
/// `n` times the objective is `theta' M theta - 2 b' theta + n lambda |theta|^2 + constant` with `M = rho G + tau W`,
/// `b = rho g + tau c`: `G = (n/m) sum_a xbar xbar'`, `W = X'X`, `g = (n/m) sum_a xbar ybar`, `c = sum_a k_a xbar ybar`.
/// For bags of one size `G = A'A` and `g = c = A'y_A`. Memory O(d^2) besides the data.
#[derive(Clone, Debug)]
pub struct BagPath {
    rows: usize,
    bags: usize,
    /// W.
    row_gram: Mat<f64>,
    /// G.
    bag_gram: Mat<f64>,
    /// `sum_a k_a xbar xbar'`, where bags differ in size.
    sized_gram: Option<Mat<f64>>,
    bag_drive: Vec<f64>,
    row_drive: Vec<f64>,
    equal: bool,
}

/// One estimator of the grid.
#[derive(Clone, Debug, PartialEq)]
pub struct PathPoint {
    /// The parameter.
    pub theta: Vec<f64>,
    /// Average leverage of the bag rows, `tr(A H^-1 A' w)/m`, in [0, 1].
    pub leverage: f64,
}

impl BagPath {
    /// Forms the second moments. `mean_labels` has one entry a bag. O(n d^2).
    ///
    /// # Errors
    /// [`AggregateError`] when shapes disagree or an entry is not finite.
    pub fn new(x: MatRef<'_, f64>, mean_labels: &[f64], bags: &BagDesign) -> Result<Self, AggregateError> {
        let (n, d, m) = (x.nrows(), x.ncols(), bags.bags());
        InputError::check_vector("mean labels", mean_labels)?;
        for (argument, found, expected) in
            [("X", (n, d), (bags.rows(), d)), ("mean labels", (mean_labels.len(), 1), (m, 1))]
        {
            if found != expected {
                return Err(InputError::Shape { argument: argument.into(), found, expected }.into());
            }
        }
        let means = bag_means(x, bags);
        let equal = bags.equal_size().is_some();
        let scale = n as f64 / m as f64;
        let mut bag_gram = transpose_matmul(means.as_ref(), means.as_ref());
        let mut bag_drive = vec![0.0; d];
        let mut row_drive = vec![0.0; d];
        for j in 0..d {
            for i in 0..d {
                bag_gram[(i, j)] *= scale;
            }
            for a in 0..m {
                bag_drive[j] += scale * means[(a, j)] * mean_labels[a];
                row_drive[j] += bags.size(a) as f64 * means[(a, j)] * mean_labels[a];
            }
        }
        let sized_gram = (!equal).then(|| {
            let sized = Mat::from_fn(m, d, |a, j| (bags.size(a) as f64).sqrt() * means[(a, j)]);
            transpose_matmul(sized.as_ref(), sized.as_ref())
        });
        let row_gram = transpose_matmul(x, x);
        for j in 0..d {
            finite("second moment", row_gram[(j, j)])?;
            finite("second moment", bag_drive[j])?;
        }
        Ok(Self { rows: n, bags: m, row_gram, bag_gram, sized_gram, bag_drive, row_drive, equal })
    }

    fn drive(&self, mixing: Mixing) -> Vec<f64> {
        if self.equal {
            return self.row_drive.clone();
        }
        let (rho, tau) = (mixing.rho(), mixing.tau());
        self.bag_drive.iter().zip(&self.row_drive).map(|(g, c)| rho * g + tau * c).collect()
    }

    /// Decomposes `M` at one rho; each lambda >= 0 then costs O(d^2).
    ///
    /// # Errors
    /// [`AggregateError`] when the decomposition fails its certificate.
    pub fn at_rho(&self, mixing: Mixing) -> Result<RidgePath, AggregateError> {
        let m = combine(mixing.rho(), &self.bag_gram, mixing.tau(), &self.row_gram);
        let eigen = symmetric_eigen(m.as_ref())?;
        drop(m);
        let d = eigen.values.len();
        let rotated = match &self.sized_gram {
            None => matmul(self.bag_gram.as_ref(), eigen.vectors.as_ref()),
            Some(sized) => {
                let weighted = combine(mixing.rho(), &self.bag_gram, mixing.tau(), sized);
                matmul(weighted.as_ref(), eigen.vectors.as_ref())
            }
        };
        // Weighted Gram matrix of the bag rows, `sum_a w_a A_a A_a'`, in the eigenbasis.
        let leverage = (0..d).map(|j| column_dot(&eigen.vectors, &rotated, j)).collect();
        let drive = self.drive(mixing);
        let drive = (0..d).map(|j| (0..d).map(|i| eigen.vectors[(i, j)] * drive[i]).sum()).collect();
        let floor = eigen.error.max(d as f64 * f64::EPSILON * eigen.values[0]);
        Ok(RidgePath {
            rows: self.rows as f64,
            bags: self.bags as f64,
            values: eigen.values,
            vectors: eigen.vectors,
            drive,
            leverage,
            floor,
        })
    }

    /// Decomposes the pair (G, W) for lambda = 0 and all rho < 1 at once; each rho then costs O(d r).
    ///
    /// With `W = E w E'` on its range and `w^-1/2 E'G E w^-1/2 = Q u Q'`, `P = E w^-1/2 Q` turns `rho G + tau W` into
    /// `rho u + tau`: the minimum-norm minimiser is `P (rho u + tau)^-1 P' b`.
    ///
    /// # Errors
    /// [`AggregateError`] when a decomposition fails its certificate.
    pub fn ridgeless(&self) -> Result<RidgelessPath, AggregateError> {
        let outer = symmetric_eigen(self.row_gram.as_ref())?;
        let d = outer.values.len();
        let floor = outer.error.max(d as f64 * f64::EPSILON * outer.values[0]);
        let rank = outer.values.iter().filter(|w| **w > floor).count();
        if rank == 0 {
            return Ok(RidgelessPath {
                basis: Mat::zeros(d, 0),
                shares: Vec::new(),
                sized: Vec::new(),
                bag_drive: Vec::new(),
                row_drive: Vec::new(),
                bags: self.bags as f64,
            });
        }
        let root: Vec<f64> = outer.values[..rank].iter().map(|w| w.sqrt()).collect();
        let scaled = Mat::from_fn(d, rank, |i, j| outer.vectors[(i, j)] / root[j]);
        let inner =
            transpose_matmul(scaled.as_ref(), matmul(self.bag_gram.as_ref(), scaled.as_ref()).as_ref());
        let inner = symmetric_eigen(solvable_linalg::symmetrize(inner.as_ref()).as_ref())?;
        let basis = matmul(scaled.as_ref(), inner.vectors.as_ref());
        let shares: Vec<f64> = inner.values.iter().map(|u| u.max(0.0)).collect();
        let sized = match &self.sized_gram {
            None => shares.clone(),
            Some(sized) => {
                let image = matmul(sized.as_ref(), basis.as_ref());
                (0..rank).map(|j| column_dot(&basis, &image, j)).collect()
            }
        };
        let project =
            |b: &[f64]| (0..rank).map(|j| (0..d).map(|i| basis[(i, j)] * b[i]).sum()).collect::<Vec<f64>>();
        let bag_drive = project(if self.equal { &self.row_drive } else { &self.bag_drive });
        let row_drive = project(&self.row_drive);
        Ok(RidgelessPath { shares, sized, bag_drive, row_drive, bags: self.bags as f64, basis })
    }
}

/// All lambda at one rho.
#[derive(Clone, Debug)]
pub struct RidgePath {
    rows: f64,
    bags: f64,
    values: Vec<f64>,
    vectors: Mat<f64>,
    drive: Vec<f64>,
    leverage: Vec<f64>,
    floor: f64,
}

impl RidgePath {
    /// The estimator at a ridge; at lambda = 0 the minimum-norm one, eigenvalues within rounding of 0 dropped.
    ///
    /// # Errors
    /// [`AggregateError`] unless lambda is finite and at least 0.
    pub fn at(&self, lambda: f64) -> Result<PathPoint, AggregateError> {
        InputError::check_nonnegative("lambda", lambda)?;
        let ridge = self.rows * lambda;
        let d = self.values.len();
        let mut theta = vec![0.0; d];
        let mut leverage = 0.0;
        for j in 0..d {
            // Below the floor the eigenvalue is rounding, and so is the drive.
            let value = if self.values[j] > self.floor { self.values[j] } else { 0.0 };
            if value == 0.0 {
                continue;
            }
            let step = self.drive[j] / (value + ridge);
            leverage += self.leverage[j] / (value + ridge);
            for i in 0..d {
                theta[i] += self.vectors[(i, j)] * step;
            }
        }
        Ok(PathPoint { theta, leverage: (leverage / self.bags).clamp(0.0, 1.0) })
    }
}

/// All rho < 1 at lambda = 0.
#[derive(Clone, Debug)]
pub struct RidgelessPath {
    bags: f64,
    basis: Mat<f64>,
    shares: Vec<f64>,
    sized: Vec<f64>,
    bag_drive: Vec<f64>,
    row_drive: Vec<f64>,
}

impl RidgelessPath {
    /// The minimum-norm estimator at a rho below 1.
    ///
    /// # Errors
    /// [`AggregateError`] for rho = 1 or its left limit, which need the geometry of the bag rows alone
    /// ([`BagPath::at_rho`], [`estimate`](super::estimate)).
    pub fn at(&self, mixing: Mixing) -> Result<PathPoint, AggregateError> {
        let (rho, tau) = (mixing.rho(), mixing.tau());
        InputError::check("rho", rho, tau > 0.0, "less than 1")?;
        let d = self.basis.nrows();
        let mut theta = vec![0.0; d];
        let mut leverage = 0.0;
        for j in 0..self.shares.len() {
            let value = rho * self.shares[j] + tau;
            let step = (rho * self.bag_drive[j] + tau * self.row_drive[j]) / value;
            // For bags of one size the weight of a bag row is 1: G itself, not rho G + tau G.
            leverage += (rho * self.shares[j] + tau * self.sized[j]) / value;
            for i in 0..d {
                theta[i] += self.basis[(i, j)] * step;
            }
        }
        Ok(PathPoint { theta, leverage: (leverage / self.bags).clamp(0.0, 1.0) })
    }
}

/// Bag averages of the rows, m x d.
#[must_use]
pub fn bag_means(x: MatRef<'_, f64>, bags: &BagDesign) -> Mat<f64> {
    let mut means = Mat::zeros(bags.bags(), x.ncols());
    for j in 0..x.ncols() {
        for a in 0..bags.bags() {
            let members = bags.members(a);
            means[(a, j)] = members.iter().map(|&i| x[(i, j)]).sum::<f64>() / members.len() as f64;
        }
    }
    means
}

/// Bag-level GCV score (AGG-13): `(1/m) sum_a [sqrt(k_a) (ybar_a - xbar_a' theta) (1 + w_a delta)]^2`, where delta solves
/// `leverage = (1/m) sum_a w_a delta/(1 + w_a delta)`; for bags of one size
/// `[|y_A - A theta|^2/m]/(1 - leverage)^2`. It tends to the prediction error of one label.
///
/// `None` where the leverage is 1: the estimator interpolates and the score is 0/0.
#[must_use]
pub fn gcv_score(
    means: MatRef<'_, f64>,
    mean_labels: &[f64],
    bags: &BagDesign,
    mixing: Mixing,
    point: &PathPoint,
) -> Option<f64> {
    // Leverages round at a few d epsilon.
    let slack = 64.0 * f64::EPSILON * point.theta.len() as f64;
    if point.leverage >= 1.0 - slack {
        return None;
    }
    let m = bags.bags();
    let mut f = vec![0.0; m];
    solvable_linalg::mat_vec(means, &point.theta, &mut f);
    let weights: Vec<f64> = (0..m).map(|a| bag_weight(bags, mixing, bags.size(a))).collect();
    let delta = correction(&weights, point.leverage);
    let mut score = 0.0;
    for a in 0..m {
        let residual = (mean_labels[a] - f[a]) * (1.0 + weights[a] * delta);
        score += bags.size(a) as f64 * residual * residual;
    }
    Some(score / m as f64)
}

/// delta with `(1/m) sum_a w_a delta/(1 + w_a delta) = leverage`.
fn correction(weights: &[f64], leverage: f64) -> f64 {
    if weights.iter().all(|w| *w == 1.0) {
        return leverage / (1.0 - leverage);
    }
    if leverage <= 0.0 {
        return 0.0;
    }
    let (least, most) = weights.iter().fold((f64::INFINITY, 0.0_f64), |(l, h), w| (l.min(*w), h.max(*w)));
    let odds = leverage / (1.0 - leverage);
    let residual = |delta: f64| {
        let (mut e, mut slope) = (-leverage * weights.len() as f64, 0.0);
        for w in weights {
            let a = w * delta / (1.0 + w * delta);
            e += a;
            slope += a * (1.0 - a);
        }
        (e, slope)
    };
    crate::roots::increasing_log_newton(residual, 0.5 * odds / most, 2.0 * odds / least, odds)
}

fn combine(a: f64, x: &Mat<f64>, b: f64, y: &Mat<f64>) -> Mat<f64> {
    Mat::from_fn(x.nrows(), x.ncols(), |i, j| {
        // A weight of exactly 0 or 1 leaves the other matrix as it is.
        if b == 0.0 {
            a * x[(i, j)]
        } else if a == 0.0 {
            b * y[(i, j)]
        } else {
            a * x[(i, j)] + b * y[(i, j)]
        }
    })
}

fn column_dot(a: &Mat<f64>, b: &Mat<f64>, j: usize) -> f64 {
    (0..a.nrows()).map(|i| a[(i, j)] * b[(i, j)]).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

        /// The leverage of a known delta gives delta back, up to the rounding of the leverage times the condition
        /// `leverage / mean a(1-a)`.
        #[test]
        fn corrections_invert_the_leverage(
            logs in prop::collection::vec(-3.0..3.0_f64, 1..9),
            log_delta in -12.0..12.0_f64,
        ) {
            let weights: Vec<f64> = logs.iter().map(|l| l.exp()).collect();
            let delta = log_delta.exp();
            let m = weights.len() as f64;
            let share = |w: &f64| w * delta / (1.0 + w * delta);
            let leverage = weights.iter().map(share).sum::<f64>() / m;
            let slope = weights.iter().map(|w| share(w) / (1.0 + w * delta)).sum::<f64>() / m;
            let found = correction(&weights, leverage);
            let allowed = 8.0 * (m + 4.0) * f64::EPSILON * (1.0 + leverage / slope);
            prop_assert!((found / delta - 1.0).abs() <= allowed, "{weights:?}: {found} for {delta}");
        }
    }
}
