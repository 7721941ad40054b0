//! A file fits a head, a function a screen.

use tidy_tests::{none, rust, rust_files};

/// Lines of a Rust file, at most; comments, blank lines and tests count.
const FILE_LINES_MAX: usize = 600;
/// Lines of a function, at most: from the line with `fn` to the line with its closing brace, both included.
/// Nested functions and closures count for the outer one too. Attributes and doc comments do not count.
const FUNCTION_LINES_MAX: usize = 70;

#[test]
fn no_file_is_longer_than_600_lines() {
    let long = rust_files().into_iter().filter_map(|file| {
        let lines = file.text.lines().count();
        (lines > FILE_LINES_MAX).then(|| format!("{}: {lines} lines; give it one subject", file.path))
    });
    none(&long.collect::<Vec<_>>());
}

#[test]
fn no_function_is_longer_than_70_lines() {
    let mut long = Vec::new();
    for file in rust_files() {
        for function in rust::functions(&rust::code_only(&file.text)) {
            if function.lines > FUNCTION_LINES_MAX {
                let rust::Function { name, line, lines } = function;
                long.push(format!("{}:{line}: {name} has {lines} lines", file.path));
            }
        }
    }
    none(&long);
}

#[test]
fn every_file_says_what_it_is() {
    // An attribute or two may stand before it.
    let says = |text: &str| text.lines().take(5).any(|line| line.starts_with("//!"));
    let silent = rust_files().into_iter().filter(|file| !says(&file.text));
    none(&silent.map(|file| format!("{}: no //! at its head", file.path)).collect::<Vec<_>>());
}
