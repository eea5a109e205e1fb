//! In-context learning at depth over exact rationals: literal layers, moments by pairings, optimal schedules.
use crate::exact::{
    Draw, Law, Matrix, Q, chain, coin, frac, instances, int, mean, normal_to_order_five, pairings, pow,
    product, sum, vectors,
};

/// A prompt: inputs, labels, query.
struct Prompt {
    x: Matrix,
    y: Matrix,
    query: Matrix,
}

impl Prompt {
    fn new(draw: &mut Draw, d: usize, n: usize) -> Self {
        Self { x: draw.matrix(d, n), y: draw.matrix(1, n), query: draw.matrix(d, 1) }
    }

    fn over(&self) -> Q {
        frac(1, self.x.columns as i64)
    }

    fn covariance(&self) -> Matrix {
        (&self.x * &self.x.t()).scale(&self.over())
    }

    fn cross(&self) -> Matrix {
        (&self.x * &self.y.t()).scale(&self.over())
    }

    /// `[X, x_q; y, 0]`.
    fn tokens(&self) -> Matrix {
        self.x.beside(&self.query).above(&self.y.beside(&Matrix::zeros(1, 1)))
    }
}

/// `Z + (1/N) P Z M Z' Q Z`, the query masked or not.
fn layer(z: &Matrix, p: &Matrix, q: &Matrix, masked: bool) -> Matrix {
    let n = z.columns - 1;
    let mut mask = Matrix::identity(n + 1);
    if masked {
        mask.set(n, n, int(0));
    }
    let update = chain(&[p, z, &mask, &z.t(), q, z]);
    z + &update.scale(&frac(1, n as i64))
}

/// `diag(A, b)` with a square block and a scalar.
fn block_diagonal(a: &Matrix, b: &Q) -> Matrix {
    let d = a.rows;
    let mut m = Matrix::zeros(d + 1, d + 1);
    for i in 0..d {
        for j in 0..d {
            m.set(i, j, a.at(i, j).clone());
        }
    }
    m.set(d, d, b.clone());
    m
}

/// Minus the label slot of the query.
fn prediction(z: &Matrix) -> Q {
    -z.at(z.rows - 1, z.columns - 1).clone()
}

/// One layer and K layers of the first construction, several outputs, any initial map: every slot of every token.
///
/// Exact identity: ICL-30, ICL-31
#[test]
fn layers_are_gradient_steps() {
    instances(8, |draw| {
        let (d, m, n) = (draw.size(1, 3), draw.size(1, 2), draw.size(1, 4));
        let (x, y, query) = (draw.matrix(d, n), draw.matrix(m, n), draw.matrix(d, 1));
        let start = draw.matrix(m, d);
        let mut z = x.beside(&query).above(&y.beside(&-&(&start * &query)));
        let mut w = start.clone();
        for _ in 0..3 {
            let eta = draw.any();
            // Values W_V = [0, 0; W_0, -I], keys and queries read the inputs; context tokens only.
            let value = Matrix::zeros(d, d + m).above(&start.beside(&-&Matrix::identity(m)));
            let inputs = z.block(0..d, 0..n + 1);
            let context = z.block(0..d + m, 0..n);
            let scores = &z.block(0..d, 0..n).t() * &inputs;
            z = &z + &chain(&[&value, &context, &scores]).scale(&(&eta / int(n as i64)));
            let gradient = (&(&(&w * &x) - &y) * &x.t()).scale(&frac(1, n as i64));
            w = &w - &gradient.scale(&eta);
            let moved = &w - &start;
            assert_eq!(z.block(d..d + m, 0..n), &y - &(&moved * &x));
            assert_eq!(z.block(d..d + m, n..n + 1), -&(&w * &query));
            assert_eq!(z.block(0..d, 0..n + 1), x.beside(&query));
        }
    });
}

