//! End to end: the real `host` on a real Apache Kafka, or on the embedded broker where nothing but Kafka's protocol is
//! needed; one of each for all tests.
//!
//! Goal: what the product promises from outside holds on the real thing. Method: each test is a scenario
//! with its own application and topics, input with a known answer, and checks of what a read-committed
//! reader sees. What can be shown without Kafka is not shown here (`tests/README.md`).

mod crash;
mod dev;
mod direct;
mod errors;
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
mod traces;
mod watching;
