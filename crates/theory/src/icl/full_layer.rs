//! The full layer: its loss and parity split (ICL-17), and the mirror branch that reads labels as keys (ICL-18, 60, 61).
use solvable_linalg::{Mat, dot, mat_vec, matmul, symmetric_eigen, trace_product};
use solvable_model::InputError;
use solvable_model::icl::{LayerBlocks, QueryToken, RegressionTask, TestPrompts};

use super::error::finite;
use super::matrix::{check_invertible, check_square, triple};
use super::{IclError, Whitened, effective_matrix, quartic_moment, rank_minimizer, risk};

/// The loss of a full layer and its parts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FullLoss {
    /// L_full.
    pub loss: f64,
    /// The part even in the labels, `E[(p' G U x_q + u v q'x_q)^2]`, at least 0.
    pub even_part: f64,
    /// The part odd in the labels: the loss L(A) of `A = (N/rho)(u U' + q p')`.
    pub odd_part: f64,
}

/// `L_full(p, U, u, q) = L((N/rho)(u U' + q p')) + L_even` (ICL-17): population loss of the layer with all blocks, for
/// Gaussian covariates, task and noise.
///
/// Even and odd parts are uncorrelated because the law of (w, noise) is symmetric. The blocks are those of ICL-1.
/// O(d^3).
///
/// # Errors
/// [`IclError::Input`] when a block has the wrong shape or a non-finite entry, or `rho` is not positive.
pub fn full_layer_loss(
    task: &RegressionTask,
    blocks: &LayerBlocks,
    rho: f64,
    query: QueryToken,
) -> Result<FullLoss, IclError> {
    let d = task.dimension();
    let LayerBlocks { p, u, key_query, q } = blocks;
    let u = *u;
    for (argument, v) in [("p", p), ("q", q)] {
        if v.len() != d {
            let found = (v.len(), 1);
            return Err(InputError::Shape { argument: argument.into(), found, expected: (d, 1) }.into());
        }
        InputError::check_vector(argument, v)?;
    }
    check_square("U", key_query.as_ref(), d)?;
    let direct = effective_matrix(u, key_query.as_ref(), task.context(), rho)?;
    let n = task.context() as f64;
    let f = n / rho;
    let a = Mat::from_fn(d, d, |i, j| direct[(i, j)] + f * q[i] * p[j]);
    let odd_part = risk(a.as_ref(), &TestPrompts::of(task, task.context()))?;

    let lambda = task.lambda().matrix();
    let image = matmul(lambda, task.psi().matrix());
    let cross = matmul(image.as_ref(), lambda);
    let power = task.signal() + task.sigma2();
    let k = product(lambda, p);
    let pi = dot(p, &k);
    // tr[Lambda U' (a k k' + pi/N Lambda) U].
    let row = product(key_query.transpose(), &k);
    let spread = trace_product(triple(lambda, key_query.transpose(), lambda).as_ref(), key_query.as_ref());
    let own = (1.0 + 1.0 / n) * dot(&row, &product(lambda, &row)) + pi / n * spread;
    let lq = product(lambda, q);
    let twisted = product(cross.as_ref(), p);
    let reach: Vec<f64> = (0..d).map(|i| power * k[i] + 2.0 / n * twisted[i]).collect();
    let mixed = 2.0 * u * dot(&lq, &product(key_query.transpose(), &reach));
    let squares = trace_product(image.as_ref(), image.as_ref());
    let fourth = (1.0 + 2.0 / n) * (power * power + 2.0 * squares);
    let mut even = f * f * (own + mixed + u * u * fourth * dot(q, &lq));
    if query == QueryToken::Inside {
        let symmetric = Mat::from_fn(d, d, |i, j| 0.5 * (key_query[(i, j)] + key_query[(j, i)]));
        let h: Vec<f64> = (0..d).map(|i| f * (row[i] + u * power * q[i])).collect();
        let trace = trace_product(lambda, key_query.as_ref());
        let turned = product(lambda, &product(symmetric.as_ref(), &k));
        even += 2.0 / rho * (dot(&h, &k) * trace + 2.0 * dot(&h, &turned));
        let quartic = quartic_moment(symmetric.as_ref(), task.lambda())?;
        even += dot(p, &product(quartic.as_ref(), p)) / (rho * rho);
    }
    // A second moment: rounding alone makes it negative.
    let even_part = finite("L_even", even)?.max(0.0);
    Ok(FullLoss { loss: finite("L_full", odd_part + even_part)?, even_part, odd_part })
}

