//! Neural collapse over exact rationals: literal networks whose factors, targets and decays are all rational.
//!
//! Roots are avoided by choosing the answer first: squares for whatever the formula takes a root of.
use crate::exact::{Draw, Matrix, Q, chain, frac, instances, int, pow, product, slope, sum};

/// Class columns: `1` in row k for each of `n_k` samples.
fn labels(counts: &[usize]) -> Matrix {
    let class: Vec<usize> = counts.iter().enumerate().flat_map(|(k, &n)| vec![k; n]).collect();
    Matrix::from_fn(counts.len(), class.len(), |k, i| int(i64::from(class[i] == k)))
}

/// `I - J/K`.
fn centering(k: usize) -> Matrix {
    &Matrix::identity(k) - &Matrix::ones(k, k).scale(&frac(1, k as i64))
}

/// Balanced layers: every factor's energy times its decay is the same, and AM-GM holds with equality there; elsewhere it is strict.
///
/// Exact identity: NC-01
#[test]
fn balanced_factors_attain_the_schatten_penalty() {
    instances(15, |draw| {
        let (layers, modes) = (draw.size(2, 4), draw.size(1, 3));
        let lambda: Vec<Q> = (0..layers).map(|_| pow(&draw.positive(), 2)).collect();
        let root: Vec<Q> = (0..modes).map(|_| draw.positive()).collect();
        // Layer energy q_j = root_j^2; singular value of factor i is root_j / sqrt(lambda_i), rational.
        let all = product(lambda.iter().cloned());
        let energy = |j: usize| pow(&root[j], 2);
        // sigma_j^2 = q^L / Lambda; the penalty of the factors is (L/2) sum of q.
        let squares = |i: usize, j: usize| energy(j) / &lambda[i];
        let penalty = sum((0..layers).map(|i| &lambda[i] * sum((0..modes).map(|j| squares(i, j))))) / int(2);
        assert_eq!(penalty, frac(layers as i64, 2) * sum((0..modes).map(energy)));
        for j in 0..modes {
            let sigma2 = product((0..layers).map(|i| squares(i, j)));
            assert_eq!(pow(&energy(j), layers as i64), &all * sigma2);
        }
        // AM-GM: (mean of lambda_i a_i)^L >= product, equality iff all are equal.
        let a: Vec<Q> = (0..layers).map(|_| draw.positive()).collect();
        let arithmetic = sum(a.iter().cloned()) / int(layers as i64);
        let equal = a.iter().all(|x| x == &a[0]);
        let gap = pow(&arithmetic, layers as i64) - product(a);
        assert_eq!(gap == int(0), equal);
        assert!(gap >= int(0));
    });
}

/// Targets: centred labels, their Gram matrix, the spectrum of two groups with its eigenvectors, the secular equation.
///
/// Exact identity: NC-02
#[test]
fn targets() {
    instances(12, |draw| {
        let k = draw.size(1, 4);
        let counts: Vec<usize> = (0..k).map(|_| draw.size(1, 4)).collect();
        let total = counts.iter().sum::<usize>();
        let y = labels(&counts);
        let centred = &y * &centering(total);
        let n = Matrix::column(&counts.iter().map(|&c| int(c as i64)).collect::<Vec<_>>());
        let d = Matrix::diagonal(&counts.iter().map(|&c| int(c as i64)).collect::<Vec<_>>());
        let downdate = &d - &(&n * &n.t()).scale(&frac(1, total as i64));
        assert_eq!(&centred * &centred.t(), downdate);
        // The best bias for any logits.
        let z = draw.matrix(k, total);
        let data = |b: &Matrix| (&(&z + &(b * &Matrix::ones(1, total))) - &y).norm2() / int(2 * total as i64);
        let best = (&(&y - &z) * &Matrix::ones(total, 1)).scale(&frac(1, total as i64));
        let projected = (&(&z - &y) * &centering(total)).norm2() / int(2 * total as i64);
        assert_eq!(data(&best), projected);
    });
    instances(12, |draw| {
        let (ka, kb) = (draw.size(1, 4), draw.size(1, 4));
        let (na, nb) = (draw.whole(1, 9), draw.whole(1, 9));
        let k = ka + kb;
        let total = ka as i64 * na + kb as i64 * nb;
        let size = |i: usize| int(if i < ka { na } else { nb });
        let m = Matrix::from_fn(k, k, |i, j| {
            let diagonal = if i == j { size(i) } else { int(0) };
            diagonal - size(i) * size(j) / int(total)
        });
        let check = |v: &Matrix, value: &Q| assert_eq!(&m * v, v.scale(value));
        check(&Matrix::ones(k, 1), &int(0));
        let pair =
            |i: usize, j: usize| Matrix::from_fn(k, 1, |r, _| int(i64::from(r == i) - i64::from(r == j)));
        for i in 1..ka {
            check(&pair(0, i), &int(na));
        }
        for i in 1..kb {
            check(&pair(ka, ka + i), &int(nb));
        }
        let between = frac(k as i64 * na * nb, total);
        // Constant on groups, orthogonal to the ones.
        check(&Matrix::from_fn(k, 1, |i, _| if i < ka { int(kb as i64) } else { -int(ka as i64) }), &between);
        let trace = int((ka as i64 - 1) * na + (kb as i64 - 1) * nb) + &between;
        assert_eq!(m.trace(), trace);
        // The secular equation, with its pole between groups of equal size left out.
        if na != nb {
            let secular = int(ka as i64 * na * na) / (int(na) - &between)
                + int(kb as i64 * nb * nb) / (int(nb) - &between);
            assert_eq!(secular, int(total));
        }
    });
}

