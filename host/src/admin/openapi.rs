//! What `openapi.json` says of answers, held against the types that they are made of.

use super::{Difference, Installed, ModuleVersion, ShadowReport, Status};
use crate::feed::snapshot::{
    Commit, Commits, Edge, Fault, Lag, Module, Node, Output, Rates, Restore, Snapshot, State, Swap, Topology,
    Totals,
};
use crate::metrics::PHASES;
use crate::metrics::recent::{ENDS, Taken};
use serde::Serialize;
use serde_json::{Map, Value};
use std::collections::BTreeSet;

fn page() -> Value {
    serde_json::from_str(include_str!("openapi.json")).expect("JSON")
}

/// Itself, or what it refers to, with the parts of `allOf` put together.
fn resolved(page: &Value, schema: &Value) -> Value {
    if let Some(path) = schema["$ref"].as_str() {
        let found = page.pointer(path.trim_start_matches('#'));
        return resolved(page, found.unwrap_or_else(|| panic!("{path} is not there")));
    }
    let Some(parts) = schema["allOf"].as_array() else { return schema.clone() };
    let (mut properties, mut required) = (Map::new(), Vec::new());
    for part in parts.iter().map(|part| resolved(page, part)) {
        properties.extend(part["properties"].as_object().expect("an object").clone());
        required.extend(part["required"].as_array().expect("names").clone());
    }
    serde_json::json!({ "type": "object", "properties": properties, "required": required })
}

/// What of `value` is not as the schema has it, each with its place.
fn wrong(page: &Value, schema: &Value, value: &Value, at: &str) -> Vec<String> {
    let schema = resolved(page, schema);
    if let Some(choices) = schema["oneOf"].as_array() {
        let fits = choices.iter().any(|choice| wrong(page, choice, value, at).is_empty());
        return if fits { Vec::new() } else { vec![format!("{at}: {value} is none of the choices")] };
    }
    let mut found = Vec::new();
    if schema["enum"].as_array().is_some_and(|words| !words.contains(value)) {
        found.push(format!("{at}: {value} is no such word"));
    }
    if !has_type(&schema["type"], value) {
        found.push(format!("{at}: {value} is no {}", schema["type"]));
    }
    let inside =
        |schema: &Value, value: &Value, name: &str| wrong(page, schema, value, &format!("{at}.{name}"));
    match (value, schema["properties"].as_object()) {
        (Value::Array(items), _) => {
            found.extend(items.iter().flat_map(|item| inside(&schema["items"], item, "items")));
        }
        (Value::Object(fields), Some(properties)) => {
            let required = schema["required"].as_array().expect("names");
            let required: BTreeSet<_> = required.iter().filter_map(Value::as_str).collect();
            let names: BTreeSet<_> = fields.keys().map(String::as_str).collect();
            if names != required || names != properties.keys().map(String::as_str).collect() {
                found.push(format!("{at} has {names:?}, and {required:?} are described"));
            }
            let described =
                fields.iter().filter_map(|(name, value)| Some((name, value, properties.get(name)?)));
            found.extend(described.flat_map(|(name, value, schema)| inside(schema, value, name)));
        }
        (Value::Object(fields), None) => {
            let schema = &schema["additionalProperties"];
            found.extend(fields.iter().flat_map(|(name, value)| inside(schema, value, name)));
        }
        _ => {}
    }
    found
}

fn has_type(expected: &Value, value: &Value) -> bool {
    let is = |word: &Value| match word.as_str() {
        Some("integer") => value.is_u64() || value.is_i64(),
        Some("number") => value.is_number(),
        Some("string") => value.is_string(),
        Some("boolean") => value.is_boolean(),
        Some("object") => value.is_object(),
        Some("array") => value.is_array(),
        Some("null") => value.is_null(),
        _ => false,
    };
    match expected {
        // Words are listed instead.
        Value::Null => true,
        Value::Array(words) => words.iter().any(is),
        word => is(word),
    }
}

fn check(name: &str, answer: &impl Serialize) {
    let page = page();
    let schema = &page["components"]["schemas"][name];
    assert!(schema.is_object(), "{name} is described");
    let value = serde_json::to_value(answer).expect("JSON");
    assert_eq!(wrong(&page, schema, &value, name), Vec::<String>::new());
}

