//! Who may name whom. The folders of `host` meet in the core's types, never in each other's.

use tidy_tests::rust::{code_only, has_word};
use tidy_tests::{Source, files, none, rust_files};

/// What the core may depend on.
const CORE_DEPENDENCIES: [&str; 4] = ["bytes", "foldhash", "hashbrown", "thiserror"];
/// Where the Kafka client may be named.
const KAFKA_HOMES: [&str; 5] =
    ["host/src/kafka", "host/src/kafka.rs", "tests/kit", "tests/conformance", "bench/native"];
/// Where the Wasm engine may be named; the benchmark measures a module without our limits beside one with them.
const WASM_HOMES: [&str; 4] =
    ["host/src/wasm", "host/src/wasm.rs", "bench/src/limits.rs", "tests/wasm/tests/main/instructions.rs"];

/// Complaints about files that say `word` in code and are not below one of `homes`.
fn outside(word: &str, homes: &[&str]) -> Vec<String> {
    let away = rust_files().into_iter().filter(|file| !homes.iter().any(|home| file.is_below(home)));
    let named = away.filter(|file| has_word(&code_only(&file.text), word));
    named
        .map(|file| format!("{}: names {word}, which is at home in {}", file.path, homes.join(", ")))
        .collect()
}

#[test]
fn the_kafka_client_is_named_in_its_folder_only() {
    none(&[outside("rdkafka", &KAFKA_HOMES), outside("rdkafka_sys", &KAFKA_HOMES)].concat());
}

#[test]
fn the_wasm_engine_is_named_in_its_folder_only() {
    none(&outside("wasmtime", &WASM_HOMES));
}

#[test]
fn kafka_and_wasm_never_name_each_other() {
    let mut complaints = Vec::new();
    for (folder, other) in [("host/src/kafka", "wasm"), ("host/src/wasm", "kafka")] {
        let paths = [format!("crate::{other}"), format!("super::{other}"), format!("super::super::{other}")];
        for file in rust_files().iter().filter(|file| file.is_below(folder)) {
            let code = code_only(&file.text);
            for path in paths.iter().filter(|path| has_word(&code, path)) {
                complaints.push(format!("{}: names {path}", file.path));
            }
        }
    }
    none(&complaints);
}

#[test]
fn the_core_and_the_model_have_no_std() {
    let mut complaints = Vec::new();
    let is_pure = |file: &Source| file.is_below("host/core/src") || file.is_below("host/model/src");
    for file in rust_files().into_iter().filter(is_pure) {
        let code = code_only(&file.text);
        if has_word(&code, "std") {
            complaints.push(format!("{}: names std", file.path));
        }
        if file.path.ends_with("/src/lib.rs") {
            for attribute in ["#![no_std]", "#![forbid(unsafe_code)]"] {
                assert!(code.contains(attribute), "{} has no {attribute}", file.path);
            }
        }
    }
    none(&complaints);
}

#[test]
fn dependencies_keep_to_their_packages() {
    let mut complaints = Vec::new();
    for manifest in files().into_iter().filter(|file| file.path.ends_with("Cargo.toml")) {
        let table: toml::Table = manifest.text.parse().expect("a manifest is TOML");
        for section in ["dependencies", "dev-dependencies", "build-dependencies"] {
            let Some(dependencies) = table.get(section).and_then(toml::Value::as_table) else { continue };
            for name in dependencies.keys().filter(|name| !may_depend(&manifest.path, section, name)) {
                complaints.push(format!("{}: {section} must not have {name}", manifest.path));
            }
        }
    }
    none(&complaints);
}

fn may_depend(manifest: &str, section: &str, name: &str) -> bool {
    match (manifest, name) {
        ("host/core/Cargo.toml", _) => section == "dev-dependencies" || CORE_DEPENDENCIES.contains(&name),
        ("host/model/Cargo.toml", _) => name == "host-core",
        (_, "rdkafka" | "rdkafka-sys") => {
            let homes = ["host", "tests/kit", "tests/conformance", "bench/native"];
            homes.iter().any(|home| manifest == format!("{home}/Cargo.toml"))
        }
        (_, "wasmtime") => {
            ["host/Cargo.toml", "bench/Cargo.toml", "tests/wasm/Cargo.toml"].contains(&manifest)
        }
        _ => true,
    }
}
