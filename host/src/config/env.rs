//! The layer of environment variables: `HOST_...`. Takes the variables, never reads them itself.

use super::hint;
use super::kafka::Client;
use super::layer::{Entry, Origin, Target};
use super::table::SETTINGS;
use super::value::Raw;

/// Variables with other readers: the log filter and the config file's path.
const OTHERS: [&str; 2] = ["HOST_LOG", "HOST_CONFIG"];

/// The entries, and a warning for each `HOST_` variable that is not understood (it may belong to another
/// program, so it is no error).
pub(super) fn parse(variables: &[(String, String)]) -> (Vec<Entry>, Vec<String>) {
    let mut variables: Vec<_> = variables.iter().filter(|(name, _)| name.starts_with("HOST_")).collect();
    variables.sort();
    let mut entries = Vec::new();
    let mut warnings = Vec::new();
    for (name, value) in variables {
        if OTHERS.contains(&name.as_str()) {
            continue;
        }
        let Some(target) = target(name) else {
            warnings.push(unknown(name));
            continue;
        };
        entries.push(Entry { target, raw: Raw::Text(value.clone()), origin: Origin::Variable(name.clone()) });
    }
    (entries, warnings)
}

fn target(name: &str) -> Option<Target> {
    if let Some(setting) = SETTINGS.iter().find(|setting| setting.variable() == name) {
        return Some(Target::Own(setting));
    }
    if let Some(property) = name.strip_prefix("HOST_KAFKA_") {
        // As in the container images of Kafka: one underscore is a dot, two are one underscore.
        let property = property.to_ascii_lowercase().replace("__", "\0").replace('_', ".").replace('\0', "_");
        let (client, property) = Client::split(&property);
        return Some(Target::Kafka(client, property.into()));
    }
    let guest = name.strip_prefix("HOST_SETTINGS_")?;
    Some(Target::Guest(guest.to_ascii_lowercase()))
}

fn unknown(name: &str) -> String {
    let known: Vec<_> = SETTINGS.iter().map(super::table::Setting::variable).collect();
    match hint::nearest(name, known.iter().map(String::as_str)) {
        Some(near) => {
            format!("environment variable {name} is no setting and is ignored; did you mean {near}?")
        }
        None => format!("environment variable {name} is no setting and is ignored"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(name: &str) -> (Vec<Entry>, Vec<String>) {
        super::parse(&[(name.into(), "x".into())])
    }

    #[test]
    fn variables_name_settings_properties_and_guest_settings() {
        let target = |name| parse(name).0.remove(0).target;
        let own = |key| Target::Own(crate::config::table::by_key(key).expect("it is in the table"));
        assert_eq!(target("HOST_COMMIT_INTERVAL_MS"), own("commit_interval_ms"));
        assert_eq!(target("HOST_LIMITS_MEMORY_BYTES_MAX"), own("limits.memory_bytes_max"));
        assert_eq!(target("HOST_OPERATOR_NAME"), own("name"));
        let kafka = |client, name: &str| Target::Kafka(client, name.into());
        assert_eq!(target("HOST_KAFKA_BOOTSTRAP_SERVERS"), kafka(Client::Common, "bootstrap.servers"));
        assert_eq!(target("HOST_KAFKA_CONSUMER_FETCH_MIN_BYTES"), kafka(Client::Consumer, "fetch.min.bytes"));
        assert_eq!(target("HOST_KAFKA_SSL__KEY"), kafka(Client::Common, "ssl_key"));
        assert_eq!(target("HOST_SETTINGS_SEPARATOR"), Target::Guest("separator".into()));
    }

    #[test]
    fn a_stranger_is_a_warning_with_a_hint() {
        let (entries, warnings) = parse("HOST_COMMIT_INTERVAL");
        assert!(entries.is_empty());
        assert!(warnings[0].ends_with("did you mean HOST_COMMIT_INTERVAL_MS?"), "{warnings:?}");
        assert_eq!(parse("HOST_NAME").1.len(), 1);
        assert_eq!(parse("HOST_LOG"), (vec![], vec![]));
        assert_eq!(parse("PATH"), (vec![], vec![]));
    }
}
