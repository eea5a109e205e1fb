//! Learning from bags: the statements of the chapter.
//!
//! A learner sees covariates, a partition of the rows into bags and one average label a bag. The bag-level
//! loss compares averages, the instance-level loss charges each row with its bag's average, and their
//! interpolation has weight `rho` on the first and `1 - rho` on the second, plus a ridge. The second half
//! of the chapter states the private estimators: data on finite or bounded domains and functionals of them.
//!
//! | file | content |
//! |---|---|
//! | `bags` | [`BagDesign`]: who is in which bag |
//! | `data` | [`AggregateData`]: covariates, labels, bags |
//! | `mixing` | [`Mixing`]: the weight rho, and its left limit at 1 |
//! | `pointwise` | [`PointwiseLoss`]: squared, logistic, Poisson; bag-level and instance-level losses |
//! | `objective` | [`InterpolatedObjective`] |
//! | `limits` | sizes and energies of the proportional limit |
//! | `finite` | [`FiniteDesign`]: sizes and energies at finite size |
//! | `label_privacy` | [`LabelPrivacy`]: clipping and Laplace noise |
//! | `datasets` | data of the private estimators |
//! | `functional` | the estimators themselves, as written |
mod bags;
mod data;
mod datasets;
mod finite;
mod functional;
mod label_privacy;
mod limits;
mod mixing;
mod objective;
mod pointwise;

#[cfg(test)]
mod tests;

pub use bags::BagDesign;
pub use data::AggregateData;
pub use datasets::{DiscreteData, Epsilon, IntervalData, PlaneData};
pub use finite::FiniteDesign;
pub use functional::{DiscreteFunctional, IntervalFunctional};
pub use label_privacy::LabelPrivacy;
pub use limits::{GroupedLimit, IsotropicLimit, RowGroup, SpectralLimit, SpectrumPart};
pub use mixing::Mixing;
pub use objective::{InterpolatedObjective, ObjectiveWork};
pub use pointwise::PointwiseLoss;