/// A mode by its x: the scale beta that makes it stationary, the singular value against the target, the value.
///
/// Exact identity: NC-03
#[test]
fn scalar_problem() {
    instances(30, |draw| {
        let m = draw.whole(1, 6);
        let (x, one) = (draw.positive(), int(1));
        let y = pow(&x, m);
        // N Lambda = kappa^M; tau^2 follows from stationarity.
        let (kappa, n) = (draw.positive(), int(draw.whole(1, 9)));
        let beta = int(m) * pow(&x, m - 1) / pow(&(&one + &y), 2);
        let tau2 = int(m) * &n * &kappa / &beta;
        let big = pow(&kappa, m) / &n;
        let share = &y / (&one + &y);
        let (sigma2, q) = (&tau2 * &share * &share, &x * &kappa);
        assert_eq!(pow(&q, m + 1), &big * &sigma2);
        // (tau - sigma) sigma/N = q: stationarity of (sigma - tau)^2/2N + (L/2) Lambda^(1/L) sigma^(2/L).
        assert_eq!(&tau2 * (&one - &share) * &share / &n, q);
        let original = &tau2 * pow(&(&share - &one), 2) / (int(2) * &n) + frac(m + 1, 2) * &q;
        let g = &one / (&one + &y) + &beta * &x;
        assert_eq!(original, &tau2 / (int(2) * &n) * &g);
        if m == 1 {
            // x = beta^-1/2 - 1, value 2 sqrt(beta) - beta.
            let root = &one / (&one + &x);
            assert_eq!(&root * &root, beta);
            assert_eq!(g, int(2) * &root - &beta);
            return;
        }
        // The global threshold in powers: M^M y^(M-1) <= (M-1)^(M-1) (1+y)^M, equality iff y = M - 1.
        let gap = |y: &Q| pow(&int(m - 1), m - 1) * pow(&(&one + y), m) - pow(&int(m), m) * pow(y, m - 1);
        assert_eq!(gap(&int(m - 1)), int(0));
        assert_eq!(gap(&y) == int(0), y == int(m - 1));
        assert!(gap(&y) >= int(0));
        // beta = M x^(M-1)/(1+y)^2 <= beta_c is implied by y >= M - 1 together with g <= 1: g - 1 has the sign of
        // beta (1 + y) - x^(M-1).
        let sign = &beta * (&one + &y) - pow(&x, m - 1);
        assert_eq!((&g - &one) * (&one + &y), &x * sign);
        assert_eq!(g <= one, y >= int(m - 1));
        // beta^M at the spinodal, and that M log beta is stationary there: (M-1)(1+y) = 2 M y.
        let edge = frac(m - 1, m + 1);
        assert_eq!(int(m - 1) * (&one + &edge), int(2 * m) * &edge);
        let spinodal = pow(&int(m), m) * pow(&edge, m - 1) / pow(&(&one + &edge), 2 * m);
        let printed = pow(&int(m), m) * pow(&frac(m - 1, m + 1), m - 1) * pow(&frac(m + 1, 2 * m), 2 * m);
        assert_eq!(spinodal, printed);
        // beta <= beta_c in terms of Lambda: beta^M = M^M N^M (N Lambda)/tau^2M.
        let critical = pow(&int(m - 1), m - 1) / pow(&int(m), 2 * m) * pow(&tau2, m) / pow(&n, m + 1);
        assert_eq!(pow(&beta, m) <= pow(&int(m - 1), m - 1) / pow(&int(m), m), big <= critical);
    });
}

/// A network at its global minimum with every number rational: M layers, one mode a class.
struct Network {
    m: i64,
    total: Q,
    /// Roots of the class sizes (sizes need not be whole: they only weigh the data term).
    root: Vec<Q>,
    x: Vec<Q>,
    /// Decays, features first, then layers upwards.
    lambda: Vec<Q>,
    /// Factors, features (class means) first.
    factors: Vec<Matrix>,
    kappa: Q,
}

impl Network {
    fn new(draw: &mut Draw, m: i64, classes: usize) -> Self {
        let w: Vec<Q> = (0..classes).map(|_| draw.positive()).collect();
        let t: Vec<Q> = (0..=m).map(|_| draw.positive()).collect();
        // x = w^2, singular values w t_i; sqrt(n) = product(t) w^(1-M) (1 + w^2M), N their squares' sum.
        let x: Vec<Q> = w.iter().map(|w| w * w).collect();
        let gain = product(t.iter().cloned());
        let root: Vec<Q> = w.iter().map(|w| &gain * pow(w, 1 - m) * (int(1) + pow(w, 2 * m))).collect();
        let total = sum(root.iter().map(|r| r * r));
        let kappa = &gain * &gain / &total;
        let lambda = t.iter().map(|t| &kappa / (t * t)).collect();
        let mut factors: Vec<Matrix> =
            t.iter().map(|t| Matrix::diagonal(&w.iter().map(|w| w * t).collect::<Vec<_>>())).collect();
        // Features of the samples of a class are its mean: column over sqrt(n).
        factors[0] = &factors[0] * &Matrix::diagonal(&root.iter().map(|r| int(1) / r).collect::<Vec<_>>());
        Self { m, total, root, x, lambda, factors, kappa }
    }

