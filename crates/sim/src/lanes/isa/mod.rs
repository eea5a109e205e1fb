//! Which instruction set runs a kernel.
//!
//! A kernel is written once, as plain loops over fixed blocks of lanes, and compiled once for each instruction set
//! below; the machine's best one is chosen at run time. Kernels use separate multiplications and additions (Rust
//! never contracts them), additions in a written order, division and square root: all of these are correctly rounded
//! everywhere, so every path gives the same bits.
//!
//! The only `unsafe` of this crate is in this module: calling what was compiled for instructions which the machine has been found to have.
#![allow(unsafe_code)]

mod vector;

use std::sync::OnceLock;

#[cfg(test)]
pub(super) use vector::Plain;
pub use vector::Vector;
pub(super) use vector::{Abreast, LINE, Line, registers, registers_mut};

/// The environment variable that limits the instruction set: `baseline`, `avx2` or `avx512`.
pub const ISA_VARIABLE: &str = "SOLVABLE_ISA";

/// An instruction set that kernels are compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Isa {
    /// What the target guarantees (SSE2 on x86-64).
    Baseline,
    /// 256-bit vectors.
    Avx2,
    /// 512-bit vectors.
    Avx512,
}

impl Isa {
    /// Those that this machine has, from the plainest to the best.
    #[must_use]
    pub fn available() -> Vec<Self> {
        [Self::Baseline, Self::Avx2, Self::Avx512].into_iter().filter(|isa| isa.is_available()).collect()
    }

    /// The one in use: the best available, not above what [`ISA_VARIABLE`] says. Read once.
    #[must_use]
    pub fn current() -> Self {
        static CURRENT: OnceLock<Isa> = OnceLock::new();
        *CURRENT.get_or_init(|| {
            let limit = match std::env::var(ISA_VARIABLE).as_deref() {
                Ok("baseline") => Self::Baseline,
                Ok("avx2") => Self::Avx2,
                _ => Self::Avx512,
            };
            [Self::Avx512, Self::Avx2]
                .into_iter()
                .find(|isa| *isa <= limit && isa.is_available())
                .unwrap_or(Self::Baseline)
        })
    }

    /// Its name, as in [`ISA_VARIABLE`].
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Baseline => "baseline",
            Self::Avx2 => "avx2",
            Self::Avx512 => "avx512",
        }
    }

    fn is_available(self) -> bool {
        #[cfg(target_arch = "x86_64")]
        {
            match self {
                Self::Baseline => true,
                Self::Avx2 => is_x86_feature_detected!("avx2"),
                Self::Avx512 => {
                    is_x86_feature_detected!("avx512f")
                        && is_x86_feature_detected!("avx512vl")
                        && is_x86_feature_detected!("avx512dq")
                        && is_x86_feature_detected!("avx512bw")
                }
            }
        }
        #[cfg(not(target_arch = "x86_64"))]
        {
            self == Self::Baseline
        }
    }
}

/// Code that is compiled for every instruction set.
///
/// `run` and everything it calls in a loop must be `#[inline(always)]`, or it stays compiled for the baseline.
pub trait Kernel {
    /// What it returns.
    type Output;

    /// The computation; `V` is the vector register of the instruction set, on whose length no result may depend.
    fn run<V: Vector>(self) -> Self::Output;
}

/// Runs a kernel on the instruction set in use.
#[inline]
pub fn dispatch<K: Kernel>(kernel: K) -> K::Output {
    dispatch_on(Isa::current(), kernel)
}

/// Runs a kernel on one instruction set (on the baseline if the machine lacks it).
#[inline]
pub fn dispatch_on<K: Kernel>(isa: Isa, kernel: K) -> K::Output {
    #[cfg(target_arch = "x86_64")]
    if isa.is_available() {
        match isa {
            // SAFETY: the line above has found the features that the callee is compiled for.
            Isa::Avx512 => return unsafe { avx512(kernel) },
            // SAFETY: as above.
            Isa::Avx2 => return unsafe { avx2(kernel) },
            Isa::Baseline => {}
        }
    }
    let _ = isa;
    kernel.run::<Base>()
}

/// The registers that every machine of the target has.
#[cfg(target_arch = "x86_64")]
type Base = vector::Sse;
#[cfg(not(target_arch = "x86_64"))]
type Base = vector::Plain;

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512vl,avx512dq,avx512bw")]
fn avx512<K: Kernel>(kernel: K) -> K::Output {
    kernel.run::<vector::Avx512>()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn avx2<K: Kernel>(kernel: K) -> K::Output {
    kernel.run::<vector::Avx>()
}
