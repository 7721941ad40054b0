//! A worker's consumer, producer and restorer on the model: makes the events that a [`host_core::Machine`] takes,
//! and performs its effects. It decides nothing, and nothing fails unless the model refuses it.

use crate::eager::Notice;
use crate::group::Identity;
use crate::kafka::Kafka;
use crate::record::Record;
use crate::transactions::Refused;
use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use host_core::effect::{Assignment, CommitOffset, Effect, Outgoing, Target};
use host_core::error::Stop;
use host_core::event::{Epoch, Event, Failure, Start};
use host_core::hash::partition_of;
use host_core::record::{Batch, Offset, Rows, TopicPartition};
use host_core::topology::Topology;

/// What may happen in several ways while a client polls.
pub trait Schedule {
    /// Which of `options` things goes next; below `options`, which is at least 1.
    fn pick(&mut self, options: usize) -> usize;

    /// Records of the next batch, at most; at least 1.
    fn batch_records(&mut self) -> usize;

    /// Bytes of keys and values of a batch, at most; a first record is taken whatever it has.
    fn batch_bytes(&self) -> usize {
        usize::MAX
    }

    /// Records of a piece of a changelog, at most.
    fn restore_records(&self) -> usize {
        1_000
    }
}

/// What became of an effect.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "it is looked at once and never kept")]
pub enum Performed {
    /// It is done; the machine is to hear this.
    Done(Option<Event>),
    /// It failed.
    Failed(Failure),
    /// Not yet: markers have to land first.
    Blocked,
    /// The machine has ended.
    Stopped(Option<Stop>),
}

struct Restore {
    epoch: Epoch,
    source: TopicPartition,
    changelog: TopicPartition,
    position: Offset,
    end: Offset,
}

/// See the module's documentation.
pub struct Client {
    id: String,
    producer_epoch: u32,
    member: u64,
    epoch: Epoch,
    captured: BTreeMap<Epoch, (u64, i32)>,
    positions: BTreeMap<TopicPartition, (Offset, bool)>,
    ends_told: BTreeMap<TopicPartition, Offset>,
    restores: Vec<Restore>,
}

impl Client {
    /// A client that joins the group. `id`: its transactional id; `producer_epoch`: the answer of
    /// [`Kafka::init`].
    pub fn join(kafka: &mut Kafka, id: &str, producer_epoch: u32) -> Self {
        Self {
            id: id.to_string(),
            producer_epoch,
            member: kafka.group().join(),
            epoch: Epoch::default(),
            captured: BTreeMap::new(),
            positions: BTreeMap::new(),
            ends_told: BTreeMap::new(),
            restores: Vec::new(),
        }
    }

    /// Its transactional id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The epoch of its producer.
    pub fn producer_epoch(&self) -> u32 {
        self.producer_epoch
    }

    /// Its identity in the group.
    pub fn member(&self) -> u64 {
        self.member
    }

    /// Who it was in the group at this assignment.
    pub fn identity(&self, epoch: Epoch) -> Identity {
        self.captured.get(&epoch).copied()
    }

    /// True if nothing is read of this partition for now.
    pub fn is_paused(&self, source: &TopicPartition) -> bool {
        self.positions.get(source).is_some_and(|(_, paused)| *paused)
    }

    /// The group has taken it for another one of its name: it is no member any more, and joins as a new one once it has
    /// let go of everything.
    pub fn evict(&mut self, kafka: &mut Kafka) {
        kafka.group().remove(self.member);
        self.positions.clear();
        self.ends_told.clear();
        self.restores.clear();
    }

    // ---- events

    /// The next event: of the group, of a changelog, or rows. None: nothing is there now.
    pub fn poll(&mut self, kafka: &mut Kafka, schedule: &mut impl Schedule) -> Option<Event> {
        match kafka.group().poll(self.member) {
            Notice::Nothing => {}
            Notice::Revoked => return Some(Event::Revoked),
            Notice::Lost => return Some(Event::Lost),
            Notice::Assigned(generation, partitions) => {
                self.epoch = Epoch(self.epoch.0 + 1);
                self.captured.insert(self.epoch, (self.member, generation));
                return Some(Event::Assigned { epoch: self.epoch, partitions });
            }
        }
        if !self.restores.is_empty() {
            let i = schedule.pick(self.restores.len());
            if let Some(event) = self.restore(i, kafka, schedule.restore_records()) {
                return Some(event);
            }
        }
        self.fetch(kafka, schedule)
    }

