//! A model of Kafka: logs with transactions, markers that land late, producer epochs, last stable offsets,
//! and the offsets of one group. It keeps the rules that exactly-once rests on and nothing else.

use crate::group::{Group, Identity};
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use host_core::effect::CommitOffset;
use host_core::record::{Offset, Row, Rows, TopicPartition};

/// Headers of a record: names and values, a null value as none.
pub type Headers = Vec<(Vec<u8>, Option<Vec<u8>>)>;

/// A stored record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// None: null.
    pub key: Option<Vec<u8>>,
    /// None: null.
    pub value: Option<Vec<u8>>,
    /// Milliseconds.
    pub timestamp: i64,
    /// In their order; a name may come twice.
    pub headers: Headers,
}

impl Record {
    /// A record without headers.
    pub fn of(row: Row<'_>) -> Self {
        Self {
            key: row.key.map(Into::into),
            value: row.value.map(Into::into),
            timestamp: row.timestamp,
            headers: Vec::new(),
        }
    }

    /// Row `i` of `rows`, with its headers.
    pub fn of_row(rows: &Rows, i: usize) -> Self {
        let headers = rows.headers(i).map(|(name, value)| (name.into(), value.map(Into::into)));
        Self { headers: headers.collect(), ..Self::of(rows.row(i)) }
    }

    /// Bytes of its key and value.
    pub fn bytes(&self) -> usize {
        self.key.as_ref().map_or(0, Vec::len) + self.value.as_ref().map_or(0, Vec::len)
    }

    /// Appends it to `rows`.
    pub fn push_to(&self, rows: &mut Rows) {
        let row = Row { key: self.key.as_deref(), value: self.value.as_deref(), timestamp: self.timestamp };
        let headers = self.headers.iter().map(|(name, value)| (name.as_slice(), value.as_deref()));
        rows.push_with_headers(row, headers);
    }
}

type TransactionNo = u64;

#[derive(Clone, Debug)]
enum Slot {
    Data(Option<TransactionNo>, Record),
    Marker,
}

#[derive(Clone, Debug, Default)]
struct Log {
    slots: Vec<Slot>,
    /// The last stable offset; it never falls.
    stable: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Ongoing,
    Committed,
    Aborted,
}

/// Where the marker of a transaction has to land.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    Log(TopicPartition),
    Offsets,
}

#[derive(Clone, Debug)]
struct Transaction {
    outcome: Outcome,
    places: BTreeSet<Place>,
    offsets: Vec<CommitOffset>,
}

#[derive(Clone, Debug, Default)]
struct Producer {
    epoch: u32,
    current: Option<TransactionNo>,
}

/// Why a request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// A newer producer epoch is there.
    Fenced,
    /// The group does not know this member or generation.
    Stale,
    /// Not now: markers of the transaction before have not landed, or offsets are not stable.
    Later,
}

/// The brokers.
#[derive(Clone, Debug, Default)]
pub struct Kafka {
    logs: BTreeMap<TopicPartition, Log>,
    transactions: Vec<Transaction>,
    /// Those that are open or have markers under way.
    unsettled: BTreeSet<TransactionNo>,
    producers: BTreeMap<String, Producer>,
    committed: BTreeMap<TopicPartition, (Offset, String)>,
    /// The consumer group.
    pub group: Group,
    /// End requests that a client has repeated and that are still under way: producer, epoch, commit.
    strays: Vec<(String, u32, bool)>,
}

impl Kafka {
    /// Makes a topic.
    pub fn create(&mut self, topic: &str, partitions: u32) {
        for partition in 0..partitions {
            self.logs.insert(TopicPartition::new(topic, partition), Log::default());
        }
    }

    /// The number of partitions of a topic.
    pub fn partitions(&self, topic: &str) -> u32 {
        self.logs.keys().filter(|tp| tp.topic == topic).count() as u32
    }

    /// All partitions of a topic.
    pub fn of_topic(&self, topic: &str) -> impl Iterator<Item = &TopicPartition> {
        self.logs.keys().filter(move |tp| tp.topic == topic)
    }

    /// Writes outside any transaction.
    pub fn append(&mut self, at: &TopicPartition, record: Record) {
        self.log_mut(at).slots.push(Slot::Data(None, record));
        self.note_stable(at);
    }

    /// Raises the last stable offset to before the first record whose transaction has no marker here yet.
    fn note_stable(&mut self, at: &TopicPartition) {
        let place = Place::Log(at.clone());
        let Some(log) = self.logs.get_mut(at) else { return };
        while let Some(slot) = log.slots.get(log.stable) {
            match slot {
                Slot::Data(Some(no), _) if self.transactions[*no as usize].places.contains(&place) => return,
                Slot::Data(..) | Slot::Marker => log.stable += 1,
            }
        }
    }