fn product(m: solvable_linalg::MatRef<'_, f64>, x: &[f64]) -> Vec<f64> {
    let mut out = vec![0.0; m.nrows()];
    mat_vec(m, x, &mut out);
    out
}

/// A stationary point with the roles of labels and inputs swapped.
#[derive(Clone, Debug)]
pub struct MirrorPoint {
    /// p = q in the balanced gauge, u = 0, U = 0, for rho = N.
    pub blocks: LayerBlocks,
    /// Its loss `sum_{j != i} beta_j + beta_i (1 - g_i)`.
    pub loss: f64,
}

/// The stationary point `u = 0, U = 0, q p' = g_i Lambda^-1/2 e_i e_i' Lambda^-1/2` of the full layer (ICL-18b, ICL-60), for
/// the eigenvalue beta_i of B, i from 0 in descending order; `rho = N`, `p = q`.
///
/// It reads labels in the key slot and inputs in the value slot. For i = 0 its loss is the rank-one minimum L*_1, and it
/// may be a local minimum: see [`mirror_criterion`]. For a fixed context length and Gaussian covariates. O(d^2).
///
/// # Errors
/// [`IclError::Input`] when i >= d; [`IclError::NoLabels`] when all labels are 0.
pub fn mirror_point(law: &Whitened, index: usize) -> Result<MirrorPoint, IclError> {
    law.check_labels()?;
    law.check_plain()?;
    let d = law.dimension();
    if index >= d {
        let condition = "below the dimension d";
        return Err(InputError::Count { argument: "index".into(), value: index as u64, condition }.into());
    }
    let weight = |a: f64, b: f64, beta: f64| 1.0 / (a * beta + b);
    let (a, b) = (1.0 + law.excess(), law.noise());
    let square = law.combine(|i, beta| if i == index { weight(a, b, beta) } else { 0.0 });
    // A rank-one matrix p p': its column through the largest diagonal entry, normalised.
    let top = (0..d).max_by(|&i, &j| square[(i, i)].total_cmp(&square[(j, j)])).unwrap_or(0);
    let root = square[(top, top)].sqrt();
    let p: Vec<f64> = (0..d).map(|i| if root == 0.0 { 0.0 } else { square[(i, top)] / root }).collect();
    let loss = law
        .spectrum()
        .iter()
        .enumerate()
        .rev()
        .map(|(i, &beta)| if i == index { beta * law.gain(beta).1 } else { beta })
        .sum();
    let blocks = LayerBlocks { q: p.clone(), p, u: 0.0, key_query: Mat::zeros(d, d) };
    Ok(MirrorPoint { blocks, loss: finite("L_1", loss)? })
}

/// Whether the mirror point of the largest eigenvalue is a strict local minimum up to gauge.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MirrorCriterion {
    /// Positive exactly when it is; for the isotropic masked layer, left minus right side of the inequality of ICL-18.
    pub criterion: f64,
    /// `criterion > 0`.
    pub local_min: bool,
    /// The loss L*_1 there.
    pub loss: f64,
}

