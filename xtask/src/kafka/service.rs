//! `cargo xtask kafka start|stop|status|wipe`: a broker that stays until it is stopped.

use super::config::folder;
use super::{Broker, BrokerConfig, VERSION};
use crate::process::{self, Signal};
use crate::setup::{Need, ensure};
use anyhow::{Context, Result, bail};
use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

/// The broker that a person starts.
const NAME: &str = "dev";
/// Where it listens; the controller takes the next port.
const PORT: u16 = 19_092;
const HEAP_MIB: u32 = 1024;
const STOP_DEADLINE: Duration = Duration::from_secs(20);
const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// Does what the word says.
///
/// # Errors
/// An unknown word, or Kafka does not start or stop.
pub fn run(what: &str) -> Result<()> {
    match what {
        "start" => start(),
        "stop" => stop_all(),
        "status" => {
            status();
            Ok(())
        }
        "wipe" => {
            stop_all()?;
            for name in [NAME, "demo"] {
                if folder(name).exists() {
                    fs::remove_dir_all(folder(name)).context("cannot remove Kafka's data")?;
                    println!("removed {}", folder(name).display());
                }
            }
            Ok(())
        }
        other => bail!("cannot do \"kafka {other}\"; it is one of start, stop, status, wipe"),
    }
}

/// Stops the staying broker `name` if it runs, and removes its data.
///
/// # Errors
/// It does not end, or its data can't be removed.
pub fn remove(name: &str) -> Result<()> {
    stop(name)?;
    if folder(name).exists() {
        fs::remove_dir_all(folder(name))?;
    }
    Ok(())
}

fn start() -> Result<()> {
    if let Some(pid) = running(NAME) {
        println!("already running on 127.0.0.1:{PORT} (pid {pid})");
        return Ok(());
    }
    ensure(Need::KAFKA)?;
    if TcpListener::bind((Ipv4Addr::LOCALHOST, PORT)).is_err() {
        bail!("127.0.0.1:{PORT} is taken by another program");
    }
    let started = Instant::now();
    let mut config = BrokerConfig::new(NAME, PORT, PORT + 1);
    config.heap_mib = HEAP_MIB;
    config.fast_start = false;
    config.stays = true;
    let broker = Broker::start(config)?;
    println!(
        "Apache Kafka {VERSION} is ready on {} (pid {}, {:.1} s), data in {}",
        broker.bootstrap_servers(),
        broker.pid(),
        started.elapsed().as_secs_f64(),
        folder(NAME).display()
    );
    Ok(())
}

fn stop_all() -> Result<()> {
    let mut any = false;
    for name in [NAME, "demo"] {
        if let Some(pid) = stop(name)? {
            println!("stopped \"{name}\" (pid {pid})");
            any = true;
        }
    }
    if !any {
        println!("not running");
    }
    Ok(())
}

fn status() {
    let mut any = false;
    for name in [NAME, "demo"] {
        if let Some(pid) = running(name) {
            println!("\"{name}\" is running (pid {pid}), data in {}", folder(name).display());
            any = true;
        }
    }
    if !any {
        println!("not running");
    }
}

fn stop(name: &str) -> Result<Option<u32>> {
    let Some(pid) = running(name) else {
        return Ok(None);
    };
    process::send(pid, Signal::Terminate).with_context(|| format!("cannot stop pid {pid}"))?;
    let deadline = Instant::now() + STOP_DEADLINE;
    while running(name).is_some() {
        if Instant::now() > deadline {
            process::send(pid, Signal::Kill).with_context(|| format!("cannot kill pid {pid}"))?;
            break;
        }
        thread::sleep(POLL_INTERVAL);
    }
    Ok(Some(pid))
}

/// The process id of the broker `name`, if that process is really it: numbers are used again.
fn running(name: &str) -> Option<u32> {
    let folder = folder(name);
    let pid: u32 = fs::read_to_string(folder.join("broker.pid")).ok()?.trim().parse().ok()?;
    let line = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
    let words: Vec<&[u8]> = line.split(|byte| *byte == 0).collect();
    let properties = folder.join("server.properties");
    let ours = words.contains(&b"kafka.Kafka".as_slice())
        && words.iter().any(|word| Path::new(&*String::from_utf8_lossy(word)) == properties);
    ours.then_some(pid)
}
