//! Scalar self-consistent equations `kappa - lambda = gamma kappa sum_j w_j s_j / (s_j + kappa)`, thousands at a time.
use super::isa::{Abreast, Kernel, Vector, dispatch};

/// Equations that iterate together until all have converged.
const BLOCK: usize = 32;
/// Atoms that share one division.
const GROUP: usize = 4;
/// Atoms and scales must lie in this range, so that products of [`GROUP`] of them stay finite and normal.
const SMALLEST: f64 = 1e-60;
const LARGEST: f64 = 1e60;
/// The least leading coefficient of the quadratic equation of a safe step.
const SAFE: f64 = 0.125;
/// Moves below these fractions leave no error but rounding: it is a fraction of the cube, or square, of the last move.
const CUBIC: f64 = 5e-6;
const SQUARE: f64 = 3e-7;
/// Iterations after which an equation is given up; six are the most that were ever seen.
const MOST: u32 = 100;

/// Why equations were refused.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum AtomsError {
    /// Lists of different lengths, or empty ones.
    #[error("{name} has {given} entries, expected {expected}")]
    Length {
        /// Which list.
        name: &'static str,
        /// Its length.
        given: usize,
        /// The expected one.
        expected: usize,
    },
    /// A number outside its range.
    #[error("{name} {index} is {value}; it must lie in [1e-60, 1e60]")]
    Range {
        /// Which list.
        name: &'static str,
        /// Which entry.
        index: usize,
        /// Its value.
        value: f64,
    },
    /// An equation that did not converge.
    #[error("equation {index} did not converge in {MOST} iterations")]
    NotConverged {
        /// The first such equation.
        index: usize,
    },
}

/// How the iteration went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Converged {
    /// The most iterations that a block of equations took.
    pub iterations: u32,
}

/// The atoms of a discrete law, `sum_j w_j delta(s_j)`.
#[derive(Clone, Debug, PartialEq)]
pub struct Atoms {
    /// `s_j`, padded to whole groups by the last one.
    atoms: Vec<f64>,
    /// `w_j s_j`, padded by 0.
    weighted: Vec<f64>,
    total: f64,
    mean: f64,
}

impl Atoms {
    /// Atoms `s_j` with weights `w_j`.
    ///
    /// # Errors
    /// Lists that are empty or differ in length, a number outside `[1e-60, 1e60]`.
    pub fn new(atoms: &[f64], weights: &[f64]) -> Result<Self, AtomsError> {
        if atoms.is_empty() {
            return Err(AtomsError::Length { name: "atoms", given: 0, expected: 1 });
        }
        if weights.len() != atoms.len() {
            return Err(AtomsError::Length { name: "weights", given: weights.len(), expected: atoms.len() });
        }
        check("atom", atoms)?;
        check("weight", weights)?;
        let mut weighted: Vec<f64> = atoms.iter().zip(weights).map(|(s, w)| s * w).collect();
        let total: f64 = weighted.iter().sum();
        let mean = total / weights.iter().sum::<f64>();
        let mut atoms = atoms.to_vec();
        let padded = atoms.len().next_multiple_of(GROUP);
        atoms.resize(padded, atoms[atoms.len() - 1]);
        weighted.resize(padded, 0.0);
        Ok(Self { atoms, weighted, total, mean })
    }

    /// The positive root `kappa` of every equation.
    ///
    /// # Algorithm
    /// With `f(kappa) = sum_j w_j s_j / (s_j + kappa)`: at each iterate the function `c + a / (b + kappa)` with the same value, slope and curvature
    /// replaces `f`, and its quadratic equation is solved exactly, from the form that does not cancel. `f` is a mixture of such functions, so
    /// the step is nearly exact: the error falls with its cube (three iterations as a rule). It starts from the single atom at the mean, an upper bound by Jensen's
    /// inequality, and the first step matches value and slope only (`c = 0`), which is cheaper. `c >= 0` because `f f'' >= 2 f'^2` (Cauchy and Schwarz), and
    /// `gamma c < 1` above and near the root; where `gamma c > 7/8`, far below it, the block goes by steps with `c = 0` alone, whose iterates approach the
    /// root from below. Stops when no equation of a block moves by more than `5e-6` (there `3e-7`) of itself: the error left is a fraction of the cube (the
    /// square) of the last move.
    ///
    /// # Errors
    /// Lists of different lengths, a number outside `[1e-60, 1e60]`, an equation that does not converge.
    pub fn solve(&self, lambda: &[f64], gamma: &[f64], kappa: &mut [f64]) -> Result<Converged, AtomsError> {
        let expected = kappa.len();
        for (name, given) in [("lambda", lambda.len()), ("gamma", gamma.len())] {
            if given != expected {
                return Err(AtomsError::Length { name, given, expected });
            }
        }
        let run = dispatch(Solve { atoms: self, lambda, gamma, kappa });
        if !run.in_range {
            check("lambda", lambda)?;
            check("gamma", gamma)?;
        }
        match run.converged {
            true => Ok(Converged { iterations: run.iterations }),
            false => {
                Err(AtomsError::NotConverged { index: kappa.iter().position(|k| k.is_nan()).unwrap_or(0) })
            }
        }
    }
}

