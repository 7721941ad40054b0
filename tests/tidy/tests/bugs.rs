//! The deliberate bugs of `tests/FAULTS.md`: each is there, and has a test that makes it.

use tidy_tests::{files, none, rust_files};

/// What stands in backquotes in the tables under "Deliberate bugs", but for folders and packages.
fn listed(text: &str) -> Vec<&str> {
    let section = text.split("\n## ").find(|section| section.starts_with("Deliberate bugs"));
    let rows = section.expect("there is such a section").lines().filter(|line| line.starts_with('|'));
    let quoted = rows.flat_map(|row| row.split('`').skip(1).step_by(2));
    quoted.filter(|word| !word.starts_with("tests/") && *word != "host").collect()
}

/// The bugs that can be built into the simulation.
fn built_in(text: &str) -> Vec<&str> {
    let body = text.split_once("pub enum Bug {").and_then(|(_, rest)| rest.split_once("\n}"));
    let lines = body.expect("there is such an enum").0.lines().map(str::trim);
    lines.filter(|line| !line.starts_with("//")).filter_map(|line| line.strip_suffix(',')).collect()
}

#[test]
fn each_deliberate_bug_is_listed_and_has_a_test() {
    let all = files();
    let text = |path: &str| &all.iter().find(|file| file.path == path).expect("it is there").text;
    let listed = listed(text("tests/FAULTS.md"));
    let tests = text("tests/sim/tests/bugs.rs");
    let rust = rust_files();
    let mut complaints = Vec::new();
    for bug in built_in(text("tests/sim/src/bugs.rs")) {
        if !listed.contains(&bug) {
            complaints.push(format!("tests/FAULTS.md: {bug} is not listed"));
        }
    }
    for name in listed {
        let is_bug = name.starts_with(char::is_uppercase);
        let is_tested = if is_bug {
            tests.contains(&format!("is_caught(Bug::{name}, "))
        } else {
            rust.iter().any(|file| file.text.contains(&format!("fn {name}()")))
        };
        if !is_tested {
            complaints.push(format!("tests/FAULTS.md: {name} has no test"));
        }
    }
    none(&complaints);
}

#[test]
fn bugs_are_read_from_tables_and_the_enum() {
    let text = "# A\n\n## Deliberate bugs\n`x`\n| a | `tests/sim`: `B`; F1 |\n\n## C\n| `d` |\n";
    assert_eq!(listed(text), ["B"]);
    assert_eq!(built_in("pub enum Bug {\n    /// It.\n    A,\n    B,\n}\n"), ["A", "B"]);
}
