//! Settings as text, each with its origin, secrets hidden.

use super::kafka::Client;
use super::layer::{Origin, Resolved};
use super::property::Property;
use super::table::SETTINGS;
use std::fmt::Write as _;

/// One setting as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// The TOML table; empty for the top.
    pub table: &'static str,
    /// The key within the table, quoted where TOML asks for it.
    pub key: String,
    /// The value as TOML; secrets hidden.
    pub value: String,
    /// Where it comes from.
    pub origin: Origin,
}

impl Shown {
    /// A setting that is nobody's choice: the built-in value, or made from others.
    pub fn is_default(&self) -> bool {
        matches!(self.origin, Origin::Default | Origin::Derived(_))
    }
}

/// Everything that was resolved, in the order of `default.toml`.
pub(super) fn shown(resolved: &Resolved) -> Vec<Shown> {
    let own = SETTINGS.iter().map(|setting| {
        let (table, key) = setting.key.split_once('.').unwrap_or(("", setting.key));
        let (value, origin) = (resolved.value(setting.key).to_string(), resolved.origin(setting.key).clone());
        Shown { table, key: key.into(), value, origin }
    });
    let shown = |table, name, property: &Property| Shown {
        table,
        key: quoted(name),
        value: format!("{:?}", property.shown(name)),
        origin: property.origin.clone(),
    };
    let env = resolved.env().map(|(name, property)| shown("grants.env", name, property));
    let guest = resolved.guest().map(|(name, property)| shown("settings", name, property));
    let kafka =
        resolved.kafka().map(|(client, name, property)| shown(Client::section(client), name, property));
    own.chain(env).chain(guest).chain(kafka).collect()
}

fn quoted(key: &str) -> String {
    let bare = key.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'));
    if bare && !key.is_empty() { key.into() } else { format!("{key:?}") }
}

/// A TOML page of these settings; each line ends with the origin.
pub fn toml(settings: &[Shown]) -> String {
    let width = settings.iter().map(|shown| shown.key.len() + shown.value.len()).max().unwrap_or(0).min(60);
    let mut page = String::new();
    let mut table = "";
    for shown in settings {
        if shown.table != table {
            table = shown.table;
            let _ = writeln!(page, "\n[{table}]");
        }
        let pad = width.saturating_sub(shown.key.len() + shown.value.len());
        let _ = writeln!(page, "{} = {}{:pad$}  # {}", shown.key, shown.value, "", shown.origin);
    }
    page
}
