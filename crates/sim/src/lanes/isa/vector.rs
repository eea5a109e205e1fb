//! Vector registers of `f64`, for kernels whose sums must stay in registers.
//!
//! Loops over fixed arrays are enough for most kernels; a tile of a matrix product is not one of them (the compiler keeps
//! its accumulators in memory). Only correctly rounded operations are here.

/// A vector register of [`Vector::LENGTH`] numbers.
///
/// The types that implement it are private, and [`super::dispatch`] hands out the one that belongs to the instruction set it has found:
/// so a value exists only in code that is compiled for, and runs on, a machine that has the registers.
pub trait Vector: Copy + sealed::Sealed {
    /// Numbers in a register.
    const LENGTH: usize;

    /// The same number everywhere.
    fn splat(x: f64) -> Self;
    /// The first `LENGTH` numbers of a slice.
    ///
    /// # Panics
    /// If the slice is shorter.
    fn load(from: &[f64]) -> Self;
    /// Writes the first `LENGTH` numbers of a slice.
    ///
    /// # Panics
    /// If the slice is shorter.
    fn store(self, to: &mut [f64]);
    /// Sum.
    fn plus(self, other: Self) -> Self;
    /// Difference.
    fn minus(self, other: Self) -> Self;
    /// Product.
    fn times(self, other: Self) -> Self;
    /// Quotient.
    fn over(self, other: Self) -> Self;
    /// Square root.
    fn root(self) -> Self;
    /// Where `self > 0` the first, elsewhere the second.
    fn if_positive(self, yes: Self, no: Self) -> Self;
}

mod sealed {
    pub trait Sealed {}
}

/// Two numbers: what every target has.
#[derive(Clone, Copy)]
pub(super) struct Plain([f64; 2]);

impl sealed::Sealed for Plain {}

impl Vector for Plain {
    const LENGTH: usize = 2;

    #[inline(always)]
    fn splat(x: f64) -> Self {
        Self([x; 2])
    }
    #[inline(always)]
    fn load(from: &[f64]) -> Self {
        Self([from[0], from[1]])
    }
    #[inline(always)]
    fn store(self, to: &mut [f64]) {
        to[..2].copy_from_slice(&self.0);
    }
    #[inline(always)]
    fn plus(self, other: Self) -> Self {
        Self([self.0[0] + other.0[0], self.0[1] + other.0[1]])
    }
    #[inline(always)]
    fn minus(self, other: Self) -> Self {
        Self([self.0[0] - other.0[0], self.0[1] - other.0[1]])
    }
    #[inline(always)]
    fn times(self, other: Self) -> Self {
        Self([self.0[0] * other.0[0], self.0[1] * other.0[1]])
    }
    #[inline(always)]
    fn over(self, other: Self) -> Self {
        Self([self.0[0] / other.0[0], self.0[1] / other.0[1]])
    }
    #[inline(always)]
    fn root(self) -> Self {
        Self([self.0[0].sqrt(), self.0[1].sqrt()])
    }
    #[inline(always)]
    fn if_positive(self, yes: Self, no: Self) -> Self {
        let pick = |l: usize| if self.0[l] > 0.0 { yes.0[l] } else { no.0[l] };
        Self([pick(0), pick(1)])
    }
}

/// Registers in step (by plain loops, see `products`): independent operations side by side, which hide each other's latency where a chain of them is longer
/// than the machine looks ahead.
#[derive(Clone, Copy)]
pub(in crate::lanes) struct Abreast<V, const N: usize>([V; N]);

impl<V, const N: usize> sealed::Sealed for Abreast<V, N> {}

impl<V: Vector, const N: usize> Vector for Abreast<V, N> {
    const LENGTH: usize = N * V::LENGTH;

    #[inline(always)]
    fn splat(x: f64) -> Self {
        Self([V::splat(x); N])
    }
    #[inline(always)]
    fn load(from: &[f64]) -> Self {
        let mut out = Self::splat(0.0);
        for i in 0..N {
            out.0[i] = V::load(&from[i * V::LENGTH..]);
        }
        out
    }
    #[inline(always)]
    fn store(self, to: &mut [f64]) {
        for i in 0..N {
            self.0[i].store(&mut to[i * V::LENGTH..]);
        }
    }
    #[inline(always)]
    fn plus(mut self, other: Self) -> Self {
        for i in 0..N {
            self.0[i] = self.0[i].plus(other.0[i]);
        }
        self
    }
    #[inline(always)]
    fn minus(mut self, other: Self) -> Self {
        for i in 0..N {
            self.0[i] = self.0[i].minus(other.0[i]);
        }
        self
    }
    #[inline(always)]
    fn times(mut self, other: Self) -> Self {
        for i in 0..N {
            self.0[i] = self.0[i].times(other.0[i]);
        }
        self
    }
    #[inline(always)]
    fn over(mut self, other: Self) -> Self {
        for i in 0..N {
            self.0[i] = self.0[i].over(other.0[i]);
        }
        self
    }
    #[inline(always)]
    fn root(mut self) -> Self {
        for i in 0..N {
            self.0[i] = self.0[i].root();
        }
        self
    }
    #[inline(always)]
    fn if_positive(mut self, yes: Self, no: Self) -> Self {
        for i in 0..N {
            self.0[i] = self.0[i].if_positive(yes.0[i], no.0[i]);
        }
        self
    }
}

