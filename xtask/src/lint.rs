//! `cargo xtask lint`: what must hold before anything is tested. Warnings are errors.

use crate::command::{self, cargo};
use crate::setup::{Need, ensure};
use anyhow::Result;

/// rustfmt, clippy on every target and on the host without its features, rustdoc, and the core built by itself (its
/// `no_std` and its few dependencies hold without the features that other packages turn on).
///
/// # Errors
/// The first of them that fails.
pub fn run() -> Result<()> {
    ensure(Need::BUILD)?;
    command::run(&mut cargo(&["fmt", "--all", "--check"]))?;
    command::run(&mut cargo(&["check", "--release", "--package", "host-core"]))?;
    command::run(&mut cargo(&[
        "clippy",
        "--release",
        "--workspace",
        "--all-targets",
        "--",
        "-D",
        "warnings",
    ]))?;
    // The packages that are left out ask for the host's features themselves.
    command::run(&mut cargo(&[
        "clippy",
        "--release",
        "--workspace",
        "--exclude=bench",
        "--exclude=wasm-tests",
        "--no-default-features",
        "--",
        "-D",
        "warnings",
    ]))?;
    command::run(cargo(&["doc", "--release", "--workspace", "--no-deps"]).env("RUSTDOCFLAGS", "-D warnings"))
}
