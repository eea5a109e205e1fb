//! Moments of several observables of the same replicas, with their covariances.
use super::moments::Moments;

/// Moments of `k` observables measured on the same replicas, and their covariance matrix.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct VectorMoments {
    pub(super) components: Vec<Moments>,
    /// `sum (x_i - mean_i)(x_j - mean_j)` for i < j, row by row; empty when covariances were not asked for.
    pub(super) products: Vec<f64>,
}

impl VectorMoments {
    /// The moments of a single vector.
    pub(super) fn set(&mut self, values: &[f64], covariances: bool) {
        let k = values.len();
        self.components.clear();
        self.components.extend(values.iter().map(|&v| Moments::of(v)));
        self.products.clear();
        self.products.resize(if covariances { k * (k.max(1) - 1) / 2 } else { 0 }, 0.0);
    }

    /// Number of observables.
    #[must_use]
    pub fn dimension(&self) -> usize {
        self.components.len()
    }

    /// Number of replicas.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.components.first().map_or(0, Moments::count)
    }

    /// Moments of one observable (`None` beyond the dimension).
    #[must_use]
    pub fn component(&self, index: usize) -> Option<&Moments> {
        self.components.get(index)
    }

    /// Moments of all observables, in order.
    #[must_use]
    pub fn components(&self) -> &[Moments] {
        &self.components
    }

    /// Unbiased sample covariance of two observables; `None` beyond the dimension, or when covariances were not
    /// accumulated.
    #[must_use]
    pub fn covariance(&self, i: usize, j: usize) -> Option<f64> {
        let k = self.dimension();
        let (i, j) = (i.min(j), i.max(j));
        if i == j {
            return self.components.get(i).map(Moments::variance);
        }
        if j >= k {
            return None;
        }
        let at = i * (2 * k - i - 1) / 2 + (j - i - 1);
        let n = self.count();
        self.products.get(at).map(|p| if n < 2 { 0.0 } else { p / (n - 1) as f64 })
    }

    /// Mean of the linear combination `sum c_i x_i`.
    #[must_use]
    pub fn combined_mean(&self, coefficients: &[f64]) -> f64 {
        self.components.iter().zip(coefficients).map(|(m, c)| c * m.mean()).sum()
    }

    /// Sample variance of the linear combination `sum c_i x_i`; `None` when covariances were not accumulated.
    #[must_use]
    pub fn combined_variance(&self, coefficients: &[f64]) -> Option<f64> {
        let mut sum = 0.0;
        for i in 0..self.dimension().min(coefficients.len()) {
            for j in 0..self.dimension().min(coefficients.len()) {
                sum += coefficients[i] * coefficients[j] * self.covariance(i, j)?;
            }
        }
        Some(sum.max(0.0))
    }

    pub(super) fn is_finite(&self) -> bool {
        self.components.iter().all(Moments::is_finite) && self.products.iter().all(|p| p.is_finite())
    }

    /// Adds the moments of a disjoint sample of the same observables.
    pub(super) fn absorb(&mut self, other: &Self) {
        let (na, nb) = (self.count(), other.count());
        if nb == 0 {
            return;
        }
        if na == 0 {
            // Into the memory that is there: a failed replica costs no allocation.
            self.components.clone_from(&other.components);
            self.products.clone_from(&other.products);
            return;
        }
        // Same factor as in `Moments::absorb`, so that the products merge like the squares.
        let weight =
            if na == nb { 0.5 * na as f64 } else { na as f64 * (nb as f64 / (na as f64 + nb as f64)) };
        if !self.products.is_empty() {
            let k = self.components.len();
            let mut at = 0;
            for i in 0..k {
                let delta = weight * (other.components[i].mean - self.components[i].mean);
                let (a, b) = (&self.components[i + 1..], &other.components[i + 1..]);
                let row = &mut self.products[at..at + a.len()];
                for (((p, q), x), y) in row.iter_mut().zip(&other.products[at..at + a.len()]).zip(a).zip(b) {
                    *p = (*p + *q) + delta * (y.mean - x.mean);
                }
                at += a.len();
            }
        }
        for (a, b) in self.components.iter_mut().zip(&other.components) {
            a.absorb(b);
        }
    }
}
