//! Modules in a sandbox. What it promises to everything outside this folder:
//!
//! - A guest sees the rows that it is given and its settings, and can do one thing to the world: write lines
//!   to the log, cut and counted. There are no files, no sockets, no clock and no random numbers; what a
//!   user opens beyond that is in [`Grants`].
//! - A guest ends no process and blocks no thread: a trap, a loop, deep recursion, too much memory or too
//!   large an answer is a [`Fault`](host_core::operator::Fault) of the call, and the next call runs on a fresh
//!   instance. Every bound is in [`Limits`].
//! - What a guest answers has passed [`host_core::check`] before anyone sees it.
//!
//! This folder is the only place that names wasmtime, and it must never name Kafka.
//!
//! ```no_run
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use host::wasm::{Engine, Grants, Limits, Module};
//!
//! let engine = Engine::new(Limits::default())?;
//! let module = Module::load(&engine, "sum", &std::fs::read("sum.wasm")?, &[], &Grants::default())?;
//! let operator = module.operator(); // one for each worker
//! # Ok(())
//! # }
//! ```

mod bindings;
mod cache;
pub(crate) mod clock;
pub(crate) mod compiler;
mod engine;
mod error;
mod instance;
mod limits;
mod log;
mod module;
mod needs;
mod operator;
mod usage;
mod wasi;

pub use cache::Cache;
pub use compiler::Compiler;
pub use engine::{Engine, EngineError};
pub use limits::Limits;
pub use module::{LoadError, Module, sha256_hex};
pub use needs::{Given, Need, need};
pub use operator::WasmOperator;
pub use usage::Usage;
pub use wasi::{DirGrant, Grants};