    fn restore(&mut self, i: usize, kafka: &Kafka, records_max: usize) -> Option<Event> {
        let restore = &mut self.restores[i];
        if restore.position >= restore.end {
            let done = self.restores.remove(i);
            return Some(Event::Restored { epoch: done.epoch, source: done.source });
        }
        let (records, next) = kafka.fetch(&restore.changelog, restore.position, records_max);
        if next == restore.position {
            return None;
        }
        restore.position = next;
        let mut rows = Rows::new();
        for (_, record) in records {
            record.push_to(&mut rows);
        }
        Some(Event::RestoreRows { epoch: restore.epoch, source: restore.source.clone(), rows })
    }

    fn fetch(&mut self, kafka: &Kafka, schedule: &mut impl Schedule) -> Option<Event> {
        let n = self.positions.len();
        let first = if n == 0 { 0 } else { schedule.pick(n) };
        for i in 0..n {
            let (source, (position, paused)) = self.positions.iter_mut().nth((first + i) % n)?;
            if *paused {
                continue;
            }
            let (records, mut next) = kafka.fetch(source, *position, schedule.batch_records());
            let mut batch =
                Batch { source: source.clone(), epoch: self.epoch, offsets: Vec::new(), rows: Rows::new() };
            for (offset, record) in records {
                if !batch.offsets.is_empty()
                    && batch.rows.data.len() + record.bytes() > schedule.batch_bytes()
                {
                    next = offset;
                    break;
                }
                batch.offsets.push(offset);
                record.push_to(&mut batch.rows);
            }
            *position = next;
            if !batch.offsets.is_empty() {
                return Some(Event::Batch(batch));
            }
            if self.ends_told.get(source) != Some(&next) {
                self.ends_told.insert(source.clone(), next);
                return Some(Event::PartitionEnd {
                    epoch: self.epoch,
                    source: source.clone(),
                    position: next,
                });
            }
        }
        None
    }

    // ---- effects

    /// Performs an effect of the machine with this topology.
    ///
    /// # Panics
    /// When a topic of the topology was not created.
    pub fn perform(&mut self, kafka: &mut Kafka, effect: &Effect, topology: &Topology) -> Performed {
        match effect {
            Effect::Locate { epoch, partitions } => match Self::locate(kafka, *epoch, partitions) {
                Some(event) => Performed::Done(Some(event)),
                None => Performed::Blocked,
            },
            Effect::Assign { starts, .. } => self.assign(starts),
            Effect::Restore { epoch, source, changelog } => {
                self.begin_restore(*epoch, source, changelog, kafka.end(changelog));
                Performed::Done(None)
            }
            Effect::Seek { source, offset } => {
                self.ends_told.remove(source);
                self.positions.insert(source.clone(), (*offset, false));
                Performed::Done(None)
            }
            Effect::Pause { source } => {
                if let Some((_, paused)) = self.positions.get_mut(source) {
                    *paused = true;
                }
                Performed::Done(None)
            }
            Effect::Begin | Effect::Report(_) => Performed::Done(None),
            Effect::Send(outgoing) => self.send(kafka, outgoing, topology),
            Effect::SendOffsets { epoch, offsets } => {
                self.send_offsets(kafka, self.identity(*epoch), offsets)
            }
            Effect::Commit => match kafka.end_transaction(&self.id, self.producer_epoch, true) {
                Ok(()) => Performed::Done(Some(Event::Committed { clean: true })),
                Err(refused) => Performed::Failed(failure(refused)),
            },
            Effect::Abort => self.abort(kafka),
            Effect::NewProducer => match kafka.init(&self.id) {
                Ok(epoch) => {
                    self.producer_epoch = epoch;
                    Performed::Done(Some(Event::ProducerReady))
                }
                Err(_) => Performed::Blocked,
            },
            Effect::Unassign => {
                self.unassign(kafka);
                Performed::Done(None)
            }
            Effect::Stop(stop) => Performed::Stopped(stop.clone()),
        }
    }

