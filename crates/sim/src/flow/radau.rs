//! The implicit Runge-Kutta method Radau IIA of order 5 (Hairer and Wanner, Solving Ordinary Differential Equations II,
//! section IV.8): L-stable and stiffly accurate, so that modes far faster than the step are damped as they should be.
use super::error::NotFinite;
use super::evaluator::Evaluator;
use super::field::VectorField;
use super::jacobian::Jacobian;
use super::lu::{ComplexLu, Lu};
use super::stepper::{Failure, Point, Stepper, Tolerance, Trial, norm, root_mean_square};

/// Simplified Newton iterations before giving up.
const ITERATIONS: u32 = 7;
const SAFETY: f64 = 0.9;
const SHRINK: f64 = 0.125;
const GROW: f64 = 8.0;
/// A step is kept, with its factorisations, unless it could grow by this factor.
const WORTHWHILE: f64 = 1.2;
/// Contraction of the iteration above which the Jacobian is evaluated anew.
const STALE: f64 = 1e-3;

/// The coefficients of the method.
#[derive(Clone, Debug)]
pub(super) struct Constants {
    pub(super) nodes: [f64; 3],
    /// Transformation that splits the 3n x 3n system of the stages into a real and a complex one of size n, and its inverse.
    pub(super) t: [[f64; 3]; 3],
    pub(super) t_inverse: [[f64; 3]; 3],
    /// Eigenvalues of the inverse of the method's matrix: one real, a complex pair.
    pub(super) real: f64,
    pub(super) complex: (f64, f64),
    /// Weights of the error estimate over the stages' increments.
    pub(super) error: [f64; 3],
    /// Collocation polynomial: coefficients of theta, theta^2, theta^3 over the stages' increments.
    pub(super) dense: [[f64; 3]; 3],
}

impl Constants {
    pub(super) fn new() -> Self {
        let (s, c) = (6.0_f64.sqrt(), 3.0_f64.cbrt());
        Self {
            nodes: [(4.0 - s) / 10.0, (4.0 + s) / 10.0, 1.0],
            t: [
                [0.09443876248897524, -0.1412552950209542, 0.03002919410514742],
                [0.2502131229653333, 0.20412935229379994, -0.3829421127572619],
                [1.0, 1.0, 0.0],
            ],
            t_inverse: [
                [4.178718591551904, 0.32768282076106237, 0.5233764454994495],
                [-4.178718591551904, -0.32768282076106237, 0.4766235545005504],
                [0.5028726349457868, -2.571926949855605, 0.5960392048282249],
            ],
            real: 3.0 + c * c - c,
            complex: (3.0 + 0.5 * (c - c * c), -0.5 * 3.0_f64.sqrt() * (c + c * c)),
            error: [(-13.0 - 7.0 * s) / 3.0, (-13.0 + 7.0 * s) / 3.0, -1.0 / 3.0],
            dense: [
                [(13.0 + 7.0 * s) / 3.0, (-23.0 - 22.0 * s) / 3.0, 10.0 / 3.0 + 5.0 * s],
                [(13.0 - 7.0 * s) / 3.0, (-23.0 + 22.0 * s) / 3.0, 10.0 / 3.0 - 5.0 * s],
                [1.0 / 3.0, -8.0 / 3.0, 10.0 / 3.0],
            ],
        }
    }
}

/// The state of the method.
pub(super) struct Radau {
    n: usize,
    constants: Constants,
    jacobian: Jacobian,
    /// The Jacobian was evaluated at the start of the present step.
    fresh: bool,
    /// It should be before the next one.
    stale: bool,
    real: Lu,
    complex: ComplexLu,
    /// Step for which the matrices are factored; NaN if for none.
    factored: f64,
    factorizations: u64,
    /// Increments of the stages (stage by stage), the same transformed, slopes, and one vector.
    increments: Vec<f64>,
    transformed: Vec<f64>,
    slopes: Vec<f64>,
    stage: Vec<f64>,
    state: Vec<f64>,
    slope: Vec<f64>,
    /// Collocation polynomials of this step and of the last accepted one, with the length of that.
    dense: Vec<f64>,
    previous: Vec<f64>,
    previous_step: Option<f64>,
    step: f64,
    /// Contraction over 1 minus itself, kept from step to step.
    contraction: f64,
    iterations: u32,
    /// Error and length of the last accepted step, for the predictive controller.
    last_accepted: Option<(f64, f64)>,
    rejected: bool,
}

