//! Reads layers from text: TOML files and properties files (`-F`).

use super::kafka::Client;
use super::layer::{ConfigError, Entry, Origin, Target};
use super::value::Raw;
use std::path::Path;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// The array of tables, one an operator.
const OPERATORS: &str = "operators";
/// The built-in defaults.
const DEFAULTS: &str = include_str!("../../default.toml");

/// A settings file.
#[derive(Debug)]
pub(super) struct File {
    /// What stands outside of `[[operators]]`, in its order.
    pub(super) entries: Vec<Entry>,
    /// Its `[[operators]]`, in their order.
    pub(super) operators: Vec<OperatorTable>,
}

/// One of `[[operators]]`.
#[derive(Debug)]
pub(super) struct OperatorTable {
    /// What it sets for itself.
    pub(super) entries: Vec<Entry>,
    /// Its first line.
    pub(super) origin: Origin,
}

/// The entries of `default.toml`.
///
/// # Errors
/// None in a program that was tested.
pub(super) fn defaults() -> Result<Vec<Entry>, ConfigError> {
    let mut entries = parse(DEFAULTS, Path::new("default.toml"))?.entries;
    for entry in &mut entries {
        entry.origin = Origin::Default;
    }
    Ok(entries)
}

/// What a TOML file says.
///
/// # Errors
/// Bad TOML, an unknown key, a value of a type that no setting has; all with their line.
pub(super) fn parse(text: &str, path: &Path) -> Result<File, ConfigError> {
    let table = DeTable::parse(text).map_err(|error| {
        let line = line(text, error.span().map_or(0, |span| span.start));
        let message = error.message().trim().replace('\n', ", ");
        ConfigError::at(&Origin::File(path.into(), line), message)
    })?;
    let source = Source { text, path };
    let mut operators = Vec::new();
    for table in operator_tables(table.get_ref()) {
        let (table, start) = (table.get_ref(), table.span().start);
        let origin = Origin::File(path.into(), line(text, start));
        let table = table.as_table().ok_or_else(|| {
            ConfigError::at(&origin, "operators are tables").hint("begin each with a line [[operators]]")
        })?;
        operators.push(OperatorTable { entries: source.entries(table)?, origin });
    }
    Ok(File { entries: source.entries(table.get_ref())?, operators })
}

fn operator_tables<'a, 'b>(table: &'a DeTable<'b>) -> &'a [Spanned<DeValue<'b>>] {
    let found = table.iter().find(|(key, _)| key.get_ref() == OPERATORS);
    match found.map(|(_, value)| value.get_ref()) {
        Some(DeValue::Array(items)) => items,
        _ => &[],
    }
}

struct Source<'a> {
    text: &'a str,
    path: &'a Path,
}

impl Source<'_> {
    /// The entries of a table and those below it.
    fn entries(&self, table: &DeTable<'_>) -> Result<Vec<Entry>, ConfigError> {
        let mut entries = Vec::new();
        collect(self, "", table, &mut entries)?;
        // Tables come sorted by name; people read by line.
        entries.sort_by_key(|(line, _)| *line);
        entries.into_iter().map(|(_, entry)| entry).collect()
    }
}

type Numbered = (usize, Result<Entry, ConfigError>);

fn collect(
    file: &Source<'_>,
    prefix: &str,
    table: &DeTable<'_>,
    entries: &mut Vec<Numbered>,
) -> Result<(), ConfigError> {
    for (key, value) in table {
        if prefix.is_empty() && key.get_ref() == OPERATORS && value.get_ref().is_array() {
            continue;
        }
        let dotted = format!("{prefix}{}", key.get_ref());
        let line = line(file.text, key.span().start);
        let origin = Origin::File(file.path.into(), line);
        if let Some(table) = value.get_ref().as_table() {
            if prefix.is_empty()
                && !["limits", "grants", "settings", "kafka"].contains(&dotted.as_str())
                && table.is_empty()
            {
                return Err(ConfigError::at(&origin, format!("unknown table [{dotted}]"))
                    .hint("tables are [limits], [grants], [settings], [kafka] and their sections"));
            }
            collect(file, &format!("{dotted}."), table, entries)?;
        } else {
            let entry = raw(value, &dotted, &origin).and_then(|raw| Entry::for_key(&dotted, raw, origin));
            entries.push((line, entry));
        }
    }
    Ok(())
}

