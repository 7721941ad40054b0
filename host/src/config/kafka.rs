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

/// The value of one property.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Property {
    /// As it was written.
    pub written: String,
    /// With references resolved.
    pub value: String,
    /// Where it was written.
    pub origin: Origin,
}

impl fmt::Debug for Property {
    /// Without its value, which may be a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Property").field("origin", &self.origin).finish_non_exhaustive()
    }
}

impl Property {
    /// Checks the name for a setting of ours and resolves references.
    ///
    /// # Errors
    /// A name from Kafka Streams, or a reference that leads nowhere.
    pub(super) fn new(name: &str, written: String, origin: Origin) -> Result<Self, ConfigError> {
        if let Some(setting) = table::by_streams_name(name) {
            let flag = if setting.flag.is_empty() { String::new() } else { format!(" (--{})", setting.flag) };
            return Err(ConfigError::at(&origin, format!("{name:?} is not a property of librdkafka"))
                .hint(format!("set {}{flag}", setting.key)));
        }
        let value = resolve(&written).map_err(|problem| {
            ConfigError::at(&origin, format!("{name}: {problem}"))
                .hint("references are ${env:NAME} and ${file:/path}")
        })?;
        Ok(Self { written, value, origin })
    }

    /// What may be shown of it.
    pub(super) fn shown(&self, name: &str) -> String {
        let reference =
            self.written.starts_with("${") && self.written.find('}') == Some(self.written.len() - 1);
        if is_secret(name) && !reference { HIDDEN.into() } else { self.written.clone() }
    }
}

/// Stands for a secret.
pub(super) const HIDDEN: &str = "(hidden)";

/// True when values under this name are not for logs.
pub(super) fn is_secret(name: &str) -> bool {
    const MARKS: [&str; 9] = [
        "password",
        "secret",
        "token",
        "key.pem",
        "sasl.jaas",
        "credential",
        "api_key",
        "api-key",
        "oauthbearer.config",
    ];
    let name = name.to_ascii_lowercase();
    MARKS.iter().any(|mark| name.contains(mark))
}

/// True for librdkafka's names of `bootstrap_servers`.
pub(super) fn is_bootstrap(name: &str) -> bool {
    matches!(name, "bootstrap.servers" | "metadata.broker.list")
}

/// Puts the values of `${env:NAME}` and `${file:/path}` in their place.
fn resolve(written: &str) -> Result<String, String> {
    let mut value = String::new();
    let mut rest = written;
    while let Some(start) = rest.find("${") {
        let Some(length) = rest[start..].find('}') else { break };
        let reference = &rest[start + 2..start + length];
        value.push_str(&rest[..start]);
        match reference.split_once(':') {
            Some(("env", name)) => value.push_str(
                &std::env::var(name).map_err(|_| format!("environment variable {name:?} is not set"))?,
            ),
            Some(("file", path)) => {
                let content = std::fs::read_to_string(path)
                    .map_err(|error| format!("cannot read the file {path:?}: {error}"))?;
                value.push_str(content.trim_end_matches(['\r', '\n']));
            }
            _ => return Err(format!("unknown reference \"${{{reference}}}\"")),
        }
        rest = &rest[start + length + 1..];
    }
    value.push_str(rest);
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn property(name: &str, written: &str) -> Result<Property, ConfigError> {
        Property::new(name, written.into(), Origin::Flag("-X"))
    }

    #[test]
    fn references_are_resolved_and_missing_ones_refused() {
        let path = std::env::temp_dir().join(format!("wasmhost-secret-{}", std::process::id()));
        std::fs::write(&path, "p4ss\n").expect("the temp folder is writable");
        let written = format!("a-${{file:{}}}-b", path.display());
        let found = property("sasl.password", &written).expect("the file is there");
        std::fs::remove_file(&path).expect("it was written above");
        assert_eq!(found.value, "a-p4ss-b");

        let error =
            property("sasl.password", "${env:WASMHOST_NO_SUCH}").expect_err("the variable is not set");
        assert!(error.to_string().contains("\"WASMHOST_NO_SUCH\" is not set"), "{error}");
        property("sasl.password", "${vault:x}").expect_err("there is no vault");
        assert_eq!(property("sasl.password", "a$b{c}").expect("no reference").value, "a$b{c}");
    }

    #[test]
    fn secrets_are_hidden_but_references_are_shown() {
        let shown = |name, written| property(name, written).expect("a fine property").shown(name);
        assert_eq!(shown("sasl.password", "p4ss"), HIDDEN);
        assert_eq!(shown("ssl.key.pem", "----"), HIDDEN);
        assert_eq!(shown("sasl.username", "me"), "me");
        assert_eq!(shown("sasl.password", "${file:/dev/null}"), "${file:/dev/null}");
        assert_eq!(shown("sasl.password", "${file:/dev/null}p4ss"), HIDDEN);
        assert_eq!(shown("sasl.password", "${file:/dev/null}p4ss}"), HIDDEN);
    }

    #[test]
    fn names_from_kafka_streams_are_explained() {
        let error = property("commit.interval.ms", "5").expect_err("ours has another name");
        assert_eq!(error.hint.as_deref(), Some("set commit_interval_ms (--commit-interval)"));
    }

    #[test]
    fn sections_are_taken_off() {
        assert_eq!(Client::split("consumer.fetch.min.bytes"), (Client::Consumer, "fetch.min.bytes"));
        assert_eq!(Client::split("security.protocol"), (Client::Common, "security.protocol"));
    }
}
