//! Gradient descent on many small deep linear networks.
use rayon::prelude::*;

use super::isa::{Isa, Kernel, Vector, dispatch_on};
use super::products::{Across, Along, Assign, Descend, Lane, Minus, WIDTH, entries, product};

/// Largest width of a layer.
pub const LARGEST_WIDTH: usize = 32;

/// Why a batch cannot be made or run.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum BatchError {
    /// A network needs an input width and at least one layer.
    #[error("a network needs an input width and at least one layer, got {given} widths")]
    NoLayers {
        /// Number of widths given.
        given: usize,
    },
    /// A width outside `1..=32`.
    #[error("width {index} is {width}; it must lie in 1..={LARGEST_WIDTH}")]
    Width {
        /// Which width, from the input.
        index: usize,
        /// Its value.
        width: usize,
    },
    /// An empty batch.
    #[error("at least one replica is needed, got 0")]
    NoReplicas,
    /// A replica beyond the batch, or a layer beyond the depth.
    #[error("{what} {index} does not exist: there are {count}")]
    OutOfRange {
        /// What was asked for.
        what: &'static str,
        /// Its index.
        index: usize,
        /// How many there are.
        count: usize,
    },
    /// A matrix with the wrong number of entries.
    #[error("a matrix of {rows} by {columns} has {expected} entries, got {given}", expected = rows * columns)]
    Entries {
        /// Rows.
        rows: usize,
        /// Columns.
        columns: usize,
        /// Entries given.
        given: usize,
    },
    /// A value that is not finite.
    #[error("{name} is {value}; it must be finite")]
    NotFinite {
        /// What it is.
        name: &'static str,
        /// Its value.
        value: f64,
    },
}

/// A batch of deep linear networks `W_L ... W_1` with losses `1/2 |W_L ... W_1 - A|_F^2`, all of the same widths.
///
/// (Whitened inputs: `A` is the input-output correlation.) Eight networks lie side by side, one a SIMD lane; every network does exactly
/// the operations that it would do alone, in the same order, so its bits depend neither on the batch nor on the instruction set.
///
/// ```
/// use solvable_sim::lanes::DeepLinearBatch;
///
/// // One scalar network w2 w1 -> 2 from (1, 1): both gradients are -1.
/// let mut batch = DeepLinearBatch::new(&[1, 1, 1], 1)?;
/// batch.set_weight(0, 0, &[1.0])?;
/// batch.set_weight(0, 1, &[1.0])?;
/// batch.set_target(0, &[2.0])?;
/// batch.descend(0.25, 1)?;
/// assert_eq!(batch.weight(0, 1)?, [1.25]);
/// # Ok::<(), solvable_sim::lanes::BatchError>(())
/// ```
#[derive(Clone, Debug)]
pub struct DeepLinearBatch {
    widths: Vec<usize>,
    replicas: usize,
    groups: Vec<Group>,
}

/// Eight networks.
#[derive(Clone, Debug)]
struct Group {
    /// Layer `l`, from the input: `widths[l + 1]` by `widths[l]`.
    weights: Vec<Vec<Lane>>,
    target: Vec<Lane>,
    /// `W_l ... W_1` for `1 < l < L`.
    prefixes: Vec<Vec<Lane>>,
    /// `(W_L ... W_{l+1})^T R`, two buffers used in turn.
    back: [Vec<Lane>; 2],
}

impl DeepLinearBatch {
    /// `replicas` networks with the given widths, from the input to the output; weights and targets are zero.
    ///
    /// # Errors
    /// No layer, a width outside `1..=32`, no replicas.
    pub fn new(widths: &[usize], replicas: usize) -> Result<Self, BatchError> {
        if widths.len() < 2 {
            return Err(BatchError::NoLayers { given: widths.len() });
        }
        if let Some((index, &width)) =
            widths.iter().enumerate().find(|(_, w)| !(1..=LARGEST_WIDTH).contains(*w))
        {
            return Err(BatchError::Width { index, width });
        }
        if replicas == 0 {
            return Err(BatchError::NoReplicas);
        }
        let (input, output) = (widths[0], widths[widths.len() - 1]);
        let zeros = |n: usize| vec![Lane::default(); n];
        let widest = widths.iter().copied().max().unwrap_or(1);
        let group = Group {
            weights: widths.windows(2).map(|w| zeros(w[0] * w[1])).collect(),
            target: zeros(input * output),
            prefixes: widths.iter().take(widths.len() - 1).skip(2).map(|w| zeros(w * input)).collect(),
            back: [zeros(widest * input), zeros(widest * input)],
        };
        Ok(Self { widths: widths.to_vec(), replicas, groups: vec![group; replicas.div_ceil(WIDTH)] })
    }

    /// Number of layers.
    #[must_use]
    pub fn depth(&self) -> usize {
        self.widths.len() - 1
    }

    /// Number of networks.
    #[must_use]
    pub fn replicas(&self) -> usize {
        self.replicas
    }

    /// Sets `W_{layer + 1}` of one network, row by row.
    ///
    /// # Errors
    /// No such network or layer, a wrong number of entries, an entry that is not finite.
    pub fn set_weight(&mut self, replica: usize, layer: usize, entries: &[f64]) -> Result<(), BatchError> {
        self.check(replica, layer)?;
        let (rows, columns) = (self.widths[layer + 1], self.widths[layer]);
        check_entries("a weight", rows, columns, entries)?;
        scatter(&mut self.groups[replica / WIDTH].weights[layer], replica % WIDTH, entries);
        Ok(())
    }

    /// `W_{layer + 1}` of one network, row by row.
    ///
    /// # Errors
    /// No such network or layer.
    pub fn weight(&self, replica: usize, layer: usize) -> Result<Vec<f64>, BatchError> {
        self.check(replica, layer)?;
        Ok(self.groups[replica / WIDTH].weights[layer].iter().map(|e| e.0[replica % WIDTH]).collect())
    }

