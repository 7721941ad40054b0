//! One machine, told step by step what failed: where its consumer reads is not known any more.

use host_core::effect::Effect;
use host_core::emit::Emit;
use host_core::event::{Epoch, Event, Failure, Start};
use host_core::machine::{Machine, Settings};
use host_core::operator::Operator as _;
use host_core::policy::{Limits, Policies, Policy};
use host_core::record::{Batch, Offset, Row, Rows, TopicPartition};
use host_core::topology::{Repartition, Topology};
use sim::operators::{Fold, TestOperator};
use sim::world::limits;
use std::collections::BTreeMap;

const EPOCH: Epoch = Epoch(1);

type Failing = (fn(&Effect) -> bool, Failure);

/// A machine whose effects succeed, but for those that are to fail next, in this order.
struct Driven {
    machine: Machine<TestOperator>,
    committed: BTreeMap<TopicPartition, (Offset, String)>,
    failing: Vec<Failing>,
}

fn partition(number: u32) -> TopicPartition {
    TopicPartition::new("in", number)
}

fn batch(number: u32, offsets: &[Offset]) -> Event {
    let mut rows = Rows::new();
    for _ in offsets {
        rows.push(Row { key: None, value: Some(b"k:1"), timestamp: 0 });
    }
    Event::Batch(Batch { source: partition(number), epoch: EPOCH, offsets: offsets.to_vec(), rows })
}

impl Driven {
    /// Two partitions of the input, whose rows go through a repartition topic, are being read.
    fn new() -> Self {
        let operator = TestOperator::new(Fold::Sum, false, None);
        let io = (vec!["in".to_owned()], "out".to_owned());
        let topology = Topology::new("app", "test", io, operator.description(), Repartition::Auto);
        let behind = topology.repartition.clone().expect("keys change");
        let settings = Settings {
            topology,
            policies: Policies { rejected: Policy::DeadLetter, fault: Policy::DeadLetter },
            limits: Limits { commit_interval_ms: 1_000, ..limits() },
            incarnation: 1,
            module: "native:test".into(),
            hash_seed: 1,
            stamp: false,
            emit: Emit::Commit,
        };
        let machine = Machine::new(operator, &settings);
        let mut driven = Self { machine, committed: BTreeMap::new(), failing: Vec::new() };
        let partitions = vec![partition(0), partition(1), TopicPartition::new(&behind, 0)];
        driven.hear(Event::Assigned { epoch: EPOCH, partitions });
        driven
    }

    /// What the machine did about it.
    fn hear(&mut self, event: Event) -> Vec<Effect> {
        self.machine.handle(0, event);
        let (mut done, mut pending) = (Vec::new(), None);
        while let Some(effect) = self.machine.next_effect() {
            if self.failing.first().is_some_and(|(is_it, _)| is_it(&effect)) {
                self.machine.handle(0, Event::Failed(self.failing.remove(0).1));
                continue;
            }
            match &effect {
                Effect::Locate { partitions, .. } => {
                    let starts = partitions.iter().map(|source| (source.clone(), self.start(source)));
                    let starts = starts.collect();
                    self.machine.handle(0, Event::Located { epoch: EPOCH, starts });
                }
                Effect::Restore { source, .. } => {
                    self.machine.handle(0, Event::Restored { epoch: EPOCH, source: source.clone() });
                }
                Effect::SendOffsets { offsets, .. } => pending = Some(offsets.clone()),
                Effect::Commit => {
                    let offsets = pending.take().expect("offsets come before their commit").into_iter();
                    self.committed.extend(offsets.map(|one| (one.source, (one.offset, one.metadata))));
                    self.machine.handle(0, Event::Committed { clean: true });
                }
                Effect::Abort => self.machine.handle(0, Event::Aborted),
                Effect::NewProducer => self.machine.handle(0, Event::ProducerReady),
                _ => {}
            }
            done.push(effect);
        }
        done
    }

    fn start(&self, source: &TopicPartition) -> Start {
        match self.committed.get(source).cloned() {
            Some((offset, metadata)) => Start::Committed { offset, metadata },
            None => Start::Reset { offset: 0 },
        }
    }
}

fn pauses_the_second(effect: &Effect) -> bool {
    matches!(effect, Effect::Pause { source } if source.partition == 1)
}

fn aborts(effect: &Effect) -> bool {
    matches!(effect, Effect::Abort)
}

#[test]
fn partitions_are_placed_anew_though_the_abort_fails_too() {
    let mut driven = Driven::new();
    driven.hear(batch(0, &[0]));
    driven.machine.hold(true);
    driven.failing = vec![
        (pauses_the_second, Failure::Unplaced("a pause failed".into())),
        (aborts, Failure::ProducerLost("timed out".into())),
    ];
    let done = driven.hear(Event::Tick);
    assert!(driven.failing.is_empty(), "void: {done:?}");
    let assigned = done.iter().find_map(|effect| match effect {
        Effect::Assign { starts, .. } => Some(starts),
        _ => None,
    });
    let starts = assigned.unwrap_or_else(|| panic!("nobody knows where the second is read: {done:?}"));
    let held: Vec<_> = starts.iter().filter(|start| start.paused).map(|start| &start.source).collect();
    assert!(held.contains(&&partition(0)) && held.contains(&&partition(1)), "{starts:?}");
}

#[test]
fn what_was_read_before_a_seek_does_not_count() {
    let mut driven = Driven::new();
    driven.machine.hold(true);
    driven.hear(Event::Tick);
    assert_eq!(driven.hear(batch(1, &[0, 1])), [], "it is held");
    driven.machine.hold(false);
    let done = driven.hear(batch(1, &[2, 3]));
    let seek = Effect::Seek { source: partition(1), offset: 0 };
    assert!(done.contains(&seek), "{done:?}");
    assert!(!done.contains(&Effect::Begin), "two are left out: {done:?}");
    let end = Event::PartitionEnd { epoch: EPOCH, source: partition(1), position: 4 };
    driven.machine.hold(true);
    driven.hear(Event::Tick);
    driven.machine.hold(false);
    let done = driven.hear(end);
    assert!(!done.contains(&Effect::Begin), "four are left out: {done:?}");
}
