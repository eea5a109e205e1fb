//! The landscape of one attention layer over exact rationals: the mirrored stationary point and the linearised flow.
use crate::exact::{Draw, Matrix, Q, chain, curvature, frac, instances, int, pow, slope, sum};
use crate::rational_icl::{Weights, even_part, loss, second_moment};

/// A problem whose `B = Lambda^(1/2) Psi Lambda^(1/2)` has a rational spectrum; Lambda and Psi do not commute.
struct Spectral {
    lambda: Matrix,
    psi: Matrix,
    sigma2: Q,
    inverse: Q,
    beta: Vec<Q>,
    /// `Lambda^(-1/2) e_1`, for the largest beta.
    top: Matrix,
}

impl Spectral {
    fn new(draw: &mut Draw, d: usize) -> Self {
        let root = draw.definite(d);
        let over = root.inverse().expect("definite");
        let basis = draw.rotation(d);
        let mut beta: Vec<Q> = (0..d).map(|_| draw.positive()).collect();
        beta.sort_by(|a, b| b.cmp(a));
        let psi = chain(&[&over, &basis, &Matrix::diagonal(&beta), &basis.t(), &over]);
        let top = &over * &basis.block(0..d, 0..1);
        let (sigma2, inverse) = (draw.positive(), frac(1, draw.whole(1, 9)));
        Self { lambda: &root * &root, psi, sigma2, inverse, beta, top }
    }

    fn moment(&self) -> Matrix {
        second_moment(&self.lambda, &self.psi, &self.sigma2, &self.inverse)
    }

    fn half_gradient(&self, a: &Matrix) -> Matrix {
        &chain(&[&self.lambda, a, &self.moment()]) - &chain(&[&self.lambda, &self.psi, &self.lambda])
    }

    fn odd(&self, w: &Weights) -> Q {
        let a = &w.big.t().scale(&w.u) + &(&w.q * &w.p.t());
        loss(&a, &self.lambda, &self.psi, &self.moment())
    }

    fn full(&self, w: &Weights) -> Q {
        self.odd(w) + even_part(w, &self.lambda, &self.psi, &self.sigma2, &self.inverse)
    }

    /// The quadratic form that decides whether the mirrored point is a minimum.
    fn form(&self, mirrored: &Weights, big: &Matrix, u: &Q) -> Q {
        let moved = Weights { big: big.clone(), u: u.clone(), ..mirrored.clone() };
        let gradient = self.half_gradient(&(&mirrored.q * &mirrored.p.t())).scale(&int(2));
        even_part(&moved, &self.lambda, &self.psi, &self.sigma2, &self.inverse) + u * gradient.dot(&big.t())
    }
}

fn along(w: &Weights, step: &Weights, t: &Q) -> Weights {
    Weights {
        p: &w.p + &step.p.scale(t),
        big: &w.big + &step.big.scale(t),
        u: &w.u + &step.u * t,
        q: &w.q + &step.q.scale(t),
    }
}

/// The mirrored point: its loss is the rank-one optimum, every derivative of the full loss vanishes, the second order splits
/// into the rank-one factor problem, flat along the gauge, and the quadratic form in (U, u).
///
/// Exact identity: ICL-18
#[test]
fn mirrored_point() {
    for (d, count) in [(1, 3), (2, 4), (3, 1)] {
        instances(count, |draw| {
            let s = Spectral::new(draw, d);
            let t = sum(s.beta.iter().cloned());
            let b = (&t + &s.sigma2) * &s.inverse;
            let gain = &s.beta[0] / ((int(1) + &s.inverse) * &s.beta[0] + b);
            let gauge = draw.positive();
            let point = Weights {
                p: s.top.scale(&gauge),
                big: Matrix::zeros(d, d),
                u: int(0),
                q: s.top.scale(&(&gain / &gauge)),
            };
            assert_eq!(s.full(&point), &t - &s.beta[0] * &gain);
            let still = Weights { p: Matrix::zeros(d, 1), q: Matrix::zeros(d, 1), ..point.clone() };
            let mut steps = vec![Weights { u: int(1), ..still.clone() }];
            for i in 0..d {
                let unit = Matrix::from_fn(d, 1, |j, _| int(i64::from(i == j)));
                steps.push(Weights { p: unit.clone(), ..still.clone() });
                steps.push(Weights { q: unit.clone(), ..still.clone() });
                for j in 0..d {
                    let big = Matrix::from_fn(d, d, |a, b| int(i64::from((a, b) == (i, j))));
                    steps.push(Weights { big, ..still.clone() });
                }
            }
            for step in &steps {
                assert_eq!(slope(|x| s.full(&along(&point, step, x))), int(0));
            }
            for _ in 0..3 {
                let step = Weights {
                    p: draw.matrix(d, 1),
                    big: draw.matrix(d, d),
                    u: draw.any(),
                    q: draw.matrix(d, 1),
                };
                let factors = Weights { big: Matrix::zeros(d, d), u: int(0), ..step.clone() };
                let rank_one = curvature(|x| s.odd(&along(&point, &factors, x)));
                assert!(rank_one >= int(0));
                let whole = curvature(|x| s.full(&along(&point, &step, x)));
                assert_eq!(whole, rank_one + s.form(&point, &step.big, &step.u));
            }
            let flat = Weights { p: point.p.clone(), q: -&point.q, ..still };
            assert_eq!(curvature(|x| s.full(&along(&point, &flat, x))), int(0));
        });
    }
}

