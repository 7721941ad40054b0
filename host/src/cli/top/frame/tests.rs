//! A frame of a made-up snapshot, as it is seen.

use super::*;
use crate::admin::ModuleVersion;
use crate::feed::snapshot::{Lag, Output, Rates, Restore, State};

const LOOK: Look = Look { columns: 100, rows: usize::MAX, color: false };

fn module(number: Option<u64>, state: &str, calls: Option<u64>) -> Module {
    let version = ModuleVersion {
        number,
        digest: "0123456789abcdef0123".to_owned(),
        version: "sum 0.1.0".to_owned(),
        since_s: 1_764_099_940,
        state: state.to_owned(),
        reason: None,
        calls,
        faults: calls.map(|_| 1),
        cpu_us: None,
        memory_bytes_max: None,
    };
    Module { version, call_p50_us: calls.map(|_| 40), call_p99_us: calls.map(|_| 2_100) }
}

fn snapshot() -> Snapshot {
    let mut now = Snapshot {
        at_ms: 1_764_100_000_000,
        uptime_s: 723.4,
        application_id: "dev".into(),
        operator: "sum".into(),
        product_version: "0.1.0".into(),
        workers: 2,
        rates: Rates {
            records_consumed: 81_200.0,
            bytes_consumed: 12_000.0,
            records_produced: 3.5,
            commits: 9.8,
        },
        state: State { keys: 1_000, bytes: 31_000, bytes_max: 12 << 30 },
        modules: vec![module(None, "refused", None), module(Some(1), "current", Some(1_234_567))],
        ..Snapshot::default()
    };
    let shares = [("poll", 0.6), ("wasm", 0.1), ("state", 0.02), ("commit", 0.25), ("other", 0.03)];
    now.time = shares.map(|(phase, share)| (phase.to_owned(), share)).into();
    (now.totals.commits, now.commit.p50_us, now.commit.p99_us) = (7_000, Some(3_000), Some(1_200_000));
    let lag = |partition, records| Lag { topic: "sum-input".into(), partition, records };
    now.lag = (0..10).map(|partition| lag(partition, u64::from(partition) * 1_000)).collect();
    now.totals.module_faults.insert("trap".into(), 1);
    now.faults = vec![Fault {
        at_ms: now.at_ms - 5_000,
        kind: "trap".into(),
        source: "sum-input-0".into(),
        offsets: [12, 12],
        reason: "wasm trap: \x1b[2Junreachable".into(),
        ..Fault::default()
    }];
    now.swaps = vec![Swap {
        at_ms: now.at_ms - 60_000,
        number: Some(1),
        kind: "swap".into(),
        pause_us: Some(900),
        ..Swap::default()
    }];
    now.outputs = vec![Output { key: Some("k17".into()), value: Some("912".into()), ..Output::default() }];
    now
}

#[test]
fn a_frame_shows_what_happens() {
    let expected = "\
dev  sum  2 workers  up 12m  wasmhost 0.1.0  ready
in       81.2k records/s  11.7 KiB/s    out  3.5 records/s    lag  45.0k
time     ....................................wwwwwwscccccccccccccccoo
         . poll 60%  w wasm 10%  s state 2%  c commit 25%  o other 3%
commits  9.8/s  p50 3.0 ms  p99 1.2 s    7,000 committed  0 aborted  0 producers replaced
state    1,000 keys  30.3 KiB of 12.0 GiB
failed   faulted calls: 1 trap

PARTITION                                LAG
sum-input-9                              9,000
sum-input-8                              8,000
sum-input-7                              7,000
sum-input-6                              6,000
sum-input-5                              5,000
sum-input-4                              4,000
sum-input-3                              3,000
sum-input-2                              2,000
and 2 more

MODULE  STATE     AGE   VERSION     CALLS       FAULTS  P50      P99      DIGEST
-       refused   60s   sum 0.1.0   -           -       -        -        0123456789ab
1       current   60s   sum 0.1.0   1,234,567   1       40 us    2.1 ms   0123456789ab

HAPPENED
 60s ago  swap to version 1, workers paused up to 900 us
  5s ago  trap at sum-input-0-12: wasm trap: ?[2Junreachable

LAST RESULTS
k17  912
";
    assert_eq!(text(&snapshot(), LOOK), expected);
}

#[test]
fn what_keeps_it_from_working_is_said() {
    let mut now = snapshot();
    now.obstacles = vec!["worker 0 joins the group or restores its state".into()];
    now.restore = Restore { tasks: 2, rows: 50_000, rows_remaining: Some(1_000_000) };
    now.lag.clear();
    let frame = text(&now, LOOK);
    for line in [
        "dev  sum  2 workers  up 12m  wasmhost 0.1.0  not ready",
        "  worker 0 joins the group or restores its state",
        "state    1,000 keys  30.3 KiB of 12.0 GiB    restoring 2 tasks: 50.0k rows read, at most 1.00M left",
        "none is assigned",
    ] {
        assert!(frame.lines().any(|found| found == line), "no line {line}\n{frame}");
    }
}

#[test]
fn a_small_terminal_gets_what_fits() {
    let frame = text(&snapshot(), Look { columns: 20, rows: 5, color: false });
    assert_eq!(frame.lines().count(), 5);
    assert!(frame.lines().all(|line| line.chars().count() <= 20), "{frame}");
}

#[test]
fn colours_are_used_where_they_may_be() {
    assert!(!text(&snapshot(), LOOK).contains('\x1b'), "no words of a module steer the terminal");
    let colored = text(&snapshot(), Look { color: true, ..LOOK });
    assert!(colored.contains("\x1b[1mdev  sum\x1b[0m"), "{colored}");
}
