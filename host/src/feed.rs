//! What an application does, second by second, for the page, `host top` and whoever else reads the admin API.
//! Pure: counts come in, a [`Snapshot`] comes out.

pub mod snapshot;
mod topology;
mod window;

use crate::admin::ModuleVersion;
use crate::metrics::recent::Recent;
use crate::metrics::{Counters, Counts, PHASES};
use crate::time::{now_ms, unix_ms};
use crate::worker::Restoring;
use host_core::effect::Cause;
use snapshot::{Commit, Commits, Fault, Lag, Module, Output, Rates, Restore, Snapshot, State, Swap, Totals};
use std::collections::BTreeMap;
use std::time::Duration;
use topology::Picture;
use window::Window;

/// What stays the same.
#[derive(Clone, Debug)]
pub struct About {
    /// The group's id.
    pub application_id: String,
    /// Worker threads.
    pub workers: u64,
    /// What the state may take.
    pub state_bytes_max: u64,
    /// What reads what.
    pub topology: host_core::topology::Topology,
}

/// The counts of one moment.
#[derive(Clone, Debug, Default)]
pub struct Sample {
    /// Since the start of the process.
    pub uptime: Duration,
    /// What keeps it from working.
    pub obstacles: Vec<String>,
    /// All that is counted.
    pub counters: Counters,
    /// Time of all workers by phase, in the order of [`PHASES`].
    pub times: [Duration; PHASES.len()],
    /// How long committed transactions took to end.
    pub commits: Counts,
    /// Records read and written, by topic.
    pub topics: BTreeMap<String, (u64, u64)>,
    /// Of all workers.
    pub restoring: Restoring,
    /// The versions of the module, the newest first, each with its calls.
    pub modules: Vec<(ModuleVersion, Counts)>,
}

/// Makes snapshots of samples, one behind the other.
#[derive(Debug)]
pub struct Feed {
    about: About,
    picture: Picture,
    before: Sample,
    commits: Window,
    calls: BTreeMap<u64, Window>,
}

impl Feed {
    /// Before the first sample.
    pub fn new(about: About) -> Self {
        let picture = Picture::of(&about.topology);
        let before = Sample::default();
        Self { about, picture, before, commits: Window::default(), calls: BTreeMap::new() }
    }

    /// The snapshot of this moment; rates are over the time since the sample before.
    pub fn next(&mut self, now: Sample, recent: &Recent) -> Snapshot {
        let span_s = now.uptime.saturating_sub(self.before.uptime).as_secs_f64();
        let per_s = |count: u64| if span_s > 0.0 { rounded(count as f64 / span_s, 10.0) } else { 0.0 };
        let rate =
            |of: fn(&Counters) -> u64| per_s(of(&now.counters).saturating_sub(of(&self.before.counters)));
        let rates = Rates {
            records_consumed: rate(|counters| counters.records_consumed),
            bytes_consumed: rate(|counters| counters.bytes_consumed),
            records_produced: rate(|counters| counters.results),
            commits: rate(|counters| counters.commits),
        };
        let committed = self.commits.last_minute(now.uptime, &now.commits);
        let numbers = |digest: &str| number_of(&now.modules, digest);
        let snapshot = Snapshot {
            at_ms: now_ms(),
            uptime_s: rounded(now.uptime.as_secs_f64(), 10.0),
            application_id: self.about.application_id.clone(),
            operator: self.about.topology.operator.clone(),
            product_version: env!("CARGO_PKG_VERSION").to_owned(),
            workers: self.about.workers,
            obstacles: now.obstacles.clone(),
            rates,
            totals: totals(&now.counters),
            lag: lag(&now.counters),
            time: shares(&self.before.times, &now.times),
            commit: Commits {
                p50_us: committed.quantile_us(0.5),
                p99_us: committed.quantile_us(0.99),
                last: recent.commits.items().iter().map(commit).collect(),
            },
            state: State {
                keys: now.counters.keys,
                bytes: now.counters.state_bytes,
                bytes_max: self.about.state_bytes_max,
            },
            restore: Restore {
                tasks: now.restoring.tasks,
                rows: now.restoring.rows,
                rows_remaining: (now.restoring.tasks > 0).then_some(now.restoring.remaining),
            },
            modules: modules(&mut self.calls, &now),
            swaps: recent.swaps.items().into_iter().map(swap).collect(),
            faults: recent.faults.items().into_iter().map(|found| fault(found, &numbers)).collect(),
            outputs: self.outputs(recent),
            topology: self.picture.with(&self.before.topics, &now.topics, per_s),
        };
        self.before = now;
        snapshot
    }