/// The masked form predicts with K steps from 0; without the mask the query is one more example with label 0.
///
/// Exact identity: ICL-31, ICL-32
#[test]
fn masked_and_unmasked_layers() {
    instances(8, |draw| {
        let (d, n) = (draw.size(1, 3), draw.size(1, 4));
        let prompt = Prompt::new(draw, d, n);
        for masked in [true, false] {
            let mut z = prompt.tokens();
            let mut w = Matrix::zeros(d, 1);
            for _ in 0..3 {
                let eta = draw.any();
                let p = block_diagonal(&Matrix::zeros(d, d), &int(1));
                let q = block_diagonal(&Matrix::identity(d).scale(&-&eta), &int(0));
                z = layer(&z, &p, &q, masked);
                let mut gradient = &(&prompt.covariance() * &w) - &prompt.cross();
                if !masked {
                    let extra = prompt.query.scale(&(prompt.query.dot(&w) * prompt.over()));
                    gradient = &gradient + &extra;
                }
                w = &w - &gradient.scale(&eta);
                assert_eq!(prediction(&z), w.dot(&prompt.query));
            }
            if masked {
                let residuals = &prompt.y - &(&w.t() * &prompt.x);
                assert_eq!(z.block(d..d + 1, 0..n), residuals);
            }
        }
    });
}

/// Arbitrary sparse layers: descent with the preconditioner that the transformed inputs carry.
///
/// Exact identity: ICL-33
#[test]
fn sparse_layers() {
    instances(6, |draw| {
        let (d, n) = (draw.size(1, 3), draw.size(1, 3));
        let prompt = Prompt::new(draw, d, n);
        let (s, b) = (prompt.covariance(), prompt.cross());
        let mut z = prompt.tokens();
        let (mut w, mut g) = (Matrix::zeros(d, 1), Matrix::identity(d));
        for _ in 0..3 {
            let (a, big) = (draw.matrix(d, d), draw.matrix(d, d));
            z = layer(&z, &block_diagonal(&big, &int(1)), &block_diagonal(&a, &int(0)), true);
            let direction = &b - &(&s * &w);
            w = &w - &chain(&[&g.t(), &a.t(), &g, &direction]);
            let transformed = chain(&[&g, &s, &g.t()]);
            g = &(&Matrix::identity(d) + &chain(&[&big, &transformed, &a])) * &g;
            assert_eq!(prediction(&z), w.dot(&prompt.query));
            assert_eq!(z.block(0..d, 0..n), &g * &prompt.x);
        }
    });
}

/// `(p_K(S), q_K(S))` by the eigenvalue recursions with S for lambda.
fn polynomials(s: &Matrix, eta: &[Q], gamma: &[Q]) -> (Matrix, Matrix) {
    let d = s.rows;
    let (mut p, mut q, mut g) = (Matrix::identity(d), Matrix::zeros(d, d), Matrix::identity(d));
    for (eta, gamma) in eta.iter().zip(gamma) {
        let square = &g * &g;
        q = &q + &(&square * &p).scale(eta);
        let lambda = &square * s;
        p = &p - &(&lambda * &p).scale(eta);
        g = &g - &(&lambda * &g).scale(gamma);
    }
    (p, q)
}

/// GD++ in literal layers is a polynomial in S; equivariance under a change of covariance.
///
/// Exact identity: ICL-34, ICL-36
#[test]
fn gradient_descent_plus_plus() {
    instances(5, |draw| {
        let (d, n) = (draw.size(1, 2), draw.size(1, 3));
        let prompt = Prompt::new(draw, d, n);
        let (eta, gamma): (Vec<Q>, Vec<Q>) = (0..3).map(|_| (draw.positive(), draw.any())).unzip();
        let one = Matrix::identity(d);
        let mut z = prompt.tokens();
        for (eta, gamma) in eta.iter().zip(&gamma) {
            z = layer(&z, &block_diagonal(&one.scale(gamma), eta), &block_diagonal(&-&one, &int(0)), true);
        }
        let s = prompt.covariance();
        let (p, q) = polynomials(&s, &eta, &gamma);
        assert_eq!(p, &one - &(&s * &q));
        let w = &q * &prompt.cross();
        assert_eq!(prediction(&z), w.dot(&prompt.query));
        // On labels w'x + e: the error is -p(S) w + q(S) X e / N.
        let (truth, noise) = (draw.matrix(d, 1), draw.matrix(n, 1));
        let labels = &(&prompt.x.t() * &truth) + &noise;
        let fitted = &q * &(&prompt.x * &labels).scale(&prompt.over());
        let error = &(&q * &(&prompt.x * &noise)).scale(&prompt.over()) - &(&p * &truth);
        assert_eq!(&fitted - &truth, error);
        // Inputs T u with A = -eta (T T')^-1, B = gamma/eta: the prediction of the untransformed prompt.
        let t = draw.matrix(d, d);
        let Some(inverse) = (&t * &t.t()).inverse() else { return };
        let moved = Prompt { x: &t * &prompt.x, y: prompt.y.clone(), query: &t * &prompt.query };
        let mut z = moved.tokens();
        for (eta, gamma) in eta.iter().zip(&gamma) {
            let p = block_diagonal(&one.scale(&(gamma / eta)), &int(1));
            z = layer(&z, &p, &block_diagonal(&inverse.scale(&-eta), &int(0)), true);
        }
        assert_eq!(prediction(&z), w.dot(&prompt.query));
    });
}

