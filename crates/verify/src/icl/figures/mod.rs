//! The figures of this chapter.
//!
//! | file | figures |
//! |---|---|
//! | `one_layer` | test length, preconditioner, covariate shift, random covariances, Bayes, nonlinear responses |
//! | `training` | loss trajectories, end points of the full layer, two layers |
//! | `depth` | risk against depth and step, approach to the limit, curvature correction, uniform inputs, optimal steps |
mod depth;
mod one_layer;
mod support;
mod training;

use crate::figure::FigureSpec;

/// By name, in the order of the book.
pub const FIGURES: &[FigureSpec] = &[
    one_layer::TEST_LENGTH,
    one_layer::PRECONDITIONER,
    one_layer::COVARIATE_SHIFT,
    one_layer::RANDOM_COVARIANCES,
    one_layer::BAYES,
    one_layer::NONLINEAR,
    training::TRAJECTORIES,
    training::LANDSCAPE,
    depth::RISK,
    depth::STEP,
    depth::LARGE_DIMENSION,
    depth::CORRECTION,
    training::LAYERS,
    depth::UNIFORM,
    depth::STEPS,
];
