//! Figures on a real Kafka; `cargo xtask bench` starts one and runs this. What is measured and how: README.md
//! in this package.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a benchmark talks to a person")]

mod burn;
mod faults;
mod fetch;
mod figures;
mod hosted;
mod input;
mod languages;
mod latency;
mod limits;
mod machine;
mod measure;
mod options;
mod own;
mod program;
mod restart;
mod results;
mod rivals;
mod scale;
mod svg;
mod verify;

use anyhow::{Result, bail};
use options::Options;

fn main() -> Result<()> {
    let mut words: Vec<String> = std::env::args().skip(1).collect();
    let has_verb = words.first().is_some_and(|word| !word.starts_with("--"));
    let verb = if has_verb { words.remove(0) } else { String::new() };
    if verb == "limits" {
        return limits::run();
    }
    if verb == "languages" {
        return languages::run();
    }
    if verb == "faults" {
        return faults::run(&Options::alone(words.into_iter())?);
    }
    let options = Options::parse(words.into_iter())?;
    match verb.as_str() {
        "" => own::run(&options),
        "rivals" => rivals::run(&options),
        "scale" => scale::run(&options),
        "fetch" => fetch::run(&options),
        "latency" => latency::run(&options),
        "restart" => restart::run(&options),
        "burn" => burn::run(&options.kafka()),
        _ => bail!(
            "cannot measure \"{verb}\"; it is rivals, scale, fetch, latency, restart, faults, limits, languages, burn, or nothing"
        ),
    }
}
