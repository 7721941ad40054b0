//! The rows: what is done to both programs in the same way.

use super::run::Run;
use crate::program::Membership;
use anyhow::Result;
use fault_proxy::{Action, Api, Rule};
use std::time::Duration;
use xtask::process::Signal;

/// One row of the matrix.
#[derive(Clone, Copy)]
pub(super) struct Row {
    pub(super) name: &'static str,
    pub(super) fault: &'static str,
    pub(super) membership: Membership,
    pub(super) body: fn(&mut Run<'_>) -> Result<()>,
}

/// All rows.
pub(super) const ALL: [Row; 5] = [
    Row {
        name: "F1",
        fault: "SIGKILL at a random moment, and started again at once; static membership",
        membership: Membership::Static,
        body: killed,
    },
    Row {
        name: "F4",
        fault: "SIGSTOP past session and transaction of one of two, then SIGCONT; dynamic membership",
        membership: Membership::Dynamic,
        body: stopped,
    },
    Row {
        name: "F7",
        fault: "SIGKILL of the broker, which starts again; dynamic membership",
        membership: Membership::Dynamic,
        body: broker_killed,
    },
    Row {
        name: "F9",
        fault: "processes join, leave and are killed; dynamic membership",
        membership: Membership::Dynamic,
        body: moved,
    },
    Row {
        name: "F12",
        fault: "EndTxn: connection broken before and after it is applied, answer lost; static membership",
        membership: Membership::Static,
        body: answer_lost,
    },
];

const KILLS: u32 = 5;
const STOPS: u32 = 2;
const BROKER_KILLS: u32 = 2;
/// A kill comes at most so long after all partitions have gone on.
const WITHIN_MS: u64 = 400;
/// After the others have taken over: the stopped one wakes up among them.
const AWAKE: Duration = Duration::from_secs(3);

fn a_moment(run: &mut Run<'_>) -> Result<()> {
    let moment = Duration::from_millis(run.random.below(WITHIN_MS));
    run.go_on()?;
    run.feed_for(moment)
}

fn killed(run: &mut Run<'_>) -> Result<()> {
    run.start(0)?;
    for _ in 0..KILLS {
        a_moment(run)?;
        run.fault(|run| {
            run.processes.remove(0).kill()?;
            run.start(0)
        })?;
    }
    Ok(())
}

fn stopped(run: &mut Run<'_>) -> Result<()> {
    run.start(0)?;
    run.go_on()?;
    run.join(1)?;
    for _ in 0..STOPS {
        a_moment(run)?;
        // Both have a partition of each topic: those of the stopped one go on when its session has ended.
        run.fault(|run| run.processes[0].signal(Signal::Stop))?;
        run.processes[0].signal(Signal::Continue)?;
        run.feed_for(AWAKE)?;
        run.processes.rotate_left(1);
    }
    Ok(())
}

fn broker_killed(run: &mut Run<'_>) -> Result<()> {
    run.start(0)?;
    for _ in 0..BROKER_KILLS {
        a_moment(run)?;
        run.fault(|run| {
            let mut broker = run.bed.broker();
            broker.kill()?;
            broker.start_again()
        })?;
    }
    Ok(())
}

fn moved(run: &mut Run<'_>) -> Result<()> {
    run.start(0)?;
    a_moment(run)?;
    run.fault(|run| run.join(1))?;
    run.fault(|run| run.processes.remove(0).drain())?;
    run.fault(|run| run.join(0))?;
    run.fault(|run| run.processes.remove(0).kill())?;
    run.fault(|run| run.join(1))
}

fn answer_lost(run: &mut Run<'_>) -> Result<()> {
    run.start(0)?;
    run.go_on()?;
    for action in [Action::DisconnectAfter, Action::DisconnectBefore, Action::DropResponse] {
        a_moment(run)?;
        let bed = run.bed;
        let rule = Rule::new(action).on(Api::EndTxn).of(&run.subject.application).times(1);
        let fault = bed.proxy.add(rule);
        run.feed_until("the fault", |_| Ok(fault.fired() == 1))?;
        run.fault(|_| Ok(()))?;
    }
    Ok(())
}
