//! Files that stand for topics: one record a line, as text or as JSON.

use super::json;
use crate::exit::{ExitKind, Failure};
use anyhow::{Context as _, anyhow};
use host_core::hash::partition_of;
use host_core::record::{Offset, TopicPartition};
use host_model::{Headers, Record};
use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::path::{Path, PathBuf};

/// What a line may say of a record; what it leaves out is none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Cells {
    pub(super) key: Option<Vec<u8>>,
    pub(super) value: Option<Vec<u8>>,
    pub(super) timestamp: Option<i64>,
    pub(super) headers: Option<Headers>,
    pub(super) partition: Option<u32>,
}

impl Cells {
    /// True if the record is what is said of it; key and value that are left out are null, the rest is not
    /// looked at.
    pub(super) fn fit(&self, record: &Record) -> bool {
        self.key == record.key
            && self.value == record.value
            && self.timestamp.is_none_or(|timestamp| timestamp == record.timestamp)
            && self.headers.as_ref().is_none_or(|headers| *headers == record.headers)
    }

    /// A record of it, for a person.
    pub(super) fn record(&self) -> Record {
        let Self { key, value, timestamp, headers, .. } = self.clone();
        Record { key, value, timestamp: timestamp.unwrap_or(0), headers: headers.unwrap_or_default() }
    }
}

/// How lines are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// JSON for .jsonl, .ndjson and .json, else text.
    Auto,
    /// The line is the value.
    Text,
    /// See [`super::json`].
    Json,
}

impl Format {
    pub(super) fn of(self, path: &Path) -> Self {
        let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
        match self {
            Self::Auto if ["jsonl", "ndjson", "json"].contains(&extension) => Self::Json,
            Self::Auto => Self::Text,
            format => format,
        }
    }
}

/// The lines of a file, from 1, with what they say.
pub(super) fn read(
    path: &Path,
    format: Format,
    separator: Option<&str>,
) -> Result<Vec<(usize, Cells)>, Failure> {
    let shown = path.display();
    let bytes = if path == Path::new("-") {
        let mut bytes = Vec::new();
        std::io::Read::read_to_end(&mut std::io::stdin().lock(), &mut bytes).map(|_| bytes)
    } else {
        std::fs::read(path)
    };
    let bytes = bytes
        .with_context(|| format!("cannot read the records of \"{shown}\""))
        .map_err(|error| Failure::new(ExitKind::Failure, error))?;
    let format = format.of(path);
    let mut out = Vec::new();
    for (number, line) in (1..).zip(bytes.split_inclusive(|byte| *byte == b'\n')) {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let cells = match format {
            Format::Json if line.trim_ascii().is_empty() => continue,
            Format::Json => std::str::from_utf8(line)
                .map_err(|error| error.to_string())
                .and_then(json::read)
                .map_err(|problem| {
                    let text = anyhow!("{shown}:{number}: {problem}");
                    let hint = "a line is {\"key\":…,\"value\":…,\"timestamp\":…,\"headers\":{…},\"partition\":…}; \
                                all may be left out";
                    Failure::new(ExitKind::BadData, text).hint(hint)
                })?,
            Format::Text | Format::Auto => text_line(line, separator),
        };
        out.push((number, cells));
    }
    Ok(out)
}

/// The line is the value; what stands before a separator is the key.
fn text_line(line: &[u8], separator: Option<&str>) -> Cells {
    let at = separator.and_then(|separator| {
        let found = line.windows(separator.len()).position(|window| window == separator.as_bytes())?;
        Some((found, found + separator.len()))
    });
    let (key, value) = match at {
        Some((end, begin)) => (Some(line[..end].to_vec()), &line[begin..]),
        None => (None, line),
    };
    Cells { key, value: Some(value.to_vec()), ..Cells::default() }
}

/// A file that stands for a topic.
#[derive(Clone, Debug)]
pub(super) struct Input {
    /// The topic that it stands for.
    pub(super) topic: String,
    /// Where it was read.
    pub(super) path: PathBuf,
    /// In the order of the file.
    pub(super) records: Vec<Placed>,
}

/// A record with its place.
#[derive(Clone, Debug)]
pub(super) struct Placed {
    /// Its line, from 1.
    pub(super) line: usize,
    /// Its partition.
    pub(super) partition: u32,
    /// The record.
    pub(super) record: Record,
}

