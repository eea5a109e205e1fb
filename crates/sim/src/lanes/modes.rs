//! Scalar mode equations: one Euler step after another for thousands of modes.
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
/// Gradient descent where `rate` is minus a gradient. Same bits on every instruction set. Returns `false`, and does nothing, when a parameter
/// list is not as long as `values`.
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
/// assert!(descend_modes(Decay, &mut s, [&[1.0, 2.0]], 0.5, 2));
/// assert_eq!(s, [0.75, 2.5]);
/// ```
#[must_use]
pub fn descend_modes<M: Mode<P>, const P: usize>(
    mode: M,
    values: &mut [f64],
    parameters: [&[f64]; P],
    step: f64,
    steps: usize,
) -> bool {
    if parameters.iter().any(|p| p.len() != values.len()) {
        return false;
    }
    dispatch(Steps { mode, values, parameters, step, steps });
    true
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
        assert!(!descend_modes(ThreeLayers, &mut [0.0; 3], [&[1.0; 2]], 0.1, 1));
    }
}
