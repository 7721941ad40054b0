//! A model of Kafka: logs with transactions, markers that land late, producer epochs, last stable offsets,
//! groups and their offsets. It keeps the rules that exactly-once rests on and nothing else.

use crate::group::Group;
use crate::log::{Content, Log};
use crate::record::Record;
use crate::transactions::{Outcome, Producer, Transaction, TransactionNo};
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use host_core::record::{Offset, TopicPartition};

/// The brokers. `R`: what stands in a log; simulations write records one by one, a broker on a socket takes batches.
#[derive(Clone, Debug)]
pub struct Kafka<R = Record> {
    pub(crate) logs: BTreeMap<TopicPartition, Log<R>>,
    /// The current one of each producer: open, ended, or with markers under way.
    pub(crate) transactions: BTreeMap<TransactionNo, Transaction>,
    pub(crate) next_transaction: TransactionNo,
    /// Those that are over and were aborted.
    pub(crate) aborted: BTreeSet<TransactionNo>,
    pub(crate) producers: BTreeMap<String, Producer>,
    pub(crate) next_producer: u64,
    pub(crate) groups: BTreeMap<String, Group>,
    /// End requests that a client has repeated and that are still under way: producer, epoch, commit.
    pub(crate) strays: Vec<(String, u32, bool)>,
    /// The time that markers bear, in milliseconds.
    pub now_ms: i64,
}

impl<R> Default for Kafka<R> {
    fn default() -> Self {
        Self {
            logs: BTreeMap::new(),
            transactions: BTreeMap::new(),
            next_transaction: 0,
            aborted: BTreeSet::new(),
            producers: BTreeMap::new(),
            next_producer: 0,
            groups: BTreeMap::new(),
            strays: Vec::new(),
            now_ms: 0,
        }
    }
}

impl<R: Content> Kafka<R> {
    /// Makes a topic, or gives one more partitions.
    pub fn create(&mut self, topic: &str, partitions: u32) {
        for partition in 0..partitions {
            self.logs.entry(TopicPartition::new(topic, partition)).or_default();
        }
    }

    /// Deletes a topic, with the offsets that groups have committed of it.
    pub fn delete(&mut self, topic: &str) {
        self.logs.retain(|at, _| at.topic != topic);
        for group in self.groups.values_mut() {
            group.forget_topic(topic);
        }
    }

    /// The number of partitions of a topic.
    pub fn partitions(&self, topic: &str) -> u32 {
        self.of_topic(topic).count() as u32
    }

    /// All partitions of a topic.
    pub fn of_topic(&self, topic: &str) -> impl Iterator<Item = &TopicPartition> {
        self.logs
            .range(TopicPartition::new(topic, 0)..)
            .map(|(at, _)| at)
            .take_while(move |at| at.topic == topic)
    }

    /// A partition's log.
    pub fn log(&self, at: &TopicPartition) -> Option<&Log<R>> {
        self.logs.get(at)
    }

    /// All logs.
    pub fn logs_mut(&mut self) -> impl Iterator<Item = (&TopicPartition, &mut Log<R>)> {
        self.logs.iter_mut()
    }

    /// A partition's log.
    ///
    /// # Panics
    /// There is none.
    pub fn log_mut(&mut self, at: &TopicPartition) -> &mut Log<R> {
        self.logs.get_mut(at).expect("topics are created first")
    }

    /// Writes outside any transaction; answers the first offset.
    pub fn append(&mut self, at: &TopicPartition, content: R) -> Offset {
        self.log_mut(at).append(None, content)
    }

    /// The offset behind the last record or marker.
    pub fn end(&self, at: &TopicPartition) -> Offset {
        self.logs[at].end()
    }

    /// The last stable offset: before the first record whose transaction has no marker here yet.
    pub fn last_stable(&self, at: &TopicPartition) -> Offset {
        self.logs[at].last_stable()
    }

    pub(crate) fn is_committed(&self, no: Option<TransactionNo>) -> bool {
        let Some(no) = no else { return true };
        match self.transactions.get(&no) {
            Some(transaction) => transaction.outcome == Outcome::Committed,
            None => !self.aborted.contains(&no),
        }
    }

    // ---- groups

    /// The group of this name; it is there as soon as somebody names it.
    pub fn group_named(&mut self, name: &str) -> &mut Group {
        if !self.groups.contains_key(name) {
            self.groups.insert(name.to_string(), Group::default());
        }
        self.groups.get_mut(name).expect("it is there now")
    }

    /// The group of this name, if somebody has named it.
    pub fn find_group(&self, name: &str) -> Option<&Group> {
        self.groups.get(name)
    }

    /// The names of all groups.
    pub fn group_names(&self) -> impl Iterator<Item = &str> {
        self.groups.keys().map(String::as_str)
    }

    /// Forgets a group and its offsets.
    pub fn delete_group(&mut self, name: &str) {
        self.groups.remove(name);
    }
}