/// The criterion of ICL-18 and ICL-61 in closed form, for any Lambda, Psi, noise and either query convention (rho = N).
///
/// In the coordinates `X = Lambda^1/2 dU Lambda^1/2`, in the eigenbasis of B with first vector e_1, the second variation
/// couples du only to `alpha = X_11` and `y_i = X_ii`. With `theta = 1` for a query inside, `T = t + sigma2`, divided by
/// `p'Lambda p = g_1`, it is
///
/// `(1 + 2/N + theta(6/N + 15/N^2)) alpha^2 + (1/N + 2 theta/N^2) |y|^2 + theta/N^2 (sum y)^2 + 2 theta(1/N + 3/N^2) alpha sum y
///  + 2 du [(T + 2 beta_1/N + 3 theta T/N) alpha + sum_i (theta T/N - beta_i/g_1) y_i] + du^2 (1+2/N)[T^2 + 2 sum beta_i^2]`.
///
/// The U-block is always positive definite, so that the form is positive exactly when its Schur complement is; the
/// returned number is N times that. For Lambda = Psi = I and a masked query it equals
/// `N{(1+2/N)[(d+sigma2)^2 + 2d] - (d+sigma2+2/N)^2/(1+2/N)} - (d-1)(N+1+d+sigma2)^2`. O(d).
///
/// # Errors
/// [`IclError::Input`] when Lambda is singular or Psi = 0; [`IclError::NoLabels`] when all labels are 0.
pub fn mirror_criterion(law: &Whitened, query: QueryToken) -> Result<MirrorCriterion, IclError> {
    check_invertible("Lambda", law.lambda(), "the second variation is stated for an invertible Lambda")?;
    let point = mirror_point(law, 0)?;
    let beta = law.spectrum();
    let gain = law.gain(beta[0]).0;
    InputError::check("largest eigenvalue of Lambda Psi", beta[0], beta[0] > 0.0, "greater than 0")?;
    let n = 1.0 / law.inverse_length();
    let theta = if query == QueryToken::Inside { 1.0 } else { 0.0 };
    let power = law.signal() + law.sigma2();
    let others = (beta.len() - 1) as f64;
    let along = 1.0 + 2.0 / n + theta * (6.0 / n + 15.0 / (n * n));
    let across = 1.0 / n + 2.0 * theta / (n * n);
    let joint = theta / (n * n);
    let coupling = theta * (1.0 / n + 3.0 / (n * n));
    let pull = power + 2.0 * beta[0] / n + 3.0 * theta * power / n;
    let linear: Vec<f64> = beta[1..].iter().map(|b| theta * power / n - b / gain).collect();
    let (sum, squares) = (linear.iter().sum::<f64>(), linear.iter().map(|l| l * l).sum::<f64>());
    let fourth = (1.0 + 2.0 / n) * (power * power + 2.0 * beta.iter().rev().map(|b| b * b).sum::<f64>());
    // Minimise over alpha and the y_i at du = 1: two equations for alpha and Y = sum y.
    let (a22, a21) = (across + others * joint, others * coupling);
    let determinant = along * a22 - coupling * a21;
    let alpha = (-pull * a22 + coupling * sum) / determinant;
    let total = (-sum * along + a21 * pull) / determinant;
    let reached = -(squares + (joint * total + coupling * alpha) * sum) / across;
    let criterion = finite("criterion", n * (fourth + pull * alpha + reached))?;
    Ok(MirrorCriterion { criterion, local_min: criterion > 0.0, loss: point.loss })
}

/// Dimension up to which the smallest eigenvalue of the second variation comes from a full decomposition.
pub const DENSE_MIRROR_DIMENSION: usize = 20;

/// Largest dimension for which the smallest eigenvalue is computed at all.
pub const LARGEST_MIRROR_DIMENSION: usize = 200;

/// Smallest eigenvalue of the second variation at the mirror point.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MirrorEigenvalue {
    /// `min F` over `||dU||_F^2 + du^2 = 1`, for L (not half), p = q, rho = N.
    pub min_eig: f64,
    /// An eigenvalue lies within this distance of `min_eig`.
    pub error_bound: f64,
    /// The loss L*_1 there.
    pub loss: f64,
}

