//! Which items are bought together: rules "who takes A takes B, too" with support, confidence and lift, from baskets.
//!
//! One accumulator a group holds the counts of baskets, items and pairs, so that all measures are of the same moment.
//! It is bounded; what that costs is said in `counts.rs`. No merge: what the bound forgets depends on the order.
#![deny(unsafe_code)]

mod basket;
mod counts;
mod rules;
mod table;

use counts::Bounds;
pub use counts::Counts;
use guest_sdk::{
    Bytes, Error, Failure, Finish, Finished, Operator, Output, Record, Reduce, Settings, Transform, Value,
};
use rules::Thresholds;

/// Items with a counter, by default and at most.
const ITEMS_MAX: (usize, usize) = (1000, 4000);
/// Pairs with a counter, by default and at most: the accumulator stays below Kafka's 1 MiB a record.
const PAIRS_MAX: (usize, usize) = (10_000, 40_000);
/// Rules in a result, by default and at most, for the same reason.
const RULES_MAX: (usize, usize) = (100, 2000);

/// The operator.
#[derive(Debug)]
pub struct AssociationRules {
    field: Option<String>,
    separator: String,
    bounds: Bounds,
    thresholds: Thresholds,
}

impl Operator for AssociationRules {
    const NAME: &'static str = env!("CARGO_PKG_NAME");
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const STATE_SCHEMA: &'static str = "association-rules:baskets,items,pairs";
    const ROW_SCHEMA: &'static str = "items by line";

    fn configure(settings: &Settings<'_>) -> Result<Self, String> {
        settings.expect_only(&[
            "field",
            "separator",
            "support_min",
            "confidence_min",
            "lift_min",
            "items_max",
            "pairs_max",
            "rules_max",
        ])?;
        let separator = settings.get("separator").unwrap_or(",");
        if separator.is_empty() {
            return Err("setting `separator` is empty; it stands between the items of a basket".into());
        }
        Ok(Self {
            field: settings.get("field").map(str::to_owned),
            separator: separator.to_owned(),
            bounds: Bounds {
                items: count(settings, "items_max", ITEMS_MAX)?,
                pairs: count(settings, "pairs_max", PAIRS_MAX)?,
            },
            thresholds: Thresholds {
                support_min: measure(settings, "support_min", 0.01, 1.0)?,
                confidence_min: measure(settings, "confidence_min", 0.5, 1.0)?,
                lift_min: measure(settings, "lift_min", 1.0, f64::MAX)?,
                rules_max: count(settings, "rules_max", RULES_MAX)?,
            },
        })
    }
}

impl Transform for AssociationRules {
    fn transform(&mut self, record: Record<'_>, out: &mut Output) -> Result<(), Error> {
        let items = basket::items(record.value_bytes()?, self.field.as_deref(), &self.separator)?;
        out.emit(record.key.unwrap_or_default(), items.join(basket::LINE));
        Ok(())
    }
}

impl Reduce for AssociationRules {
    type Accumulator = Counts;

    fn fold(&mut self, counts: &mut Option<Counts>, value: Value<'_>) -> Result<(), Error> {
        let items: Vec<&str> = value.as_str()?.split(basket::LINE).collect();
        counts.get_or_insert_default().add(&items, &self.bounds);
        Ok(())
    }
}

impl Finish for AssociationRules {
    fn finish(&mut self, _key: &[u8], counts: &Counts, out: &mut Bytes) -> Result<Finished, Failure> {
        rules::write(out, counts, &self.thresholds)?;
        Ok(Finished::Value)
    }
}

fn count(settings: &Settings<'_>, name: &str, (default, limit): (usize, usize)) -> Result<usize, String> {
    match settings.parse(name, default)? {
        count if (1..=limit).contains(&count) => Ok(count),
        count => Err(format!("setting `{name}` is {count}; it may be 1 to {limit}")),
    }
}

fn measure(settings: &Settings<'_>, name: &str, default: f64, to: f64) -> Result<f64, String> {
    match settings.parse(name, default)? {
        measure if (0.0..=to).contains(&measure) => Ok(measure),
        measure => Err(format!("setting `{name}` is {measure}; it may be 0 to {to}")),
    }
}

guest_sdk::export!(AssociationRules: transform, reduce, finish);
