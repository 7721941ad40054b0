//! What a test tells: for a person, or as JSON.

use super::{Counts, expected, json};
use host_core::policy::first_line;
use host_core::record::{Offset, TopicPartition};
use host_model::Record;
use serde::Serialize;
use std::fmt::{Display, Write as _};

/// Failed records that are shown to a person; the JSON report has all.
const FAILED_SHOWN: usize = 20;

/// The result of a test.
#[derive(Debug, Serialize)]
pub struct Report {
    /// Every check passed.
    #[serde(rename = "passed")]
    pub is_passed: bool,
    /// The operator's name.
    pub module: String,
    /// The module's version.
    pub version: String,
    /// The digest of the module, or `native:NAME`.
    pub sha256: String,
    /// Files that were read.
    pub inputs: Vec<String>,
    /// Records in them.
    pub records: usize,
    /// Partitions of every topic.
    pub partitions: u32,
    /// The seed.
    pub seed: u64,
    /// There is a state for each key.
    #[serde(rename = "keyed")]
    pub is_keyed: bool,
    /// Rows that were written.
    pub rows: usize,
    /// Keys with a state at the end.
    pub keys: usize,
    /// Records that did not reach the result.
    pub failed: Vec<Failed>,
    /// Faults of calls and the like, the first few.
    pub incidents: Vec<String>,
    /// What was compared.
    pub checks: Vec<Check>,
    /// What happened in the plain run.
    pub counts: Counts,
    /// The rows, to be printed.
    #[serde(skip)]
    pub printed: Vec<(TopicPartition, Offset, Record)>,
}

/// A record that did not reach the result.
#[derive(Debug, Serialize)]
pub struct Failed {
    /// Place and line, for a person.
    pub at: String,
    /// Where it was read.
    pub topic: String,
    /// The same.
    pub partition: u32,
    /// The same.
    pub offset: Offset,
    /// `rejected`, `trap`, …
    pub cause: &'static str,
    /// What the module or the runtime says.
    pub reason: String,
}

/// One comparison.
#[derive(Debug, Serialize)]
pub struct Check {
    /// What was compared.
    pub name: String,
    /// It was as it should be.
    #[serde(rename = "passed")]
    pub is_passed: bool,
    /// For a person.
    pub text: String,
}

impl Check {
    pub(super) fn passed(name: impl Display, text: String) -> Self {
        Self { name: name.to_string(), is_passed: true, text }
    }

    pub(super) fn failed(name: impl Display, text: String) -> Self {
        Self { name: name.to_string(), is_passed: false, text }
    }

    /// `difference`: none when it passed, and `passed` says what then.
    pub(super) fn of(
        name: impl Display,
        difference: Option<String>,
        passed: impl FnOnce() -> String,
    ) -> Self {
        match difference {
            Some(text) => Self::failed(name, text),
            None => Self::passed(name, passed()),
        }
    }
}

impl Report {
    /// For a person, with a line end.
    pub fn text(&self) -> String {
        let mut text = String::new();
        let Self { module, version, records, partitions, rows, keys, .. } = self;
        let digest = self.sha256.get(..12).unwrap_or(&self.sha256);
        let parts =
            if *partitions == 1 { "1 partition".to_owned() } else { format!("{partitions} partitions") };
        let inputs = self.inputs.join(", ");
        let _ = writeln!(text, "{module} {version} ({digest}) on {records} records of {inputs}, {parts}");
        let keys = if self.is_keyed { format!(" of {keys} keys") } else { String::new() };
        let _ = writeln!(text, "  {rows} rows{keys}, {} commits", self.counts.commits);
        if !self.failed.is_empty() {
            let _ = writeln!(text, "  {} records failed", self.failed.len());
        }
        for Failed { at, cause, reason, .. } in self.failed.iter().take(FAILED_SHOWN) {
            let _ = writeln!(text, "    {at}: {cause}: {}", first_line(reason));
        }
        if self.failed.len() > FAILED_SHOWN {
            let _ = writeln!(text, "    … and {} more", self.failed.len() - FAILED_SHOWN);
        }
        for incident in &self.incidents {
            let _ = writeln!(text, "  {}", incident.trim_end().replace('\n', "\n    "));
        }
        for Check { name, is_passed, text: said } in &self.checks {
            let word = if *is_passed { "ok  " } else { "FAIL" };
            let _ = writeln!(text, "  {word} {name}: {}", said.replace('\n', "\n       "));
        }
        text
    }

    /// The rows as `key<TAB>value`.
    pub fn text_rows(&self) -> Vec<u8> {
        self.printed.iter().flat_map(|(.., record)| expected::text_row(record)).collect()
    }

    /// The rows as JSON lines.
    ///
    /// # Errors
    /// None in a program that was tested.
    pub fn json_rows(&self) -> Result<Vec<u8>, serde_json::Error> {
        let mut out = Vec::new();
        for (at, _, record) in &self.printed {
            serde_json::to_writer(&mut out, &json::printed(Some(at.partition), record))?;
            out.push(b'\n');
        }
        Ok(out)
    }
}
