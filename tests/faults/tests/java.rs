//! Programs in Java that are asked a line and answer one. They live as long as the rows do, as a JVM takes seconds to
//! start.

use anyhow::{Context, Result, bail};
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use xtask::setup::{self, Need};
use xtask::{kafka::jars, paths};

/// Before each answer; the client logs between them.
const MARK: &str = "= ";

/// A program of `tests/faults/java`. It ends when nobody can ask it any more.
pub(crate) struct Java {
    name: &'static str,
    process: Child,
    questions: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Java {
    pub(crate) fn start(name: &'static str) -> Result<Self> {
        setup::ensure(&[Need::JavaCompiler])?;
        let mut process = Command::new("java")
            .args(["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx512m"])
            .args(["--add-exports", "java.base/sun.security.tools.keytool=ALL-UNNAMED", "-cp"])
            .arg(jars::fetch()?.join("*"))
            .arg(paths::root().join("tests/faults/java").join(name))
            .arg(MARK)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot start java")?;
        let questions = process.stdin.take().expect("it is piped");
        let answers = BufReader::new(process.stdout.take().expect("it is piped"));
        Ok(Self { name, process, questions, answers })
    }

    /// The answer to a question of these fields.
    pub(crate) fn ask(&mut self, fields: &[&str]) -> Result<String> {
        writeln!(self.questions, "{}", fields.join("\t"))
            .with_context(|| format!("{} does not listen", self.name))?;
        let mut line = String::new();
        while self.answers.read_line(&mut line)? > 0 {
            if let Some(answer) = line.strip_prefix(MARK) {
                return Ok(answer.trim_end().to_owned());
            }
            line.clear();
        }
        bail!("{} has ended: {}", self.name, self.process.wait()?)
    }
}
