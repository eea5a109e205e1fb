//! One-layer in-context learning over exact rationals: formulas against sums over all prompts of a finite law.
//!
//! A Gaussian enters a loss through few moments, so that it may be replaced by a law on five points with the same moments
//! up to order five: every expectation is then a finite sum, and equality is exact.
use crate::exact::{
    Law, Matrix, Q, chain, coin, frac, instances, int, mean, normal_to_order_five, pairings, pow, product,
    slope, sum, vectors,
};

/// A problem in roots: `Lambda_c = L L'` of the context, `Lambda_q` of the query, `Psi = C C' + mu mu'`, noise `sigma^2`.
struct Problem {
    context: Matrix,
    query: Matrix,
    task: Matrix,
    mean: Matrix,
    sigma: Q,
    length: usize,
    /// Law of the radius that multiplies each context token.
    radius: Law<Q>,
}

impl Problem {
    fn lambda(&self) -> Matrix {
        &self.context * &self.context.t()
    }

    fn psi(&self) -> Matrix {
        &(&self.task * &self.task.t()) + &(&self.mean * &self.mean.t())
    }

    fn sigma2(&self) -> Q {
        &self.sigma * &self.sigma
    }

    fn n(&self) -> Q {
        int(self.length as i64)
    }

    fn signal(&self) -> Q {
        (&self.lambda() * &self.psi()).trace()
    }

    /// `(1 + 1/N) Lambda Psi Lambda + (t + sigma^2)/N Lambda`.
    fn second_moment(&self) -> Matrix {
        second_moment(&self.lambda(), &self.psi(), &self.sigma2(), &(int(1) / self.n()))
    }

    /// `E (x_q' A s - w' x_q)^2` over every prompt, task, noise and query.
    fn risk_by_enumeration(&self, a: &Matrix) -> Q {
        let d = self.context.rows;
        let mut tokens = Vec::new();
        for (p, g) in vectors(&normal_to_order_five(), d) {
            for (r, radius) in &self.radius {
                tokens.push((&p * r, (&self.context * &Matrix::column(&g)).scale(radius)));
            }
        }
        let queries: Law<Matrix> =
            vectors(&coin(), d).into_iter().map(|(p, g)| (p, &self.query * &Matrix::column(&g))).collect();
        let tasks: Law<Matrix> = vectors(&coin(), self.task.columns)
            .into_iter()
            .map(|(p, g)| (p, &(&self.task * &Matrix::column(&g)) + &self.mean))
            .collect();
        let noises = vectors(&coin(), self.length);
        let mut total = int(0);
        for (p, context) in vectors(&tokens, self.length) {
            for (r, w) in &tasks {
                let clean: Vec<Q> = context.iter().map(|x| x.dot(w)).collect();
                for (v, noise) in &noises {
                    let mut s = Matrix::zeros(d, 1);
                    for ((x, y), e) in context.iter().zip(&clean).zip(noise) {
                        s = &s + &x.scale(&(y + e * &self.sigma));
                    }
                    let miss = &(a * &s.scale(&(int(1) / self.n()))) - w;
                    total += &p * r * v * mean(&queries, |x| pow(&x.dot(&miss), 2));
                }
            }
        }
        total
    }
}

pub(crate) fn second_moment(lambda: &Matrix, psi: &Matrix, sigma2: &Q, inverse: &Q) -> Matrix {
    let t = (lambda * psi).trace();
    let cross = chain(&[lambda, psi, lambda]);
    &cross.scale(&(int(1) + inverse)) + &lambda.scale(&((t + sigma2) * inverse))
}

/// `tr(Lambda A S A') - 2 tr(Lambda A Lambda Psi) + tr(Lambda Psi)`.
pub(crate) fn loss(a: &Matrix, lambda: &Matrix, psi: &Matrix, s: &Matrix) -> Q {
    chain(&[lambda, a, s, &a.t()]).trace() - int(2) * chain(&[lambda, a, lambda, psi]).trace()
        + (lambda * psi).trace()
}

/// `(a Psi Lambda + b I)^-1 Psi`.
fn minimizer(lambda: &Matrix, psi: &Matrix, sigma2: &Q, inverse: &Q) -> Matrix {
    let b = ((lambda * psi).trace() + sigma2) * inverse;
    let system = &(psi * lambda).scale(&(int(1) + inverse)) + &Matrix::identity(lambda.rows).scale(&b);
    &system.inverse().expect("t + sigma^2 > 0") * psi
}

fn problem(draw: &mut crate::exact::Draw, d: usize, length: usize) -> Problem {
    let context = draw.matrix(d, d);
    Problem {
        query: context.clone(),
        context,
        task: draw.matrix(d, d),
        mean: Matrix::zeros(d, 1),
        sigma: draw.any(),
        length,
        radius: vec![(int(1), int(1))],
    }
}

/// Sizes that are enumerated, with the number of instances of each.
const SIZES: [(usize, usize, u64); 4] = [(1, 1, 8), (1, 3, 3), (2, 1, 6), (2, 2, 1)];

