//! Names: of operators, applications and topics. Kafka's rules.

use std::path::Path;

/// Kafka's longest topic name, in bytes.
const TOPIC_BYTES_MAX: usize = 249;

/// What is wrong with `name` as the name of a topic, or of something that becomes part of one.
pub(super) fn problem(name: &str) -> Option<String> {
    if name.is_empty() {
        return Some("it is empty".into());
    }
    if matches!(name, "." | "..") {
        return Some("Kafka refuses \".\" and \"..\"".into());
    }
    if name.len() > TOPIC_BYTES_MAX {
        return Some(format!("it is longer than {TOPIC_BYTES_MAX} bytes"));
    }
    let odd = name.chars().find(|c| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-')))?;
    Some(format!("{odd:?} is none of a-z A-Z 0-9 . _ -"))
}

/// The name that a module gives to its operator: the built-in's, or the file's stem.
pub(super) fn of_module(module: &str) -> String {
    match module.strip_prefix("native:") {
        Some(name) => name.into(),
        None => {
            Path::new(module).file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kafkas_rules_hold() {
        assert_eq!(problem("clicks.v1_a-B"), None);
        assert_eq!(problem(&"a".repeat(249)), None);
        for bad in ["", ".", "..", "a b", "a/b", "ä", &"a".repeat(250)] {
            assert!(problem(bad).is_some(), "{bad}");
        }
    }

    #[test]
    fn modules_name_their_operator() {
        assert_eq!(of_module("native:sum"), "sum");
        assert_eq!(of_module("./target/guests/sum.wasm"), "sum");
        assert_eq!(of_module("sum"), "sum");
        assert_eq!(of_module(".."), "");
    }
}
