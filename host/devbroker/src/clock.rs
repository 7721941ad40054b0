//! What happens because time passes: sessions and transactions end, logs are kept small.

use crate::state::{Shared, State};
use crate::{cleaner, retention};
use std::thread;
use std::time::{Duration, Instant};

/// Between two looks at sessions and transactions.
const LOOK_INTERVAL: Duration = Duration::from_millis(50);
/// Between two looks at logs.
const LOGS_INTERVAL: Duration = Duration::from_secs(1);

/// Looks again and again until the broker stops.
pub(crate) fn run(shared: &Shared) {
    let mut logs_at = Instant::now();
    while !shared.is_stopping() {
        thread::sleep(LOOK_INTERVAL);
        let now = Instant::now();
        let mut state = shared.lock();
        let mut changed = end_sessions(&mut state, now);
        changed |= end_transactions(&mut state, now);
        if now - logs_at >= LOGS_INTERVAL {
            logs_at = now;
            cleaner::clean(&mut state);
            retention::retain(&mut state, &shared.settings.limits, 0);
        }
        drop(state);
        if changed {
            shared.changed();
        }
    }
}

fn end_sessions(state: &mut State, now: Instant) -> bool {
    let mut changed = false;
    for (name, members) in &mut state.members {
        changed |= members.settle(state.kafka.group_named(name), now);
    }
    changed
}

/// Aborts transactions that have lasted longer than their producers asked for, and fences these.
fn end_transactions(state: &mut State, now: Instant) -> bool {
    let mut ended = false;
    for (id, deadline) in &mut state.deadlines {
        if deadline.began.is_some_and(|began| now - began > deadline.timeout) {
            tracing::warn!(transactional_id = id, timeout = ?deadline.timeout, "a transaction timed out; it is aborted");
            state.kafka.time_out(id);
            deadline.began = None;
            ended = true;
        }
    }
    if ended {
        state.land_markers();
    }
    ended
}
