//! What all connections share, under one lock.

use crate::api::members::Members;
use crate::batch::Batch;
use crate::configs::TopicConfigs;
use crate::settings::Settings;
use host_core::record::TopicPartition;
use host_model::Kafka;
use kafka_protocol::error::ResponseError;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::AtomicBool;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use uuid::Uuid;

/// Of the one node.
pub(crate) const NODE_ID: i32 = 1;
pub(crate) const CLUSTER_ID: &str = "wasmhost-dev";
/// A partition has had one leader only.
pub(crate) const LEADER_EPOCH: i32 = 0;

/// A topic, beside its logs.
#[derive(Clone, Debug)]
pub(crate) struct Topic {
    pub(crate) id: Uuid,
    pub(crate) configs: TopicConfigs,
}

/// A transactional id's open transaction, as the clock sees it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadline {
    pub(crate) timeout: Duration,
    /// None: nothing is open.
    pub(crate) began: Option<Instant>,
}

/// Everything that changes.
#[derive(Default)]
pub(crate) struct State {
    pub(crate) kafka: Kafka<Batch>,
    pub(crate) topics: BTreeMap<String, Topic>,
    topics_created: u128,
    /// What the model does not know of a group's members.
    pub(crate) members: BTreeMap<String, Members>,
    pub(crate) deadlines: BTreeMap<String, Deadline>,
    /// Bytes of a log when it was last cleaned.
    pub(crate) cleaned: BTreeMap<TopicPartition, usize>,
    /// Bytes of all logs, or a little more: what goes is noticed later.
    pub(crate) bytes: usize,
    /// Logs are at their limit, and nothing may go.
    pub(crate) is_full: bool,
}

impl State {
    pub(crate) fn create(&mut self, name: &str, partitions: u32, configs: TopicConfigs) {
        self.topics_created += 1;
        // Any number but 0, which stands for no id.
        let id = Uuid::from_u128(self.topics_created << 64 | u128::from(wall_ms().cast_unsigned()));
        self.topics.insert(name.to_owned(), Topic { id, configs });
        self.kafka.create(name, partitions);
    }

    pub(crate) fn delete(&mut self, name: &str) {
        self.topics.remove(name);
        self.kafka.delete(name);
        self.cleaned.retain(|at, _| at.topic != name);
    }

    /// The partition of a request, if it is there.
    pub(crate) fn partition(&self, topic: &str, partition: i32) -> Result<TopicPartition, ResponseError> {
        let number = u32::try_from(partition).map_err(|_| ResponseError::UnknownTopicOrPartition)?;
        let at = TopicPartition::new(topic, number);
        self.kafka.log(&at).is_some().then_some(at).ok_or(ResponseError::UnknownTopicOrPartition)
    }

    /// Markers land as soon as a transaction has ended: there is no other node that would have to hear of it first.
    pub(crate) fn land_markers(&mut self) {
        self.kafka.now_ms = wall_ms();
        while self.kafka.has_markers_under_way() {
            self.kafka.land_marker(|_| 0);
        }
    }
}

/// The state, who waits for it to change, and what never changes.
pub(crate) struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    pub(crate) settings: Settings,
    advertised: Mutex<SocketAddr>,
    pub(crate) is_stopping: AtomicBool,
}

impl Shared {
    pub(crate) fn new(settings: Settings, address: SocketAddr) -> Self {
        Self {
            state: Mutex::default(),
            changed: Condvar::new(),
            settings,
            advertised: Mutex::new(address),
            is_stopping: AtomicBool::new(false),
        }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where clients are told to go.
    pub(crate) fn advertised(&self) -> SocketAddr {
        *self.advertised.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn advertise(&self, address: SocketAddr) {
        *self.advertised.lock().unwrap_or_else(PoisonError::into_inner) = address;
    }

    /// Something has changed: everybody who waits looks again.
    pub(crate) fn changed(&self) {
        self.changed.notify_all();
    }

    /// Waits until something changes, or until `deadline`.
    pub(crate) fn wait<'a>(&self, state: MutexGuard<'a, State>, deadline: Instant) -> MutexGuard<'a, State> {
        let left = deadline.saturating_duration_since(Instant::now());
        self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.is_stopping.load(std::sync::atomic::Ordering::Relaxed)
    }
}

/// Milliseconds since 1970.
pub(crate) fn wall_ms() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_millis() as i64)
}

/// The code of a response: 0 when all is well.
pub(crate) fn code(result: Result<(), ResponseError>) -> i16 {
    result.err().map_or(0, |error| error.code())
}
