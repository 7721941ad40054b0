//! Producers with a transactional id and their transactions.
//!
//! ```text
//!     none ── open ──> ongoing ── end, init or time out ──> ended ── all markers have landed ──> none
//! ```

use crate::group::Identity;
use crate::kafka::Kafka;
use crate::log::{Content, Marker};
use alloc::collections::BTreeSet;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use host_core::effect::CommitOffset;
use host_core::record::{Offset, TopicPartition};

/// Transactions are counted from 0.
pub type TransactionNo = u64;

/// The last epoch of a producer id, as the protocol has 16 bits for it; then the producer gets another id.
const EPOCH_MAX: u32 = i16::MAX as u32 - 1;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Ongoing,
    Committed,
    Aborted,
}

/// Where the marker of a transaction has to land.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Place {
    Log(TopicPartition),
    /// Of this group.
    Offsets(String),
}

#[derive(Clone, Debug)]
pub(crate) struct Transaction {
    pub(crate) outcome: Outcome,
    places: BTreeSet<Place>,
    offsets: Vec<(String, CommitOffset)>,
    producer: u64,
    epoch: u32,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Producer {
    number: u64,
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

impl<R: Content> Kafka<R> {
    /// A producer id that nobody has.
    pub fn new_producer_id(&mut self) -> u64 {
        self.next_producer += 1;
        self.next_producer
    }

    /// A new producer with this transactional id: fences the one before and settles its transaction. Answers its
    /// epoch.
    ///
    /// # Errors
    /// `Later` until the markers have landed.
    pub fn init(&mut self, id: &str) -> Result<u32, Refused> {
        let known = self.producers.get(id).map_or((0, 0), |producer| (producer.number, producer.epoch));
        let (number, epoch) = match known {
            (0, _) | (_, EPOCH_MAX) => (self.new_producer_id(), 1),
            (number, epoch) => (number, epoch + 1),
        };
        let producer = self.producers.entry(id.to_string()).or_default();
        (producer.number, producer.epoch) = (number, epoch);
        let Some(no) = producer.current else { return Ok(epoch) };
        if let Some(transaction) = self.transactions.get_mut(&no)
            && transaction.outcome == Outcome::Ongoing
        {
            (transaction.outcome, transaction.epoch) = (Outcome::Aborted, epoch);
        }
        self.settled(id)?;
        Ok(epoch)
    }

    /// Id and epoch of the producer that has this transactional id now.
    pub fn producer(&self, id: &str) -> Option<(u64, u32)> {
        self.producers.get(id).map(|producer| (producer.number, producer.epoch))
    }

    fn settled(&mut self, id: &str) -> Result<(), Refused> {
        let producer = self.producers.get_mut(id).expect("a producer inits first");
        let Some(no) = producer.current else { return Ok(()) };
        let transaction = &self.transactions[&no];
        if transaction.outcome == Outcome::Ongoing {
            return Ok(());
        }
        if !transaction.places.is_empty() {
            return Err(Refused::Later);
        }
        if transaction.outcome == Outcome::Aborted {
            self.aborted.insert(no);
        }
        self.transactions.remove(&no);
        producer.current = None;
        Ok(())
    }

    fn open(&mut self, id: &str, epoch: u32) -> Result<TransactionNo, Refused> {
        if self.producers[id].epoch != epoch {
            return Err(Refused::Fenced);
        }
        self.settled(id)?;
        let producer = self.producers.get_mut(id).expect("a producer inits first");
        if let Some(no) = producer.current {
            return Ok(no);
        }
        let no = self.next_transaction;
        self.next_transaction += 1;
        producer.current = Some(no);
        let (places, offsets, producer) = (BTreeSet::new(), Vec::new(), producer.number);
        let transaction = Transaction { outcome: Outcome::Ongoing, places, offsets, producer, epoch };
        self.transactions.insert(no, transaction);
        Ok(no)
    }

    fn opened(&mut self, id: &str, epoch: u32) -> Result<&mut Transaction, Refused> {
        let no = self.open(id, epoch)?;
        Ok(self.transactions.get_mut(&no).expect("it is open"))
    }

    /// Adds a log to the producer's transaction, which opens with it.
    ///
    /// # Errors
    /// `Fenced`, or `Later`.
    pub fn enlist(&mut self, id: &str, epoch: u32, at: &TopicPartition) -> Result<(), Refused> {
        self.opened(id, epoch)?.places.insert(Place::Log(at.clone()));
        Ok(())
    }

    /// Adds a group's offsets to the producer's transaction, which opens with it.
    ///
    /// # Errors
    /// `Fenced`, or `Later`.
    pub fn enlist_offsets(&mut self, id: &str, epoch: u32, group: &str) -> Result<(), Refused> {
        self.opened(id, epoch)?.places.insert(Place::Offsets(group.to_string()));
        Ok(())
    }

    /// True if the producer's open transaction has this log in it.
    pub fn is_enlisted(&self, id: &str, at: &TopicPartition) -> bool {
        let current = self.producers.get(id).and_then(|producer| producer.current);
        let transaction = current.and_then(|no| self.transactions.get(&no));
        transaction
            .is_some_and(|t| t.outcome == Outcome::Ongoing && t.places.contains(&Place::Log(at.clone())))
    }

    /// Writes in the producer's transaction; answers the first offset.
    ///
    /// # Errors
    /// `Fenced`, or `Later`.
    pub fn send(&mut self, id: &str, epoch: u32, at: &TopicPartition, content: R) -> Result<Offset, Refused> {
        self.enlist(id, epoch, at)?;
        let no = self.open(id, epoch)?;
        Ok(self.log_mut(at).append(Some(no), content))
    }

    /// Adds offsets of a group to the producer's transaction.
    ///
    /// # Errors
    /// `Fenced`, `Stale`, or `Later`.
    pub fn send_offsets_of(
        &mut self,
        (id, epoch): (&str, u32),
        group: &str,
        member: Identity,
        offsets: impl IntoIterator<Item = CommitOffset>,
    ) -> Result<(), Refused> {
        self.open(id, epoch)?;
        if !self.group_named(group).accepts(member) {
            return Err(Refused::Stale);
        }
        let transaction = self.opened(id, epoch)?;
        transaction.places.insert(Place::Offsets(group.to_string()));
        transaction.offsets.extend(offsets.into_iter().map(|offset| (group.to_string(), offset)));
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
        let transaction = self.transactions.get_mut(&no).expect("it is current");
        let asked = if commit { Outcome::Committed } else { Outcome::Aborted };
        if transaction.outcome == Outcome::Ongoing {
            transaction.outcome = asked;
        }
        if transaction.outcome == asked { Ok(()) } else { Err(Refused::Fenced) }
    }

    /// True if the producer has an open transaction.
    pub fn is_open(&self, id: &str) -> bool {
        let current = self.producers.get(id).and_then(|producer| producer.current);
        current.is_some_and(|no| self.transactions[&no].outcome == Outcome::Ongoing)
    }

    /// The coordinator gives up on an open transaction: it aborts it and fences the producer.
    pub fn time_out(&mut self, id: &str) {
        if self.is_open(id) {
            let producer = self.producers.get_mut(id).expect("it has an open transaction");
            producer.epoch += 1;
            let no = producer.current.expect("it has an open transaction");
            let transaction = self.transactions.get_mut(&no).expect("it is current");
            (transaction.outcome, transaction.epoch) = (Outcome::Aborted, producer.epoch);
        }
    }

    // ---- markers

    fn unlanded(&self) -> impl Iterator<Item = (TransactionNo, &Place)> {
        let ended =
            self.transactions.iter().filter(|(_, transaction)| transaction.outcome != Outcome::Ongoing);
        ended.flat_map(|(no, transaction)| transaction.places.iter().map(move |place| (*no, place)))
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
        let timestamp = self.now_ms;
        let transaction = self.transactions.get_mut(&no).expect("it has unlanded markers");
        transaction.places.remove(&place);
        let commits = transaction.outcome == Outcome::Committed;
        match place {
            Place::Log(at) => {
                let (producer, epoch) = (transaction.producer, transaction.epoch);
                // The topic may have been deleted meanwhile.
                if let Some(log) = self.logs.get_mut(&at) {
                    log.sequences.raise(producer, epoch);
                    log.land(no, Marker { producer, epoch, commits, timestamp });
                }
            }
            Place::Offsets(group) => {
                let (mine, others) = core::mem::take(&mut transaction.offsets)
                    .into_iter()
                    .partition(|(name, _)| *name == group);
                transaction.offsets = others;
                if commits {
                    let mine: Vec<(String, CommitOffset)> = mine;
                    self.group_named(&group).commit(mine.into_iter().map(|(_, offset)| offset));
                }
            }
        }
    }

    /// The stable committed offset of a partition.
    ///
    /// # Errors
    /// `Later` while a transaction holds an offset of it.
    pub fn committed_of(
        &self,
        group: &str,
        at: &TopicPartition,
    ) -> Result<Option<(Offset, String)>, Refused> {
        let holds = |t: &Transaction| {
            t.places.iter().any(|place| matches!(place, Place::Offsets(name) if name == group))
                && t.offsets.iter().any(|(name, offset)| name == group && offset.source == *at)
        };
        if self.transactions.values().any(holds) {
            return Err(Refused::Later);
        }
        Ok(self.groups.get(group).and_then(|group| group.committed(at).cloned()))
    }
}
