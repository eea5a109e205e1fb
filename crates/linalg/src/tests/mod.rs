//! Each routine against a different algorithm.
