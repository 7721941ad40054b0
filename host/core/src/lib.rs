#![no_std]
#![forbid(unsafe_code)]
//! The heart of `host` without any I/O: what happens to a batch, to a task and to a transaction.
//!
//! [`Machine`] is the whole of it: the shell (package `host`) feeds it [`Event`]s and performs its
//! [`Effect`]s. The core knows no Kafka client, no Wasm engine, no clock, no randomness, no thread, no file;
//! so a simulator can delay, fail and lose anything, and a run replays exactly from its seed.
//!
//! Only two things are called across the seam, both local and synchronous: [`operator::Operator`] and
//! [`state::StateStore`].
//!
//! # Reading order
//!
//! [`machine`] (tasks, transactions) → [`process`](crate::topology) (transform → group → reduce) → [`state`]
//! (overlay, commit) → [`transaction`](crate::machine) (outcomes).
//!
//! # Glossary
//!
//! * *record*: what Kafka stores. *row*: a record in a batch.
//! * *batch*: rows of one partition, in offset order, in columns.
//! * *application*: topics, operators and state under one `application.id`.
//! * *operator*: a transform, a reduce, or both. *module*: the `.wasm` that a user ships. *component*: a
//!   compiled module. *instance*: a live component.
//! * *task*: one partition's work in one sub-topology, named `0_3` as in Kafka Streams.
//! * *worker*: one thread with its own consumer, producer and instances.
//! * *accumulator*: a key's state. *state store*: where accumulators are kept (a *wasm store* is the engine's).
//! * *changelog*: the topic that accumulators are written to. *restore*: reading it back.
//! * *position*: the next offset to read. *committed offset*: where a restart reads next.
//! * *event*: something that happened. *effect*: something asked of the world.
//! * *fenced*: refused by Kafka because a newer owner is there. *assigned / revoked / lost*: as the group says.
//! * *fault*: a call that gave no usable answer. *rejected*: refused by the guest, as data.
//! * *dead letter*: a record that failed, kept in a topic of its own.

extern crate alloc;

mod call;
pub mod changelog;
pub mod check;
pub mod dead_letter;
pub mod effect;
pub mod emit;
pub mod error;
pub mod event;
pub mod frame;
mod group;
pub mod hash;
pub mod machine;
pub mod metadata;
pub mod operator;
pub mod pace;
pub mod policy;
mod process;
pub mod record;
mod reduce;
pub mod stamp;
pub mod state;
pub mod swap;
pub mod task;
pub mod topology;
mod transaction;
mod transform;

pub use effect::Effect;
pub use event::Event;
pub use machine::Machine;
