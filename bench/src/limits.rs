//! What the limits and checks cost a record: the operator as the host calls it, against the same module called
//! by wasmtime alone, without deadlines, without bounds, and with nothing of the answer checked.

use anyhow::{Context, Result, anyhow};
use host::wasm::{Engine, Grants, Limits, Module};
use host_core::operator::Operator as _;
use host_core::record::{Origin, Row, Rows, TopicPartition};
use std::time::Instant;
use wasmtime::Store;
use wasmtime::component::{Component, HasSelf, Linker};
use xtask::paths;

mod bindings {
    #![allow(missing_docs, clippy::pedantic, reason = "generated")]
    wasmtime::component::bindgen!({
        path: "../wit",
        world: "host:operator/operator",
        ownership: Borrowing { duplicate_if_necessary: true },
    });
}
use bindings::host::operator::{log, types};

const ROWS: usize = 10_000;
const ROUNDS: usize = 7;
const CALLS: usize = 200;

/// Lines are thrown away.
struct Nothing;

impl log::Host for Nothing {
    fn write(&mut self, _: log::Level, _: String) {}
}

/// Measures and prints.
pub(crate) fn run() -> Result<()> {
    let path = paths::target().join("guests/sum.wasm");
    let bytes = std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let engine = Engine::new(Limits::default())?;
    let module = Module::load(&engine, "sum", &bytes, &[], &Grants::default())?;
    let mut operator = module.operator();
    let (bare, mut store) = bare(&bytes)?;
    let rows = rows();
    let source = TopicPartition::new("lines", 0);
    let offsets: Vec<i64> = (0..ROWS as i64).collect();
    let (mut limited, mut alone) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        limited.push(time(|| {
            let answer = operator.transform(Origin { source: &source, offsets: &offsets }, &rows);
            answer.map(|answer| answer.rows.len()).map_err(|fault| anyhow!(fault.reason))
        })?);
        alone.push(time(|| {
            let read_at = types::Origin { topic: &source.topic, partition: 0, offsets: &offsets };
            let columns = types::ColumnsParam {
                data: &rows.data,
                offsets: &rows.offsets,
                timestamps: &rows.timestamps,
                nulls: &rows.nulls,
                headers: None,
            };
            let answer = bare.host_operator_transformer().call_transform(&mut store, read_at, columns)?;
            answer.map(|answer| answer.source.len()).map_err(|failure| anyhow!("{failure:?}"))
        })?);
    }
    let (limited, alone) = (median(limited), median(alone));
    println!(
        "transform of {ROWS} rows, median of {ROUNDS} interleaved rounds of {CALLS} calls, ns a record:"
    );
    println!("| with limits and checks | wasmtime alone | cost |\n|---:|---:|---:|");
    println!("| {limited:.1} | {alone:.1} | {:.1} |", limited - alone);
    Ok(())
}

fn bare(bytes: &[u8]) -> Result<(bindings::Operator, Store<Nothing>)> {
    let mut config = wasmtime::Config::new();
    config.concurrency_support(false);
    let engine = wasmtime::Engine::new(&config)?;
    let component = Component::from_binary(&engine, bytes)?;
    let mut linker = Linker::new(&engine);
    log::add_to_linker::<_, HasSelf<_>>(&mut linker, |nothing: &mut Nothing| nothing)?;
    let mut store = Store::new(&engine, Nothing);
    store.set_hostcall_fuel(usize::MAX);
    let bare = bindings::Operator::instantiate(&mut store, &component, &linker)?;
    let configured = bare.host_operator_module().call_configure(&mut store, &[])?;
    configured.map_err(|text| anyhow!(text))?;
    Ok((bare, store))
}

fn rows() -> Rows {
    let mut rows = Rows::new();
    for i in 0..ROWS {
        let line = format!("key{},{}", i % 1_000, i % 100);
        rows.push(Row { key: None, value: Some(line.as_bytes()), timestamp: i as i64 });
    }
    rows
}

/// Nanoseconds a record.
fn time(mut call: impl FnMut() -> Result<usize>) -> Result<f64> {
    let began = Instant::now();
    for _ in 0..CALLS {
        anyhow::ensure!(call()? == ROWS, "a row is missing");
    }
    Ok(began.elapsed().as_nanos() as f64 / (CALLS * ROWS) as f64)
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}
