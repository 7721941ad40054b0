//! What a broker is started with, and its limits.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

/// How to start a [`Broker`](crate::Broker).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Where it listens; port 0: any free one. Nobody is asked for a password, so this should be loopback.
    pub listen: SocketAddr,
    /// Partitions of a topic that is created without a number.
    pub partitions_default: u32,
    /// A topic that a client asks for, and that may be created for it, is.
    pub auto_create_topics: bool,
    /// How long a group that was empty waits for more members, as `group.initial.rebalance.delay.ms` of Kafka: workers
    /// that start together then share out partitions once.
    pub first_rebalance_delay: Duration,
    /// What stops clients from taking all of the machine.
    pub limits: Limits,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            listen: (Ipv4Addr::LOCALHOST, 0).into(),
            partitions_default: 1,
            auto_create_topics: false,
            first_rebalance_delay: Duration::from_millis(200),
            limits: Limits::default(),
        }
    }
}

/// Bounds, each with what it stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Connections at once; another one is closed. Stops a client that leaks them: each has a thread.
    pub connections_max: usize,
    /// Bytes of a request. Stops a stranger's bytes from being taken for a huge length.
    pub frame_bytes_max: usize,
    /// Bytes of a record batch, as `message.max.bytes` of Kafka.
    pub batch_bytes_max: usize,
    /// Bytes of a response to a fetch, whatever the client would take.
    pub fetch_bytes_max: usize,
    /// Bytes of all logs. Above it the oldest batches go of topics that may lose them; if there are none, producers are
    /// refused.
    pub memory_bytes_max: usize,
    /// Partitions of all topics. Stops a typing error in a number of partitions.
    pub partitions_max: u32,
    /// Bytes of the metadata of a committed offset.
    pub offset_metadata_bytes_max: usize,
    /// How long a transaction may ask to last, as `transaction.max.timeout.ms` of Kafka.
    pub transaction_timeout_max: Duration,
    /// The shortest session of a member.
    pub session_timeout_min: Duration,
    /// The longest session of a member.
    pub session_timeout_max: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections_max: 500,
            frame_bytes_max: 64 << 20,
            batch_bytes_max: 1_048_588,
            fetch_bytes_max: 52_428_800,
            memory_bytes_max: 512 << 20,
            partitions_max: 10_000,
            offset_metadata_bytes_max: 4096,
            transaction_timeout_max: Duration::from_mins(15),
            session_timeout_min: Duration::from_secs(1),
            session_timeout_max: Duration::from_mins(30),
        }
    }
}
