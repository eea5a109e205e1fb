//! Downstream example.
fn main() {}
