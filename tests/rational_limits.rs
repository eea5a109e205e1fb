//! Risks of deep layers in the limit and their baselines over exact rationals: quadrature against moments, projections.
use crate::exact::{
    Matrix, Q, chain, coin, frac, instances, int, mean, normal_to_order_five, pow, sum, vectors,
};
use crate::rational_depth::{best, limit_moment, risk};

/// Polynomials by their coefficients, constant first.
fn times(a: &[Q], b: &[Q]) -> Vec<Q> {
    let mut c = vec![int(0); a.len() + b.len() - 1];
    for (i, x) in a.iter().enumerate() {
        for (j, y) in b.iter().enumerate() {
            c[i + j] += x * y;
        }
    }
    c
}

fn plus(a: &[Q], b: &[Q]) -> Vec<Q> {
    let zero = int(0);
    let at = |v: &[Q], i: usize| v.get(i).unwrap_or(&zero).clone();
    (0..a.len().max(b.len())).map(|i| at(a, i) + at(b, i)).collect()
}

/// `1 - lambda q`.
fn residual(q: &[Q]) -> Vec<Q> {
    std::iter::once(int(1)).chain(q.iter().map(|x| -x)).collect()
}

fn value(a: &[Q], x: &Q) -> Q {
    a.iter().rev().fold(int(0), |v, c| v * x + c)
}

/// The Gauss-Chebyshev sum with `n` nodes. They are the eigenvalues of the tridiagonal matrix with `1 + c` on the diagonal
/// and `sqrt c` beside it, the weights the squared first entries of its eigenvectors: the sum is the corner of a function of the
/// matrix, and so it is for `c` above and 1 below the diagonal.
fn nodes(a: &[Q], n: usize, c: &Q) -> Q {
    let jacobi = Matrix::from_fn(n, n, |i, j| match j as i64 - i as i64 {
        0 => int(1) + c,
        1 => c.clone(),
        -1 => int(1),
        _ => int(0),
    });
    let first = Matrix::from_fn(n, 1, |i, _| int(i64::from(i == 0)));
    let sum = a.iter().rev().fold(Matrix::zeros(n, 1), |v, c| &(&jacobi * &v) + &first.scale(c));
    sum.at(0, 0).clone()
}

/// `1 - sum w q (1 + p) + s sum w q^2`.
fn quadrature(q: &[Q], s: &Q, n: usize, c: &Q) -> Q {
    let linear = times(q, &plus(&[int(1)], &residual(q)));
    int(1) - nodes(&linear, n, c) + s * nodes(&times(q, q), n, c)
}

/// Any steps: the sum over nodes, for every number of nodes from the depth on, against Marchenko-Pastur moments; one and two
/// nodes in their printed form.
///
/// Exact identity: ICL-48
#[test]
fn sum_over_nodes() {
    instances(10, |draw| {
        let root = draw.positive();
        let c = &root * &root;
        let s = draw.positive();
        let mut q = vec![int(0)];
        for depth in 1..=4_usize {
            let eta = draw.any();
            q = plus(&q, &residual(&q).iter().map(|p| p * &eta).collect::<Vec<_>>());
            q.truncate(depth);
            let m: Vec<Q> = (0..=2 * depth).map(|k| limit_moment(k, &c)).collect();
            let exact = risk(&q, &s, &m);
            for n in depth..=depth + 2 {
                assert_eq!(quadrature(&q, &s, n, &c), exact, "{depth} layers, {n} nodes");
            }
            if depth <= 2 {
                // cos(k pi/(n + 1)): 0 for one node; +-1/2, each of weight 1/2, for two.
                let rho = if depth == 1 {
                    vec![int(1) + &c]
                } else {
                    vec![int(1) + &c + &root, int(1) + &c - &root]
                };
                let weight = frac(1, depth as i64);
                let term = |x: &Q| {
                    let (q, p) = (value(&q, x), value(&residual(&q), x));
                    &weight * (-(&q * (int(1) + p)) + &s * &q * &q)
                };
                assert_eq!(int(1) + sum(rho.iter().map(term)), exact);
            }
        }
    });
}

