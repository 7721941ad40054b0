//! Runs applications that read Kafka, pipe records through sandboxed Wasm components, keep keyed state and
//! write back exactly once. The program is a thin shell around `host-core`: see `ARCHITECTURE.md`.

#![deny(unsafe_code)]

pub mod admin;
pub mod cli;
pub mod config;
pub mod dev;
pub mod embedded;
pub mod exit;
pub mod feed;
mod hex;
pub mod identity;
pub mod inspect;
pub mod kafka;
pub mod logging;
pub mod metrics;
pub mod native;
pub mod progress;
pub mod run;
mod shown;
pub mod snapshot;
pub mod testing;
mod time;
pub mod topology;
pub mod wasm;
pub mod worker;
