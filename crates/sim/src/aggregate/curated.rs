//! Bags built from the response: the conditional law given the projection `z = X e_1` (AGG-14), and the search for good
//! bags (AGG-15).
use rand::Rng;
use rand::seq::SliceRandom;
use solvable_model::InputError;
use solvable_model::aggregate::BagDesign;

use super::dense::{add_gram, cholesky, energy, solve};
use super::{ConditionalRisk, SimulationError};
use crate::normal;

/// Instance-level least squares, isotropic, with the first column of X fixed to z and `theta* = r e_1`.
#[derive(Clone, Debug)]
pub struct CuratedExperiment {
    z: Vec<f64>,
    bags: BagDesign,
    d: usize,
    r2: f64,
    s2: f64,
}

/// Temporaries of [`CuratedExperiment::replicate`].
#[derive(Clone, Debug)]
pub struct CuratedWork {
    x: Vec<f64>,
    gram: Vec<f64>,
    vector: Vec<f64>,
    means: Vec<f64>,
}

impl CuratedExperiment {
    /// The fixed column, the bags, the number of covariates and the energies.
    ///
    /// # Errors
    /// [`InputError`] when `z` has a non-finite entry or not one a row, `n < d`, `d = 0`, or an energy is negative.
    pub fn new(z: Vec<f64>, bags: BagDesign, d: usize, r2: f64, s2: f64) -> Result<Self, InputError> {
        InputError::check_vector("z", &z)?;
        InputError::check_count("d", d)?;
        InputError::check_nonnegative("r2", r2)?;
        InputError::check_nonnegative("s2", s2)?;
        if z.len() != bags.rows() || z.len() < d {
            let (found, expected) = ((z.len(), 1), (bags.rows().max(d), 1));
            return Err(InputError::Shape { argument: "z".into(), found, expected });
        }
        Ok(Self { z, bags, d, r2, s2 })
    }

    /// Fresh temporaries.
    #[must_use]
    pub fn work(&self) -> CuratedWork {
        let (n, d) = (self.z.len(), self.d);
        CuratedWork {
            x: vec![0.0; n * d],
            gram: vec![0.0; d * d],
            vector: vec![0.0; d],
            means: vec![0.0; d * self.bags.bags()],
        }
    }

    /// Draws the other columns: `Bias^2 = r2 |(X'X)^(-1) X'(P - I) z|^2`, `Var = s2 |(X'X)^(-1) X'P|_F^2`.
    ///
    /// # Errors
    /// [`SimulationError::Singular`] when X'X is singular to working precision.
    pub fn replicate<R: Rng + ?Sized>(
        &self,
        rng: &mut R,
        work: &mut CuratedWork,
    ) -> Result<ConditionalRisk, SimulationError> {
        for (row, &z) in work.x.chunks_exact_mut(self.d).zip(&self.z) {
            normal::fill(rng, &mut row[1..]);
            row[0] = z;
        }
        self.evaluate(work)
    }

    /// The conditional risk of given covariates, n rows of d numbers of which the first is z.
    ///
    /// # Errors
    /// As [`replicate`](Self::replicate), and [`SimulationError::Input`] for a wrong number of entries.
    pub fn risk_given(
        &self,
        rows: &[f64],
        work: &mut CuratedWork,
    ) -> Result<ConditionalRisk, SimulationError> {
        if rows.len() != work.x.len() {
            let (found, expected) = ((rows.len(), 1), (work.x.len(), 1));
            return Err(InputError::Shape { argument: "rows".into(), found, expected }.into());
        }
        InputError::check_vector("rows", rows)?;
        work.x.copy_from_slice(rows);
        self.evaluate(work)
    }

