//! Gradient flow from aligned, balanced starts in closed form (NC-22).
use solvable_model::InputError;

use super::CollapseError;
use crate::quadrature::tanh_sinh;

/// Balanced data, one regularisation lambda of all factors (0 allowed: flow without weight decay), and K classes of n
/// samples.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AlignedFlow {
    classes: f64,
    /// `sqrt(n)`.
    root: f64,
    /// N.
    total: f64,
    lambda: f64,
}

impl AlignedFlow {
    /// States the flow.
    ///
    /// # Errors
    /// [`InputError`] when K or n is 0 or lambda is negative or not finite.
    pub fn new(classes: usize, n: usize, lambda: f64) -> Result<Self, InputError> {
        InputError::check_count("K", classes)?;
        InputError::check_count("n", n)?;
        InputError::check_nonnegative("lambda", lambda)?;
        let (k, n) = (classes as f64, n as f64);
        Ok(Self { classes: k, root: n.sqrt(), total: k * n, lambda })
    }

    /// `r = sqrt(n)/N - lambda`: u grows at rate 2r from 0 and settles at rate 2r at its limit.
    #[must_use]
    pub fn rate(&self) -> f64 {
        self.root / self.total - self.lambda
    }

    /// The limit of u from any positive start: `N r` for r > 0, else 0.
    #[must_use]
    pub fn limit(&self) -> f64 {
        (self.root - self.total * self.lambda).max(0.0)
    }

    /// The common singular value `u(t) = s^2` of the logits, squared loss, M = 1, both factors started at s with
    /// `s^2 = u0` on aligned orthonormal modes (NC-22).
    ///
    /// `du/dt = 2u (r - u/N)`, so `u(t) = u_inf/(1 + (u_inf/u0 - 1) e^(-2rt))` with `u_inf = N r`; evaluated as
    /// `u0/(e^(-2rt) + (u0/N)(1 - e^(-2rt))/r)`, for r < 0 (decay to 0) times `e^(2rt)` above and below, for r = 0 as
    /// `u0/(1 + 2 u0 t/N)`, without cancellation or overflow. Without bias all K modes move so; with a free bias started at 1/K the K - 1
    /// contrasts.
    ///
    /// # Errors
    /// [`InputError`] unless u0 is finite and t at least 0, both at least 0.
    ///
    /// ```
    /// use solvable_theory::collapse::AlignedFlow;
    /// let flow = AlignedFlow::new(3, 2, 0.05)?;
    /// assert_eq!(flow.squared(0.01, 0.0)?, 0.01);
    /// assert!((flow.squared(0.01, 1e9)? - flow.limit()).abs() <= 1e-15);
    /// # Ok::<(), solvable_model::InputError>(())
    /// ```
    pub fn squared(&self, u0: f64, t: f64) -> Result<f64, InputError> {
        InputError::check_nonnegative("u0", u0)?;
        InputError::check("t", t, t >= 0.0, "at least 0")?;
        if u0 == 0.0 || t == 0.0 {
            return Ok(u0);
        }
        if t == f64::INFINITY {
            return Ok(self.limit());
        }
        // At most 1 in every case: e^(-2|r|t), and (1 - e^(-2|r|t))/|r|, which is at most 2t.
        let r = self.rate();
        let exponent = -2.0 * r.abs() * t;
        let spent = if r == 0.0 { 2.0 * t.min(0.5 * f64::MAX) } else { -exponent.exp_m1() / r.abs() };
        let (above, decay) = if r < 0.0 { (exponent.exp(), 1.0) } else { (1.0, exponent.exp()) };
        // A small u0 is not divided by, a large one not multiplied; the least ones are lifted out of the subnormal range.
        Ok(if u0 < 1.0 {
            let lift = if u0 < 2.0_f64.powi(-512) { 2.0_f64.powi(512) } else { 1.0 };
            u0 * lift * above * self.total / (decay * lift * self.total + u0 * lift * spent)
        } else {
            above / (decay / u0 + spent / self.total)
        })
    }

