//! Explicit Runge-Kutta pairs with a PI step controller.
use super::error::NotFinite;
use super::evaluator::Evaluator;
use super::field::VectorField;
use super::stepper::{Failure, Point, Stepper, Tolerance, Trial, root_mean_square};
use super::tableau::Tableau;

/// Factor of safety on the step that the controller predicts.
const SAFETY: f64 = 0.9;
/// Bounds of the change of the step from one step to the next.
const SHRINK: f64 = 0.2;
const GROW: f64 = 8.0;

/// Entries combined at a time: small enough to stay in registers and first-level cache.
const BLOCK: usize = 32;

/// The state of an explicit pair.
pub(super) struct Explicit {
    tableau: &'static Tableau,
    n: usize,
    /// Slopes of the stages, one after the other; the slope at the new point is number `tableau.stages`.
    slopes: Vec<f64>,
    state: Vec<f64>,
    stage: Vec<f64>,
    /// Coefficients of the dense output.
    dense: Vec<f64>,
    previous_error: f64,
    rejected: bool,
    step: f64,
    /// Steps limited by stability, and steps since that were not.
    limited: u32,
    unlimited: u32,
}

impl Explicit {
    pub(super) fn new(tableau: &'static Tableau, n: usize) -> Self {
        Self {
            tableau,
            n,
            slopes: vec![0.0; n * tableau.weights.len()],
            state: vec![0.0; n],
            stage: vec![0.0; n],
            dense: vec![0.0; n * (3 + tableau.dense.len())],
            previous_error: 1e-4,
            rejected: false,
            step: 0.0,
            limited: 0,
            unlimited: 0,
        }
    }

    fn slope(&self, stage: usize) -> &[f64] {
        &self.slopes[stage * self.n..(stage + 1) * self.n]
    }

    /// (root mean square over tolerances, Euclidean norm) of `h sum_j weights[j] slope_j`.
    fn weighted_error(&self, weights: &[f64], x: &[f64], h: f64, tolerance: Tolerance) -> (f64, f64) {
        let (mut weighted, mut plain) = (0.0, 0.0);
        let mut block = [0.0; BLOCK];
        for start in (0..self.n).step_by(BLOCK) {
            let block = &mut block[..BLOCK.min(self.n - start)];
            combine_block(block, weights, &self.slopes, self.n, start);
            for (i, e) in block.iter().enumerate() {
                let e = h * e;
                let scaled = e / tolerance.scale(x[start + i], self.state[start + i]);
                weighted += scaled * scaled;
                plain += e * e;
            }
        }
        (root_mean_square(weighted, self.n), plain.sqrt())
    }

    /// The error in units of the tolerance and its Euclidean norm.
    fn error(&self, x: &[f64], h: f64, tolerance: Tolerance) -> (f64, f64) {
        let (error, plain) = self.weighted_error(self.tableau.error, x, h, tolerance);
        let Some(weights) = self.tableau.error3 else { return (error, plain) };
        // The pair of estimates of DOP853: order 5 damped by order 3, so that the product behaves as order 7.
        let (error3, _) = self.weighted_error(weights, x, h, tolerance);
        let denominator = error.hypot(0.1 * error3);
        if denominator == 0.0 {
            (0.0, 0.0)
        } else {
            (error * (error / denominator), plain * (error / denominator))
        }
    }
}

/// `block[i] = sum_j weights[j] slopes[j n + start + i]`.
fn combine_block(block: &mut [f64], weights: &[f64], slopes: &[f64], n: usize, start: usize) {
    block.fill(0.0);
    let length = block.len();
    for (j, &weight) in weights.iter().enumerate() {
        if weight != 0.0 {
            for (b, k) in block.iter_mut().zip(&slopes[j * n + start..][..length]) {
                *b += weight * k;
            }
        }
    }
}

/// `out = x + h sum_j weights[j] slope_j`.
fn advance(out: &mut [f64], x: &[f64], h: f64, weights: &[f64], slopes: &[f64]) {
    let n = x.len();
    let mut block = [0.0; BLOCK];
    for (number, (out, x)) in out.chunks_mut(BLOCK).zip(x.chunks(BLOCK)).enumerate() {
        let block = &mut block[..out.len()];
        combine_block(block, weights, slopes, n, number * BLOCK);
        for ((o, x), b) in out.iter_mut().zip(x).zip(block) {
            *o = x + h * *b;
        }
    }
}

