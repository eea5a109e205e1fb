//! Imbalanced cross-entropy and collapse metrics over exact rationals: certificates, first-order conditions, invariances.
//!
//! Roots are avoided by class sizes whose roots are rational; a margin and its exponential enter as independent numbers.
use crate::exact::{Draw, Matrix, Q, chain, frac, instances, int, pow, sum};

/// `I - J/K`.
fn centering(k: usize) -> Matrix {
    &Matrix::identity(k) - &Matrix::ones(k, k).scale(&frac(1, k as i64))
}

/// The root of a whole number that is a square.
fn root(n: i64) -> Option<i64> {
    (0..=n).take_while(|r| r * r <= n).find(|r| r * r == n)
}

/// Two groups of classes whose centred sizes have rational roots.
fn rational_groups() -> Vec<(usize, i64, usize, i64)> {
    let mut found = Vec::new();
    for (ka, kb) in [(1_usize, 1_usize), (2, 1), (1, 2), (2, 2), (3, 1)] {
        for a in 1..=30_i64 {
            for b in 1..=30_i64 {
                let mixed = kb as i64 * a + ka as i64 * b;
                let k = (ka + kb) as i64;
                let square = |n: i64, count: usize| count == 1 || root(n).is_some();
                if mixed % k == 0 && root(mixed / k).is_some() && square(a, ka) && square(b, kb) {
                    found.push((ka, a, kb, b));
                }
            }
        }
    }
    found
}

/// The certificate of the max-margin problem: `G = (C D C)^(1/2 +) C D` with `C = I - J/K`, its signs and sums, the value it
/// proves, and complementary slackness for every matrix of logits.
///
/// Exact identity: NC-17
#[test]
fn max_margin_certificate() {
    let groups = rational_groups();
    let imbalanced = groups.iter().filter(|g| g.1 != g.3).count();
    println!("max-margin certificate: {} pairs of groups, {imbalanced} imbalanced", groups.len());
    assert!(imbalanced >= 10 && groups.iter().any(|g| g.0 + g.2 == 4 && g.1 != g.3));
    let mut pick = 0;
    instances(groups.len() as u64, |draw| {
        let (ka, a, kb, b) = groups[pick];
        pick += 1;
        let k = ka + kb;
        let sizes: Vec<Q> = (0..k).map(|i| int(if i < ka { a } else { b })).collect();
        let (d, c) = (Matrix::diagonal(&sizes), centering(k));
        // Spectral form of C D C: contrasts within a group, and the contrast between the groups.
        let indicator = |first: bool| Matrix::from_fn(k, 1, |i, _| int(i64::from((i < ka) == first)));
        let within = |first: bool| {
            let one = indicator(first);
            let inside = Matrix::diagonal(&(0..k).map(|i| one.at(i, 0).clone()).collect::<Vec<_>>());
            &inside - &(&one * &one.t()).scale(&(int(1) / one.norm2()))
        };
        let between =
            &indicator(true).scale(&frac(1, ka as i64)) - &indicator(false).scale(&frac(1, kb as i64));
        let between = (&between * &between.t()).scale(&(int(1) / between.norm2()));
        let mixed = (kb as i64 * a + ka as i64 * b) / k as i64;
        let parts = [(within(true), a, ka - 1), (within(false), b, kb - 1), (between, mixed, 1)];
        let spectral = |f: &dyn Fn(i64) -> Q| {
            parts.iter().filter(|part| part.2 > 0).fold(Matrix::zeros(k, k), |m, (p, value, _)| {
                &m + &p.scale(&f(root(*value).expect("a square")))
            })
        };
        assert_eq!(spectral(&|r| int(r * r)), chain(&[&c, &d, &c]));
        let (sigma, polar) = (spectral(&int), spectral(&|r| frac(1, r)));
        let g = chain(&[&polar, &c, &d]);
        // G D^(-1/2) is a partial isometry: its square is C.
        let over = Matrix::diagonal(&sizes.iter().map(|n| int(1) / n).collect::<Vec<_>>());
        assert_eq!(chain(&[&g, &over, &g.t()]), c);
        assert_eq!(&Matrix::ones(1, k) * &g, Matrix::zeros(1, k));
        for i in 0..k {
            for j in (0..k).filter(|&j| j != i) {
                assert!(*g.at(i, j) <= int(0));
            }
        }
        // Value: tr G is the nuclear norm of C D^(1/2), which has all margins 1.
        assert_eq!(g.trace(), sigma.trace());
        assert_eq!(c.dot(&g), g.trace());
        // <G, Z> is the sum of multipliers times margins, for all Z.
        let z = draw.matrix(k, k);
        let margins = sum((0..k).flat_map(|j| {
            let (g, z) = (&g, &z);
            (0..k).filter(move |&i| i != j).map(move |i| -(g.at(i, j) * (z.at(j, j) - z.at(i, j))))
        }));
        assert_eq!(g.dot(&z), margins);
        // With C D^(1/2) = U S Q': U S U' = (C D C)^(1/2) for the classifier, D^(-1/2) Q S Q' D^(-1/2) for the features, from
        // G = U Q' D^(1/2); the logits W H = C tie them.
        let features = chain(&[&over, &g.t(), &sigma, &g, &over]);
        assert_eq!(features, polar);
        assert_eq!(&sigma * &features, c);
    });
}

