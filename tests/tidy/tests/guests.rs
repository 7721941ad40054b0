//! A test guest without a test is dead weight.

use std::fs;
use tidy_tests::{folders, none, root, rust_files};

#[test]
fn every_test_guest_has_a_test_that_names_it() {
    let tests: Vec<String> = rust_files()
        .into_iter()
        .filter(|file| !file.is_below("tests/guests") && !file.is_below("xtask"))
        .map(|file| file.text)
        .collect();
    let mut complaints = Vec::new();
    for folder in folders("tests/guests") {
        let manifest = format!("tests/guests/{folder}/Cargo.toml");
        let text = fs::read_to_string(root().join(&manifest)).expect("a guest is a package");
        let table: toml::Table = text.parse().expect("a manifest is TOML");
        let name = table["package"]["name"].as_str().expect("a package has a name");
        let names = [format!("\"{name}\""), format!("{name}.wasm")];
        if !tests.iter().any(|text| names.iter().any(|name| text.contains(name))) {
            complaints.push(format!("tests/guests/{folder}: no test names \"{name}\""));
        }
    }
    none(&complaints);
}