impl Radau {
    pub(super) fn new(n: usize) -> Self {
        Self::with(Constants::new(), n)
    }

    pub(super) fn with(constants: Constants, n: usize) -> Self {
        Self {
            n,
            constants,
            jacobian: Jacobian::new(n),
            fresh: false,
            stale: true,
            real: Lu::new(n),
            complex: ComplexLu::new(n),
            factored: f64::NAN,
            factorizations: 0,
            increments: vec![0.0; 3 * n],
            transformed: vec![0.0; 3 * n],
            slopes: vec![0.0; 3 * n],
            stage: vec![0.0; n],
            state: vec![0.0; n],
            slope: vec![0.0; n],
            dense: vec![0.0; 3 * n],
            previous: vec![0.0; 3 * n],
            previous_step: None,
            step: 0.0,
            contraction: 1.0,
            iterations: 0,
            last_accepted: None,
            rejected: true,
        }
    }

    /// Forgets the past: another method took the steps since.
    pub(super) fn restart(&mut self) {
        (self.stale, self.fresh, self.rejected) = (true, false, true);
        (self.previous_step, self.last_accepted) = (None, None);
        self.contraction = 1.0;
    }

    /// Tolerance of the step. The error estimate is of order 3, the step of order 5: as in RADAU5, tolerances are
    /// mapped by the power 2/3, so that the error committed follows the tolerance asked for.
    fn tolerance(asked: Tolerance) -> Tolerance {
        let unit = if asked.relative > 0.0 { asked.relative } else { asked.absolute.min(1.0) };
        let factor = 0.1 * unit.powf(-1.0 / 3.0);
        Tolerance { relative: asked.relative * factor, absolute: asked.absolute * factor, fixed: asked.fixed }
    }

    /// First guess of the increments: the last step's collocation polynomial, extrapolated.
    fn predict(&mut self, h: f64) {
        let n = self.n;
        let Some(previous) = self.previous_step else {
            self.increments.fill(0.0);
            return;
        };
        let at = |theta: f64, i: usize| {
            let c = |k: usize| self.previous[k * n + i];
            theta * (c(0) + theta * (c(1) + theta * c(2)))
        };
        for k in 0..3 {
            let theta = 1.0 + self.constants.nodes[k] * h / previous;
            for i in 0..n {
                self.increments[k * n + i] = at(theta, i) - at(1.0, i);
            }
        }
    }

    /// `transformed = T^-1 increments`.
    fn transform(&mut self) {
        let n = self.n;
        for i in 0..n {
            let z: [f64; 3] = core::array::from_fn(|k| self.increments[k * n + i]);
            for k in 0..3 {
                self.transformed[k * n + i] = combine(&self.constants.t_inverse[k], z);
            }
        }
    }

