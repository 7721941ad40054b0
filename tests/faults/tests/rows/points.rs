//! Crash points, named by what the host was just saying to Kafka. They are found from outside: the proxy keeps a
//! request, or its answer, and the host is killed while it waits. So there is no code for them in the host.

use crate::row::{Runs, row};
use crate::run::{HEALED, Run};
use anyhow::{Context, Result};
use fault_proxy::{Action, Api, Rule};

/// When the host dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Moment {
    /// The request is sent and never arrives.
    Before,
    /// It arrives after the host's death.
    Late,
    /// It is performed, and the answer never arrives.
    After,
}

const MOMENTS: [Moment; 3] = [Moment::Before, Moment::Late, Moment::After];

/// A kind of request; where there are several of a kind, the topic that is named in it.
type Point = (&'static str, Api, &'static str);

const AT_START: [Point; 9] = [
    ("the coordinator is looked for", Api::FindCoordinator, ""),
    ("the transaction before is settled", Api::InitProducerId, ""),
    ("the group is joined", Api::JoinGroup, ""),
    ("the assignment is asked for", Api::SyncGroup, ""),
    ("the committed offsets are asked for", Api::OffsetFetch, ""),
    ("the ends of logs are asked for", Api::ListOffsets, ""),
    ("the changelog is read", Api::Fetch, "sum-changelog"),
    ("the first heartbeat is sent", Api::Heartbeat, ""),
    ("the first records are read", Api::Fetch, "input"),
];

const IN_A_TRANSACTION: [Point; 7] = [
    ("partitions are added to the transaction", Api::AddPartitionsToTxn, ""),
    ("rows are shuffled", Api::Produce, "sum-repartition"),
    ("the changelog is written", Api::Produce, "sum-changelog"),
    ("results are written", Api::Produce, "output"),
    ("the group is added to the transaction", Api::AddOffsetsToTxn, ""),
    ("offsets are added to the transaction", Api::TxnOffsetCommit, ""),
    ("the transaction ends", Api::EndTxn, ""),
];

/// Starts the host again and again, and kills it at each point.
fn kill_at(name: &str, points: &[Point], skipped_max: u64) {
    let runs = Runs { pr: 1, nightly: 10, release: 100 };
    let fault = format!("SIGKILL at {} points: request lost, late, or its answer lost", points.len() * MOMENTS.len());
    row(name, &fault, runs, |case| {
        let mut run = Run::new(case)?;
        let mut host = run.command.start()?;
        run.progress(&mut [&mut host])?;
        host.kill()?;
        for (what, api, topic) in points {
            for moment in MOMENTS {
                let action = if moment == Moment::After { Action::DropResponse } else { Action::Hold };
                let skipped = case.random.below(skipped_max + 1);
                let rule = Rule::new(action).on(*api).of(&run.place.id).containing(topic);
                kill(case, &mut run, rule.after(skipped).times(1), moment)
                    .with_context(|| format!("while {what}, {moment:?}, after {skipped} others"))?;
            }
        }
        run.finish()?;
        Ok((points.len() * MOMENTS.len()) as u64)
    });
}

fn kill(case: &crate::row::Case<'_>, run: &mut Run<'_>, rule: Rule, moment: Moment) -> Result<()> {
    let fault = case.bed.proxy.add(rule);
    let mut host = run.command.start()?;
    run.feed_until("the crash point", &mut [&mut host], |_| Ok(fault.fired() == 1))?;
    if moment == Moment::After {
        fault.answer(HEALED)?;
    }
    host.kill()?;
    if moment == Moment::Late {
        fault.release();
        fault.answer(HEALED)?;
    }
    Ok(())
}

#[test]
fn f2_killed_at_every_point_of_a_start() {
    kill_at("F2-start", &AT_START, 0);
}

#[test]
fn f2_killed_at_every_point_of_a_transaction() {
    kill_at("F2-transaction", &IN_A_TRANSACTION, 3);
}