fn in_range(value: f64) -> bool {
    (SMALLEST..=LARGEST).contains(&value)
}

fn check(name: &'static str, values: &[f64]) -> Result<(), AtomsError> {
    match values.iter().position(|v| !in_range(*v)) {
        Some(index) => Err(AtomsError::Range { name, index, value: values[index] }),
        None => Ok(()),
    }
}

struct Solve<'a> {
    atoms: &'a Atoms,
    lambda: &'a [f64],
    gamma: &'a [f64],
    kappa: &'a mut [f64],
}

/// How a run of blocks went.
struct Run {
    in_range: bool,
    converged: bool,
    iterations: u32,
}

impl Run {
    /// One block; blocks with numbers outside the range are left alone.
    #[inline(always)]
    fn block<V: Vector>(
        &mut self,
        atoms: &Atoms,
        lambda: &[f64; BLOCK],
        gamma: &[f64; BLOCK],
        kappa: &mut [f64; BLOCK],
    ) {
        let (one, mut outside) = (V::splat(1.0), V::splat(0.0));
        for from in (0..BLOCK).step_by(V::LENGTH) {
            for x in [V::load(&lambda[from..]), V::load(&gamma[from..])] {
                // The first also where it is not a number.
                outside = x.if_positive(outside, one);
                outside = V::splat(SMALLEST).minus(x).if_positive(one, outside);
                outside = x.minus(V::splat(LARGEST)).if_positive(one, outside);
            }
        }
        if !none_positive(outside) {
            self.in_range = false;
            return;
        }
        // Four registers abreast: the chain of a step is longer than the machine looks ahead.
        let iterations = block::<Abreast<V, 4>>(atoms, lambda, gamma, kappa);
        self.converged &= iterations <= MOST;
        self.iterations = self.iterations.max(iterations);
    }
}

impl Kernel for Solve<'_> {
    type Output = Run;

    #[inline(always)]
    fn run<V: Vector>(self) -> Run {
        let Self { atoms, lambda, gamma, kappa } = self;
        let mut run = Run { in_range: true, converged: true, iterations: 0 };
        let ((lambda, last_lambda), (gamma, last_gamma)) =
            (lambda.as_chunks::<BLOCK>(), gamma.as_chunks::<BLOCK>());
        let (kappa, last) = kappa.as_chunks_mut::<BLOCK>();
        for ((kappa, lambda), gamma) in kappa.iter_mut().zip(lambda).zip(gamma) {
            run.block::<V>(atoms, lambda, gamma, kappa);
        }
        if !last.is_empty() {
            // Padded with copies of its first equation.
            let (mut l, mut g, mut k) = ([last_lambda[0]; BLOCK], [last_gamma[0]; BLOCK], [0.0; BLOCK]);
            l[..last.len()].copy_from_slice(last_lambda);
            g[..last.len()].copy_from_slice(last_gamma);
            run.block::<V>(atoms, &l, &g, &mut k);
            last.copy_from_slice(&k[..last.len()]);
        }
        run
    }
}

/// The positive root of `lead kappa^2 - 2 half kappa = product` for `lead > 0`, `product > 0`.
#[inline(always)]
fn quadratic<V: Vector>(lead: V, half: V, product: V) -> V {
    let root = half.times(half).plus(lead.times(product)).root();
    // The larger root in modulus does not cancel; the other one comes from their product.
    let larger = half.if_positive(half, V::splat(0.0).minus(half)).plus(root);
    half.if_positive(larger, product).over(half.if_positive(lead, larger))
}

/// The positive root of `(kappa - lambda)(b + kappa) = gamma a kappa`.
#[inline(always)]
fn one_atom<V: Vector>(lambda: V, gamma: V, a: V, b: V) -> V {
    let half = V::splat(0.5).times(lambda.plus(gamma.times(a)).minus(b));
    quadratic(V::splat(1.0), half, lambda.times(b))
}