/// `is_full`: with all that may be missing.
fn version(is_full: bool) -> ModuleVersion {
    let some = Some(1).filter(|_| is_full);
    ModuleVersion {
        number: some,
        digest: "d".into(),
        version: "1".into(),
        since_s: 1,
        state: "current".into(),
        reason: is_full.then(|| "why".into()),
        calls: some,
        faults: some,
        cpu_us: some,
        memory_bytes_max: some,
    }
}

fn snapshot(is_full: bool, kind: Taken, result: &str) -> Snapshot {
    let some = Some(1).filter(|_| is_full);
    let text = is_full.then(|| "text".to_owned());
    let counts = || [("trap".to_owned(), 1)].into();
    let last = vec![Commit { result: result.to_owned(), ..Commit::default() }];
    Snapshot {
        obstacles: vec!["worker 0 drains".into()],
        rates: Rates { records_consumed: 0.5, ..Rates::default() },
        totals: Totals {
            dead_letter_records: counts(),
            dropped_records: counts(),
            module_faults: counts(),
            ..Totals::default()
        },
        lag: vec![Lag::default()],
        time: PHASES.iter().map(|phase| (phase.as_str().to_owned(), 0.5)).collect(),
        commit: Commits { p50_us: some, p99_us: some, last },
        state: State::default(),
        restore: Restore { rows_remaining: some, ..Restore::default() },
        modules: vec![Module { version: version(is_full), call_p50_us: some, call_p99_us: some }],
        swaps: vec![Swap {
            number: some,
            kind: kind.as_str().to_owned(),
            took_ms: some,
            pause_us: some,
            reason: text.clone(),
            ..Swap::default()
        }],
        faults: vec![Fault { backtrace: text.clone(), number: some, ..Fault::default() }],
        outputs: vec![Output { key: text.clone(), value: text, ..Output::default() }],
        topology: Topology {
            nodes: ["topic", "operator"].map(|kind| Node { kind: kind.into(), ..Node::default() }).into(),
            edges: vec![Edge { records_per_s: is_full.then_some(0.5), ..Edge::default() }],
        },
        ..Snapshot::default()
    }
}

#[test]
fn snapshots_are_as_they_are_described() {
    for kind in [Taken::Swap, Taken::Rollback, Taken::FellBack, Taken::Refused] {
        for ended in ENDS {
            check("Snapshot", &snapshot(true, kind, ended.as_str()));
        }
    }
    check("Snapshot", &snapshot(false, Taken::Refused, "aborted"));
}

#[test]
fn answers_are_as_they_are_described() {
    check("Status", &Status { obstacles: vec!["worker 0 drains".into()], ..Status::default() });
    for is_full in [true, false] {
        check("ModuleVersion", &version(is_full));
    }
    let installed = Installed { number: 1, digest: "d".into(), took_ms: 2, pause_us: 3 };
    check("Installed", &installed);
    for interface in ["transform", "reduce", "process", "merge", "finish"] {
        let words = [interface, "in-0-1", "1", "2"].map(str::to_owned);
        let [interface, at, current, candidate] = words;
        let report = ShadowReport {
            records: 1,
            equal: 1,
            different: 0,
            failed: 0,
            differences: vec![Difference { interface, at, current, candidate }],
            current_us: 1,
            candidate_us: 1,
            dropped: Some("why".into()),
            is_complete: true,
            promoted: Some(installed.clone()),
        };
        check("ShadowReport", &report);
        check("ShadowReport", &ShadowReport { dropped: None, promoted: None, ..report });
    }
}

#[test]
fn what_is_not_described_is_found() {
    let mut value = serde_json::to_value(version(true)).expect("JSON");
    let page = page();
    let schema = &page["components"]["schemas"]["ModuleVersion"];
    for (name, other) in
        [("state", Value::from("gone")), ("calls", Value::from("many")), ("new", Value::from(1))]
    {
        let before = value.clone();
        value[name] = other;
        assert_eq!(wrong(&page, schema, &value, "it").len(), 1, "{name}");
        value = before;
    }
    value.as_object_mut().expect("an object").remove("digest");
    assert_eq!(wrong(&page, schema, &value, "it").len(), 1, "one is missing");
}
