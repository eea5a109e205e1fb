//! What a correction does to the spectrum, and minimax steps (ICL-35, ICL-51).
use solvable_model::InputError;

use crate::icl::IclError;
use crate::icl::error::finite;

/// A correction and the condition number it leaves.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Correction {
    /// gamma.
    pub gamma: f64,
    /// `max f / min f` over [m, M], `f(lambda) = lambda (1 - gamma lambda)^2`.
    pub kappa: f64,
}

fn check_ends(m: f64, top: f64) -> Result<(), IclError> {
    InputError::check_positive("m", m)?;
    InputError::check("M", top, top.is_finite() && top >= m, "finite and at least m")?;
    Ok(())
}

/// `gamma* = 1/(M + sqrt(M m) + m)`, `kappa* = 4 (kappa + sqrt kappa + 1)^3 / (27 kappa (sqrt kappa + 1)^2)`: the correction in [0, 1/M)
/// that leaves the best condition number (ICL-35).
///
/// For large kappa a gain of 4/27; for kappa = 1 it stays 1. O(1).
///
/// # Errors
/// [`IclError::Input`] unless `0 < m <= M`.
pub fn best_correction(m: f64, top: f64) -> Result<Correction, IclError> {
    check_ends(m, top)?;
    let gamma = finite("gamma", 1.0 / (top + top.sqrt() * m.sqrt() + m))?;
    let root = finite("M/m", top / m)?.sqrt();
    // With x = sqrt kappa: (4/27) kappa (1 + 1/x + 1/x^2)^3 / (1 + 1/x)^2, which does not overflow before kappa does.
    let inverse = 1.0 / root;
    let grown = 1.0 + inverse + inverse * inverse;
    let shrunk = 1.0 + inverse;
    let kappa = 4.0 / 27.0 * (root / shrunk) * (root / shrunk) * grown * grown * grown;
    Ok(Correction { gamma, kappa: kappa.max(1.0) })
}

/// The condition number `max f / min f` after a correction gamma of a spectrum that fills [m, M] (ICL-35), any gamma.
///
/// For `gamma M <= 1/3` it is `kappa ((1 - gamma M)/(1 - gamma m))^2`. Beyond, f has its maximum `4/(27 gamma)` at `1/(3 gamma)` and its
/// zero at `1/gamma`; infinite when the zero lies in [m, M]. O(1).
///
/// # Errors
/// [`IclError::Input`] unless `0 < m <= M` and gamma is finite.
pub fn corrected_condition(m: f64, top: f64, gamma: f64) -> Result<f64, IclError> {
    check_ends(m, top)?;
    InputError::check_finite("gamma", gamma)?;
    // One rounding each: the factors are squared.
    let at_m = gamma.mul_add(-m, 1.0);
    let at_top = gamma.mul_add(-top, 1.0);
    if at_m >= 0.0 && at_top <= 0.0 {
        return Ok(f64::INFINITY);
    }
    // f(M)/f(m).
    let ends = top / m * (at_top / at_m).powi(2);
    let inner = 3.0 * gamma;
    if inner * m < 1.0 && inner * top > 1.0 {
        // The maximum is inside: 4/(27 gamma) over the smaller end.
        let over_m = 4.0 / 27.0 / (gamma * m * at_m * at_m);
        let over_top = 4.0 / 27.0 / (gamma * top * at_top * at_top);
        return finite("kappa", over_m.max(over_top).max(1.0));
    }
    finite("kappa", ends.max(1.0 / ends))
}

/// Steps that minimise the largest residual over an interval.
#[derive(Clone, Debug, PartialEq)]
pub struct MinimaxSteps {
    /// The steps, ascending.
    pub etas: Vec<f64>,
    /// `max |p|` over [m, M].
    pub max_residual: f64,
}

/// `eta_k = 1/((M+m)/2 - (M-m)/2 cos((2k-1) pi/(2K)))`, largest residual `1/T_K((M+m)/(M-m))` (ICL-51; Chebyshev).
///
/// Denominators are `m cos^2 + M sin^2` of half the angle; `arccosh((M+m)/(M-m)) = 2 artanh(sqrt(m/M))`, so that neither
/// end cancels. For m = M every step is 1/m and the residual 0; K = 0 leaves residual 1. O(K).
///
/// # Errors
/// [`IclError::Input`] unless `0 < m <= M`; [`IclError::NotRepresentable`] on overflow.
pub fn minimax_steps(m: f64, top: f64, layers: usize) -> Result<MinimaxSteps, IclError> {
    check_ends(m, top)?;
    InputError::check_list("K", layers)?;
    let k = layers as f64;
    let etas: Result<Vec<f64>, IclError> = (1..=layers)
        .rev()
        .map(|i| {
            let half = core::f64::consts::PI * (2.0 * i as f64 - 1.0) / (4.0 * k);
            let (sin, cos) = half.sin_cos();
            let denominator = if m == top { m } else { m * (cos * cos) + top * (sin * sin) };
            finite("eta", 1.0 / denominator)
        })
        .collect();
    let max_residual = if layers == 0 {
        1.0
    } else if m == top {
        0.0
    } else {
        // artanh x = (1/2) ln((1 + x)/(1 - x)), 1 - x^2 = (M - m)/M.
        let x = (m / top).sqrt();
        let artanh = 0.5 * ((2.0 * x * (1.0 + x)) / ((top - m) / top)).ln_1p();
        let angle = 2.0 * k * artanh;
        // 1/cosh without overflow.
        let decay = (-angle).exp();
        2.0 * decay / (1.0 + decay * decay)
    };
    Ok(MinimaxSteps { etas: etas?, max_residual })
}