impl<F: VectorField> Stepper<F> for Explicit {
    fn attempt(
        &mut self,
        field: &mut Evaluator<'_, F>,
        from: Point<'_>,
        h: f64,
        tolerance: Tolerance,
    ) -> Result<Trial, Failure> {
        let (tableau, n) = (self.tableau, self.n);
        self.slopes[..n].copy_from_slice(from.slope);
        for stage in 1..tableau.stages {
            advance(&mut self.stage, from.x, h, tableau.weights[stage], &self.slopes);
            let slope = &mut self.slopes[stage * n..(stage + 1) * n];
            field.eval(from.t + tableau.nodes[stage] * h, &self.stage, slope)?;
        }
        let last = tableau.stages;
        advance(&mut self.state, from.x, h, tableau.weights[last], &self.slopes);
        let mut energy = None;
        if tableau.error_needs_last {
            energy =
                field.eval_energy(from.t + h, &self.state, &mut self.slopes[last * n..(last + 1) * n])?;
        }
        let (error, local_error) = self.error(from.x, h, tolerance);
        if !tableau.error_needs_last && (error <= 1.0 || tolerance.fixed) {
            energy =
                field.eval_energy(from.t + h, &self.state, &mut self.slopes[last * n..(last + 1) * n])?;
        }
        Ok(Trial { error, local_error, energy })
    }

    fn new_state(&self) -> &[f64] {
        &self.state
    }

    fn prepare_dense(
        &mut self,
        field: &mut Evaluator<'_, F>,
        from: Point<'_>,
        h: f64,
    ) -> Result<(), NotFinite> {
        let (tableau, n) = (self.tableau, self.n);
        for stage in tableau.stages + 1..tableau.weights.len() {
            advance(&mut self.stage, from.x, h, tableau.weights[stage], &self.slopes);
            let slope = &mut self.slopes[stage * n..(stage + 1) * n];
            field.eval(from.t + tableau.nodes[stage] * h, &self.stage, slope)?;
        }
        for i in 0..n {
            let change = self.state[i] - from.x[i];
            let (first, last) = (h * from.slope[i], h * self.slopes[tableau.stages * n + i]);
            self.dense[i] = change;
            self.dense[n + i] = first - change;
            self.dense[2 * n + i] = 2.0 * change - (first + last);
        }
        for (row, weights) in tableau.dense.iter().enumerate() {
            let out = &mut self.dense[(3 + row) * n..(4 + row) * n];
            for (number, out) in out.chunks_mut(BLOCK).enumerate() {
                combine_block(out, weights, &self.slopes, n, number * BLOCK);
                for v in out {
                    *v *= h;
                }
            }
        }
        Ok(())
    }

    fn interpolate(&self, from: Point<'_>, theta: f64, state: &mut [f64]) {
        // Nested in theta and 1 - theta alternately: theta (F0 + (1 - theta) (F1 + theta (F2 + ...))).
        state.fill(0.0);
        for row in (0..3 + self.tableau.dense.len()).rev() {
            let factor = if row % 2 == 0 { theta } else { 1.0 - theta };
            for (s, f) in state.iter_mut().zip(&self.dense[row * self.n..(row + 1) * self.n]) {
                *s = (*s + f) * factor;
            }
        }
        for (s, x) in state.iter_mut().zip(from.x) {
            *s += x;
        }
    }

    fn commit(&mut self, x: &mut Vec<f64>, slope: &mut Vec<f64>) {
        core::mem::swap(&mut self.state, x);
        slope.copy_from_slice(self.slope(self.tableau.stages));
    }

    fn finds_stiffness(&mut self, patience: u32) -> bool {
        // After Hairer and Wanner, Solving Ordinary Differential Equations II, section IV.2: the last stage and the new
        // point differ mostly along fast modes.
        let last = self.tableau.stages;
        let (mut slopes, mut states) = (0.0, 0.0);
        for i in 0..self.n {
            slopes += (self.slope(last)[i] - self.slope(last - 1)[i]).powi(2);
            states += (self.state[i] - self.stage[i]).powi(2);
        }
        let rate = if states > 0.0 { (slopes / states).sqrt() } else { 0.0 };
        if self.step * rate > self.tableau.stability {
            (self.limited, self.unlimited) = (self.limited + 1, 0);
        } else if self.limited > 0 {
            self.unlimited += 1;
            if self.unlimited == 6 {
                self.limited = 0;
            }
        }
        let found = self.limited >= patience;
        if found {
            (self.limited, self.unlimited) = (0, 0);
        }
        found
    }

    fn factor(&mut self, h: f64, error: f64, accepted: bool) -> f64 {
        self.step = h;
        let exponent = 1.0 / f64::from(self.tableau.error_order + 1);
        if !accepted {
            self.rejected = true;
            return (SAFETY * error.powf(-exponent)).clamp(SHRINK, 1.0);
        }
        // PI control (Gustafsson; Hairer, Norsett and Wanner II.4); no growth right after a rejection.
        let beta = self.tableau.beta;
        let error = error.max(1e-10);
        let factor = SAFETY * error.powf(0.75 * beta - exponent) * self.previous_error.powf(beta);
        let grow = if self.rejected { 1.0 } else { GROW };
        self.previous_error = error.max(1e-4);
        self.rejected = false;
        factor.clamp(SHRINK, grow)
    }
}
