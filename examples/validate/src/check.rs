//! One rule against one record.

use crate::rules::{KINDS, Kind, Range, Rule};
use json::Value;

/// Characters of a value that a reason shows.
const SHOWN_MAX: usize = 40;

/// What is wrong with the field; none: nothing.
pub(crate) fn field(rule: &Rule, record: &Value) -> Option<String> {
    let found = rule.path.iter().try_fold(record, |value, name| value.get(name)).unwrap_or(&Value::Null);
    let problem = if found.is_null() {
        rule.is_required.then(|| "is missing".to_owned())
    } else {
        kind(rule, found).or_else(|| range(rule, found)).or_else(|| allowed(rule, found))
    };
    problem.map(|problem| format!("{}: {problem}", rule.name))
}

fn kind(rule: &Rule, found: &Value) -> Option<String> {
    let kind = rule.kind?;
    let fits = match kind {
        Kind::Text => found.is_string(),
        Kind::Integer => found.is_i64() || found.is_u64(),
        Kind::Number => found.is_number(),
        Kind::Bool => found.is_boolean(),
        Kind::Array => found.is_array(),
        Kind::Object => found.is_object(),
    };
    let name = KINDS.iter().find(|(_, of)| *of == kind).map_or("", |(name, _)| *name);
    (!fits).then(|| format!("{} is not of type {name}", shown(found)))
}

fn range(rule: &Rule, found: &Value) -> Option<String> {
    let Range { from, to } = rule.range?;
    let (what, number) = match found {
        Value::Number(number) => (shown(found), number.as_f64()?),
        Value::String(text) => (format!("the length of {}", shown(found)), text.chars().count() as f64),
        Value::Array(items) => ("the number of items".to_owned(), items.len() as f64),
        _ => return Some(format!("{} has no range", shown(found))),
    };
    match (from, to) {
        (Some(from), _) if number < from => Some(format!("{what} is below {from}")),
        (_, Some(to)) if number > to => Some(format!("{what} is above {to}")),
        _ => None,
    }
}

fn allowed(rule: &Rule, found: &Value) -> Option<String> {
    let text = match found {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let refused = !rule.allowed.is_empty() && !rule.allowed.contains(&text);
    refused.then(|| format!("{} is not one of {}", shown(found), rule.allowed.join("|")))
}

/// The JSON of a value, cut.
fn shown(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(SHOWN_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}
