//! Simulators for exactly solvable models of learning: flows, descent, Monte Carlo.
pub mod aggregate;
pub mod collapse;
pub mod icl;
