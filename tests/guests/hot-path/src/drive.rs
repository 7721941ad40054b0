//! The machine over batches of one partition, with a native sum: all that a record meets between the consumer and
//! the producer but the module.

use host_core::Machine;
use host_core::effect::Effect;
use host_core::emit::Emit;
use host_core::event::{Epoch, Event, Start};
use host_core::machine::Settings;
use host_core::operator::{Description, Fault, Groups, Operator, Reduced, Transformed};
use host_core::policy::{Limits, Policies, Policy};
use host_core::record::{Batch, BytesColumn, Offset, Origin, Row, Rows, TopicPartition};
use host_core::topology::{Repartition, Topology};
use std::cell::Cell;
use std::rc::Rc;

/// Sums numbers of 8 bytes, with buffers that have their size from the start, as a module's answers have.
#[derive(Debug, Default)]
pub struct Sum {
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

/// Keys of the records, in turn.
const KEYS: usize = 500;
/// A transaction here is never due.
pub const NOW_MS: u64 = 1;

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

/// A machine that reads one partition; `calls` counts those of transform and of reduce.
///
/// # Panics
/// It does not get ready.
pub fn machine(repartition: Repartition, calls: &Rc<Cell<(usize, usize)>>) -> Machine<Sum> {
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

/// What the machine asks for.
pub fn drain(machine: &mut Machine<Sum>) -> Vec<Effect> {
    std::iter::from_fn(|| machine.next_effect()).collect()
}

/// Records of about 16 bytes, from offset `first` on.
pub fn batch(first: Offset, records: usize) -> Batch {
    let mut rows = Rows::new();
    for i in 0..records {
        let key = format!("key-{}", i % KEYS);
        let value = (i as u64).to_le_bytes();
        rows.push(Row { key: Some(key.as_bytes()), value: Some(&value), timestamp: 7 });
    }
    let offsets = (first..first + records as Offset).collect();
    Batch { source: TopicPartition::new("in", 0), epoch: Epoch(1), offsets, rows }
}
