//! `cargo xtask lint`: what must hold before anything is tested. Warnings are errors.

use crate::command::{self, cargo};
use crate::setup::{Need, ensure};
use anyhow::Result;

/// Features that can be left out, `PACKAGE/FEATURE`: clippy sees the workspace with all of them, and without each.
const WITH_FEATURES: &[&str] = &["host/otel"];

/// rustfmt, clippy on every target and without each feature, rustdoc, and the core built by itself (its `no_std` and its
/// few dependencies hold without the features that other packages turn on).
///
/// # Errors
/// The first of them that fails.
pub fn run() -> Result<()> {
    ensure(Need::BUILD)?;
    command::run(&mut cargo(&["fmt", "--all", "--check"]))?;
    command::run(&mut cargo(&["check", "--release", "--package", "host-core"]))?;
    clippy(&["--all-targets"])?;
    for left_out in WITH_FEATURES {
        let others: Vec<_> = WITH_FEATURES.iter().filter(|feature| *feature != left_out).copied().collect();
        let features = format!("--features={}", others.join(","));
        // The packages that are left out ask for the host's features themselves.
        clippy(&["--exclude=bench", "--exclude=wasm-tests", "--no-default-features", &features])?;
    }
    command::run(cargo(&["doc", "--release", "--workspace", "--no-deps"]).env("RUSTDOCFLAGS", "-D warnings"))
}

fn clippy(arguments: &[&str]) -> Result<()> {
    let mut command = cargo(&["clippy", "--release", "--workspace"]);
    command::run(command.args(arguments).args(["--", "-D", "warnings"]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    /// `PACKAGE/FEATURE` of the package in this folder, without its default.
    fn features_of(folder: &str) -> Vec<String> {
        let path = crate::paths::root().join(folder).join("Cargo.toml");
        let text = fs::read_to_string(path).expect("the package is there");
        let manifest: toml::Table = text.parse().expect("cargo reads it");
        let package = manifest["package"]["name"].as_str().expect("a name");
        let features = manifest.get("features").and_then(toml::Value::as_table);
        let names = features.into_iter().flat_map(toml::Table::keys).filter(|name| *name != "default");
        names.map(|name| format!("{package}/{name}")).collect()
    }

    #[test]
    fn every_feature_is_left_out_once() {
        let root: toml::Table = fs::read_to_string(crate::paths::root().join("Cargo.toml"))
            .expect("the workspace is there")
            .parse()
            .expect("cargo reads it");
        let members = root["workspace"]["members"].as_array().expect("a list");
        // Those of a `/*` are operators, which have no features.
        let folders = members.iter().filter_map(toml::Value::as_str).filter(|folder| !folder.ends_with('*'));
        assert_eq!(folders.flat_map(features_of).collect::<Vec<_>>(), WITH_FEATURES);
    }
}
