//! Learning from bags: aggregated labels, interpolating estimators, label privacy.
