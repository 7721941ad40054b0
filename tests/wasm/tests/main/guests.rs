//! Where the guests are, and the shortest way to call them.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use host::wasm::{Engine, Grants, Limits, LoadError, Module};
use host_core::operator::{Fault, Groups, Operator, Reduced, Transformed};
use host_core::record::{BytesColumn, Origin, Row, Rows, TopicPartition};

/// The bytes of a guest; fails the test when it was not built.
pub(crate) fn bytes(name: &str) -> Vec<u8> {
    let path = target_folder().join("guests").join(name).with_extension("wasm");
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}\nrun cargo xtask guests", path.display()))
}

fn target_folder() -> PathBuf {
    match std::env::var_os("CARGO_TARGET_DIR").filter(|folder| !folder.is_empty()) {
        Some(folder) => PathBuf::from(folder),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target"),
    }
}

/// How many cases a search tries: so many, or `FUZZ_CASES`.
pub(crate) fn cases(ordinary: usize) -> usize {
    std::env::var("FUZZ_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(ordinary)
}

/// The engine of all tests that need no limits of their own.
pub(crate) fn engine() -> &'static Engine {
    static ENGINE: OnceLock<Engine> = OnceLock::new();
    ENGINE.get_or_init(|| Engine::new(Limits::default()).expect("the settings fit every machine"))
}

pub(crate) fn try_load(name: &str, settings: &[(&str, &str)]) -> Result<Module, LoadError> {
    let settings: Vec<_> = settings.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
    Module::load(engine(), name, &bytes(name), &settings, &Grants::default())
}

pub(crate) fn load(name: &str, settings: &[(&str, &str)]) -> Module {
    try_load(name, settings).unwrap_or_else(|error| panic!("{name} with {settings:?} loads: {error}"))
}

/// Rows with these values, without keys.
pub(crate) fn rows(values: &[&str]) -> Rows {
    let mut rows = Rows::new();
    for (i, value) in values.iter().enumerate() {
        rows.push(Row { key: None, value: Some(value.as_bytes()), timestamp: i as i64 });
    }
    rows
}

pub(crate) fn transform(operator: &mut dyn Operator, rows: &Rows) -> Result<Transformed, Fault> {
    let source = TopicPartition::new("lines", 0);
    let offsets: Vec<_> = (0..rows.len() as i64).collect();
    operator.transform(Origin { source: &source, offsets: &offsets }, rows)
}

/// One key "k" without an accumulator, with these values.
pub(crate) fn group(values: &[&str]) -> Groups {
    let mut groups = Groups::default();
    groups.keys.push(Some(b"k"));
    groups.accumulators.push(None);
    for value in values {
        groups.values.push(Some(value.as_bytes()));
        groups.timestamps.push(0);
    }
    groups.ends.push(values.len() as u32);
    groups
}

pub(crate) fn reduce(operator: &mut dyn Operator, values: &[&str]) -> Result<Reduced, Fault> {
    operator.reduce(&group(values), false)
}

/// The result of key "k" with this accumulator.
pub(crate) fn finish(operator: &mut dyn Operator, accumulator: &str) -> Result<BytesColumn, Fault> {
    let column = |string: &str| {
        let mut column = BytesColumn::new();
        column.push(Some(string.as_bytes()));
        column
    };
    operator.finish(&column("k"), &column(accumulator))
}

/// Numbers that depend on the seed alone (splitmix64).
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut x = self.0;
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((x ^ (x >> 31)) % bound as u64) as usize
    }

    pub(crate) fn pick<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        &choices[self.below(choices.len())]
    }
}
