//! What a person sees while the application runs: one line, rewritten in place, and the summary at the end.
//!
//! The texts are pure functions of [`Counters`]. The line goes to standard error only, and only to a
//! terminal; elsewhere a log event says the same.

use crate::metrics::{Counters, total};
use host_core::effect::Cause;
use std::fmt::Write as _;
use std::io::{self, Write};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Time between two log events where there is no terminal.
const LOG_INTERVAL: Duration = Duration::from_secs(10);

/// The line on the terminal now. Log lines go above it, so whoever writes to standard error holds it.
static LINE: Mutex<String> = Mutex::new(String::new());

/// Takes snapshots and shows them.
#[derive(Debug)]
pub struct Progress {
    terminal: bool,
    before: Counters,
    before_at: Duration,
    logged_at: Duration,
}

impl Progress {
    /// `terminal`: standard error is one.
    pub fn new(terminal: bool) -> Self {
        Self { terminal, before: Counters::default(), before_at: Duration::ZERO, logged_at: Duration::ZERO }
    }

    /// Shows where things stand. `at` is the time since the start; call it about once a second.
    pub fn show(&mut self, now: &Counters, at: Duration) {
        let records_per_s = rate(
            now.records_consumed.saturating_sub(self.before.records_consumed),
            at.saturating_sub(self.before_at),
        );
        if self.terminal {
            set_line(line(now, records_per_s, at));
        } else if at >= self.logged_at + LOG_INTERVAL {
            self.logged_at = at;
            tracing::info!(
                records = now.records_consumed,
                records_per_s,
                lag = now.lag_total(),
                results = now.results,
                keys = now.keys,
                commits = now.commits,
                aborts = now.aborts,
                dead_letters = total(&now.dead_letters),
                skipped = total(&now.skipped),
                "progress"
            );
        }
        self.before = now.clone();
        self.before_at = at;
    }

    /// Takes the line off the terminal.
    pub fn clear(&self) {
        if self.terminal {
            set_line(String::new());
        }
    }
}

/// The progress line, without line end.
pub fn line(now: &Counters, records_per_s: u64, at: Duration) -> String {
    let mut line = format!(
        "{}  {} records/s  {} records  lag {}  {} keys  {} commits",
        clock(at),
        count(records_per_s),
        count(now.records_consumed),
        count(now.lag_total()),
        count(now.keys),
        count(now.commits),
    );
    let failures = [
        ("dead letters", total(&now.dead_letters)),
        ("skipped", total(&now.skipped)),
        ("aborted", now.aborts),
    ];
    for (what, number) in failures.into_iter().filter(|(_, number)| *number > 0) {
        let _ = write!(line, "  {} {what}", count(number));
    }
    line
}

/// The summary as a log event, where there is no terminal.
pub fn log_summary(now: &Counters, elapsed: Duration) {
    tracing::info!(
        records = now.records_consumed,
        records_per_s = rate(now.records_consumed, elapsed),
        results = now.results,
        keys = now.keys,
        state_bytes = now.state_bytes,
        commits = now.commits,
        aborts = now.aborts,
        dead_letters = total(&now.dead_letters),
        skipped = total(&now.skipped),
        faults = total(&now.faults),
        rows_repartitioned = now.rows_repartitioned,
        rows_combined = now.rows_combined,
        partials = now.partials,
        rows_restored = now.rows_restored,
        producer_replacements = now.producer_replacements,
        elapsed_ms = elapsed.as_millis() as u64,
        "summary"
    );
}

/// The summary at the end, several lines. `elapsed`: since the start.
pub fn summary(now: &Counters, elapsed: Duration) -> String {
    let per_s = count(rate(now.records_consumed, elapsed));
    let mut rows = vec![
        ("records in", format!("{} ({})", digits(now.records_consumed), bytes(now.bytes_consumed))),
        ("results out", digits(now.results)),
        ("keys", format!("{} ({} of state)", digits(now.keys), bytes(now.state_bytes))),
        ("commits", digits(now.commits)),
    ];
    let causes =
        [("dead letters", &now.dead_letters), ("skipped", &now.skipped), ("faulted calls", &now.faults)];
    for (what, by_cause) in causes.into_iter().filter(|(_, by_cause)| !by_cause.is_empty()) {
        rows.push((what, by_cause_text(by_cause)));
    }
    if now.rows_combined > 0 {
        rows.push(("rows combined", format!("{} into {}", digits(now.rows_combined), digits(now.partials))));
    }
    let rare = [
        ("rows repartitioned", now.rows_repartitioned),
        ("rows restored", now.rows_restored),
        ("aborts", now.aborts),
        ("producers replaced", now.producer_replacements),
    ];
    for (what, number) in rare.into_iter().filter(|(_, number)| *number > 0) {
        rows.push((what, digits(number)));
    }
    rows.push(("elapsed", format!("{} ({per_s} records/s)", duration(elapsed))));
    let mut text = String::new();
    for (what, value) in rows {
        let _ = writeln!(text, "{what:<20}{value}");
    }
    text
}

fn by_cause_text(by_cause: &[(Cause, u64)]) -> String {
    let causes: Vec<_> =
        by_cause.iter().map(|(cause, number)| format!("{} {}", digits(*number), cause.as_str())).collect();
    format!("{} ({})", digits(total(by_cause)), causes.join(", "))
}

