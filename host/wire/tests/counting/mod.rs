//! An allocator that counts, per thread, what its caller allocates: for tests of how much a decoder may take.

#![allow(unsafe_code, reason = "a global allocator cannot be written without")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

thread_local! {
    // Const-initialised and without a destructor, so that using them never allocates.
    static LIVE: Cell<isize> = const { Cell::new(0) };
    static PEAK: Cell<isize> = const { Cell::new(0) };
    static CALLS: Cell<usize> = const { Cell::new(0) };
}

struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn count(bytes: isize) {
    let live = LIVE.get() + bytes;
    LIVE.set(live);
    PEAK.set(PEAK.get().max(live));
    if bytes > 0 {
        CALLS.set(CALLS.get() + 1);
    }
}

// SAFETY: every call is handed to the system allocator unchanged, and counting touches only thread-local numbers.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as isize);
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(-(layout.size() as isize));
        // SAFETY: the caller keeps the contract of `dealloc`, and the block came from `System`.
        unsafe { System.dealloc(pointer, layout) }
    }

    // `realloc` is the default one: allocate, copy, free. So the peak holds both blocks, the worst case.
}

/// What `work` allocated on this thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Allocated {
    /// Most bytes alive at once.
    pub(crate) peak: usize,
    /// Allocations.
    pub(crate) calls: usize,
}

/// Runs `work` and counts.
pub(crate) fn allocated<T>(work: impl FnOnce() -> T) -> (T, Allocated) {
    let (live, calls) = (LIVE.get(), CALLS.get());
    PEAK.set(live);
    let result = work();
    let peak = (PEAK.get() - live).max(0) as usize;
    (result, Allocated { peak, calls: CALLS.get() - calls })
}