/// The smallest eigenvalue of `F(dU, du) = L_even(p, dU, du, q) + du <grad L(A_1), dU'>` in the balanced gauge `p = q =
/// sqrt(g_1) Lambda^-1/2 e_1`, rho = N (ICL-18).
///
/// Its sign is that of [`mirror_criterion`], which is cheaper and exact; the value depends on the gauge and the norm.
///
/// Algorithm: F applied in O(d^3); all columns and a full decomposition up to d = [`DENSE_MIRROR_DIMENSION`], beyond it the
/// Lanczos process with full reorthogonalisation (at most 400 steps), up to d = [`LARGEST_MIRROR_DIMENSION`]. The bound is the
/// residual norm; that no smaller eigenvalue was missed is certified only by the full decomposition.
///
/// # Errors
/// As [`mirror_criterion`]; [`IclError::Input`] beyond the largest dimension; [`IclError::NotConverged`] when the Lanczos
/// residual stays above 1e-9 of the norm.
pub fn mirror_eigenvalue(law: &Whitened, query: QueryToken) -> Result<MirrorEigenvalue, IclError> {
    let d = law.dimension();
    if d > LARGEST_MIRROR_DIMENSION {
        let condition = "at most 200 for this eigenvalue; its sign is known at any dimension";
        return Err(InputError::Count { argument: "d".into(), value: d as u64, condition }.into());
    }
    let loss = mirror_criterion(law, query)?.loss;
    let form = SecondVariation::new(law, query)?;
    let (min_eig, error_bound) =
        if d <= DENSE_MIRROR_DIMENSION { form.dense_minimum()? } else { form.lanczos_minimum()? };
    Ok(MirrorEigenvalue { min_eig, error_bound, loss })
}

/// F as a linear operator on (dU row by row, du).
struct SecondVariation {
    lambda: Mat<f64>,
    /// a k k' + (pi/N) Lambda.
    metric: Mat<f64>,
    k: Vec<f64>,
    reach: Vec<f64>,
    p: Vec<f64>,
    /// The gradient of L at A_1, symmetric.
    slope: Mat<f64>,
    pi: f64,
    power: f64,
    fourth: f64,
    n: f64,
    inside: bool,
}

impl SecondVariation {
    fn new(law: &Whitened, query: QueryToken) -> Result<Self, IclError> {
        let d = law.dimension();
        let p = mirror_point(law, 0)?.blocks.p;
        let lambda = law.lambda().matrix().to_owned();
        let n = 1.0 / law.inverse_length();
        let power = law.signal() + law.sigma2();
        let k = product(lambda.as_ref(), &p);
        let pi = dot(&p, &k);
        let cross = law.cross();
        let twisted = product(cross.as_ref(), &p);
        let squares: f64 = law.spectrum().iter().map(|b| b * b).sum();
        // grad L(A_1) = 2 Lambda A_1 S - 2 Lambda Psi Lambda.
        let best = rank_minimizer(law, 1)?;
        let forward = triple(lambda.as_ref(), best.as_ref(), law.statistic().as_ref());
        let slope = Mat::from_fn(d, d, |i, j| 2.0 * (forward[(i, j)] - cross[(i, j)]));
        Ok(Self {
            metric: Mat::from_fn(d, d, |i, j| (1.0 + 1.0 / n) * k[i] * k[j] + pi / n * lambda[(i, j)]),
            reach: (0..d).map(|i| power * k[i] + 2.0 / n * twisted[i]).collect(),
            slope: solvable_linalg::symmetrize(slope.as_ref()),
            fourth: (1.0 + 2.0 / n) * (power * power + 2.0 * squares),
            inside: query == QueryToken::Inside,
            lambda,
            k,
            p,
            pi,
            power,
            n,
        })
    }

    fn size(&self) -> usize {
        self.k.len() * self.k.len() + 1
    }

