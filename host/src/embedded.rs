//! The embedded broker: one node, in memory, for trying and testing.

use crate::config::{self, Entry, Origin, Raw, Sources, Target};
use crate::exit::{ExitKind, Failure};
use anyhow::{Context as _, anyhow};
use devbroker::{Broker, Settings};
use std::net::{SocketAddr, ToSocketAddrs as _};

/// Starts a broker where `--bootstrap-servers` says, and lets missing topics be created, inputs too. `moves`: where
/// nobody has said where, and somebody else is there already, it takes any free port.
///
/// # Errors
/// A setting is wrong, or the address cannot be had.
pub fn start(sources: &mut Sources, flag: &'static str, moves: bool) -> Result<Broker, Failure> {
    set_default(sources, "create_topics", "all", flag)?;
    let is_default = is_default(sources, "bootstrap_servers")?;
    let listen = address(&config::load_all(sources)?[0].value.bootstrap_servers)?;
    let started = Broker::start(settings(listen));
    let started = match started {
        Err(_) if moves && is_default => Broker::start(settings((listen.ip(), 0).into())),
        started => started,
    };
    let broker = started.map_err(|error| {
        Failure::new(ExitKind::BadConfig, error)
            .hint("name another place with --bootstrap-servers 127.0.0.1:PORT")
    })?;
    let is_it =
        |entry: &Entry| matches!(entry.target, Target::Own(setting) if setting.key == "bootstrap_servers");
    sources.flags.retain(|entry| !is_it(entry));
    sources.flags.push(entry("bootstrap_servers", &broker.address().to_string(), flag)?);
    Ok(broker)
}

fn settings(listen: SocketAddr) -> Settings {
    Settings { listen, ..Settings::default() }
}

/// Gives a setting that nobody has set, as if it stood on the command line.
pub(crate) fn set_default(
    sources: &mut Sources,
    key: &str,
    value: &str,
    flag: &'static str,
) -> Result<(), Failure> {
    if is_default(sources, key)? {
        sources.flags.push(entry(key, value, flag)?);
    }
    Ok(())
}

/// Nobody has set it. With several operators those that all of them share count.
fn is_default(sources: &Sources, key: &str) -> Result<bool, Failure> {
    let operator = config::operators(sources)?.into_iter().next().or_else(|| sources.operator.clone());
    let shown = config::show(&Sources { operator, ..sources.clone() })?.value;
    Ok(shown.iter().any(|shown| shown.key == key && shown.table.is_empty() && shown.is_default()))
}

fn entry(key: &str, value: &str, flag: &'static str) -> Result<Entry, Failure> {
    Ok(Entry::for_key(key, Raw::Text(value.into()), Origin::Flag(flag))?)
}

/// The one place of this machine that the servers name.
fn address(servers: &str) -> Result<SocketAddr, Failure> {
    let wrong = |error: anyhow::Error| {
        let hint = "the embedded broker asks nobody for a password, so it listens on this machine only: \
                    --bootstrap-servers 127.0.0.1:PORT";
        Failure::new(ExitKind::BadConfig, error).hint(hint)
    };
    let found = servers.to_socket_addrs().with_context(|| format!("\"{servers}\" is no place to listen"));
    let found: Vec<_> = found.map_err(wrong)?.collect();
    let local = found.iter().find(|address| address.ip().is_loopback() && address.is_ipv4());
    local.copied().ok_or_else(|| wrong(anyhow!("\"{servers}\" is not on this machine")))
}

#[cfg(test)]
mod tests {
    use super::address;

    #[test]
    fn it_listens_on_this_machine_only() {
        assert_eq!(address("localhost:9092").expect("local").to_string(), "127.0.0.1:9092");
        for elsewhere in ["192.0.2.1:9092", "0.0.0.0:9092", "nothing"] {
            assert!(address(elsewhere).is_err(), "{elsewhere}");
        }
    }
}
