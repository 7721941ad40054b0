//! The only door to client configuration: our settings, the user's properties over them, and the reasons why
//! some keys are refused. Values are never logged: they may be secrets.

use super::known::KnownTopics;
use super::sys;
use rdkafka::ClientConfig;
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

/// The least transaction timeout.
const TRANSACTION_TIMEOUT_MIN_MS: u64 = 10_000;
/// So many commit intervals fit into a transaction's timeout.
const COMMITS_PER_TRANSACTION_TIMEOUT: u64 = 3;
/// How long a member may be silent before the group gives its partitions away.
const SESSION_TIMEOUT_MS: u64 = 45_000;

/// librdkafka properties as the user wrote them.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Properties {
    /// For every client.
    pub common: BTreeMap<String, String>,
    /// For consumers.
    pub consumer: BTreeMap<String, String>,
    /// For producers.
    pub producer: BTreeMap<String, String>,
    /// For the admin client.
    pub admin: BTreeMap<String, String>,
}

impl fmt::Debug for Properties {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys = |map: &BTreeMap<String, String>| map.keys().cloned().collect::<Vec<_>>();
        f.debug_struct("Properties")
            .field("common", &keys(&self.common))
            .field("consumer", &keys(&self.consumer))
            .field("producer", &keys(&self.producer))
            .field("admin", &keys(&self.admin))
            .finish()
    }
}

/// Why properties cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// The key would break a promise of ours.
    #[error("kafka property \"{key}\" cannot be set: {reason}")]
    Refused {
        /// The key.
        key: String,
        /// Why, and what to use instead.
        reason: &'static str,
    },
    /// librdkafka does not take a key or a value.
    #[error("kafka {client} settings: {reason}")]
    Invalid {
        /// Which client.
        client: &'static str,
        /// librdkafka's words; the value is not in them.
        reason: String,
    },
    /// The session would end before a transaction does.
    #[error(
        "kafka property \"session.timeout.ms\" is {session_ms}, less than the transaction timeout of {transaction_ms} ms: \
         another process could take over while ours can still commit"
    )]
    SessionTooShort {
        /// As set.
        session_ms: u64,
        /// As derived from the commit interval.
        transaction_ms: u64,
    },
}

const EXACTLY_ONCE: &str =
    "exactly-once depends on our value; use --processing-guarantee at_least_once to do without";
const OURS: &str = "offsets are committed by us, with the results";
const IDENTITY: &str = "it is derived from the application id and the state folder";
const GROUP: &str =
    "partitions are taken and handed over eagerly by range, as commits before a rebalance need it";

/// Keys that break a promise, with the reason.
const REFUSED: &[(&str, &str)] = &[
    ("auto.commit.interval.ms", OURS),
    ("auto.offset.reset", "use --offset-reset or --from-beginning"),
    ("bootstrap.servers", "use --bootstrap-servers"),
    ("check.crcs", "broken batches must be seen"),
    ("delivery.report.only.error", "set by us"),
    ("delivery.timeout.ms", "it follows from the transaction timeout"),
    ("enable.auto.commit", OURS),
    ("enable.auto.offset.store", OURS),
    ("enable.gapless.guarantee", EXACTLY_ONCE),
    ("enable.idempotence", EXACTLY_ONCE),
    ("enable.partition.eof", "positions come from partition ends"),
    ("group.id", "use --application-id"),
    ("group.instance.id", IDENTITY),
    ("group.protocol", "only the classic protocol is supported so far"),
    ("group.remote.assignor", "only the classic protocol is supported so far"),
    ("isolation.level", EXACTLY_ONCE),
    ("max.in.flight", EXACTLY_ONCE),
    ("max.in.flight.requests.per.connection", EXACTLY_ONCE),
    ("acks", EXACTLY_ONCE),
    ("request.required.acks", EXACTLY_ONCE),
    ("retries", EXACTLY_ONCE),
    ("message.send.max.retries", EXACTLY_ONCE),
    ("log_level", "use --log"),
    ("message.timeout.ms", "it follows from the transaction timeout"),
    ("metadata.broker.list", "use --bootstrap-servers"),
    ("partition.assignment.strategy", GROUP),
    ("partitioner", "keys are placed by murmur2, as Java clients do"),
    ("transaction.timeout.ms", "it follows from the commit interval: max(10 s, 3 x commit interval)"),
    ("transactional.id", IDENTITY),
];

impl Properties {
    /// Refuses keys that break a promise, and what librdkafka does not know or take.
    ///
    /// # Errors
    /// The first offence.
    pub fn check(&self) -> Result<(), ConfigError> {
        let sections = [
            ("client", &self.common),
            ("consumer", &self.consumer),
            ("producer", &self.producer),
            ("admin", &self.admin),
        ];
        for (client, section) in sections {
            if let Some((key, reason)) = REFUSED.iter().find(|(key, _)| section.contains_key(*key)) {
                return Err(ConfigError::Refused { key: (*key).to_owned(), reason });
            }
            let mut config = ClientConfig::new();
            config.extend(section.clone());
            sys::try_config(&config).map_err(|reason| ConfigError::Invalid { client, reason })?;
        }
        Ok(())
    }
}