/// The population loss is the mean over all prompts, for any matrix, singular covariances included.
///
/// Exact identity: ICL-2
#[test]
fn loss_is_the_mean_over_all_prompts() {
    for (d, n, count) in SIZES {
        instances(count, |draw| {
            let p = problem(draw, d, n);
            let a = draw.matrix(d, d);
            assert_eq!(p.risk_by_enumeration(&a), loss(&a, &p.lambda(), &p.psi(), &p.second_moment()));
        });
    }
}

/// Gradient (against the derivative of the loss along every entry), stationarity, symmetry, completed square, both forms
/// of the minimum.
///
/// Exact identity: ICL-3
#[test]
fn minimizer_is_stationary_and_completes_the_square() {
    instances(12, |draw| {
        let d = draw.size(1, 3);
        let rank = draw.size(1, d);
        let (lambda, psi) = (draw.semidefinite(d, d), draw.semidefinite(d, rank));
        let (sigma2, inverse) = (draw.positive(), int(1) / int(draw.whole(1, 9)));
        let s = second_moment(&lambda, &psi, &sigma2, &inverse);
        let best = minimizer(&lambda, &psi, &sigma2, &inverse);
        let cross = chain(&[&lambda, &psi, &lambda]);
        let gradient = |a: &Matrix| (&chain(&[&lambda, a, &s]) - &cross).scale(&int(2));
        assert_eq!(gradient(&best), Matrix::zeros(d, d));
        assert_eq!(best, best.t());
        let a = draw.matrix(d, d);
        for i in 0..d {
            for j in 0..d {
                let along = |t: &Q| {
                    let mut moved = a.clone();
                    moved.set(i, j, a.at(i, j) + t);
                    loss(&moved, &lambda, &psi, &s)
                };
                assert_eq!(slope(along), *gradient(&a).at(i, j));
            }
        }
        let least = loss(&best, &lambda, &psi, &s);
        assert_eq!(least, (&lambda * &psi).trace() - best.dot(&cross));
        let step = &a - &best;
        assert_eq!(loss(&a, &lambda, &psi, &s), &least + chain(&[&lambda, &step, &s, &step.t()]).trace());
        // Commuting case: the sum over eigenvalues beta of the product.
        let (l, w): (Vec<Q>, Vec<Q>) = (0..d).map(|_| (draw.positive(), draw.positive())).unzip();
        let (lambda, psi) = (Matrix::diagonal(&l), Matrix::diagonal(&w));
        let t = (&lambda * &psi).trace();
        let n = int(1) / &inverse;
        let spectral = sum(l.iter().zip(&w).map(|(l, w)| {
            let beta = l * w;
            &beta * (&beta + &t + &sigma2) / ((&n + int(1)) * &beta + &t + &sigma2)
        }));
        let best = minimizer(&lambda, &psi, &sigma2, &inverse);
        assert_eq!(loss(&best, &lambda, &psi, &second_moment(&lambda, &psi, &sigma2, &inverse)), spectral);
    });
}

/// The Hessian of the loss in A is `2 S (x) Lambda`, a product of two squares: `L` is convex for every instance.
///
/// Exact identity: ICL-3
#[test]
fn curvature_is_a_sum_of_squares() {
    instances(8, |draw| {
        let d = draw.size(1, 3);
        let (root, task) = (draw.matrix(d, d), draw.matrix(d, d));
        let (lambda, psi) = (&root * &root.t(), &task * &task.t());
        let (sigma, inverse) = (draw.any(), int(1) / int(draw.whole(1, 9)));
        let sigma2 = &sigma * &sigma;
        let s = second_moment(&lambda, &psi, &sigma2, &inverse);
        let (a, step) = (draw.matrix(d, d), draw.matrix(d, d));
        let along = |t: i64| loss(&(&a + &step.scale(&int(t))), &lambda, &psi, &s);
        // A quadratic: its second difference is its curvature.
        let curvature = along(1) + along(-1) - int(2) * along(0);
        // S = L [a W W' + b] L' with Lambda = L L', W = L' C and b a positive number: |L' step L [...]^1/2|^2.
        let w = &root.t() * &task;
        let inner = &root.t() * &(&step * &root);
        let b = ((&lambda * &psi).trace() + &sigma2) * &inverse;
        let squares = (&inner * &w).norm2() * (int(1) + &inverse) + inner.norm2() * b;
        assert_eq!(curvature, int(2) * squares);
    });
}

/// Each paper's minimizer is the general one in its own convention.
///
/// Exact identity: ICL-4
#[test]
fn papers_are_special_cases() {
    instances(10, |draw| {
        let d = draw.size(1, 3);
        let n = int(draw.whole(1, 9));
        let inverse = int(1) / &n;
        let lambda = draw.definite(d);
        let one = Matrix::identity(d);
        let gamma = &lambda.scale(&(int(1) + &inverse)) + &one.scale(&(lambda.trace() * &inverse));
        assert_eq!(minimizer(&lambda, &one, &int(0), &inverse), gamma.inverse().expect("definite"));
        let (tau2, sigma2) = (draw.positive(), draw.positive());
        let eta = int(1) / (&n + int(d as i64 + 1) + &sigma2 / &tau2);
        let isotropic = minimizer(&one, &one.scale(&tau2), &sigma2, &inverse);
        assert_eq!(isotropic, one.scale(&(&n * &eta)));
        let inverted = lambda.inverse().expect("definite");
        let anisotropic = minimizer(&lambda, &inverted.scale(&tau2), &sigma2, &inverse);
        assert_eq!(anisotropic, inverted.scale(&(&n * &eta)));
    });
}

