//! `cargo xtask faults`: runs the fault matrix (`tests/faults`) at a tier and writes what came of it into the block
//! `results` of `tests/FAULTS.md`: each row that was run gets its line anew, the others keep theirs. Figures there are
//! never typed.

use crate::command::{cargo, run as run_command};
use crate::kafka::{self, VERSION};
use crate::setup::{Need, ensure};
use crate::{blocks, guests, paths};
use anyhow::{Context, Result, bail};
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::iter;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// Rows that run beside each other, each with `--at-once` of its runs: most of the time each waits for a session or a client
/// to time out.
const ROWS_AT_ONCE: &str = "--test-threads=3";
/// The row that is played on a model of Kafka (`tests/sim`).
pub const SIMULATION: &str = "simulation";
/// The file that rows add their lines to; without it they add none.
const RESULTS: &str = "FAULTS_RESULTS";
/// Of `tests/FAULTS.md`.
const BLOCK: &str = "results";
const COLUMNS: [&str; 9] =
    ["row", "fault", "tier", "seed", "commit", "runs", "fired", "violations", "seconds"];

#[derive(Debug, PartialEq, Eq)]
struct Options {
    tier: String,
    seed: u64,
    /// Runs of each row beside each other.
    at_once: u32,
    /// Rows, such as F1; F2 stands for F2-start and F2-transaction. None: all of the tier.
    only: Vec<String>,
}

impl Options {
    fn parse(arguments: &[String]) -> Result<Self> {
        let mut options = Self { tier: "pr".into(), seed: 1, at_once: 2, only: Vec::new() };
        let mut words = arguments.iter();
        while let Some(word) = words.next() {
            let value = words.next().with_context(|| format!("{word} needs a value"))?;
            match (word.as_str(), value.as_str()) {
                ("--tier", "pr" | "nightly" | "release") => options.tier.clone_from(value),
                ("--seed", seed) => options.seed = seed.parse().context("--seed takes a number")?,
                ("--at-once", count) => {
                    options.at_once = count.parse().context("--at-once takes a number")?;
                }
                ("--only", rows) => options.only = rows.split(',').map(str::to_owned).collect(),
                _ => {
                    bail!(
                        "cannot do \"{word} {value}\": --tier pr|nightly|release, --seed N, --at-once N, --only F1,F12"
                    )
                }
            }
        }
        Ok(options)
    }
}

/// Whether `--only` with this word means this row: F2 means F2-start, too.
#[must_use]
pub fn means(word: &str, row: &str) -> bool {
    row.strip_prefix(word).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
}

/// What a row came to: how often it was run, how often its fault fired, and how many runs broke the promise.
pub struct Outcome {
    /// Runs.
    pub runs: u64,
    /// Faults.
    pub fired: u64,
    /// Runs that failed.
    pub violations: u64,
}

/// Adds a row's line to the results, where somebody wants them.
///
/// # Errors
/// The file cannot be written.
pub fn note(name: &str, fault: &str, outcome: &Outcome, took: Duration) -> Result<()> {
    let Some(path) = std::env::var_os(RESULTS) else { return Ok(()) };
    let Outcome { runs, fired, violations } = outcome;
    let line = format!("{name}\t{fault}\t{runs}\t{fired}\t{violations}\t{:.0}\n", took.as_secs_f64());
    // One write, so that lines of rows that run beside each other do not mix.
    let file = OpenOptions::new().create(true).append(true).open(&path);
    let written = file.and_then(|mut file| file.write_all(line.as_bytes()));
    written.with_context(|| format!("cannot write the results in {}", Path::new(&path).display()))
}

impl Options {
    fn asks_for(&self, row: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|word| means(word, row))
    }

    /// Histories of the simulation. Those of another seed are others.
    fn histories(&self) -> (u64, u64) {
        let count: u64 = match self.tier.as_str() {
            "release" => 3_000_000,
            "nightly" => 1_000_000,
            _ => 10_000,
        };
        (self.seed.wrapping_mul(1 << 32), count)
    }

    /// Runs what is asked for, the rest also when a part fails.
    fn run_rows(&self, results: &Path) -> Result<()> {
        let mut simulated = Ok(());
        if self.asks_for(SIMULATION) {
            let (first, count) = self.histories();
            let words = ["test", "--release", "-p", "sim", "--test", "main", "seeds"];
            simulated = run_command(
                cargo(&words)
                    .env("SIM_FIRST_SEED", first.to_string())
                    .env("SIM_SEEDS", count.to_string())
                    .env(RESULTS, results),
            );
        }
        if self.only.iter().all(|word| word == SIMULATION) && !self.only.is_empty() {
            return simulated;
        }
        let words = ["test", "--release", "--workspace", "--test", "faults", "--", ROWS_AT_ONCE];
        let tested = run_command(
            cargo(&words)
                .env("FAULTS_TIER", &self.tier)
                .env("FAULTS_SEED", self.seed.to_string())
                .env("FAULTS_AT_ONCE", self.at_once.to_string())
                .env("FAULTS_ONLY", self.only.join(","))
                .env(RESULTS, results),
        );
        simulated.and(tested)
    }
}

