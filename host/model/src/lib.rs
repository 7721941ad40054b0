#![no_std]
#![forbid(unsafe_code)]
//! A model of Kafka in memory: the rules that exactly-once rests on and nothing else, and a client that performs
//! the effects of a [`host_core::Machine`] on it as the real shell does on real brokers.
//!
//! It reads no clock, has no thread and no randomness: what may happen in several orders is chosen by the
//! caller, so that a history replays exactly. The simulator breaks it on purpose; `host test` runs a module on
//! it without any broker; the embedded broker puts it on a socket.

extern crate alloc;

mod application;
mod client;
pub mod eager;
pub mod group;
mod kafka;
pub mod log;
mod random;
mod record;
pub mod sequence;
mod transactions;

pub use client::{Client, Performed, Schedule};
pub use kafka::Kafka;
pub use random::Random;
pub use record::{Headers, Record};
pub use transactions::{Refused, TransactionNo};
