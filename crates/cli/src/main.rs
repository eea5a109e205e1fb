//! The solvable command.
fn main() {}