    fn sizes(&self) -> Vec<Q> {
        self.root.iter().map(|r| r * r).collect()
    }

    /// `(1/2N) sum n_k |W h_k - e_k|^2 + decays`.
    fn objective(&self, factors: &[Matrix]) -> Q {
        let k = self.root.len();
        let z = factors[1..].iter().fold(factors[0].clone(), |h, w| w * &h);
        let miss = &z - &Matrix::identity(k);
        let weights = Matrix::diagonal(&self.sizes());
        let data = chain(&[&miss, &weights, &miss.t()]).trace() / (int(2) * &self.total);
        let features = &self.lambda[0] * chain(&[&factors[0], &weights, &factors[0].t()]).trace();
        let layers = sum(factors[1..].iter().zip(&self.lambda[1..]).map(|(w, l)| l * w.norm2()));
        data + (features + layers) / int(2)
    }

    fn gradient_vanishes(&self) {
        let k = self.root.len();
        for f in 0..self.factors.len() {
            for i in 0..k {
                for j in 0..k {
                    let along = |t: &Q| {
                        let mut moved = self.factors.clone();
                        let value = moved[f].at(i, j) + t;
                        moved[f].set(i, j, value);
                        self.objective(&moved)
                    };
                    assert_eq!(slope(along), int(0));
                }
            }
        }
    }
}

/// Literal parameters attain the sum over classes, are stationary, balanced, and have the printed lengths and angles.
///
/// Exact identity: NC-04, NC-05, NC-09
#[test]
fn minimizers() {
    let mut global = 0;
    instances(16, |draw| {
        let (m, classes) = (draw.whole(1, 3), draw.size(1, 3));
        let net = Network::new(draw, m, classes);
        let one = int(1);
        let value = sum(net.x.iter().zip(net.sizes()).map(|(x, n)| {
            let beta = int(m) * &net.total * &net.kappa / &n;
            let y = pow(x, m);
            assert_eq!(&beta * pow(&(&one + &y), 2), int(m) * pow(x, m - 1));
            n / (int(2) * &net.total) * (&one / (&one + &y) + beta * x)
        }));
        global += usize::from(net.x.iter().all(|x| pow(x, m) >= int(m - 1)));
        assert_eq!(net.objective(&net.factors), value);
        net.gradient_vanishes();
        // Balanced: lambda W'W = lambda W W' of neighbours; features over samples.
        let weights = Matrix::diagonal(&net.sizes());
        let mut below = chain(&[&net.factors[0], &weights, &net.factors[0].t()]).scale(&net.lambda[0]);
        for (w, l) in net.factors[1..].iter().zip(&net.lambda[1..]) {
            assert_eq!((&w.t() * w).scale(l), below);
            below = (w * &w.t()).scale(l);
        }
        let h = &net.factors[0];
        let w = net.factors[1..].iter().fold(Matrix::identity(classes), |p, w| w * &p);
        let over: Vec<Q> = net.x.iter().map(|x| pow(x, m)).collect();
        let scale = &net.total * &net.lambda[0];
        assert_eq!(&w * &w.t(), Matrix::diagonal(&over.iter().map(|y| &scale * y).collect::<Vec<_>>()));
        let squared: Vec<Q> = over.iter().map(|y| y / (&scale * pow(&(&one + y), 2))).collect();
        assert_eq!(&h.t() * h, Matrix::diagonal(&squared));
        assert_eq!(&w * h, Matrix::diagonal(&over.iter().map(|y| y / (&one + y)).collect::<Vec<_>>()));
        let aligned = Matrix::diagonal(&over.iter().map(|y| &scale * (&one + y)).collect::<Vec<_>>());
        assert_eq!(w, &aligned * &h.t());
        // Any rotation inside changes nothing.
        let turn = Matrix::from_fn(2, 2, |i, j| frac([[3, -4], [4, 3]][i][j], 5));
        if classes == 2 {
            let mut turned = net.factors.clone();
            turned[0] = &turn * &turned[0];
            turned[1] = &turned[1] * &turn.t();
            assert_eq!(net.objective(&turned), value);
        }
        assert_eq!(net.m, m);
    });
    assert!(global > 3, "{global} global minima");
}

/// Random parameters never fall below the depth-one minimum, which its dual attains: squares for class sizes.
///
/// Exact identity: NC-04, NC-08, NC-10
#[test]
fn duality_at_depth_one() {
    let mut dead = 0;
    instances(20, |draw| {
        let k = draw.size(1, 4);
        let roots: Vec<Q> = (0..k).map(|_| int(draw.whole(1, 5))).collect();
        let total = sum(roots.iter().map(|r| r * r));
        let lambda = draw.unit() * int(2) / &total;
        // sigma = (sqrt(n) - N lambda)_+.
        let alive = |r: &Q| *r > &total * &lambda;
        let minimum = sum(roots.iter().map(|r| {
            if alive(r) {
                &lambda * r - &total * &lambda * &lambda / int(2)
            } else {
                r * r / (int(2) * &total)
            }
        }));
        dead += roots.iter().filter(|r| !alive(r)).count();
        // n <= N^2 lambda^2 is the threshold.
        for r in &roots {
            assert_eq!(!alive(r), r * r <= pow(&(&total * &lambda), 2));
        }
        let g: Vec<Q> = roots.iter().map(|r| if alive(r) { lambda.clone() } else { r / &total }).collect();
        assert!(g.iter().all(|g| *g <= lambda));
        let dual =
            sum(g.iter().zip(&roots).map(|(g, r)| g * r)) - &total / int(2) * sum(g.iter().map(|g| g * g));
        assert_eq!(dual, minimum);
        // Any factors: lambda_w = lambda t, lambda_h = lambda/t.
        let t = draw.positive();
        let (w, h) = (draw.matrix(k, 2), draw.matrix(2, k));
        let z = &w * &h;
        let target = Matrix::diagonal(&roots);
        let objective =
            (&z - &target).norm2() / (int(2) * &total) + &lambda * (&t * w.norm2() + h.norm2() / &t) / int(2);
        assert!(objective >= minimum);
    });
    assert!(dead > 3, "{dead} dead classes");
}