/// Block formula against the matrices, with the query among the keys or masked; other entries do not matter.
///
/// Exact identity: ICL-1
#[test]
fn forward_pass_in_blocks() {
    instances(10, |draw| {
        let (d, n) = (draw.size(1, 3), draw.size(1, 4));
        let (x, y, query) = (draw.matrix(d, n), draw.matrix(1, n), draw.matrix(d, 1));
        let (value, key) = (draw.matrix(d + 1, d + 1), draw.matrix(d + 1, d + 1));
        let rho = draw.positive();
        let tokens = x.beside(&query).above(&y.beside(&Matrix::zeros(1, 1)));
        for inside in [0_i64, 1] {
            let forward = |value: &Matrix, key: &Matrix| {
                let mut mask = Matrix::identity(n + 1);
                mask.set(n, n, int(inside));
                let scores = chain(&[&mask, &tokens.t(), key, &tokens]);
                let update = chain(&[value, &tokens, &scores]).scale(&(int(1) / &rho));
                (&tokens + &update).at(d, n).clone()
            };
            let p = value.block(d..d + 1, 0..d);
            let u = value.at(d, d);
            let big_u = key.block(0..d, 0..d);
            let q = key.block(d..d + 1, 0..d);
            let over = int(1) / &rho;
            let g = (&(&x * &x.t()) + &(&query * &query.t()).scale(&int(inside))).scale(&over);
            let s = (&x * &y.t()).scale(&over);
            let v = (&y * &y.t()).scale(&over);
            let row = [
                chain(&[&p, &g, &big_u]),
                chain(&[&p, &s, &q]),
                chain(&[&s.t(), &big_u]).scale(u),
                chain(&[&v, &q]).scale(u),
            ]
            .iter()
            .fold(Matrix::zeros(1, d), |a, b| &a + b);
            let predicted = (&row * &query).at(0, 0).clone();
            assert_eq!(predicted, forward(&value, &key));
            // Rows of the value matrix above the last, the last column of the keys.
            let (mut other_value, mut other_key) = (value.clone(), key.clone());
            for i in 0..=d {
                other_key.set(i, d, draw.any());
                for k in 0..d {
                    other_value.set(k, i, draw.any());
                }
            }
            assert_eq!(predicted, forward(&other_value, &other_key));
        }
    });
}

/// Another length: affine in 1/M, the enumeration at M, the sum over eigenvalues; random lengths act through the mean of 1/N.
///
/// Exact identity: ICL-5
#[test]
fn lengths() {
    instances(3, |draw| {
        let p = problem(draw, 1, 3);
        let a = draw.matrix(1, 1);
        let (lambda, psi, sigma2) = (p.lambda(), p.psi(), p.sigma2());
        let floor = chain(&[&lambda, &(&(&a * &lambda) - &Matrix::identity(1)), &psi]);
        let floor = (&floor * &(&(&a * &lambda) - &Matrix::identity(1)).t()).trace();
        let slope = chain(&[&lambda, &a, &second_moment(&lambda, &psi, &sigma2, &int(1)), &a.t()]).trace()
            - chain(&[&lambda, &a, &lambda, &psi, &lambda, &a.t()]).trace();
        assert_eq!(p.risk_by_enumeration(&a), floor + slope / p.n());
    });
    instances(10, |draw| {
        let d = draw.size(1, 4);
        let (l, w): (Vec<Q>, Vec<Q>) = (0..d).map(|_| (draw.positive(), draw.positive())).unzip();
        let (lambda, psi) = (Matrix::diagonal(&l), Matrix::diagonal(&w));
        let (sigma2, n, m) = (draw.positive(), int(draw.whole(1, 9)), int(draw.whole(1, 9)));
        let best = minimizer(&lambda, &psi, &sigma2, &(int(1) / &n));
        let t = (&lambda * &psi).trace();
        let spectral = sum(l.iter().zip(&w).map(|(l, w)| {
            let beta = l * w;
            let g = &beta / ((int(1) + int(1) / &n) * &beta + (&t + &sigma2) / &n);
            &beta * pow(&(int(1) - &g), 2) + &g * &g * (&beta + &t + &sigma2) / &m
        }));
        let at = |inverse: &Q| second_moment(&lambda, &psi, &sigma2, inverse);
        assert_eq!(loss(&best, &lambda, &psi, &at(&(int(1) / &m))), spectral);
        // Two lengths with probabilities p and 1 - p.
        let probability = draw.unit();
        let (one, two) = (int(1) / &n, int(1) / &m);
        let harmonic = &probability * &one + (int(1) - &probability) * &two;
        let mixed = minimizer(&lambda, &psi, &sigma2, &harmonic);
        let s = &at(&one).scale(&probability) + &at(&two).scale(&(int(1) - &probability));
        assert_eq!(chain(&[&lambda, &mixed, &s]), chain(&[&lambda, &psi, &lambda]));
    });
}

