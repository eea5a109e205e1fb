//! The smoothed mechanism for location functionals on an interval: exact output law (DP-2, DP-6).
use solvable_model::InputError;
use solvable_model::aggregate::{Epsilon, IntervalData, IntervalFunctional};

use crate::aggregate::AggregateError;
use crate::aggregate::error::finite;

/// Piecewise constant output law of the smoothed inverse-sensitivity mechanism.
///
/// Values reachable with j changes form nested intervals `[l_j, u_j]`; the density at t is
/// `e^(-eps j/2)/Z` with j the least index such that `l_j - rho <= t <= u_j + rho`, on `[lo - rho, hi + rho]`.
/// Weights are relative to the first segment that is not empty, so that no normaliser underflows.
#[derive(Clone, Debug, PartialEq)]
pub struct IntervalLaw {
    intervals: Vec<(f64, f64)>,
    /// `l_{j-1} - l_j` and `u_j - u_{j-1}`, without cancellation; (0, 0) for j = 0.
    widths: Vec<(f64, f64)>,
    /// Distances `f(S) - l_j` and `u_j - f(S)`, summed from the widths: free of the rounding of f(S).
    reach: Vec<(f64, f64)>,
    rho: f64,
    half_epsilon: f64,
    /// First j with a segment of positive length.
    first: usize,
    /// `Z e^(eps first/2)`.
    scaled_normaliser: f64,
}

/// Exact output law for the median (n = 2h+1: `l_j = x_(h+1-j)`, `u_j = x_(h+1+j)`, beyond the data lo and hi, j = 0..=h+1)
/// or the mean (`l_j` = mean with the j largest data at lo, `u_j` with the j smallest at hi, j = 0..=n) (DP-6).
///
/// rho = 0 is allowed. O(n) for sorted data.
///
/// ```
/// use solvable_model::aggregate::{Epsilon, IntervalData, IntervalFunctional};
/// use solvable_theory::aggregate::private::inverse_sensitivity_density;
/// let data = IntervalData::new(&[0.5], 0.0, 1.0)?;
/// // |M - 1/2| <= 1/4 has weight 1 and length 1/2, the rest weight e^-1 and length 1.
/// let law = inverse_sensitivity_density(&data, IntervalFunctional::Median, 0.25, Epsilon::new(2.0)?)?;
/// let outside = (-1.0_f64).exp();
/// assert!((law.tail(0.25)? - outside / (0.5 + outside)).abs() < 1e-15);
/// # Ok::<(), solvable_theory::aggregate::AggregateError>(())
/// ```
///
/// # Errors
/// [`AggregateError`] unless rho >= 0 is finite; for the median of an even number of data; when the support leaves the range
/// of doubles.
pub fn inverse_sensitivity_density(
    data: &IntervalData,
    functional: IntervalFunctional,
    rho: f64,
    epsilon: Epsilon,
) -> Result<IntervalLaw, AggregateError> {
    InputError::check_nonnegative("rho", rho)?;
    let center = functional.evaluate(data)?;
    let (intervals, widths) = match functional {
        IntervalFunctional::Median => median_intervals(data),
        IntervalFunctional::Mean => mean_intervals(data, center),
        _ => return Err(AggregateError::OutOfRange { quantity: "the path length of this functional" }),
    };
    finite("support", (data.hi() - data.lo()) + 2.0 * rho)?;
    let half_epsilon = 0.5 * epsilon.get();
    let length = |j: usize| if j == 0 { 2.0 * rho } else { widths[j].0 + widths[j].1 };
    // The intervals grow from one point to [lo, hi], lo < hi: some segment is not empty.
    let first = (0..widths.len()).find(|&j| length(j) > 0.0).unwrap_or(0);
    let scaled_normaliser: f64 =
        (first..widths.len()).map(|j| (-half_epsilon * (j - first) as f64).exp() * length(j)).sum();
    let positive = scaled_normaliser > 0.0;
    InputError::check("hi - lo + 2 rho", scaled_normaliser, positive, "greater than 0 in double precision")?;
    let (mut left, mut right) = (Running::new(0.0), Running::new(0.0));
    let reach = widths.iter().map(|&(l, r)| {
        left.add(l);
        right.add(r);
        (left.value(), right.value())
    });
    let reach = reach.collect();
    Ok(IntervalLaw { intervals, reach, widths, rho, half_epsilon, first, scaled_normaliser })
}

type Nested = (Vec<(f64, f64)>, Vec<(f64, f64)>);