/// Builds what the matrix needs, runs it, and writes the table, also when a row fails.
///
/// # Errors
/// Something does not build, a promise was broken, or a fault did not fire.
pub fn run(arguments: &[String]) -> Result<()> {
    if arguments.iter().any(|word| word == "--streams") {
        let others = arguments.iter().filter(|word| *word != "--streams").cloned();
        return crate::bench::run(&iter::once("faults".to_owned()).chain(others).collect::<Vec<_>>());
    }
    let options = Options::parse(arguments)?;
    ensure(Need::ALL)?;
    kafka::jars::fetch()?;
    guests::build().context("the guests do not build")?;
    run_command(&mut cargo(&["build", "--release", "--workspace"]))?;
    // Commands for other rows may run beside this one.
    let results = paths::target().join(format!("faults-{}.tsv", std::process::id()));
    // As it is now: what is edited while the rows run is not what they ran on.
    let commit = commit();
    let tested = options.run_rows(&results);
    let text = fs::read_to_string(&results).context("no row has written a result")?;
    let new: Vec<Line> =
        text.lines().map(|line| Line::of_result(line, &options, &commit)).collect::<Result<_>>()?;
    let missing = options.only.iter().find(|word| !new.iter().any(|line| means(word, line.name()))).cloned();
    let client = locked("rdkafka-sys")?;
    blocks::update(&paths::root().join("tests/FAULTS.md"), BLOCK, |block| {
        let old = block.lines().filter(|line| is_row(line)).map(Line::of_table).collect::<Result<_>>()?;
        table(&merged(old, new), &client)
    })?;
    fs::remove_file(&results)?;
    match missing {
        Some(word) if tested.is_ok() => bail!("--only {word}: tier {} has no such row", options.tier),
        _ => tested,
    }
}

/// A line of the table: what one row came to when it was run last.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Line([String; COLUMNS.len()]);

impl Line {
    /// From the file that rows write ([`note`]).
    fn of_result(line: &str, options: &Options, commit: &str) -> Result<Self> {
        let fields: Vec<&str> = line.split('\t').collect();
        let [name, fault, runs, fired, violations, seconds] = fields.as_slice() else {
            bail!("a result of {} fields and not 6: {line:?}", fields.len());
        };
        let seed = options.seed.to_string();
        let cells = [name, fault, options.tier.as_str(), &seed, commit, runs, fired, violations, seconds];
        Ok(Self(cells.map(str::to_owned)))
    }

    /// From the table of the run before.
    fn of_table(line: &str) -> Result<Self> {
        let inner = line.strip_prefix("| ").and_then(|line| line.strip_suffix(" |"));
        let cells: Vec<String> = inner.unwrap_or_default().split(" | ").map(str::to_owned).collect();
        let cells = cells.try_into().ok();
        Ok(Self(cells.with_context(|| format!("no line of {} cells: {line:?}", COLUMNS.len()))?))
    }

    fn name(&self) -> &str {
        &self.0[0]
    }

    /// What a column has, as a number.
    fn count(&self, column: &str) -> Result<u64> {
        let at = COLUMNS.iter().position(|name| *name == column).expect("it is a column");
        self.0[at]
            .parse()
            .with_context(|| format!("{}: {column} is no number: {:?}", self.name(), self.0[at]))
    }
}

/// Whether a line of the block is a row's, and not the head of the table or text around it.
fn is_row(line: &str) -> bool {
    line.starts_with("| F") || line.strip_prefix("| ").is_some_and(|line| line.starts_with(SIMULATION))
}

/// New lines take the place of those of the same rows; all in the order of the rows' numbers.
fn merged(old: Vec<Line>, mut new: Vec<Line>) -> Vec<Line> {
    let kept: Vec<Line> =
        old.into_iter().filter(|line| new.iter().all(|run| run.name() != line.name())).collect();
    new.extend(kept);
    new.sort_by_key(|line| (number(line.name()), line.name().to_owned()));
    new
}

/// The block's text.
fn table(lines: &[Line], client: &str) -> Result<String> {
    let real = || lines.iter().filter(|line| line.name() != SIMULATION);
    let sum = |column| real().map(|line| line.count(column)).sum::<Result<u64>>();
    let mut text = format!(
        "{} rows on a real Kafka: {} runs, {} faults fired, {} violations. rdkafka-sys {client}; Apache Kafka {VERSION}. Each row as \
         it was run last.\n\n| {} |\n| --- | --- | --- | ---: | --- | ---: | ---: | ---: | ---: |\n",
        real().count(),
        sum("runs")?,
        sum("fired")?,
        sum("violations")?,
        COLUMNS.join(" | "),
    );
    for line in lines {
        text.extend(["| ", &line.0.join(" | "), " |\n"]);
    }
    Ok(text)
}

/// Of `F12-late` it is 12.
fn number(name: &str) -> u32 {
    let digits = name.chars().skip(1).take_while(char::is_ascii_digit);
    digits.collect::<String>().parse().unwrap_or(u32::MAX)
}