/// The best multiple of the identity.
///
/// Exact identity: ICL-6
#[test]
fn scalar_step() {
    instances(10, |draw| {
        let d = draw.size(1, 3);
        let (lambda, psi) = (draw.definite(d), draw.definite(d));
        let (sigma2, inverse) = (draw.positive(), int(1) / int(draw.whole(1, 9)));
        let s = second_moment(&lambda, &psi, &sigma2, &inverse);
        let b = ((&lambda * &psi).trace() + &sigma2) * &inverse;
        let gain = chain(&[&lambda, &lambda, &psi]).trace();
        let eta = &gain
            / ((int(1) + &inverse) * chain(&[&lambda, &lambda, &lambda, &psi]).trace() + b * lambda.norm2());
        let at = |eta: &Q| loss(&Matrix::identity(d).scale(eta), &lambda, &psi, &s);
        let (least, t) = (at(&eta), (&lambda * &psi).trace());
        assert_eq!(least, &t - &eta * &gain);
        assert_eq!(slope(|x| at(&(&eta + x))), int(0));
        let (l, p) = (draw.positive(), draw.positive());
        let n = int(1) / &inverse;
        let (one, size) = (Matrix::identity(d), int(d as i64));
        let isotropic = &n / ((&n + &size + int(1)) * &l + &sigma2 / &p);
        assert_eq!(minimizer(&one.scale(&l), &one.scale(&p), &sigma2, &inverse), one.scale(&isotropic));
    });
}

/// Task, query and covariate shift at once, against the enumeration.
///
/// Exact identity: ICL-8
#[test]
fn shifted_prompts() {
    for (d, n, count) in SIZES {
        instances(count, |draw| {
            let mut p = problem(draw, d, n);
            p.query = draw.matrix(d, d);
            let a = draw.matrix(d, d);
            let (context, query, psi) = (p.lambda(), &p.query * &p.query.t(), p.psi());
            let inner = [
                chain(&[&a, &p.second_moment(), &a.t()]),
                -&chain(&[&a, &context, &psi]),
                -&chain(&[&psi, &context, &a.t()]),
                psi,
            ]
            .iter()
            .fold(Matrix::zeros(d, d), |x, y| &x + y);
            assert_eq!(p.risk_by_enumeration(&a), (&query * &inner).trace());
        });
    }
}

/// Any law of (x, y) with finitely many atoms: three terms against the mean over all pairs of context and query.
///
/// Exact identity: ICL-9
#[test]
fn any_test_law() {
    instances(6, |draw| {
        let (d, m) = (2, 2);
        let atoms: Law<(Matrix, Q)> = (0..4).map(|_| (frac(1, 4), (draw.matrix(d, 1), draw.any()))).collect();
        let moment = |f: &dyn Fn(&(Matrix, Q)) -> Matrix| {
            atoms.iter().fold(None, |total: Option<Matrix>, (p, a)| {
                let term = f(a).scale(p);
                Some(total.map_or(term.clone(), |t| &t + &term))
            })
        };
        let lambda = moment(&|(x, _)| x * &x.t()).expect("atoms");
        let c = moment(&|(x, y)| x.scale(y)).expect("atoms");
        let raw = moment(&|(x, y)| (x * &x.t()).scale(&(y * y))).expect("atoms");
        let sigma = &raw - &(&c * &c.t());
        let best = &lambda.inverse().expect("four atoms span the plane") * &c;
        let a = draw.matrix(d, d);
        let mut total = int(0);
        for (p, context) in vectors(&atoms, m) {
            let s = context.iter().fold(Matrix::zeros(d, 1), |s, (x, y)| &s + &x.scale(&(y / int(m as i64))));
            let direction = &a * &s;
            total += p * mean(&atoms, |(x, y)| pow(&(x.dot(&direction) - y), 2));
        }
        let linear = mean(&atoms, |(_, y)| y * y) - c.dot(&best);
        let off = &(&a * &c) - &best;
        let bias = chain(&[&off.t(), &lambda, &off]).trace();
        let variance = chain(&[&sigma, &a.t(), &lambda, &a]).trace() / int(m as i64);
        assert_eq!(total, linear + bias + variance);
        // The trained map on a diagonal covariance: the published expansion of the bias.
        let (l, w): (Vec<Q>, Vec<Q>) = (0..3).map(|_| (draw.positive(), draw.any())).unzip();
        let n = int(draw.whole(1, 9));
        let trace = sum(l.clone());
        let gamma = |l: &Q| (int(1) + int(1) / &n) * l + &trace / &n;
        let general = sum(l.iter().zip(&w).map(|(l, w)| l * pow(&((l / gamma(l) - int(1)) * w), 2)));
        let expanded = sum(l.iter().zip(&w).map(|(l, w)| {
            let powers = pow(l, 3) + int(2) * &trace * pow(l, 2) + &trace * &trace * l;
            w * w * powers / pow(&gamma(l), 2) / (&n * &n)
        }));
        assert_eq!(general, expanded);
    });
}

