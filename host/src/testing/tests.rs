//! What `host test` finds: operators that break a law of the contract, on purpose.

use super::compare::{Judged, difference};
use super::further::Further;
use super::history::{self, Modules, Scenario};
use super::input::{Input, Placed, Places};
use super::{Format, Plan};
use host_core::emit::Emit;
use host_core::machine::Settings;
use host_core::operator::{Description, Fault, Groups, Operator, Reduced, Transformed};
use host_core::policy::{Limits, Policies, Policy};
use host_core::record::{BytesColumn, Origin, Rows};
use host_core::topology::{Repartition, Topology};
use host_model::Record;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

/// Which law is broken.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Sin {
    /// None: the values are put one behind the other.
    None,
    /// Cut: a mark for each call.
    CountsCalls,
    /// Cut, but only where a call ends behind a value \"7\".
    SeldomCountsCalls,
    /// Scratch: what must last is kept in the instance.
    Remembers,
}

struct Sinner {
    sin: Sin,
    description: Description,
    memory: BTreeMap<Vec<u8>, Vec<u8>>,
}

impl Operator for Sinner {
    fn description(&self) -> &Description {
        &self.description
    }

    fn transform(&mut self, _: Origin<'_>, _: &Rows) -> Result<Transformed, Fault> {
        unreachable!("it only reduces")
    }

    fn reduce(&mut self, groups: &Groups, _: bool) -> Result<Reduced, Fault> {
        let mut out = Reduced::default();
        let mut start = 0;
        for (g, &end) in groups.ends.iter().enumerate() {
            let key = groups.keys.get(g).unwrap_or_default().to_vec();
            let mut accumulator = match self.sin {
                Sin::Remembers => self.memory.get(&key).cloned().unwrap_or_default(),
                _ => groups.accumulators.get(g).unwrap_or_default().to_vec(),
            };
            let mut last = None;
            for i in start..end {
                last = groups.values.get(i as usize);
                accumulator.extend(last.unwrap_or_default());
            }
            if self.sin == Sin::CountsCalls || self.sin == Sin::SeldomCountsCalls && last == Some(b"7") {
                accumulator.push(b'|');
            }
            self.memory.insert(key, accumulator.clone());
            out.accumulators.push(Some(&accumulator));
            start = end;
        }
        Ok(out)
    }

    fn finish(&mut self, _: &BytesColumn, accumulators: &BytesColumn) -> Result<BytesColumn, Fault> {
        Ok(accumulators.clone())
    }

    fn merge(&mut self, _: &BytesColumn, _: &BytesColumn) -> Result<BytesColumn, Fault> {
        unreachable!("it does not merge")
    }
}

struct Sinners(Sin);

impl Modules for Sinners {
    fn operator(&self, swaps: usize) -> (Box<dyn Operator + Send>, String) {
        let description = description();
        let sinner = Sinner { sin: self.0, description, memory: BTreeMap::new() };
        (Box::new(sinner), format!("native:sinner+{swaps}"))
    }
}

fn description() -> Description {
    Description {
        name: "sinner".into(),
        reduces: true,
        state_schema: "text".into(),
        ..Description::default()
    }
}

/// 40 records of 3 keys, numbered.
fn input() -> Input {
    let records = (0..40).map(|i| Placed {
        line: i + 1,
        partition: 0,
        record: Record {
            key: Some(format!("k{}", i % 3).into_bytes()),
            value: Some((i % 10).to_string().into_bytes()),
            timestamp: i as i64,
            headers: Vec::new(),
        },
    });
    Input { topic: "in".into(), path: "input.txt".into(), records: records.collect() }
}

