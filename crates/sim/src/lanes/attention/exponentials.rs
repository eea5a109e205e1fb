//! A sum of very many decaying exponentials as one of few: moments of the logarithms of the rates, then a quadrature on Chebyshev points.
use crate::lanes::isa::{Isa, Kernel, Vector, dispatch_on};
use crate::lanes::sums::{PARTS, tree};

/// Up to this many entries are kept one by one.
const FEW: usize = 128;
/// Entries whose recurrences run side by side.
const BLOCK: usize = 4 * PARTS;

/// Rates `2 k` and weights that give `sum_{i != j} u_ij^2 exp(-2 k_ij tau)` for all `tau >= 0`, where `k_ij = left_i right_j`.
///
/// Slowest first, so that what has decayed is the end of the list; padded by zeros to a multiple of eight.
///
/// # Method
/// `exp(-tau e^x)` is entire in `x = ln k` and bounded by 1 in the strip `|Im x| < pi/2`: its Chebyshev coefficients on the interval of the logarithms fall
/// like `rho^-m`, where the ellipse of `rho` lies inside the strip. So the sum is `sum_m c_m(tau) mu_m` with as many moments
/// `mu_m = sum u^2 T_m(x)` as leave rounding, and these are also the moments of `mu`'s quadrature on the Chebyshev points, whose weights are a cosine transform. The moments come
/// from the recurrence of `u^2 T_m(x)`: two additions and a multiplication an entry and point. Its rounding grows at most like `m^2` at the ends of
/// the interval, where `c_m` falls like `rho^-m`.
pub(super) fn exponentials(isa: Isa, left: &[f64], right: &[f64], u: &[f64]) -> (Vec<f64>, Vec<f64>) {
    let d = left.len();
    let [a, b] = [left, right].map(|factors| factors.iter().map(|f| f.ln()).collect::<Vec<f64>>());
    let (low, high) = (least(&a) + least(&b), most(&a) + most(&b));
    // Rates that are all but equal need no narrower interval than this, and rounding would be a large part of it.
    let (center, half) = (0.5 * (high + low), (0.5 * (high - low)).max(0.01));
    let height = std::f64::consts::FRAC_PI_2 / half;
    let rho = height + (1.0 + height * height).sqrt();
    let points = (((1e18_f64).ln() / rho.ln()).ceil() as usize + 2).max(8);
    if d * (d - 1) <= FEW.max(points) {
        let mut terms: Vec<(f64, f64)> = (0..d * d)
            .filter(|at| at / d != at % d)
            .map(|at| (2.0 * (left[at / d] * right[at % d]), u[at] * u[at]))
            .collect();
        terms.sort_by(|a, b| a.0.total_cmp(&b.0));
        terms.resize(terms.len().next_multiple_of(PARTS), (0.0, 0.0));
        return terms.into_iter().unzip();
    }
    let shift: Vec<f64> = a.iter().map(|a| a - center).collect();
    let mut parts = vec![[0.0; PARTS]; points];
    dispatch_on(isa, Moments { shift: &shift, logarithms: &b, u, scale: 1.0 / half, parts: &mut parts });
    let moments: Vec<f64> = parts.into_iter().map(tree).collect();

    // cos(j pi / (2 points)) for a whole turn.
    let mut cosines = vec![0.0; 4 * points];
    for j in 0..points {
        let c = (j as f64 * std::f64::consts::FRAC_PI_2 / points as f64).cos();
        cosines[j] = c;
        cosines[2 * points - j] = -c;
        cosines[2 * points + j] = -c;
        cosines[(4 * points - j) % (4 * points)] = c;
    }
    let padded = points.next_multiple_of(PARTS);
    let (mut rates, mut weights) = (vec![0.0; padded], vec![0.0; padded]);
    for m in 0..points.div_ceil(2) {
        // Point m from the top and point m from the bottom: even moments are the same for both, odd ones change sign.
        let (mut even, mut odd, mut angle) = (0.5 * moments[0], 0.0, 0);
        for pair in moments[1..].chunks(2) {
            angle = (angle + 2 * m + 1) % (4 * points);
            odd += pair[0] * cosines[angle];
            if let Some(next) = pair.get(1) {
                angle = (angle + 2 * m + 1) % (4 * points);
                even += next * cosines[angle];
            }
        }
        let node = half * cosines[2 * m + 1];
        let scale = 2.0 / points as f64;
        (rates[m], weights[m]) = (2.0 * (center - node).exp(), scale * (even - odd));
        let top = points - 1 - m;
        (rates[top], weights[top]) = (2.0 * (center + node).exp(), scale * (even + odd));
    }
    (rates, weights)
}

fn least(list: &[f64]) -> f64 {
    list.iter().copied().fold(f64::INFINITY, f64::min)
}

fn most(list: &[f64]) -> f64 {
    list.iter().copied().fold(f64::NEG_INFINITY, f64::max)
}

/// `parts_m += u_ij^2 T_m(x_ij)` over `i != j`, `x_ij = (shift_i + logarithms_j) scale`; in eight partial sums.
struct Moments<'a> {
    shift: &'a [f64],
    logarithms: &'a [f64],
    u: &'a [f64],
    scale: f64,
    parts: &'a mut [[f64; PARTS]],
}