    fn evaluate(&self, work: &mut CuratedWork) -> Result<ConditionalRisk, SimulationError> {
        let (d, m) = (self.d, self.bags.bags());
        work.gram.fill(0.0);
        add_gram(&mut work.gram, &work.x, d);
        cholesky(&mut work.gram, d)?;
        work.vector.fill(0.0);
        work.means.fill(0.0);
        for a in 0..m {
            let members = self.bags.members(a);
            let size = members.len() as f64;
            let mean = members.iter().map(|&i| self.z[i]).sum::<f64>() / size;
            for &i in members {
                let row = &work.x[i * d..(i + 1) * d];
                for j in 0..d {
                    // X'S': column a is sum x_i / sqrt(size).
                    work.means[j * m + a] += row[j] / size.sqrt();
                    work.vector[j] += row[j] * (mean - self.z[i]);
                }
            }
        }
        solve(&work.gram, d, &mut work.vector, 1);
        solve(&work.gram, d, &mut work.means, m);
        Ok(ConditionalRisk { bias2: self.r2 * energy(&work.vector), var: self.s2 * energy(&work.means) })
    }
}

/// `sum_a sum_{i in a} (x_i - xbar_a)^2`, summed from the deviations themselves.
#[must_use]
pub fn within_cost(x: &[f64], bags: &[Vec<usize>]) -> f64 {
    bags.iter()
        .map(|bag| {
            let mean = bag.iter().map(|&i| x[i]).sum::<f64>() / bag.len().max(1) as f64;
            bag.iter().map(|&i| (x[i] - mean) * (x[i] - mean)).sum::<f64>()
        })
        .sum()
}

/// Visits every partition of 0..n into bags of sizes accepted by `sizes`.
///
/// # Errors
/// [`SimulationError::TooLarge`] when n exceeds 12 (the Bell number of 12 is 4 213 597).
pub fn each_partition(
    n: usize,
    sizes: impl Fn(usize) -> bool,
    mut visit: impl FnMut(&[Vec<usize>]),
) -> Result<(), SimulationError> {
    if n > 12 {
        return Err(SimulationError::TooLarge {
            what: "the partitions' ground set",
            size: n as f64,
            most: 12.0,
        });
    }
    let mut bags = Vec::new();
    extend(0, n, &sizes, &mut bags, &mut visit);
    Ok(())
}

fn extend(
    next: usize,
    n: usize,
    sizes: &impl Fn(usize) -> bool,
    bags: &mut Vec<Vec<usize>>,
    visit: &mut impl FnMut(&[Vec<usize>]),
) {
    if next == n {
        if bags.iter().all(|bag| sizes(bag.len())) {
            visit(bags);
        }
        return;
    }
    for a in 0..bags.len() {
        bags[a].push(next);
        extend(next + 1, n, sizes, bags, visit);
        bags[a].pop();
    }
    bags.push(vec![next]);
    extend(next + 1, n, sizes, bags, visit);
    bags.pop();
}

/// The least within-bag cost over all partitions with accepted sizes, by trying them all.
///
/// # Errors
/// As [`each_partition`]; [`SimulationError::Input`] when no partition has accepted sizes.
pub fn exhaustive_least_cost(x: &[f64], sizes: impl Fn(usize) -> bool) -> Result<f64, SimulationError> {
    let mut least = f64::INFINITY;
    each_partition(x.len(), sizes, |bags| least = least.min(within_cost(x, bags)))?;
    let count = if least.is_finite() { 1 } else { 0 };
    InputError::check_count("partitions with the accepted sizes", count)?;
    Ok(least)
}

/// Shuffles rows into bags of k.
///
/// # Errors
/// [`InputError`] when k does not divide n.
pub fn random_bags<R: Rng + ?Sized>(rng: &mut R, n: usize, k: usize) -> Result<BagDesign, InputError> {
    BagDesign::consecutive(n, k)?;
    let mut rows: Vec<usize> = (0..n).collect();
    rows.shuffle(rng);
    let bags: Vec<Vec<usize>> = rows.chunks(k).map(<[usize]>::to_vec).collect();
    BagDesign::new(n, &bags)
}
