//! The two brokers, and the comparison.

use anyhow::{Context as _, Result};
use devbroker::{Broker as DevBroker, Settings};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use testkit::Kafka;
use xtask::kafka::{Broker, BrokerConfig};

/// A broker to be tried, and names that nobody else uses.
#[derive(Clone, Debug)]
pub struct Place {
    /// Where it is.
    pub kafka: Kafka,
    /// Put before every name of this check.
    prefix: String,
}

impl Place {
    /// A name of a topic, group or transactional id that is this check's own.
    pub fn name(&self, name: &str) -> String {
        format!("{}-{name}", self.prefix)
    }
}

/// What happened, in lines that do not depend on when or where.
pub type Lines = Vec<String>;

/// Does the same on both brokers, and compares what is told of it.
///
/// # Panics
/// Something failed, or was different.
pub fn same(subject: &str, check: impl Fn(&Place) -> Result<Lines>) {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let run = |kafka: Kafka, which: &str| {
        let place = Place { kafka, prefix: format!("c{number}") };
        check(&place).with_context(|| format!("{subject} on {which}"))
    };
    let ours = run(dev(), "the embedded broker").unwrap_or_else(|error| panic!("{error:?}"));
    let theirs = run(apache(), "Apache Kafka").unwrap_or_else(|error| panic!("{error:?}"));
    assert!(!ours.is_empty(), "{subject}: nothing was told, so nothing was compared");
    assert_eq!(ours, theirs, "{subject}: the embedded broker (left) differs from Apache Kafka (right)");
}

fn dev() -> Kafka {
    static BROKER: OnceLock<DevBroker> = OnceLock::new();
    let broker = BROKER.get_or_init(|| {
        // As the real one is set up.
        let settings =
            Settings { partitions_default: 2, first_rebalance_delay: Duration::ZERO, ..Settings::default() };
        DevBroker::start(settings).expect("the embedded broker starts")
    });
    Kafka::at(&broker.address().to_string())
}

fn apache() -> Kafka {
    static BROKER: OnceLock<Broker> = OnceLock::new();
    let broker = BROKER.get_or_init(|| {
        let mut config = BrokerConfig::on_free_ports("conformance").expect("two ports are free");
        // So that it cleans soon.
        config.settings.push(("log.cleaner.backoff.ms".into(), "200".into()));
        config.settings.push(("log.initial.task.delay.ms".into(), "200".into()));
        Broker::start(config).unwrap_or_else(|error| panic!("no Kafka to compare with: {error:#}"))
    });
    Kafka::at(&broker.bootstrap_servers())
}
