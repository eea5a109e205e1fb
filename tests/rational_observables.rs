//! Clipped labels and training observables of aggregate responses over exact rationals.
use crate::exact::{Matrix, Q, chain, frac, instances, int, pow, sum};
use crate::rational_aggregate::Equivalent;

/// The printed second moment of a clipped normal label through its derivative in the threshold, the residual variance, and
/// the risk of the general equivalent against the closed forms without clipping.
///
/// Exact identity: AGG-12
#[test]
fn clipped_labels() {
    instances(12, |draw| {
        // d/dT of M_2 = v^2 (mu - 2 h phi) + T^2 (1 - mu), h = T/v, mu' = 2 phi, phi' = -h phi, leaves 2 T P(|y| > T): mu, phi free.
        let (v, h, mu, phi) = (draw.positive(), draw.positive(), draw.unit(), draw.positive());
        let t = &v * &h;
        let (mu_rate, phi_rate) = (int(2) * &phi, -(&h * &phi));
        let bulk = &v * &v * (&mu_rate - int(2) * (&phi + &h * phi_rate));
        let edge = -(&t * &t * &mu_rate);
        assert_eq!(bulk + edge, int(0));
        // The part of the label beside mu x' theta, when E clip(y) x = mu theta: E (c - mu f)^2.
        let (r2, second) = (draw.positive(), draw.positive());
        let residual = &second - int(2) * &mu * (&mu * &r2) + &mu * &mu * &r2;
        assert_eq!(residual, &second - &mu * &mu * &r2);
    });
    instances(12, |draw| {
        let values = draw.size(1, 3);
        let e = Equivalent::new(draw, values);
        let (mu, noise) = (draw.unit(), draw.positive());
        let ((ga, gb), (sa, sb)) = (e.groups(), e.shares());
        let f = e.trace(2, 2);
        let free = int(1) - &f * (&ga + &gb);
        // (A4) with groups (p, 1, mu, noise) and (1 - p, tau, 0, 0), target multiplier 1.
        let bar = |j: usize| &e.sigma[j] * (&sa * &mu) / (&e.s * &e.sigma[j] + &e.lambda);
        let miss =
            |target: &Q| sum((0..values).map(|j| &e.sigma[j] * pow(&(bar(j) - target), 2) * &e.energy[j]));
        let spread = (&ga * (miss(&mu) + &noise) + &gb * miss(&int(0))) / &free;
        let general = miss(&int(1)) + &f * spread;
        // (A5) for labels without clipping and noise over mu^2, then the estimate shrunk by mu.
        let ratio = |above: Q, j: usize| above / (&e.s * &e.sigma[j] + &e.lambda);
        let energy = |g: &dyn Fn(usize) -> Q| sum((0..values).map(|j| &e.sigma[j] * g(j) * &e.energy[j]));
        let a = energy(&|j| pow(&ratio(&sb * &e.sigma[j] + &e.lambda, j), 2));
        let c = energy(&|j| pow(&ratio(&sa * &e.sigma[j], j), 2));
        let lost = energy(&|j| ratio(&sb * &e.sigma[j] + &e.lambda, j));
        let plain = &a + &f * (&ga * &a + &gb * &c) / &free + &noise / (&mu * &mu) * &f * &ga / &free;
        let short = int(1) - &mu;
        let signal = energy(&|_| int(1));
        let shrunk = &mu * &mu * plain + int(2) * &mu * &short * lost + &short * &short * signal;
        assert_eq!(general, shrunk);
    });
}

/// Rows, weights and labels of bags: `P X` with `sqrt k`, and the deviations.
fn bagged(x: &Matrix, y: &Matrix, k: usize) -> (Matrix, Matrix) {
    let n = x.rows;
    let p = Matrix::from_fn(n, n, |i, j| if i / k == j / k { frac(1, k as i64) } else { int(0) });
    (&p * x, &p * y)
}

/// Cross-validation by leverage: the residual of a bag is that of the fit without it over one plus its leverage there, so that
/// the score of equal leverages is the mean of these cavity errors; the same for a within-bag row; the limits divide out.
///
/// Exact identity: AGG-13
#[test]
fn cavities_and_cross_validation() {
    let mut compared = 0;
    instances(8, |draw| {
        let (k, m, d) = (draw.size(1, 2), draw.size(2, 3), draw.size(1, 3));
        let n = k * m;
        let (x, y) = (draw.matrix(n, d), draw.matrix(n, 1));
        let (tau, ridge) = (draw.unit(), draw.positive());
        // Bag rows carry 1/sqrt k a member: k copies of the mean have the same Gram matrix as one row with sqrt k.
        let (means, labels) = bagged(&x, &y, k);
        let within = &x - &means;
        let fit = |skip: Option<usize>, drop: Option<&Matrix>| {
            let mut h = &(&within.t() * &within).scale(&tau) + &Matrix::identity(d).scale(&ridge);
            let mut right = Matrix::zeros(d, 1);
            for a in (0..m).filter(|&a| Some(a) != skip) {
                let row = means.block(a * k..a * k + 1, 0..d);
                h = &h + &(&row.t() * &row).scale(&int(k as i64));
                right = &right + &row.t().scale(&(int(k as i64) * labels.at(a * k, 0)));
            }
            if let Some(row) = drop {
                h = &h - &(&row.t() * row).scale(&tau);
            }
            let inverse = h.inverse()?;
            Some((&inverse * &right, inverse))
        };
        let (theta, inverse) = fit(None, None).expect("a ridge");
        let size = int(k as i64);
        let mut mean_leverage = int(0);
        let (mut score, mut cavity_errors) = (int(0), int(0));
        for a in 0..m {
            let row = means.block(a * k..a * k + 1, 0..d);
            let (without, cavity) = fit(Some(a), None).expect("a ridge");
            let delta = chain(&[&row, &cavity, &row.t()]).trace() * &size;
            let leverage = chain(&[&row, &inverse, &row.t()]).trace() * &size;
            assert_eq!(leverage, &delta / (int(1) + &delta));
            let miss = labels.at(a * k, 0) - (&row * &theta).trace();
            let far = labels.at(a * k, 0) - (&row * &without).trace();
            assert_eq!(miss, &far / (int(1) + &delta));
            score += pow(&(&miss / (int(1) - &leverage)), 2);
            cavity_errors += &far * &far;
            mean_leverage += leverage / int(m as i64);
        }
        assert_eq!(score, cavity_errors);
        // tr(A H^-1 A')/m is the mean leverage of the bags.
        let gram = &means.t() * &means;
        assert_eq!((&gram * &inverse).trace() / int(m as i64), mean_leverage);
        // A direction of the within-bag term, weight tau and label 0.
        let row = within.block(0..1, 0..d);
        if let Some((without, cavity)) = fit(None, Some(&row)) {
            compared += 1;
            let delta = chain(&[&row, &cavity, &row.t()]).trace();
            let far = (&row * &without).trace();
            assert_eq!((&row * &theta).trace(), far / (int(1) + &tau * delta));
        }
    });
    assert!(compared >= 5, "{compared} within-bag rows");
    instances(12, |draw| {
        // In the limit every bag has the same delta: (R + sigma^2)/(1 + delta)^2 over (1 - delta/(1 + delta))^2.
        let e = Equivalent::new(draw, 2);
        let (risk, sigma2) = (draw.positive(), draw.positive());
        let bag = &e.p * (&risk + &sigma2) / pow(&(int(1) + &e.delta), 2);
        let leverage = &e.delta / (int(1) + &e.delta);
        assert_eq!(bag / &e.p / pow(&(int(1) - leverage), 2), risk + sigma2);
    });
}