/// A free bias on balanced data: simplex geometry with vanishing means; a literal network whose factors need no roots.
///
/// Exact identity: NC-06
#[test]
fn simplex_geometry() {
    instances(8, |draw| {
        let k = draw.size(2, 5);
        let etf = centering(k);
        assert_eq!(&etf * &etf, etf);
        assert_eq!(etf.trace(), int(k as i64 - 1));
        let c = draw.positive();
        let gram = etf.scale(&c);
        assert_eq!(gram.at(0, 1) / gram.at(0, 0), frac(-1, k as i64 - 1));
        assert_eq!(&gram * &Matrix::ones(k, 1), Matrix::zeros(k, 1));
        // M = 1: W = a P, class means b P, bias 1/K; stationarity in all of them with n = r^2 samples a class.
        let x = pow(&draw.positive(), 2);
        let root = draw.positive();
        let (n, one) = (&root * &root, int(1));
        let total = int(k as i64) * &n;
        let beta = &one / pow(&(&one + &x), 2);
        // beta = N (N lambda^2)/n with lambda = lambda_w = lambda_h.
        let lambda = &root / (&total * (&one + &x));
        assert_eq!(&total * &total * &lambda * &lambda / &n, beta);
        let own = &x / (&one + &x);
        let z = etf.scale(&own);
        let ww = etf.scale(&(&total * &lambda * &x));
        let hh = etf.scale(&(&x / (&total * &lambda * pow(&(&one + &x), 2))));
        assert_eq!(&ww * &hh, &z * &z);
        // dL/dW = (n/N)(Z + b1' - I) H' + lambda W, multiplied by W': traces and matrices agree.
        let bias = Matrix::ones(k, k).scale(&frac(1, k as i64));
        let miss = &(&z + &bias) - &Matrix::identity(k);
        let pull = (&miss * &z.t()).scale(&(&n / &total));
        assert_eq!(pull, -&ww.scale(&lambda));
        assert_eq!((&z.t() * &miss).scale(&(&n / &total)), -&hh.scale(&(&n * &lambda)));
        assert_eq!(&miss * &Matrix::ones(k, 1), Matrix::zeros(k, 1));
    });
}

/// A bottleneck keeps the largest targets: the gain of a mode grows with its target.
///
/// Exact identity: NC-07
#[test]
fn bottleneck_order() {
    instances(12, |draw| {
        // M = 1: gain tau^2/2N - min = (tau - N lambda)^2/2N for tau > N lambda, written out both ways.
        let (total, lambda) = (draw.positive(), draw.positive());
        let gain = |tau: &Q| {
            if *tau > &total * &lambda {
                tau * tau / (int(2) * &total) - (&lambda * tau - &total * &lambda * &lambda / int(2))
            } else {
                int(0)
            }
        };
        let (a, b) = (draw.positive(), draw.positive());
        let square = |tau: &Q| pow(&(tau - &total * &lambda).max(int(0)), 2) / (int(2) * &total);
        assert_eq!(gain(&a), square(&a));
        assert!((a >= b) == (gain(&a) >= gain(&b)) || gain(&a) == gain(&b));
        // All ranks of three targets: any choice of R modes gains at most the largest R.
        let mut tau: Vec<Q> = (0..3).map(|_| draw.positive()).collect();
        tau.sort();
        tau.reverse();
        for mask in 0..8_usize {
            let chosen = sum((0..3).filter(|i| mask >> i & 1 == 1).map(|i| gain(&tau[i])));
            let largest = sum((0..mask.count_ones() as usize).map(|i| gain(&tau[i])));
            assert!(chosen <= largest);
        }
    });
}