fn median_intervals(data: &IntervalData) -> Nested {
    let (x, h) = (data.sorted(), data.n() / 2);
    let intervals: Vec<_> =
        (0..=h + 1).map(|j| if j <= h { (x[h - j], x[h + j]) } else { (data.lo(), data.hi()) }).collect();
    let mut widths = vec![(0.0, 0.0)];
    widths.extend(intervals.windows(2).map(|w| (w[0].0 - w[1].0, w[1].1 - w[0].1)));
    (intervals, widths)
}

fn mean_intervals(data: &IntervalData, center: f64) -> Nested {
    let (x, n) = (data.sorted(), data.n());
    let size = n as f64;
    let (mut low, mut high) = (Running::new(center), Running::new(center));
    let (mut intervals, mut widths) = (vec![(center, center)], vec![(0.0, 0.0)]);
    for j in 1..=n {
        let (left, right) = ((x[n - j] - data.lo()) / size, (data.hi() - x[j - 1]) / size);
        low.add(-left);
        high.add(right);
        widths.push((left, right));
        // Rounding may not carry an interval past its limits, and the last one is known.
        let ends = (low.value().max(data.lo()), high.value().min(data.hi()));
        intervals.push(if j == n { (data.lo(), data.hi()) } else { ends });
    }
    (intervals, widths)
}

/// Neumaier's compensated sum.
struct Running {
    total: f64,
    correction: f64,
}

impl Running {
    fn new(total: f64) -> Self {
        Self { total, correction: 0.0 }
    }

    fn add(&mut self, term: f64) {
        let next = self.total + term;
        self.correction += if self.total.abs() >= term.abs() {
            (self.total - next) + term
        } else {
            (term - next) + self.total
        };
        self.total = next;
    }

    fn value(&self) -> f64 {
        self.total + self.correction
    }
}

impl IntervalLaw {
    /// Nested intervals reachable with 0, 1, ... changes.
    #[must_use]
    pub fn intervals(&self) -> &[(f64, f64)] {
        &self.intervals
    }

    /// The normaliser `Z = 2 rho + sum_j e^(-eps j/2) (new length at j)`; 0 when it underflows.
    #[must_use]
    pub fn normaliser(&self) -> f64 {
        self.scaled_normaliser * (-self.half_epsilon * self.first as f64).exp()
    }

    /// `f(S)`, the centre.
    #[must_use]
    pub fn center(&self) -> f64 {
        self.intervals[0].0
    }

    /// Density times length, of segment j.
    fn density_of(&self, j: usize) -> f64 {
        // Segments before the first are empty; the exponent is then at most 0 all the same.
        (-self.half_epsilon * (j as f64 - self.first as f64)).exp().min(f64::MAX) / self.scaled_normaliser
    }

    /// Path length from the data to t: `None` outside the support.
    #[must_use]
    pub fn length(&self, t: f64) -> Option<usize> {
        let outside = |&(l, u): &(f64, f64)| t < l - self.rho || t > u + self.rho;
        let j = self.intervals.partition_point(outside);
        (j < self.intervals.len()).then_some(j)
    }

    /// Density at t; 0 outside the support. At a point shared by two segments the smaller path length applies.
    ///
    /// # Errors
    /// [`InputError::OutOfDomain`] when t is NaN.
    pub fn density(&self, t: f64) -> Result<f64, InputError> {
        InputError::check("query", t, !t.is_nan(), "a number")?;
        Ok(self.length(t).map_or(0.0, |j| self.density_of(j)))
    }

