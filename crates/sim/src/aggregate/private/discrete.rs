//! The inverse-sensitivity mechanism on a finite universe, by trying all datasets.
use rand::{Rng, RngExt};

use super::Universe;

/// A functional tabulated on all ordered datasets, and the outputs of the mechanism.
#[derive(Clone, Debug)]
pub struct DiscreteMechanism {
    universe: Universe,
    values: Vec<usize>,
    outputs: Vec<usize>,
}

/// The law of the output on one dataset.
#[derive(Clone, Debug, PartialEq)]
pub struct Law {
    /// Path length of each output; `None` where no dataset attains it.
    pub lengths: Vec<Option<usize>>,
    /// Probability of each output.
    pub probabilities: Vec<f64>,
}

impl DiscreteMechanism {
    /// Tabulates `functional` on every ordered dataset; `outputs` are those of the mechanism.
    #[must_use]
    pub fn new(universe: Universe, outputs: Vec<usize>, functional: impl Fn(&[usize]) -> usize) -> Self {
        let mut data = vec![0; universe.points()];
        let values = (0..universe.size())
            .map(|index| {
                universe.write(index, &mut data);
                functional(&data)
            })
            .collect();
        Self { universe, values, outputs }
    }

    /// The universe.
    #[must_use]
    pub fn universe(&self) -> Universe {
        self.universe
    }

    /// The outputs.
    #[must_use]
    pub fn outputs(&self) -> &[usize] {
        &self.outputs
    }

    /// The functional's value on a dataset.
    #[must_use]
    pub fn value(&self, data: &[usize]) -> usize {
        self.values[self.universe.index(data)]
    }

    /// The least number of replaced points that lead from `data` to each output: all ordered datasets are compared with
    /// `data` position by position.
    #[must_use]
    pub fn lengths(&self, data: &[usize]) -> Vec<Option<usize>> {
        let mut found = vec![None; self.outputs.len()];
        let mut other = vec![0; self.universe.points()];
        for (index, &value) in self.values.iter().enumerate() {
            let Some(at) = self.outputs.iter().position(|&t| t == value) else { continue };
            self.universe.write(index, &mut other);
            let replaced = data.iter().zip(&other).filter(|(a, b)| a != b).count();
            if found[at].is_none_or(|least| replaced < least) {
                found[at] = Some(replaced);
            }
        }
        found
    }

    /// Law of the output at privacy `epsilon`: weights `exp(-epsilon length / 2)`.
    #[must_use]
    pub fn law(&self, data: &[usize], epsilon: f64) -> Law {
        let lengths = self.lengths(data);
        let weight = |length: &Option<usize>| length.map_or(0.0, |l| (-0.5 * epsilon * l as f64).exp());
        let total: f64 = lengths.iter().map(weight).sum();
        let probabilities = lengths.iter().map(|l| weight(l) / total).collect();
        Law { lengths, probabilities }
    }

    /// Laws of all multisets, with the sorted datasets they belong to.
    #[must_use]
    pub fn laws(&self, epsilon: f64) -> Vec<(Vec<usize>, Law)> {
        self.universe
            .sorted()
            .into_iter()
            .map(|data| {
                let law = self.law(&data, epsilon);
                (data, law)
            })
            .collect()
    }

    /// Largest `|log P_S(t) / P_S'(t)|` over all outputs and all pairs of datasets that differ in one point.
    #[must_use]
    pub fn privacy_loss(&self, epsilon: f64) -> f64 {
        let laws = self.laws(epsilon);
        let mut worst = 0.0_f64;
        let mut other = vec![0; self.universe.points()];
        for (data, law) in &laws {
            for position in 0..data.len() {
                for symbol in 0..self.universe.symbols() {
                    other.copy_from_slice(data);
                    other[position] = symbol;
                    other.sort_unstable();
                    let at = laws
                        .binary_search_by(|(candidate, _)| candidate.iter().rev().cmp(other.iter().rev()))
                        .expect("every multiset has a law, in the order of the numbering");
                    for (p, p_other) in law.probabilities.iter().zip(&laws[at].1.probabilities) {
                        if *p > 0.0 {
                            worst = worst.max((p / p_other).ln().abs());
                        }
                    }
                }
            }
        }
        worst
    }
}

impl Law {
    /// Draws the index of an output.
    pub fn sample<R: Rng + ?Sized>(&self, rng: &mut R) -> usize {
        let mut left: f64 = rng.random();
        for (at, p) in self.probabilities.iter().enumerate() {
            left -= p;
            if left < 0.0 {
                return at;
            }
        }
        // Rounding may leave a sliver: it belongs to the last attainable output.
        self.probabilities.iter().rposition(|&p| p > 0.0).unwrap_or(0)
    }
}
