//! Gradient descent on many small deep linear networks.
use rayon::prelude::*;

#[cfg(test)]
use super::isa::Plain;
use super::isa::{Isa, Kernel, LINE, Line, Vector, dispatch_on, registers, registers_mut};
use super::products::{Across, Along, Assign, Descend, Minus, Shape, entries, product};

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
    /// Networks whose weights are no longer finite.
    #[error(
        "network {replica} has weights that are not finite: its step is too large ({count} of all networks; the others took every step)"
    )]
    Diverged {
        /// The first of them.
        replica: usize,
        /// How many there are.
        count: usize,
    },
    /// A scalar mode that is no longer finite.
    #[error("mode {mode} has become {value}: its step is too large (the others took every step)")]
    DivergedMode {
        /// The first of them.
        mode: usize,
        /// What it has become.
        value: f64,
    },
    /// A loss that is too large for a number, or of weights that are not finite.
    #[error("the loss of network {replica} is {value}; it must be finite")]
    Loss {
        /// Which network.
        replica: usize,
        /// Its loss.
        value: f64,
    },
}

/// A batch of deep linear networks `W_L ... W_1` with losses `1/2 |W_L ... W_1 - A|_F^2`, all of the same widths.
///
/// (Whitened inputs: `A` is the input-output correlation.) As many networks as a register holds lie side by side, one a SIMD lane; every network does exactly
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
    isa: Isa,
    /// Networks of a group.
    lanes: usize,
    widths: Vec<usize>,
    replicas: usize,
    groups: Vec<Group>,
}

/// As many networks as a register of the instruction set holds.
///
/// Matrices are registers, row by row: see [`stride`].
#[derive(Clone, Debug)]
struct Group {
    /// Layer `l`, from the input: `widths[l + 1]` by `widths[l]`.
    weights: Vec<Vec<Line>>,
    target: Vec<Line>,
    /// `W_l ... W_1` for `1 < l < L`.
    prefixes: Vec<Vec<Line>>,
    /// `(W_L ... W_{l+1})^T R`, two buffers used in turn.
    back: [Vec<Line>; 2],
    /// 0 for a network with finite weights, NaN for another.
    state: Line,
}

/// Registers of a row of so many columns: one more than columns where a walk down a column would meet only few sets of a cache.
fn stride(columns: usize) -> usize {
    columns + usize::from(columns.is_multiple_of(32))
}

impl DeepLinearBatch {
    /// `replicas` networks with the given widths, from the input to the output; weights and targets are zero.
    ///
    /// # Errors
    /// No layer, a width outside `1..=32`, no replicas.
    pub fn new(widths: &[usize], replicas: usize) -> Result<Self, BatchError> {
        Self::new_on(Isa::current(), widths, replicas)
    }

    pub(super) fn new_on(isa: Isa, widths: &[usize], replicas: usize) -> Result<Self, BatchError> {
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
        let lanes = dispatch_on(isa, Lanes);
        let (input, output) = (widths[0], widths[widths.len() - 1]);
        let zeros = |rows: usize, columns: usize| {
            vec![Line::default(); (rows * stride(columns) * lanes).div_ceil(LINE)]
        };
        let widest = widths.iter().copied().max().unwrap_or(1);
        let group = Group {
            weights: widths.windows(2).map(|w| zeros(w[1], w[0])).collect(),
            target: zeros(output, input),
            prefixes: widths.iter().take(widths.len() - 1).skip(2).map(|w| zeros(*w, input)).collect(),
            back: [zeros(widest, input), zeros(widest, input)],
            state: Line::default(),
        };
        let groups = vec![group; replicas.div_ceil(lanes)];
        Ok(Self { isa, lanes, widths: widths.to_vec(), replicas, groups })
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
        let place = self.place(replica, columns);
        scatter(&mut self.groups[replica / self.lanes].weights[layer], place, entries);
        Ok(())
    }

    /// `W_{layer + 1}` of one network, row by row.
    ///
    /// # Errors
    /// No such network or layer.
    pub fn weight(&self, replica: usize, layer: usize) -> Result<Vec<f64>, BatchError> {
        self.check(replica, layer)?;
        let (rows, columns) = (self.widths[layer + 1], self.widths[layer]);
        let place = self.place(replica, columns);
        Ok(gather(&self.groups[replica / self.lanes].weights[layer], place, rows * columns))
    }

    /// Sets the target `A` of one network (output width by input width, row by row).
    ///
    /// # Errors
    /// No such network, a wrong number of entries, an entry that is not finite.
    pub fn set_target(&mut self, replica: usize, entries: &[f64]) -> Result<(), BatchError> {
        self.check(replica, 0)?;
        let (rows, columns) = (self.widths[self.depth()], self.widths[0]);
        check_entries("a target", rows, columns, entries)?;
        let place = self.place(replica, columns);
        scatter(&mut self.groups[replica / self.lanes].target, place, entries);
        Ok(())
    }

    /// `steps` steps of gradient descent, `W_l <- W_l - step dL/dW_l` for all layers at once.
    ///
    /// A network that diverges overflows to infinities or NaN without touching its neighbours. Cost: `3 (L - 1)` products a
    /// network and step; no allocation.
    ///
    /// # Errors
    /// A step that is not finite; [`BatchError::Diverged`] with the first network whose weights are not finite, after the
    /// others have taken all their steps: they can be read and trained on ([`Self::is_finite`] tells them apart).
    pub fn descend(&mut self, step: f64, steps: usize) -> Result<(), BatchError> {
        if !step.is_finite() {
            return Err(BatchError::NotFinite { name: "the step", value: step });
        }
        let (isa, widths) = (self.isa, &self.widths);
        self.groups
            .par_iter_mut()
            .for_each(|group| dispatch_on(isa, DescendKernel { widths, group, step, steps }));
        let mut diverged = (0..self.replicas).filter(|&replica| !self.finite(replica));
        match diverged.next() {
            Some(replica) => Err(BatchError::Diverged { replica, count: 1 + diverged.count() }),
            None => Ok(()),
        }
    }