    /// The two arms of segment j as distances from the centre, (left, right), each (from, to, width).
    fn arms(&self) -> impl Iterator<Item = (usize, [(f64, f64, f64); 2])> + '_ {
        (0..self.intervals.len()).map(move |j| {
            let reach = |k: usize| (self.reach[k].0 + self.rho, self.reach[k].1 + self.rho);
            let (left, right) = reach(j);
            if j == 0 {
                return (0, [(0.0, self.rho, self.rho), (0.0, self.rho, self.rho)]);
            }
            let (before_left, before_right) = reach(j - 1);
            let (left_width, right_width) = self.widths[j];
            (j, [(before_left, left, left_width), (before_right, right, right_width)])
        })
    }

    /// Sum over segments of density times `measure(from, to, width)`.
    fn integrate(&self, measure: impl Fn(f64, f64, f64) -> f64) -> f64 {
        let weigh = |(j, arms): (usize, [(f64, f64, f64); 2])| {
            let size: f64 = arms.iter().map(|&(from, to, width)| measure(from, to, width)).sum();
            if size == 0.0 { 0.0 } else { size * self.density_of(j) }
        };
        self.arms().map(weigh).sum()
    }

    /// `P(|M - f(S)| > x)`.
    ///
    /// # Errors
    /// [`InputError::OutOfDomain`] unless x >= 0 (infinity included).
    pub fn tail(&self, x: f64) -> Result<f64, InputError> {
        InputError::check("radius", x, x >= 0.0, "at least 0")?;
        let beyond =
            |from: f64, to: f64, width: f64| if x <= from { width } else { (to - x).max(0.0).min(width) };
        Ok(self.integrate(beyond).min(1.0))
    }

    /// `E |M - f(S)|`.
    #[must_use]
    pub fn mean_absolute_error(&self) -> f64 {
        // A width times the density is a probability, where the product of two lengths may leave the range of doubles.
        let weigh = |(j, arms): (usize, [(f64, f64, f64); 2])| {
            let density = self.density_of(j);
            let moment = |(from, to, width): (f64, f64, f64)| {
                // Next to the least double the density itself is out of range.
                let share =
                    if density.is_finite() { width * density } else { width / self.scaled_normaliser };
                if width == 0.0 { 0.0 } else { share * (0.5 * from + 0.5 * to) }
            };
            if density == 0.0 { 0.0 } else { arms.into_iter().map(moment).sum() }
        };
        self.arms().map(weigh).sum()
    }

    /// `P(M <= t)`.
    ///
    /// # Errors
    /// [`InputError::OutOfDomain`] when t is NaN.
    pub fn distribution(&self, t: f64) -> Result<f64, InputError> {
        InputError::check("t", t, !t.is_nan(), "a number")?;
        let offset = t - self.center();
        let mut total = 0.0;
        for (j, [left, right]) in self.arms() {
            // Left arm covers offsets [-to, -from], the right one [from, to].
            let on_left = if -left.0 <= offset { left.2 } else { (left.1 + offset).clamp(0.0, left.2) };
            let on_right = if right.1 <= offset { right.2 } else { (offset - right.0).clamp(0.0, right.2) };
            if on_left + on_right > 0.0 {
                total += (on_left + on_right) * self.density_of(j);
            }
        }
        Ok(total.min(1.0))
    }

    /// `E |M - c|` for any point c.
    ///
    /// # Errors
    /// [`InputError::OutOfDomain`] unless c is finite.
    pub fn mean_absolute_error_around(&self, c: f64) -> Result<f64, InputError> {
        InputError::check_finite("c", c)?;
        let center = self.center();
        let mut total = 0.0;
        for (j, [left, right]) in self.arms() {
            let density = self.density_of(j);
            if density == 0.0 {
                continue;
            }
            // Integral of |t - c| over [a, b]: the midpoint distance if c is outside, two triangles if inside. A length times
            // the density is a probability, where the product of two lengths may overflow.
            let moment = |a: f64, b: f64, width: f64| {
                if c <= a || c >= b {
                    width * density * (0.5 * (a - c) + 0.5 * (b - c)).abs()
                } else {
                    0.5 * ((c - a) * density * (c - a) + (b - c) * density * (b - c))
                }
            };
            total += moment(center - left.1, center - left.0, left.2)
                + moment(center + right.0, center + right.1, right.2);
        }
        Ok(total)
    }

    /// `P(|M - c| > x)` around any point c, for error bounds against a population value.
    ///
    /// # Errors
    /// [`InputError::OutOfDomain`] unless c is finite and x >= 0.
    pub fn tail_around(&self, c: f64, x: f64) -> Result<f64, InputError> {
        InputError::check_finite("c", c)?;
        InputError::check("radius", x, x >= 0.0, "at least 0")?;
        let mut total = 0.0;
        let center = self.center();
        for (j, [left, right]) in self.arms() {
            // Length of [a, b] outside [c - x, c + x].
            let outside = |a: f64, b: f64, width: f64| {
                let below = ((c - x).min(b) - a).max(0.0);
                let above = (b - (c + x).max(a)).max(0.0);
                (below + above).min(width)
            };
            let size = outside(center - left.1, center - left.0, left.2)
                + outside(center + right.0, center + right.1, right.2);
            if size > 0.0 {
                total += size * self.density_of(j);
            }
        }
        Ok(total.min(1.0))
    }
}