/// A regularised bias: value of the literal logits, stationarity in the bias, and the two shrunken singular values.
///
/// Exact identity: NC-11
#[test]
fn regularised_bias() {
    let mut kinds = [0; 3];
    instances(30, |draw| {
        let k = draw.size(2, 4);
        let root = int(draw.whole(1, 4));
        let n = &root * &root;
        let total = int(k as i64) * &n;
        let (lambda, weight) = (draw.unit() / &root / int(2), draw.positive());
        let (one, big) = (int(1), int(k as i64));
        let kappa = &weight / (&one + &weight);
        let sigma = (&root - &total * &lambda).max(int(0));
        let flat = (&root - &total * &lambda / &kappa).max(int(0));
        kinds[usize::from(sigma > int(0)) + usize::from(flat > int(0))] += 1;
        let average = Matrix::ones(k, k).scale(&frac(1, k as i64));
        let z = &centering(k).scale(&(&sigma / &root)) + &average.scale(&(&flat / &root));
        let b = (&one - &flat / &root) / (&big * (&one + &weight));
        let miss = |b: &Q| &(&z + &Matrix::ones(k, k).scale(b)) - &Matrix::identity(k);
        let rest = &lambda * ((&big - &one) * &sigma + &flat);
        let value =
            |b: &Q| miss(b).norm2() * &n / (int(2) * &total) + &rest + &weight * b * b * &big / int(2);
        assert_eq!(slope(|t| value(&(&b + t))), int(0));
        let printed = ((&big - &one) * pow(&(&sigma - &root), 2) + &kappa * pow(&(&flat - &root), 2))
            / (int(2) * &total)
            + &rest;
        assert_eq!(value(&b), printed);
        // KKT: minus the gradient of the data term has singular values lambda where alive, at most lambda where dead.
        let pull = miss(&b).scale(&(-&root / &total));
        let along = (&pull * &Matrix::ones(k, 1)).at(0, 0).clone();
        let across = pull.at(0, 0) - pull.at(0, 1);
        for (value, active) in [(along, flat > int(0)), (across, sigma > int(0))] {
            assert!(if active { value == lambda } else { value <= lambda && value >= int(0) });
        }
    });
    assert!(kinds.iter().all(|&c| c > 1), "{kinds:?}");
}

/// The mean margin of balanced logits is linear in them and blind to the bias.
///
/// Exact identity: NC-12
#[test]
fn mean_margin() {
    instances(10, |draw| {
        let (k, n) = (draw.size(2, 4), draw.size(1, 3));
        let y = labels(&vec![n; k]);
        let total = k * n;
        let (z, bias) = (draw.matrix(k, total), draw.matrix(k, 1));
        let shifted = &z + &(&bias * &Matrix::ones(1, total));
        let margin = sum((0..total)
            .flat_map(|i| (0..k).map(move |j| (i, j)))
            .map(|(i, j)| shifted.at(i / n, i) - shifted.at(j, i)))
            / int((total * (k - 1)) as i64);
        let linear = frac(k as i64, (total * (k - 1)) as i64) * z.dot(&(&centering(k) * &y));
        assert_eq!(margin, linear);
        // Stationarity of the simplex in the margin: with e^m = E, 1/(E + K - 1) = lambda sqrt(n) solved for E.
        let e = int(1) + draw.positive();
        let scale = int(1) / (&e + int(k as i64 - 1));
        assert_eq!(e, int(1) / &scale - int(k as i64 - 1));
        // Softmax of m (I - J/K): own probability and the others', columns of the gradient proportional to I - J/K.
        let own = &e * &scale;
        let p = Matrix::from_fn(k, k, |i, j| if i == j { own.clone() } else { scale.clone() });
        assert_eq!(&p - &Matrix::identity(k), centering(k).scale(&-(&scale * int(k as i64))));
    });
}

/// Pairs beat the simplex in penalty exactly in the printed range of classes and depths; ranks and singular values of both.
///
/// Exact identity: NC-13
#[test]
fn pairs_against_the_simplex() {
    for k in 2..=12_i64 {
        for m in 1..=8_i64 {
            let (l, r) = (m + 1, k / 2);
            // r 2^(2/L) < 2r - 1, or r 2^(2/L) + 1 < 2r for odd K: L-th powers.
            let bound = int(2 * r - 1);
            let wins = int(4) * pow(&int(r), l) < pow(&bound, l);
            assert_eq!(wins, (k >= 4 && m >= 3) || (k >= 6 && m == 2), "K = {k}, M = {m}");
        }
    }
    let m = frac(7, 3);
    let block = Matrix::from_fn(2, 2, |i, j| if i == j { m.clone() } else { -&m });
    assert_eq!(&block * &block, block.scale(&(int(2) * &m)));
    // Margins of the pairs: m against other pairs, 2m against the partner.
    assert_eq!(block.at(0, 0) - block.at(1, 0), int(2) * &m);
}

/// The dual point made from any softmax columns: scaling towards the labels scales G; the repair for a free bias fixes the rows
/// and keeps the columns.
///
/// Exact identity: NC-14
#[test]
fn dual_feasibility() {
    instances(10, |draw| {
        let k = draw.size(2, 4);
        let counts: Vec<Q> = (0..k).map(|_| int(draw.whole(1, 6))).collect();
        let total = sum(counts.iter().cloned());
        let raw = Matrix::from_fn(k, k, |_, _| draw.positive());
        let p = Matrix::from_fn(k, k, |i, j| raw.at(i, j) / sum((0..k).map(|r| raw.at(r, j).clone())));
        let theta = draw.unit();
        let moved = &Matrix::identity(k) + &(&p - &Matrix::identity(k)).scale(&theta);
        for j in 0..k {
            assert_eq!(sum((0..k).map(|i| moved.at(i, j).clone())), int(1));
            assert!((0..k).all(|i| *moved.at(i, j) >= int(0)));
        }
        // Joint matrix, row sums repaired by defect_j n_k/N.
        let joint = Matrix::from_fn(k, k, |i, j| p.at(i, j) * &counts[j] / &total);
        let defect: Vec<Q> =
            (0..k).map(|i| &counts[i] / &total - sum((0..k).map(|j| joint.at(i, j).clone()))).collect();
        let repaired = Matrix::from_fn(k, k, |i, j| joint.at(i, j) + &defect[i] * &counts[j] / &total);
        for i in 0..k {
            assert_eq!(sum((0..k).map(|j| repaired.at(i, j).clone())), &counts[i] / &total);
            assert_eq!(sum((0..k).map(|j| repaired.at(j, i).clone())), &counts[i] / &total);
        }
    });
}

