//! Where an output comes from: version, commit, instruction set.
use serde::Serialize;

/// Version, commit and instruction set of the running program.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Provenance {
    /// Crate version.
    pub version: &'static str,
    /// Commit of the source tree, or "unknown" outside a checkout.
    pub commit: &'static str,
    /// Widest vector instruction set that the linear algebra kernels may use here.
    pub instruction_set: &'static str,
}

impl Provenance {
    /// That of this program on this processor.
    #[must_use]
    pub fn current() -> Self {
        Self {
            version: env!("CARGO_PKG_VERSION"),
            commit: option_env!("SOLVABLE_COMMIT").unwrap_or("unknown"),
            instruction_set: instruction_set(),
        }
    }
}

#[cfg(target_arch = "x86_64")]
fn instruction_set() -> &'static str {
    if std::arch::is_x86_feature_detected!("avx512f") {
        "x86_64+avx512f"
    } else if std::arch::is_x86_feature_detected!("avx2") && std::arch::is_x86_feature_detected!("fma") {
        "x86_64+avx2+fma"
    } else {
        "x86_64"
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn instruction_set() -> &'static str {
    std::env::consts::ARCH
}
