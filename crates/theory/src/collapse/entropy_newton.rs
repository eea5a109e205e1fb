//! The convex program of cross-entropy at depth one, reduced to groups of classes of one size: Newton (NC-14).
use solvable_linalg::{Mat, matmul, svd};
use solvable_model::collapse::{Bias, ClassCounts};

use super::CollapseError;
use super::entropy_groups_dual::{Blocks, block_dual};

/// Most distinct class sizes for Newton: its matrices have about the square of that many rows.
pub const LARGEST_GROUPS: usize = 16;

/// Newton steps at one smoothing.
const STEPS: usize = 200;

/// Smoothing of the nuclear norm at the end, relative to the largest singular value expected.
const SMOOTHEST: f64 = 1e-15;

/// Singular values below this multiple of the largest one expected are 0: dead ones end within a few smoothings of it.
const DEAD: f64 = 1e-11;

/// Classes of one size, in increasing order of size.
pub(super) struct Groups {
    /// Class sizes n_g.
    pub(super) size: Vec<f64>,
    /// Numbers of classes k_g.
    pub(super) many: Vec<f64>,
    /// Group of each class.
    pub(super) of: Vec<usize>,
    pub(super) total: f64,
}

impl Groups {
    pub(super) fn new(classes: &ClassCounts) -> Self {
        let mut sizes = classes.counts().to_vec();
        sizes.sort_unstable();
        sizes.dedup();
        let of: Vec<usize> =
            classes.counts().iter().map(|n| sizes.binary_search(n).unwrap_or_default()).collect();
        let many = (0..sizes.len()).map(|g| of.iter().filter(|&&h| h == g).count() as f64).collect();
        Self { size: sizes.iter().map(|&n| n as f64).collect(), many, of, total: classes.total() as f64 }
    }

    pub(super) fn count(&self) -> usize {
        self.size.len()
    }

    /// `n_g/N` of one class.
    pub(super) fn share(&self, g: usize) -> f64 {
        self.size[g] / self.total
    }
}

/// A block-symmetric point: `X = sum_g sqrt(n_g) m_g (I_g - u_g u_g') + sum V_gh u_g u_h'`, u_g the normalised indicators.
pub(super) struct GroupMinimum {
    pub(super) value: f64,
    pub(super) bound: f64,
    /// m_g.
    pub(super) within: Vec<f64>,
    /// V.
    pub(super) between: Mat<f64>,
    /// Its singular values.
    pub(super) spectrum: Vec<f64>,
    /// Bias of each group.
    pub(super) bias: Vec<f64>,
    pub(super) steps: usize,
}

/// Where the variables begin: margins m_g of the groups that can have one, Y (V = Q Y, row by row), the bias in the basis Q.
struct Layout {
    alive: Vec<usize>,
    rows: usize,
    bias: bool,
}

impl Layout {
    fn y(&self, a: usize, g: usize) -> usize {
        self.alive.len() + a * (self.rows + 1) + g
    }

    fn d(&self, a: usize) -> usize {
        self.alive.len() + self.rows * (self.rows + 1) + a
    }

    fn len(&self) -> usize {
        self.d(if self.bias { self.rows } else { 0 })
    }
}

struct Problem<'a> {
    groups: &'a Groups,
    lambda: f64,
    bias: Bias,
    /// Orthonormal columns, orthogonal to `sqrt(k_g)`: columns of X sum to 0, and so does the bias.
    q: Mat<f64>,
    layout: Layout,
}

struct Derivatives {
    value: f64,
    gradient: Vec<f64>,
    /// Row by row.
    hessian: Vec<f64>,
}