/// The map of extreme eigenvalues, with m = mu^2 and M = nu^2.
///
/// Exact identity: ICL-35
#[test]
fn condition_number_of_one_step() {
    instances(20, |draw| {
        let mu = draw.positive();
        let nu = &mu + &draw.positive();
        let (m, big) = (&mu * &mu, &nu * &nu);
        let gamma = int(1) / (&big + &mu * &nu + &m);
        let f = |l: &Q| l * pow(&(int(1) - &gamma * l), 2);
        assert_eq!(f(&m), f(&big));
        let top = int(1) / (int(3) * &gamma);
        assert!(m <= top && top <= big);
        assert_eq!(f(&top), frac(4, 27) / &gamma);
        let (kappa, root) = (&big / &m, &nu / &mu);
        let best =
            int(4) * pow(&(&kappa + &root + int(1)), 3) / (int(27) * &kappa * pow(&(&root + int(1)), 2));
        assert_eq!(f(&top) / f(&m), best);
    });
}

/// Kernel form: the dual polynomial of the Gram matrix, residuals included.
///
/// Exact identity: ICL-38
#[test]
fn kernel_form() {
    instances(6, |draw| {
        let (d, n) = (draw.size(1, 3), draw.size(1, 3));
        let prompt = Prompt::new(draw, d, n);
        let eta = draw.list(3);
        let none = vec![int(0); 3];
        let over = prompt.over();
        let gram = (&prompt.x.t() * &prompt.x).scale(&over);
        let (p, q) = polynomials(&gram, &eta, &none);
        let primal = &polynomials(&prompt.covariance(), &eta, &none).1 * &prompt.cross();
        let kernel = (&prompt.x.t() * &prompt.query).t();
        assert_eq!(chain(&[&kernel, &q, &prompt.y.t()]).scale(&over).at(0, 0), &primal.dot(&prompt.query));
        assert_eq!(&prompt.y - &(&primal.t() * &prompt.x), &prompt.y * &p);
    });
}

/// `E (X X')^k` entry by entry: all pairings of the 2k factors, every index summed.
fn wishart(k: usize, n: usize, lambda: &Matrix) -> Matrix {
    let d = lambda.rows;
    let mut total = Matrix::zeros(d, d);
    // Factors 2m, 2m+1 share a column; their rows are r_m, r_(m+1).
    pairings(2 * k, &mut |partner| {
        for columns in 0..n.pow(k as u32) {
            let column = |f: usize| columns / n.pow((f / 2) as u32) % n;
            if (0..2 * k).any(|f| column(f) != column(partner[f])) {
                continue;
            }
            for rows in 0..d.pow(k as u32 + 1) {
                let row = |f: usize| rows / d.pow(f.div_ceil(2) as u32) % d;
                let term = product(
                    (0..2 * k)
                        .filter(|&f| f < partner[f])
                        .map(|f| lambda.at(row(f), row(partner[f])).clone()),
                );
                let (i, j) = (row(0), row(2 * k - 1));
                let more = total.at(i, j) + term;
                total.set(i, j, more);
            }
        }
    });
    total
}

