//! A Kafka with TLS, passwords and access rules; tests themselves reach it without any.

use crate::java::Java;
use anyhow::{Result, ensure};
use std::fs;
use std::path::{Path, PathBuf};
use testkit::{Bed, HostCommand};
use xtask::kafka::{BrokerConfig, free_ports};
use xtask::paths;

/// The user of hosts.
const USER: &str = "host";
/// Its password; no log may have it.
pub(super) const PASSWORD: &str = "tell-nobody";
/// Of the brokers' key stores.
const STORE_PASSWORD: &str = "of-the-stores";
/// Connections have to show their password again after so long.
const REAUTHENTICATE_MS: &str = "2000";

/// What a user may do.
pub(super) struct Right([String; 4]);

impl Right {
    /// An operation, then a resource's type, pattern and name, as Kafka's enums have them.
    pub(super) fn new(operation: &str, resource: &str, pattern: &str, name: &str) -> Self {
        Self([operation, resource, pattern, name].map(str::to_owned))
    }
}

/// Where hosts reach it, and who may do what.
pub(super) struct Secured {
    java: Java,
    folder: PathBuf,
    config: BrokerConfig,
    /// Its certificate is good.
    pub(super) port: u16,
    /// It has expired.
    pub(super) expired: u16,
    /// It is for another host.
    pub(super) elsewhere: u16,
    /// A file with all of them.
    pub(super) all_certificates: String,
    /// Only with the expired one.
    pub(super) one_certificate: String,
}

impl Secured {
    /// Certificates, and the configuration of a broker.
    pub(super) fn new(name: &str) -> Result<Self> {
        let folder = paths::target().join("tests").join(format!("{name}-{}", std::process::id()));
        fs::create_dir_all(&folder)?;
        let mut java = Java::start("Access.java")?;
        let (mut config, (port, expired), (elsewhere, _)) =
            (BrokerConfig::on_free_ports(name)?, free_ports()?, free_ports()?);
        let mut all = String::new();
        let listeners = [
            ("secure", port, "localhost", "-1H"),
            ("expired", expired, "localhost", "-3d"),
            ("elsewhere", elsewhere, "elsewhere.example", "-1H"),
        ];
        for (name, _, host, start) in listeners {
            let [store, pem] = ["p12", "pem"].map(|kind| path(&folder, &format!("{name}.{kind}")));
            let done = java.ask(&["certificate", &store, &pem, STORE_PASSWORD, host, start])?;
            ensure!(done == "ok", "no certificate: {done}");
            all += &fs::read_to_string(&pem)?;
            let key = |rest: &str| format!("listener.name.{name}.{rest}");
            let module = "org.apache.kafka.common.security.scram.ScramLoginModule required;";
            config.settings.extend([
                (key("ssl.keystore.location"), store),
                (key("ssl.keystore.password"), STORE_PASSWORD.into()),
                (key("ssl.keystore.type"), "PKCS12".into()),
                (key("scram-sha-512.sasl.jaas.config"), module.into()),
            ]);
        }
        config.settings.extend(settings(&config, &listeners.map(|(name, port, ..)| (name, port))));
        let all_certificates = path(&folder, "all.pem");
        fs::write(&all_certificates, all)?;
        let one_certificate = path(&folder, "expired.pem");
        Ok(Self { java, folder, config, port, expired, elsewhere, all_certificates, one_certificate })
    }

    /// The broker.
    pub(super) fn bed(&self) -> Result<Bed> {
        Bed::with(self.config.clone(), &format!("localhost:{}", self.port))
    }

    /// A host that comes as our user.
    pub(super) fn host(command: HostCommand, authority: &str, password: &str) -> HostCommand {
        command
            .setting("kafka_security_protocol", "SASL_SSL")
            .setting("kafka_sasl_mechanism", "SCRAM-SHA-512")
            .setting("kafka_sasl_username", USER)
            .setting("kafka_sasl_password", password)
            .setting("kafka_ssl_ca_location", authority)
            .setting("kafka_broker_address_family", "v4")
    }

    /// Makes the user, or gives it another password; "-" deletes it.
    pub(super) fn user(&mut self, password: &str) -> Result<()> {
        let servers = self.servers();
        self.done(&["user", &servers, USER, password])
    }

    /// Gives our user a right.
    pub(super) fn allow(&mut self, right: &Right) -> Result<()> {
        self.change("allow", right)
    }

    /// Takes it away.
    pub(super) fn forbid(&mut self, right: &Right) -> Result<()> {
        self.change("forbid", right)
    }

    fn change(&mut self, what: &str, Right([operation, resource, pattern, name]): &Right) -> Result<()> {
        let (servers, principal) = (self.servers(), format!("User:{USER}"));
        self.done(&[what, &servers, &principal, operation, resource, pattern, name])
    }

    fn done(&mut self, fields: &[&str]) -> Result<()> {
        let answer = self.java.ask(fields)?;
        ensure!(answer == "ok", "cannot do {fields:?}: {answer}");
        Ok(())
    }

    fn servers(&self) -> String {
        format!("127.0.0.1:{}", self.config.port)
    }
}

impl Drop for Secured {
    fn drop(&mut self) {
        // Best effort: it is below the target folder.
        drop(fs::remove_dir_all(&self.folder));
    }
}

fn path(folder: &Path, name: &str) -> String {
    folder.join(name).to_string_lossy().into_owned()
}

/// The listeners, and that nobody but the tests may do what is not allowed.
fn settings(config: &BrokerConfig, listeners: &[(&str, u16)]) -> Vec<(String, String)> {
    let BrokerConfig { port, controller_port, .. } = config;
    let mut bound =
        vec![format!("PLAINTEXT://127.0.0.1:{port}"), format!("CONTROLLER://127.0.0.1:{controller_port}")];
    let mut advertised = vec![format!("PLAINTEXT://127.0.0.1:{port}")];
    let mut protocols = vec!["PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT".to_owned()];
    for (name, port) in listeners {
        let name = name.to_uppercase();
        bound.push(format!("{name}://127.0.0.1:{port}"));
        advertised.push(format!("{name}://localhost:{port}"));
        protocols.push(format!("{name}:SASL_SSL"));
    }
    let [bound, advertised, protocols] = [bound, advertised, protocols].map(|all| all.join(","));
    let settings = [
        ("listeners", bound.as_str()),
        ("advertised.listeners", &advertised),
        ("listener.security.protocol.map", &protocols),
        ("sasl.enabled.mechanisms", "SCRAM-SHA-512"),
        ("connections.max.reauth.ms", REAUTHENTICATE_MS),
        ("authorizer.class.name", "org.apache.kafka.metadata.authorizer.StandardAuthorizer"),
        ("super.users", "User:ANONYMOUS"),
    ];
    settings.map(|(key, value)| (key.to_owned(), value.to_owned())).into()
}