/// The isotropic criterion against the pivots of the quadratic form, the boundary case among them.
///
/// Exact identity: ICL-18
#[test]
fn isotropic_criterion() {
    let (mut minima, mut saddles, mut boundary) = (0, 0, 0);
    for d in 1..=3_usize {
        for n in [1, 2, 5, 10] {
            for sigma2 in [0, 1, 4, 15] {
                let one = Matrix::identity(d);
                let top = one.block(0..d, 0..1);
                let beta = vec![int(1); d];
                let (size, sigma2) = (int(d as i64), int(sigma2));
                let s = Spectral {
                    lambda: one.clone(),
                    psi: one,
                    sigma2: sigma2.clone(),
                    inverse: frac(1, n),
                    beta,
                    top,
                };
                let n = int(n);
                let gain = &n / (&n + int(1) + &size + &sigma2);
                // The gauge does not change the sign of the form: p = g e, q = e avoids the root of g.
                let point =
                    Weights { p: s.top.scale(&gain), big: Matrix::zeros(d, d), u: int(0), q: s.top.clone() };
                let cells = d * d + 1;
                let at = |v: &[Q]| {
                    let big = Matrix::from_fn(d, d, |i, j| v[i * d + j].clone());
                    s.form(&point, &big, &v[d * d])
                };
                let unit = |k: usize, l: usize| -> Vec<Q> {
                    (0..cells).map(|m| int(i64::from(m == k) + i64::from(m == l))).collect()
                };
                let form = Matrix::from_fn(cells, cells, |k, l| {
                    let alone = |k: usize| at(&unit(k, k)) / int(4);
                    if k == l { alone(k) } else { (at(&unit(k, l)) - alone(k) - alone(l)) / int(2) }
                });
                let two = int(2) / &n;
                let signal = &size + &sigma2;
                let left = &n
                    * ((int(1) + &two) * (&signal * &signal + int(2) * &size)
                        - pow(&(&signal + &two), 2) / (int(1) + &two));
                let right = (&size - int(1)) * pow(&(&n + int(1) + &signal), 2);
                assert_eq!(form.is_definite(), left > right, "d = {d}, N = {n}, sigma^2 = {sigma2}");
                if left == right {
                    boundary += 1;
                    assert!(form.inverse().is_none());
                    let shifted = &form + &Matrix::identity(cells).scale(&frac(1, 1_000_000_000));
                    assert!(shifted.is_definite());
                } else if left > right {
                    minima += 1;
                } else {
                    saddles += 1;
                }
            }
        }
    }
    println!("isotropic criterion: {minima} minima, {saddles} saddles, {boundary} on the boundary");
    assert!(minima >= 10 && saddles >= 10 && boundary >= 1, "{minima} {saddles} {boundary}");
}

/// Column-stacked vector of a matrix, and the Kronecker product that belongs to it.
fn stack(m: &Matrix) -> Matrix {
    Matrix::from_fn(m.rows * m.columns, 1, |k, _| m.at(k % m.rows, k / m.rows).clone())
}

fn kronecker(a: &Matrix, b: &Matrix) -> Matrix {
    Matrix::from_fn(a.rows * b.rows, a.columns * b.columns, |i, j| {
        a.at(i / b.rows, j / b.columns) * b.at(i % b.rows, j % b.columns)
    })
}