/// From the single atom at the mean.
#[inline(always)]
fn start<V: Vector>(atoms: &Atoms, lambda: V, gamma: V) -> V {
    one_atom(lambda, gamma, V::splat(atoms.total), V::splat(atoms.mean))
}

/// The step that matches value and slope: `a / (b + kappa) = f` and `a / (b + kappa)^2 = slope`.
#[inline(always)]
fn two_matched<V: Vector>(atoms: &Atoms, lambda: V, gamma: V, kappa: V) -> V {
    let [f, slope] = sums::<V, 2>(atoms, kappa);
    let shifted = f.over(slope);
    one_atom(lambda, gamma, f.times(shifted), shifted.minus(kappa))
}

/// The step that matches value, slope and curvature, `c + a / (b + kappa) = f`, `a / (b + kappa)^2 = slope`, `a / (b + kappa)^3 = curvature`; and what
/// must be positive for it to be safe.
#[inline(always)]
fn three_matched<V: Vector>(atoms: &Atoms, lambda: V, gamma: V, kappa: V) -> (V, V) {
    let [f, slope, curvature] = sums::<V, 3>(atoms, kappa);
    let shifted = slope.over(curvature);
    let b = shifted.minus(kappa);
    let part = slope.times(shifted);
    let lead = V::splat(1.0).minus(gamma.times(f.minus(part)));
    let half = V::splat(0.5).times(lambda.plus(gamma.times(part).times(shifted)).minus(lead.times(b)));
    (quadratic(lead, half, lambda.times(b)), lead.minus(V::splat(SAFE)))
}

/// Where a step is not within `tolerance` of the new value, or not a number, one, elsewhere what was there.
#[inline(always)]
fn moving<V: Vector>(moved: V, old: V, new: V, tolerance: f64) -> V {
    let change = new.minus(old);
    let size = change.if_positive(change, V::splat(0.0).minus(change));
    V::splat(tolerance).times(new).minus(size).if_positive(moved, V::splat(1.0))
}

#[inline(always)]
fn none_positive<V: Vector>(moved: V) -> bool {
    let mut flags = [0.0; BLOCK];
    moved.store(&mut flags);
    flags.iter().all(|m| *m <= 0.0)
}

/// All over again by [`carefully`] when a step is not safe. The number of iterations, above [`MOST`] where there is no convergence.
#[inline(always)]
fn block<V: Vector>(
    atoms: &Atoms,
    lambda: &[f64; BLOCK],
    gamma: &[f64; BLOCK],
    kappa: &mut [f64; BLOCK],
) -> u32 {
    let one = V::splat(1.0);
    // The first steps are never the last.
    let mut danger = V::splat(0.0);
    for from in (0..BLOCK).step_by(V::LENGTH) {
        let (l, g) = (V::load(&lambda[from..]), V::load(&gamma[from..]));
        let first = two_matched(atoms, l, g, start(atoms, l, g));
        let (second, safe) = three_matched(atoms, l, g, first);
        second.store(&mut kappa[from..]);
        danger = safe.if_positive(danger, one);
    }
    for iteration in 3..=MOST {
        if !none_positive(danger) {
            break;
        }
        let mut moved = V::splat(0.0);
        for from in (0..BLOCK).step_by(V::LENGTH) {
            let (l, g, k) = (V::load(&lambda[from..]), V::load(&gamma[from..]), V::load(&kappa[from..]));
            let (next, safe) = three_matched(atoms, l, g, k);
            next.store(&mut kappa[from..]);
            danger = safe.if_positive(danger, one);
            moved = moving(moved, k, next, CUBIC);
        }
        if none_positive(moved) && none_positive(danger) {
            return iteration;
        }
    }
    carefully::<V>(atoms, lambda, gamma, kappa)
}

/// Steps that match value and slope: they approach the root from below, whatever the start.
#[inline(always)]
fn carefully<V: Vector>(
    atoms: &Atoms,
    lambda: &[f64; BLOCK],
    gamma: &[f64; BLOCK],
    kappa: &mut [f64; BLOCK],
) -> u32 {
    for from in (0..BLOCK).step_by(V::LENGTH) {
        start(atoms, V::load(&lambda[from..]), V::load(&gamma[from..])).store(&mut kappa[from..]);
    }
    for iteration in 1..=MOST {
        let mut moved = V::splat(0.0);
        for from in (0..BLOCK).step_by(V::LENGTH) {
            let (l, g, k) = (V::load(&lambda[from..]), V::load(&gamma[from..]), V::load(&kappa[from..]));
            let next = two_matched(atoms, l, g, k);
            next.store(&mut kappa[from..]);
            moved = moving(moved, k, next, SQUARE);
        }
        if none_positive(moved) {
            return iteration;
        }
    }
    *kappa = [f64::NAN; BLOCK];
    MOST + 1
}

