//! Neural collapse in deep linear networks with unconstrained features.
