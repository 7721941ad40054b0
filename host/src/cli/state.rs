//! `host state` and `host reset`.

#![allow(clippy::doc_markdown, reason = "doc comments are help texts here")]

use super::settings::Settings;
use super::{Logs, print};
use crate::config::Config;
use crate::exit::{ExitKind, Failure};
use crate::run::{KeyState, Reset};
use crate::{config, logging, run};
use anyhow::Context as _;
use clap::{Args, Subcommand};
use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};

/// Look at the state of an application.
#[derive(Subcommand, Debug)]
pub(super) enum Verb {
    /// Print the state of one key as a line of JSON; exit code 1 when it has none
    Get(Box<Get>),
    /// Print the state of all keys, a line of JSON each, sorted by partition and key
    Dump(Box<Dump>),
    /// Print the state of an application that does not run, with its offsets, for `host state import`
    Export(Box<Dump>),
    /// Give an application without state what another has exported
    Import(Box<Import>),
}

/// Another's state.
#[derive(Args, Debug)]
pub(super) struct Import {
    /// The file that was exported; - for standard input
    file: PathBuf,
    /// Leave the offsets out: the application begins where --offset-reset says
    #[arg(long)]
    state_only: bool,
    #[command(flatten)]
    common: Common,
}

/// One key.
#[derive(Args, Debug)]
pub(super) struct Get {
    /// The key, as text
    key: String,
    #[command(flatten)]
    common: Common,
}

/// All keys.
#[derive(Args, Debug)]
pub(super) struct Dump {
    #[command(flatten)]
    common: Common,
}

/// Delete what an application has written for itself, so that it begins anew: internal topics, the offsets of its
/// group, snapshots. Its output and its dead letters stay.
#[derive(Args, Debug)]
pub(super) struct ResetApplication {
    /// Do it; without this it only prints what would be deleted
    #[arg(long)]
    execute: bool,
    #[command(flatten)]
    common: Common,
}

#[derive(Args, Debug)]
struct Common {
    #[command(flatten)]
    settings: Settings,
    #[command(flatten)]
    logs: Logs,
}

impl Common {
    fn load(&self) -> Result<Config, Failure> {
        let loaded = config::load(&self.settings.sources()?)?;
        logging::init(loaded.value.log_format, self.logs.into())?;
        for warning in &loaded.warnings {
            tracing::warn!("{warning}");
        }
        Ok(loaded.value)
    }
}

impl Verb {
    pub(super) fn run(self) -> Result<(), Failure> {
        match self {
            Self::Get(get) => {
                let states = run::state(&get.common.load()?, Some(get.key.as_bytes()))?;
                let Some(state) = states.first() else {
                    let text = anyhow::anyhow!("key \"{}\" has no state", get.key.escape_default());
                    return Err(Failure::new(ExitKind::Failure, text));
                };
                print(&line(state))
            }
            Self::Dump(dump) => {
                let states = run::state(&dump.common.load()?, None)?;
                states.chunks(1_000).try_for_each(|chunk| print(&chunk.iter().map(line).collect::<String>()))
            }
            Self::Export(dump) => {
                let keys = run::export(&dump.common.load()?, &mut io::BufWriter::new(io::stdout().lock()))?;
                tracing::info!(keys, "exported");
                Ok(())
            }
            Self::Import(import) => {
                let config = import.common.load()?;
                let keys = run::import(&config, &mut *lines(&import.file)?, import.state_only)?;
                tracing::info!(keys, "imported");
                Ok(())
            }
        }
    }
}

fn lines(path: &Path) -> Result<Box<dyn BufRead>, Failure> {
    if path == Path::new("-") {
        return Ok(Box::new(io::stdin().lock()));
    }
    let file = File::open(path).with_context(|| format!("cannot read {}", path.display()));
    Ok(Box::new(BufReader::new(file.map_err(|error| Failure::new(ExitKind::BadData, error))?)))
}

/// `{"partition":0,"key":"a","value":"5","accumulator":"0500…","timestamp":7}`; the accumulator in hexadecimal digits.
fn line(state: &KeyState) -> String {
    let text = |bytes: &[u8]| match std::str::from_utf8(bytes) {
        Ok(text) => serde_json::Value::from(text),
        Err(_) => serde_json::json!({ "hex": crate::hex::write(bytes) }),
    };
    let json = serde_json::json!({
        "partition": state.partition,
        "key": text(&state.key),
        "value": state.value.as_deref().map(text),
        "accumulator": crate::hex::write(&state.accumulator),
        "timestamp": state.timestamp,
    });
    format!("{json}\n")
}

impl ResetApplication {
    pub(super) fn run(self) -> Result<(), Failure> {
        let reset = run::reset(&self.common.load()?, self.execute)?;
        print(&report(&reset, self.execute))
    }
}

fn report(reset: &Reset, executed: bool) -> String {
    let verb = if executed { "deleted" } else { "would delete" };
    let mut text = String::new();
    for topic in &reset.topics {
        let _ = writeln!(text, "{verb} topic {topic}");
    }
    let _ = writeln!(text, "{verb} group {} with its committed offsets", reset.group);
    let _ = writeln!(text, "{verb} {} snapshots in this machine's state folder", reset.snapshots);
    if !executed {
        text.push_str("nothing was deleted; --execute does it\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_text_where_there_is_text() {
        let state = KeyState {
            key: b"a\"b".to_vec(),
            partition: 3,
            accumulator: vec![5, 0xff],
            value: Some(vec![0xff]),
            timestamp: 7,
        };
        let line = line(&state);
        let json: serde_json::Value = serde_json::from_str(&line).expect("it is JSON");
        assert_eq!(json["key"], "a\"b");
        assert_eq!(json["value"]["hex"], "ff");
        assert_eq!(json["accumulator"], "05ff");
        assert!(line.ends_with("}\n"));
    }

    #[test]
    fn a_report_says_whether_it_was_done() {
        let reset = Reset { topics: vec!["a-changelog".into()], group: "a".into(), snapshots: 2 };
        assert!(report(&reset, false).ends_with("--execute does it\n"));
        let done = report(&reset, true);
        assert!(done.contains("deleted topic a-changelog") && !done.contains("would"), "{done}");
    }
}
