//! The project's tasks: what `cargo xtask VERB` does, one module a subject.
//!
//! Tests, the demo and the benchmark use [`kafka`], [`paths`] and [`process`] as a library. This crate must
//! build with nothing but `rustc` and a linker, because it is what installs the rest.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "these are commands that talk to a person")]

pub mod bench;
pub mod blocks;
pub mod command;
pub mod demo;
pub mod faults;
pub mod guests;
pub mod kafka;
pub mod lint;
pub mod maven;
pub mod paths;
pub mod process;
pub mod setup;
pub mod test;
