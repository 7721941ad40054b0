//! `host/default.toml` is the reference of all settings: each has a line of prose.

use tidy_tests::{files, none};

#[test]
fn every_setting_is_explained_where_it_is_set() {
    let files = files();
    let defaults =
        files.iter().find(|file| file.path == "host/default.toml").expect("the defaults are a file");
    let mut complaints = Vec::new();
    let mut explained = false;
    for (number, line) in (1..).zip(defaults.text.lines()) {
        let is_setting = !line.starts_with('#') && line.contains('=');
        if is_setting && !explained {
            complaints.push(format!("host/default.toml:{number}: \"{line}\" has no line of prose above it"));
        }
        // A comment explains the next line only.
        explained = line.starts_with('#');
    }
    none(&complaints);
}
