//! Sums of vectors over replicas: gradients of fresh samples.
use std::convert::Infallible;

use super::error::ReplicaError;
use super::replicas::Replicas;
use super::stream::Stream;
use super::tree::Summary;

/// Replicas that add into one vector before sums merge in the fixed shape.
const CHUNK: u64 = 64;

#[derive(Clone, Default)]
struct Sum(Vec<f64>);

impl Summary for Sum {
    fn absorb(&mut self, right: &Self) {
        for (a, b) in self.0.iter_mut().zip(&right.0) {
            *a += b;
        }
    }
}

impl Replicas<'_> {
    /// The sum of a vector over all replicas: `add` adds its replica's vector into the slice.
    ///
    /// For gradients of fresh samples. Replicas add in order within chunks of 64 on fixed places, and chunks merge
    /// along the fixed tree: the same bits for any number of threads. One vector a chunk in flight is all the memory used.
    ///
    /// # Errors
    /// No replicas, a stop from outside, or a sum that is not finite (named by its component; the replica is the first of the run).
    pub fn sum<W>(
        &self,
        dimension: usize,
        work: impl Fn() -> W + Sync,
        add: impl Fn(&mut Stream, &mut W, &mut [f64]) + Sync,
    ) -> Result<Vec<f64>, ReplicaError<Infallible>> {
        let total = self.chunks(
            CHUNK,
            work,
            |sum: &mut Sum| {
                sum.0.clear();
                sum.0.resize(dimension, 0.0);
            },
            |stream, w, sum| add(stream, w, &mut sum.0),
        )?;
        match total.0.iter().position(|x| !x.is_finite()) {
            Some(component) => Err(ReplicaError::Sum { component, value: total.0[component] }),
            None => Ok(total.0),
        }
    }
}
