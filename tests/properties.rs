//! Property tests across the crates, one module a chapter.
mod aggregate;
mod collapse;
mod icl;
mod workspace;
