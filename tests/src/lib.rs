//! Helpers shared by the property tests.