/// `sum w s / (s + kappa)^n` for `n = 1 ..= N`, four atoms a division.
#[inline(always)]
fn sums<V: Vector, const N: usize>(atoms: &Atoms, kappa: V) -> [V; N] {
    let mut sums = [V::splat(0.0); N];
    let one = V::splat(1.0);
    for (s, w) in atoms.atoms.as_chunks::<GROUP>().0.iter().zip(atoms.weighted.as_chunks::<GROUP>().0) {
        let (t0, t1) = (kappa.plus(V::splat(s[0])), kappa.plus(V::splat(s[1])));
        let (t2, t3) = (kappa.plus(V::splat(s[2])), kappa.plus(V::splat(s[3])));
        let (left, right) = (t0.times(t1), t2.times(t3));
        let inverse = one.over(left.times(right));
        let (inverse_left, inverse_right) = (inverse.times(right), inverse.times(left));
        let r = [
            inverse_left.times(t1),
            inverse_left.times(t0),
            inverse_right.times(t3),
            inverse_right.times(t2),
        ];
        let mut terms = r;
        for i in 0..GROUP {
            terms[i] = V::splat(w[i]).times(r[i]);
        }
        for (n, sum) in sums.iter_mut().enumerate() {
            if n > 0 {
                for i in 0..GROUP {
                    terms[i] = terms[i].times(r[i]);
                }
            }
            *sum = sum.plus(terms[0].plus(terms[1]).plus(terms[2].plus(terms[3])));
        }
    }
    sums
}

#[cfg(test)]
mod tests {
    use rand::Rng;

    use super::*;
    use crate::lanes::{Isa, dispatch_on};
    use crate::monte_carlo::Stream;

    fn log_uniform(stream: &mut Stream, low: f64, high: f64) -> f64 {
        let u = (stream.next_u64() >> 11) as f64 * 2f64.powi(-53);
        (low.ln() + u * (high.ln() - low.ln())).exp()
    }

    /// The residual over the scale of its terms, at most the rounding of a sum of J terms and the last step's error.
    #[test]
    fn roots_satisfy_their_equations_on_every_instruction_set() {
        let mut stream = Stream::new(21, 0);
        let mut worst = 0.0_f64;
        for (j, range) in [(1, 1e3), (2, 1e40), (5, 1e6), (8, 10.0), (33, 1e10), (4, 1.0)] {
            let mut atoms: Vec<f64> = (0..j).map(|_| log_uniform(&mut stream, 1.0 / range, range)).collect();
            atoms.sort_by(f64::total_cmp);
            let weights: Vec<f64> = (0..j).map(|_| log_uniform(&mut stream, 0.01, 1.0)).collect();
            let law = Atoms::new(&atoms, &weights).unwrap();
            let n = 101;
            let lambda: Vec<f64> = (0..n).map(|_| log_uniform(&mut stream, 1e-9, 1e6)).collect();
            let gamma: Vec<f64> = (0..n).map(|_| log_uniform(&mut stream, 1e-6, 1e6)).collect();
            let mut kappa = vec![0.0; n];
            let run = law.solve(&lambda, &gamma, &mut kappa).unwrap();
            assert!(run.iterations <= MOST / 2, "{run:?}");
            for i in 0..n {
                let f: f64 = atoms.iter().zip(&weights).map(|(s, w)| w * s / (s + kappa[i])).sum();
                let terms = kappa[i] + lambda[i] + gamma[i] * kappa[i] * f;
                let residual = (kappa[i] - lambda[i] - gamma[i] * kappa[i] * f).abs() / terms;
                worst = worst.max(residual / (j as f64 + 8.0));
            }
            for isa in Isa::available() {
                let mut other = vec![0.0; n];
                dispatch_on(isa, Solve { atoms: &law, lambda: &lambda, gamma: &gamma, kappa: &mut other });
                assert!(other.iter().zip(&kappa).all(|(a, b)| a.to_bits() == b.to_bits()), "{isa:?}");
            }
        }
        assert!(worst < 4.0 * f64::EPSILON, "{worst:e}");
    }