/// Records a second.
fn rate(records: u64, time: Duration) -> u64 {
    let per_s = (u128::from(records) * 1_000_000_000).checked_div(time.as_nanos()).unwrap_or(0);
    u64::try_from(per_s).unwrap_or(u64::MAX)
}

/// A number with at most four digits before its unit: `987`, `12.3k`, `4.56M`.
pub fn count(number: u64) -> String {
    const UNITS: [(u64, &str); 3] = [(1_000_000_000, "G"), (1_000_000, "M"), (1000, "k")];
    // Below ten thousand the number itself is as short and more exact.
    let unit = UNITS.into_iter().find(|(factor, _)| number >= *factor && number >= 10_000);
    let Some((factor, name)) = unit else { return number.to_string() };
    let scaled = number as f64 / factor as f64;
    let decimals = if scaled < 10.0 { 2 } else { usize::from(scaled < 100.0) };
    format!("{scaled:.decimals$}{name}")
}

/// All digits, in groups: `1,234,567`.
pub(crate) fn digits(number: u64) -> String {
    let plain = number.to_string();
    let mut text = String::new();
    for (i, digit) in plain.chars().enumerate() {
        if i > 0 && (plain.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// With one decimal and its unit.
pub(crate) fn bytes(number: u64) -> String {
    const UNITS: [(u64, &str); 3] = [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
    match UNITS.into_iter().find(|(factor, _)| number >= *factor) {
        Some((factor, name)) => format!("{:.1} {name}", number as f64 / factor as f64),
        None => format!("{number} B"),
    }
}

fn clock(time: Duration) -> String {
    let s = time.as_secs();
    format!("{:02}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60)
}

fn duration(time: Duration) -> String {
    if time < Duration::from_mins(1) { format!("{:.1} s", time.as_secs_f64()) } else { clock(time) }
}

fn set_line(text: String) {
    let mut line = LINE.lock().unwrap_or_else(PoisonError::into_inner);
    *line = text;
    let mut err = io::stderr().lock();
    // A terminal that is gone must not stop the work.
    let _ = write!(err, "\r\x1b[K{line}").and_then(|()| err.flush());
}

/// Standard error with the progress line kept below whatever is written.
#[derive(Clone, Copy, Debug, Default)]
pub struct AboveLine;

impl Write for AboveLine {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        let line = LINE.lock().unwrap_or_else(PoisonError::into_inner);
        let mut err = io::stderr().lock();
        if line.is_empty() {
            err.write_all(text)?;
        } else {
            err.write_all(b"\r\x1b[K")?;
            err.write_all(text)?;
            err.write_all(line.as_bytes())?;
        }
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use host_core::operator::FaultKind;
    use host_core::record::TopicPartition;

    fn counters() -> Counters {
        Counters {
            records_consumed: 1_234_567,
            bytes_consumed: 12_345_678,
            results: 40_000,
            commits: 120,
            keys: 10_000,
            state_bytes: 310_000,
            lag: [(TopicPartition::new("t", 0), 5), (TopicPartition::new("t", 1), 2)].into(),
            ..Counters::default()
        }
    }

    #[test]
    fn the_line_is_short_when_all_is_well() {
        let line = line(&counters(), 512_345, Duration::from_secs(3723));
        assert_eq!(line, "01:02:03  512k records/s  1.23M records  lag 7  10.0k keys  120 commits");
    }

    #[test]
    fn the_line_names_failures() {
        let mut now = counters();
        now.dead_letters = vec![(Cause::Rejected, 3), (Cause::NullKey, 1)];
        now.aborts = 2;
        let line = line(&now, 0, Duration::ZERO);
        assert!(line.ends_with("120 commits  4 dead letters  2 aborted"), "{line}");
    }

    #[test]
    fn the_summary_counts_everything_by_cause() {
        let mut now = counters();
        now.dead_letters = vec![(Cause::Rejected, 1200), (Cause::Fault(FaultKind::Trap), 1)];
        now.skipped = vec![(Cause::NullKey, 2)];
        now.faults = vec![(Cause::Fault(FaultKind::Trap), 3)];
        now.rows_repartitioned = 1_233_364;
        (now.rows_combined, now.partials) = (1_200_000, 40_000);
        let expected = "\
records in          1,234,567 (11.8 MiB)
results out         40,000
keys                10,000 (302.7 KiB of state)
commits             120
dead letters        1,201 (1,200 rejected, 1 trap)
skipped             2 (2 null-key)
faulted calls       3 (3 trap)
rows combined       1,200,000 into 40,000
rows repartitioned  1,233,364
elapsed             2.5 s (494k records/s)
";
        assert_eq!(summary(&now, Duration::from_millis(2500)), expected);
    }

    #[test]
    fn numbers_stay_readable() {
        for (number, text) in [
            (0, "0"),
            (9_999, "9999"),
            (10_000, "10.0k"),
            (123_456, "123k"),
            (1_000_000, "1.00M"),
            (2_500_000_000, "2.50G"),
        ] {
            assert_eq!(count(number), text);
        }
        assert_eq!([digits(7), digits(1000), digits(123_456)], ["7", "1,000", "123,456"]);
    }
}
