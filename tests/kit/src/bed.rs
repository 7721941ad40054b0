//! A Kafka with a second listener, and a proxy in front of that which breaks on demand.

use crate::kafka::Kafka;
use anyhow::{Context, Result};
use fault_proxy::Proxy;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use xtask::kafka::{Behind, Broker, BrokerConfig, free_ports};

/// How often a broker looks for transactions that are too old: Kafka's own default, and not our short one. A coordinator
/// that ends one while its broker's restart goes on, and partitions have no leader yet, takes them for deleted: it writes
/// no markers, and the transaction hangs for ever, which no client can mend (see `tests/FAULTS.md`).
pub const KAFKAS_SWEEP: (&str, &str) =
    ("transaction.abort.timed.out.transaction.cleanup.interval.ms", "10000");

/// A Kafka and two ways to it.
pub struct Bed {
    broker: Mutex<Broker>,
    servers: String,
    entry: String,
    /// Where rules are put.
    pub proxy: Proxy,
}

impl Bed {
    /// The one of this program.
    ///
    /// # Panics
    /// It does not start.
    pub fn shared() -> &'static Self {
        static BED: OnceLock<Bed> = OnceLock::new();
        BED.get_or_init(|| {
            Self::start("faults").unwrap_or_else(|error| panic!("no Kafka to test with: {error:#}"))
        })
    }

    /// Another one.
    ///
    /// # Errors
    /// No ports are free, or it does not start.
    pub fn start(name: &str) -> Result<Self> {
        Self::start_with(name, &[])
    }

    /// The same with settings of the broker.
    ///
    /// # Errors
    /// No ports are free, or it does not start.
    pub fn start_with(name: &str, settings: &[(&str, &str)]) -> Result<Self> {
        let (port, _) = free_ports()?;
        let proxy = Proxy::start(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))?;
        let mut config = BrokerConfig::on_free_ports(name)?;
        config.settings.extend(settings.iter().map(|(key, value)| ((*key).into(), (*value).into())));
        config.behind = Some(Behind { port, advertised_port: proxy.address().port() });
        let entry = proxy.address().to_string();
        Self::of(config, entry, proxy)
    }

    /// One that hosts reach by another listener of its, and not through the proxy.
    ///
    /// # Errors
    /// No ports are free, or it does not start.
    pub fn with(config: BrokerConfig, entry: &str) -> Result<Self> {
        let proxy = Proxy::start(SocketAddr::from((Ipv4Addr::LOCALHOST, config.port)))?;
        Self::of(config, entry.to_owned(), proxy)
    }

    fn of(config: BrokerConfig, entry: String, proxy: Proxy) -> Result<Self> {
        let broker = Broker::start(config).context("a broker for faults")?;
        Ok(Self { servers: broker.bootstrap_servers(), entry, broker: Mutex::new(broker), proxy })
    }

    /// For faults of the broker itself.
    pub fn broker(&self) -> MutexGuard<'_, Broker> {
        self.broker.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// As it is, for the tests' own clients.
    pub fn kafka(&self) -> Kafka {
        Kafka::at(&self.servers)
    }

    /// For hosts: through the proxy, as a rule.
    pub fn entry(&self) -> Kafka {
        Kafka::at(&self.entry)
    }
}
