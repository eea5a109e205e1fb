//! Scalar mode equations: one Euler step after another for thousands of modes.
use super::deep_linear::BatchError;
use super::isa::{Kernel, Vector, dispatch};

/// Modes that go through their steps together.
const BLOCK: usize = 32;

/// The right-hand side of a scalar equation `s' = rate(s; p)` with `P` parameters a mode.
///
/// `rate` must be `#[inline(always)]` to be vectorised; with additions, multiplications, divisions and square roots alone its
/// bits do not depend on the instruction set.
pub trait Mode<const P: usize>: Copy {
    /// The rate of one mode.
    fn rate(self, s: f64, parameters: [f64; P]) -> f64;
}

struct Steps<'a, M, const P: usize> {
    mode: M,
    values: &'a mut [f64],
    parameters: [&'a [f64]; P],
    step: f64,
    steps: usize,
}

impl<M: Mode<P>, const P: usize> Kernel for Steps<'_, M, P> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector>(self) {
        let Self { mode, values, parameters, step, steps } = self;
        for (at, chunk) in values.chunks_mut(BLOCK).enumerate() {
            let from = at * BLOCK;
            // A short last block is padded with copies of its first mode, so that no lane meets numbers that nobody gave.
            let mut s = [chunk[0]; BLOCK];
            s[..chunk.len()].copy_from_slice(chunk);
            let mut p = [[0.0; P]; BLOCK];
            for (lane, row) in p.iter_mut().enumerate() {
                let source = from + if lane < chunk.len() { lane } else { 0 };
                for (x, parameter) in row.iter_mut().zip(parameters) {
                    *x = parameter[source];
                }
            }
            for _ in 0..steps {
                for lane in 0..BLOCK {
                    s[lane] += step * mode.rate(s[lane], p[lane]);
                }
            }
            chunk.copy_from_slice(&s[..chunk.len()]);
        }
    }
}

/// `steps` steps `s <- s + step rate(s; p)` of every mode, in place.
///
/// Gradient descent where `rate` is minus a gradient. Same bits on every instruction set; each mode is what it would be alone.
///
/// # Errors
/// [`BatchError::Entries`] when a parameter list is not as long as `values`, [`BatchError::NotFinite`] for a step that is not
/// finite, both before anything is done; [`BatchError::DivergedMode`] with the first mode that is not finite at the end, when
/// the others have taken all their steps.
///
/// ```
/// use solvable_sim::lanes::{Mode, descend_modes};
///
/// /// Decay toward a target.
/// #[derive(Clone, Copy)]
/// struct Decay;
/// impl Mode<1> for Decay {
///     #[inline(always)]
///     fn rate(self, s: f64, [target]: [f64; 1]) -> f64 {
///         target - s
///     }
/// }
/// let mut s = [0.0, 4.0];
/// descend_modes(Decay, &mut s, [&[1.0, 2.0]], 0.5, 2)?;
/// assert_eq!(s, [0.75, 2.5]);
/// # Ok::<(), solvable_sim::lanes::BatchError>(())
/// ```
pub fn descend_modes<M: Mode<P>, const P: usize>(
    mode: M,
    values: &mut [f64],
    parameters: [&[f64]; P],
    step: f64,
    steps: usize,
) -> Result<(), BatchError> {
    if let Some(short) = parameters.iter().find(|p| p.len() != values.len()) {
        return Err(BatchError::Entries { rows: values.len(), columns: 1, given: short.len() });
    }
    if !step.is_finite() {
        return Err(BatchError::NotFinite { name: "the step", value: step });
    }
    dispatch(Steps { mode, values: &mut *values, parameters, step, steps });
    match values.iter().position(|s| !s.is_finite()) {
        Some(mode) => Err(BatchError::DivergedMode { mode, value: values[mode] }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lanes::{Isa, dispatch_on};

    /// One mode of a three-layer network: `s' = 3 s^(4/3) (a - s)` in the root `r = s^(1/3)`: `r' = r^2 (a - r^3)`.
    #[derive(Clone, Copy)]
    struct ThreeLayers;

    impl Mode<1> for ThreeLayers {
        #[inline(always)]
        fn rate(self, r: f64, [a]: [f64; 1]) -> f64 {
            r * r * (a - r * r * r)
        }
    }

    #[test]
    fn blocks_do_what_each_mode_would_do_alone() {
        for n in [1, 31, 32, 33, 100] {
            let targets: Vec<f64> = (0..n).map(|i| 0.1 + i as f64 / 50.0).collect();
            let expected: Vec<f64> = targets
                .iter()
                .map(|a| (0..300).fold(0.3, |r, _| r + 0.05 * ThreeLayers.rate(r, [*a])))
                .collect();
            for isa in Isa::available() {
                let mut values = vec![0.3; n];
                let kernel = Steps {
                    mode: ThreeLayers,
                    values: &mut values,
                    parameters: [&targets],
                    step: 0.05,
                    steps: 300,
                };
                dispatch_on(isa, kernel);
                assert!(
                    values.iter().zip(&expected).all(|(a, b)| a.to_bits() == b.to_bits()),
                    "{isa:?}, {n} modes"
                );
            }
        }
    }

    #[test]
    fn refused_input_and_modes_that_diverge() {
        let mut values = [0.1, -1.0, 0.2];
        let short = descend_modes(ThreeLayers, &mut values, [&[1.0; 2]], 0.1, 1);
        assert_eq!(short, Err(BatchError::Entries { rows: 3, columns: 1, given: 2 }));
        let step = descend_modes(ThreeLayers, &mut values, [&[1.0; 3]], f64::INFINITY, 1);
        assert_eq!(step, Err(BatchError::NotFinite { name: "the step", value: f64::INFINITY }));
        assert_eq!(values, [0.1, -1.0, 0.2]);
        // The second one grows beyond every bound; its neighbours are what they are alone.
        values[1] = 30.0;
        let grown = descend_modes(ThreeLayers, &mut values, [&[1.0; 3]], 0.1, 50);
        assert!(matches!(grown, Err(BatchError::DivergedMode { mode: 1, value }) if !value.is_finite()));
        for (at, start) in [(0, 0.1), (2, 0.2)] {
            let mut alone = [start];
            descend_modes(ThreeLayers, &mut alone, [&[1.0]], 0.1, 50).expect("stable");
            assert_eq!(values[at], alone[0]);
        }
    }
}
