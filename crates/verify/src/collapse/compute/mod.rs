//! The `compute` blocks of this chapter.
mod dynamics;
mod entropy;
mod keys;
mod metrics;
mod scalar;
mod squared;
mod thresholds;

use crate::compute::Block;

/// Groups of blocks, one group a file.
pub const BLOCKS: &[&[Block]] = &[
    scalar::BLOCKS,
    squared::BLOCKS,
    thresholds::BLOCKS,
    metrics::BLOCKS,
    entropy::BLOCKS,
    dynamics::BLOCKS,
];
