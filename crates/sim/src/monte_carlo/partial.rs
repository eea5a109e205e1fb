//! Results of ranges of replicas, which merge to the same bytes however a run was split.
use super::moments::Moments;
use super::tree::{Node, Tree};
use super::vector::VectorMoments;

/// The summary of the replicas `first .. first + 2^level`, as plain numbers that can be written to a file.
#[derive(Clone, Debug, PartialEq)]
pub struct PartialNode {
    /// First replica; a multiple of `2^level`.
    pub first: u64,
    /// Binary logarithm of the number of replicas covered.
    pub level: u32,
    /// Replicas among them that did not fail.
    pub count: u64,
    /// For each observable: mean, and the sums of the second, third and fourth powers of the deviations from it.
    pub moments: Vec<[f64; 4]>,
    /// Sums of products of deviations, pairs `i < j` row by row; empty without covariances.
    pub products: Vec<f64>,
}

/// Moments of some of the replicas of a run.
///
/// Ranges merge in any order and grouping to the same bits: what a partial result holds are the largest dyadic blocks of
/// replicas that it covers, and complete siblings are merged as soon as both are there, left with right.
#[derive(Clone, Debug)]
pub struct Partial {
    seed: u64,
    tree: Tree<VectorMoments>,
}

/// Why partial results do not fit together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PartialError {
    /// Results of different runs.
    #[error("partial results of different seeds: {left} and {right}")]
    Seeds {
        /// One seed.
        left: u64,
        /// The other.
        right: u64,
    },
    /// A replica that is there twice.
    #[error("replica {replica} is in two partial results")]
    Overlap {
        /// The first such replica.
        replica: u64,
    },
    /// A replica that is missing.
    #[error("replica {replica} is missing")]
    Missing {
        /// The first such replica.
        replica: u64,
    },
    /// A node that is not a block of the fixed shape, or whose numbers do not fit.
    #[error("the node at replica {first}, level {level}, is not valid")]
    Node {
        /// Its first replica.
        first: u64,
        /// Its level.
        level: u32,
    },
}

impl Partial {
    pub(super) fn new(seed: u64, tree: Tree<VectorMoments>) -> Self {
        Self { seed, tree }
    }

    /// The seed of the run.
    #[must_use]
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// The blocks that it holds, in increasing order.
    pub fn nodes(&self) -> impl Iterator<Item = PartialNode> + '_ {
        self.tree.nodes().iter().map(|node| {
            let moments = node.summary.components.iter().map(|m| [m.mean, m.m2, m.m3, m.m4]).collect();
            PartialNode {
                first: node.first,
                level: node.level,
                count: node.summary.count(),
                moments,
                products: node.summary.products.clone(),
            }
        })
    }

    /// From blocks read back.
    ///
    /// # Errors
    /// Blocks that overlap or are not dyadic, numbers that are not finite or do not fit the first block's dimension.
    pub fn from_nodes(seed: u64, nodes: impl IntoIterator<Item = PartialNode>) -> Result<Self, PartialError> {
        let mut partial = Self { seed, tree: Tree::new() };
        let mut dimension = None;
        for node in nodes {
            let PartialNode { first, level, count, moments, products } = node;
            let k = moments.len();
            let finite = moments.iter().flatten().chain(&products).all(|x| x.is_finite());
            let dyadic = level < 63 && first.trailing_zeros() >= level && first < 1 << 63;
            let pairs = k * k.max(1).saturating_sub(1) / 2;
            // A block all of whose replicas failed has no observables.
            let fits = (k == 0) == (count == 0) && (k == 0 || *dimension.get_or_insert(k) == k);
            if !dyadic || !finite || !fits || count > 1 << level || ![0, pairs].contains(&products.len()) {
                return Err(PartialError::Node { first, level });
            }
            let components =
                moments.iter().map(|&[mean, m2, m3, m4]| Moments { count, mean, m2, m3, m4 }).collect();
            partial.insert(Node { first, level, summary: VectorMoments { components, products } })?;
        }
        Ok(partial)
    }

    /// Adds the replicas of another partial result of the same run.
    ///
    /// # Errors
    /// Different seeds, or a replica that is there already (then nothing is changed).
    pub fn merge(&mut self, other: &Self) -> Result<(), PartialError> {
        if self.seed != other.seed {
            return Err(PartialError::Seeds { left: self.seed, right: other.seed });
        }
        if let Some(replica) = other.tree.nodes().iter().find_map(|n| self.tree.overlap(n.first, n.level)) {
            return Err(PartialError::Overlap { replica });
        }
        for node in other.tree.nodes() {
            self.tree.insert(node.clone());
        }
        Ok(())
    }

    /// The moments of the whole run, once the replicas `0 .. count` are all there.
    ///
    /// # Errors
    /// The first replica that is missing, or that lies beyond `count`.
    pub fn total(&self, count: u64) -> Result<VectorMoments, PartialError> {
        let mut at = 0;
        for node in self.tree.nodes() {
            if node.first != at {
                return Err(PartialError::Missing { replica: at });
            }
            at += 1 << node.level;
        }
        if at < count {
            return Err(PartialError::Missing { replica: at });
        }
        if at > count {
            return Err(PartialError::Overlap { replica: count });
        }
        Ok(self.tree.total().unwrap_or_default())
    }

    fn insert(&mut self, node: Node<VectorMoments>) -> Result<(), PartialError> {
        match self.tree.overlap(node.first, node.level) {
            Some(replica) => Err(PartialError::Overlap { replica }),
            None => {
                self.tree.insert(node);
                Ok(())
            }
        }
    }
}
