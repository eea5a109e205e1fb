//! Property tests across the crates, one module a chapter.
#![allow(clippy::print_stdout, reason = "tests print what they covered")]
mod aggregate;
mod collapse;
mod enclosures;
mod exact;
mod icl;
mod rational_aggregate;
mod rational_collapse;
mod rational_depth;
mod rational_icl;
mod rational_landscape;
mod rational_limits;
mod rational_observables;
mod rational_structure;
mod registry;
mod strata;
mod vectors;
mod workspace;
