//! Rules of counts, as JSON.

use crate::counts::Counts;
use crate::table::Counter;
use guest_sdk::Bytes;
use std::fmt::{self, Write};

/// Which rules a result has.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Thresholds {
    pub(crate) support_min: f64,
    pub(crate) confidence_min: f64,
    pub(crate) lift_min: f64,
    pub(crate) rules_max: usize,
}

/// Who takes `if_item` takes `then`, too.
struct Rule<'a> {
    if_item: &'a str,
    then: &'a str,
    support: f64,
    confidence: f64,
    lift: f64,
}

/// Writes the baskets, by how much counts may be too low, and the rules: those with the greatest lift first.
pub(crate) fn write(out: &mut Bytes, counts: &Counts, thresholds: &Thresholds) -> fmt::Result {
    let mut rules = rules(counts, thresholds);
    rules.sort_by(|a, b| b.lift.total_cmp(&a.lift).then(b.confidence.total_cmp(&a.confidence)));
    let (items, pairs) = (counts.items.floor, counts.pairs.floor);
    write!(
        out,
        "{{\"baskets\":{},\"missed\":{{\"items\":{items},\"pairs\":{pairs}}},\"rules\":[",
        counts.baskets
    )?;
    for (i, rule) in rules.iter().take(thresholds.rules_max).enumerate() {
        let comma = if i == 0 { "" } else { "," };
        let [if_item, then] = [rule.if_item, rule.then].map(json::Value::from);
        write!(out, "{comma}{{\"if\":{if_item},\"then\":{then},\"support\":{:.6}", rule.support)?;
        write!(out, ",\"confidence\":{:.6},\"lift\":{:.6}}}", rule.confidence, rule.lift)?;
    }
    out.write_str("]}")
}

/// All rules above the thresholds, by name.
fn rules<'a>(counts: &'a Counts, thresholds: &Thresholds) -> Vec<Rule<'a>> {
    let baskets = counts.baskets as f64;
    let times = |counter: Option<&Counter>| counter.map_or(0, |counter| counter.count) as f64;
    let mut rules = Vec::new();
    for ((a, b), both) in &counts.pairs.counters {
        let both = both.count as f64;
        if both / baskets < thresholds.support_min {
            continue;
        }
        for (if_item, then) in [(a, b), (b, a)] {
            let items = [if_item, then].map(|item| times(counts.items.counters.get(item)));
            let rule = Rule {
                if_item,
                then,
                support: both / baskets,
                confidence: both / items[0],
                lift: both * baskets / (items[0] * items[1]),
            };
            if rule.confidence >= thresholds.confidence_min && rule.lift >= thresholds.lift_min {
                rules.push(rule);
            }
        }
    }
    rules
}