/// Non-negative features: literal gradients of the network at the printed solution, its value, and the bound of the proof.
///
/// Exact identity: NC-18
#[test]
fn non_negative_features() {
    let mut alive = 0;
    instances(12, |draw| {
        let k = draw.size(2, 4);
        let over_k = frac(1, k as i64);
        // n_k = K (K - 1) s_k^2, so that sqrt(n_k K/(K-1)) = K s_k.
        let scale: Vec<i64> = (0..k).map(|_| draw.whole(1, 3)).collect();
        let counts: Vec<Q> = scale.iter().map(|s| int((k * (k - 1)) as i64 * s * s)).collect();
        let total = sum(counts.iter().cloned());
        // lambda = sqrt(lambda_W lambda_H), t = sqrt(lambda_W/lambda_H).
        let (lambda, t) = (draw.unit() / &total, draw.positive());
        let (lambda_w, lambda_h) = (&lambda * &t, &lambda / &t);
        let rho: Vec<Q> = scale.iter().map(|s| int(k as i64 * s) / (&total * &lambda)).collect();
        let exponential: Vec<Q> = rho.iter().map(|r| int(k as i64 - 1) * (r - int(1))).collect();
        if exponential.iter().any(|e| *e <= int(1)) {
            return;
        }
        alive += 1;
        // The margin m_k as a free number: h_k = xi e_k, W column w (e_k - 1/K), xi w = m, xi^2 = m t/(K s).
        let xi: Vec<Q> = (0..k).map(|_| draw.positive()).collect();
        let per_root: Vec<Q> = scale.iter().map(|s| &t / int(k as i64 * s)).collect();
        let margin: Vec<Q> = (0..k).map(|j| &xi[j] * &xi[j] / &per_root[j]).collect();
        let h = Matrix::diagonal(&xi);
        let c = centering(k);
        let slopes: Vec<Q> = (0..k).map(|j| &margin[j] / &xi[j]).collect();
        let w = &c * &Matrix::diagonal(&slopes);
        assert_eq!(&w * &h, &c * &Matrix::diagonal(&margin));
        // Softmax of m (e_k - 1/K): e^m/(e^m + K - 1) at the class.
        let miss = Matrix::from_fn(k, k, |i, j| {
            let below = &exponential[j] + int(k as i64 - 1);
            if i == j { &exponential[j] / &below - int(1) } else { int(1) / below }
        });
        let weights = Matrix::diagonal(&counts.iter().map(|n| n / &total).collect::<Vec<_>>());
        assert_eq!(chain(&[&miss, &weights, &h.t()]), -&w.scale(&lambda_w));
        // Features: a sample of class k has weight 1/N; zero gradient where positive, none negative elsewhere.
        let force = &(&w.t() * &miss).scale(&(int(1) / &total)) + &h.scale(&lambda_h);
        for i in 0..k {
            for j in 0..k {
                assert!(if i == j { *force.at(i, j) == int(0) } else { *force.at(i, j) > int(0) });
            }
        }
        // Penalty: lambda sum of m sqrt(n (K-1)/K), the root being (K - 1) s.
        let energy = sum((0..k).map(|j| &counts[j] * &xi[j] * &xi[j]));
        let penalty = (&lambda_w * w.norm2() + &lambda_h * energy) / int(2);
        let printed = sum((0..k).map(|j| &margin[j] * int((k as i64 - 1) * scale[j])));
        assert_eq!(penalty, &lambda * printed);
        // The proof: for any features and slopes the best classifier, its value, and the sign of the cross terms.
        let (d, alpha): (usize, Vec<Q>) = (draw.size(1, 3), (0..k).map(|_| draw.positive()).collect());
        let features = draw.matrix(d, k).map(|x| if *x < int(0) { -x } else { x.clone() });
        let pull = chain(&[&c, &Matrix::diagonal(&alpha), &features.t()]);
        let value = |w: &Matrix| &lambda_w * w.norm2() / int(2) - w.dot(&pull);
        let best = pull.scale(&(int(1) / &lambda_w));
        let gram = &features.t() * &features;
        let double = |diagonal: bool| {
            sum((0..k * k).map(|e| (e / k, e % k)).filter(|(i, j)| (i == j) == diagonal).map(|(i, j)| {
                let entry = if diagonal { int(1) - &over_k } else { -over_k.clone() };
                &alpha[i] * &alpha[j] * entry * gram.at(i, j)
            }))
        };
        assert_eq!(value(&best), -((double(true) + double(false)) / (int(2) * &lambda_w)));
        assert!(double(false) <= int(0));
        let other = draw.matrix(k, d);
        assert_eq!(value(&other), value(&best) + &lambda_w * (&other - &best).norm2() / int(2));
    });
    assert!(alive >= 6, "{alive} cases with every class alive");
}

