//! The embedded broker beside Apache Kafka: the same calls of the same client, and what they come to must be the same.

pub mod brokers;
pub mod client;

pub use brokers::{Place, same};