    /// Solves for the stages by the simplified Newton iteration; false if it does not converge.
    fn solve<F: VectorField>(
        &mut self,
        field: &mut Evaluator<'_, F>,
        from: Point<'_>,
        h: f64,
        tolerance: Tolerance,
    ) -> Result<bool, NotFinite> {
        let n = self.n;
        // In units of the step's tolerance; the floor is what rounding leaves of a step's relative tolerance.
        let floor = if tolerance.relative > 0.0 { 10.0 * f64::EPSILON / tolerance.relative } else { 0.0 };
        let goal =
            floor.max(if tolerance.relative > 0.0 { tolerance.relative.sqrt().min(0.03) } else { 1e-3 });
        let (real, complex) = (self.constants.real / h, self.constants.complex);
        let complex = (complex.0 / h, complex.1 / h);
        self.transform();
        let mut contraction = self.contraction.max(f64::EPSILON).powf(0.8);
        let mut last_size = 0.0;
        for iteration in 1..=ITERATIONS {
            self.iterations = iteration;
            for k in 0..3 {
                let increment = &self.increments[k * n..(k + 1) * n];
                for ((s, x), z) in self.stage.iter_mut().zip(from.x).zip(increment) {
                    *s = x + z;
                }
                let t = from.t + self.constants.nodes[k] * h;
                field.eval(t, &self.stage, &mut self.slopes[k * n..(k + 1) * n])?;
            }
            for i in 0..n {
                let f: [f64; 3] = core::array::from_fn(|k| self.slopes[k * n + i]);
                let w: [f64; 3] = core::array::from_fn(|k| self.transformed[k * n + i]);
                self.slopes[i] = combine(&self.constants.t_inverse[0], f) - real * w[0];
                self.slopes[n + i] =
                    combine(&self.constants.t_inverse[1], f) - (complex.0 * w[1] - complex.1 * w[2]);
                self.slopes[2 * n + i] =
                    combine(&self.constants.t_inverse[2], f) - (complex.0 * w[2] + complex.1 * w[1]);
            }
            let (first, rest) = self.slopes.split_at_mut(n);
            let (second, third) = rest.split_at_mut(n);
            self.real.solve(first);
            self.complex.solve(second, third);
            let mut squares = 0.0;
            for (k, part) in [first, second, third].into_iter().enumerate() {
                for i in 0..n {
                    squares += (part[i] / tolerance.scale(from.x[i], 0.0)).powi(2);
                    self.transformed[k * n + i] += part[i];
                }
            }
            let size = root_mean_square(squares, 3 * n);
            for i in 0..n {
                let w: [f64; 3] = core::array::from_fn(|k| self.transformed[k * n + i]);
                for k in 0..3 {
                    self.increments[k * n + i] = combine(&self.constants.t[k], w);
                }
            }
            if iteration > 1 {
                let rate = size / last_size;
                contraction = rate / (1.0 - rate);
                let left = f64::from(ITERATIONS - iteration);
                // Diverging, or too slow for the iterations left. A NaN falls through to the next iteration's checks.
                if rate >= 0.99 || rate.powf(left) * contraction * size > goal {
                    return Ok(false);
                }
            }
            if size == 0.0 || contraction * size <= goal {
                self.contraction = contraction;
                return Ok(size.is_finite());
            }
            last_size = size;
        }
        Ok(false)
    }

    /// (error in units of the tolerance, Euclidean norm): `(real/h I - J)^-1 (slope + weighted increments / h)`.
    fn error<F: VectorField>(
        &mut self,
        field: &mut Evaluator<'_, F>,
        from: Point<'_>,
        h: f64,
        tolerance: Tolerance,
    ) -> Result<(f64, f64), NotFinite> {
        let (mut error, mut size) = self.error_once(from.slope, from.x, h, tolerance);
        if error > 1.0 && self.rejected {
            // On a first or a repeated step the estimate may stem from a fast transient that the step damps.
            for ((s, x), e) in self.stage.iter_mut().zip(from.x).zip(&self.slopes[..self.n]) {
                *s = x + e;
            }
            let mut slope = core::mem::take(&mut self.slope);
            let evaluated = field.eval(from.t, &self.stage, &mut slope);
            if evaluated.is_ok() {
                (error, size) = self.error_once(&slope, from.x, h, tolerance);
            }
            self.slope = slope;
            evaluated?;
        }
        Ok((error, size))
    }

    /// Leaves the estimate in the first part of `slopes`.
    fn error_once(&mut self, slope: &[f64], x: &[f64], h: f64, tolerance: Tolerance) -> (f64, f64) {
        let n = self.n;
        let estimate = &mut self.slopes[..n];
        for i in 0..n {
            let z: [f64; 3] = core::array::from_fn(|k| self.increments[k * n + i]);
            estimate[i] = slope[i] + combine(&self.constants.error, z) / h;
        }
        self.real.solve(estimate);
        let squares = (0..n).map(|i| (estimate[i] / tolerance.scale(x[i], self.state[i])).powi(2)).sum();
        (root_mean_square(squares, n), norm(estimate))
    }
}

fn combine(weights: &[f64; 3], v: [f64; 3]) -> f64 {
    weights[0] * v[0] + weights[1] * v[1] + weights[2] * v[2]
}