/// What all clients of an application share.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `host:port,...`
    pub bootstrap_servers: String,
    /// The group's id.
    pub application_id: String,
    /// How often a worker commits.
    pub commit_interval: Duration,
    /// The user's properties.
    pub properties: Properties,
    /// Of the topics that are read, once they are known.
    pub known_topics: KnownTopics,
}

impl Settings {
    /// Checks the properties, and the session against the transaction.
    ///
    /// # Errors
    /// The first offence.
    pub fn check(&self) -> Result<(), ConfigError> {
        self.properties.check()?;
        let (session_ms, transaction_ms) = (self.session_timeout_ms(), self.transaction_timeout_ms());
        if session_ms < transaction_ms {
            return Err(ConfigError::SessionTooShort { session_ms, transaction_ms });
        }
        Ok(())
    }

    /// How long a transaction may stay open.
    pub fn transaction_timeout(&self) -> Duration {
        Duration::from_millis(self.transaction_timeout_ms())
    }

    fn transaction_timeout_ms(&self) -> u64 {
        let interval_ms = u64::try_from(self.commit_interval.as_millis()).unwrap_or(u64::MAX);
        interval_ms.saturating_mul(COMMITS_PER_TRANSACTION_TIMEOUT).max(TRANSACTION_TIMEOUT_MIN_MS)
    }

    /// How long a member may be silent before the group gives its partitions away.
    pub(super) fn session_timeout(&self) -> Duration {
        Duration::from_millis(self.session_timeout_ms())
    }

    fn session_timeout_ms(&self) -> u64 {
        let key = "session.timeout.ms";
        let set = self.properties.consumer.get(key).or_else(|| self.properties.common.get(key));
        let default = SESSION_TIMEOUT_MS.max(self.transaction_timeout_ms());
        set.and_then(|value| value.trim().parse().ok()).unwrap_or(default)
    }

    /// A member of the application's group. None: the group names the member (dynamic membership).
    pub(super) fn consumer(&self, client_id: &str, instance_id: Option<&str>) -> ClientConfig {
        let mut config = self.reader(client_id, &self.application_id);
        config.set("session.timeout.ms", self.session_timeout_ms().to_string());
        if let Some(id) = instance_id {
            config.set("group.instance.id", id);
        }
        config
    }

    /// A reader of changelogs. Its group exists in name only: it is never joined and nothing is committed.
    pub(super) fn restorer(&self, client_id: &str) -> ClientConfig {
        let mut config = self.reader(client_id, &format!("{}-restore-{client_id}", self.application_id));
        config.remove("session.timeout.ms");
        // The end of a log is told with an answer, and it is waited for.
        config.set("fetch.wait.max.ms", "20");
        config
    }

    fn reader(&self, client_id: &str, group: &str) -> ClientConfig {
        let ours = [
            // The default of 1 s stops fetching for that long whenever the queue is full.
            ("fetch.queue.backoff.ms", "2"),
            ("fetch.message.max.bytes", "1048576"),
            ("queued.min.messages", "50000"),
            ("queued.max.messages.kbytes", "65536"),
        ];
        let fixed = [
            ("group.id", group),
            ("group.protocol", "classic"),
            ("partition.assignment.strategy", "range"),
            ("enable.auto.commit", "false"),
            ("enable.auto.offset.store", "false"),
            ("auto.offset.reset", "error"),
            ("isolation.level", "read_committed"),
            ("enable.partition.eof", "true"),
            ("check.crcs", "true"),
        ];
        self.config(client_id, &ours, &self.properties.consumer, &fixed)
    }

    /// None: without transactions, but idempotent.
    pub(super) fn producer(&self, client_id: &str, transactional_id: Option<&str>) -> ClientConfig {
        let ours = [
            ("linger.ms", "5"),
            // The coordinator refuses a transaction while it still completes the one before; the default of
            // 100 ms would be the least time between two commits that follow each other at once.
            ("retry.backoff.ms", "10"),
            ("batch.size", "1000000"),
            ("queue.buffering.max.messages", "1000000"),
            ("queue.buffering.max.kbytes", "262144"),
            // Shorter than a transaction, so that a missing topic is named and not only timed out.
            ("topic.metadata.propagation.max.ms", "5000"),
        ];
        let fixed = [
            ("enable.idempotence", "true"),
            ("partitioner", "murmur2_random"),
            ("delivery.report.only.error", "true"),
        ];
        let mut config = self.config(client_id, &ours, &self.properties.producer, &fixed);
        if let Some(id) = transactional_id {
            config.set("transactional.id", id);
            config.set("transaction.timeout.ms", self.transaction_timeout_ms().to_string());
        }
        config
    }

