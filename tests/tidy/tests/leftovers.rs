//! Nothing is left half done. The words looked for are put together here, or this file would find itself.

use tidy_tests::rust::code_only;
use tidy_tests::{files, none, rust_files};

#[test]
fn no_word_for_later_is_left() {
    let words = [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X"), concat!("HA", "CK")];
    let mut complaints = Vec::new();
    for file in files() {
        if !file.has_extension(&["rs", "toml", "md", "wit", "sh"]) && !file.is_below(".ci") {
            continue;
        }
        for (number, line) in (1..).zip(file.text.lines()) {
            let mut marks =
                line.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| words.contains(word));
            if let Some(word) = marks.next() {
                complaints.push(format!("{}:{number}: {word}", file.path));
            }
        }
    }
    none(&complaints);
}

#[test]
fn no_stub_debug_print_or_skipped_test_is_left() {
    let calls = [
        concat!("to", "do!("),
        concat!("unimpl", "emented!("),
        concat!("db", "g!("),
        concat!("#[ig", "nore"),
        concat!("#[should_", "panic"),
    ];
    let mut complaints = Vec::new();
    for file in rust_files() {
        for (number, line) in (1..).zip(code_only(&file.text).lines()) {
            for call in calls.iter().filter(|call| line.contains(*call)) {
                complaints.push(format!("{}:{number}: {call}", file.path));
            }
        }
    }
    none(&complaints);
}

#[test]
fn no_built_module_is_kept() {
    let modules = files().into_iter().filter(|file| file.has_extension(&["wasm", "cwasm"]));
    none(&modules.map(|file| format!("{}: modules are built, not kept", file.path)).collect::<Vec<_>>());
}