/// Mixtures of prompt types: one linear system, a completed square, the value at the solution.
///
/// Exact identity: ICL-11
#[test]
fn mixtures() {
    instances(6, |draw| {
        let d = draw.size(1, 2);
        let share = draw.unit();
        let kinds: Vec<(Q, Matrix, Matrix, Matrix)> = [share.clone(), int(1) - &share]
            .into_iter()
            .map(|p| {
                let (lambda, psi) = (draw.definite(d), draw.definite(d));
                let s = second_moment(&lambda, &psi, &draw.positive(), &frac(1, draw.whole(1, 9)));
                (p, lambda, psi, s)
            })
            .collect();
        // vec stacks columns: entry (i, j) at j d + i.
        let place = |k: usize| (k % d, k / d);
        let system = Matrix::from_fn(d * d, d * d, |r, c| {
            let ((i, j), (k, l)) = (place(r), place(c));
            sum(kinds.iter().map(|(p, lambda, _, s)| p * s.at(j, l) * lambda.at(i, k)))
        });
        let right = kinds
            .iter()
            .fold(Matrix::zeros(d, d), |r, (p, lambda, psi, _)| &r + &chain(&[lambda, psi, lambda]).scale(p));
        let stacked = Matrix::from_fn(d * d, 1, |r, _| right.at(place(r).0, place(r).1).clone());
        let solved = &system.inverse().expect("definite") * &stacked;
        let best = Matrix::from_fn(d, d, |i, j| solved.at(j * d + i, 0).clone());
        let total = |a: &Matrix| sum(kinds.iter().map(|(p, l, w, s)| p * loss(a, l, w, s)));
        let signal = sum(kinds.iter().map(|(p, l, w, _)| p * (l * w).trace()));
        assert_eq!(total(&best), signal - best.dot(&right));
        let a = draw.matrix(d, d);
        let step = &a - &best;
        let square = sum(kinds.iter().map(|(p, l, _, s)| p * chain(&[l, &step, s, &step.t()]).trace()));
        assert_eq!(total(&a), total(&best) + square);
    });
}

/// Jointly diagonal mixtures separate; exponential eigenvalues by their moments k!.
///
/// Exact identity: ICL-12
#[test]
fn diagonal_mixtures() {
    instances(8, |draw| {
        let d = draw.size(1, 3);
        let n = int(draw.whole(1, 9));
        let share = draw.unit();
        let kinds: Law<(Vec<Q>, Vec<Q>, Q)> = [share.clone(), int(1) - &share]
            .map(|p| {
                let (l, w) = (0..d).map(|_| (draw.positive(), draw.positive())).unzip();
                (p, (l, w, draw.positive()))
            })
            .to_vec();
        let s = |(l, w, sigma2): &(Vec<Q>, Vec<Q>, Q), i: usize| {
            let t = sum(l.iter().zip(w).map(|(l, w)| l * w));
            (int(1) + int(1) / &n) * &l[i] * &l[i] * &w[i] + (t + sigma2) / &n * &l[i]
        };
        let best: Vec<Q> = (0..d)
            .map(|i| mean(&kinds, |k| &k.0[i] * &k.0[i] * &k.1[i]) / mean(&kinds, |k| &k.0[i] * s(k, i)))
            .collect();
        // Stationary among all matrices: sum of pi Lambda A S equals sum of pi Lambda Psi Lambda.
        let best = Matrix::diagonal(&best);
        let (mut left, mut right) = (Matrix::zeros(d, d), Matrix::zeros(d, d));
        for (p, (l, w, sigma2)) in &kinds {
            let (lambda, psi) = (Matrix::diagonal(l), Matrix::diagonal(w));
            let s = second_moment(&lambda, &psi, sigma2, &(int(1) / &n));
            left = &left + &chain(&[&lambda, &best, &s]).scale(p);
            right = &right + &chain(&[&lambda, &psi, &lambda]).scale(p);
        }
        assert_eq!(left, right);
        // E l^2 = 2, E l^3 = 6, E l_i^2 l_j = 2: the mean of l s for identity priors without noise.
        let size = int(d as i64);
        let below = (int(1) + int(1) / &n) * int(6) + (int(6) + (&size - int(1)) * int(2)) / &n;
        assert_eq!(int(2) / below, int(2) / (int(6) + (int(2) * size + int(10)) / &n));
    });
}