    pub(super) fn admin(&self) -> ClientConfig {
        self.config("admin", &[("statistics.interval.ms", "0")], &self.properties.admin, &[])
    }

    /// Asks for the group's offsets without being a member.
    pub(super) fn observer(&self) -> ClientConfig {
        let fixed = [
            ("group.id", self.application_id.as_str()),
            ("group.protocol", "classic"),
            ("enable.auto.commit", "false"),
            ("isolation.level", "read_committed"),
        ];
        self.config("observer", &[("statistics.interval.ms", "0")], &self.properties.admin, &fixed)
    }

    /// Ours, then the user's for all, then the user's for this client, then what is fixed.
    fn config(
        &self,
        client_id: &str,
        ours: &[(&str, &str)],
        section: &BTreeMap<String, String>,
        fixed: &[(&str, &str)],
    ) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("client.id", self::client_id(&self.application_id, client_id));
        config.set("statistics.interval.ms", "5000");
        config.set("socket.nagle.disable", "true");
        // Known brokers are tried for ever. When none answers librdkafka 2.12.1 would begin anew with the bootstrap
        // servers, forget the others, and now and then be left without any (tests/FAULTS.md, F6).
        config.set("metadata.recovery.strategy", "none");
        for (key, value) in ours {
            config.set(*key, *value);
        }
        config.extend(self.properties.common.clone());
        config.extend(section.clone());
        for (key, value) in fixed {
            config.set(*key, *value);
        }
        // Also when a producer or the admin client looks at a topic.
        config.set("allow.auto.create.topics", "false");
        config.set("bootstrap.servers", &self.bootstrap_servers);
        config
    }
}

/// How brokers know a client.
pub(super) fn client_id(application_id: &str, id: &str) -> String {
    format!("{application_id}-{id}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> Settings {
        Settings {
            bootstrap_servers: "localhost:9092".to_owned(),
            application_id: "app".to_owned(),
            commit_interval: Duration::from_millis(100),
            properties: Properties::default(),
            known_topics: KnownTopics::default(),
        }
    }

    fn map(key: &str, value: &str) -> BTreeMap<String, String> {
        BTreeMap::from([(key.to_owned(), value.to_owned())])
    }

    #[test]
    fn keys_that_break_a_promise_are_refused_in_every_section() {
        let properties = Properties { producer: map("enable.idempotence", "false"), ..Properties::default() };
        assert!(
            matches!(properties.check(), Err(ConfigError::Refused { key, .. }) if key == "enable.idempotence")
        );
        let properties =
            Properties { common: map("isolation.level", "read_uncommitted"), ..Properties::default() };
        assert!(
            matches!(properties.check(), Err(ConfigError::Refused { key, .. }) if key == "isolation.level")
        );
    }

    #[test]
    fn every_refused_key_is_one_that_librdkafka_knows_or_an_alias() {
        for (key, _) in REFUSED {
            let mut config = ClientConfig::new();
            config.set(*key, "no such value");
            let error = sys::try_config(&config).err().unwrap_or_default();
            assert!(!error.contains("Unknown"), "{key}: {error}");
        }
    }

    #[test]
    fn unknown_properties_are_named_and_values_are_not_shown() {
        let properties = Properties { common: map("no.such.property", "hush"), ..Properties::default() };
        let error = properties.check().expect_err("unknown").to_string();
        assert!(error.contains("no.such.property") && !error.contains("hush"), "{error}");
        assert!(!format!("{properties:?}").contains("hush"));
    }

    #[test]
    fn our_settings_are_known_to_librdkafka() {
        let settings = settings();
        for config in [
            settings.consumer("0", Some("i")),
            settings.producer("0", Some("t")),
            settings.producer("0", None),
            settings.restorer("0"),
            settings.admin(),
            settings.observer(),
        ] {
            assert_eq!(sys::try_config(&config), Ok(()));
        }
    }

    #[test]
    fn user_properties_win_over_ours_but_not_over_what_is_fixed() {
        let mut settings = settings();
        settings.properties.producer = map("linger.ms", "50");
        settings.properties.common = map("enable.partition.eof", "false");
        assert_eq!(settings.producer("0", None).get("linger.ms"), Some("50"));
        assert_eq!(settings.consumer("0", None).get("enable.partition.eof"), Some("true"));
    }

    #[test]
    fn transactions_outlast_three_commits_and_sessions_outlast_transactions() {
        let mut settings = settings();
        assert_eq!(settings.transaction_timeout(), Duration::from_secs(10));
        settings.commit_interval = Duration::from_secs(30);
        assert_eq!(settings.transaction_timeout(), Duration::from_secs(90));
        assert_eq!(settings.check(), Ok(()));
        settings.properties.consumer = map("session.timeout.ms", "6000");
        assert!(matches!(settings.check(), Err(ConfigError::SessionTooShort { .. })));
    }
}
