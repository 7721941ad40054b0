#![forbid(unsafe_code)]
//! A simulation of the core: real machines ([`host_core::Machine`]) on a model of Kafka ([`host_model`]), with faults at
//! every step, and an oracle that knows the right answer.
//!
//! One [`World`](world::World) is one history. Everything in it follows from its [`Choices`]: a seed, or a
//! script that enumerates all small cases. Nothing reads a clock or a random source.

pub mod bugs;
pub mod choices;
pub mod operators;
pub mod oracle;
pub mod worker;
pub mod world;

pub use choices::Choices;