    fn log_mut(&mut self, at: &TopicPartition) -> &mut Log {
        self.logs.get_mut(at).expect("topics are created first")
    }

    /// The offset behind the last record or marker.
    pub fn end(&self, at: &TopicPartition) -> Offset {
        self.logs[at].slots.len() as Offset
    }

    /// The last stable offset: before the first record whose transaction has no marker here yet.
    pub fn last_stable(&self, at: &TopicPartition) -> Offset {
        self.logs[at].stable as Offset
    }

    /// Reads committed records from `position` up to `limit` of them, below the last stable offset. Answers
    /// the next position too, which may have passed markers and aborted records.
    pub fn fetch(
        &self,
        at: &TopicPartition,
        position: Offset,
        limit: usize,
    ) -> (Vec<(Offset, &Record)>, Offset) {
        let stable = self.last_stable(at);
        let mut out = Vec::new();
        let mut next = position;
        while next < stable && out.len() < limit {
            if let Slot::Data(no, record) = &self.logs[at].slots[next as usize]
                && self.is_committed(*no)
            {
                out.push((next, record));
            }
            next += 1;
        }
        (out, next)
    }

    /// All committed records of a topic, partition by partition: what a `read_committed` reader sees, once
    /// the transactions that are open today have ended.
    pub fn read_all(&self, topic: &str) -> Vec<(TopicPartition, Offset, Record)> {
        let mut out = Vec::new();
        for at in self.of_topic(topic) {
            for (offset, slot) in self.logs[at].slots.iter().enumerate() {
                if let Slot::Data(no, record) = slot
                    && self.is_committed(*no)
                {
                    out.push((at.clone(), offset as Offset, record.clone()));
                }
            }
        }
        out
    }

    fn is_committed(&self, no: Option<TransactionNo>) -> bool {
        no.is_none_or(|no| self.transactions[no as usize].outcome == Outcome::Committed)
    }

    // ---- producers

    /// A new producer with this transactional id: fences the one before and settles its transaction.
    ///
    /// # Errors
    /// `Later` until the markers have landed.
    pub fn init(&mut self, id: &str) -> Result<u32, Refused> {
        let producer = self.producers.entry(id.to_string()).or_default();
        producer.epoch += 1;
        let (epoch, current) = (producer.epoch, producer.current);
        let Some(no) = current else { return Ok(epoch) };
        let transaction = &mut self.transactions[no as usize];
        if transaction.outcome == Outcome::Ongoing {
            transaction.outcome = Outcome::Aborted;
        }
        self.settled(id)?;
        Ok(epoch)
    }

    fn settled(&mut self, id: &str) -> Result<(), Refused> {
        let producer = self.producers.get_mut(id).expect("a producer inits first");
        if let Some(no) = producer.current
            && self.transactions[no as usize].outcome != Outcome::Ongoing
        {
            if !self.transactions[no as usize].places.is_empty() {
                return Err(Refused::Later);
            }
            producer.current = None;
        }
        Ok(())
    }

    fn open(&mut self, id: &str, epoch: u32) -> Result<TransactionNo, Refused> {
        if self.producers[id].epoch != epoch {
            return Err(Refused::Fenced);
        }
        self.settled(id)?;
        let no = self.transactions.len() as TransactionNo;
        let producer = self.producers.get_mut(id).expect("a producer inits first");
        let current = *producer.current.get_or_insert(no);
        if current == no {
            let (places, offsets) = (BTreeSet::new(), Vec::new());
            self.transactions.push(Transaction { outcome: Outcome::Ongoing, places, offsets });
            self.unsettled.insert(no);
        }
        Ok(current)
    }

    /// Writes a record in the producer's transaction.
    ///
    /// # Errors
    /// `Fenced`, or `Later`.
    pub fn send(&mut self, id: &str, epoch: u32, at: &TopicPartition, record: Record) -> Result<(), Refused> {
        let no = self.open(id, epoch)?;
        self.transactions[no as usize].places.insert(Place::Log(at.clone()));
        self.log_mut(at).slots.push(Slot::Data(Some(no), record));
        Ok(())
    }

    /// Adds offsets to the producer's transaction.
    ///
    /// # Errors
    /// `Fenced`, `Stale`, or `Later`.
    pub fn send_offsets(
        &mut self,
        id: &str,
        epoch: u32,
        member: Identity,
        offsets: &[CommitOffset],
    ) -> Result<(), Refused> {
        let no = self.open(id, epoch)?;
        if !self.group.accepts(member) {
            return Err(Refused::Stale);
        }
        let transaction = &mut self.transactions[no as usize];
        transaction.places.insert(Place::Offsets);
        transaction.offsets.extend(offsets.iter().cloned());
        Ok(())
    }

