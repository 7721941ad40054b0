//! Kills at any moment.

use crate::row::{Runs, row};
use crate::run::{HEALED, Run};
use std::time::{Duration, Instant};
use testkit::wait_until;

/// Kills of one application.
const KILLS: u64 = 8;
/// A kill comes at most so long after the first commit of a start.
const WITHIN_MS: u64 = 400;
/// A stop and nothing worse: shorter than the session.
const STALL_MS_MAX: u64 = 3000;

#[test]
fn f1_killed_at_any_moment() {
    let runs = Runs { pr: 1, nightly: 125, release: 375 };
    row("F1", "SIGKILL at a random moment after commits have gone on", runs, |case| {
        let mut run = Run::new(case)?;
        for _ in 0..KILLS {
            let before = run.committed()?;
            let mut host = run.command.start()?;
            run.feed_until("a commit", &mut [&mut host], |run| Ok(run.committed()? > before))?;
            let moment = Instant::now() + Duration::from_millis(case.random.below(WITHIN_MS));
            while Instant::now() < moment {
                run.feed()?;
            }
            host.kill()?;
        }
        run.finish()?;
        Ok(KILLS)
    });
}

#[test]
fn f5_a_short_stall_changes_nothing() {
    let runs = Runs { pr: 1, nightly: 50, release: 200 };
    row("F5", "SIGSTOP shorter than the session", runs, |case| {
        use xtask::process::Signal;
        let (mut run, mut host) = Run::started(case)?;
        for _ in 0..3 {
            host.signal(Signal::Stop)?;
            let end = Instant::now() + Duration::from_millis(200 + case.random.below(STALL_MS_MAX));
            // Time is the fault here.
            wait_until("the end of the stall", HEALED, || Ok(Instant::now() > end))?;
            host.signal(Signal::Continue)?;
            run.progress(&mut [&mut host])?;
        }
        host.drain(HEALED)?;
        run.finish()?;
        Ok(3)
    });
}