/// Random tasks on a finite law of pairs: stationarity and value from C and R alone.
///
/// Exact identity: ICL-13
#[test]
fn general_targets() {
    instances(4, |draw| {
        let (d, n) = (2, 2);
        // One law of inputs for both tasks; labels are two arbitrary functions of it.
        let inputs: Vec<Matrix> = (0..4).map(|_| draw.matrix(d, 1)).collect();
        let labels: Vec<Vec<Q>> = (0..2).map(|_| draw.list(4)).collect();
        let weight = frac(1, 4);
        let lambda = inputs.iter().fold(Matrix::zeros(d, d), |l, x| &l + &(x * &x.t()).scale(&weight));
        let inverse = lambda.inverse().expect("four atoms span the plane");
        let (mut c, mut r, mut y2) = (Matrix::zeros(d, d), Matrix::zeros(d, d), int(0));
        for f in &labels {
            let mut cf = Matrix::zeros(d, 1);
            for (x, y) in inputs.iter().zip(f) {
                cf = &cf + &x.scale(&(y * &weight));
                r = &r + &(x * &x.t()).scale(&(y * y * &weight * frac(1, 2)));
                y2 += y * y * &weight * frac(1, 2);
            }
            c = &c + &(&cf * &cf.t()).scale(&frac(1, 2));
        }
        let over = frac(1, n as i64);
        let s = &c.scale(&(int(1) - &over)) + &r.scale(&over);
        let a = draw.matrix(d, d);
        let formula = |a: &Matrix| chain(&[&lambda, a, &s, &a.t()]).trace() - int(2) * (a * &c).trace() + &y2;
        let mut total = int(0);
        let indices: Law<usize> = (0..4).map(|i| (weight.clone(), i)).collect();
        for f in &labels {
            for (p, context) in vectors(&indices, n) {
                let s =
                    context.iter().fold(Matrix::zeros(d, 1), |s, &i| &s + &inputs[i].scale(&(&f[i] * &over)));
                let direction = &a * &s;
                total += p * frac(1, 2) * mean(&indices, |&i| pow(&(inputs[i].dot(&direction) - &f[i]), 2));
            }
        }
        assert_eq!(total, formula(&a));
        let best = chain(&[&inverse, &c, &s.inverse().expect("labels of two tasks")]);
        assert_eq!(chain(&[&lambda, &best, &s]), c);
        assert_eq!(formula(&best), &y2 - (&best * &c).trace());
    });
}

/// Cubic single-index targets: moments of a standard normal, 1, 3, 15, 105.
///
/// Exact identity: ICL-14
#[test]
fn cubic_targets() {
    let moment = |k: usize| {
        if k.is_multiple_of(2) { product((0..k / 2).map(|i| int(2 * i as i64 + 1))) } else { int(0) }
    };
    instances(10, |draw| {
        let c = draw.list(4);
        let sigma2 = draw.positive();
        let square =
            |shift: usize| sum((0..16).map(|k| &c[k / 4] * &c[k % 4] * moment(k / 4 + k % 4 + shift)));
        let alpha = sum((0..4).map(|k| &c[k] * moment(k + 1)));
        assert_eq!(alpha, &c[1] + int(3) * &c[3]);
        let (m0, m2) = (square(0), square(2));
        let q = |i: usize, j: usize| &c[i] * &c[j];
        assert_eq!(
            m0,
            q(0, 0) + q(1, 1) + int(3) * q(2, 2) + int(15) * q(3, 3) + int(2) * q(0, 2) + int(6) * q(1, 3)
        );
        assert_eq!(
            m2,
            q(0, 0)
                + int(3) * q(1, 1)
                + int(15) * q(2, 2)
                + int(105) * q(3, 3)
                + int(6) * q(0, 2)
                + int(30) * q(1, 3)
        );
        // ICL-13 with C = alpha^2/d, R = ((d-1) m0 + m2)/d.
        let (n, d) = (int(draw.whole(1, 9)), int(draw.whole(1, 9)));
        let (m0, m2) = (m0 + &sigma2, m2 + &sigma2);
        let c = &alpha * &alpha / &d;
        let r = ((&d - int(1)) * &m0 + &m2) / &d;
        let s = (int(1) - int(1) / &n) * &c + r / &n;
        let eta = &n * &alpha * &alpha / ((&n - int(1)) * &alpha * &alpha + (&d - int(1)) * &m0 + &m2);
        assert_eq!(eta, &c / s);
        assert_eq!(&m0 - &eta * &c * &d, &m0 - &eta * &alpha * &alpha);
    });
}

/// `E (x'Qx)^2 x x'` by all fifteen pairings of six coordinates.
///
/// Exact identity: ICL-15
#[test]
fn quartic_forms() {
    instances(4, |draw| {
        let d = 2;
        let lambda = draw.semidefinite(d, d);
        let g = draw.matrix(d, d);
        let q = &g + &g.t();
        let by_pairs = Matrix::from_fn(d, d, |a, b| {
            let mut total = int(0);
            for k in 0..d.pow(4) {
                let index = [k % 2, (k / 2) % 2, (k / 4) % 2, k / 8, a, b];
                let weight = q.at(index[0], index[1]) * q.at(index[2], index[3]);
                pairings(6, &mut |partner| {
                    let pairs = (0..6).filter(|&i| i < partner[i]);
                    total += &weight * product(pairs.map(|i| lambda.at(index[i], index[partner[i]]).clone()));
                });
            }
            total
        });
        let ql = &q * &lambda;
        let t = ql.trace();
        let formula = [
            lambda.scale(&(&t * &t + int(2) * (&ql * &ql).trace())),
            chain(&[&lambda, &ql]).scale(&(int(4) * &t)),
            chain(&[&lambda, &ql, &ql]).scale(&int(8)),
        ]
        .iter()
        .fold(Matrix::zeros(d, d), |x, y| &x + y);
        assert_eq!(by_pairs, formula);
    });
}

