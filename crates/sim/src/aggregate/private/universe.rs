//! All ordered datasets over a finite universe.
use crate::aggregate::SimulationError;

/// The most ordered datasets that are enumerated.
const MOST_DATASETS: f64 = 2e6;

/// The ordered datasets of n symbols from {0, ..., q-1}, numbered with the first symbol fastest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Universe {
    q: usize,
    n: usize,
    size: usize,
}

impl Universe {
    /// # Errors
    /// [`SimulationError`] when q or n is 0, or `q^n` exceeds two million.
    pub fn new(q: usize, n: usize) -> Result<Self, SimulationError> {
        solvable_model::InputError::check_count("q", q)?;
        solvable_model::InputError::check_count("n", n)?;
        let size = (q as f64).powf(n as f64);
        if size > MOST_DATASETS {
            let what = "the set of ordered datasets";
            return Err(SimulationError::TooLarge { what, size, most: MOST_DATASETS });
        }
        Ok(Self { q, n, size: q.pow(n as u32) })
    }

    /// Number of symbols.
    #[must_use]
    pub fn symbols(self) -> usize {
        self.q
    }

    /// Number of points of a dataset.
    #[must_use]
    pub fn points(self) -> usize {
        self.n
    }

    /// Number of ordered datasets.
    #[must_use]
    pub fn size(self) -> usize {
        self.size
    }

    /// Writes dataset number `index` into `data`.
    pub fn write(self, mut index: usize, data: &mut [usize]) {
        for x in data.iter_mut().take(self.n) {
            *x = index % self.q;
            index /= self.q;
        }
    }

    /// The number of a dataset.
    #[must_use]
    pub fn index(self, data: &[usize]) -> usize {
        data.iter().rev().fold(0, |index, &x| index * self.q + x)
    }

    /// The datasets in increasing order: one for each multiset.
    #[must_use]
    pub fn sorted(self) -> Vec<Vec<usize>> {
        let mut data = vec![0; self.n];
        let mut found = Vec::new();
        for index in 0..self.size {
            self.write(index, &mut data);
            if data.is_sorted() {
                found.push(data.clone());
            }
        }
        found
    }
}

/// Coordinatewise median of an odd number of points of the q x q grid, each coded as `row q + column`; coded likewise.
#[must_use]
pub fn coordinatewise_median(q: usize, codes: &[usize]) -> usize {
    let middle = |coordinate: fn(usize, usize) -> usize| {
        let mut values: Vec<usize> = codes.iter().map(|&c| coordinate(c, q)).collect();
        values.sort_unstable();
        values[values.len() / 2]
    };
    middle(|c, q| c / q) * q + middle(|c, q| c % q)
}
