//! The helpers that promise not to allocate do not, measured by a counting allocator.

// The one way to count allocations is to be the allocator.
#![allow(unsafe_code)]

use solvable_linalg::{Mat, dot, mat_vec, matmul_into, quadratic_form, trace_product};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

struct Counting;

thread_local! {
    static COUNT: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: every call is forwarded unchanged to the system allocator; counting touches a thread-local integer only.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.with(|c| c.set(c.get() + 1));
        // SAFETY: the caller upholds the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller upholds the contract of `dealloc`.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn allocations(f: impl FnOnce()) -> usize {
    let before = COUNT.with(Cell::get);
    f();
    COUNT.with(Cell::get) - before
}

#[test]
fn products_into_place() {
    for n in [1, 4, 17, 64, 130] {
        let a = Mat::from_fn(n, n, |i, j| (i + 2 * j) as f64);
        let b = Mat::from_fn(n, n, |i, j| (3 * i) as f64 - j as f64);
        let mut out = Mat::zeros(n, n);
        let (x, mut y) = (vec![1.0; n], vec![0.0; n]);
        // The first product of a thread may set up the kernel's packing buffer.
        matmul_into(out.as_mut(), a.as_ref(), b.as_ref());
        let mut total = 0.0;
        let counted = allocations(|| {
            mat_vec(a.as_ref(), &x, &mut y);
            total = dot(&x, &y) + quadratic_form(&x, a.as_ref(), &y) + trace_product(a.as_ref(), b.as_ref());
        });
        assert!(total.is_finite());
        assert_eq!(counted, 0, "n = {n}");
        assert_eq!(
            allocations(|| matmul_into(out.as_mut(), a.as_ref(), b.as_ref())),
            0,
            "matmul_into, n = {n}"
        );
    }
}