impl Kernel for Moments<'_> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector>(self) {
        let Self { shift, logarithms, u, scale, parts } = self;
        let d = logarithms.len();
        for (i, row) in u.chunks_exact(d).enumerate() {
            for (block, (logarithms, u)) in logarithms.chunks(BLOCK).zip(row.chunks(BLOCK)).enumerate() {
                let (mut x, mut squares) = ([0.0; BLOCK], [0.0; BLOCK]);
                x[..u.len()].copy_from_slice(logarithms);
                squares[..u.len()].copy_from_slice(u);
                for l in 0..BLOCK {
                    x[l] = (shift[i] + x[l]) * scale;
                    squares[l] *= squares[l];
                }
                if i / BLOCK == block {
                    squares[i % BLOCK] = 0.0;
                }
                for from in (0..PARTS).step_by(V::LENGTH) {
                    add_moments::<V>(&x, &squares, from, parts);
                }
            }
        }
    }
}

/// Adds `y_m = square T_m(x)`, `y_{m+1} = 2 x y_m - y_{m-1}`, for four times the lanes `from ..` of eight.
#[inline(always)]
fn add_moments<V: Vector>(x: &[f64; BLOCK], squares: &[f64; BLOCK], from: usize, parts: &mut [[f64; PARTS]]) {
    let (mut twice, mut now, mut before) = ([V::splat(0.0); 4], [V::splat(0.0); 4], [V::splat(0.0); 4]);
    for n in 0..4 {
        let x = V::load(&x[n * PARTS + from..]);
        twice[n] = x.plus(x);
        now[n] = V::load(&squares[n * PARTS + from..]);
        // T_{-1} = T_1.
        before[n] = x.times(now[n]);
    }
    for part in parts {
        let sum = now[0].plus(now[1]).plus(now[2].plus(now[3]));
        V::load(&part[from..]).plus(sum).store(&mut part[from..]);
        for n in 0..4 {
            let next = twice[n].times(now[n]).minus(before[n]);
            (before[n], now[n]) = (now[n], next);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spectra() -> Vec<Vec<f64>> {
        let power = |d: usize, alpha: f64| (1..=d).map(|i| (i as f64).powf(-alpha)).collect::<Vec<_>>();
        vec![
            power(3, 0.5),
            power(12, 0.5),
            power(33, 1.0),
            power(70, 0.1),
            vec![0.3; 20],
            (0..20).map(|i| 2.0 + 1e-9 * f64::from(i)).collect(),
            // Rates over twelve and over thirty decades.
            power(64, 2.2),
            (0..60).map(|i| 10f64.powf(-f64::from(i) / 6.0)).collect(),
            // Near the end of the range of numbers.
            (0..40).map(|i| 10f64.powi(-110 - i)).collect(),
        ]
    }

    /// Against the sum itself, with a bound on rounding in units of `epsilon sum u^2`, for `n` points. Moments: an error made in the recurrence grows at most
    /// linearly, so that of `mu_m` is below `m^2`; `|c_m| < 2 rho^-m` and `rho^n > 1e18` make `sum m^2 |c_m| < 4 (n / ln 1e18)^3`. The transform: `n`. Rates:
    /// the logarithm is good to half a unit of its value, at both ends of the formula, and `z exp(-z) < 1`. The sum itself, row by row: `2 d`.
    #[test]
    fn the_same_sum_with_few_terms() {
        let (mut few, mut one_by_one) = (0, 0);
        for lambda in spectra() {
            let d = lambda.len();
            let left: Vec<f64> = lambda.iter().map(|l| l * (1.0 + l)).collect();
            let u: Vec<f64> = (0..d * d).map(|at| ((at * 7 % 11) as f64 - 5.3) / 4.0).collect();
            let by_rows = |f: &dyn Fn(usize) -> f64| -> f64 {
                (0..d).map(|i| (0..d).filter(|j| *j != i).map(|j| f(i * d + j)).sum::<f64>()).sum()
            };
            let total = by_rows(&|at| u[at] * u[at]);
            let (rates, weights) = exponentials(Isa::Baseline, &left, &lambda, &u);
            assert!(rates.len() == weights.len() && rates.len() % PARTS == 0);
            if rates.len() < d * (d - 1) {
                few += 1
            } else {
                one_by_one += 1
            }
            let slowest = left[d - 1].min(left[0]) * lambda[d - 1].min(lambda[0]);
            let logarithm = slowest.ln().abs().max((left[0] * lambda[0]).ln().abs());
            let n = rates.len() as f64;
            let units = 4.0 * (n / 1e18_f64.ln()).powi(3) + n + 4.0 * logarithm + 2.0 * d as f64;
            let bound = units * f64::EPSILON * total;
            let times = (-30..60).map(|p| 10f64.powf(f64::from(p) / 4.0));
            for tau in std::iter::once(0.0).chain(times.clone()).chain(times.map(|t| t / slowest)) {
                let direct =
                    by_rows(&|at| u[at] * u[at] * (-2.0 * (left[at / d] * lambda[at % d]) * tau).exp());
                let ours: f64 = rates.iter().zip(&weights).map(|(r, w)| w * (-r * tau).exp()).sum();
                assert!(
                    (ours - direct).abs() <= bound,
                    "d = {d}, {} terms, tau = {tau:e}: {ours:e} {direct:e} {bound:e}",
                    rates.len()
                );
            }
            for isa in Isa::available() {
                assert!(exponentials(isa, &left, &lambda, &u) == (rates.clone(), weights.clone()), "{isa:?}");
            }
        }
        assert!(few > 4 && one_by_one > 0, "{few} {one_by_one}");
    }
}