fn commit() -> String {
    let output =
        Command::new("git").args(["describe", "--always", "--dirty"]).current_dir(paths::root()).output();
    let text = output.ok().and_then(|output| String::from_utf8(output.stdout).ok()).unwrap_or_default();
    if text.trim().is_empty() { "unknown".into() } else { text.trim().to_owned() }
}

/// The version of a package in `Cargo.lock`.
fn locked(package: &str) -> Result<String> {
    let text = fs::read_to_string(paths::root().join("Cargo.lock")).context("cannot read Cargo.lock")?;
    let lock: toml::Table = text.parse().context("Cargo.lock is no TOML")?;
    let packages =
        lock.get("package").and_then(toml::Value::as_array).context("Cargo.lock has no packages")?;
    let found =
        packages.iter().find(|entry| entry.get("name").and_then(toml::Value::as_str) == Some(package));
    let version = found.and_then(|entry| entry.get("version")?.as_str()).map(str::to_owned);
    version.with_context(|| format!("{package} is not in Cargo.lock"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn a_tier_a_seed_and_rows_are_taken_and_nothing_else() {
        let all = Options { tier: "pr".into(), seed: 1, at_once: 2, only: Vec::new() };
        assert_eq!(Options::parse(&[]).expect("defaults"), all);
        let options = Options::parse(&words("--seed 7 --tier nightly --at-once 3 --only F1,F12-late"))
            .expect("all three");
        let only = vec!["F1".into(), "F12-late".into()];
        assert_eq!(options, Options { tier: "nightly".into(), seed: 7, at_once: 3, only });
        for bad in ["--tier weekly", "--seed x", "--seed", "--rounds 2"] {
            assert!(Options::parse(&words(bad)).is_err(), "{bad}");
        }
    }

    fn result(line: &str, tier: &str, commit: &str) -> Line {
        let options = Options { tier: tier.into(), seed: 1, at_once: 2, only: Vec::new() };
        Line::of_result(line, &options, commit).expect("six fields")
    }

    #[test]
    fn rows_are_sorted_by_number_and_summed() {
        let lines = ["F12\tlost\t2\t8\t0\t20", "F2-start\tkilled\t1\t27\t1\t50"];
        let lines = merged(Vec::new(), lines.map(|line| result(line, "pr", "abc")).into());
        let text = table(&lines, "4.10").expect("numbers");
        assert!(text.contains("2 rows on a real Kafka: 3 runs, 35 faults fired, 1 violations"), "{text}");
        let (first, second) = (text.find("| F2-start |"), text.find("| F12 |"));
        assert!(first < second && first.is_some(), "{text}");
        let simulated = result("simulation\thistories\t10000\t7\t0\t5", "pr", "abc");
        let with = merged(lines.clone(), vec![simulated]);
        let text = table(&with, "4.10").expect("numbers");
        assert!(text.contains("2 rows on a real Kafka: 3 runs") && text.contains("| simulation |"), "{text}");
        let options = Options { tier: "pr".into(), seed: 1, at_once: 2, only: Vec::new() };
        assert!(Line::of_result("F1\tx", &options, "abc").is_err());
    }

    #[test]
    fn a_run_of_some_rows_keeps_the_lines_of_the_others() {
        let old =
            [result("F1\tkilled\t1\t8\t0\t23", "pr", "abc"), result("F12\tlost\t2\t8\t0\t20", "pr", "abc")];
        let text = table(&old, "4.10").expect("numbers");
        let rows = text.lines().filter(|line| is_row(line));
        let read: Vec<Line> = rows.map(|line| Line::of_table(line).expect("a row")).collect();
        assert_eq!(read, old);
        let new = result("F1\tkilled\t125\t1000\t0\t2000", "nightly", "def");
        assert_eq!(merged(read, vec![new.clone()]), [new, old[1].clone()]);
    }

    #[test]
    fn a_line_that_cannot_be_read_is_an_error_and_is_not_dropped() {
        assert!(Line::of_table("| F1 | killed | pr | 1 |").is_err());
        let line = result("F1\tkilled\tmany\t8\t0\t23", "pr", "abc");
        assert!(table(&[line], "4.10").is_err());
    }

    #[test]
    fn a_row_is_meant_by_its_name_or_number() {
        for (word, row) in [("F2", "F2-start"), ("F2-start", "F2-start"), ("F12", "F12")] {
            assert!(means(word, row), "{word} {row}");
        }
        assert!(!means("F1", "F12") && !means("F2-s", "F2-start"));
    }

    #[test]
    fn the_file_has_the_block_that_is_written() {
        let text = fs::read_to_string(paths::root().join("tests/FAULTS.md")).expect("the matrix is a file");
        let block = blocks::get(&text, BLOCK).expect("a block");
        let rows: Vec<Line> = block
            .lines()
            .filter(|line| is_row(line))
            .map(|line| Line::of_table(line).expect("a line of today's table"))
            .collect();
        assert!(!rows.is_empty());
        table(&rows, "4.10").expect("numbers");
    }
}