/// Class means, global mean, deviations of labelled samples in columns.
struct Samples {
    features: Matrix,
    class: Vec<usize>,
    k: usize,
}

impl Samples {
    fn means(&self) -> Matrix {
        let members = |c: usize| self.class.iter().filter(|&&y| y == c).count() as i64;
        Matrix::from_fn(self.features.rows, self.k, |i, c| {
            let of_class = (0..self.class.len()).filter(|&j| self.class[j] == c);
            sum(of_class.map(|j| self.features.at(i, j).clone())) / int(members(c))
        })
    }

    fn centred_means(&self) -> Matrix {
        let n = self.class.len();
        let global = (&self.features * &Matrix::ones(n, 1)).scale(&frac(1, n as i64));
        &self.means() - &(&global * &Matrix::ones(1, self.k))
    }

    fn deviations(&self) -> Matrix {
        let means = self.means();
        Matrix::from_fn(self.features.rows, self.class.len(), |i, j| {
            self.features.at(i, j) - means.at(i, self.class[j])
        })
    }

    fn between(&self) -> Matrix {
        let m = self.centred_means();
        (&m * &m.t()).scale(&frac(1, self.k as i64))
    }

    /// `tr(S_W S_B^+)/K`.
    fn nc1(&self) -> Q {
        let w = self.deviations();
        let within = (&w * &w.t()).scale(&frac(1, self.class.len() as i64));
        (&within * &pseudo_inverse(&self.between())).trace() / int(self.k as i64)
    }

    fn map(&self, g: &Matrix) -> Self {
        Self { features: g * &self.features, class: self.class.clone(), k: self.k }
    }
}

/// Columns that span the range, by elimination, then `F (F'F)^-1 (C C')^-1 (F'F)^-1 F'` for `M = F C`.
fn pseudo_inverse(m: &Matrix) -> Matrix {
    let n = m.rows;
    let mut basis = Matrix::zeros(n, 0);
    for j in 0..n {
        let longer = basis.beside(&m.block(0..n, j..j + 1));
        if (&longer.t() * &longer).inverse().is_some() {
            basis = longer;
        }
    }
    if basis.columns == 0 {
        return Matrix::zeros(n, n);
    }
    let left = &(&basis.t() * &basis).inverse().expect("independent") * &basis.t();
    let c = &left * m;
    let right = &c.t() * &(&c * &c.t()).inverse().expect("independent");
    let plus = &right * &left;
    assert_eq!(chain(&[m, &plus, m]), *m);
    assert_eq!(chain(&[&plus, m, &plus]), plus);
    assert_eq!((m * &plus).t(), m * &plus);
    assert_eq!((&plus * m).t(), &plus * m);
    plus
}

/// The squared cosine of the angle between two matrices: `|A^ - T^|^2 = 2 - 2 cos`.
fn cosine2(a: &Matrix, t: &Matrix) -> Q {
    pow(&a.dot(t), 2) / (a.norm2() * t.norm2())
}

fn samples(draw: &mut Draw, k: usize, d: usize) -> Samples {
    let class: Vec<usize> = (0..k).flat_map(|c| vec![c; draw.size(1, 3)]).collect();
    Samples { features: draw.matrix(d, class.len()), class, k }
}

