//! One frame of `host top`: a snapshot as lines of text. Pure.

use crate::cli::modules::age;
use crate::feed::snapshot::{Fault, Module, Snapshot, Swap};
use crate::progress::{bytes, count, digits};
use crate::shown::{harmless, short};
use std::fmt::Write as _;

/// Partitions that are shown, those furthest behind first.
const PARTITIONS_MAX: usize = 8;
/// Versions of the module that are shown.
const VERSIONS_MAX: usize = 5;
/// Swaps and faults that are shown, the newest last.
const HAPPENED_MAX: usize = 8;
/// Results that are shown.
const OUTPUTS_MAX: usize = 5;
/// Columns of the bar, at most.
const BAR_COLUMNS_MAX: usize = 60;
/// Phases of a worker, the letter that stands for each in the bar, and its colour.
const PHASES: [(&str, char, u8); 7] = [
    ("poll", '.', 90),
    ("wasm", 'w', 32),
    ("state", 's', 36),
    ("produce", 'p', 34),
    ("commit", 'c', 35),
    ("restore", 'r', 33),
    ("other", 'o', 37),
];

const BOLD: u8 = 1;
const RED: u8 = 31;
const GREEN: u8 = 32;

/// What the terminal can do.
#[derive(Clone, Copy, Debug)]
pub(super) struct Look {
    /// A longer line is cut.
    pub(super) columns: usize,
    /// More lines are cut.
    pub(super) rows: usize,
    /// Colours may be used.
    pub(super) color: bool,
}

/// The frame, each line with its end.
pub(super) fn text(snapshot: &Snapshot, look: Look) -> String {
    let mut page = Page { text: String::new(), look, lines: 0 };
    head(&mut page, snapshot);
    partitions(&mut page, snapshot);
    modules(&mut page, snapshot);
    happened(&mut page, snapshot);
    outputs(&mut page, snapshot);
    page.text
}

struct Page {
    text: String,
    look: Look,
    lines: usize,
}

impl Page {
    /// Adds a line in pieces of text and colour (0: plain), cut at the edge. Words of modules and records must not
    /// steer the terminal.
    fn line(&mut self, pieces: &[(&str, u8)]) {
        self.lines += 1;
        if self.lines > self.look.rows {
            return;
        }
        let mut left = self.look.columns;
        for (piece, color) in pieces {
            let shown: String = piece.chars().map(harmless).take(left).collect();
            left -= shown.chars().count();
            if self.look.color && *color > 0 {
                write!(self.text, "\x1b[{color}m{shown}\x1b[0m").expect("a string takes everything");
            } else {
                self.text.push_str(&shown);
            }
        }
        let kept = self.text.trim_end_matches(' ').len();
        self.text.truncate(kept);
        self.text.push('\n');
    }

    fn plain(&mut self, text: &str) {
        self.line(&[(text, 0)]);
    }
}

fn head(page: &mut Page, now: &Snapshot) {
    let who = format!("{}  {}", now.application_id, now.operator);
    let workers = if now.workers == 1 { "worker" } else { "workers" };
    let what = format!(
        "  {} {workers}  up {}  wasmhost {}",
        now.workers,
        age(now.uptime_s as u64),
        now.product_version
    );
    let ready = if now.obstacles.is_empty() { ("  ready", GREEN) } else { ("  not ready", RED) };
    page.line(&[(&who, BOLD), (&what, 0), ready]);
    for obstacle in &now.obstacles {
        page.line(&[("  ", 0), (obstacle, RED)]);
    }
    let lag: u64 = now.lag.iter().map(|lag| lag.records).sum();
    page.plain(&format!(
        "in       {} records/s  {}/s    out  {} records/s    lag  {}",
        per_s(now.rates.records_consumed),
        bytes(now.rates.bytes_consumed as u64),
        per_s(now.rates.records_produced),
        count(lag),
    ));
    time(page, now);
    let commit = &now.commit;
    page.plain(&format!(
        "commits  {}/s  p50 {}  p99 {}    {} committed  {} aborted  {} producers replaced",
        now.rates.commits,
        took(commit.p50_us),
        took(commit.p99_us),
        digits(now.totals.commits),
        digits(now.totals.aborts),
        digits(now.totals.producer_replacements),
    ));
    let restore = match now.restore.rows_remaining {
        None => String::new(),
        Some(left) => format!(
            "    restoring {} tasks: {} rows read, at most {} left",
            now.restore.tasks,
            count(now.restore.rows),
            count(left)
        ),
    };
    page.plain(&format!(
        "state    {} keys  {} of {}{restore}",
        digits(now.state.keys),
        bytes(now.state.bytes),
        bytes(now.state.bytes_max),
    ));
    failures(page, now);
}

fn time(page: &mut Page, now: &Snapshot) {
    let share = |phase: &str| now.time.get(phase).copied().unwrap_or(0.0);
    let columns = page.look.columns.saturating_sub(9).min(BAR_COLUMNS_MAX);
    let mut bars: Vec<(String, u8)> = Vec::new();
    let (mut until, mut drawn) = (0.0, 0);
    for (phase, letter, color) in PHASES {
        until += share(phase);
        let end = (until * columns as f64).round() as usize;
        bars.push((letter.to_string().repeat(end.saturating_sub(drawn)), color));
        drawn = end.max(drawn);
    }
    let mut pieces: Vec<(&str, u8)> = vec![("time     ", 0)];
    pieces.extend(bars.iter().map(|(bar, color)| (bar.as_str(), *color)));
    page.line(&pieces);
    let words = PHASES.iter().filter(|(phase, ..)| share(phase) >= 0.005);
    let words: Vec<_> =
        words.map(|(phase, letter, _)| format!("{letter} {phase} {:.0}%", share(phase) * 100.0)).collect();
    page.plain(&format!("         {}", words.join("  ")));
}

