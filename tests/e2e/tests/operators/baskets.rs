//! `association-rules` against efficient-apriori, which computes all rules of all baskets at once.

use super::PACKAGES;
use crate::python;
use anyhow::{Context, Result, ensure};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use testkit::scenario::SOON;
use testkit::{NewRecord, Rng, Scenario, files};

const SEED: u64 = 20_260_101;
const BASKETS: usize = 10_000;
const PARTITIONS: u32 = 4;
/// What is often bought together, as in a grocery.
const BUNDLES: [&[&str]; 7] = [
    &["bread", "butter", "jam"],
    &["pasta", "tomatoes", "parmesan", "basil"],
    &["beer", "crisps"],
    &["flour", "eggs", "sugar", "butter"],
    &["coffee", "milk"],
    &["salad", "tomatoes", "oil"],
    &["nappies", "wipes", "beer"],
];
/// Other things, each as likely.
const OTHER_ITEMS: u64 = 60;
/// Between measures with six decimals.
const TOLERANCE: f64 = 1e-6;
const SUPPORT_MIN: &str = "0.00313";
const CONFIDENCE_MIN: &str = "0.1037";

/// A rule's two items, and its support, confidence and lift.
type Rules = BTreeMap<(String, String), [f64; 3]>;

pub(super) fn compare(s: &Scenario) -> Result<()> {
    let baskets = baskets();
    let file = s.file("baskets.txt")?;
    fs::write(&file, baskets.join("\n"))?;
    s.kafka.create_topic(&s.input(), PARTITIONS)?;
    let mut producer = s.kafka.producer()?;
    for (partition, basket) in (0..PARTITIONS).cycle().zip(&baskets) {
        let record = NewRecord { partition, value: Some(basket.as_bytes()), ..NewRecord::default() };
        producer.send(&s.input(), &record)?;
    }
    producer.flush()?;
    let thresholds = [("support_min", SUPPORT_MIN), ("confidence_min", CONFIDENCE_MIN)];
    let mut host = s.host(files::guest("association-rules")).arg("--until-end");
    for (name, value) in thresholds.into_iter().chain([("lift_min", "0"), ("rules_max", "2000")]) {
        host = host.args(["--set", &format!("{name}={value}")]);
    }
    host.complete(SOON)?;
    let last = s.read("output")?.pop().and_then(|record| record.value).context("no result")?;
    let result: serde_json::Value = serde_json::from_slice(&last)?;
    ensure!(result["baskets"].as_u64() == Some(BASKETS as u64), "{} baskets were counted", result["baskets"]);
    let arguments = [file.as_ref(), SUPPORT_MIN.as_ref(), CONFIDENCE_MIN.as_ref()];
    let (ours, theirs) = (rules(&result)?, rules(&python::run(&PACKAGES, "rules.py", &arguments)?)?);
    ensure!(theirs.len() > 100, "{} rules are too few to say anything", theirs.len());
    same_rules(&ours, &theirs)
}

fn baskets() -> Vec<String> {
    let mut random = Rng::new(SEED);
    let mut basket = || {
        let mut items = BTreeSet::new();
        for _ in 0..=random.below(2) {
            let bundle = BUNDLES[random.below(BUNDLES.len() as u64) as usize];
            items.extend(bundle.iter().filter(|_| random.below(10) < 7).map(|item| String::from(*item)));
        }
        for _ in 0..=random.below(4) {
            items.insert(format!("item {}", random.below(OTHER_ITEMS)));
        }
        items.into_iter().collect::<Vec<_>>().join(",")
    };
    (0..BASKETS).map(|_| basket()).collect()
}

fn rules(json: &serde_json::Value) -> Result<Rules> {
    let rule = |rule: &serde_json::Value| {
        let text = |name: &str| rule[name].as_str().map(str::to_owned);
        let measure = |name: &str| rule[name].as_f64();
        let measures = [measure("support")?, measure("confidence")?, measure("lift")?];
        Some(((text("if")?, text("then")?), measures))
    };
    let rules = json["rules"].as_array().context("there is no list of rules")?;
    rules.iter().map(|json| rule(json).with_context(|| format!("{json} is no rule"))).collect()
}

fn same_rules(ours: &Rules, theirs: &Rules) -> Result<()> {
    let names = ours.keys().chain(theirs.keys());
    let are_near = |(a, b): (&f64, &f64)| (a - b).abs() <= TOLERANCE;
    let wrong = names.into_iter().find(|name| match (ours.get(*name), theirs.get(*name)) {
        (Some(ours), Some(theirs)) => !ours.iter().zip(theirs).all(are_near),
        _ => true,
    });
    let counts = (ours.len(), theirs.len());
    match wrong {
        None => Ok(()),
        Some(name) => {
            anyhow::bail!("{name:?}: {:?} and not {:?} ({counts:?} rules)", ours.get(name), theirs.get(name))
        }
    }
}