    /// The time at which every factor's singular value passes from s0 to s1, squared loss, depth M (NC-22); infinite when
    /// the flow never gets there.
    ///
    /// `ds/dt = -s^(L-1) (s^L - sqrt(n))/N - lambda s`, L = M + 1, by quadrature in log s, split at the slowest point. For
    /// M >= 2 and lambda > 0 a small s0 flows to 0.
    ///
    /// # Errors
    /// [`CollapseError::Input`] when M is 0 or s0 or s1 is not finite and positive; [`CollapseError::NotConverged`] when the
    /// quadrature does not settle.
    pub fn squared_time(&self, depth: usize, s0: f64, s1: f64) -> Result<f64, CollapseError> {
        InputError::check_count("M", depth)?;
        InputError::check_positive("s0", s0)?;
        InputError::check_positive("s1", s1)?;
        let l = depth as f64 + 1.0;
        // d(log s)/dt.
        let speed = |s: f64| s.powf(l - 2.0) * (self.root - s.powf(l)) / self.total - self.lambda;
        // The growth rate is largest where s^L = sqrt(n) (L-2)/(2L-2).
        let top = (self.root * (l - 2.0) / (2.0 * l - 2.0)).powf(1.0 / l);
        passage(speed, s0, s1, (top > 0.0).then_some(top))
    }

    /// The time at which the margin passes from m0 to m1, cross-entropy, M = 1 (NC-22); infinite when the flow never gets
    /// there.
    ///
    /// `dm/dt = 2m (1/(sqrt(n)(e^m + K - 1)) - lambda)`, by quadrature in log m.
    ///
    /// # Errors
    /// As [`squared_time`](Self::squared_time), and when K is 1: there is no margin.
    pub fn margin_time(&self, m0: f64, m1: f64) -> Result<f64, CollapseError> {
        if self.classes < 2.0 {
            let condition = "at least 2: one class has no margin";
            return Err(InputError::Count { argument: "K".into(), value: 1, condition }.into());
        }
        InputError::check_positive("m0", m0)?;
        InputError::check_positive("m1", m1)?;
        let speed = |m: f64| 2.0 * (1.0 / (self.root * (m.exp() + self.classes - 1.0)) - self.lambda);
        passage(speed, m0, m1, None)
    }
}

/// Time from `a` to `b` of `dx/dt = x speed(x)`, where speed has one sign along the way or a maximum at `top`.
fn passage(speed: impl Fn(f64) -> f64, a: f64, b: f64, top: Option<f64>) -> Result<f64, CollapseError> {
    if a == b {
        return Ok(0.0);
    }
    let direction = if b > a { 1.0 } else { -1.0 };
    let (low, high) = (a.min(b), a.max(b));
    let inside = top.filter(|&t| t > low && t < high);
    let blocked = |x: f64| speed(x) * direction <= 0.0;
    // Between its ends a unimodal speed is smallest at an end and largest at the top.
    if blocked(a) || blocked(b) || inside.is_some_and(blocked) {
        return Ok(f64::INFINITY);
    }
    let mut knots = vec![low.ln()];
    knots.extend(inside.map(f64::ln));
    knots.push(high.ln());
    let mut time = 0.0;
    for piece in knots.windows(2) {
        // The passage is slow near a fixed point just outside an end: the rule's nodes crowd there.
        let found = tanh_sinh(|p| 1.0 / (direction * speed(p.x.exp())), piece[0], piece[1], 1e-15)?;
        // The error of the last refinement is about the square of the difference.
        let tolerance = 1e-7 * found.value.abs();
        if found.error > tolerance {
            return Err(CollapseError::NotConverged {
                iterations: found.evaluations,
                residual: found.error,
                tolerance,
            });
        }
        time += found.value;
    }
    Ok(time)
}
