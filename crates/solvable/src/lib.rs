//! solvable