    /// Ends the producer's transaction.
    ///
    /// # Errors
    /// `Fenced`: also when there is no open transaction.
    pub fn end_transaction(&mut self, id: &str, epoch: u32, commit: bool) -> Result<(), Refused> {
        let producer = &self.producers[id];
        let Some(no) = producer.current.filter(|_| producer.epoch == epoch) else {
            return Err(Refused::Fenced);
        };
        let transaction = &mut self.transactions[no as usize];
        let asked = if commit { Outcome::Committed } else { Outcome::Aborted };
        if transaction.outcome == Outcome::Ongoing {
            transaction.outcome = asked;
        }
        if transaction.outcome == asked { Ok(()) } else { Err(Refused::Fenced) }
    }

    /// True if the producer has an open transaction.
    pub fn is_open(&self, id: &str) -> bool {
        let current = self.producers.get(id).and_then(|producer| producer.current);
        current.is_some_and(|no| self.transactions[no as usize].outcome == Outcome::Ongoing)
    }

    /// The coordinator gives up on an open transaction: it aborts it and fences the producer.
    pub fn time_out(&mut self, id: &str) {
        if self.is_open(id) {
            let producer = self.producers.get_mut(id).expect("it has an open transaction");
            producer.epoch += 1;
            let no = producer.current.expect("it has an open transaction");
            self.transactions[no as usize].outcome = Outcome::Aborted;
        }
    }

    /// An end request was repeated; the first one arrives at some later time.
    pub fn stray(&mut self, id: &str, epoch: u32, commit: bool) {
        self.strays.push((id.to_string(), epoch, commit));
    }

    /// A stray end request arrives: without transactions v2 it ends whatever this epoch has open.
    pub fn deliver_stray(&mut self) -> bool {
        let Some((id, epoch, commit)) = self.strays.pop() else { return false };
        if self.is_open(&id) {
            let _ = self.end_transaction(&id, epoch, commit);
        }
        true
    }

    // ---- markers and offsets

    fn unlanded(&self) -> impl Iterator<Item = (TransactionNo, &Place)> {
        let unsettled = self.unsettled.iter().map(|no| (*no, &self.transactions[*no as usize]));
        let ended = unsettled.filter(|(_, transaction)| transaction.outcome != Outcome::Ongoing);
        ended.flat_map(|(no, transaction)| transaction.places.iter().map(move |place| (no, place)))
    }

    /// True while an ended transaction has markers under way.
    pub fn has_markers_under_way(&self) -> bool {
        self.unlanded().next().is_some()
    }

    /// One marker lands; `pick` chooses which among n.
    pub fn land_marker(&mut self, pick: impl FnOnce(usize) -> usize) {
        let all: Vec<_> = self.unlanded().map(|(no, place)| (no, place.clone())).collect();
        if all.is_empty() {
            return;
        }
        let (no, place) = all[pick(all.len())].clone();
        let transaction = &mut self.transactions[no as usize];
        transaction.places.remove(&place);
        if transaction.places.is_empty() {
            self.unsettled.remove(&no);
        }
        match place {
            Place::Log(at) => {
                self.log_mut(&at).slots.push(Slot::Marker);
                self.note_stable(&at);
            }
            Place::Offsets => {
                let transaction = &mut self.transactions[no as usize];
                let offsets = core::mem::take(&mut transaction.offsets);
                if transaction.outcome == Outcome::Committed {
                    self.commit(offsets);
                }
            }
        }
    }

    /// Commits offsets outside any transaction (what a broken shell would do).
    pub fn commit(&mut self, offsets: Vec<CommitOffset>) {
        for offset in offsets {
            self.committed.insert(offset.source, (offset.offset, offset.metadata));
        }
    }

    /// The committed offset of a partition, whatever is under way.
    pub fn last_committed(&self, at: &TopicPartition) -> Offset {
        self.committed.get(at).map_or(0, |(offset, _)| *offset)
    }

    /// The stable committed offset of a partition.
    ///
    /// # Errors
    /// `Later` while a transaction holds an offset of it.
    pub fn committed(&self, at: &TopicPartition) -> Result<Option<(Offset, String)>, Refused> {
        let holds = |no: &TransactionNo| {
            let t = &self.transactions[*no as usize];
            t.places.contains(&Place::Offsets) && t.offsets.iter().any(|offset| offset.source == *at)
        };
        if self.unsettled.iter().any(holds) {
            return Err(Refused::Later);
        }
        Ok(self.committed.get(at).cloned())
    }
}
