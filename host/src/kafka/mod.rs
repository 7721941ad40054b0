//! Everything that talks to Kafka. It performs what the core asks for and sorts what goes wrong into the
//! core's failures; it decides nothing about records, and knows nothing of Wasm.

pub mod admin;
#[cfg(test)]
mod bed;
pub mod changelog;
pub mod client;
pub mod consumer;
mod cut;
mod error;
mod fetch;
pub mod known;
pub mod producer;
pub mod sample;
mod sys;
pub mod tail;

pub use admin::Admin;
pub use changelog::{Extent, RestoreEvent, Restorer};
pub use client::{ConfigError, Properties, Settings};
pub use consumer::{Consumer, Polled, Reset};
pub use fetch::Limits;
pub use known::{KnownTopic, KnownTopics};
pub use producer::{Producer, Topic};
pub use sample::SampleWriter;
pub use sys::GroupMetadata;
pub use tail::Tail;

/// The version of librdkafka that this is built with.
pub fn client_version() -> String {
    rdkafka::util::get_rdkafka_version().1
}
