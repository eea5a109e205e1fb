//! The `compute` blocks of this chapter.
use crate::compute::Block;

/// Groups of blocks, one group a file.
pub const BLOCKS: &[&[Block]] = &[];