    /// Half the gradient of the form.
    fn apply(&self, x: &[f64]) -> Vec<f64> {
        let d = self.k.len();
        let (l, k, n) = (self.lambda.as_ref(), &self.k, self.n);
        let big = Mat::from_fn(d, d, |i, j| x[i * d + j]);
        let u = x[d * d];
        let main = triple(self.metric.as_ref(), big.as_ref(), l);
        // With p = q the vectors Lambda p and Lambda q coincide.
        let back = product(big.transpose(), &self.reach);
        let mut scalar = dot(k, &back) + u * self.fourth * self.pi;
        scalar += 0.5 * trace_product(self.slope.as_ref(), big.as_ref());
        let mut out = vec![0.0; d * d + 1];
        for i in 0..d {
            for j in 0..d {
                out[i * d + j] = main[(i, j)] + u * (self.reach[i] * k[j] + 0.5 * self.slope[(j, i)]);
            }
        }
        if self.inside {
            let symmetric = Mat::from_fn(d, d, |i, j| 0.5 * (big[(i, j)] + big[(j, i)]));
            let tau = trace_product(l, big.as_ref());
            let row = product(big.transpose(), k);
            let h: Vec<f64> = (0..d).map(|i| row[i] + u * self.power * self.p[i]).collect();
            let sk = product(symmetric.as_ref(), k);
            let lsk = product(l, &sk);
            let lh = product(l, &h);
            let lsl = triple(l, symmetric.as_ref(), l);
            let g: Vec<f64> = (0..d).map(|i| (tau * k[i] + 2.0 * lsk[i]) / n).collect();
            scalar += self.power * dot(&g, &self.p);
            let (hk, ksk) = (dot(&h, k), dot(k, &sk));
            for i in 0..d {
                for j in 0..d {
                    out[i * d + j] += k[i] * g[j]
                        + (hk * l[(i, j)] + lh[i] * k[j] + k[i] * lh[j]) / n
                        + ((tau * self.pi + 2.0 * ksk) * l[(i, j)]
                            + 2.0 * self.pi * lsl[(i, j)]
                            + 2.0 * tau * k[i] * k[j]
                            + 4.0 * (k[i] * lsk[j] + lsk[i] * k[j]))
                            / (n * n);
                }
            }
        }
        out[d * d] = scalar;
        out
    }

    fn dense_minimum(&self) -> Result<(f64, f64), IclError> {
        let size = self.size();
        let mut unit = vec![0.0; size];
        let mut form = Mat::zeros(size, size);
        for j in 0..size {
            unit[j] = 1.0;
            for (i, value) in self.apply(&unit).into_iter().enumerate() {
                form[(i, j)] = value;
            }
            unit[j] = 0.0;
        }
        let eigen = symmetric_eigen(solvable_linalg::symmetrize(form.as_ref()).as_ref())?;
        Ok((finite("min_eig", eigen.values[size - 1])?, eigen.error))
    }

    fn lanczos_minimum(&self) -> Result<(f64, f64), IclError> {
        let size = self.size();
        // A start with no special symmetry; the du direction carries the possible negative mode.
        let start: Vec<f64> = (0..size)
            .map(|i| if i + 1 == size { 1.0 } else { ((i * i + 1) as f64 * 0.618_034).fract() - 0.5 })
            .collect();
        smallest_eigenvalue(|x| self.apply(x), &start, 400.min(size))
    }
}