fn raw(value: &Spanned<DeValue<'_>>, key: &str, origin: &Origin) -> Result<Raw, ConfigError> {
    let refuse = |what: &str| ConfigError::at(origin, format!("{key}: {what}"));
    Ok(match value.get_ref() {
        DeValue::String(text) => Raw::Text(text.to_string()),
        DeValue::Boolean(truth) => Raw::Bool(*truth),
        DeValue::Integer(number) => Raw::Integer(
            i64::from_str_radix(number.as_str(), number.radix())
                .map_err(|_| refuse("the number is too large"))?,
        ),
        DeValue::Float(number) => {
            Raw::Float(number.as_str().parse().map_err(|_| refuse("this is not a number"))?)
        }
        DeValue::Array(items) => {
            let strings = items.iter().map(|item| item.get_ref().as_str().map(String::from));
            Raw::List(strings.collect::<Option<_>>().ok_or_else(|| refuse("a list may hold strings only"))?)
        }
        DeValue::Datetime(_) => return Err(refuse("no setting is a date")),
        DeValue::Table(_) => return Err(refuse("a table cannot stand here")),
    })
}

/// The entries of a properties file: `name=value` lines for librdkafka, `#` begins a comment line.
///
/// # Errors
/// A line without `=`.
pub(super) fn parse_properties(text: &str, path: &Path) -> Result<Vec<Entry>, ConfigError> {
    let lines = text.lines().enumerate().map(|(i, line)| (i + 1, line.trim()));
    lines
        .filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
        .map(|(number, line)| {
            let origin = Origin::Properties(path.into(), number);
            let (name, value) = line.split_once('=').ok_or_else(|| {
                ConfigError::at(&origin, "this line has no \"=\"").hint("write name=value, as for -X")
            })?;
            let target = Target::Kafka(Client::Common, name.trim().into());
            Ok(Entry { target, raw: Raw::Text(value.trim().into()), origin })
        })
        .collect()
}

fn line(text: &str, position: usize) -> usize {
    text.bytes().take(position).filter(|byte| *byte == b'\n').count() + 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::table::SETTINGS;

    fn parse(text: &str) -> Result<Vec<Entry>, ConfigError> {
        super::parse(text, Path::new("host.toml")).map(|file| file.entries)
    }

    #[test]
    fn the_defaults_are_the_table_in_its_order() {
        let entries = defaults().expect("the built-in file is good");
        let keys: Vec<_> = entries.iter().map(|entry| &entry.target).collect();
        let table: Vec<_> = SETTINGS.iter().map(Target::Own).collect();
        assert_eq!(keys, table.iter().collect::<Vec<_>>());
    }

    #[test]
    fn dotted_quoted_and_nested_properties_are_the_same() {
        let texts = [
            "[kafka]\n\"fetch.min.bytes\" = 7",
            "[kafka]\nfetch.min.bytes = 7",
            "[kafka.fetch]\nmin = {bytes = 7}",
        ];
        for text in texts {
            let entries = parse(text).expect("good TOML");
            assert_eq!(entries[0].target, Target::Kafka(Client::Common, "fetch.min.bytes".into()), "{text}");
        }
        let entries = parse("[kafka.consumer]\nfetch.min.bytes = 7").expect("good TOML");
        assert_eq!(entries[0].target, Target::Kafka(Client::Consumer, "fetch.min.bytes".into()));
    }

    #[test]
    fn an_unknown_key_names_its_line_and_the_nearest_key() {
        let error = parse("# first\nworkers = 2\n\ncomit_interval_ms = 5\n").expect_err("a slip");
        assert_eq!(error.to_string(), "host.toml:4: unknown key \"comit_interval_ms\"");
        assert_eq!(error.hint.as_deref(), Some("did you mean \"commit_interval_ms\"?"));
    }

    #[test]
    fn hints_know_kafka_streams_limits_and_librdkafka() {
        let hint = |text| parse(text).expect_err("unknown").hint.expect("a hint");
        assert_eq!(hint("num.stream.threads = 3"), "here this is \"workers\"");
        assert_eq!(hint("memory_bytes_max = 3"), "memory_bytes_max belongs under [limits]");
        assert_eq!(hint("security.protocol = 'ssl'"), "properties of librdkafka belong under [kafka]");
        assert_eq!(
            hint("[colours]"),
            "tables are [limits], [grants], [settings], [kafka] and their sections"
        );
    }

    #[test]
    fn bad_toml_names_its_line() {
        let error = parse("workers = 2\noutput = \n").expect_err("no value");
        assert!(error.to_string().starts_with("host.toml:2: "), "{error}");
        let error = parse("inputs = [1]").expect_err("not a string");
        assert_eq!(error.to_string(), "host.toml:1: inputs: a list may hold strings only");
    }

    #[test]
    fn properties_files_are_name_and_value() {
        let path = Path::new("kafka.properties");
        let entries = parse_properties("# c\n\nsasl.username = me \na=b=c", path).expect("good lines");
        assert_eq!(entries[0].raw, Raw::Text("me".into()));
        assert_eq!(entries[1].raw, Raw::Text("b=c".into()));
        assert_eq!(entries[1].origin, Origin::Properties(path.into(), 4));
        let error = parse_properties("sasl.username", path).expect_err("no value");
        assert_eq!(error.to_string(), "kafka.properties:1: this line has no \"=\"");
    }
}