/// The flow linearised at a limit, from derivatives of its right side; the rate matrix is similar to it and above its bound.
///
/// Exact identity: ICL-24
#[test]
fn linearised_flow() {
    for (d, count) in [(1, 3), (2, 4), (3, 1)] {
        instances(count, |draw| {
            // Any symmetric roots of Lambda and S with known spectra; M = Lambda A* S defines the target.
            let spectrum = |draw: &mut Draw| {
                let (basis, values): (_, Vec<Q>) =
                    (draw.rotation(d), (0..d).map(|_| draw.positive()).collect());
                let least = values.iter().min().expect("d >= 1").clone();
                (chain(&[&basis, &Matrix::diagonal(&values), &basis.t()]), &least * &least)
            };
            let ((left, l_min), (right, s_min)) = (spectrum(draw), spectrum(draw));
            let (lambda, s) = (&left * &left, &right * &right);
            let (best, u) = (draw.definite(d), draw.positive());
            let target = chain(&[&lambda, &best, &s]);
            let big = best.t().scale(&(int(1) / &u));
            let velocity = |u: &Q, big: &Matrix| {
                (
                    &target.t().scale(u) - &chain(&[&s, big, &lambda]).scale(&(u * u)),
                    big.dot(&target.t()) - u * chain(&[&lambda, &big.t(), &s, big]).trace(),
                )
            };
            assert_eq!(velocity(&u, &big), (Matrix::zeros(d, d), int(0)));
            let (du, dbig) = (draw.any(), draw.matrix(d, d));
            let moved = |t: &Q| velocity(&(&u + &du * t), &(&big + &dbig.scale(t)));
            let faster = slope(|t| moved(t).1);
            let turned = Matrix::from_fn(d, d, |i, j| slope(|t| moved(t).0.at(i, j).clone()));
            let delta = &big.t().scale(&du) + &dbig.t().scale(&u);
            let rate = &big.t().scale(&faster) + &turned.t().scale(&u);
            let g = chain(&[&lambda, &delta, &s]);
            let u2 = &u * &u;
            assert_eq!(rate, -&(&g.scale(&u2) + &best.scale(&(g.dot(&best) / &u2))));
            // K = S^(1/2) x Lambda^(1/2): the rate matrix R has R K = K L for the map L of vec Delta.
            let k = kronecker(&right, &left);
            let a = stack(&best);
            let core = &Matrix::identity(d * d).scale(&u2) + &(&a * &a.t()).scale(&(int(1) / &u2));
            let map = chain(&[&core, &k, &k]);
            assert_eq!(-&(&map * &stack(&delta)), stack(&rate));
            let rates = chain(&[&k, &core, &k]);
            assert_eq!(&rates * &k, &k * &map);
            let slack = &rates - &Matrix::identity(d * d).scale(&(&u2 * l_min * s_min));
            let tiny = Matrix::identity(d * d).scale(&frac(1, 1_000_000_000));
            assert!((&slack + &tiny).is_definite());
        });
    }
    // Commuting case: off-diagonal modes, the diagonal sector with its secular equation; isotropic and balanced: 2 alpha.
    instances(6, |draw| {
        let d = 4;
        let (l, w): (Vec<Q>, Vec<Q>) = (0..d).map(|_| (draw.positive(), draw.positive())).unzip();
        let equal = draw.whole(0, 1) == 1;
        let pick = |v: &[Q], i: usize| if equal { v[0].clone() } else { v[i].clone() };
        let (l, w): (Vec<Q>, Vec<Q>) = (0..d).map(|i| (pick(&l, i), pick(&w, i))).unzip();
        let (lambda, psi) = (Matrix::diagonal(&l), Matrix::diagonal(&w));
        let s = second_moment(&lambda, &psi, &draw.positive(), &frac(1, draw.whole(1, 9)));
        let best: Vec<Q> = (0..d).map(|i| &w[i] * &l[i] / s.at(i, i)).collect();
        let a = Matrix::diagonal(&best);
        // c = 0 has u^2 = |A*|_F, which is 2 a for four equal entries.
        let u2 = if equal { int(2) * &best[0] } else { draw.positive() };
        let map = |delta: &Matrix| {
            let g = chain(&[&lambda, delta, &s]);
            &g.scale(&u2) + &a.scale(&(g.dot(&a) / &u2))
        };
        for i in 0..d {
            for j in (0..d).filter(|&j| j != i) {
                let unit = Matrix::from_fn(d, d, |a, b| int(i64::from((a, b) == (j, i))));
                assert_eq!(map(&unit), unit.scale(&(&u2 * s.at(i, i) * &l[j])));
            }
        }
        let kappa: Vec<Q> = (0..d).map(|i| s.at(i, i) * &l[i]).collect();
        let v = draw.list(d);
        let image = map(&Matrix::diagonal(&v));
        let shared = sum((0..d).map(|i| &kappa[i] * &best[i] * &v[i])) / &u2;
        let sector = (0..d).map(|i| &u2 * &kappa[i] * &v[i] + &best[i] * &shared).collect::<Vec<_>>();
        assert_eq!(image, Matrix::diagonal(&sector));
        if equal {
            let alpha = int(2) * &l[0] * &l[0] * &w[0];
            assert_eq!(int(2) * &u2 * &kappa[0], int(2) * &alpha);
            let one = Matrix::identity(d);
            assert_eq!(map(&one), one.scale(&(int(2) * alpha)));
        } else {
            // det(D + a k'/u^2 - r) = prod (u^2 kappa_i - r) (1 + sum a_i^2 kappa_i/(u^2 (u^2 kappa_i - r))), symmetrised by
            // a weight: a_i kappa_i a_j against the diagonal.
            let r = -draw.positive();
            let free = sum((0..d).map(|i| &best[i] * &best[i] * &kappa[i] / (&u2 * (&u2 * &kappa[i] - &r))));
            // Solve (D - r) x = a; then (sector - r) x = a (1 + free) since the rank-one part adds a * sum kappa a x / u^2.
            let x: Vec<Q> = (0..d).map(|i| &best[i] / (&u2 * &kappa[i] - &r)).collect();
            let image = map(&Matrix::diagonal(&x));
            for i in 0..d {
                assert_eq!(image.at(i, i) - &r * &x[i], &best[i] * (int(1) + &free));
            }
        }
    });
}
