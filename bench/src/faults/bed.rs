//! A Kafka of its own, and a way to it that breaks on demand.

use anyhow::{Context, Result};
use fault_proxy::Proxy;
use std::cell::RefCell;
use std::net::{Ipv4Addr, SocketAddr};
use testkit::Kafka;
use xtask::kafka::{Behind, Broker, BrokerConfig, free_ports};

/// Kafka's own default, and not our short one: a broker that ends old transactions while its own restart goes on may leave
/// one hanging, which no client can mend (see `tests/FAULTS.md`).
const SWEEP: (&str, &str) = ("transaction.abort.timed.out.transaction.cleanup.interval.ms", "10000");

/// See the head of this file.
pub(super) struct Bed {
    pub(super) broker: RefCell<Broker>,
    pub(super) proxy: Proxy,
    servers: String,
}

impl Bed {
    pub(super) fn start() -> Result<Self> {
        let (port, _) = free_ports()?;
        let proxy = Proxy::start(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))?;
        let mut config = BrokerConfig::on_free_ports("faults-compared")?;
        config.settings.push((SWEEP.0.into(), SWEEP.1.into()));
        config.behind = Some(Behind { port, advertised_port: proxy.address().port() });
        let broker = Broker::start(config).context("the broker of the faults")?;
        Ok(Self { servers: broker.bootstrap_servers(), broker: RefCell::new(broker), proxy })
    }

    /// As it is, for our own clients.
    pub(super) fn kafka(&self) -> Kafka {
        Kafka::at(&self.servers)
    }

    /// Through the proxy, for the programs.
    pub(super) fn entry(&self) -> Kafka {
        Kafka::at(&self.proxy.address().to_string())
    }
}
