//! `cargo xtask bench`: our own figures, measured by the package `bench` on a real Kafka.

use crate::command::{cargo, run as run_command};
use crate::kafka::{Broker, BrokerConfig};
use crate::setup::{Need, ensure};
use crate::{guests, paths};
use anyhow::{Context, Result};
use std::process::Command;

/// The broker's heap: enough for 5,000,000 records in flight between topics.
const HEAP_MIB: u32 = 1024;

/// Builds host, guests and the benchmark, starts an empty Kafka of its own and measures. `arguments` go on
/// to the benchmark, see `bench/README.md`.
///
/// # Errors
/// Something does not build or start, or a measured run gives a wrong sum.
pub fn run(arguments: &[String]) -> Result<()> {
    ensure(Need::ALL)?;
    guests::build().context("the guests do not build")?;
    run_command(&mut cargo(&["build", "--release", "--workspace"]))?;
    if arguments == ["limits"] {
        return run_command(Command::new(paths::release_binary("bench")).arg("limits"));
    }
    let mut config = BrokerConfig::on_free_ports("bench")?;
    config.heap_mib = HEAP_MIB;
    config.fast_start = false;
    let broker = Broker::start(config)?;
    eprintln!("kafka is ready on {}", broker.bootstrap_servers());
    let measured = run_command(
        Command::new(paths::release_binary("bench"))
            .arg("--bootstrap-servers")
            .arg(broker.bootstrap_servers())
            .args(arguments),
    );
    broker.stop()?;
    measured
}
