#![no_std]
#![forbid(unsafe_code)]
//! A model of Kafka in memory: the rules that exactly-once rests on and nothing else, and a client that performs
//! the effects of a [`host_core::Machine`] on it as the real shell does on real brokers.
//!
//! It reads no clock, has no thread and no randomness: what may happen in several orders is chosen by the
//! caller, so that a history replays exactly. The simulator breaks it on purpose; `host test` runs a module on
//! it without any broker.

extern crate alloc;

mod client;
pub mod group;
mod kafka;
mod random;

pub use client::{Client, Performed, Schedule};
pub use kafka::{Headers, Kafka, Record, Refused};
pub use random::Random;