/// Matrix moments for a general covariance.
///
/// Exact identity: ICL-39
#[test]
fn wishart_moments() {
    instances(2, |draw| {
        let lambda = draw.semidefinite(2, 2);
        for n in [1_usize, 2] {
            let t = |k: usize| lambda.power(k).trace();
            let s = int(n as i64);
            let n_ = |k: i64| pow(&s, k);
            let formula = |terms: &[(usize, Q)]| {
                terms.iter().fold(Matrix::zeros(2, 2), |m, (k, c)| &m + &lambda.power(*k).scale(c))
            };
            assert_eq!(wishart(1, n, &lambda), formula(&[(1, s.clone())]));
            assert_eq!(wishart(2, n, &lambda), formula(&[(2, n_(2) + &s), (1, &s * t(1))]));
            let third = [
                (3, n_(3) + int(3) * n_(2) + int(4) * &s),
                (2, int(2) * (n_(2) + &s) * t(1)),
                (1, (n_(2) + &s) * t(2) + &s * t(1) * t(1)),
            ];
            assert_eq!(wishart(3, n, &lambda), formula(&third));
            let square = n_(2) + &s;
            let cube = n_(3) + int(3) * n_(2) + int(4) * &s;
            let fourth = [
                (4, n_(4) + int(6) * n_(3) + int(21) * n_(2) + int(20) * &s),
                (3, int(3) * &cube * t(1)),
                (2, (int(2) * n_(3) + int(5) * n_(2) + int(5) * &s) * t(2) + int(3) * &square * t(1) * t(1)),
                (1, &cube * t(3) + int(3) * &square * t(1) * t(2) + &s * pow(&t(1), 3)),
            ];
            if n == 1 {
                assert_eq!(wishart(4, n, &lambda), formula(&fourth));
            }
        }
    });
}

/// Number of pairings of order k with a loops over rows and b over columns.
fn loops(k: usize) -> std::collections::BTreeMap<(usize, usize), i64> {
    let mut counts = std::collections::BTreeMap::new();
    // Rows are shared by 2m+1 and 2m+2 around the trace, columns by 2m and 2m+1.
    let cycles = |partner: &[usize], neighbour: &dyn Fn(usize) -> usize| {
        let mut seen = vec![false; 2 * k];
        let mut cycles = 0;
        for start in 0..2 * k {
            if seen[start] {
                continue;
            }
            cycles += 1;
            let mut at = start;
            while !seen[at] {
                seen[at] = true;
                let other = partner[at];
                seen[other] = true;
                at = neighbour(other);
            }
        }
        cycles
    };
    pairings(2 * k, &mut |partner| {
        let rows =
            cycles(partner, &|f| if f % 2 == 1 { (f + 1) % (2 * k) } else { (f + 2 * k - 1) % (2 * k) });
        let columns = cycles(partner, &|f| f ^ 1);
        *counts.entry((rows, columns)).or_default() += 1;
    });
    counts
}

