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
    /// # Safety
    /// The type is [`super::Vector::LENGTH`] numbers in memory, in order, with nothing between or after them.
    pub unsafe trait Sealed {}
}

/// A cache line of numbers: memory for registers of any length up to its own.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C, align(64))]
pub(in crate::lanes) struct Line(pub(in crate::lanes) [f64; LINE]);

/// Numbers in a cache line.
pub(in crate::lanes) const LINE: usize = 8;

/// The numbers of these lines, register by register.
#[inline(always)]
pub(in crate::lanes) fn registers<V: Vector>(lines: &[Line]) -> &[V] {
    const { assert!(LINE.is_multiple_of(V::LENGTH) && align_of::<V>() <= align_of::<Line>()) };
    // SAFETY: both types are numbers without gaps (see `Sealed`), the line is aligned at least as well, and the result covers the same memory.
    unsafe { std::slice::from_raw_parts(lines.as_ptr().cast(), lines.len() * (LINE / V::LENGTH)) }
}

/// As [`registers`], to be written.
#[inline(always)]
pub(in crate::lanes) fn registers_mut<V: Vector>(lines: &mut [Line]) -> &mut [V] {
    const { assert!(LINE.is_multiple_of(V::LENGTH) && align_of::<V>() <= align_of::<Line>()) };
    // SAFETY: as in `registers`; every bit pattern is a number.
    unsafe { std::slice::from_raw_parts_mut(lines.as_mut_ptr().cast(), lines.len() * (LINE / V::LENGTH)) }
}

/// Two numbers in an array: what targets without registers of their own here have.
#[cfg(any(test, not(target_arch = "x86_64")))]
#[derive(Clone, Copy)]
#[repr(align(16))]
pub(in crate::lanes) struct Plain([f64; 2]);

#[cfg(any(test, not(target_arch = "x86_64")))]
// SAFETY: an array of numbers.
unsafe impl sealed::Sealed for Plain {}

#[cfg(any(test, not(target_arch = "x86_64")))]
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

// SAFETY: an array of such types.
unsafe impl<V: Vector, const N: usize> sealed::Sealed for Abreast<V, N> {}

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
pub(super) use x86::{Avx, Avx512, Sse};

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::{
        __m128d, __m256d, __m512d, _CMP_GT_OQ, _mm_add_pd, _mm_and_pd, _mm_andnot_pd, _mm_cmpgt_pd,
        _mm_div_pd, _mm_loadu_pd, _mm_mul_pd, _mm_or_pd, _mm_set1_pd, _mm_setzero_pd, _mm_sqrt_pd,
        _mm_storeu_pd, _mm_sub_pd, _mm256_add_pd, _mm256_blendv_pd, _mm256_cmp_pd, _mm256_div_pd,
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

            // SAFETY: the intrinsic type is these numbers.
            unsafe impl sealed::Sealed for $name {}

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
    #[target_feature(enable = "sse2")]
    fn pick_128(condition: __m128d, yes: __m128d, no: __m128d) -> __m128d {
        let mask = _mm_cmpgt_pd(condition, _mm_setzero_pd());
        _mm_or_pd(_mm_and_pd(mask, yes), _mm_andnot_pd(mask, no))
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
        Sse,
        __m128d,
        2,
        _mm_set1_pd,
        _mm_loadu_pd,
        _mm_storeu_pd,
        _mm_add_pd,
        _mm_sub_pd,
        _mm_mul_pd,
        _mm_div_pd,
        _mm_sqrt_pd,
        pick_128
    );
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
