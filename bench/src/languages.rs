//! What an operator costs in each language: the sum, called as the host calls it, without Kafka.

use crate::results;
use anyhow::{Context, Result, anyhow};
use host::native::Native;
use host::wasm::{Engine, Grants, Limits, Module};
use host_core::operator::{Groups, Operator};
use host_core::record::{Origin, Row, Rows, TopicPartition};
use std::fmt::Write as _;
use std::time::{Duration, Instant};
use xtask::paths;

const MODULES: [(&str, &str); 5] = [
    ("Rust", "sum"),
    ("C", "sum-c"),
    ("Go", "sum-go"),
    ("JavaScript", "sum-javascript"),
    ("Python", "sum-python"),
];
/// As many as a first batch has.
const ROWS: usize = 1_000;
const KEYS: usize = 100;
/// Calls of a round.
const CALLS: usize = 10;
/// At least so many rounds, and as many as fit into [`MEASURED`].
const ROUNDS_MIN: usize = 5;
const MEASURED: Duration = Duration::from_secs(1);
const STARTS: usize = 7;

/// Measures, prints, and writes the table into `bench/RESULTS.md`.
pub(crate) fn run() -> Result<()> {
    let mut table = format!(
        "`cargo xtask bench languages`, {}.\n\nThe sum in each language, {ROWS} rows a call, {KEYS} keys, the fastest round \
         of {CALLS} calls. In brackets: against the same operator in Rust that is no Wasm.\n\n\
         | language | component KiB | compile ms | start ms | transform ns a record | reduce ns a record | memory MiB |\n\
         |---|---:|---:|---:|---:|---:|---:|\n",
        crate::machine::line()
    );
    let native = Speed::of(&mut Native::load("sum", &[])?)?;
    writeln!(table, "| native Rust | – | – | – | {:.0} | {:.0} | – |", native.transform, native.reduce)?;
    eprint!("{table}");
    for (language, name) in MODULES {
        let line = measure(language, name, &native).with_context(|| name.to_owned())?;
        eprint!("{line}");
        table.push_str(&line);
    }
    results::write("languages", &table)
}

/// Nanoseconds a record.
struct Speed {
    transform: f64,
    reduce: f64,
}

impl Speed {
    fn of(operator: &mut dyn Operator) -> Result<Self> {
        let rows = rows(ROWS);
        let groups = groups(&transform(operator, &rows)?);
        let transform = fastest(|| transform(operator, &rows).map(drop))?;
        let reduce = fastest(|| reduce(operator, &groups))?;
        Ok(Self { transform, reduce })
    }
}

fn measure(language: &str, name: &str, native: &Speed) -> Result<String> {
    let path = paths::target().join("guests").join(name).with_extension("wasm");
    let bytes = std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let engine = Engine::new(Limits::default())?;
    let began = Instant::now();
    let module = Module::load(&engine, name, &bytes, &[], &Grants::default())?;
    let compile = began.elapsed().as_secs_f64() * 1e3;

    let starts = (0..STARTS).map(|_| start(&module)).collect::<Result<_>>()?;
    let speed = Speed::of(&mut module.operator())?;
    let memory = module.usage().memory_bytes_max() as f64 / f64::from(1 << 20);
    let mut line = String::new();
    writeln!(
        line,
        "| {language} | {:.0} | {compile:.0} | {:.2} | {:.0} ({}×) | {:.0} ({}×) | {memory:.1} |",
        bytes.len() as f64 / 1024.0,
        median(starts),
        speed.transform,
        times(speed.transform / native.transform),
        speed.reduce,
        times(speed.reduce / native.reduce)
    )?;
    Ok(line)
}

fn times(ratio: f64) -> String {
    if ratio < 10.0 { format!("{ratio:.1}") } else { format!("{ratio:.0}") }
}

/// Milliseconds for the first call of an instance beyond those of its second.
fn start(module: &Module) -> Result<f64> {
    let (mut operator, rows) = (module.operator(), rows(1));
    let mut call = || {
        let began = Instant::now();
        transform(&mut operator, &rows)?;
        anyhow::Ok(began.elapsed().as_secs_f64() * 1e3)
    };
    Ok((call()? - call()?).max(0.0))
}

fn transform(operator: &mut dyn Operator, rows: &Rows) -> Result<Rows> {
    let source = TopicPartition::new("lines", 0);
    let offsets: Vec<i64> = (0..rows.len() as i64).collect();
    let answer = operator.transform(Origin { source: &source, offsets: &offsets }, rows);
    let answer = answer.map_err(|fault| anyhow!(fault.reason))?;
    anyhow::ensure!(answer.rows.len() == rows.len(), "a row is missing");
    Ok(answer.rows)
}

fn reduce(operator: &mut dyn Operator, groups: &Groups) -> Result<()> {
    let answer = operator.reduce(groups, false).map_err(|fault| anyhow!(fault.reason))?;
    anyhow::ensure!(answer.accumulators.len() == KEYS && answer.bad.is_empty(), "a key is missing");
    Ok(())
}

fn rows(count: usize) -> Rows {
    let mut rows = Rows::new();
    for i in 0..count {
        let line = format!("key{},{}", i % KEYS, i * 31);
        rows.push(Row { key: None, value: Some(line.as_bytes()), timestamp: i as i64 });
    }
    rows
}

/// The rows, of which row i has key `i % KEYS`, by key; each key has a sum already.
fn groups(rows: &Rows) -> Groups {
    let mut groups = Groups::default();
    for key in 0..KEYS {
        groups.keys.push(rows.key(key));
        groups.accumulators.push(Some(&5_i128.to_le_bytes()));
        for row in (key..rows.len()).step_by(KEYS) {
            groups.values.push(rows.value(row));
            groups.timestamps.push(0);
        }
        groups.ends.push(groups.values.len() as u32);
    }
    groups
}

/// Nanoseconds a record in the fastest of many short rounds: the others show what else the machine does.
fn fastest(mut call: impl FnMut() -> Result<()>) -> Result<f64> {
    let (began, mut rounds, mut least) = (Instant::now(), 0, f64::INFINITY);
    while rounds < ROUNDS_MIN || began.elapsed() < MEASURED {
        least = least.min(time(&mut call)?);
        rounds += 1;
    }
    Ok(least)
}

/// Nanoseconds a record.
fn time(mut call: impl FnMut() -> Result<()>) -> Result<f64> {
    let began = Instant::now();
    for _ in 0..CALLS {
        call()?;
    }
    Ok(began.elapsed().as_nanos() as f64 / (CALLS * ROWS) as f64)
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}
