//! Exact formulas for exactly solvable models of learning.
pub mod aggregate;
pub mod collapse;
pub mod icl;
pub mod quadrature;
pub mod roots;
