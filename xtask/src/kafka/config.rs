//! What a broker is started with: ports, folder, heap, `server.properties`.

use crate::paths;
use anyhow::{Context, Result};
use std::fmt::Write;
use std::net::{Ipv4Addr, TcpListener};
use std::path::PathBuf;

/// How to start a [`Broker`](super::Broker).
#[derive(Clone, Debug)]
pub struct BrokerConfig {
    /// Data, logs and configuration; what is there already is used.
    pub folder: PathBuf,
    /// Where clients connect, on 127.0.0.1.
    pub port: u16,
    /// Where the node talks to its own controller, on 127.0.0.1.
    pub controller_port: u16,
    /// A second listener for clients, which are told to come by another address.
    pub behind: Option<Behind>,
    /// The JVM's heap.
    pub heap_mib: u32,
    /// Ready about a second sooner, with less throughput later: for tests.
    pub fast_start: bool,
    /// Outlives this process, until `cargo xtask kafka stop`. Otherwise it ends with it.
    pub stays: bool,
    /// Settings of `server.properties` that replace ours.
    pub settings: Vec<(String, String)>,
}

/// A listener that is reached through something else, such as a proxy; both on 127.0.0.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Behind {
    /// Where the broker listens.
    pub port: u16,
    /// Where it says that it listens.
    pub advertised_port: u16,
}

impl BrokerConfig {
    /// A broker with an empty folder of this process below the target folder, on ports that are free now.
    /// It ends with this process.
    ///
    /// # Errors
    /// No port is free.
    pub fn on_free_ports(name: &str) -> Result<Self> {
        let (port, controller_port) = free_ports()?;
        Ok(Self::new(&format!("{name}-{}", std::process::id()), port, controller_port))
    }

    /// The same, but it stays, and its folder has no more than the name.
    ///
    /// # Errors
    /// No port is free.
    pub fn staying_on_free_ports(name: &str) -> Result<Self> {
        let (port, controller_port) = free_ports()?;
        Ok(Self { stays: true, ..Self::new(name, port, controller_port) })
    }

    pub(super) fn new(name: &str, port: u16, controller_port: u16) -> Self {
        Self {
            folder: folder(name),
            port,
            controller_port,
            behind: None,
            heap_mib: 512,
            fast_start: true,
            stays: false,
            settings: Vec::new(),
        }
    }

    /// `server.properties`.
    pub(super) fn properties(&self) -> String {
        let (port, controller) = (self.port, self.controller_port);
        let data = self.folder.join("data");
        let (mut second, mut second_advertised) = (String::new(), String::new());
        if let Some(Behind { port, advertised_port }) = self.behind {
            second = format!(",BEHIND://127.0.0.1:{port}");
            second_advertised = format!(",BEHIND://127.0.0.1:{advertised_port}");
        }
        let mut text = format!(
            "process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}{second}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}{second_advertised}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,BEHIND:PLAINTEXT
inter.broker.listener.name=PLAINTEXT
log.dirs={}
",
            data.display()
        );
        let ours = SETTINGS.iter().map(|(name, value)| (*name, *value));
        let theirs = self.settings.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        for (name, value) in ours.chain(theirs) {
            // Of a setting given twice Java's Properties keep the last.
            writeln!(text, "{name}={value}").expect("a String takes all text");
        }
        text
    }

    /// The log configuration: everything from `info` into `server.log`.
    pub(super) fn log4j(&self) -> String {
        format!(
            "status=error
appender.file.type=File
appender.file.name=file
appender.file.fileName={}
appender.file.append=false
appender.file.layout.type=PatternLayout
appender.file.layout.pattern=[%d] %p %m (%c)%n
rootLogger.level=info
rootLogger.appenderRef.file.ref=file
",
            self.folder.join("server.log").display()
        )
    }
}

/// One node: no replicas, few internal partitions, short clocks, nothing created or expired behind our back.
const SETTINGS: &[(&str, &str)] = &[
    ("num.partitions", "2"),
    ("auto.create.topics.enable", "false"),
    ("offsets.topic.replication.factor", "1"),
    ("offsets.topic.num.partitions", "4"),
    ("transaction.state.log.replication.factor", "1"),
    ("transaction.state.log.min.isr", "1"),
    ("transaction.state.log.num.partitions", "4"),
    ("transaction.abort.timed.out.transaction.cleanup.interval.ms", "1000"),
    ("share.coordinator.state.topic.replication.factor", "1"),
    ("share.coordinator.state.topic.min.isr", "1"),
    ("group.initial.rebalance.delay.ms", "0"),
    ("group.min.session.timeout.ms", "1000"),
    ("log.retention.ms", "-1"),
    ("file.delete.delay.ms", "1000"),
];

/// The folder of the broker `name`.
pub(super) fn folder(name: &str) -> PathBuf {
    paths::target().join("kafka").join(name)
}

/// Two ports of 127.0.0.1 that nobody listens on now. Another process may take one before the broker does;
/// then the broker does not start and says so.
///
/// # Errors
/// There are none.
pub fn free_ports() -> Result<(u16, u16)> {
    let bind = || TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no free port on 127.0.0.1");
    // Both at once: the second can't be the first again.
    let (first, second) = (bind()?, bind()?);
    Ok((first.local_addr()?.port(), second.local_addr()?.port()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn later_settings_replace_ours() {
        let mut config = BrokerConfig::new("x", 1, 2);
        config.settings.push(("num.partitions".into(), "7".into()));
        let text = config.properties();
        let last = text.lines().rfind(|line| line.starts_with("num.partitions=")).expect("it is there");
        assert_eq!(last, "num.partitions=7");
    }

    #[test]
    fn a_second_listener_is_advertised_where_it_is_reached() {
        let mut config = BrokerConfig::new("x", 1, 2);
        assert!(!config.properties().contains("BEHIND://"));
        config.behind = Some(Behind { port: 3, advertised_port: 4 });
        let text = config.properties();
        assert!(
            text.contains(
                "listeners=PLAINTEXT://127.0.0.1:1,CONTROLLER://127.0.0.1:2,BEHIND://127.0.0.1:3\n"
            )
        );
        assert!(text.contains("advertised.listeners=PLAINTEXT://127.0.0.1:1,BEHIND://127.0.0.1:4\n"));
    }

    #[test]
    fn free_ports_differ() {
        let (first, second) = free_ports().expect("ports");
        assert_ne!(first, second);
    }
}
