//! Binomial probabilities to full relative accuracy, tails included.

/// `log n! - log(sqrt(2 pi n) (n/e)^n)` for n = 0 (unused) to 15.
const STIRLING_ERROR: [f64; 16] = [
    0.0,
    0.08106146679532726,
    0.0413406959554093,
    0.02767792568499834,
    0.020790672103765093,
    0.016644691189821193,
    0.013876128823070748,
    0.01189670994589177,
    0.010411265261972096,
    0.009255462182712733,
    0.00833056343336287,
    0.007573675487951841,
    0.00694284010720953,
    0.006408994188004207,
    0.0059513701127588475,
    0.005554733551962801,
];

fn stirling_error(n: f64) -> f64 {
    if n <= 15.0 {
        return STIRLING_ERROR[n as usize];
    }
    let square = n * n;
    // The first term left out is below 691/(360360 n^11) = 2e-16 at n = 16.
    (1.0 / 12.0
        - (1.0 / 360.0 - (1.0 / 1260.0 - (1.0 / 1680.0 - 1.0 / 1188.0 / square) / square) / square) / square)
        / n
}

/// `x log(x/mean) + mean - x`, at least 0, without cancellation near x = mean.
fn deviance(x: f64, mean: f64) -> f64 {
    let difference = x - mean;
    if difference.abs() >= 0.1 * (x + mean) {
        return x * (x / mean).ln() - difference;
    }
    let v = difference / (x + mean);
    let mut sum = difference * v;
    let mut term = 2.0 * x * v;
    let square = v * v;
    for j in 1..1000 {
        term *= square;
        let next = sum + term / f64::from(2 * j + 1);
        if next == sum {
            break;
        }
        sum = next;
    }
    sum
}

/// `P(Bin(n, p) = x)`, 0 < p < 1, by the saddle-point expansion of C. Loader (*Fast and accurate computation of binomial
/// probabilities*, 2000): no large logarithms are subtracted.
pub(super) fn mass(n: usize, p: f64, x: usize) -> f64 {
    if x > n {
        return 0.0;
    }
    let (size, q) = (n as f64, 1.0 - p);
    if x == 0 {
        return (size * (-p).ln_1p()).exp();
    }
    if x == n {
        return (size * p.ln()).exp();
    }
    let (k, rest) = (x as f64, (n - x) as f64);
    let exponent = stirling_error(size)
        - stirling_error(k)
        - stirling_error(rest)
        - deviance(k, size * p)
        - deviance(rest, size * q);
    exponent.exp() * (size / (std::f64::consts::TAU * k * rest)).sqrt()
}

/// `P(Bin(n, p) >= c)`, 0 < p < 1: a sum of positive terms on the short side of the mean.
pub(super) fn upper_tail(n: usize, p: f64, c: usize) -> f64 {
    if c == 0 {
        return 1.0;
    }
    if c > n {
        return 0.0;
    }
    let odds = p / (1.0 - p);
    if c as f64 > n as f64 * p {
        let (mut term, mut sum) = (1.0, 1.0);
        for i in c..n {
            term *= (n - i) as f64 / (i + 1) as f64 * odds;
            sum += term;
            if term < 1e-18 * sum {
                break;
            }
        }
        return (mass(n, p, c) * sum).min(1.0);
    }
    let (mut term, mut sum) = (1.0, 1.0);
    for i in (1..c).rev() {
        term *= i as f64 / ((n - i + 1) as f64 * odds);
        sum += term;
        if term < 1e-18 * sum {
            break;
        }
    }
    (1.0 - mass(n, p, c - 1) * sum).max(0.0)
}

/// `P(N_1 >= c, N_2 >= c)` for (N_1, N_2, rest) multinomial(n; p, p, 1-2p), 0 < p < 1/2; 0 where it is below a relative 1e-18 of
/// `P(N_1 >= c)`.
///
/// Conditional on N_1 = i, N_2 is Bin(n-i, p/(1-p)), whose tails follow from each other by
/// `P(Bin(N+1) >= c) = P(Bin(N) >= c) + pi P(Bin(N) = c-1)`: positive terms.
pub(super) fn both_above(n: usize, p: f64, c: usize) -> f64 {
    if c == 0 {
        return 1.0;
    }
    // The counts are negatively associated: P(both) <= P(N_1 >= c)^2.
    if c > n / 2 || upper_tail(n, p, c) < 1e-18 {
        return 0.0;
    }
    let pi = p / (1.0 - p);
    let mut last = c;
    let (mut masses, mut largest) = (Vec::new(), 0.0_f64);
    for i in c..=n - c {
        let value = mass(n, p, i);
        largest = largest.max(value);
        masses.push(value);
        last = i;
        if value < 1e-22 * largest {
            break;
        }
    }
    let mut tail = upper_tail(n - last, pi, c);
    let mut sum = 0.0;
    for i in (c..=last).rev() {
        sum += masses[i - c] * tail;
        tail += pi * mass(n - i, pi, c - 1);
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masses_and_tails_keep_relative_accuracy() {
        // mpmath, 40 digits: n, p, c, P(= c), P(>= c).
        for (n, p, c, expected_mass, expected_tail) in [
            (1, 0.3, 1, 0.3, 0.3),
            (7, 0.5, 0, 0.0078125, 1.0),
            (25, 0.3085, 12, 0.03194396464985892, 0.05406997413342258),
            (101, 0.01, 40, 1.2328838010496126e-52, 1.2516831057515299e-52),
            (1001, 0.25, 251, 0.029037081662937045, 0.4902944805617549),
            (1001, 0.25, 249, 0.029036978831670706, 0.5484458701686474),
            (5001, 0.4, 2500, 6.4507521635018535e-47, 1.9291248103711457e-46),
            (20001, 0.0625, 1300, 0.004000064976626157, 0.07498800201972002),
            (2001, 0.0009765625, 100, 1.6806076644639322e-131, 1.7121018746505009e-131),
        ] {
            for (found, expected) in [(mass(n, p, c), expected_mass), (upper_tail(n, p, c), expected_tail)] {
                let error = (found / expected - 1.0_f64).abs();
                // The exponent has magnitude up to 600.
                assert!(error < 1e-12, "{n} {p} {c}: {found:e} {expected:e} {error:e}");
            }
        }
        for (n, p, c, expected) in [
            (5, 0.25, 2, 0.078125),
            (25, 0.3085, 9, 0.06187834252367476),
            (101, 0.4375, 40, 0.653065124585878),
            (301, 0.25, 80, 0.043028938046396334),
        ] {
            let error = (both_above(n, p, c) / expected - 1.0_f64).abs();
            assert!(error < 1e-12, "{n} {p} {c}: {error:e}");
        }
        assert_eq!(both_above(10, 0.2, 6), 0.0);
    }
}