    /// Whether the weights of one network were finite after the last [`descend`](Self::descend).
    ///
    /// # Errors
    /// No such network.
    pub fn is_finite(&self, replica: usize) -> Result<bool, BatchError> {
        self.check(replica, 0)?;
        Ok(self.finite(replica))
    }

    fn finite(&self, replica: usize) -> bool {
        self.groups[replica / self.lanes].state.0[replica % self.lanes] == 0.0
    }

    /// As [`Self::descend`], with registers that are arrays; of the baseline's length.
    #[cfg(test)]
    pub(super) fn descend_plain(&mut self, step: f64, steps: usize) {
        assert_eq!(self.isa, Isa::Baseline);
        let widths = &self.widths;
        for group in &mut self.groups {
            DescendKernel { widths, group, step, steps }.run::<Plain>();
        }
    }

    /// The loss `1/2 |W_L ... W_1 - A|_F^2` of one network.
    ///
    /// # Errors
    /// No such network; [`BatchError::Loss`] where the loss is not finite.
    pub fn loss(&self, replica: usize) -> Result<f64, BatchError> {
        self.check(replica, 0)?;
        let input = self.widths[0];
        let mut product = self.weight(replica, 0)?;
        for layer in 1..self.depth() {
            let (rows, inner) = (self.widths[layer + 1], self.widths[layer]);
            let weight = self.weight(replica, layer)?;
            let mut next = vec![0.0; rows * input];
            for i in 0..rows {
                for k in 0..inner {
                    for j in 0..input {
                        next[i * input + j] += weight[i * inner + k] * product[k * input + j];
                    }
                }
            }
            product = next;
        }
        let place = self.place(replica, input);
        let target = gather(&self.groups[replica / self.lanes].target, place, product.len());
        let value = 0.5 * product.iter().zip(&target).map(|(p, a)| (p - a) * (p - a)).sum::<f64>();
        if value.is_finite() { Ok(value) } else { Err(BatchError::Loss { replica, value }) }
    }

    /// Where the entries of a network lie, in a matrix of so many columns.
    fn place(&self, replica: usize, columns: usize) -> impl Fn(usize) -> (usize, usize) + use<> {
        let (lanes, lane) = (self.lanes, replica % self.lanes);
        move |at| {
            let number = (at / columns * stride(columns) + at % columns) * lanes + lane;
            (number / LINE, number % LINE)
        }
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

fn scatter(to: &mut [Line], place: impl Fn(usize) -> (usize, usize), entries: &[f64]) {
    for (at, &value) in entries.iter().enumerate() {
        let (line, number) = place(at);
        to[line].0[number] = value;
    }
}

fn gather(from: &[Line], place: impl Fn(usize) -> (usize, usize), count: usize) -> Vec<f64> {
    (0..count).map(place).map(|(line, number)| from[line].0[number]).collect()
}

/// How many numbers a register of the instruction set holds.
struct Lanes;

impl Kernel for Lanes {
    type Output = usize;

    #[inline(always)]
    fn run<V: Vector>(self) -> usize {
        V::LENGTH
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
        // Nothing times 0 is not 0 but infinities and NaN.
        let mut state = V::splat(0.0);
        for weight in &self.group.weights {
            for entry in registers::<V>(weight) {
                state = state.plus(V::splat(0.0).times(*entry));
            }
        }
        state.store(&mut self.group.state.0);
    }
}

#[inline(always)]
fn gradient_step<V: Vector>(widths: &[usize], group: &mut Group, step: f64) {
    let Group { weights, target, prefixes, back, .. } = group;
    let (depth, input) = (weights.len(), widths[0]);
    let target = Minus(registers::<V>(target));
    let [mut current, mut next] = back.each_mut().map(|b| registers_mut::<V>(b));
    // The whole product becomes the residual as it is stored.
    for l in 1..depth {
        let shape = Shape { rows: widths[l + 1], inner: widths[l], columns: input, stride: stride(input) };
        let (done, rest) = prefixes.split_at_mut(l - 1);
        let before = Across(registers(done.last().unwrap_or(&weights[0])), stride(input));
        let weight = Along(registers(&weights[l]), stride(widths[l]));
        match rest.first_mut() {
            Some(prefix) => product(registers_mut(prefix), shape, weight, before, &Assign),
            None => product(current, shape, weight, before, &target),
        }
    }
    if depth == 1 {
        entries(current, registers(&weights[0]), &target);
    }
    for l in (1..depth).rev() {
        // The residual moves back through the old weight before that weight moves.
        product(
            next,
            Shape { rows: widths[l], inner: widths[l + 1], columns: input, stride: stride(input) },
            Across(registers(&weights[l]), stride(widths[l])),
            Across(current, stride(input)),
            &Assign,
        );
        let (below, weight) = weights.split_at_mut(l);
        let before = if l == 1 { &below[0] } else { &prefixes[l - 2] };
        product(
            registers_mut(&mut weight[0]),
            Shape { rows: widths[l + 1], inner: input, columns: widths[l], stride: stride(widths[l]) },
            Along(current, stride(input)),
            Along(registers(before), stride(input)),
            &Descend(step),
        );
        std::mem::swap(&mut current, &mut next);
    }
    // Not a loop over lanes, which the compiler turns into gathers and scatters over entries.
    entries(registers_mut(&mut weights[0]), current, &Descend(step));
}
