//! A real Apache Kafka for tests, the demo and the benchmark: one node on loopback, from Maven Central.
//!
//! It is the judge, so nothing of it is imitated here. It listens on 127.0.0.1 only and keeps its data below
//! the target folder.

mod broker;
mod config;
pub mod jars;
pub mod service;

pub use broker::Broker;
pub use config::{Behind, BrokerConfig, free_ports};

/// The version of Apache Kafka.
pub const VERSION: &str = "4.3.1";
