//! The fixed shape in which partial results merge.
//!
//! The node at `level` with number `i` covers the replicas `i 2^level .. (i + 1) 2^level`. Two complete siblings
//! always merge, left absorbs right, so what a finished range holds (its maximal dyadic nodes, at most two a level)
//! does not depend on the order in which its parts arrived.
use super::{moments::Moments, vector::VectorMoments};

/// What merges: the summary of disjoint sets of replicas.
pub(super) trait Summary: Clone + Default {
    /// Left absorbs right.
    fn absorb(&mut self, right: &Self);
}

impl Summary for Moments {
    fn absorb(&mut self, right: &Self) {
        Moments::absorb(self, right);
    }
}

impl Summary for VectorMoments {
    fn absorb(&mut self, right: &Self) {
        VectorMoments::absorb(self, right);
    }
}

/// A node: the summary of the replicas `first .. first + 2^level`, `first` a multiple of `2^level`.
#[derive(Clone, Debug)]
pub(super) struct Node<S> {
    pub(super) first: u64,
    pub(super) level: u32,
    pub(super) summary: S,
}

/// Disjoint nodes in increasing order, merged as far as the fixed shape allows.
#[derive(Clone, Debug)]
pub(super) struct Tree<S> {
    nodes: Vec<Node<S>>,
    /// Summaries whose memory can be used again.
    spare: Vec<S>,
}

impl<S> Tree<S> {
    pub(super) fn nodes(&self) -> &[Node<S>] {
        &self.nodes
    }

    /// The first replica that a block would share with the tree.
    pub(super) fn overlap(&self, first: u64, level: u32) -> Option<u64> {
        let end = first + (1 << level);
        let at = self.nodes.partition_point(|n| n.first + (1 << n.level) <= first);
        self.nodes.get(at).filter(|n| n.first < end).map(|n| n.first.max(first))
    }
}

impl<S: Summary> Tree<S> {
    pub(super) fn new() -> Self {
        Self { nodes: Vec::with_capacity(64), spare: Vec::with_capacity(64) }
    }

    /// Adds the replica `first`, to be summarised by `fill` into a recycled summary.
    ///
    /// `length` is 1 for a leaf; the power of two that a larger node covers otherwise.
    pub(super) fn push(&mut self, first: u64, length: u64, fill: impl FnOnce(&mut S)) {
        let mut summary = self.spare.pop().unwrap_or_default();
        fill(&mut summary);
        self.insert(Node { first, level: length.trailing_zeros(), summary });
    }

    /// Adds a node disjoint from all others, and merges siblings.
    pub(super) fn insert(&mut self, node: Node<S>) {
        let mut at = self.nodes.partition_point(|n| n.first < node.first);
        self.nodes.insert(at, node);
        loop {
            let (first, level) = (self.nodes[at].first, self.nodes[at].level);
            let left = (first >> level) & 1 == 0;
            let sibling = if left { at + 1 } else { at.wrapping_sub(1) };
            let Some(other) = self.nodes.get(sibling) else { return };
            if other.level != level || other.first != first ^ (1 << level) {
                return;
            }
            at = at.min(sibling);
            let right = self.nodes.remove(at + 1);
            self.nodes[at].summary.absorb(&right.summary);
            self.nodes[at].level += 1;
            self.spare.push(right.summary);
        }
    }

    /// Moves all nodes of another tree into this one; its memory goes back to it.
    pub(super) fn take_from(&mut self, other: &mut Self) {
        for node in other.nodes.drain(..) {
            self.insert(node);
        }
        while other.spare.len() < 64
            && let Some(summary) = self.spare.pop()
        {
            other.spare.push(summary);
        }
    }

    /// The summary of everything: the maximal nodes, folded from the last to the first.
    pub(super) fn total(&self) -> Option<S> {
        let mut nodes = self.nodes.iter().rev();
        let mut total = nodes.next()?.summary.clone();
        for node in nodes {
            let mut left = node.summary.clone();
            left.absorb(&total);
            total = left;
        }
        Some(total)
    }
}
