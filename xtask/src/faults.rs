//! `cargo xtask faults`: runs the fault matrix (`tests/faults`) at a tier and writes what came of it into the block
//! `results` of `tests/FAULTS.md`. Figures there are never typed.

use crate::command::{cargo, run as run_command};
use crate::kafka::{self, VERSION};
use crate::setup::{Need, ensure};
use crate::{guests, paths};
use anyhow::{Context, Result, bail};
use std::fs;
use std::path::Path;
use std::process::Command;

/// Rows that run beside each other: most of the time each waits for a session or a client to time out.
const ROWS_AT_ONCE: &str = "--test-threads=3";
const BEGIN: &str = "<!-- results: begin -->\n";
const END: &str = "<!-- results: end -->";

#[derive(Debug, PartialEq, Eq)]
struct Options {
    tier: String,
    seed: u64,
}

impl Options {
    fn parse(arguments: &[String]) -> Result<Self> {
        let mut options = Self { tier: "pr".into(), seed: 1 };
        let mut words = arguments.iter();
        while let Some(word) = words.next() {
            let value = words.next().with_context(|| format!("{word} needs a value"))?;
            match (word.as_str(), value.as_str()) {
                ("--tier", "pr" | "nightly" | "release") => options.tier.clone_from(value),
                ("--seed", seed) => options.seed = seed.parse().context("--seed takes a number")?,
                _ => bail!("cannot do \"{word} {value}\": --tier pr|nightly|release, --seed N"),
            }
        }
        Ok(options)
    }
}

/// Builds what the matrix needs, runs it, and writes the table, also when a row fails.
///
/// # Errors
/// Something does not build, a promise was broken, or a fault did not fire.
pub fn run(arguments: &[String]) -> Result<()> {
    if let Some(at) = arguments.iter().position(|word| word == "--streams") {
        return crate::bench::run(&[&["faults".to_owned()], &arguments[at + 1..]].concat());
    }
    let options = Options::parse(arguments)?;
    ensure(Need::ALL)?;
    kafka::jars::fetch()?;
    guests::build().context("the guests do not build")?;
    run_command(&mut cargo(&["build", "--release", "--workspace"]))?;
    let results = paths::target().join("faults.tsv");
    if results.exists() {
        fs::remove_file(&results)?;
    }
    let words = ["test", "--release", "--workspace", "--test", "faults", "--", ROWS_AT_ONCE];
    let tested = run_command(
        cargo(&words)
            .env("FAULTS_TIER", &options.tier)
            .env("FAULTS_SEED", options.seed.to_string())
            .env("FAULTS_RESULTS", &results),
    );
    let lines = fs::read_to_string(&results).context("no row has written a result")?;
    write(&paths::root().join("tests/FAULTS.md"), &table(&options, &lines)?)?;
    tested
}

/// The results as a table, in the order of the rows' numbers.
fn table(options: &Options, lines: &str) -> Result<String> {
    let mut rows: Vec<Vec<&str>> = lines.lines().map(|line| line.split('\t').collect()).collect();
    if let Some(bad) = rows.iter().find(|row| row.len() != 6) {
        bail!("a result of {} fields and not 6: {bad:?}", bad.len());
    }
    rows.sort_by_key(|row| (number(row[0]), row[0].to_owned()));
    let sum = |field: usize| rows.iter().filter_map(|row| row[field].parse::<u64>().ok()).sum::<u64>();
    let mut text = format!(
        "Tier {}, seed {}: {} runs, {} faults fired, {} violations. host {}, commit {}, rdkafka-sys {}; \
         Apache Kafka {VERSION}.\n\n\
         | row | fault | runs | fired | violations | seconds |\n| --- | --- | ---: | ---: | ---: | ---: |\n",
        options.tier,
        options.seed,
        sum(2),
        sum(3),
        sum(4),
        env!("CARGO_PKG_VERSION"),
        commit(),
        locked("rdkafka-sys")?,
    );
    for row in &rows {
        text.extend(["| ", &row.join(" | "), " |\n"]);
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

fn write(path: &Path, body: &str) -> Result<()> {
    let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let parts = text.split_once(BEGIN).and_then(|(before, rest)| Some((before, rest.split_once(END)?.1)));
    let (before, after) = parts.with_context(|| format!("{} has no block \"results\"", path.display()))?;
    fs::write(path, format!("{before}{BEGIN}\n{}\n\n{END}{after}", body.trim()))?;
    eprintln!("written: {}", path.display());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn a_tier_and_a_seed_are_taken_and_nothing_else() {
        assert_eq!(Options::parse(&[]).expect("defaults"), Options { tier: "pr".into(), seed: 1 });
        let options = Options::parse(&words("--seed 7 --tier nightly")).expect("both");
        assert_eq!(options, Options { tier: "nightly".into(), seed: 7 });
        for bad in ["--tier weekly", "--seed x", "--seed", "--rounds 2"] {
            assert!(Options::parse(&words(bad)).is_err(), "{bad}");
        }
    }

    #[test]
    fn rows_are_sorted_by_number_and_summed() {
        let options = Options { tier: "pr".into(), seed: 1 };
        let lines = "F12\tlost\t2\t8\t0\t20\nF2-start\tkilled\t1\t27\t1\t50\n";
        let text = table(&options, lines).expect("two rows");
        assert!(text.contains("3 runs, 35 faults fired, 1 violations"), "{text}");
        let (first, second) = (text.find("| F2-start |"), text.find("| F12 |"));
        assert!(first < second && first.is_some(), "{text}");
        assert!(table(&options, "F1\tx\n").is_err());
    }

    #[test]
    fn the_file_has_the_block_that_is_written() {
        let text = fs::read_to_string(paths::root().join("tests/FAULTS.md")).expect("the matrix is a file");
        assert!(text.contains(BEGIN) && text.contains(END));
    }
}