/// Two groups of 9 and 16 classes, where every root is rational: margins, singular values and zero column sums of the reconstruction.
///
/// Exact identity: NC-15
#[test]
fn two_group_reconstruction() {
    instances(2, |draw| {
        let (ka, kb, k) = (9_usize, 16_usize, 25_usize);
        let (ra, rb, r) = (int(3), int(4), int(5));
        let (na, nb) = (int(draw.whole(1, 4)), int(draw.whole(1, 4)));
        let (ma, mb, va, vb) = (draw.positive(), draw.positive(), draw.positive(), draw.positive());
        let first = |i: usize| i < ka;
        let g = |i: usize| if first(i) { &rb / (&ra * &r) } else { -&ra / (&rb * &r) };
        let h = |j: usize| if first(j) { &va / &ra } else { -&vb / &rb };
        let x = Matrix::from_fn(k, k, |i, j| {
            let within = match (first(i), first(j)) {
                (true, true) => &na * &ma * (int(i64::from(i == j)) - frac(1, ka as i64)),
                (false, false) => &nb * &mb * (int(i64::from(i == j)) - frac(1, kb as i64)),
                _ => int(0),
            };
            within + g(i) * h(j)
        });
        // na, nb are the roots of the class sizes: columns over them are logits.
        let logit = |i: usize, j: usize| x.at(i, j) / if first(j) { &na } else { &nb };
        assert_eq!(logit(0, 0) - logit(1, 0), ma);
        assert_eq!(logit(ka, ka) - logit(ka + 1, ka), mb);
        let cross_a = &ma * (int(1) - frac(1, 9)) + &r * &va / (int(9) * &rb * &na);
        let cross_b = &mb * (int(1) - frac(1, 16)) + &r * &vb / (int(16) * &ra * &nb);
        assert_eq!(logit(0, 0) - logit(ka, 0), cross_a);
        assert_eq!(logit(ka, ka) - logit(0, ka), cross_b);
        assert_eq!(&Matrix::ones(1, k) * &x, Matrix::zeros(1, k));
        // X X' on contrasts of each group and on g.
        let gram = &x * &x.t();
        let pair =
            |i: usize, j: usize| Matrix::from_fn(k, 1, |r, _| int(i64::from(r == i) - i64::from(r == j)));
        assert_eq!(&gram * &pair(0, 5), pair(0, 5).scale(&pow(&(&na * &ma), 2)));
        assert_eq!(&gram * &pair(ka, k - 1), pair(ka, k - 1).scale(&pow(&(&nb * &mb), 2)));
        let direction = Matrix::from_fn(k, 1, |i, _| g(i));
        assert_eq!(&gram * &direction, direction.scale(&(&va * &va + &vb * &vb)));
        assert_eq!(direction.norm2(), int(1));
    });
}

/// With the features of a group equal, the gradient on contrasts within the group is `-sqrt(n)/N` times them, whatever the rest.
///
/// Exact identity: NC-16
#[test]
fn minority_gradient() {
    instances(10, |draw| {
        let (group, others) = (draw.size(2, 4), draw.size(0, 3));
        let k = group + others;
        let (root, total) = (draw.positive(), draw.positive());
        // Columns of the group: probabilities equal within it, the same for every member.
        let raw: Vec<Q> = (0..=others).map(|_| draw.positive()).collect();
        let whole = &raw[0] * int(group as i64) + sum(raw[1..].iter().cloned());
        let p = |i: usize| if i < group { &raw[0] / &whole } else { &raw[i - group + 1] / &whole };
        let g = Matrix::from_fn(k, group, |i, j| &root / &total * (p(i) - int(i64::from(i == j))));
        // A contrast of the group as input: outputs inside the group, nothing outside.
        let mut c = draw.matrix(group, 1);
        let center = sum((0..group).map(|i| c.at(i, 0).clone())) / int(group as i64);
        c = c.map(|x| x - &center);
        let out = &g * &c;
        let expected =
            Matrix::from_fn(k, 1, |i, _| if i < group { -(&root / &total * c.at(i, 0)) } else { int(0) });
        assert_eq!(out, expected);
    });
}

/// Balance of neighbouring factors along the flow of any loss: an arbitrary gradient of the data term.
///
/// Exact identity: NC-20
#[test]
fn balancedness() {
    instances(10, |draw| {
        let (a, b, c) = (draw.size(1, 3), draw.size(1, 3), draw.size(1, 3));
        let (upper, lower) = (draw.matrix(a, b), draw.matrix(b, c));
        let pull = draw.matrix(a, c);
        let (m1, m2) = (draw.positive(), draw.positive());
        // Loss l(U L): gradients G L' and U' G.
        let du = &-&(&pull * &lower.t()) - &upper.scale(&m2);
        let dl = &-&(&upper.t() * &pull) - &lower.scale(&m1);
        let rate =
            &(&(&du.t() * &upper) + &(&upper.t() * &du)) - &(&(&dl * &lower.t()) + &(&lower * &dl.t()));
        let decay =
            &(&lower * &lower.t()).scale(&(int(2) * &m1)) - &(&upper.t() * &upper).scale(&(int(2) * &m2));
        assert_eq!(rate, decay);
    });
}