fn scenario() -> Scenario {
    let io = (vec!["in".to_owned()], "out".to_owned());
    Scenario {
        settings: Settings {
            topology: Topology::new("app", "sinner", io, &description(), Repartition::Auto),
            policies: Policies { rejected: Policy::DeadLetter, fault: Policy::DeadLetter },
            limits: Limits {
                commit_interval_ms: 100,
                call_records_max: 100,
                output_record_bytes_max: 1_000,
                retries_max: 2,
                isolation_budget_us: u64::MAX,
                fault_ratio_max: 0.5,
                fault_records_min: 10,
                probation_batches: 10,
                aborts_max: 100,
            },
            incarnation: 0,
            module: String::new(),
            hash_seed: 1,
            stamp: false,
            emit: Emit::Commit,
        },
        partitions: 1,
        batch_records_max: 100,
        batch_bytes_max: usize::MAX,
        workers: 1,
        seed: 1,
        cuts: false,
        crashes: BTreeSet::new(),
        swaps: BTreeSet::new(),
        records_max: usize::MAX,
    }
}

fn plan(repeats: u32, crashes: u32, swaps: u32) -> Plan {
    Plan {
        inputs: vec![PathBuf::from("input.txt")],
        format: Format::Auto,
        key_separator: None,
        partitions: 1,
        workers: 1,
        expected: None,
        expected_failed: None,
        update: false,
        repeats,
        crashes,
        swaps,
        swap_with: None,
        seed: 1,
    }
}

/// What further runs tell of this operator: none when all came to the same.
fn found(sin: Sin, plan: &Plan) -> Option<String> {
    let (inputs, scenario) = ([input()], scenario());
    let plain = history::run(&scenario, &inputs, &Sinners(sin)).expect("it comes to its end");
    let places = Places::of(&inputs);
    let further = Further {
        plan,
        inputs: &inputs,
        modules: &Sinners(sin),
        places: &places,
        scenario: &scenario,
        judged: Judged::LastResults,
        is_compared: true,
    };
    let check = further.run(&plain).expect("there are further runs");
    (!check.is_passed).then_some(check.text)
}

#[test]
fn an_operator_that_keeps_the_laws_passes() {
    assert_eq!(found(Sin::None, &plan(50, 3, 2)), None);
}

#[test]
fn a_state_that_depends_on_cuts_is_found_with_key_and_record() {
    let text = found(Sin::CountsCalls, &plan(20, 0, 0)).expect("it breaks the law of cuts");
    assert!(text.contains("the accumulator of key \"k"), "{text}");
    assert!(text.contains("its records: in-0-"), "{text}");
    assert!(text.contains("--repeat-with-cuts=1"), "{text}");
}

/// A call that ends behind a 7 and is not the last of its key: that cannot be before the fourth record after it.
#[test]
fn the_first_record_from_which_on_runs_differ_is_told() {
    let text = found(Sin::SeldomCountsCalls, &plan(50, 0, 0)).expect("it breaks the law of cuts");
    let line = text.split("from the record at input.txt:").nth(1).and_then(|rest| rest.split(' ').next());
    let line: usize = line.and_then(|line| line.parse().ok()).expect("a line is told");
    assert!(line >= 8, "{text}");
}

#[test]
fn what_is_kept_in_the_instance_is_lost_with_it() {
    let killed = found(Sin::Remembers, &plan(20, 4, 0)).expect("a kill loses what it remembers");
    assert!(killed.contains("accumulator"), "{killed}");
    assert!(found(Sin::Remembers, &plan(20, 0, 2)).is_some_and(|text| text.contains("accumulator")));
}

#[test]
fn a_run_follows_from_its_seed() {
    let inputs = [input()];
    let end = |scenario: &Scenario| {
        history::run(scenario, &inputs, &Sinners(Sin::None)).expect("it comes to its end")
    };
    let run = |seed| {
        let calm = Scenario { seed, cuts: true, ..scenario() };
        let effects = end(&calm).counts.effects;
        end(&Scenario { crashes: [effects / 3, effects / 2].into(), swaps: [2].into(), ..calm })
    };
    let (one, again, other) = (run(3), run(3), run(4));
    assert_eq!((one.counts, &one.rows), (again.counts, &again.rows));
    assert_ne!(one.rows.len(), 0);
    assert_ne!(one.counts, other.counts);
    assert_eq!(one.counts.swaps, 1);
    assert!(one.counts.crashes > 0);
    assert_eq!(difference(&one, &other, Judged::LastResults, &Places::of(&inputs)), None);
}
