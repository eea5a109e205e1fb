//! The `compute --certified` blocks of this chapter.
use crate::compute::Block;

/// By claim.
pub const BLOCKS: &[Block] = &[];
