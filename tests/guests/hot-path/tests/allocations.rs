//! The path of a batch by counts, which no busy machine can change: what is allocated does not grow with the records
//! of a batch, and an operator is called once a batch and interface.

use host_core::event::Event;
use host_core::record::Offset;
use host_core::topology::Repartition;
use hot_path::{NOW_MS, batch, drain, machine};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::rc::Rc;

/// Counts what this thread allocates.
struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: everything is handed on to the system's allocator.
#[allow(unsafe_code, reason = "an allocator that counts")]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(at, layout) }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        // SAFETY: the caller's promise.
        unsafe { System.realloc(at, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Allocations of each of several batches of this size, once the buffers have grown.
fn allocations(repartition: Repartition, records: usize) -> usize {
    let mut machine = machine(repartition, &Rc::default());
    let mut counts = Vec::new();
    for round in 0..6 {
        let batch = batch((round * records) as Offset, records);
        let before = ALLOCATIONS.get();
        machine.handle(NOW_MS, Event::Batch(batch));
        counts.push(ALLOCATIONS.get() - before);
        assert!(machine.take_spent().is_some(), "the buffers come back");
        drain(&mut machine);
    }
    assert_eq!(counts[4], counts[5], "{counts:?}");
    counts[5]
}

/// What a batch may allocate, whatever its size: an operator's answer and a few lists.
const ALLOCATIONS_PER_BATCH_MAX: usize = 20;

#[test]
fn allocations_do_not_grow_with_the_records_of_a_batch() {
    for repartition in [Repartition::Never, Repartition::Always] {
        let (few, many) = (allocations(repartition, 1_000), allocations(repartition, 10_000));
        assert_eq!(few, many, "{repartition:?}");
        assert!(many <= ALLOCATIONS_PER_BATCH_MAX, "{repartition:?}: {many}");
    }
}

#[test]
fn a_batch_is_one_call_of_each_interface() {
    for repartition in [Repartition::Never, Repartition::Always] {
        let calls = Rc::default();
        let mut machine = machine(repartition, &calls);
        for round in 0..3 {
            machine.handle(NOW_MS, Event::Batch(batch(round * 1_000, 1_000)));
            drain(&mut machine);
        }
        assert_eq!(calls.get(), (3, 3), "{repartition:?}: folded before the shuffle it is one too");
    }
}
