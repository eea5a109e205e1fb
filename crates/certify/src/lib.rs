//! Interval enclosures and optimality certificates.
pub mod aggregate;
pub mod collapse;
pub mod icl;
