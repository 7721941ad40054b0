//! Properties of librdkafka as plain data: sections, references to secrets, what is hidden. Whether
//! librdkafka knows a property, and whether it would break a promise, is not decided here.

use super::layer::{ConfigError, Origin};
use super::table;
use std::collections::BTreeMap;
use std::fmt;

/// Properties handed to librdkafka as they are.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct KafkaProperties {
    /// For all clients.
    pub common: BTreeMap<String, String>,
    /// For consumers; wins over `common`.
    pub consumer: BTreeMap<String, String>,
    /// For producers; wins over `common`.
    pub producer: BTreeMap<String, String>,
    /// For the admin client; wins over `common`.
    pub admin: BTreeMap<String, String>,
}

impl KafkaProperties {
    /// The properties of one section.
    pub fn section_mut(&mut self, client: Client) -> &mut BTreeMap<String, String> {
        match client {
            Client::Common => &mut self.common,
            Client::Consumer => &mut self.consumer,
            Client::Producer => &mut self.producer,
            Client::Admin => &mut self.admin,
        }
    }
}

impl fmt::Debug for KafkaProperties {
    /// Names only: values may be secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KafkaProperties")
            .field("common", &self.common.keys())
            .field("consumer", &self.consumer.keys())
            .field("producer", &self.producer.keys())
            .field("admin", &self.admin.keys())
            .finish()
    }
}

/// Which clients a property is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Client {
    /// All of them.
    Common,
    /// Consumers.
    Consumer,
    /// Producers.
    Producer,
    /// The admin client.
    Admin,
}

impl Client {
    /// Takes the section off a key under `[kafka]`: `consumer.fetch.min.bytes`. No property of librdkafka
    /// begins with a section's name.
    pub fn split(key: &str) -> (Self, &str) {
        [Self::Consumer, Self::Producer, Self::Admin]
            .into_iter()
            .find_map(|client| Some((client, key.strip_prefix(client.word())?.strip_prefix('.')?)))
            .unwrap_or((Self::Common, key))
    }

    /// The section's TOML name.
    pub fn section(self) -> &'static str {
        match self {
            Self::Common => "kafka",
            Self::Consumer => "kafka.consumer",
            Self::Producer => "kafka.producer",
            Self::Admin => "kafka.admin",
        }
    }

    fn word(self) -> &'static str {
        self.section().trim_start_matches("kafka.")
    }
}

/// True for librdkafka's names of `bootstrap_servers`.
pub(super) fn is_bootstrap(name: &str) -> bool {
    matches!(name, "bootstrap.servers" | "metadata.broker.list")
}

/// Refuses names from Kafka Streams, which are settings here.
///
/// # Errors
/// Says which setting is meant.
pub(super) fn check_name(name: &str, origin: &Origin) -> Result<(), ConfigError> {
    let Some(setting) = table::by_streams_name(name) else { return Ok(()) };
    let flag = if setting.flag.is_empty() { String::new() } else { format!(" (--{})", setting.flag) };
    Err(ConfigError::at(origin, format!("{name:?} is not a property of librdkafka"))
        .hint(format!("set {}{flag}", setting.key)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_from_kafka_streams_are_explained() {
        let error = check_name("commit.interval.ms", &Origin::Flag("-X")).expect_err("ours has another name");
        assert_eq!(error.hint.as_deref(), Some("set commit_interval_ms (--commit-interval)"));
    }

    #[test]
    fn sections_are_taken_off() {
        assert_eq!(Client::split("consumer.fetch.min.bytes"), (Client::Consumer, "fetch.min.bytes"));
        assert_eq!(Client::split("security.protocol"), (Client::Common, "security.protocol"));
    }
}
