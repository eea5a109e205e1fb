//! Scalar self-consistent equations `kappa - lambda = gamma kappa sum_j w_j s_j / (s_j + kappa)`, thousands at a time.
use super::isa::{Kernel, Vector, dispatch};

/// Equations that iterate together until all have converged.
const BLOCK: usize = 32;
/// Atoms that share one division.
const GROUP: usize = 4;
/// Atoms and scales must lie in this range, so that products of [`GROUP`] of them stay finite and normal.
const SMALLEST: f64 = 1e-60;
const LARGEST: f64 = 1e60;
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
        let mean: f64 = weighted.iter().sum::<f64>() / weights.iter().sum::<f64>();
        let mut atoms = atoms.to_vec();
        let padded = atoms.len().next_multiple_of(GROUP);
        atoms.resize(padded, atoms[atoms.len() - 1]);
        weighted.resize(padded, 0.0);
        Ok(Self { atoms, weighted, mean })
    }

    /// The positive root `kappa` of every equation.
    ///
    /// # Algorithm
    /// With `f(kappa) = sum_j w_j s_j / (s_j + kappa)`: at each iterate the one-atom function `a / (b + kappa)` with the same value and slope
    /// replaces `f`, and its quadratic equation is solved exactly, from the form that does not cancel. `f` is a mixture of such functions, so
    /// the step is nearly exact (three or four iterations); it starts from the single atom at the mean, an upper bound by Jensen's
    /// inequality. Stops when no equation of a block moves by more than `3e-7` of itself: the error left is a fraction of the square of the last move.
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
        check("lambda", lambda)?;
        check("gamma", gamma)?;
        let iterations = dispatch(Solve { atoms: self, lambda, gamma, kappa });
        match kappa.iter().position(|k| !k.is_finite()) {
            Some(index) => Err(AtomsError::NotConverged { index }),
            None => Ok(Converged { iterations }),
        }
    }
}

fn check(name: &'static str, values: &[f64]) -> Result<(), AtomsError> {
    // No early exit: a plain reduction is vectorised, and refusals are rare.
    let bad = |v: f64| u64::from(!(SMALLEST..=LARGEST).contains(&v));
    if values.iter().fold(0, |n, v| n | bad(*v)) == 0 {
        return Ok(());
    }
    match values.iter().position(|v| !(SMALLEST..=LARGEST).contains(v)) {
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

impl Kernel for Solve<'_> {
    type Output = u32;

    #[inline(always)]
    fn run<V: Vector>(self) -> u32 {
        let Self { atoms, lambda, gamma, kappa } = self;
        let mut most = 0;
        for ((kappa, lambda), gamma) in
            kappa.chunks_mut(BLOCK).zip(lambda.chunks(BLOCK)).zip(gamma.chunks(BLOCK))
        {
            // A short last block is padded with copies of its first equation.
            let (mut l, mut g) = ([lambda[0]; BLOCK], [gamma[0]; BLOCK]);
            l[..lambda.len()].copy_from_slice(lambda);
            g[..gamma.len()].copy_from_slice(gamma);
            let (roots, iterations) = block::<V>(atoms, &l, &g);
            most = most.max(iterations);
            kappa.copy_from_slice(&roots[..kappa.len()]);
        }
        most
    }
}

/// The positive root of `(kappa - lambda)(b + kappa) = gamma a kappa`.
#[inline(always)]
fn quadratic<V: Vector>(lambda: V, gamma: V, a: V, b: V) -> V {
    let (zero, half) = (V::splat(0.0), V::splat(0.5));
    let p = lambda.plus(gamma.times(a)).minus(b);
    let product = lambda.times(b);
    let q = p.times(p).plus(V::splat(4.0).times(product)).root();
    // The larger root in modulus does not cancel; the other one comes from their product.
    let larger = half.times(p.if_positive(p, zero.minus(p)).plus(q));
    p.if_positive(larger, product.over(larger))
}

#[inline(always)]
fn block<V: Vector>(atoms: &Atoms, lambda: &[f64; BLOCK], gamma: &[f64; BLOCK]) -> ([f64; BLOCK], u32) {
    let mut kappa = [0.0; BLOCK];
    let total: f64 = atoms.weighted.iter().sum();
    for from in (0..BLOCK).step_by(V::LENGTH) {
        let (l, g) = (V::load(&lambda[from..]), V::load(&gamma[from..]));
        quadratic(l, g, V::splat(total), V::splat(atoms.mean)).store(&mut kappa[from..]);
    }
    for iteration in 1..=MOST {
        // Positive where an equation of the block has moved.
        let mut moved = V::splat(0.0);
        for from in (0..BLOCK).step_by(V::LENGTH) {
            let (l, g, k) = (V::load(&lambda[from..]), V::load(&gamma[from..]), V::load(&kappa[from..]));
            let (f, slope) = value_and_slope(atoms, k);
            // a / (b + kappa) = f and a / (b + kappa)^2 = slope.
            let shifted = f.over(slope);
            let next = quadratic(l, g, f.times(shifted), shifted.minus(k));
            next.store(&mut kappa[from..]);
            let change = next.minus(k);
            let margin =
                change.if_positive(change, V::splat(0.0).minus(change)).minus(V::splat(3e-7).times(next));
            moved = margin.if_positive(margin, moved);
        }
        let mut flags = [0.0; 8];
        moved.store(&mut flags);
        if flags.iter().all(|m| *m <= 0.0) {
            return (kappa, iteration);
        }
    }
    ([f64::NAN; BLOCK], MOST)
}

/// `sum w s / (s + kappa)` and `sum w s / (s + kappa)^2`, four atoms a division.
#[inline(always)]
fn value_and_slope<V: Vector>(atoms: &Atoms, kappa: V) -> (V, V) {
    let (mut value, mut slope) = (V::splat(0.0), V::splat(0.0));
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
        for i in 0..GROUP {
            let term = V::splat(w[i]).times(r[i]);
            value = value.plus(term);
            slope = slope.plus(term.times(r[i]));
        }
    }
    (value, slope)
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
