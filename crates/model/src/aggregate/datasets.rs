//! Data of the private estimators. Neighbours differ in one replaced point; the size n is public.
use crate::{Argument, InputError};

/// The privacy level epsilon, finite and positive.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Epsilon(f64);

impl Epsilon {
    /// # Errors
    /// [`InputError::OutOfDomain`] unless `value` is finite and positive.
    pub fn new(value: f64) -> Result<Self, InputError> {
        InputError::check_positive("eps", value).map(Self)
    }

    /// The number.
    #[must_use]
    pub fn get(self) -> f64 {
        self.0
    }
}

/// n points of the universe {0, ..., q-1}, as a multiset.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct DiscreteData {
    counts: Vec<usize>,
    n: usize,
}

impl DiscreteData {
    /// # Errors
    /// [`InputError::Count`] when `q` is 0 or above [`LARGEST_LIST`](crate::LARGEST_LIST), there are no data, or a point is
    /// not below `q`.
    pub fn new(q: usize, data: &[usize]) -> Result<Self, InputError> {
        InputError::check_count("q", q)?;
        InputError::check_list("q", q)?;
        InputError::check_count("number of data", data.len())?;
        let mut counts = vec![0; q];
        for (i, &x) in data.iter().enumerate() {
            let Some(c) = counts.get_mut(x) else {
                return Err(InputError::Count {
                    argument: Argument::indexed("data", i),
                    value: x as u64,
                    condition: "a point of the universe, below q",
                });
            };
            *c += 1;
        }
        Ok(Self { counts, n: data.len() })
    }

    /// The multiset with these counts of each symbol.
    ///
    /// # Errors
    /// [`InputError::Count`] when all counts are 0 or there is none; [`InputError::Condition`] when their sum overflows.
    pub fn from_counts(counts: Vec<usize>) -> Result<Self, InputError> {
        let mut n = 0_usize;
        for (symbol, &count) in counts.iter().enumerate() {
            n = n.checked_add(count).ok_or(InputError::Condition {
                argument: Argument::indexed("counts", symbol),
                value: count as f64,
                condition: "the number of data must fit into a machine word",
            })?;
        }
        InputError::check_count("number of data", n)?;
        Ok(Self { counts, n })
    }

    /// Number of points.
    #[must_use]
    pub fn n(&self) -> usize {
        self.n
    }

    /// Size of the universe.
    #[must_use]
    pub fn universe(&self) -> usize {
        self.counts.len()
    }

    /// Copies of each symbol.
    #[must_use]
    pub fn counts(&self) -> &[usize] {
        &self.counts
    }

    /// The points in increasing order.
    #[must_use]
    pub fn sorted(&self) -> Vec<usize> {
        let mut points = Vec::with_capacity(self.n);
        for (value, &count) in self.counts.iter().enumerate() {
            points.extend(std::iter::repeat_n(value, count));
        }
        points
    }
}

/// An odd number of points of the grid {0, ..., q-1} x {0, ..., q-1}.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlaneData {
    points: Vec<[usize; 2]>,
    q: usize,
}

impl PlaneData {
    /// # Errors
    /// [`InputError::Count`] when `q` is 0, the number of points is even, or a coordinate is not below `q`.
    pub fn new(q: usize, points: &[[usize; 2]]) -> Result<Self, InputError> {
        InputError::check_count("q", q)?;
        if points.len().is_multiple_of(2) {
            return Err(InputError::Count {
                argument: "number of data".into(),
                value: points.len() as u64,
                condition: "odd, so that the median is one of the data in each coordinate",
            });
        }
        for (i, point) in points.iter().enumerate() {
            if let Some(&x) = point.iter().find(|&&x| x >= q) {
                return Err(InputError::Count {
                    argument: Argument::indexed("data", i),
                    value: x as u64,
                    condition: "a point of the grid, below q in each coordinate",
                });
            }
        }
        Ok(Self { points: points.to_vec(), q })
    }

    /// The points.
    #[must_use]
    pub fn points(&self) -> &[[usize; 2]] {
        &self.points
    }

    /// Symbols a coordinate.
    #[must_use]
    pub fn side(&self) -> usize {
        self.q
    }

    /// The coordinatewise median.
    #[must_use]
    pub fn median(&self) -> [usize; 2] {
        [0, 1].map(|c| {
            let mut column: Vec<usize> = self.points.iter().map(|p| p[c]).collect();
            column.sort_unstable();
            column[column.len() / 2]
        })
    }
}

/// n numbers of a fixed, data-independent interval [lo, hi].
#[derive(Clone, Debug, PartialEq)]
pub struct IntervalData {
    sorted: Vec<f64>,
    lo: f64,
    hi: f64,
}

impl IntervalData {
    /// # Errors
    /// [`InputError`] unless `lo < hi` are finite, and there is at least one datum, all inside.
    pub fn new(data: &[f64], lo: f64, hi: f64) -> Result<Self, InputError> {
        check_interval(lo, hi)?;
        InputError::check_count("number of data", data.len())?;
        InputError::check_vector("data", data)?;
        if let Some(i) = data.iter().position(|x| !(lo..=hi).contains(x)) {
            let condition = "inside [lo, hi] (clamping must be asked for)";
            return Err(InputError::OutOfDomain {
                argument: Argument::indexed("data", i),
                value: data[i],
                condition,
            });
        }
        let mut sorted = data.to_vec();
        sorted.sort_by(f64::total_cmp);
        Ok(Self { sorted, lo, hi })
    }

    /// As [`new`](Self::new), with data outside the interval moved to its nearer end.
    ///
    /// # Errors
    /// [`InputError`] unless `lo < hi` are finite, and there is at least one datum and no NaN.
    pub fn clamped(data: &[f64], lo: f64, hi: f64) -> Result<Self, InputError> {
        check_interval(lo, hi)?;
        let moved: Vec<f64> = data.iter().map(|x| x.clamp(lo, hi)).collect();
        Self::new(&moved, lo, hi)
    }

    /// The data in increasing order.
    #[must_use]
    pub fn sorted(&self) -> &[f64] {
        &self.sorted
    }

    /// Number of data.
    #[must_use]
    pub fn n(&self) -> usize {
        self.sorted.len()
    }

    /// Lower end.
    #[must_use]
    pub fn lo(&self) -> f64 {
        self.lo
    }

    /// Upper end.
    #[must_use]
    pub fn hi(&self) -> f64 {
        self.hi
    }
}

fn check_interval(lo: f64, hi: f64) -> Result<(), InputError> {
    InputError::check_finite("lo", lo)?;
    InputError::check("hi", hi, hi.is_finite() && hi > lo, "finite and greater than lo")?;
    InputError::check("hi - lo", hi - lo, (hi - lo).is_finite(), "finite")?;
    Ok(())
}
