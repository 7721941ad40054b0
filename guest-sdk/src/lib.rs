//! Write an operator for wasmhost in Rust.
//!
//! An operator is a small Wasm module. `host` reads records from Kafka, gives them to the operator in
//! batches, keeps its state, and writes its results back. You write what happens to *one* record; this
//! crate does the rest.
//!
//! # A first operator
//!
//! ```
//! use guest_sdk::{Error, Operator, Output, Record, Settings, Transform};
//!
//! struct Upper;
//! impl Operator for Upper {
//!     const NAME: &'static str = "upper";
//!     const VERSION: &'static str = "1";
//!     fn configure(_: &Settings<'_>) -> Result<Self, String> { Ok(Upper) }
//! }
//! impl Transform for Upper {
//!     fn transform(&mut self, record: Record<'_>, out: &mut Output) -> Result<(), Error> {
//!         out.emit(record.key, record.value_str()?.to_uppercase());
//!         Ok(())
//!     }
//! }
//! guest_sdk::export!(Upper: transform);
//! ```
//!
//! The crate needs `crate-type = ["cdylib", "rlib"]`: the first makes the module, the second lets
//! `cargo test` link it. Put it into `examples/`; `cargo xtask guests` then makes
//! `target/guests/NAME.wasm`, and `host run --module target/guests/NAME.wasm` runs it.
//!
//! - `record.key` and `record.value` are `Option<&[u8]>`: Kafka knows null keys and values. What you
//!   emit is bytes, text, or an `Option` of them ([`Cell`]); [`NULL`] is null.
//! - Emit no row to drop a record, or several. Rows keep the timestamp of their record; set another one, or
//!   headers, on what `emit` returns: `out.emit(key, value).timestamp(ms).header("kind", "test")`.
//!   [`Output::forward`] passes a record on as it is.
//! - A record that makes no sense is *rejected*: `return Err(reject("no comma"))`, or `?` on any error. The
//!   host writes it to the dead-letter topic with the reason and goes on. Never panic for bad data: a
//!   panic costs the whole instance, and the host has to search the batch for the culprit.
//!
//! # State
//!
//! A [`Reduce`] folds the values of a key, in log order, into an accumulator. The host keeps it, and gives
//! it back with the next values of that key, after a restart too.
//!
//! ```
//! use guest_sdk::{Bytes, Error, Failure, Finish, Finished, Operator, Reduce, Settings, Value};
//! use std::fmt::Write as _;
//!
//! struct Count;
//! impl Operator for Count {
//!     const NAME: &'static str = "count";
//!     const VERSION: &'static str = "1";
//!     const STATE_SCHEMA: &'static str = "count:u64-le";
//!     fn configure(_: &Settings<'_>) -> Result<Self, String> { Ok(Count) }
//! }
//! impl Reduce for Count {
//!     type Accumulator = u64;
//!     fn fold(&mut self, count: &mut Option<u64>, _: Value<'_>) -> Result<(), Error> {
//!         *count = Some(count.unwrap_or(0) + 1);
//!         Ok(())
//!     }
//! }
//! impl Finish for Count {
//!     fn finish(&mut self, _: &[u8], count: &u64, out: &mut Bytes) -> Result<Finished, Failure> {
//!         write!(out, "{count}")?;
//!         Ok(Finished::Value)
//!     }
//! }
//! guest_sdk::export!(Count: reduce, finish);
//! ```
//!
//! - The accumulator is a number, `Vec<u8>`, `String`, or a type of yours that is an [`Accumulator`].
//! - Making it `None` deletes the key.
//! - A rejected value leaves the accumulator as it was before, even if `fold` had already changed it.
//! - The result must not depend on how the log was cut into batches, nor on anything kept in the operator.
//! - When the order of values does not count, as in a sum, implement [`Merge`] too and export `merge`: the host then
//!   folds records before it shuffles them by key, which costs a fraction.
//! - To write rows of your own instead of one result a key (removing duplicates, filling gaps), implement [`Process`]
//!   instead, and export `process`: state in, state and any rows out.
//! - One type may transform and reduce; the reduce then gets the rows of the transform, grouped by key.
//!
//! # Tests
//!
//! [`testing::Runner`] runs an operator natively, call for call as the host does:
//!
//! ```
//! # use guest_sdk::{Error, Operator, Reduce, Settings, Value};
//! # struct Count;
//! # impl Operator for Count {
//! #     const NAME: &'static str = "count";
//! #     const VERSION: &'static str = "1";
//! #     fn configure(_: &Settings<'_>) -> Result<Self, String> { Ok(Count) }
//! # }
//! # impl Reduce for Count {
//! #     type Accumulator = u64;
//! #     fn fold(&mut self, count: &mut Option<u64>, _: Value<'_>) -> Result<(), Error> {
//! #         *count = Some(count.unwrap_or(0) + 1);
//! #         Ok(())
//! #     }
//! # }
//! use guest_sdk::testing::{Input, Runner};
//! let mut runner = Runner::<Count>::new(&[])?.batch_records(2);
//! runner.reduce_inputs(&[Input::new("a", "x"), Input::new("b", "x"), Input::new("a", "x")])?;
//! assert_eq!(runner.accumulator("a"), Some(2));
//! # Ok::<(), guest_sdk::testing::RunError>(())
//! ```
//!
//! # More
//!
//! [`log`] writes to the host's log; the message of a panic gets there by itself. Settings come from
//! `--set name=value` or `[settings]` in `host.toml`, see [`Settings`]. A module has no clock, random
//! numbers, files or network: the same records must give the same answer again.
#![deny(unsafe_code)]

mod accumulator;
#[allow(
    unsafe_code,
    missing_docs,
    unreachable_pub,
    clippy::all,
    clippy::pedantic,
    clippy::allow_attributes_without_reason,
    clippy::undocumented_unsafe_blocks,
    reason = "generated"
)]
#[doc(hidden)]
pub mod bindings;
mod bytes;
mod cell;
mod error;
mod export;
pub mod log;
mod operator;
mod output;
mod record;
#[doc(hidden)]
pub mod run;
#[cfg(not(target_arch = "wasm32"))]
pub mod testing;

pub use accumulator::Accumulator;
pub use bytes::Bytes;
pub use cell::{Cell, NULL};
pub use error::{Error, Failure, fatal, reject, retry};
pub use operator::{Finish, Finished, Merge, Operator, Process, Reduce, Settings, Transform};
pub use output::{Output, Row};
pub use record::{Headers, Record, Value};
