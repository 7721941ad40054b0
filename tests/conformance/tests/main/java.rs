//! Kafka's own clients, in Java.

use anyhow::{Context as _, ensure};
use conformance::same;
use std::process::Command;
use xtask::setup::{self, Need};
use xtask::{kafka::jars, paths};

/// Before each line that counts; the clients log between them.
const MARK: &str = "= ";

#[test]
fn clients_in_java_see_the_same() {
    same("Kafka's own clients", |place| {
        setup::ensure(&[Need::JavaCompiler])?;
        let output = Command::new("java")
            .args(["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-cp"])
            .arg(jars::fetch()?.join("*"))
            .arg(paths::root().join("tests/conformance/java/Clients.java"))
            .args([place.kafka.servers(), &place.name("clients"), MARK])
            .output()
            .context("cannot start java")?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let errors = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{}\n{text}\n{errors}", output.status);
        let lines: Vec<_> =
            text.lines().filter_map(|line| line.strip_prefix(MARK)).map(str::to_owned).collect();
        ensure!(lines.last().is_some_and(|line| line == "deleted"), "{lines:?}");
        Ok(lines)
    });
}