/// Within-class deviations of the features decouple: their velocity is `-(W'W/N + lambda) H_w`, with and without a bias.
///
/// Exact identity: NC-21
#[test]
fn within_class_decay() {
    instances(8, |draw| {
        let k = draw.size(1, 3);
        let counts: Vec<usize> = (0..k).map(|_| draw.size(1, 3)).collect();
        let y = labels(&counts);
        let total = counts.iter().sum::<usize>();
        let d = draw.size(1, 3);
        let (w, h, bias) = (draw.matrix(k, d), draw.matrix(d, total), draw.matrix(k, 1));
        let lambda = draw.positive();
        let size = Matrix::diagonal(&counts.iter().map(|&n| frac(1, n as i64)).collect::<Vec<_>>());
        let within = &Matrix::identity(total) - &chain(&[&y.t(), &size, &y]);
        let miss = &(&(&w * &h) + &(&bias * &Matrix::ones(1, total))) - &y;
        let velocity = &-&(&w.t() * &miss).scale(&frac(1, total as i64)) - &h.scale(&lambda);
        let deviations = &h * &within;
        let operator = &(&w.t() * &w).scale(&frac(1, total as i64)) + &Matrix::identity(d).scale(&lambda);
        assert_eq!(&velocity * &within, -&(&operator * &deviations));
    });
}

/// Aligned balanced starts stay aligned: the logistic equation from the literal gradient, at depth one and deeper.
///
/// Exact identity: NC-22
#[test]
fn aligned_flow() {
    instances(8, |draw| {
        let (k, root) = (draw.size(1, 3), draw.whole(1, 2));
        let n = (root * root) as usize;
        let total = int((k * n) as i64);
        let (s, lambda) = (draw.positive(), draw.positive());
        let indicator = labels(&vec![n; k]).scale(&frac(1, root));
        let root = int(root);
        for m in 1..=3_i64 {
            // Top factors s I, features s V'; velocity of the top factor.
            let z = indicator.scale(&pow(&s, m + 1));
            let miss = &z - &indicator.scale(&root);
            let below = indicator.scale(&pow(&s, m));
            let velocity = &-&(&miss * &below.t()).scale(&(int(1) / &total))
                - &Matrix::identity(k).scale(&(&lambda * &s));
            let rate = -(pow(&s, m) * (pow(&s, m + 1) - &root)) / &total - &lambda * &s;
            assert_eq!(velocity, Matrix::identity(k).scale(&rate));
            if m == 1 {
                let u = &s * &s;
                let logistic = int(2) * &u * ((&root / &total - &lambda) - &u / &total);
                assert_eq!(int(2) * &s * rate, logistic);
            }
        }
        // The closed form in the variable e = exp(-2 r t) solves it: u = U/(1 + (U/u0 - 1) e), de/dt = -2 r e.
        let r = &root / &total - &lambda;
        let top = &total * &r;
        let (start, e) = (draw.positive(), draw.unit());
        let below = int(1) + (&top / &start - int(1)) * &e;
        if below != int(0) && r != int(0) {
            let u = &top / &below;
            let rate = &top * (&top / &start - int(1)) * int(2) * &r * &e / (&below * &below);
            assert_eq!(rate, int(2) * &u * (&r - &u / &total));
        }
    });
}

/// A depth-one network with as many hidden units as wanted, K classes of n samples: gradient along (W, H).
fn gradient(w: &Matrix, h: &Matrix, y: &Matrix, lambda: &Q) -> (Matrix, Matrix) {
    let over = frac(1, y.columns as i64);
    let miss = (&(w * h) - y).scale(&over);
    (&(&miss * &h.t()) + &w.scale(lambda), &(&w.t() * &miss) + &h.scale(lambda))
}

/// `Hessian (dW, dH)`: the gradient along a line is cubic, so that the five-value rule is exact.
fn hessian(w: &Matrix, h: &Matrix, y: &Matrix, lambda: &Q, dw: &Matrix, dh: &Matrix) -> (Matrix, Matrix) {
    let at = |t: i64| gradient(&(w + &dw.scale(&int(t))), &(h + &dh.scale(&int(t))), y, lambda);
    let (p1, m1, p2, m2) = (at(1), at(-1), at(2), at(-2));
    let combine = |a: &Matrix, b: &Matrix, c: &Matrix, d: &Matrix| {
        (&(a - b).scale(&int(8)) - &(c - d)).scale(&frac(1, 12))
    };
    (combine(&p1.0, &m1.0, &p2.0, &m2.0), combine(&p1.1, &m1.1, &p2.1, &m2.1))
}