/// Two layers with curvature: the product form and the recursion, the risk by moments, by four nodes and by a literal
/// covariance, and the completed square against the best four layers of plain descent.
///
/// Exact identity: ICL-53
#[test]
fn two_curved_layers() {
    instances(8, |draw| {
        let (c, s) = (draw.positive(), draw.positive());
        let (first, second, gamma) = (draw.any(), draw.any(), draw.any());
        let bent = times(&[int(1), -&gamma], &[int(1), -&gamma]);
        let step = plus(&[int(1)], &times(&[int(0), -&second], &bent));
        let p = times(&[int(1), -&first], &step);
        let q: Vec<Q> = p[1..].iter().map(|x| -x).collect();
        let recursive = plus(
            std::slice::from_ref(&first),
            &times(&bent, &[int(1), -&first]).iter().map(|x| x * &second).collect::<Vec<_>>(),
        );
        assert_eq!(q, recursive);
        let m: Vec<Q> = (0..=8).map(|k| limit_moment(k, &c)).collect();
        let value = risk(&q, &s, &m);
        assert_eq!(quadrature(&q, &s, 4, &c), value);
        // Four layers at their best: recursion in depth, and the square that is missing.
        let optimum = best(4, &s, &m);
        let u = (0..4).fold(int(0), |u, _| int(1) / (int(1) + &c + &s - &c * u));
        let least = risk(&optimum, &s, &m);
        assert_eq!(least, int(1) - u);
        let hankel = Matrix::from_fn(4, 4, |i, j| &m[i + j + 2] + &s * &m[i + j + 1]);
        let miss = Matrix::column(&q.iter().zip(&optimum).map(|(a, b)| a - b).collect::<Vec<_>>());
        assert_eq!(value, &least + chain(&[&miss.t(), &hankel, &miss]).at(0, 0));
        assert!(hankel.is_definite());
        // Finite size: the same polynomial of a literal covariance.
        let d = draw.size(1, 4);
        let x = draw.matrix(d, d + 1);
        let covariance = (&x * &x.t()).scale(&frac(1, d as i64 + 1));
        let one = Matrix::identity(d);
        let curved = &one - &covariance.scale(&gamma);
        let left = &one - &covariance.scale(&first);
        let right = &one - &chain(&[&covariance, &curved, &curved]).scale(&second);
        let power = |k: usize| covariance.power(k).trace() / int(d as i64);
        let fit =
            q.iter().enumerate().fold(Matrix::zeros(d, d), |f, (k, x)| &f + &covariance.power(k).scale(x));
        let literal = (&left * &right).norm2() + &s * chain(&[&fit, &covariance, &fit]).trace();
        let moments: Vec<Q> = (0..=8).map(power).collect();
        assert_eq!(literal / int(d as i64), risk(&q, &s, &moments));
    });
}

/// Least squares, minimum norm and averaging, over all tasks and noises; the mean of an inverse Wishart matrix through the
/// residuals of its rows.
///
/// Exact identity: ICL-56
#[test]
fn baselines() {
    let mut full = 0;
    instances(8, |draw| {
        let (tau, sigma) = (draw.positive(), draw.any());
        let (sigma2, small, large) = (&sigma * &sigma, draw.size(1, 2), draw.size(3, 4));
        for (d, n) in [(small, large), (large, small)] {
            let x = draw.matrix(d, n);
            let gram = if d < n { &x * &x.t() } else { &x.t() * &x };
            let Some(inverse) = gram.inverse() else { continue };
            full += 1;
            let fit = if d < n { &inverse * &x } else { &x * &inverse };
            let total = mean(&vectors(&coin(), d), |w| {
                let w = Matrix::column(w).scale(&tau);
                mean(&vectors(&coin(), n), |e| {
                    let labels = &(&x.t() * &w) + &Matrix::column(e).scale(&sigma);
                    (&(&fit * &labels) - &w).norm2()
                })
            });
            let missed = int(d.saturating_sub(n) as i64);
            assert_eq!(total, &tau * &tau * missed + &sigma2 * inverse.trace());
            // Every diagonal entry of the inverse is one over the residual of a row against the others, a quadratic form in a
            // projection of rank max - min + 1: for Gaussian rows one over a chi-squared variable.
            let rows = if d < n { x.clone() } else { x.t() };
            let (few, many) = (rows.rows, rows.columns);
            for j in 0..few {
                let mut residual = Matrix::identity(many);
                if few > 1 {
                    let others =
                        Matrix::from_fn(few - 1, many, |i, k| rows.at(i + usize::from(i >= j), k).clone());
                    let gram = (&others * &others.t()).inverse().expect("rows of full rank");
                    residual = &residual - &chain(&[&others.t(), &gram, &others]);
                }
                let row = rows.block(j..j + 1, 0..many);
                assert_eq!(int(1) / chain(&[&row, &residual, &row.t()]).at(0, 0), *inverse.at(j, j));
                assert_eq!(residual.trace(), int((many - few + 1) as i64));
            }
        }
    });
    assert!(full >= 12, "{full} designs of full rank");
    // The mean of 1/chi^2 with 2m degrees of freedom is half Gamma(m - 1)/Gamma(m).
    let factorial = |k: i64| (1..=k).fold(int(1), |f, i| f * int(i));
    for d in 1..=5_i64 {
        for n in (d + 3..d + 14).step_by(2) {
            let m = (n - d + 1) / 2;
            let one = factorial(m - 2) / (int(2) * factorial(m - 1));
            assert_eq!(int(d) * one, frac(d, n - d - 1));
        }
    }
    // Averaging, by enumeration of inputs with Gaussian moments.
    for (d, n) in [(1_usize, 1_usize), (1, 3), (2, 1), (2, 2)] {
        instances(2, |draw| {
            let (tau, sigma) = (draw.positive(), draw.any());
            let over = frac(1, n as i64);
            let total = mean(&vectors(&normal_to_order_five(), d * n), |g| {
                let x = Matrix::from_fn(d, n, |i, j| g[i * n + j].clone());
                mean(&vectors(&coin(), d), |w| {
                    let w = Matrix::column(w).scale(&tau);
                    mean(&vectors(&coin(), n), |e| {
                        let labels = &(&x.t() * &w) + &Matrix::column(e).scale(&sigma);
                        (&(&x * &labels).scale(&over) - &w).norm2()
                    })
                })
            });
            let size = int(d as i64);
            let formula = &tau * &tau * &size * (&size + int(1)) * &over + pow(&sigma, 2) * &size * &over;
            assert_eq!(total, formula);
        });
    }
}
