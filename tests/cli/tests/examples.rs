//! The operators below `examples/` on their own records, without Kafka.

use cli_tests::{Sandbox, guest};
use std::path::PathBuf;

const EXAMPLES: [&str; 10] = [
    "anomaly",
    "association-rules",
    "dedupe",
    "fill-missing",
    "k-means",
    "sessions",
    "stats",
    "top-k",
    "validate",
    "word-count",
];

/// `host test` in the folder of an example, with its settings.
fn test(name: &str, flags: &[&str]) {
    let here = std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo says which package is tested");
    let folder = PathBuf::from(here).join("../../examples").join(name);
    let path = |file: &str| folder.join(file).display().to_string();
    let exists = |file: &str| folder.join(file).exists();
    let extension = if exists("input.jsonl") { "jsonl" } else { "txt" };
    let [input, expected] = ["input", "expected"].map(|name| path(&format!("{name}.{extension}")));
    let (module, settings) = (guest(name), path("host.toml"));
    let mut words = vec!["test", &module, "--config", &settings, "--input", &input, "--expected", &expected];
    let failed = path("expected-failed.txt");
    // It names the places of one partition.
    if exists("expected-failed.txt") && !flags.contains(&"--partitions") {
        words.extend(["--expected-failed", &failed]);
    }
    words.extend(flags);
    let run = Sandbox::new().host(&words).ends_with(0);
    assert!(run.stderr.contains("rows as expected"), "{name}: {}", run.stderr);
}

#[test]
fn every_example_comes_to_what_is_expected_however_it_is_disturbed() {
    for name in EXAMPLES {
        test(name, &["--repeat-with-cuts=4", "--crashes", "2", "--swaps", "1"]);
    }
}

#[test]
fn examples_that_go_by_key_come_to_the_same_over_several_partitions() {
    for name in ["anomaly", "dedupe", "fill-missing", "sessions", "stats", "top-k", "word-count"] {
        test(name, &["--partitions", "3", "--workers", "2", "--repeat-with-cuts=2", "--crashes", "1"]);
    }
}
