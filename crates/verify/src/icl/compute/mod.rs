//! The `compute` blocks of this chapter.
//!
//! | file | claims |
//! |---|---|
//! | `keys` | what the blocks share: keys, and the problems read from them |
//! | `one_layer` | ICL-1 to 7: the layer, its minimizer, steps and Bayes bounds |
//! | `shift` | ICL-8 to 12: other test laws, mixtures |
//! | `targets` | ICL-13 to 15, 26, 28: nonlinear responses, elliptical covariates, prior means |
//! | `landscape` | ICL-16 to 18, 60, 61: rank limits and the full layer |
//! | `flow` | ICL-19 to 25, 27: training in time |
//! | `trajectories` | ICL-19, 23: integrated, where no closed form exists |
//! | `constructions` | ICL-30 to 36, 38: attention layers as descent |
//! | `depth_finite` | ICL-39 to 46, 52, 53, 55, 59, 62 to 64: depth at finite size |
//! | `depth_limit` | ICL-41, 47 to 54, 56 to 58: depth in the limit, baselines |
mod constructions;
mod depth_finite;
mod depth_limit;
mod flow;
mod keys;
mod landscape;
mod one_layer;
mod shift;
mod targets;
mod trajectories;

use solvable_theory::icl::IclError;

use crate::compute::{Block, ComputeError};

/// Groups of blocks, one group a file.
pub const BLOCKS: &[&[Block]] = &[
    one_layer::BLOCKS,
    shift::BLOCKS,
    targets::BLOCKS,
    landscape::BLOCKS,
    flow::BLOCKS,
    trajectories::BLOCKS,
    constructions::BLOCKS,
    depth_finite::BLOCKS,
    depth_limit::BLOCKS,
];

impl From<IclError> for ComputeError {
    fn from(error: IclError) -> Self {
        Self::refused(error)
    }
}
