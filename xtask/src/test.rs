//! `cargo xtask test`: everything that can fail, in one command.

use crate::command::{cargo, run as run_command, shown};
use crate::setup::{Need, ensure};
use crate::{guests, kafka};
use anyhow::{Context, Result, bail};
use std::io::{BufRead, BufReader, Write};
use std::process::Stdio;

/// Builds the guests and the host, then runs all tests of the workspace, against a real Kafka too.
/// `arguments`: at most one filter, as `cargo test` takes it.
///
/// # Errors
/// A part is missing, does not build, or a test fails.
pub fn run(arguments: &[String]) -> Result<()> {
    let filter = match arguments {
        [] => None,
        [filter] if !filter.starts_with('-') => Some(filter.as_str()),
        _ => bail!("cannot test \"{}\": one filter at most", arguments.join(" ")),
    };
    ensure(&[Need::ALL, Need::LANGUAGES, Need::DOCUMENTATION, Need::PAGE].concat())?;
    kafka::jars::fetch()?;
    guests::build_all().context("the guests do not build")?;
    run_command(&mut cargo(&["build", "--release", "--workspace"]))?;
    let mut words = vec!["test", "--release", "--workspace", "--no-fail-fast"];
    words.extend(filter);
    let tally = run_tests(&words)?;
    println!("{}", tally.line(filter));
    if !tally.succeeded {
        bail!("tests failed; their output is above");
    }
    if tally.passed == 0 {
        bail!("no test ran: nothing is named like \"{}\"", filter.unwrap_or_default());
    }
    Ok(())
}

/// Searches longer than the tests do for a file or an answer on which the host does worse than refuse it.
///
/// # Errors
/// It finds one, or something does not build.
pub fn fuzz(cases: &str) -> Result<()> {
    if !cases.parse::<u32>().is_ok_and(|cases| cases > 0) {
        bail!("cannot try \"{cases}\" cases: give a whole number");
    }
    ensure(&[Need::Compiler])?;
    guests::build().context("the guests do not build")?;
    let words = ["test", "--release", "--workspace", "--test", "main", "--test", "check", "whatever_"];
    run_command(cargo(&words).env("FUZZ_CASES", cases))
}

/// What the closing lines of all test programs add up to.
#[derive(Debug, Default, PartialEq, Eq)]
struct Tally {
    programs: u32,
    passed: u32,
    failed: u32,
    ignored: u32,
    succeeded: bool,
}

impl Tally {
    /// Counts a line like `test result: ok. 3 passed; 0 failed; 0 ignored; …`; others are none of ours.
    fn count(&mut self, line: &str) {
        let Some(rest) = line.strip_prefix("test result: ") else {
            return;
        };
        self.programs += 1;
        let mut words = rest.split([' ', ';']).filter(|word| !word.is_empty()).peekable();
        while let Some(word) = words.next() {
            let (Ok(count), Some(what)) = (word.parse::<u32>(), words.peek()) else {
                continue;
            };
            match *what {
                "passed" => self.passed += count,
                "failed" => self.failed += count,
                "ignored" => self.ignored += count,
                _ => {}
            }
        }
    }

    fn line(&self, filter: Option<&str>) -> String {
        let which = filter.map_or(String::new(), |filter| format!(" (filter \"{filter}\")"));
        let outcome = if self.succeeded { "ok" } else { "FAILED" };
        format!(
            "all tests{which}: {outcome}. {} passed; {} failed; {} ignored; {} test programs",
            self.passed, self.failed, self.ignored, self.programs
        )
    }
}

/// Runs cargo, shows what it prints and counts along.
fn run_tests(words: &[&str]) -> Result<Tally> {
    let mut command = cargo(words);
    let line = shown(&command);
    eprintln!("$ {line}");
    let mut child =
        command.stdout(Stdio::piped()).spawn().with_context(|| format!("cannot run \"{line}\""))?;
    let stdout = child.stdout.take().expect("stdout is piped");
    let mut tally = Tally::default();
    let mut ours = std::io::stdout().lock();
    for line in BufReader::new(stdout).split(b'\n') {
        let line = line?;
        ours.write_all(&line)?;
        ours.write_all(b"\n")?;
        tally.count(&String::from_utf8_lossy(&line));
    }
    tally.succeeded = child.wait()?.success();
    Ok(tally)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn closing_lines_add_up() {
        let mut tally = Tally::default();
        tally.count("running 5 tests");
        tally.count(
            "test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s",
        );
        tally.count(
            "test result: FAILED. 4 passed; 2 failed; 0 ignored; 0 measured; 9 filtered out; finished in 1s",
        );
        assert_eq!(tally, Tally { programs: 2, passed: 7, failed: 2, ignored: 1, succeeded: false });
    }
}
