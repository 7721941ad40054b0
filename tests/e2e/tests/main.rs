//! End to end: the real `host`, a real Apache Kafka, one broker for all of it.
//!
//! Goal: what the product promises from outside holds on the real thing. Method: each test is a scenario
//! with its own application and topics, input with a known answer, and checks of what a read-committed
//! reader sees. What can be shown without Kafka is not shown here (`tests/README.md`).

mod crash;
mod dev;
mod direct;
mod failing;
mod fleet;
mod group;
mod isolation;
mod kit;
mod languages;
mod lifecycle;
mod logs;
mod operators;
mod page;
mod python;
mod shadow;
mod snapshots;
mod state;
mod sums;
mod swap;
mod topics;
mod watching;
