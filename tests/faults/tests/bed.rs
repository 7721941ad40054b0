//! What all rows share: one Kafka with a second listener, and the proxy in front of that.

use anyhow::{Context, Result};
use fault_proxy::Proxy;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Mutex, OnceLock};
use testkit::Kafka;
use xtask::kafka::{Behind, Broker, BrokerConfig, free_ports};

/// A Kafka and two ways to it.
pub(crate) struct Bed {
    /// For faults of the broker itself.
    pub(crate) broker: Mutex<Broker>,
    servers: String,
    entry: String,
    pub(crate) proxy: Proxy,
}

impl Bed {
    /// The one of this program.
    pub(crate) fn shared() -> &'static Self {
        static BED: OnceLock<Bed> = OnceLock::new();
        BED.get_or_init(|| {
            Self::start("faults").unwrap_or_else(|error| panic!("no Kafka to test with: {error:#}"))
        })
    }

    /// Another one.
    pub(crate) fn start(name: &str) -> Result<Self> {
        Self::start_with(name, &[])
    }

    /// The same with settings of the broker.
    pub(crate) fn start_with(name: &str, settings: &[(&str, &str)]) -> Result<Self> {
        let (port, _) = free_ports()?;
        let proxy = Proxy::start(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))?;
        let mut config = BrokerConfig::on_free_ports(name)?;
        config.settings.extend(settings.iter().map(|(key, value)| ((*key).into(), (*value).into())));
        config.behind = Some(Behind { port, advertised_port: proxy.address().port() });
        let entry = proxy.address().to_string();
        Self::of(config, entry, proxy)
    }

    /// One that hosts reach by another listener of its, and not through the proxy.
    pub(crate) fn with(config: BrokerConfig, entry: &str) -> Result<Self> {
        let proxy = Proxy::start(SocketAddr::from((Ipv4Addr::LOCALHOST, config.port)))?;
        Self::of(config, entry.to_owned(), proxy)
    }

    fn of(config: BrokerConfig, entry: String, proxy: Proxy) -> Result<Self> {
        let broker = Broker::start(config).context("the broker of the fault matrix")?;
        Ok(Self { servers: broker.bootstrap_servers(), entry, broker: Mutex::new(broker), proxy })
    }

    /// As it is, for the tests' own clients.
    pub(crate) fn kafka(&self) -> Kafka {
        Kafka::at(&self.servers)
    }

    /// For hosts: through the proxy, as a rule.
    pub(crate) fn entry(&self) -> Kafka {
        Kafka::at(&self.entry)
    }
}