/// The rank-k optimum attains its value; one more direction gains `beta^2/(a beta + b)`.
///
/// Exact identity: ICL-16
#[test]
fn rank_limits() {
    instances(8, |draw| {
        let d = draw.size(1, 4);
        let (mut pairs, sigma2): (Vec<(Q, Q)>, Q) =
            ((0..d).map(|_| (draw.positive(), draw.positive())).collect(), draw.positive());
        pairs.sort_by_key(|pair| std::cmp::Reverse(&pair.0 * &pair.1));
        let (l, w): (Vec<Q>, Vec<Q>) = pairs.into_iter().unzip();
        let (lambda, psi) = (Matrix::diagonal(&l), Matrix::diagonal(&w));
        let inverse = int(1) / int(draw.whole(1, 9));
        let t = (&lambda * &psi).trace();
        let b = (&t + &sigma2) * &inverse;
        let s = second_moment(&lambda, &psi, &sigma2, &inverse);
        for k in 0..=d {
            let beta = |i: usize| &l[i] * &w[i];
            let below = |i: usize| (int(1) + &inverse) * beta(i) + &b;
            let a: Vec<Q> = (0..d).map(|i| if i < k { beta(i) / below(i) / &l[i] } else { int(0) }).collect();
            let value = &t - sum((0..k).map(|i| beta(i) * beta(i) / below(i)));
            assert_eq!(loss(&Matrix::diagonal(&a), &lambda, &psi, &s), value);
        }
    });
}

/// The blocks of the full layer that matter; `big` is U.
#[derive(Clone)]
pub(crate) struct Weights {
    pub(crate) p: Matrix,
    pub(crate) big: Matrix,
    pub(crate) u: Q,
    pub(crate) q: Matrix,
}

/// What the full layer loses beside the loss at `A = u U' + q p'`, for `rho = N` and the query masked.
pub(crate) fn even_part(w: &Weights, lambda: &Matrix, psi: &Matrix, sigma2: &Q, inverse: &Q) -> Q {
    let Weights { p, big, u, q } = w;
    let signal = (lambda * psi).trace() + sigma2;
    let first = &chain(&[lambda, p, &p.t(), lambda]).scale(&(int(1) + inverse))
        + &lambda.scale(&(chain(&[&p.t(), lambda, p]).trace() * inverse));
    let cross = &lambda.scale(&signal) + &chain(&[lambda, psi, lambda]).scale(&(int(2) * inverse));
    let twice = (lambda * psi).power(2).trace() * int(2);
    chain(&[lambda, &big.t(), &first, big]).trace()
        + int(2) * u * chain(&[&q.t(), lambda, &big.t(), &cross, p]).trace()
        + u * u
            * (int(1) + int(2) * inverse)
            * (&signal * &signal + twice)
            * chain(&[&q.t(), lambda, q]).trace()
}

/// The full layer, query masked: all prompts, tasks and noises of laws with the right fourth moments, through the matrices.
///
/// Exact identity: ICL-17
#[test]
fn full_layer_by_enumeration() {
    for (d, n, count) in [(1_usize, 1_usize, 3), (1, 2, 1), (2, 1, 1)] {
        instances(count, |draw| {
            let (root, task, sigma) = (draw.matrix(d, d), draw.matrix(d, d), draw.any());
            let (lambda, psi, sigma2) = (&root * &root.t(), &task * &task.t(), &sigma * &sigma);
            let (p, q, u) = (draw.matrix(d, 1), draw.matrix(d, 1), draw.any());
            let big = draw.matrix(d, d);
            let rho = draw.positive();
            let normal = normal_to_order_five();
            let tokens: Law<Matrix> =
                vectors(&normal, d).into_iter().map(|(r, g)| (r, &root * &Matrix::column(&g))).collect();
            let queries: Law<Matrix> =
                vectors(&coin(), d).into_iter().map(|(r, g)| (r, &root * &Matrix::column(&g))).collect();
            let tasks: Law<Matrix> =
                vectors(&normal, d).into_iter().map(|(r, g)| (r, &task * &Matrix::column(&g))).collect();
            let noises = vectors(&normal, n);
            let over = int(1) / &rho;
            let mut total = int(0);
            for (r1, context) in vectors(&tokens, n) {
                let g = context.iter().fold(Matrix::zeros(d, d), |g, x| &g + &(x * &x.t())).scale(&over);
                for (r2, w) in &tasks {
                    for (r3, noise) in &noises {
                        let (mut s, mut v) = (Matrix::zeros(d, 1), int(0));
                        for (x, e) in context.iter().zip(noise) {
                            let y = x.dot(w) + e * &sigma;
                            v += &y * &y * &over;
                            s = &s + &x.scale(&(y * &over));
                        }
                        let map = &(&(&chain(&[&big.t(), &g, &p]) + &q.scale(&p.dot(&s)))
                            + &(&big.t() * &s).scale(&u))
                            + &q.scale(&(&u * v));
                        let miss = &map - w;
                        total += &r1 * r2 * r3 * mean(&queries, |x| pow(&x.dot(&miss), 2));
                    }
                }
            }
            let size = int(n as i64);
            let f = &size * &over;
            let inverse = int(1) / &size;
            let a = (&big.t().scale(&u) + &(&q * &p.t())).scale(&f);
            let s = second_moment(&lambda, &psi, &sigma2, &inverse);
            let odd = loss(&a, &lambda, &psi, &s);
            let even = even_part(&Weights { p, big, u, q }, &lambda, &psi, &sigma2, &inverse);
            assert_eq!(total, odd + &f * &f * even);
        });
    }
}

