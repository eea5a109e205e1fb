//! Exact formulas for exactly solvable models of learning.
pub mod aggregate;
pub mod collapse;
pub mod icl;