    fn outputs(&self, recent: &Recent) -> Vec<Output> {
        let output = |output: crate::metrics::recent::Output| Output {
            at_ms: unix_ms(output.at),
            topic: self.about.topology.output.clone(),
            key: output.key,
            value: output.value,
        };
        recent.outputs.items().into_iter().map(output).collect()
    }
}

/// The newest version with this digest.
fn number_of(modules: &[(ModuleVersion, Counts)], digest: &str) -> Option<u64> {
    modules.iter().find_map(|(version, _)| version.number.filter(|_| version.digest == digest))
}

fn rounded(number: f64, parts: f64) -> f64 {
    (number * parts).round() / parts
}

fn totals(counters: &Counters) -> Totals {
    let named = |counts: &[(Cause, u64)]| {
        counts.iter().map(|(cause, count)| (cause.as_str().to_owned(), *count)).collect()
    };
    Totals {
        records_consumed: counters.records_consumed,
        records_produced: counters.results,
        records_repartitioned: counters.rows_repartitioned,
        records_combined: counters.rows_combined,
        partials_repartitioned: counters.partials,
        commits: counters.commits,
        aborts: counters.aborts,
        producer_replacements: counters.producer_replacements,
        rebalances: counters.rebalances,
        records_restored: counters.rows_restored,
        dead_letter_records: named(&counters.dead_letters),
        dropped_records: named(&counters.skipped),
        module_faults: named(&counters.faults),
    }
}

fn lag(counters: &Counters) -> Vec<Lag> {
    let partition = |(source, records): (&host_core::record::TopicPartition, &u64)| Lag {
        topic: source.topic.clone(),
        partition: source.partition,
        records: *records,
    };
    counters.lag.iter().map(partition).collect()
}

fn shares(before: &[Duration; PHASES.len()], now: &[Duration; PHASES.len()]) -> BTreeMap<String, f64> {
    let took = |i: usize| now[i].saturating_sub(before[i]).as_secs_f64();
    let all: f64 = (0..PHASES.len()).map(took).sum();
    let share = |i| if all > 0.0 { rounded(took(i) / all, 10_000.0) } else { 0.0 };
    PHASES.iter().enumerate().map(|(i, phase)| (phase.as_str().to_owned(), share(i))).collect()
}

fn commit(commit: &crate::metrics::recent::Commit) -> Commit {
    Commit {
        at_ms: unix_ms(commit.at),
        took_us: commit.took.as_micros() as u64,
        result: commit.ended.as_str().to_owned(),
        records: commit.records,
    }
}

fn modules(calls: &mut BTreeMap<u64, Window>, now: &Sample) -> Vec<Module> {
    let is_known = |number: u64| now.modules.iter().any(|(version, _)| version.number == Some(number));
    calls.retain(|number, _| is_known(*number));
    let module = |(version, counts): &(ModuleVersion, Counts)| {
        let recent =
            version.number.map(|number| calls.entry(number).or_default().last_minute(now.uptime, counts));
        let quantile = |share| recent.as_ref().and_then(|recent| recent.quantile_us(share));
        Module { version: version.clone(), call_p50_us: quantile(0.5), call_p99_us: quantile(0.99) }
    };
    now.modules.iter().map(module).collect()
}

fn swap(swap: crate::metrics::recent::Swap) -> Swap {
    Swap {
        at_ms: unix_ms(swap.at),
        number: swap.number,
        digest: swap.digest,
        kind: swap.taken.as_str().to_owned(),
        took_ms: swap.took.map(|took| took.as_millis() as u64),
        pause_us: swap.pause.map(|pause| pause.as_micros() as u64),
        reason: swap.reason,
    }
}

fn fault(fault: crate::metrics::recent::Fault, number: &impl Fn(&str) -> Option<u64>) -> Fault {
    Fault {
        at_ms: unix_ms(fault.at),
        kind: fault.kind.to_owned(),
        source: fault.source,
        offsets: [fault.offsets.0, fault.offsets.1],
        reason: fault.reason,
        backtrace: fault.backtrace,
        number: number(&fault.digest),
    }
}

#[cfg(test)]
mod tests;
