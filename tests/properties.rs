//! Property tests across the crates, one module a chapter.
#![allow(clippy::print_stdout, reason = "tests print what they covered")]
mod aggregate;
mod collapse;
mod icl;
mod registry;
mod vectors;
mod workspace;
