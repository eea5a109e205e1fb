//! In-context linear regression by linear self-attention.