/// The minimum over block-symmetric points, which is that over all: averaging a minimiser over permutations within the groups
/// keeps it one.
///
/// With G distinct sizes there are about G^2 variables, whatever the number of classes. `m_g = 0` exactly when `sqrt(n_g) <= N lambda`;
/// the nuclear norm of V becomes `sum sqrt(s^2 + mu^2)`, minimised by damped Newton steps with mu falling to rounding level:
/// margins of any size cost the same, where first-order steps need `e^(margin/2)` of them. Quadratic convergence leaves the argument,
/// and with it the dual point, at rounding too. O(G^6) a step.
pub(super) fn minimise(
    classes: &ClassCounts,
    groups: &Groups,
    lambda: f64,
    bias: Bias,
) -> Result<GroupMinimum, CollapseError> {
    let g = groups.count();
    let alive =
        (0..g).filter(|&i| groups.many[i] >= 2.0 && groups.size[i].sqrt() > groups.total * lambda).collect();
    let layout = Layout { alive, rows: g - 1, bias: bias.is_trained() };
    let problem = Problem { groups, lambda, bias, q: complement(&groups.many), layout };
    let count = classes.classes() as f64;
    let margin = |i: usize| (1.0 / (lambda * groups.size[i].sqrt()) - count).max(0.1).ln_1p();
    let mut x = vec![0.0; problem.layout.len()];
    for (v, &i) in problem.layout.alive.iter().enumerate() {
        x[v] = margin(i);
    }
    let mut scale = groups.size.iter().fold(0.0_f64, |m, n| m.max(n.sqrt()));
    for i in 0..g {
        scale = scale.max(groups.size[i].sqrt() * margin(i));
        for a in 0..g - 1 {
            x[problem.layout.y(a, i)] = problem.q[(i, a)] * groups.size[i].sqrt() * margin(i);
            if bias == Bias::Free {
                x[problem.layout.d(a)] += problem.q[(i, a)] * groups.many[i].sqrt() * groups.size[i].ln();
            }
        }
    }
    let (mut mu, mut steps) = (0.1 * scale, 0);
    loop {
        let last = mu <= SMOOTHEST * scale;
        steps += problem.newton(&mut x, mu, last)?;
        if last {
            break;
        }
        mu = (0.1 * mu).max(SMOOTHEST * scale);
    }
    problem.finish(x, DEAD * scale, steps)
}

/// Orthonormal columns orthogonal to `sqrt(many)`, by one Householder reflection.
fn complement(many: &[f64]) -> Mat<f64> {
    let norm = many.iter().sum::<f64>().sqrt();
    let mut w: Vec<f64> = many.iter().map(|k| k.sqrt() / norm).collect();
    // The reflection that takes w to -e_0: no cancellation in w_0 + 1.
    w[0] += 1.0;
    let square = w.iter().map(|v| v * v).sum::<f64>();
    Mat::from_fn(many.len(), many.len() - 1, |i, a| {
        f64::from(u8::from(i == a + 1)) - 2.0 * w[i] * w[a + 1] / square
    })
}

