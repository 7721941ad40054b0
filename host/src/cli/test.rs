//! `host test`.

#![allow(clippy::doc_markdown, reason = "doc comments are help texts here")]

use super::guest::Guest;
use super::{Logs, print_bytes};
use crate::config::LogFormat;
use crate::exit::{ExitKind, Failure};
use crate::testing::{self, Format, Plan, Report};
use crate::{config, logging};
use anyhow::anyhow;
use clap::Args;
use std::io::{Write as _, stderr};
use std::path::PathBuf;

const FILES: &str = "\
Kills and swaps need runs: without --repeat-with-cuts there are 20 of them.

Without --input it reads input.jsonl or input.txt of this folder and compares with expected.jsonl or
expected.txt (and expected-failed.txt) beside it. A line of text is a record's value; a line of JSON is
  {\"key\":\"a\",\"value\":\"x\",\"timestamp\":1700000000000,\"headers\":{\"h\":\"y\"},\"partition\":0}
where all may be left out, a value that is no text stands for its own JSON, and bytes are value_hex.
Of a reduce the last result of each key is compared, else all rows; failed records are lines of place,
cause and reason. Exit code 0: all as expected, 1: not, 65: a record failed and the policy is fail.";

/// Runs that kills and swaps alone ask for.
const REPEATS_DEFAULT: u32 = 20;

/// Run a module on files, without Kafka.
#[derive(Args, Debug)]
#[command(after_help = FILES)]
pub(super) struct Test {
    #[command(flatten)]
    guest: Guest,

    /// A file of records; repeatable, each stands for a topic
    #[arg(short, long, value_name = "PATH", help_heading = "Records")]
    input: Vec<PathBuf>,
    /// auto (by the file's name), text, json
    #[arg(
        long,
        value_enum,
        default_value = "auto",
        hide_possible_values = true,
        value_name = "FORMAT",
        help_heading = "Records"
    )]
    format: Format,
    /// What stands between key and value in lines of text [default: lines have no key]
    #[arg(long, value_name = "TEXT", help_heading = "Records")]
    key_separator: Option<String>,
    /// Partitions; records without one go by their key, or one after the other
    #[arg(long, value_name = "N", default_value = "1", value_parser = clap::value_parser!(u32).range(1..=10_000), help_heading = "Records")]
    partitions: u32,

    /// The rows that it should come to
    #[arg(short, long, value_name = "PATH", help_heading = "Expected")]
    expected: Option<PathBuf>,
    /// The records that should fail, with cause and reason
    #[arg(long, value_name = "PATH", help_heading = "Expected")]
    expected_failed: Option<PathBuf>,
    /// Write what it comes to into the expected files
    #[arg(long, help_heading = "Expected")]
    update: bool,

    /// Run it again, N times, with the log cut in other ways; all must come to the same [default: 20]
    #[arg(long, value_name = "N", num_args = 0..=1, require_equals = true, default_missing_value = "20", help_heading = "Further runs")]
    repeat_with_cuts: Option<u32>,
    /// Kill workers so often in each of these runs, and let others restore
    #[arg(
        long,
        value_name = "N",
        default_value = "0",
        hide_default_value = true,
        help_heading = "Further runs"
    )]
    crashes: u32,
    /// Swap the module so often in each of these runs
    #[arg(
        long,
        value_name = "N",
        default_value = "0",
        hide_default_value = true,
        help_heading = "Further runs"
    )]
    swaps: u32,
    /// What is swapped to [default: the same module anew]
    #[arg(long, value_name = "PATH", help_heading = "Further runs")]
    swap_with: Option<PathBuf>,
    /// Cuts, kills and swaps follow from it
    #[arg(long, value_name = "N", default_value = "1", help_heading = "Further runs")]
    seed: u64,

    /// Workers
    #[arg(short, long, value_name = "N", default_value = "1", value_parser = clap::value_parser!(u32).range(1..=100), help_heading = "Processing")]
    workers: u32,
    /// Records in a batch, at most [default: 10000]
    #[arg(long, value_name = "N", help_heading = "Processing")]
    batch_records: Option<String>,
    /// Re-key before a reduce: auto, never, always [default: auto]
    #[arg(long, value_name = "WHEN", help_heading = "Processing")]
    repartition: Option<String>,
    /// Records that the module rejects: dead-letter, skip, fail [default: dead-letter]
    #[arg(long, value_name = "POLICY", help_heading = "Processing")]
    on_rejected: Option<String>,
    /// Records on which the module faults: as above [default: dead-letter]
    #[arg(long, value_name = "POLICY", help_heading = "Processing")]
    on_fault: Option<String>,

    /// Print all rows to standard output: text (key, tab, value) or json [default: text, if nothing is expected]
    #[arg(long, value_name = "FORMAT", num_args = 0..=1, require_equals = true, default_missing_value = "text", value_parser = ["text", "json"], hide_possible_values = true, help_heading = "Report")]
    print: Option<String>,
    /// The report as JSON on standard output
    #[arg(long, help_heading = "Report")]
    json: bool,
    #[command(flatten)]
    logs: Logs,
}

impl Test {
    pub(super) fn run(self) -> Result<(), Failure> {
        let sources = self.guest.sources(&[
            ("batch_records_max", "--batch-records", &self.batch_records),
            ("repartition", "--repartition", &self.repartition),
            ("on_rejected", "--on-rejected", &self.on_rejected),
            ("on_fault", "--on-fault", &self.on_fault),
        ])?;
        let loaded = config::load(&sources)?;
        // Logs of the module stand between the lines of the report, which is for a person.
        let format = match loaded.value.log_format {
            LogFormat::Auto => LogFormat::Text,
            format => format,
        };
        logging::init(format, self.logs.into())?;
        for warning in &loaded.warnings {
            tracing::warn!("{warning}");
        }
        let report = testing::run(&loaded.value, &self.plan())?;
        self.tell(&report)?;
        if report.is_passed {
            return Ok(());
        }
        let failed = report.checks.iter().filter(|check| !check.is_passed).count();
        let text = anyhow!("{failed} of {} checks failed", report.checks.len());
        Err(Failure::new(ExitKind::Failure, text))
    }

    fn plan(&self) -> Plan {
        let swap_with = self.swap_with.clone();
        let swaps = if swap_with.is_some() { self.swaps.max(1) } else { self.swaps };
        let default = if self.crashes + swaps > 0 { REPEATS_DEFAULT } else { 0 };
        Plan {
            inputs: self.input.clone(),
            format: self.format,
            key_separator: self.key_separator.clone().filter(|separator| !separator.is_empty()),
            partitions: self.partitions,
            workers: self.workers as usize,
            expected: self.expected.clone(),
            expected_failed: self.expected_failed.clone(),
            update: self.update,
            repeats: self.repeat_with_cuts.unwrap_or(default),
            crashes: self.crashes,
            swaps,
            swap_with,
            seed: self.seed,
        }
    }

    fn tell(&self, report: &Report) -> Result<(), Failure> {
        let bug = |error| Failure::new(ExitKind::Bug, error);
        match self.print.as_deref() {
            Some("json") => print_bytes(&report.json_rows().map_err(bug)?)?,
            Some(_) => print_bytes(&report.text_rows())?,
            None if report.checks.is_empty() && !self.json => print_bytes(&report.text_rows())?,
            None => {}
        }
        if self.json {
            let mut text = serde_json::to_vec(report).map_err(bug)?;
            text.push(b'\n');
            return print_bytes(&text);
        }
        // Nobody is left to tell when standard error is gone.
        let _ = stderr().write_all(report.text().as_bytes());
        Ok(())
    }
}