/// The least eigenvalue of a symmetric operator and the norm of the residual of its vector, by at most so many steps of Lanczos
/// with full orthogonalisation.
fn smallest_eigenvalue(
    apply: impl Fn(&[f64]) -> Vec<f64>,
    start: &[f64],
    steps: usize,
) -> Result<(f64, f64), IclError> {
    const TOLERANCE: f64 = 1e-9;
    let norm = dot(start, start).sqrt();
    let mut basis = vec![start.iter().map(|x| x / norm).collect::<Vec<f64>>()];
    let (mut diagonal, mut off) = (Vec::new(), Vec::<f64>::new());
    let mut residual = f64::INFINITY;
    for step in 0..steps {
        let mut next = apply(&basis[step]);
        diagonal.push(dot(&next, &basis[step]));
        // Twice is enough (Kahan, Parlett).
        for _ in 0..2 {
            for v in &basis {
                let overlap = dot(&next, v);
                next.iter_mut().zip(v).for_each(|(x, y)| *x -= overlap * y);
            }
        }
        let length = dot(&next, &next).sqrt();
        let last = step + 1 == steps;
        if step % 20 == 19 || last || length == 0.0 {
            let m = diagonal.len();
            let t = Mat::from_fn(m, m, |i, j| match i.abs_diff(j) {
                0 => diagonal[i],
                1 => off[i.min(j)],
                _ => 0.0,
            });
            let eigen = symmetric_eigen(t.as_ref())?;
            let scale = eigen.values[0].abs().max(eigen.values[m - 1].abs());
            residual = length * eigen.vectors[(m - 1, m - 1)].abs();
            if residual <= TOLERANCE * scale || length == 0.0 {
                return Ok((finite("min_eig", eigen.values[m - 1])?, residual + eigen.error));
            }
            residual /= scale;
        }
        off.push(length);
        basis.push(next.iter().map(|x| x / length).collect());
    }
    Err(IclError::NotConverged { iterations: diagonal.len(), residual, tolerance: TOLERANCE })
}

#[cfg(test)]
pub(super) fn dense_minimum_for_tests(law: &Whitened, query: QueryToken) -> f64 {
    SecondVariation::new(law, query).and_then(|f| f.dense_minimum()).expect("regular").0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scale(diagonal: &[f64]) -> impl Fn(&[f64]) -> Vec<f64> + '_ {
        move |x| x.iter().zip(diagonal).map(|(x, a)| a * x).collect()
    }

    /// diag(0, 1, 4) from (1, 1, 1): diagonal 5/3, 100/39, off-diagonal sqrt(26)/3, next length
    /// sqrt(394/39 - (100/39)^2 - 26/9). Two steps leave the residual of the projected 2 x 2 problem, three none.
    #[test]
    fn two_steps_of_lanczos_by_hand() {
        let (a, b, off) = (5.0 / 3.0, 100.0 / 39.0, 26.0_f64.sqrt() / 3.0);
        let next = (394.0 / 39.0 - b * b - 26.0 / 9.0_f64).sqrt();
        let spread = (a - b).hypot(2.0 * off);
        let (low, high) = (0.5 * (a + b - spread), 0.5 * (a + b + spread));
        let expected = next * (a - low) / off.hypot(a - low) / high;
        match smallest_eigenvalue(scale(&[0.0, 1.0, 4.0]), &[1.0; 3], 2) {
            Err(IclError::NotConverged { iterations, residual, .. }) => {
                assert_eq!(iterations, 2);
                assert!((residual / expected - 1.0).abs() < 1e-13, "{residual} {expected}");
            }
            other => panic!("{other:?}"),
        }
        let (value, error) = smallest_eigenvalue(scale(&[0.0, 1.0, 4.0]), &[1.0; 3], 3).expect("complete");
        assert!(value.abs() <= error && error < 1e-13, "{value} {error}");
    }

    /// The start is an eigenvector: one step, no residual. Far more values than steps: the ends settle within 60.
    #[test]
    fn lanczos_ends_when_the_residual_does() {
        let alone = smallest_eigenvalue(scale(&[3.0, -2.0]), &[0.0, 5.0], 2).expect("an eigenvector");
        assert_eq!(alone.0, -2.0);
        let many: Vec<f64> =
            (0..300).map(|i| if i == 7 { -3.0 } else { 1.0 + f64::from(i) / 300.0 }).collect();
        let (value, error) = smallest_eigenvalue(scale(&many), &[1.0; 300], 60).expect("settles");
        assert!((value + 3.0).abs() <= error && error < 1e-8, "{value} {error}");
    }
}
