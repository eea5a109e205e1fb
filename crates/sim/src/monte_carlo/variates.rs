//! Fewer replicas for the same error, where that is exact: antithetic pairs, control variates, a target error.
use super::error::ReplicaError;
use super::moments::Moments;
use super::replicas::Replicas;
use super::stream::Stream;

/// Half of an antithetic pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sign {
    /// The draws as they are.
    Plus,
    /// The same draws, to be mirrored by the sampler.
    Minus,
}

impl Sign {
    /// `1` or `-1`: the factor of a draw from a law that is symmetric about 0.
    #[must_use]
    pub fn factor(self) -> f64 {
        match self {
            Self::Plus => 1.0,
            Self::Minus => -1.0,
        }
    }
}

/// What a run with a control variate gave.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Controlled {
    /// Moments of `x - coefficient (c - mean of c)`, whose expectation is that of `x`.
    pub moments: Moments,
    /// The coefficient, from the pilot.
    pub coefficient: f64,
    /// Correlation of `x` and `c` in the pilot; the variance falls by the factor `1 - correlation^2` about.
    pub correlation: f64,
}

/// What a run at a target error gave.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Targeted {
    /// Moments over fresh streams.
    pub moments: Moments,
    /// The pilot's moments, which decided how many replicas to run and nothing else.
    pub pilot: Moments,
    /// The target was within reach of the largest number of replicas allowed.
    pub within_reach: bool,
}

impl Replicas<'_> {
    /// Antithetic pairs: replica `i` is the mean of two samples from the same draws, the second with [`Sign::Minus`].
    ///
    /// Exact (unbiased) when the sampler multiplies every draw that it makes from a symmetric law by
    /// [`Sign::factor`], or replaces a uniform `u` by `1 - u`. `count` is the number of pairs; the moments are those of
    /// pair means.
    ///
    /// # Errors
    /// As [`super::replicate`].
    pub fn antithetic<W, E: Send>(
        &self,
        work: impl Fn() -> W + Sync,
        sample: impl Fn(&mut Stream, &mut W, Sign) -> Result<f64, E> + Sync,
    ) -> Result<Moments, ReplicaError<E>> {
        self.moments(work, |stream, w| {
            let mut twin = stream.clone();
            let plus = sample(stream, w, Sign::Plus)?;
            let minus = sample(&mut twin, w, Sign::Minus)?;
            Ok(0.5 * (plus + minus))
        })
    }

    /// A control variate `c` of known mean: the expectation of `x` from `x - b (c - mean)`.
    ///
    /// `sample` returns `[x, c]`. The coefficient `b = cov(x, c) / var(c)` comes from `pilot` replicas on streams of their own, so
    /// that it is independent of the replicas that decide and the estimate is unbiased at every `count`.
    ///
    /// # Errors
    /// As [`super::replicate`]; a pilot of fewer than two replicas; a mean that is not finite counts as a control that is not.
    pub fn control_variate<W, E: Send>(
        &self,
        pilot: u64,
        mean_of_control: f64,
        work: impl Fn() -> W + Sync,
        sample: impl Fn(&mut Stream, &mut W) -> Result<[f64; 2], E> + Sync,
    ) -> Result<Controlled, ReplicaError<E>> {
        let both = |stream: &mut Stream, w: &mut W, out: &mut [f64]| {
            out.copy_from_slice(&sample(stream, w)?);
            Ok(())
        };
        if pilot < 2 {
            return Err(ReplicaError::Pilot { pilot });
        }
        let trial = self.pilot(pilot).vector_moments(2, &work, both)?;
        let variance = |i| trial.covariance(i, i).unwrap_or(0.0);
        let covariance = trial.covariance(0, 1).unwrap_or(0.0);
        let product = (variance(0) * variance(1)).sqrt();
        let (coefficient, correlation) = if variance(1) > 0.0 && product > 0.0 {
            (covariance / variance(1), (covariance / product).clamp(-1.0, 1.0))
        } else {
            (0.0, 0.0)
        };
        let moments = self.moments(work, |stream, w| {
            let [x, c] = sample(stream, w)?;
            Ok(x - coefficient * (c - mean_of_control))
        })?;
        Ok(Controlled { moments, coefficient, correlation })
    }

    /// As many replicas as the standard error `target` asks for, at least `pilot` and at most the `count` of this run.
    ///
    /// A pilot on streams of its own estimates the variance and so chooses the number; fresh streams give the moments, so that the
    /// choice does not bias them: stopping a run as soon as its own standard error is small enough would, because small sample
    /// variances stop it early. The number includes two standard deviations of the pilot's variance estimate, so that the target is
    /// missed seldom, and then by little; `moments` tell the error reached. A pilot in which the observable never varied (a
    /// rare event) takes it for a constant: pilots are to be long enough to see what matters.
    ///
    /// # Errors
    /// As [`super::replicate`]; a pilot of fewer than two replicas. A target that is not positive asks for all of `count`.
    pub fn to_standard_error<W, E: Send>(
        &self,
        target: f64,
        pilot: u64,
        work: impl Fn() -> W + Sync,
        sample: impl Fn(&mut Stream, &mut W) -> Result<f64, E> + Sync,
    ) -> Result<Targeted, ReplicaError<E>> {
        if pilot < 2 {
            return Err(ReplicaError::Pilot { pilot });
        }
        let pilot = self.pilot(pilot).moments(&work, &sample)?;
        let spread = ((pilot.kurtosis() - 1.0).max(0.0) / pilot.count() as f64).sqrt();
        let wanted = (pilot.variance() * (1.0 + 2.0 * spread) / (target * target)).ceil();
        let within_reach = wanted <= self.count() as f64 && target > 0.0;
        // `as` saturates, and NaN (a target of 0 with a constant observable) becomes 0.
        let count = if within_reach {
            (wanted as u64).clamp(pilot.count().min(self.count()), self.count())
        } else {
            self.count()
        };
        let moments = self.of_size(count).moments(work, sample)?;
        Ok(Targeted { moments, pilot, within_reach })
    }
}
