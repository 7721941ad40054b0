//! Layers of settings and how they lie on each other. Pure: reads no file and no environment.

use super::hint;
use super::kafka::{self, Client};
use super::property::Property;
use super::table::{self, SETTINGS, Setting};
use super::value::{Raw, Value};
use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

/// Where a value comes from. Later variants win over earlier ones, but for [`Origin::Derived`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The built-in `default.toml`.
    Default,
    /// Made from other settings; says from which.
    Derived(&'static str),
    /// A line of a TOML file.
    File(PathBuf, usize),
    /// An environment variable.
    Variable(String),
    /// A line of a properties file (`-F`).
    Properties(PathBuf, usize),
    /// A flag, as it is written.
    Flag(&'static str),
}

impl Origin {
    fn rank(&self) -> u8 {
        match self {
            Self::Default | Self::Derived(_) => 0,
            Self::File(..) => 1,
            Self::Variable(_) => 2,
            Self::Properties(..) => 3,
            Self::Flag(_) => 4,
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::Derived(from) => write!(f, "from {from}"),
            Self::File(path, line) | Self::Properties(path, line) => write!(f, "{}:{line}", path.display()),
            Self::Variable(name) => write!(f, "environment variable {name}"),
            Self::Flag(flag) => write!(f, "flag {flag}"),
        }
    }
}

/// A setting that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{message}", .origin.as_ref().map(|origin| format!("{origin}: ")).unwrap_or_default())]
pub struct ConfigError {
    /// The place to mend; none when something is missing everywhere.
    pub origin: Option<Origin>,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub hint: Option<String>,
}

impl ConfigError {
    /// An error at `origin`.
    pub fn at(origin: &Origin, message: impl Into<String>) -> Self {
        Self { origin: Some(origin.clone()), message: message.into(), hint: None }
    }

    /// An error without a place.
    pub fn nowhere(message: impl Into<String>) -> Self {
        Self { origin: None, message: message.into(), hint: None }
    }

    /// The same with a hint.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// Which setting an [`Entry`] sets.
#[derive(Clone, Debug, PartialEq)]
pub enum Target {
    /// One of the table.
    Own(&'static Setting),
    /// One of `[settings]`.
    Guest(String),
    /// One of `[grants.env]`.
    Env(String),
    /// A property of librdkafka.
    Kafka(Client, String),
}

/// One value of one layer.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// What it sets.
    pub target: Target,
    /// As it was written.
    pub raw: Raw,
    /// Where.
    pub origin: Origin,
}

impl Entry {
    /// The entry for a dotted key of a file, or for the same key from elsewhere.
    ///
    /// # Errors
    /// An unknown key, with the one that was meant.
    pub fn for_key(key: &str, raw: Raw, origin: Origin) -> Result<Self, ConfigError> {
        let target = if let Some(name) = key.strip_prefix("settings.") {
            Target::Guest(name.into())
        } else if let Some(name) = key.strip_prefix("grants.env.") {
            Target::Env(name.into())
        } else if let Some(name) = key.strip_prefix("kafka.") {
            let (client, name) = Client::split(name);
            Target::Kafka(client, name.into())
        } else {
            Target::Own(table::by_key(key).ok_or_else(|| unknown_key(key, &origin))?)
        };
        Ok(Self { target, raw, origin })
    }
}

fn unknown_key(key: &str, origin: &Origin) -> ConfigError {
    let error = ConfigError::at(origin, format!("unknown key {key:?}"));
    if let Some(setting) = table::by_streams_name(key) {
        return error.hint(format!("here this is {:?}", setting.key));
    }
    if let Some(key) = hint::nearest(key, SETTINGS.iter().map(|setting| setting.key)) {
        return error.hint(format!("did you mean {key:?}?"));
    }
    let limit = SETTINGS.iter().find(|setting| setting.key.strip_prefix("limits.") == Some(key));
    if let Some(limit) = limit {
        return error.hint(format!("{} belongs under [limits]", limit.key.trim_start_matches("limits.")));
    }
    if key.contains('.') {
        return error.hint("properties of librdkafka belong under [kafka]");
    }
    error.hint("`host config show` lists all settings")
}

/// All layers laid on each other.
#[derive(Clone, Debug, Default)]
pub(super) struct Resolved {
    own: BTreeMap<&'static str, (Value, Origin)>,
    guest: BTreeMap<String, Property>,
    env: BTreeMap<String, Property>,
    kafka: BTreeMap<(Client, String), Property>,
}

impl Resolved {
    /// Lays one more value on top. Entries must come layer by layer, the strongest last.
    ///
    /// # Errors
    /// A value that is not allowed, or two values in one layer.
    pub(super) fn lay(&mut self, entry: Entry) -> Result<(), ConfigError> {
        let Entry { target, raw, origin } = entry;
        match target {
            Target::Own(setting) => self.lay_own(setting, &raw, origin),
            Target::Guest(name) => {
                let written = scalar(&raw).ok_or_else(|| not_scalar("settings", &name, &origin))?;
                self.guest.insert(name.clone(), Property::new(&name, written, origin)?);
                Ok(())
            }
            Target::Env(name) => {
                let written = scalar(&raw).ok_or_else(|| not_scalar("grants.env", &name, &origin))?;
                self.env.insert(name.clone(), Property::new(&name, written, origin)?);
                Ok(())
            }
            Target::Kafka(client, name) => {
                let written = scalar(&raw).ok_or_else(|| not_scalar("kafka", &name, &origin))?;
                kafka::check_name(&name, &origin)?;
                let property = Property::new(&name, written, origin)?;
                if kafka::is_bootstrap(&name) {
                    return self.lay_bootstrap(client, &name, property);
                }
                self.kafka.insert((client, name), property);
                Ok(())
            }
        }
    }

    fn lay_own(&mut self, setting: &'static Setting, raw: &Raw, origin: Origin) -> Result<(), ConfigError> {
        let unit_named = !matches!(origin, Origin::Flag(_));
        let value = setting.kind.parse(raw, unit_named).ok_or_else(|| {
            let message = match origin {
                Origin::File(..) | Origin::Default => format!("{} = {raw} is not allowed", setting.key),
                _ => format!("{raw} is not allowed"),
            };
            ConfigError::at(&origin, message).hint(format!("{} is {}", setting.key, setting.kind.allowed()))
        })?;
        if let Some((before, at)) = self.own.get(setting.key)
            && at.rank() == origin.rank()
            && *before != value
        {
            return Err(ConfigError::at(&origin, format!("{} is also set by {at}", setting.key)));
        }
        self.own.insert(setting.key, (value, origin));
        Ok(())
    }

    fn lay_bootstrap(&mut self, client: Client, name: &str, property: Property) -> Result<(), ConfigError> {
        if client != Client::Common {
            let message = format!("{name} is the same for all clients");
            return Err(ConfigError::at(&property.origin, message).hint("set bootstrap_servers"));
        }
        let setting = table::by_key("bootstrap_servers").expect("it is in the table");
        self.lay_own(setting, &Raw::Text(property.value), property.origin)
    }

    /// Puts a value in the place of one that was left to the host.
    pub(super) fn derive(&mut self, key: &'static str, value: Value, from: &'static str) {
        self.own.insert(key, (value, Origin::Derived(from)));
    }

    /// The value of a setting of the table.
    ///
    /// # Panics
    /// When the key is not in the table, or `default.toml` was not laid first.
    pub(super) fn value(&self, key: &str) -> &Value {
        &self.own.get(key).expect("default.toml has every setting of the table").0
    }

    /// Where a setting of the table comes from.
    ///
    /// # Panics
    /// As [`Resolved::value`].
    pub(super) fn origin(&self, key: &str) -> &Origin {
        &self.own.get(key).expect("default.toml has every setting of the table").1
    }

    /// `[settings]`.
    pub(super) fn guest(&self) -> impl Iterator<Item = (&str, &Property)> {
        self.guest.iter().map(|(name, property)| (name.as_str(), property))
    }

    /// `[grants.env]`.
    pub(super) fn env(&self) -> impl Iterator<Item = (&str, &Property)> {
        self.env.iter().map(|(name, property)| (name.as_str(), property))
    }

    /// `[kafka]` and its sections.
    pub(super) fn kafka(&self) -> impl Iterator<Item = (Client, &str, &Property)> {
        self.kafka.iter().map(|((client, name), property)| (*client, name.as_str(), property))
    }
}

fn scalar(raw: &Raw) -> Option<String> {
    match raw {
        Raw::Text(text) => Some(text.clone()),
        Raw::List(_) => None,
        Raw::Integer(_) | Raw::Float(_) | Raw::Bool(_) => Some(raw.to_string()),
    }
}

fn not_scalar(section: &str, name: &str, origin: &Origin) -> ConfigError {
    ConfigError::at(origin, format!("{name:?} under [{section}] must be a string, a number or a truth value"))
}