/// Pseudo-inverse without the large matrix, the scaling of NC1 in the deviations, invariances of NC1 to NC3, and their zeros at
/// the solutions they describe.
///
/// Exact identity: NC-19
#[test]
fn metrics() {
    instances(8, |draw| {
        let (k, d) = (draw.size(2, 3), draw.size(1, 4));
        let s = samples(draw, k, d);
        let nc1 = s.nc1();
        // From the Gram matrix of the centred means alone: S_B^+ = K M (M'M)^+ (M'M)^+ M'.
        let m = s.centred_means();
        let small = pseudo_inverse(&(&m.t() * &m));
        let across = &m.t() * &s.deviations();
        let thin = chain(&[&small, &across, &across.t(), &small]).trace();
        assert_eq!(nc1, thin / int(s.class.len() as i64));
        // Quadratic in the deviations at fixed means; rotations and scale leave it.
        let factor = draw.any();
        let moved = &s.features - &s.deviations().scale(&(int(1) - &factor));
        let shrunk = Samples { features: moved, class: s.class.clone(), k };
        assert_eq!(shrunk.nc1(), &nc1 * &factor * &factor);
        let gauge = draw.rotation(d);
        let scaled = gauge.scale(&draw.positive());
        assert_eq!(s.map(&scaled).nc1(), nc1);
        // NC2 and NC3: W -> c W O', H -> c' O H.
        let w = draw.matrix(k, d);
        let turned = (&w * &gauge.t()).scale(&draw.positive());
        let (h, h_turned) = (s.means(), s.map(&scaled).means());
        let target = Matrix::diagonal(&(0..k).map(|_| draw.positive()).collect::<Vec<_>>());
        if w.norm2() != int(0) && h.norm2() != int(0) && (&w * &h).norm2() != int(0) {
            assert_eq!(cosine2(&(&w * &w.t()), &target), cosine2(&(&turned * &turned.t()), &target));
            assert_eq!(cosine2(&(&h.t() * &h), &target), cosine2(&(&h_turned.t() * &h_turned), &target));
            assert_eq!(cosine2(&(&w * &h), &target), cosine2(&(&turned * &h_turned), &target));
        }
    });
    instances(8, |draw| {
        // Collapsed solutions: W = diag(sqrt T) O', means O diag(sqrt T'), x_k^M = y_k^2 rational roots; T'' = x^M/(1 + x^M).
        let (k, d) = (draw.size(2, 3), 3);
        let basis = draw.rotation(d).block(0..d, 0..k);
        let y: Vec<Q> = (0..k).map(|_| draw.positive()).collect();
        let of = |f: &dyn Fn(&Q) -> Q| Matrix::diagonal(&y.iter().map(f).collect::<Vec<_>>());
        let x = |y: &Q| y * y;
        let feature = |y: &Q| y / (int(1) + y * y);
        let (w, h) = (&of(&Q::clone) * &basis.t(), &basis * &of(&feature));
        let (alpha, beta) = (draw.positive(), draw.positive());
        let (w, h) = (w.scale(&alpha), h.scale(&beta));
        assert_eq!(cosine2(&(&w * &w.t()), &of(&x)), int(1));
        assert_eq!(cosine2(&(&h.t() * &h), &of(&|y| x(y) / pow(&(int(1) + x(y)), 2))), int(1));
        assert_eq!(cosine2(&(&w * &h), &of(&|y| x(y) / (int(1) + x(y)))), int(1));
        let class: Vec<usize> = (0..k).flat_map(|c| vec![c; 2]).collect();
        let features = Matrix::from_fn(d, 2 * k, |i, j| h.at(i, class[j]).clone());
        let collapsed = Samples { features, class, k };
        assert_eq!(collapsed.nc1(), int(0));
        // Equal sizes: W W' and H'H are those of the orthogonal frame; centred, those of the simplex.
        let c = centering(k);
        let frame = basis.scale(&alpha);
        assert_eq!(cosine2(&(&frame.t() * &frame), &Matrix::identity(k)), int(1));
        let centred = &frame * &c;
        assert_eq!(cosine2(&(&centred.t() * &centred), &c), int(1));
        assert_eq!(c.norm2(), int(k as i64 - 1));
        // NC4: with means of equal length the nearest mean is the largest logit of W = H'.
        let sample = draw.matrix(d, 1);
        let logits: Vec<Q> = (0..k).map(|i| frame.block(0..d, i..i + 1).dot(&sample)).collect();
        let distance: Vec<Q> = (0..k).map(|i| (&sample - &frame.block(0..d, i..i + 1)).norm2()).collect();
        for i in 0..k {
            for j in 0..k {
                assert_eq!(logits[i] > logits[j], distance[i] < distance[j]);
            }
        }
    });
}
