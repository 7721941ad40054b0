//! Fills missing fields of JSON records, per key and field: with the last value, or the mean of all before.
//!
//! A field is missing when it is not there or null. Only values that were there are remembered.
#![deny(unsafe_code)]

mod known;
mod rules;

use std::collections::BTreeMap;

use guest_sdk::{Error, Operator, Output, Process, Settings, Value, reject};
use json::value::RawValue;
pub use known::Known;
use known::Memory;
use rules::{Fill, Rule};

/// The operator.
#[derive(Debug)]
pub struct FillMissing {
    rules: Vec<Rule>,
    /// The field that names what was filled.
    mark: Option<String>,
}

type Object = BTreeMap<String, Box<RawValue>>;

impl Operator for FillMissing {
    const NAME: &'static str = env!("CARGO_PKG_NAME");
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const STATE_SCHEMA: &'static str = "fill-missing:field,last|count,mean";

    fn configure(settings: &Settings<'_>) -> Result<Self, String> {
        settings.expect_only(&["fields", "mark"])?;
        let fields =
            settings.get("fields").ok_or("setting `fields` is missing: temperature: mean, unit: last")?;
        Ok(Self { rules: rules::parse(fields)?, mark: settings.get("mark").map(str::to_owned) })
    }
}

impl Process for FillMissing {
    type Accumulator = Known;

    fn process(
        &mut self,
        known: &mut Option<Known>,
        value: Value<'_>,
        out: &mut Output,
    ) -> Result<(), Error> {
        let mut object: Object = json::from_slice(value.bytes)
            .map_err(|error| reject(format!("the value is not a JSON object: {error}")))?;
        let known = known.get_or_insert_default();
        let mut filled = Vec::new();
        for rule in &self.rules {
            match object.get(&rule.field).filter(|found| found.get() != "null") {
                Some(found) => remember(known, rule, found)?,
                None => {
                    if let Some(text) = known.get(&rule.field).and_then(|memory| memory.fill(rule.fill)) {
                        object.insert(rule.field.clone(), RawValue::from_string(text)?);
                        filled.push(rule.field.as_str());
                    }
                }
            }
        }
        if filled.is_empty() {
            out.emit(value.key, value.bytes);
            return Ok(());
        }
        if let Some(mark) = &self.mark {
            object.insert(mark.clone(), RawValue::from_string(json::to_string(&filled)?)?);
        }
        out.emit(value.key, json::to_string(&object)?);
        Ok(())
    }
}

fn remember(known: &mut Known, rule: &Rule, found: &RawValue) -> Result<(), Error> {
    match rule.fill {
        Fill::Last => known.set_last(&rule.field, found.get()),
        Fill::Mean => {
            let number: f64 = json::from_str(found.get())
                .map_err(|_| reject(format!("{}: {} is not a number", rule.field, found.get())))?;
            known.add(&rule.field, number);
        }
    }
    Ok(())
}

impl Memory {
    /// The JSON to fill with, if it is of this kind: after a change of settings it may not be.
    fn fill(&self, fill: Fill) -> Option<String> {
        match (fill, self) {
            (Fill::Last, Self::Last(text)) => Some(text.clone()),
            (Fill::Mean, Self::Mean { mean, .. }) => Some(format!("{mean:.6}")),
            _ => None,
        }
    }
}

guest_sdk::export!(FillMissing: process);