impl Input {
    /// Reads a file and gives every record its partition: the one that it names, else that of its key, else one
    /// after the other. Without a timestamp it has its number, from 0.
    ///
    /// # Errors
    /// The file cannot be read, or a line of it.
    pub(super) fn read(
        topic: String,
        path: &Path,
        format: Format,
        separator: Option<&str>,
        partitions: u32,
    ) -> Result<Self, Failure> {
        let mut records = Vec::new();
        for (number, (line, cells)) in (0..).zip(read(path, format, separator)?) {
            let by_key = cells.key.as_ref().map(|key| partition_of(key, partitions));
            let partition = cells.partition.or(by_key).unwrap_or((number % i64::from(partitions)) as u32);
            if partition >= partitions {
                let text = anyhow!("{}:{line}: there is no partition {partition}", path.display());
                let hint = format!("there are {partitions}, from 0; --partitions N makes more");
                return Err(Failure::new(ExitKind::BadData, text).hint(hint));
            }
            let record = Record {
                key: cells.key,
                value: cells.value,
                timestamp: cells.timestamp.unwrap_or(number),
                headers: cells.headers.unwrap_or_default(),
            };
            records.push(Placed { line, partition, record });
        }
        Ok(Self { topic, path: path.to_owned(), records })
    }
}

/// Finds the line of a record.
#[derive(Clone, Debug, Default)]
pub(super) struct Places {
    lines: BTreeMap<(TopicPartition, Offset), (PathBuf, usize)>,
}

impl Places {
    /// The places of all records.
    pub(super) fn of(inputs: &[Input]) -> Self {
        let mut places = Self::default();
        for input in inputs {
            let mut ends: BTreeMap<u32, Offset> = BTreeMap::new();
            for placed in &input.records {
                let end = ends.entry(placed.partition).or_default();
                let at = TopicPartition::new(input.topic.clone(), placed.partition);
                places.lines.insert((at, *end), (input.path.clone(), placed.line));
                *end += 1;
            }
        }
        places
    }

    /// `text` with the line behind each place that it names.
    pub(super) fn explain(&self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        for word in text.split_inclusive(char::is_whitespace) {
            let bare = word.trim_end_matches(|c: char| c.is_whitespace() || c == ':' || c == ',');
            out.push_str(bare);
            if let Some((path, line)) = place(bare).and_then(|at| self.lines.get(&at)) {
                let _ = write!(out, " ({}:{line})", path.display());
            }
            out.push_str(&word[bare.len()..]);
        }
        out
    }

    /// `sum-input-0-3 (input.txt:4)`.
    pub(super) fn show(&self, at: &(TopicPartition, Offset)) -> String {
        Shown(self, at).to_string()
    }
}

/// The place that `topic-partition-offset` names.
fn place(text: &str) -> Option<(TopicPartition, Offset)> {
    let (rest, offset) = text.rsplit_once('-')?;
    let (topic, partition) = rest.rsplit_once('-')?;
    Some((TopicPartition::new(topic, partition.parse().ok()?), offset.parse().ok()?))
}

struct Shown<'a>(&'a Places, &'a (TopicPartition, Offset));

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(places, at) = self;
        write!(f, "{}-{}", at.0, at.1)?;
        match places.lines.get(*at) {
            Some((path, line)) => write!(f, " ({}:{line})", path.display()),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_line_is_a_value_and_what_stands_before_a_separator_a_key() {
        let cells = |separator| text_line(b"a\tb\tc", separator);
        assert_eq!((cells(None).key, cells(None).value), (None, Some(b"a\tb\tc".to_vec())));
        let split = cells(Some("\t"));
        assert_eq!((split.key, split.value), (Some(b"a".to_vec()), Some(b"b\tc".to_vec())));
        assert_eq!(cells(Some("|")).key, None);
    }

    #[test]
    fn the_extension_tells_the_format() {
        let format = |name: &str| Format::Auto.of(Path::new(name));
        assert_eq!([format("a.jsonl"), format("a.ndjson"), format("a.json")], [Format::Json; 3]);
        assert_eq!([format("a.txt"), format("json"), format("-")], [Format::Text; 3]);
        assert_eq!(Format::Text.of(Path::new("a.json")), Format::Text);
    }
}
