//! Simulators for exactly solvable models of learning: flows, descent, Monte Carlo.
pub mod aggregate;
pub mod collapse;
pub mod flow;
pub mod icl;
mod interruption;
pub mod lanes;
pub mod minimise;
pub mod monte_carlo;
pub mod normal;
