//! Checks JSON records against rules: good ones pass as they are, bad ones are rejected with all that is wrong.
#![deny(unsafe_code)]

mod check;
mod rules;

use guest_sdk::{Error, Operator, Output, Record, Settings, Transform, reject};
use rules::Rule;

/// The operator.
#[derive(Debug)]
pub struct Validate {
    rules: Vec<Rule>,
    /// Fields without a rule are wrong.
    is_closed: bool,
}

impl Operator for Validate {
    const NAME: &'static str = env!("CARGO_PKG_NAME");
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");

    fn configure(settings: &Settings<'_>) -> Result<Self, String> {
        settings.expect_only(&["fields", "other_fields"])?;
        let text = settings.get("fields").ok_or("setting `fields` is missing: name: text, required")?;
        let is_closed = match settings.get("other_fields").unwrap_or("allow") {
            "allow" => false,
            "reject" => true,
            other => return Err(format!("setting `other_fields` is `{other}`; it may be allow or reject")),
        };
        Ok(Self { rules: rules::parse(text)?, is_closed })
    }

    fn preserves_key(&self) -> bool {
        true
    }
}

impl Transform for Validate {
    fn transform(&mut self, record: Record<'_>, out: &mut Output) -> Result<(), Error> {
        let value: json::Value = json::from_slice(record.value_bytes()?)
            .map_err(|error| reject(format!("the value is not JSON: {error}")))?;
        let object = value.as_object().ok_or_else(|| reject("the value is not a JSON object"))?;
        let mut wrong: Vec<String> =
            self.rules.iter().filter_map(|rule| check::field(rule, &value)).collect();
        if self.is_closed {
            let is_ruled = |name: &str| self.rules.iter().any(|rule| rule.path[0] == name);
            wrong.extend(
                object.keys().filter(|name| !is_ruled(name)).map(|name| format!("{name}: no such field")),
            );
        }
        if !wrong.is_empty() {
            return Err(reject(wrong.join("; ")));
        }
        out.forward(&record);
        Ok(())
    }
}

guest_sdk::export!(Validate: transform);