    fn locate(kafka: &Kafka, epoch: Epoch, partitions: &[TopicPartition]) -> Option<Event> {
        let mut starts = Vec::new();
        for source in partitions {
            let start = match kafka.committed(source).ok()? {
                Some((offset, metadata)) => Start::Committed { offset, metadata },
                None => Start::Reset { offset: 0 },
            };
            starts.push((source.clone(), start));
        }
        Some(Event::Located { epoch, starts })
    }

    fn assign(&mut self, starts: &[Assignment]) -> Performed {
        self.ends_told.clear();
        let positions = starts.iter().map(|start| (start.source.clone(), (start.offset, start.paused)));
        self.positions = positions.collect();
        Performed::Done(None)
    }

    /// Reads the changelog of a task from its start to `end`; what [`Effect::Restore`] does with the end that is
    /// seen now.
    pub fn begin_restore(
        &mut self,
        epoch: Epoch,
        source: &TopicPartition,
        changelog: &TopicPartition,
        end: Offset,
    ) {
        self.go_on_with_restore(epoch, source, changelog, (0, end));
    }

    /// The same from an offset on, behind a snapshot.
    pub fn go_on_with_restore(
        &mut self,
        epoch: Epoch,
        source: &TopicPartition,
        changelog: &TopicPartition,
        (position, end): (Offset, Offset),
    ) {
        self.restores.retain(|restore| restore.source != *source);
        let (source, changelog) = (source.clone(), changelog.clone());
        self.restores.push(Restore { epoch, source, changelog, position, end });
    }

    /// Forgets that the end of a partition was told.
    pub fn tell_end_again(&mut self, source: &TopicPartition) {
        self.ends_told.remove(source);
    }

    fn send(&mut self, kafka: &mut Kafka, outgoing: &Outgoing, topology: &Topology) -> Performed {
        let topic = match outgoing.target {
            Target::Output => Some(&topology.output),
            Target::Repartition => topology.repartition.as_ref(),
            Target::Changelog(_) => topology.changelog.as_ref(),
            Target::DeadLetter => Some(&topology.dead_letter),
        };
        let topic = topic.expect("the topology has this topic");
        let partitions = kafka.partitions(topic);
        for i in 0..outgoing.rows.len() {
            let partition = match (outgoing.target, outgoing.rows.key(i)) {
                (Target::Changelog(partition), _) => partition,
                (_, Some(key)) => partition_of(key, partitions),
                (_, None) => 0,
            };
            let at = TopicPartition { topic: topic.clone(), partition };
            match kafka.send(&self.id, self.producer_epoch, &at, Record::of_row(&outgoing.rows, i)) {
                Ok(_) => {}
                // Markers of the transaction before: only a first row of a transaction can meet them.
                Err(Refused::Later) => return Performed::Blocked,
                Err(refused) => return Performed::Failed(failure(refused)),
            }
        }
        Performed::Done(None)
    }

    /// Adds offsets to the open transaction, as this identity in the group.
    pub fn send_offsets(
        &mut self,
        kafka: &mut Kafka,
        identity: Identity,
        offsets: &[CommitOffset],
    ) -> Performed {
        match kafka.send_offsets(&self.id, self.producer_epoch, identity, offsets) {
            Ok(()) => Performed::Done(None),
            Err(Refused::Later) => Performed::Blocked,
            Err(refused) => Performed::Failed(failure(refused)),
        }
    }

    fn abort(&mut self, kafka: &mut Kafka) -> Performed {
        if kafka.is_open(&self.id)
            && let Err(refused) = kafka.end_transaction(&self.id, self.producer_epoch, false)
        {
            return Performed::Failed(failure(refused));
        }
        Performed::Done(Some(Event::Aborted))
    }

    fn unassign(&mut self, kafka: &mut Kafka) {
        self.positions.clear();
        self.ends_told.clear();
        self.restores.clear();
        if kafka.group().poll(self.member) == Notice::Lost {
            self.member = kafka.group().join();
        } else {
            kafka.group().release(self.member);
        }
    }
}

/// What a refusal is to the machine.
fn failure(refused: Refused) -> Failure {
    match refused {
        Refused::Fenced => Failure::ProducerLost("fenced".into()),
        Refused::Stale => Failure::Stale("illegal generation".into()),
        Refused::Later => Failure::Abortable("try again later".into()),
    }
}
