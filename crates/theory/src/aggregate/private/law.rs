//! The inverse-sensitivity mechanism on a finite set of outputs (DP-1).
use solvable_model::InputError;
use solvable_model::aggregate::Epsilon;

/// Output law of the mechanism on one data set.
#[derive(Clone, Debug, PartialEq)]
pub struct FiniteLaw {
    /// Probability of each output.
    pub probabilities: Vec<f64>,
    /// Its logarithm; `-inf` for an unattainable output.
    pub log_probabilities: Vec<f64>,
}

impl FiniteLaw {
    /// Probability of a set of outputs (indices; repetitions count once).
    ///
    /// # Errors
    /// [`InputError::Count`] when an index names no output.
    pub fn probability(&self, event: &[usize]) -> Result<f64, InputError> {
        self.log_probability(event).map(f64::exp)
    }

    /// Logarithm of [`probability`](Self::probability).
    ///
    /// # Errors
    /// As [`probability`](Self::probability).
    pub fn log_probability(&self, event: &[usize]) -> Result<f64, InputError> {
        let mut outputs = event.to_vec();
        outputs.sort_unstable();
        outputs.dedup();
        for (i, &t) in event.iter().enumerate() {
            if t >= self.log_probabilities.len() {
                let argument = solvable_model::Argument::indexed("event", i);
                return Err(InputError::Count {
                    argument,
                    value: t as u64,
                    condition: "the index of an output",
                });
            }
        }
        let logs = || outputs.iter().map(|&t| self.log_probabilities[t]);
        let top = logs().fold(f64::NEG_INFINITY, f64::max);
        if top == f64::NEG_INFINITY {
            return Ok(top);
        }
        Ok(top + logs().map(|l| (l - top).exp()).sum::<f64>().ln())
    }
}

/// `P(t) = e^(-eps len(t)/2) / sum_t' e^(-eps len(t')/2)`; `None` is an unattainable output (length infinite,
/// probability 0) (DP-1).
///
/// Weights are relative to the shortest length, so the normaliser is at least 1 and nothing underflows that matters;
/// relative error a few ulps times `1 + eps len`. O(number of outputs).
///
/// ```
/// use solvable_model::aggregate::Epsilon;
/// use solvable_theory::aggregate::private::inverse_sensitivity_law;
/// let law = inverse_sensitivity_law(&[Some(0), Some(1)], Epsilon::new(2.0)?)?;
/// assert!((law.probabilities[0] - 1.0 / (1.0 + (-1.0_f64).exp())).abs() < 1e-15);
/// # Ok::<(), solvable_model::InputError>(())
/// ```
///
/// # Errors
/// [`InputError::Count`] when no output is attainable.
pub fn inverse_sensitivity_law(lengths: &[Option<usize>], epsilon: Epsilon) -> Result<FiniteLaw, InputError> {
    let attainable = lengths.iter().flatten().count();
    InputError::check_count("number of attainable outputs", attainable)?;
    let shortest = lengths.iter().flatten().copied().min().unwrap_or(0);
    let exponent = |length: usize| -0.5 * epsilon.get() * (length - shortest) as f64;
    let normaliser: f64 = lengths.iter().flatten().map(|&l| exponent(l).exp()).sum();
    let log_normaliser = normaliser.ln();
    let log = |l: &Option<usize>| l.map_or(f64::NEG_INFINITY, |l| exponent(l) - log_normaliser);
    Ok(FiniteLaw {
        probabilities: lengths.iter().map(|l| l.map_or(0.0, |l| exponent(l).exp() / normaliser)).collect(),
        log_probabilities: lengths.iter().map(log).collect(),
    })
}