    /// The steps that a block falls back on find the same roots; and some law makes it fall back.
    #[test]
    fn careful_steps_find_the_same_roots() {
        struct Both<'a>(&'a Atoms, &'a [f64; BLOCK], &'a [f64; BLOCK]);
        impl Kernel for Both<'_> {
            type Output = ([f64; BLOCK], [f64; BLOCK], u32);
            #[inline(always)]
            fn run<V: Vector>(self) -> Self::Output {
                let (mut quick, mut careful) = ([0.0; BLOCK], [0.0; BLOCK]);
                block::<V>(self.0, self.1, self.2, &mut quick);
                let iterations = carefully::<V>(self.0, self.1, self.2, &mut careful);
                (quick, careful, iterations)
            }
        }
        let mut stream = Stream::new(22, 0);
        let (mut apart, mut same) = (0, 0);
        for (j, range) in [(2, 10.0), (8, 1e3), (8, 1e20), (16, 1e40)] {
            let atoms: Vec<f64> = (0..j).map(|_| log_uniform(&mut stream, 1.0 / range, range)).collect();
            let weights: Vec<f64> = (0..j).map(|_| log_uniform(&mut stream, 0.01, 1.0)).collect();
            let law = Atoms::new(&atoms, &weights).unwrap();
            for _ in 0..8 {
                let lambda = std::array::from_fn(|_| log_uniform(&mut stream, 1e-9, 1e6));
                let gamma = std::array::from_fn(|_| log_uniform(&mut stream, 1e-6, 1e6));
                let (quick, careful, iterations) = dispatch(Both(&law, &lambda, &gamma));
                assert!(iterations <= MOST / 2, "{iterations}");
                for ((a, b), (l, g)) in quick.iter().zip(&careful).zip(lambda.iter().zip(&gamma)) {
                    // Roundings of the J terms, times the condition number of the root: kappa F'(kappa) over the size of the terms of F.
                    let slope: f64 =
                        atoms.iter().zip(&weights).map(|(s, w)| w * s * s / ((s + b) * (s + b))).sum();
                    let condition = (b + l) / (b * (1.0 - g * slope)).abs();
                    let bound = 4.0 * f64::EPSILON * (j as f64 + 8.0) * condition.max(1.0);
                    assert!((a / b - 1.0).abs() <= bound, "{a} {b} {bound:e}");
                }
                if quick == careful { same += 1 } else { apart += 1 }
            }
        }
        assert!(same > 0 && apart > 0, "{same} blocks fell back, {apart} did not");
    }

    /// Beyond the range of products of the largest numbers: an error, no number that is none.
    #[test]
    fn overflow_is_an_error() {
        let mut kappa = [0.0; 3];
        let solved = Atoms::new(&[1e60], &[1e60]).unwrap().solve(&[1.0; 3], &[1e60; 3], &mut kappa);
        assert_eq!(solved, Err(AtomsError::NotConverged { index: 0 }));
    }

    /// One atom: the equation is the quadratic itself.
    #[test]
    fn one_atom_in_closed_form() {
        // kappa - 1 = 2 kappa / (1 + kappa): kappa = 1 + sqrt 2.
        let mut kappa = [0.0];
        Atoms::new(&[1.0], &[1.0]).unwrap().solve(&[1.0], &[2.0], &mut kappa).unwrap();
        // A step rounds about a dozen times, on a root whose condition number is 1.
        assert!((kappa[0] / (1.0 + 2.0_f64.sqrt()) - 1.0).abs() < 12.0 * f64::EPSILON);
    }

    #[test]
    fn bad_input_is_refused() {
        assert!(matches!(Atoms::new(&[], &[]), Err(AtomsError::Length { name: "atoms", .. })));
        assert!(matches!(Atoms::new(&[1.0], &[]), Err(AtomsError::Length { name: "weights", .. })));
        assert!(matches!(Atoms::new(&[0.0], &[1.0]), Err(AtomsError::Range { name: "atom", index: 0, .. })));
        assert!(matches!(Atoms::new(&[1.0], &[f64::NAN]), Err(AtomsError::Range { name: "weight", .. })));
        let law = Atoms::new(&[1.0], &[1.0]).unwrap();
        let mut kappa = [0.0; 2];
        assert!(matches!(
            law.solve(&[1.0], &[1.0; 2], &mut kappa),
            Err(AtomsError::Length { name: "lambda", .. })
        ));
        let negative = law.solve(&[1.0, -1.0], &[1.0; 2], &mut kappa);
        assert!(matches!(negative, Err(AtomsError::Range { name: "lambda", index: 1, .. })));
    }
}