impl Problem<'_> {
    fn y(&self, x: &[f64]) -> Mat<f64> {
        Mat::from_fn(self.layout.rows, self.layout.rows + 1, |a, g| x[self.layout.y(a, g)])
    }

    /// The loss of a class of group j with, where asked for, its first and second derivatives in (m_j, Y_j, d).
    ///
    /// Margins: m_j against the same group, and against group i `(1 - 1/k_j) m_j + e' (Y_j/sqrt(k_j n_j) + d)` with
    /// `e = Q_j/sqrt(k_j) - Q_i/sqrt(k_i)`.
    fn column(&self, x: &[f64], j: usize, mut each: impl FnMut(f64, f64, &[f64])) -> f64 {
        let (groups, layout) = (self.groups, &self.layout);
        let (g, rows) = (groups.count(), layout.rows);
        let k = groups.many[j];
        let own = layout.alive.iter().position(|&i| i == j);
        let m = own.map_or(0.0, |v| x[v]);
        let reach = 1.0 / (k * groups.size[j]).sqrt();
        // Coefficients in the local variables, and the logarithm of the odds of the group.
        let mut lists: Vec<(f64, Vec<f64>)> = Vec::with_capacity(g);
        if k >= 2.0 {
            let mut a = vec![0.0; 1 + 2 * rows];
            a[0] = 1.0;
            lists.push(((k - 1.0).ln() - m, a));
        }
        for i in (0..g).filter(|&i| i != j) {
            let mut a = vec![0.0; 1 + 2 * rows];
            a[0] = 1.0 - 1.0 / k;
            let mut y = a[0] * m;
            for r in 0..rows {
                let e = self.q[(j, r)] / k.sqrt() - self.q[(i, r)] / groups.many[i].sqrt();
                a[1 + r] = reach * e;
                y += a[1 + r] * x[layout.y(r, j)];
                if layout.bias {
                    a[1 + rows + r] = e;
                    y += e * x[layout.d(r)];
                }
            }
            lists.push((groups.many[i].ln() - y, a));
        }
        let top = lists.iter().fold(0.0_f64, |t, l| t.max(l.0));
        let odds: Vec<f64> = lists.iter().map(|l| (l.0 - top).exp()).collect();
        let rest: f64 = odds.iter().sum();
        let own = (-top).exp();
        for (o, (_, a)) in odds.iter().zip(&lists) {
            each(o / (own + rest), own / (own + rest), a);
        }
        if top > 0.0 { top + (own + rest).ln() } else { rest.ln_1p() }
    }

    fn value(&self, x: &[f64], mu: f64) -> Result<f64, CollapseError> {
        let mut value = 0.0;
        for j in 0..self.groups.count() {
            value += self.groups.many[j] * self.groups.share(j) * self.column(x, j, |_, _, _| {});
        }
        Ok(value
            + self.penalties(x)
            + self.lambda * self.spectrum(x)?.iter().map(|s| s.hypot(mu)).sum::<f64>())
    }

    fn spectrum(&self, x: &[f64]) -> Result<Vec<f64>, CollapseError> {
        if self.layout.rows == 0 { Ok(Vec::new()) } else { Ok(svd(self.y(x).as_ref())?.s) }
    }

    /// All but the nuclear norm of V.
    fn penalties(&self, x: &[f64]) -> f64 {
        let mut sum = 0.0;
        for (v, &g) in self.layout.alive.iter().enumerate() {
            sum += self.slope(g) * x[v];
        }
        if self.layout.bias {
            let squares: f64 = (0..self.layout.rows).map(|a| x[self.layout.d(a)].powi(2)).sum();
            sum += 0.5 * self.bias.weight() * squares;
        }
        sum
    }

    fn slope(&self, g: usize) -> f64 {
        self.lambda * (self.groups.many[g] - 1.0) * self.groups.size[g].sqrt()
    }

    /// Index of each local variable of column j; `None` where it is fixed at 0.
    fn places(&self, j: usize) -> Vec<Option<usize>> {
        let rows = self.layout.rows;
        let mut places = vec![self.layout.alive.iter().position(|&i| i == j)];
        places.extend((0..rows).map(|a| Some(self.layout.y(a, j))));
        places.extend((0..rows).map(|a| self.layout.bias.then(|| self.layout.d(a))));
        places
    }

    fn derivatives(&self, x: &[f64], mu: f64) -> Result<Derivatives, CollapseError> {
        let n = self.layout.len();
        let (mut gradient, mut hessian) = (vec![0.0; n], vec![0.0; n * n]);
        let mut value = self.penalties(x);
        for j in 0..self.groups.count() {
            let weight = self.groups.many[j] * self.groups.share(j);
            let places = self.places(j);
            let mut seen: Vec<(f64, Vec<f64>)> = Vec::new();
            let mut own = 1.0;
            value += weight
                * self.column(x, j, |p, o, a| {
                    own = o;
                    seen.push((p, a.to_vec()));
                });
            // diag(p) - p p' as sums of positive terms: own p_r a_r a_r', p_r p_s (a_r - a_s)(a_r - a_s)' over pairs.
            let mut add = |c: f64, a: &[f64]| {
                for (s, ps) in places.iter().enumerate() {
                    let Some(ps) = ps else { continue };
                    for (t, pt) in places.iter().enumerate() {
                        if let Some(pt) = pt {
                            hessian[ps * n + pt] += c * a[s] * a[t];
                        }
                    }
                }
            };
            for r in 0..seen.len() {
                let (p, a) = (seen[r].0, &seen[r].1);
                add(weight * own * p, a);
                for (p2, b) in &seen[r + 1..] {
                    let difference: Vec<f64> = a.iter().zip(b).map(|(u, v)| u - v).collect();
                    add(weight * p * p2, &difference);
                }
                for (s, place) in places.iter().enumerate() {
                    if let Some(place) = place {
                        gradient[*place] -= weight * p * a[s];
                    }
                }
            }
        }
        for (v, &g) in self.layout.alive.iter().enumerate() {
            gradient[v] += self.slope(g);
        }
        if self.layout.bias {
            for a in 0..self.layout.rows {
                let d = self.layout.d(a);
                gradient[d] += self.bias.weight() * x[d];
                hessian[d * n + d] += self.bias.weight();
            }
        }
        value += self.nuclear(x, mu, &mut gradient, &mut hessian)?;
        Ok(Derivatives { value, gradient, hessian })
    }

    /// `lambda sum sqrt(s^2 + mu^2)` with its derivatives, in the singular vectors `u_i v_j'`: the symmetric and antisymmetric
    /// combinations of two of them have as curvature the difference quotient and the sum quotient of `s/sqrt(s^2 + mu^2)`.
    fn nuclear(
        &self,
        x: &[f64],
        mu: f64,
        gradient: &mut [f64],
        hessian: &mut [f64],
    ) -> Result<f64, CollapseError> {
        let rows = self.layout.rows;
        if rows == 0 {
            return Ok(0.0);
        }
        let (n, from, size) = (gradient.len(), self.layout.y(0, 0), rows * (rows + 1));
        let f = svd(self.y(x).as_ref())?;
        let r: Vec<f64> = f.s.iter().map(|s| s.hypot(mu)).collect();
        let outer = |i: usize, j: usize| -> Vec<f64> {
            (0..size).map(|k| f.u[(k / (rows + 1), i)] * f.v[(k % (rows + 1), j)]).collect()
        };
        let mut add = |c: f64, a: &[f64]| {
            for s in 0..size {
                for t in 0..size {
                    hessian[(from + s) * n + from + t] += self.lambda * c * a[s] * a[t];
                }
            }
        };
        for i in 0..rows {
            let straight = outer(i, i);
            for k in 0..size {
                gradient[from + k] += self.lambda * (f.s[i] / r[i]) * straight[k];
            }
            add((mu / r[i]).powi(2) / r[i], &straight);
            for j in i + 1..rows {
                let (a, b) = (outer(i, j), outer(j, i));
                let sum = f.s[i] + f.s[j];
                let (with, against) = if sum > 0.0 {
                    let cross = f.s[i] * r[j] + f.s[j] * r[i];
                    ((mu / r[i]) * (mu / r[j]) * (sum / cross), (f.s[i] / r[i] + f.s[j] / r[j]) / sum)
                } else {
                    (1.0 / r[i], 1.0 / r[i])
                };
                let half = core::f64::consts::FRAC_1_SQRT_2;
                add(with, &a.iter().zip(&b).map(|(u, v)| half * (u + v)).collect::<Vec<_>>());
                add(against, &a.iter().zip(&b).map(|(u, v)| half * (u - v)).collect::<Vec<_>>());
            }
        }
        // Right vectors beside the G - 1 singular ones: u_i times the rest of the space.
        for g in 0..=rows {
            let rest: Vec<f64> = (0..=rows)
                .map(|h| {
                    f64::from(u8::from(g == h)) - (0..rows).map(|j| f.v[(g, j)] * f.v[(h, j)]).sum::<f64>()
                })
                .collect();
            for i in 0..rows {
                for a in 0..rows {
                    for b in 0..rows {
                        let c = self.lambda / r[i] * f.u[(a, i)] * f.u[(b, i)];
                        for (h, rest) in rest.iter().enumerate() {
                            hessian[self.layout.y(a, g) * n + self.layout.y(b, h)] += c * rest;
                        }
                    }
                }
            }
        }
        Ok(self.lambda * r.iter().sum::<f64>())
    }

    /// Damped Newton at one smoothing; returns the steps.
    fn newton(&self, x: &mut Vec<f64>, mu: f64, last: bool) -> Result<usize, CollapseError> {
        let mut before = f64::INFINITY;
        for taken in 0..STEPS {
            let at = self.derivatives(x, mu)?;
            let Some(step) = solve(&at.hessian, &at.gradient) else { return Ok(taken) };
            let decrement: f64 = -at.gradient.iter().zip(&step).map(|(g, s)| g * s).sum::<f64>();
            // The last smoothing goes on until rounding stops the decrease of the decrement.
            let enough = if last { 0.0 } else { 1e-4 * self.lambda * mu };
            if decrement.is_nan()
                || decrement <= enough
                || (decrement <= 1e-14 * at.value && decrement > 0.1 * before)
            {
                return Ok(taken);
            }
            before = decrement;
            let mut length = 1.0_f64;
            for v in 0..self.layout.alive.len() {
                if step[v] < 0.0 {
                    length = length.min(0.9 * x[v] / -step[v]);
                }
            }
            // Near the end the decrease drowns in rounding: the slope along the step decides then, which must nearly vanish.
            let near = decrement <= 1e-9 * at.value;
            loop {
                let next: Vec<f64> = x.iter().zip(&step).map(|(x, s)| x + length * s).collect();
                let accepted = if near {
                    let slope: f64 =
                        self.derivatives(&next, mu)?.gradient.iter().zip(&step).map(|(g, s)| g * s).sum();
                    slope.abs() <= 0.5 * decrement || (length < 1.0 && slope <= 0.0)
                } else {
                    self.value(&next, mu)? <= at.value - 0.25 * length * decrement
                };
                if accepted {
                    *x = next;
                    break;
                }
                length *= 0.5;
                if length < 1e-18 {
                    return Ok(taken);
                }
            }
        }
        Ok(STEPS)
    }

    /// Dead singular values set to 0; value and bound of what remains.
    fn finish(&self, mut x: Vec<f64>, dead: f64, steps: usize) -> Result<GroupMinimum, CollapseError> {
        let (groups, rows) = (self.groups, self.layout.rows);
        let mut spectrum = Vec::new();
        if rows > 0 {
            let mut f = svd(self.y(&x).as_ref())?;
            if f.s.iter().any(|s| *s <= dead) {
                f.s.iter_mut().filter(|s| **s <= dead).for_each(|s| *s = 0.0);
                let scaled = Mat::from_fn(rows, rows, |i, l| f.u[(i, l)] * f.s[l]);
                let y = matmul(scaled.as_ref(), f.v.transpose());
                for a in 0..rows {
                    for g in 0..=rows {
                        x[self.layout.y(a, g)] = y[(a, g)];
                    }
                }
            }
            spectrum = f.s;
        }
        let mut value = self.penalties(&x) + self.lambda * spectrum.iter().sum::<f64>();
        let g = groups.count();
        let mut blocks = Blocks { same: vec![0.0; g], other: Mat::zeros(g, g) };
        for j in 0..g {
            let mut odds = Vec::with_capacity(g);
            value += groups.many[j] * groups.share(j) * self.column(&x, j, |p, _, _| odds.push(p));
            let mut odds = odds.into_iter();
            if groups.many[j] >= 2.0 {
                blocks.same[j] = odds.next().unwrap_or_default() / (groups.many[j] - 1.0);
            }
            for i in (0..g).filter(|&i| i != j) {
                blocks.other[(i, j)] = odds.next().unwrap_or_default() / groups.many[i];
            }
        }
        let bound = block_dual(groups, self.lambda, self.bias, blocks)?;
        let between = if rows > 0 { matmul(self.q.as_ref(), self.y(&x).as_ref()) } else { Mat::zeros(1, 1) };
        let bias = (0..g)
            .map(|i| {
                if !self.layout.bias {
                    return 0.0;
                }
                (0..rows).map(|a| self.q[(i, a)] * x[self.layout.d(a)]).sum::<f64>() / groups.many[i].sqrt()
            })
            .collect();
        let mut within = vec![0.0; g];
        self.layout.alive.iter().enumerate().for_each(|(v, &i)| within[i] = x[v]);
        Ok(GroupMinimum { value, bound, within, between, spectrum, bias, steps })
    }
}

