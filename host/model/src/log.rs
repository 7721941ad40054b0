//! One log: what was appended, the transactions that are open in it, and how far a reader of committed records
//! may go.

use crate::sequence::Sequences;
use crate::transactions::TransactionNo;
use alloc::collections::{BTreeMap, VecDeque};
use alloc::vec::Vec;
use host_core::record::Offset;

/// What stands at one place of a log: a record in simulations, a batch of records in a broker.
pub trait Content {
    /// How many offsets it takes; at least 1.
    fn offsets(&self) -> Offset {
        1
    }

    /// What it counts towards the size of the log.
    fn bytes(&self) -> usize;
}

/// The end of a transaction, as it stands in a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Marker {
    /// Whose transaction.
    pub producer: u64,
    /// The producer's epoch when it ended.
    pub epoch: u32,
    /// Or it aborts.
    pub commits: bool,
    /// When it landed, in milliseconds.
    pub timestamp: i64,
}

/// What stands at an offset.
#[derive(Clone, Debug)]
pub enum Entry<R> {
    /// Written by a client; in a transaction, or not.
    Data(Option<TransactionNo>, R),
    /// Written by the brokers.
    Marker(Marker),
}

impl<R: Content> Entry<R> {
    fn offsets(&self) -> Offset {
        match self {
            Self::Data(_, content) => content.offsets(),
            Self::Marker(_) => 1,
        }
    }

    fn bytes(&self) -> usize {
        match self {
            Self::Data(_, content) => content.bytes(),
            Self::Marker(_) => 0,
        }
    }
}

/// A transaction that was aborted in a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Aborted {
    /// Whose transaction.
    pub producer: u64,
    /// Of its first record here.
    pub first: Offset,
    /// Where its marker stands.
    pub marker: Offset,
}

/// The log of one partition.
#[derive(Clone, Debug)]
pub struct Log<R> {
    start: Offset,
    end: Offset,
    /// By their first offset, which rises; there may be gaps where something was cleaned away.
    entries: VecDeque<(Offset, Entry<R>)>,
    bytes: usize,
    /// The first offset here of each transaction that has no marker here yet.
    open: BTreeMap<TransactionNo, Offset>,
    aborted: Vec<Aborted>,
    /// What idempotent producers have written last.
    pub sequences: Sequences,
}

impl<R> Default for Log<R> {
    fn default() -> Self {
        Self {
            start: 0,
            end: 0,
            entries: VecDeque::new(),
            bytes: 0,
            open: BTreeMap::new(),
            aborted: Vec::new(),
            sequences: Sequences::default(),
        }
    }
}

impl<R: Content> Log<R> {
    /// The first offset that can be read.
    pub fn start(&self) -> Offset {
        self.start
    }

    /// The offset behind the last entry.
    pub fn end(&self) -> Offset {
        self.end
    }

    /// The last stable offset: before the first entry whose transaction has no marker here yet.
    pub fn last_stable(&self) -> Offset {
        self.open.values().min().copied().unwrap_or(self.end)
    }

    /// The size of all entries.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Appends; answers the first offset.
    pub(crate) fn append(&mut self, transaction: Option<TransactionNo>, content: R) -> Offset {
        if let Some(no) = transaction {
            self.open.entry(no).or_insert(self.end);
        }
        self.push(Entry::Data(transaction, content))
    }

    /// Ends a transaction here.
    pub(crate) fn land(&mut self, no: TransactionNo, marker: Marker) {
        let at = self.push(Entry::Marker(marker));
        if let Some(first) = self.open.remove(&no)
            && !marker.commits
        {
            self.aborted.push(Aborted { producer: marker.producer, first, marker: at });
        }
    }

    fn push(&mut self, entry: Entry<R>) -> Offset {
        let at = self.end;
        self.end += entry.offsets();
        self.bytes += entry.bytes();
        self.entries.push_back((at, entry));
        at
    }

    /// The entries from the one on that holds `position`, with their first offsets.
    pub fn from(&self, position: Offset) -> impl DoubleEndedIterator<Item = (Offset, &Entry<R>)> {
        let first = self.entries.partition_point(|(at, entry)| at + entry.offsets() <= position);
        self.entries.range(first..).map(|(at, entry)| (*at, entry))
    }

    /// Transactions that a reader of `from..to` must know to be aborted.
    pub fn aborted(&self, from: Offset, to: Offset) -> impl Iterator<Item = &Aborted> {
        self.aborted.iter().filter(move |aborted| aborted.marker >= from && aborted.first < to)
    }

    /// Forgets what lies before `offset`; an entry that holds it stays whole.
    pub fn delete_before(&mut self, offset: Offset) {
        self.start = self.start.max(offset.min(self.end));
        while let Some((at, entry)) = self.entries.front()
            && at + entry.offsets() <= self.start
        {
            self.bytes -= entry.bytes();
            self.entries.pop_front();
        }
        self.aborted.retain(|aborted| aborted.marker >= self.start);
    }

    /// Puts something smaller in the place of contents before `end`, or nothing, and takes the markers there away: so
    /// `clean` must leave nothing of an aborted transaction whose marker lies there. What it answers takes as many
    /// offsets as what it was given; none: it stays as it is.
    pub fn clean(&mut self, end: Offset, mut clean: impl FnMut(Offset, &R) -> Option<Cleaned<R>>) {
        let mut bytes = 0;
        self.entries.retain_mut(|(at, entry)| {
            if *at < end {
                let Entry::Data(_, content) = entry else { return false };
                match clean(*at, content) {
                    None => {}
                    Some(Cleaned::Smaller(smaller)) => *content = smaller,
                    Some(Cleaned::Gone) => return false,
                }
            }
            bytes += entry.bytes();
            true
        });
        self.bytes = bytes;
        self.aborted.retain(|aborted| aborted.marker >= end);
    }
}

/// What is left of a content.
#[derive(Clone, Debug)]
pub enum Cleaned<R> {
    /// A part.
    Smaller(R),
    /// Nothing.
    Gone,
}