/// The printed table of trace moments to order 6 counts pairings; its leading coefficients are the Narayana numbers.
///
/// Exact identity: ICL-40, ICL-41
#[test]
fn trace_moments() {
    type Row = (usize, &'static [(usize, usize, i64)]);
    let table: [Row; 6] = [
        (1, &[(1, 1, 1)]),
        (2, &[(1, 1, 1), (1, 2, 1)]),
        (3, &[(1, 1, 4), (1, 2, 3), (1, 3, 1), (2, 2, 3)]),
        (4, &[(1, 1, 20), (1, 2, 21), (1, 3, 6), (1, 4, 1), (2, 2, 17), (2, 3, 6)]),
        (
            5,
            &[
                (1, 1, 148),
                (1, 2, 160),
                (1, 3, 65),
                (1, 4, 10),
                (1, 5, 1),
                (2, 2, 175),
                (2, 3, 55),
                (2, 4, 10),
                (3, 3, 20),
            ],
        ),
        (
            6,
            &[
                (1, 1, 1348),
                (1, 2, 1620),
                (1, 3, 701),
                (1, 4, 155),
                (1, 5, 15),
                (1, 6, 1),
                (2, 2, 1827),
                (2, 3, 787),
                (2, 4, 135),
                (2, 5, 15),
                (3, 3, 262),
                (3, 4, 50),
            ],
        ),
    ];
    for (k, row) in table {
        let counted = loops(k);
        let mut printed = std::collections::BTreeMap::new();
        for &(a, b, c) in row {
            printed.insert((a, b), c);
            printed.insert((b, a), c);
        }
        assert_eq!(counted, printed, "order {k}");
        // d = 1: moments of chi^2 over N^k.
        for n in [1_i64, 4, 7] {
            let moment = sum(counted.iter().map(|((_, b), c)| int(*c) * pow(&int(n), *b as i64)));
            assert_eq!(moment, product((0..k as i64).map(|i| int(n + 2 * i))));
        }
        for j in 0..k {
            assert_eq!(int(counted[&(j + 1, k - j)]), narayana(k, j));
        }
    }
}

pub(crate) fn binomial(n: usize, k: usize) -> Q {
    product((0..k).map(|i| frac((n - i) as i64, i as i64 + 1)))
}

/// `C(k, j) C(k-1, j) / (j + 1)`.
fn narayana(k: usize, j: usize) -> Q {
    binomial(k, j) * binomial(k - 1, j) / int(j as i64 + 1)
}

/// `mu_k(c)`.
pub(crate) fn limit_moment(k: usize, c: &Q) -> Q {
    if k == 0 { int(1) } else { sum((0..k).map(|j| narayana(k, j) * pow(c, j as i64))) }
}

/// `m_k(d, N)` by counting pairings.
pub(crate) fn finite_moment(k: usize, d: i64, n: i64) -> Q {
    if k == 0 {
        return int(1);
    }
    let total =
        sum(loops(k).iter().map(|((a, b), c)| int(*c) * pow(&int(d), *a as i64) * pow(&int(n), *b as i64)));
    total / (int(d) * pow(&int(n), k as i64))
}

/// The risk of one prompt: the literal error over tasks and noises of unit second moments, against traces of p and q.
///
/// Exact identity: ICL-42, ICL-59
#[test]
fn risk_of_a_prompt() {
    instances(5, |draw| {
        let (d, n) = (2, draw.size(1, 3));
        let prompt = Prompt::new(draw, d, n);
        let (eta, gamma): (Vec<Q>, Vec<Q>) = (0..2).map(|_| (draw.any(), draw.any())).unzip();
        let (tau, sigma) = (draw.positive(), draw.any());
        let s = prompt.covariance();
        let (p, q) = polynomials(&s, &eta, &gamma);
        let total = mean(&vectors(&coin(), d), |w| {
            let w = Matrix::column(w).scale(&tau);
            mean(&vectors(&coin(), n), |e| {
                let labels = &(&prompt.x.t() * &w) + &Matrix::column(e).scale(&sigma);
                let fitted = &q * &(&prompt.x * &labels).scale(&prompt.over());
                (&fitted - &w).norm2()
            })
        });
        let noise = &sigma * &sigma * prompt.over() / (&tau * &tau);
        let risk = (&p * &p).trace() + noise * chain(&[&s, &q, &q]).trace();
        assert_eq!(total, &tau * &tau * risk);
        // p^2 = 1 - S q (1 + p).
        let one = Matrix::identity(d);
        assert_eq!(&p * &p, &one - &chain(&[&s, &q, &(&one + &p)]));
    });
}

/// `1 - 2 sum q_j m_(j+1) + sum q_i q_j (m_(i+j+2) + s m_(i+j+1))`.
pub(crate) fn risk(q: &[Q], s: &Q, m: &[Q]) -> Q {
    let linear = sum(q.iter().enumerate().map(|(j, q)| q * &m[j + 1]));
    let square = sum((0..q.len() * q.len()).map(|k| {
        let (i, j) = (k / q.len(), k % q.len());
        &q[i] * &q[j] * (&m[i + j + 2] + s * &m[i + j + 1])
    }));
    int(1) - int(2) * linear + square
}

/// The best polynomial: solution of the Hankel system.
pub(crate) fn best(k: usize, s: &Q, m: &[Q]) -> Vec<Q> {
    let h = Matrix::from_fn(k, k, |i, j| &m[i + j + 2] + s * &m[i + j + 1]);
    let right = Matrix::column(&(0..k).map(|i| m[i + 1].clone()).collect::<Vec<_>>());
    let q = &h.inverse().expect("positive definite") * &right;
    (0..k).map(|i| q.at(i, 0).clone()).collect()
}

/// One and two layers: printed risks and optima from moments of finite sizes.
///
/// Exact identity: ICL-43, ICL-44
#[test]
fn one_and_two_layers() {
    instances(6, |draw| {
        let (d, n) = (draw.whole(1, 6), draw.whole(1, 6));
        let m: Vec<Q> = (0..=4).map(|k| finite_moment(k, d, n)).collect();
        let s = draw.positive();
        let eta = draw.any();
        let curvature = int(1) + frac(d + 1, n) + &s;
        assert_eq!(
            risk(std::slice::from_ref(&eta), &s, &m),
            int(1) - int(2) * &eta + &eta * &eta * &curvature
        );
        assert_eq!(best(1, &s, &m)[0], int(n) / (int(n + d + 1) + int(n) * &s));
        assert_eq!(risk(&best(1, &s, &m), &s, &m), int(1) - int(1) / curvature);
        // q = alpha - beta lambda.
        let (one, two) = (draw.any(), draw.any());
        let (alpha, beta) = (&one + &two, &one * &two);
        let printed = int(1) - int(2) * &alpha * &m[1] + (&alpha * &alpha + int(2) * &beta) * &m[2]
            - int(2) * &alpha * &beta * &m[3]
            + &beta * &beta * &m[4]
            + &s * (&alpha * &alpha * &m[1] - int(2) * &alpha * &beta * &m[2] + &beta * &beta * &m[3]);
        assert_eq!(risk(&[alpha, -beta], &s, &m), printed);
        let (h00, h01, h11) = (&m[2] + &s, &m[3] + &s * &m[2], &m[4] + &s * &m[3]);
        let det = &h00 * &h11 - &h01 * &h01;
        let q = best(2, &s, &m);
        assert_eq!(q[0], (&h11 - &m[2] * &h01) / &det);
        assert_eq!(q[1], (&m[2] * &h00 - &h01) / &det);
        let least = int(1) - (&h11 - int(2) * &m[2] * &h01 + &m[2] * &m[2] * &h00) / &det;
        assert_eq!(risk(&q, &s, &m), least);
    });
}

/// One layer on inputs that are not Gaussian: independent coordinates of any symmetric law, by enumeration.
///
/// Exact identity: ICL-43
#[test]
fn one_layer_on_other_inputs() {
    instances(4, |draw| {
        let (a, b) = (draw.positive(), draw.positive());
        let law: Law<Q> =
            [(-1, &a), (1, &a), (-1, &b), (1, &b)].map(|(s, x)| (frac(1, 4), int(s) * x)).to_vec();
        let (v, fourth) = (mean(&law, |x| x * x), mean(&law, |x| pow(x, 4)));
        let (d, n) = (draw.size(1, 2), draw.size(1, 2));
        let (tau, sigma, eta) = (draw.positive(), draw.any(), draw.any());
        let over = frac(1, n as i64);
        // Exact averages over w and the noise: tau^2 |eta S - 1|^2 + sigma^2 eta^2 tr S / N, times v.
        let total = mean(&vectors(&law, d * n), |entries| {
            let x = Matrix::from_fn(d, n, |i, j| entries[i * n + j].clone());
            let s = (&x * &x.t()).scale(&over);
            let off = &s.scale(&eta) - &Matrix::identity(d);
            &v * (&tau * &tau * off.norm2() + &sigma * &sigma * &eta * &eta * &over * s.trace())
        });
        let size = int(d as i64);
        let bend = (int(1) - &over) * &v * &v + ((&size - int(1)) * &v * &v + &fourth) * &over;
        let formula = |eta: &Q| {
            &tau * &tau * &v * &size * (int(1) - int(2) * eta * &v + eta * eta * &bend)
                + &sigma * &sigma * eta * eta * &v * &v * &size * &over
        };
        assert_eq!(total, formula(&eta));
        let noise = &sigma * &sigma * &over / (&tau * &tau);
        let best = int(1) / (&v * (int(1) - &over) + ((&size - int(1)) * &v + &fourth / &v) * &over + noise);
        assert_eq!(formula(&best), &tau * &tau * &v * &size * (int(1) - &v * &best));
    });
}

/// Completed square and monotone optimum for any depth, finite sizes.
///
/// Exact identity: ICL-45
#[test]
fn hankel_optimum() {
    instances(3, |draw| {
        let (d, n) = (draw.whole(2, 6), draw.whole(2, 6));
        let m: Vec<Q> = (0..=6).map(|k| finite_moment(k, d, n)).collect();
        let s = draw.positive();
        let mut last = int(1);
        for k in 1..=3 {
            let q = best(k, &s, &m);
            let least = risk(&q, &s, &m);
            assert_eq!(least, int(1) - sum((0..k).map(|j| &q[j] * &m[j + 1])));
            let other = draw.list(k);
            let step: Vec<Q> = other.iter().zip(&q).map(|(a, b)| a - b).collect();
            let h = Matrix::from_fn(k, k, |i, j| &m[i + j + 2] + &s * &m[i + j + 1]);
            let step = Matrix::column(&step);
            assert_eq!(risk(&other, &s, &m), &least + chain(&[&step.t(), &h, &step]).at(0, 0));
            assert!(h.is_definite() && least < last);
            last = least;
        }
    });
}

/// Orthogonal polynomials give the Hankel solution, for a law on finitely many eigenvalues; tokens with a third slot realise
/// descent on the ridge loss.
///
/// Exact identity: ICL-46
#[test]
fn ridge_descent() {
    instances(6, |draw| {
        let law: Law<Q> = (0..4).map(|i| (frac(1, 4), draw.positive() + int(6 * i))).collect();
        let m: Vec<Q> = (0..=6).map(|k| mean(&law, |x| pow(x, k))).collect();
        let s = draw.positive();
        for k in 1..=3_usize {
            // The monic orthogonal polynomial of lambda dmu: its lower coefficients solve the moment equations.
            let gram = Matrix::from_fn(k, k, |i, j| m[i + j + 1].clone());
            let right = Matrix::column(&(0..k).map(|i| -m[i + k + 1].clone()).collect::<Vec<_>>());
            let lower = &gram.inverse().expect("four eigenvalues") * &right;
            let pi = |x: &Q| pow(x, k as i64) + sum((0..k).map(|i| lower.at(i, 0) * pow(x, i as i64)));
            let q = best(k, &s, &m);
            for (_, x) in &law {
                let value = sum(q.iter().enumerate().map(|(j, q)| q * pow(x, j as i64)));
                assert_eq!(value, (int(1) - pi(x) / pi(&-&s)) / (x + &s));
            }
        }
        let (d, n) = (2, 3);
        let prompt = Prompt::new(draw, d, n);
        let (mut w, mut r) = (Matrix::zeros(d, 1), prompt.y.beside(&Matrix::zeros(1, 1)));
        let inputs = prompt.x.beside(&prompt.query);
        let labels = r.clone();
        for _ in 0..3 {
            let eta = draw.any();
            let attention =
                chain(&[&r.block(0..1, 0..n), &prompt.x.t(), &inputs]).scale(&(-&eta * prompt.over()));
            let local = &r.scale(&(int(1) - &eta * &s)) + &labels.scale(&(&eta * &s));
            r = &local + &attention;
            let gradient = &(&(&prompt.covariance() + &Matrix::identity(d).scale(&s)) * &w) - &prompt.cross();
            w = &w - &gradient.scale(&eta);
            assert_eq!(r.block(0..1, 0..n), &prompt.y - &(&w.t() * &prompt.x));
            assert_eq!(-r.at(0, n).clone(), w.dot(&prompt.query));
        }
    });
}

/// Optimal depth in the limit: closed form, recursion in depth and Hankel system with Narayana moments; r and sqrt(c) rational.
///
/// Exact identity: ICL-47
#[test]
fn optimal_depth() {
    let mut noisy = 0;
    instances(30, |draw| {
        let root = draw.positive();
        let c = &root * &root;
        let r = draw.unit();
        let s = &root * (&r + int(1) / &r) - int(1) - &c;
        if s < int(0) {
            return;
        }
        noisy += 1;
        let m: Vec<Q> = (0..=6).map(|k| limit_moment(k, &c)).collect();
        let mut u = int(0);
        for k in 0..=8_usize {
            let power = |n: usize| pow(&r, n as i64);
            let gained = &r / &root * (int(1) - power(2 * k)) / (int(1) - power(2 * k + 2));
            assert_eq!(u, gained);
            if (1..=3).contains(&k) {
                assert_eq!(risk(&best(k, &s, &m), &s, &m), int(1) - &gained);
            }
            let gap = &r / &root * power(2 * k) * (int(1) - power(2)) / (int(1) - power(2 * k + 2));
            assert_eq!(int(1) - &u, int(1) - &r / &root + gap);
            u = int(1) / (int(1) + &c + &s - &c * &u);
        }
    });
    assert!(noisy >= 5, "{noisy} cases with s >= 0");
    // Without noise, any c: the geometric sum.
    instances(10, |draw| {
        let c = draw.positive();
        let m: Vec<Q> = (0..=6).map(|k| limit_moment(k, &c)).collect();
        for k in 1..=3_usize {
            let sum = sum((0..=k as i64).map(|j| pow(&c, -j)));
            assert_eq!(risk(&best(k, &int(0), &m), &int(0), &m), int(1) / sum);
        }
    });
}

/// The constant step 1/(1 + c) at every depth: Catalan sum and stationarity, from the moments.
///
/// Exact identity: ICL-49
#[test]
fn constant_step() {
    instances(8, |draw| {
        let c = draw.positive();
        let eta = int(1) / (int(1) + &c);
        for k in 1..=4_usize {
            // R = E (1 - eta lambda)^(2k); its derivative is proportional to E lambda (1 - eta lambda)^(2k-1).
            let moment = |n: usize, shift: usize| {
                sum((0..=n).map(|j| binomial(n, j) * pow(&-&eta, j as i64) * limit_moment(j + shift, &c)))
            };
            assert_eq!(moment(2 * k - 1, 1), int(0));
            let ratio = &c / pow(&(int(1) + &c), 2);
            let catalan = sum((0..k).map(|j| binomial(2 * j, j) / int(j as i64 + 1) * pow(&ratio, j as i64)));
            assert_eq!(moment(2 * k, 0), int(1) - &eta * catalan);
        }
    });
}

/// One scalar step on a general covariance, by enumeration of the inputs.
///
/// Exact identity: ICL-55
#[test]
fn scalar_step_on_a_general_covariance() {
    for (d, n) in [(1_usize, 1_usize), (1, 3), (2, 1), (2, 2)] {
        instances(2, |draw| {
            let root = draw.matrix(d, d);
            let lambda = &root * &root.t();
            let (tau2, sigma2, eta) = (draw.positive(), draw.positive(), draw.any());
            let over = frac(1, n as i64);
            let total = mean(&vectors(&normal_to_order_five(), d * n), |g| {
                let x = &root * &Matrix::from_fn(d, n, |i, j| g[i * n + j].clone());
                let s = (&x * &x.t()).scale(&over);
                let p = &Matrix::identity(d) - &s.scale(&eta);
                &tau2 * chain(&[&lambda, &p, &p]).trace()
                    + &sigma2 * &over * &eta * &eta * (&lambda * &s).trace()
            });
            let t = |k: usize| lambda.power(k).trace();
            let bend = (int(1) + &over) * t(3) + t(1) * t(2) * &over;
            let formula = &tau2 * (t(1) - int(2) * &eta * t(2) + &eta * &eta * bend)
                + &sigma2 * &over * &eta * &eta * t(2);
            assert_eq!(total, formula);
        });
    }
}

/// Recursive least squares: rank-one updates give ridge, in any order of the examples.
///
/// Exact identity: ICL-57
#[test]
fn recursive_ridge() {
    instances(8, |draw| {
        let (d, n) = (draw.size(1, 3), draw.size(1, 4));
        let prompt = Prompt::new(draw, d, n);
        let lambda = draw.positive();
        for backwards in [false, true] {
            let mut v = Matrix::identity(d).scale(&(int(1) / &lambda));
            let mut w = Matrix::zeros(d, 1);
            for k in 0..n {
                let i = if backwards { n - 1 - k } else { k };
                let x = prompt.x.block(0..d, i..i + 1);
                let gain = int(1) / (int(1) + chain(&[&x.t(), &v, &x]).at(0, 0));
                v = &v - &chain(&[&v, &x, &x.t(), &v]).scale(&gain);
                let miss = prompt.y.at(0, i) - w.dot(&x);
                w = &w + &(&v * &x).scale(&miss);
            }
            let system = &(&prompt.x * &prompt.x.t()) + &Matrix::identity(d).scale(&lambda);
            let ridge = &system.inverse().expect("definite") * &(&prompt.x * &prompt.y.t());
            assert_eq!(w, ridge);
        }
    });
}