impl<F: VectorField> Stepper<F> for Radau {
    fn attempt(
        &mut self,
        field: &mut Evaluator<'_, F>,
        from: Point<'_>,
        h: f64,
        tolerance: Tolerance,
    ) -> Result<Trial, Failure> {
        let tolerance = Self::tolerance(tolerance);
        self.step = h;
        loop {
            if self.stale {
                self.jacobian.evaluate(field, from)?;
                (self.stale, self.fresh) = (false, true);
                self.factored = f64::NAN;
            }
            if self.factored != h {
                let (a, b) = self.constants.complex;
                let shift = self.constants.real / h;
                self.factorizations += 2;
                if !self.real.factor(shift, &self.jacobian.matrix)
                    || !self.complex.factor((a / h, b / h), &self.jacobian.matrix)
                {
                    self.factored = f64::NAN;
                    return Err(Failure::NotConverged);
                }
                self.factored = h;
            }
            self.predict(h);
            if self.solve(field, from, h, tolerance)? {
                break;
            }
            self.contraction = 1.0;
            if self.fresh {
                return Err(Failure::NotConverged);
            }
            self.stale = true;
        }
        let n = self.n;
        for ((s, x), z) in self.state.iter_mut().zip(from.x).zip(&self.increments[2 * n..]) {
            *s = x + z;
        }
        let (error, local_error) = self.error(field, from, h, tolerance)?;
        let mut energy = None;
        if error <= 1.0 || tolerance.fixed {
            energy = field.eval_energy(from.t + h, &self.state, &mut self.slope)?;
        }
        Ok(Trial { error, local_error, energy })
    }

    fn new_state(&self) -> &[f64] {
        &self.state
    }

    fn prepare_dense(&mut self, _: &mut Evaluator<'_, F>, _: Point<'_>, _: f64) -> Result<(), NotFinite> {
        self.collocate();
        Ok(())
    }

    fn interpolate(&self, from: Point<'_>, theta: f64, state: &mut [f64]) {
        let n = self.n;
        for i in 0..n {
            let c = |k: usize| self.dense[k * n + i];
            state[i] = from.x[i] + theta * (c(0) + theta * (c(1) + theta * c(2)));
        }
    }

    fn commit(&mut self, x: &mut Vec<f64>, slope: &mut Vec<f64>) {
        self.collocate();
        core::mem::swap(&mut self.dense, &mut self.previous);
        self.previous_step = Some(self.step);
        core::mem::swap(&mut self.state, x);
        core::mem::swap(&mut self.slope, slope);
        self.fresh = false;
    }

    fn factor(&mut self, h: f64, error: f64, accepted: bool) -> f64 {
        let iterations = f64::from(ITERATIONS);
        let safety = SAFETY * (2.0 * iterations + 1.0) / (2.0 * iterations + f64::from(self.iterations));
        let error = error.max(1e-10);
        // Gustafsson's predictive controller.
        let trend = match self.last_accepted {
            Some((last, step)) => (h / step * (last / error).powf(0.25)).min(1.0),
            None => 1.0,
        };
        let factor = safety * trend * error.powf(-0.25);
        if !accepted {
            self.rejected = true;
            return factor.clamp(SHRINK, 1.0);
        }
        let grow = if self.rejected && self.last_accepted.is_some() { 1.0 } else { GROW };
        let factor = factor.clamp(SHRINK, grow);
        self.rejected = false;
        self.last_accepted = Some((error.max(1e-2), h));
        self.stale = self.iterations > 2 && self.contraction > STALE;
        if !self.stale && (1.0..WORTHWHILE).contains(&factor) { 1.0 } else { factor }
    }

    fn factorizations(&self) -> u64 {
        self.factorizations
    }
}

impl Radau {
    /// Coefficients of the collocation polynomial from the stages' increments.
    fn collocate(&mut self) {
        let n = self.n;
        for i in 0..n {
            let z: [f64; 3] = core::array::from_fn(|k| self.increments[k * n + i]);
            for power in 0..3 {
                let column: [f64; 3] = core::array::from_fn(|k| self.constants.dense[k][power]);
                self.dense[power * n + i] = combine(&column, z);
            }
        }
    }
}
