//! The path of a batch by counts, which no busy machine can change: what is allocated does not grow with the records
//! of a batch, and an operator is called once a batch and interface.

use host_core::effect::Effect;
use host_core::emit::Emit;
use host_core::event::{Epoch, Event, Start};
use host_core::machine::Settings;
use host_core::operator::{Description, Fault, Groups, Operator, Reduced, Transformed};
use host_core::policy::{Limits, Policies, Policy};
use host_core::record::{Batch, BytesColumn, Offset, Origin, Row, Rows, TopicPartition};
use host_core::topology::{Repartition, Topology};
use host_core::{Machine, hash::partition_of};
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

/// Sums numbers of 8 bytes, with buffers that have their size from the start, as a module's answers have.
#[derive(Default)]
struct Sum {
    description: Description,
    /// Of transform and reduce; shared, as the machine takes the operator.
    calls: Rc<Cell<(usize, usize)>>,
}

fn number(bytes: Option<&[u8]>) -> u64 {
    bytes.map_or(0, |bytes| u64::from_le_bytes(bytes.try_into().expect("numbers have 8 bytes")))
}

fn column(rows: usize) -> BytesColumn {
    let mut column = BytesColumn::new();
    column.data.reserve(8 * rows);
    column.offsets.reserve(rows);
    column
}

impl Operator for Sum {
    fn description(&self) -> &Description {
        &self.description
    }

    fn transform(&mut self, _: Origin<'_>, rows: &Rows) -> Result<Transformed, Fault> {
        let (transforms, reduces) = self.calls.get();
        self.calls.set((transforms + 1, reduces));
        let source = (0..rows.len() as u32).collect();
        Ok(Transformed { rows: rows.clone(), source, bad: Vec::new() })
    }

    fn reduce(&mut self, groups: &Groups, _: bool) -> Result<Reduced, Fault> {
        let (transforms, reduces) = self.calls.get();
        self.calls.set((transforms, reduces + 1));
        let mut accumulators = column(groups.ends.len());
        let mut start = 0;
        for (i, &end) in groups.ends.iter().enumerate() {
            let values = (start..end as usize).map(|at| number(groups.values.get(at)));
            let sum = number(groups.accumulators.get(i)) + values.sum::<u64>();
            accumulators.push(Some(&sum.to_le_bytes()));
            start = end as usize;
        }
        Ok(Reduced { accumulators, bad: Vec::new() })
    }

    fn finish(&mut self, _: &BytesColumn, _: &BytesColumn) -> Result<BytesColumn, Fault> {
        unreachable!("it does not finish")
    }

    fn merge(&mut self, left: &BytesColumn, right: &BytesColumn) -> Result<BytesColumn, Fault> {
        let mut merged = column(left.len());
        for i in 0..left.len() {
            merged.push(Some(&(number(left.get(i)) + number(right.get(i))).to_le_bytes()));
        }
        Ok(merged)
    }
}

const KEYS: usize = 500;
/// A transaction of this test is never due.
const NOW_MS: u64 = 1;

fn limits() -> Limits {
    Limits {
        commit_interval_ms: 1_000_000,
        call_records_max: 10_000,
        output_record_bytes_max: 1 << 20,
        retries_max: 0,
        isolation_budget_us: 1,
        fault_ratio_max: 0.5,
        fault_records_min: 20,
        probation_batches: 0,
        aborts_max: 0,
    }
}

/// A machine that reads one partition.
fn machine(repartition: Repartition, calls: &Rc<Cell<(usize, usize)>>) -> Machine<Sum> {
    let description = Description { transforms: true, reduces: true, merges: true, ..Description::default() };
    let io = (vec!["in".to_owned()], "out".to_owned());
    let topology = Topology::new("app", "sum", io, &description, repartition);
    let settings = Settings {
        topology,
        policies: Policies { rejected: Policy::Skip, fault: Policy::Skip },
        limits: limits(),
        incarnation: 1,
        module: "test".into(),
        hash_seed: 1,
        stamp: false,
        emit: Emit::Commit,
    };
    let mut machine = Machine::new(Sum { description, calls: Rc::clone(calls) }, &settings);
    let (epoch, source) = (Epoch(1), TopicPartition::new("in", 0));
    machine.handle(NOW_MS, Event::Assigned { epoch, partitions: vec![source.clone()] });
    drain(&mut machine);
    let start = Start::Committed { offset: 0, metadata: String::new() };
    machine.handle(NOW_MS, Event::Located { epoch, starts: vec![(source.clone(), start)] });
    if drain(&mut machine).iter().any(|effect| matches!(effect, Effect::Restore { .. })) {
        machine.handle(NOW_MS, Event::Restored { epoch, source });
        drain(&mut machine);
    }
    assert!(machine.is_ready());
    machine
}

fn drain(machine: &mut Machine<Sum>) -> Vec<Effect> {
    std::iter::from_fn(|| machine.next_effect()).collect()
}

fn batch(first: Offset, records: usize) -> Batch {
    let mut rows = Rows::new();
    for i in 0..records {
        let key = format!("key-{}", i % KEYS);
        assert_eq!(partition_of(key.as_bytes(), 1), 0);
        let value = (i as u64).to_le_bytes();
        rows.push(Row { key: Some(key.as_bytes()), value: Some(&value), timestamp: 7 });
    }
    let offsets = (first..first + records as Offset).collect();
    Batch { source: TopicPartition::new("in", 0), epoch: Epoch(1), offsets, rows }
}

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