/// Flow in the factors: the gradient against derivatives of the loss, and the conserved balance.
///
/// Exact identity: ICL-19
#[test]
fn flow_conserves_the_balance() {
    instances(8, |draw| {
        let d = draw.size(1, 3);
        let (lambda, psi) = (draw.definite(d), draw.semidefinite(d, d));
        let s = second_moment(&lambda, &psi, &draw.positive(), &frac(1, draw.whole(1, 9)));
        let cross = chain(&[&lambda, &psi, &lambda]);
        let (u, big) = (draw.positive(), draw.matrix(d, d));
        // Half the loss at A = u U'.
        let half = |u: &Q, big: &Matrix| loss(&big.t().scale(u), &lambda, &psi, &s) / int(2);
        let velocity = &chain(&[&s, &big, &lambda]).scale(&-(&u * &u)) + &cross.scale(&u);
        let speed = -(&u * chain(&[&lambda, &big.t(), &s, &big]).trace()) + big.dot(&cross);
        assert_eq!(slope(|t| half(&(&u + t), &big)), -&speed);
        for i in 0..d {
            for j in 0..d {
                let along = |t: &Q| {
                    let mut moved = big.clone();
                    moved.set(i, j, big.at(i, j) + t);
                    half(&u, &moved)
                };
                assert_eq!(slope(along), -velocity.at(i, j));
            }
        }
        assert_eq!(&u * speed, big.dot(&velocity));
        // At a minimizer both vanish: U = A*/u for any u.
        let best = chain(&[&lambda.inverse().expect("definite"), &cross, &s.inverse().expect("definite")]);
        let big = best.t().scale(&(int(1) / &u));
        assert_eq!(chain(&[&s, &big, &lambda]).scale(&(&u * &u)), cross.scale(&u));
    });
}

/// Commuting matrices: the flow entry by entry.
///
/// Exact identity: ICL-23
#[test]
fn flow_in_the_eigenbasis() {
    instances(8, |draw| {
        let d = draw.size(1, 3);
        let (l, w): (Vec<Q>, Vec<Q>) = (0..d).map(|_| (draw.positive(), draw.positive())).unzip();
        let (lambda, psi) = (Matrix::diagonal(&l), Matrix::diagonal(&w));
        let (sigma2, inverse) = (draw.positive(), frac(1, draw.whole(1, 9)));
        let s = second_moment(&lambda, &psi, &sigma2, &inverse);
        let b = ((&lambda * &psi).trace() + &sigma2) * &inverse;
        let (u, big) = (draw.any(), draw.matrix(d, d));
        let m = |i: usize| &l[i] * &l[i] * &w[i];
        let si = |i: usize| (int(1) + &inverse) * m(i) + &b * &l[i];
        let cross = chain(&[&lambda, &psi, &lambda]);
        let velocity = &chain(&[&s, &big, &lambda]).scale(&-(&u * &u)) + &cross.scale(&u);
        let entries = Matrix::from_fn(d, d, |i, j| {
            let grown = if i == j { &u * m(i) } else { int(0) };
            grown - &u * &u * si(i) * &l[j] * big.at(i, j)
        });
        assert_eq!(velocity, entries);
    });
}

/// Elliptical tokens: a radius of 1/2 or 2 with mean square 1, through the enumeration.
///
/// Exact identity: ICL-26
#[test]
fn elliptical_tokens() {
    for (d, n, count) in [(1, 1, 6), (1, 2, 2), (2, 1, 2)] {
        instances(count, |draw| {
            let mut p = problem(draw, d, n);
            p.radius = vec![(frac(4, 5), frac(1, 2)), (frac(1, 5), int(2))];
            let kappa = mean(&p.radius, |r| pow(r, 4)) - int(1);
            let inverse = int(1) / p.n();
            let (lambda, psi) = (p.lambda(), p.psi());
            let a_n = int(1) + (int(1) + int(2) * &kappa) * &inverse;
            let b_n = ((int(1) + &kappa) * p.signal() + p.sigma2()) * &inverse;
            let s = &chain(&[&lambda, &psi, &lambda]).scale(&a_n) + &lambda.scale(&b_n);
            let a = draw.matrix(d, d);
            assert_eq!(p.risk_by_enumeration(&a), loss(&a, &lambda, &psi, &s));
        });
    }
}

/// A prior mean counts through the second moment.
///
/// Exact identity: ICL-28
#[test]
fn prior_mean() {
    for (d, n, count) in [(1, 2, 4), (2, 1, 4)] {
        instances(count, |draw| {
            let mut p = problem(draw, d, n);
            p.mean = draw.matrix(d, 1);
            let a = draw.matrix(d, d);
            assert_eq!(p.risk_by_enumeration(&a), loss(&a, &p.lambda(), &p.psi(), &p.second_moment()));
        });
    }
}
