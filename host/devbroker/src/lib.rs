#![forbid(unsafe_code)]
//! An embedded broker: one node, in memory, that speaks the Kafka protocol on loopback. For trying and testing, not
//! for production: what it holds is gone when it ends.
//!
//! What Kafka promises (transactions, fencing, groups, offsets) is the model's business ([`host_model`]), the same
//! that simulations run on; here are the sockets, the messages, the clock, and what keeps memory bounded. A conformance
//! suite compares it with Apache Kafka.
//!
//! ```text
//! connection ── frame ──> api ── under one lock ──> state: the model, topics, members, deadlines
//!                                                      ^
//!                          clock: sessions, transactions, retention, compaction
//! ```
//!
//! A thread a connection, no async: a request that has to wait (a fetch, a join) waits on one condition variable, which
//! every change wakes.

mod api;
mod batch;
mod cleaner;
mod clock;
mod configs;
mod connection;
mod records;
mod retention;
mod server;
mod settings;
mod state;

pub use server::Broker;
pub use settings::{Limits, Settings};