/// Every eigenvalue of the Hessian at the collapsed minimum, on the printed directions, with multiplicities that add up.
///
/// Exact identity: NC-23
#[test]
fn hessian_spectrum() {
    // K = 2, n = 4: N = 8, r = 1/4; lambda = 1/8 makes N (r - lambda) = 1 a square. One unused hidden unit.
    let (k, n, d) = (2_usize, 4_usize, 3_usize);
    let total = k * n;
    let (r, lambda) = (frac(1, 4), frac(1, 8));
    let y = labels(&[n; 2]);
    let v = y.scale(&frac(1, 2));
    let w = Matrix::from_fn(k, d, |i, j| int(i64::from(i == j)));
    let h = Matrix::from_fn(d, total, |i, j| if i < k { v.at(i, j).clone() } else { int(0) });
    let zero = gradient(&w, &h, &y, &lambda);
    assert_eq!((zero.0, zero.1), (Matrix::zeros(k, d), Matrix::zeros(d, total)));
    let mut counts = [0_usize; 6];
    let mut check = |kind: usize, value: Q, dw: &Matrix, dh: &Matrix| {
        let (hw, hh) = hessian(&w, &h, &y, &lambda, dw, dh);
        assert_eq!((hw, hh), (dw.scale(&value), dh.scale(&value)), "eigenvalue {value}");
        counts[kind] += 1;
    };
    let unit = |rows: usize, columns: usize, i: usize, j: usize| {
        Matrix::from_fn(rows, columns, |a, b| int(i64::from((a, b) == (i, j))))
    };
    // Deviations within classes: one basis vector a pair of samples of a class.
    let contrasts: Vec<Matrix> = (0..k)
        .flat_map(|c| (1..n).map(move |i| (c * n, c * n + i)))
        .map(|(a, b)| Matrix::from_fn(1, total, |_, j| int(i64::from(j == a) - i64::from(j == b))))
        .collect();
    let no_w = Matrix::zeros(k, d);
    for c in &contrasts {
        for i in 0..d {
            let kind = if i < k { 3 } else { 1 };
            let value = if i < k { r.clone() } else { lambda.clone() };
            check(kind, value, &no_w, &(&unit(d, 1, i, 0) * c));
        }
    }
    for i in 0..k {
        for j in k..d {
            // Unused unit j paired with class i: W column and H row alike (a rotation), or opposite.
            let row = v.block(i..i + 1, 0..total);
            let (dw, dh) = (unit(k, d, i, j), &unit(d, 1, j, 0) * &row);
            check(0, int(0), &dw, &dh);
            check(2, int(2) * &lambda, &dw, &-&dh);
        }
    }
    for i in 0..k {
        for j in 0..k {
            // W moves by a, H by +-a' V: scale and imbalance for symmetric a, rotation and shear for antisymmetric.
            let symmetric = i <= j;
            let mirrored = unit(k, d, j, i).scale(&int(if symmetric { 1 } else { -1 }));
            let a = &unit(k, d, i, j) + &mirrored;
            let moved = &a.t().block(0..d, 0..k) * &v;
            if symmetric {
                check(4, int(2) * (&r - &lambda), &a, &moved);
                check(2, int(2) * &lambda, &a, &-&moved);
            } else {
                check(0, int(0), &a, &moved);
                check(5, int(2) * &r, &a, &-&moved);
            }
        }
    }
    let spare = d - k;
    let expected = [
        k * spare + k * (k - 1) / 2,
        spare * (total - k),
        k * spare + k * (k + 1) / 2,
        k * (total - k),
        k * (k + 1) / 2,
        k * (k - 1) / 2,
    ];
    assert_eq!(counts, expected);
    assert_eq!(counts.iter().sum::<usize>(), k * d + d * total);
}

/// Saddles at depth one: a free unit on an inactive class, and the exchange with an active one.
///
/// Exact identity: NC-24
#[test]
fn saddles() {
    // n = (16, 4), N = 20, lambda = 1/20: sigma = (3, 1).
    let y = labels(&[16, 4]);
    let total = 20;
    let row = |c: usize, root: i64| Matrix::from_fn(1, total, |_, i| y.at(c, i) * frac(1, root));
    // Only the smaller class active, sigma_2 = 1 at lambda = 1/20: W = (0, 1)', H = its indicator.
    let lambda = frac(1, 20);
    for units in [1_usize, 2] {
        let w = Matrix::from_fn(2, units, |i, j| int(i64::from((i, j) == (1, 0))));
        let pad = |h: Matrix| if units == 1 { h } else { h.above(&Matrix::zeros(1, total)) };
        let h = pad(row(1, 2));
        let zero = gradient(&w, &h, &y, &lambda);
        assert_eq!((zero.0, zero.1), (Matrix::zeros(2, units), Matrix::zeros(units, total)));
        // Exchange: class 1 through the active unit, eigenvalue (sqrt 4 - sqrt 16)/N = -1/10.
        let dw = Matrix::from_fn(2, units, |i, j| int(i64::from((i, j) == (0, 0))));
        let dh = pad(row(0, 4));
        let (hw, hh) = hessian(&w, &h, &y, &lambda, &dw, &dh);
        let value = frac(-1, 10);
        assert_eq!((hw, hh), (dw.scale(&value), dh.scale(&value)));
        if units == 2 {
            // The free unit: lambda - sqrt(16)/N = -3/20.
            let dw = Matrix::from_fn(2, 2, |i, j| int(i64::from((i, j) == (0, 1))));
            let dh = Matrix::zeros(1, total).above(&row(0, 4));
            let (hw, hh) = hessian(&w, &h, &y, &lambda, &dw, &dh);
            let value = frac(-3, 20);
            assert_eq!((hw, hh), (dw.scale(&value), dh.scale(&value)));
        }
    }
}