/// `-H^-1 g` by Cholesky after scaling the diagonal to 1; `None` where the diagonal is not positive.
fn solve(hessian: &[f64], gradient: &[f64]) -> Option<Vec<f64>> {
    let n = gradient.len();
    let scale: Vec<f64> = (0..n).map(|i| 1.0 / hessian[i * n + i].sqrt()).collect();
    if n == 0 || scale.iter().any(|s| !s.is_finite()) {
        return None;
    }
    let mut l = vec![0.0; n * n];
    for i in 0..n {
        for j in 0..=i {
            let mut sum = hessian[i * n + j] * scale[i] * scale[j];
            for k in 0..j {
                sum -= l[i * n + k] * l[j * n + k];
            }
            // A direction flat to rounding: keep the step bounded, the line search does the rest.
            l[i * n + j] = if i == j { sum.max(16.0 * f64::EPSILON).sqrt() } else { sum / l[j * n + j] };
        }
    }
    let mut y: Vec<f64> = gradient.iter().zip(&scale).map(|(g, s)| -g * s).collect();
    for i in 0..n {
        for k in 0..i {
            y[i] -= l[i * n + k] * y[k];
        }
        y[i] /= l[i * n + i];
    }
    for i in (0..n).rev() {
        for k in i + 1..n {
            y[i] -= l[k * n + i] * y[k];
        }
        y[i] /= l[i * n + i];
    }
    Some(y.iter().zip(&scale).map(|(y, s)| y * s).collect())
}