#[cfg(target_arch = "x86_64")]
pub(super) use x86::{Avx, Avx512};

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::{
        __m256d, __m512d, _CMP_GT_OQ, _mm256_add_pd, _mm256_blendv_pd, _mm256_cmp_pd, _mm256_div_pd,
        _mm256_loadu_pd, _mm256_mul_pd, _mm256_set1_pd, _mm256_setzero_pd, _mm256_sqrt_pd, _mm256_storeu_pd,
        _mm256_sub_pd, _mm512_add_pd, _mm512_cmp_pd_mask, _mm512_div_pd, _mm512_loadu_pd,
        _mm512_mask_blend_pd, _mm512_mul_pd, _mm512_set1_pd, _mm512_setzero_pd, _mm512_sqrt_pd,
        _mm512_storeu_pd, _mm512_sub_pd,
    };

    use super::{Vector, sealed};

    /// A register type by its intrinsics. SAFETY, for every call in it: a value of the type exists only under `dispatch`, which has found the
    /// feature (see [`Vector`]), or is being made by a method that only such code can name; loads and stores stay inside
    /// slices whose length is checked before.
    macro_rules! register {
        ($name:ident, $inner:ty, $length:literal, $set:ident, $load:ident, $store:ident, $add:ident, $sub:ident, $mul:ident, $div:ident, $sqrt:ident, $pick:ident) => {
            #[derive(Clone, Copy)]
            pub(in super::super) struct $name($inner);

            impl sealed::Sealed for $name {}

            impl Vector for $name {
                const LENGTH: usize = $length;

                #[inline(always)]
                fn splat(x: f64) -> Self {
                    // SAFETY: see the macro.
                    Self(unsafe { $set(x) })
                }
                #[inline(always)]
                fn load(from: &[f64]) -> Self {
                    let from = &from[..$length];
                    // SAFETY: see the macro.
                    Self(unsafe { $load(from.as_ptr()) })
                }
                #[inline(always)]
                fn store(self, to: &mut [f64]) {
                    let to = &mut to[..$length];
                    // SAFETY: see the macro.
                    unsafe { $store(to.as_mut_ptr(), self.0) }
                }
                #[inline(always)]
                fn plus(self, other: Self) -> Self {
                    // SAFETY: see the macro.
                    Self(unsafe { $add(self.0, other.0) })
                }
                #[inline(always)]
                fn minus(self, other: Self) -> Self {
                    // SAFETY: see the macro.
                    Self(unsafe { $sub(self.0, other.0) })
                }
                #[inline(always)]
                fn times(self, other: Self) -> Self {
                    // SAFETY: see the macro.
                    Self(unsafe { $mul(self.0, other.0) })
                }
                #[inline(always)]
                fn over(self, other: Self) -> Self {
                    // SAFETY: see the macro.
                    Self(unsafe { $div(self.0, other.0) })
                }
                #[inline(always)]
                fn root(self) -> Self {
                    // SAFETY: see the macro.
                    Self(unsafe { $sqrt(self.0) })
                }
                #[inline(always)]
                fn if_positive(self, yes: Self, no: Self) -> Self {
                    // SAFETY: see the macro.
                    Self(unsafe { $pick(self.0, yes.0, no.0) })
                }
            }
        };
    }

    #[inline]
    #[target_feature(enable = "avx")]
    fn pick_256(condition: __m256d, yes: __m256d, no: __m256d) -> __m256d {
        _mm256_blendv_pd(no, yes, _mm256_cmp_pd::<_CMP_GT_OQ>(condition, _mm256_setzero_pd()))
    }

    #[inline]
    #[target_feature(enable = "avx512f")]
    fn pick_512(condition: __m512d, yes: __m512d, no: __m512d) -> __m512d {
        let mask = _mm512_cmp_pd_mask::<_CMP_GT_OQ>(condition, _mm512_setzero_pd());
        _mm512_mask_blend_pd(mask, no, yes)
    }

    register!(
        Avx,
        __m256d,
        4,
        _mm256_set1_pd,
        _mm256_loadu_pd,
        _mm256_storeu_pd,
        _mm256_add_pd,
        _mm256_sub_pd,
        _mm256_mul_pd,
        _mm256_div_pd,
        _mm256_sqrt_pd,
        pick_256
    );
    register!(
        Avx512,
        __m512d,
        8,
        _mm512_set1_pd,
        _mm512_loadu_pd,
        _mm512_storeu_pd,
        _mm512_add_pd,
        _mm512_sub_pd,
        _mm512_mul_pd,
        _mm512_div_pd,
        _mm512_sqrt_pd,
        pick_512
    );
}