fn failures(page: &mut Page, now: &Snapshot) {
    let totals = &now.totals;
    let all = [
        ("dead letters", &totals.dead_letter_records),
        ("dropped", &totals.dropped_records),
        ("faulted calls", &totals.module_faults),
    ];
    let of = |(what, causes): (&str, &std::collections::BTreeMap<String, u64>)| {
        let causes: Vec<_> =
            causes.iter().map(|(cause, count)| format!("{} {cause}", digits(*count))).collect();
        format!("{what}: {}", causes.join(", "))
    };
    let some: Vec<_> = all.into_iter().filter(|(_, causes)| !causes.is_empty()).map(of).collect();
    if !some.is_empty() {
        page.line(&[("failed   ", 0), (&some.join("    "), RED)]);
    }
}

fn partitions(page: &mut Page, now: &Snapshot) {
    page.plain("");
    page.line(&[("PARTITION                                LAG", BOLD)]);
    let mut all: Vec<_> = now.lag.iter().collect();
    all.sort_by_key(|lag| std::cmp::Reverse(lag.records));
    for lag in all.iter().take(PARTITIONS_MAX) {
        let name = format!("{}-{}", lag.topic, lag.partition);
        page.plain(&format!("{name:<40} {}", digits(lag.records)));
    }
    match all.len() {
        0 => page.plain("none is assigned"),
        found if found > PARTITIONS_MAX => page.plain(&format!("and {} more", found - PARTITIONS_MAX)),
        _ => {}
    }
}

fn modules(page: &mut Page, now: &Snapshot) {
    page.plain("");
    page.line(&[("MODULE  STATE     AGE   VERSION     CALLS       FAULTS  P50      P99      DIGEST", BOLD)]);
    for module in now.modules.iter().take(VERSIONS_MAX) {
        let Module { version, call_p50_us, call_p99_us } = module;
        let number = version.number.map_or("-".to_owned(), |number| number.to_string());
        let since = age((now.at_ms / 1000).saturating_sub(version.since_s));
        let some = |count: Option<u64>| count.map_or("-".to_owned(), digits);
        page.plain(&format!(
            "{number:<7} {:<9} {since:<5} {:<11} {:<11} {:<7} {:<8} {:<8} {}",
            version.state,
            version.version,
            some(version.calls),
            some(version.faults),
            took(*call_p50_us),
            took(*call_p99_us),
            short(&version.digest),
        ));
    }
}

/// Swaps and faults, the newest last.
fn happened(page: &mut Page, now: &Snapshot) {
    let ago = |at_ms: u64| format!("{:>4} ago", age(now.at_ms.saturating_sub(at_ms) / 1000));
    let swaps = now.swaps.iter().map(|swap| (swap.at_ms, swap.kind == "refused", swap_text(swap)));
    let faults = now.faults.iter().map(|fault| (fault.at_ms, true, fault_text(fault)));
    let mut all: Vec<_> = swaps.chain(faults).collect();
    if all.is_empty() {
        return;
    }
    all.sort_by_key(|(at_ms, ..)| *at_ms);
    page.plain("");
    page.line(&[("HAPPENED", BOLD)]);
    for (at_ms, is_bad, text) in &all[all.len().saturating_sub(HAPPENED_MAX)..] {
        page.line(&[(&ago(*at_ms), 0), ("  ", 0), (text, if *is_bad { RED } else { GREEN })]);
    }
}

fn swap_text(swap: &Swap) -> String {
    let mut text = swap.kind.clone();
    if let Some(number) = swap.number {
        let _ = write!(text, " to version {number}");
    }
    if let Some(pause_us) = swap.pause_us {
        let _ = write!(text, ", workers paused up to {}", took(Some(pause_us)));
    }
    if let Some(reason) = &swap.reason {
        let _ = write!(text, ": {}", reason.lines().next().unwrap_or_default());
    }
    text
}

fn fault_text(fault: &Fault) -> String {
    let [first, last] = fault.offsets;
    let at = if first == last { first.to_string() } else { format!("{first}..{last}") };
    format!("{} at {}-{at}: {}", fault.kind, fault.source, fault.reason)
}

fn outputs(page: &mut Page, now: &Snapshot) {
    if now.outputs.is_empty() {
        return;
    }
    page.plain("");
    page.line(&[("LAST RESULTS", BOLD)]);
    for output in &now.outputs[now.outputs.len().saturating_sub(OUTPUTS_MAX)..] {
        let [key, value] = [&output.key, &output.value].map(|text| text.as_deref().unwrap_or("null"));
        page.plain(&format!("{key}  {value}"));
    }
}

fn per_s(rate: f64) -> String {
    if rate > 0.0 && rate < 10.0 { format!("{rate:.1}") } else { count(rate.round() as u64) }
}

/// A duration in the unit that suits it.
fn took(us: Option<u64>) -> String {
    match us {
        None => "-".to_owned(),
        Some(us @ 0..1_000) => format!("{us} us"),
        Some(us @ 1_000..1_000_000) => format!("{:.1} ms", us as f64 / 1e3),
        Some(us) => format!("{:.1} s", us as f64 / 1e6),
    }
}

#[cfg(test)]
mod tests;