    /// Sets the target `A` of one network (output width by input width, row by row).
    ///
    /// # Errors
    /// No such network, a wrong number of entries, an entry that is not finite.
    pub fn set_target(&mut self, replica: usize, entries: &[f64]) -> Result<(), BatchError> {
        self.check(replica, 0)?;
        check_entries("a target", self.widths[self.depth()], self.widths[0], entries)?;
        scatter(&mut self.groups[replica / WIDTH].target, replica % WIDTH, entries);
        Ok(())
    }

    /// `steps` steps of gradient descent, `W_l <- W_l - step dL/dW_l` for all layers at once.
    ///
    /// A network that diverges overflows to infinities or NaN without touching its neighbours: see [`Self::loss`]. Cost:
    /// `3 (L - 1)` products a network and step; no allocation.
    ///
    /// # Errors
    /// A step that is not finite.
    pub fn descend(&mut self, step: f64, steps: usize) -> Result<(), BatchError> {
        self.descend_on(Isa::current(), step, steps)
    }

    pub(super) fn descend_on(&mut self, isa: Isa, step: f64, steps: usize) -> Result<(), BatchError> {
        if !step.is_finite() {
            return Err(BatchError::NotFinite { name: "the step", value: step });
        }
        let widths = &self.widths;
        self.groups
            .par_iter_mut()
            .for_each(|group| dispatch_on(isa, DescendKernel { widths, group, step, steps }));
        Ok(())
    }

    /// The loss `1/2 |W_L ... W_1 - A|_F^2` of one network; not finite when it has diverged.
    ///
    /// # Errors
    /// No such network.
    pub fn loss(&self, replica: usize) -> Result<f64, BatchError> {
        self.check(replica, 0)?;
        let lane = replica % WIDTH;
        let group = &self.groups[replica / WIDTH];
        let input = self.widths[0];
        let mut product: Vec<f64> = group.weights[0].iter().map(|e| e.0[lane]).collect();
        for (layer, weight) in group.weights.iter().enumerate().skip(1) {
            let (rows, inner) = (self.widths[layer + 1], self.widths[layer]);
            let mut next = vec![0.0; rows * input];
            for i in 0..rows {
                for k in 0..inner {
                    for j in 0..input {
                        next[i * input + j] += weight[i * inner + k].0[lane] * product[k * input + j];
                    }
                }
            }
            product = next;
        }
        Ok(0.5
            * product.iter().zip(&group.target).map(|(p, a)| (p - a.0[lane]) * (p - a.0[lane])).sum::<f64>())
    }

    fn check(&self, replica: usize, layer: usize) -> Result<(), BatchError> {
        if replica >= self.replicas {
            return Err(BatchError::OutOfRange { what: "replica", index: replica, count: self.replicas });
        }
        if layer >= self.depth() {
            return Err(BatchError::OutOfRange { what: "layer", index: layer, count: self.depth() });
        }
        Ok(())
    }
}

fn check_entries(name: &'static str, rows: usize, columns: usize, entries: &[f64]) -> Result<(), BatchError> {
    if entries.len() != rows * columns {
        return Err(BatchError::Entries { rows, columns, given: entries.len() });
    }
    match entries.iter().find(|e| !e.is_finite()) {
        Some(&value) => Err(BatchError::NotFinite { name, value }),
        None => Ok(()),
    }
}

fn scatter(to: &mut [Lane], lane: usize, entries: &[f64]) {
    for (entry, &value) in to.iter_mut().zip(entries) {
        entry.0[lane] = value;
    }
}

struct DescendKernel<'a> {
    widths: &'a [usize],
    group: &'a mut Group,
    step: f64,
    steps: usize,
}

impl Kernel for DescendKernel<'_> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector>(self) {
        for _ in 0..self.steps {
            gradient_step::<V>(self.widths, self.group, self.step);
        }
    }
}

#[inline(always)]
fn gradient_step<V: Vector>(widths: &[usize], group: &mut Group, step: f64) {
    let Group { weights, target, prefixes, back } = group;
    let (depth, input) = (weights.len(), widths[0]);
    let [mut current, mut next] = back.each_mut();
    // The whole product becomes the residual as it is stored.
    for l in 1..depth {
        let (done, rest) = prefixes.split_at_mut(l - 1);
        let before = Across(done.last().unwrap_or(&weights[0]), input);
        let (shape, weight) = ((widths[l + 1], widths[l], input), Along(&weights[l]));
        if l + 1 < depth {
            product::<V, _, _, _>(&mut rest[0], shape, weight, before, &Assign);
        } else {
            product::<V, _, _, _>(current, shape, weight, before, &Minus(target));
        }
    }
    if depth == 1 {
        entries::<V, _>(current, &weights[0], &Minus(target));
    }
    for l in (1..depth).rev() {
        // The residual moves back through the old weight before that weight moves.
        product::<V, _, _, _>(
            next,
            (widths[l], widths[l + 1], input),
            Across(&weights[l], widths[l]),
            Across(current, input),
            &Assign,
        );
        let (below, weight) = weights.split_at_mut(l);
        let before = if l == 1 { &below[0] } else { &prefixes[l - 2] };
        product::<V, _, _, _>(
            &mut weight[0],
            (widths[l + 1], input, widths[l]),
            Along(current),
            Along(before),
            &Descend(step),
        );
        std::mem::swap(&mut current, &mut next);
    }
    // Not a loop over lanes, which the compiler turns into gathers and scatters over entries.
    entries::<V, _>(&mut weights[0], current, &Descend(step));
}
