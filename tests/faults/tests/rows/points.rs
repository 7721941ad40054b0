//! Crash points, named by what the host was just saying to Kafka. They are found from outside: the proxy keeps a
//! request, or its answer, and the host is killed while it waits. So there is no code for them in the host.

use crate::row::{Case, Runs, row};
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

/// A kind of request of one of the host's clients.
struct Point {
    what: &'static str,
    api: Api,
    /// The restorer's, and not the worker's consumer or producer.
    restores: bool,
    /// A topic that it names, behind the application's id.
    topic: &'static str,
}

const fn point(what: &'static str, api: Api) -> Point {
    Point { what, api, restores: false, topic: "" }
}

const fn writing(what: &'static str, topic: &'static str) -> Point {
    Point { what, api: Api::Produce, restores: false, topic }
}

const AT_START: [Point; 9] = [
    point("the coordinator is looked for", Api::FindCoordinator),
    point("the transaction before is settled", Api::InitProducerId),
    point("the group is joined", Api::JoinGroup),
    point("the assignment is asked for", Api::SyncGroup),
    point("the committed offsets are asked for", Api::OffsetFetch),
    point("the ends of logs are asked for", Api::ListOffsets),
    Point { what: "the changelog is read", api: Api::Fetch, restores: true, topic: "" },
    point("the first records are read", Api::Fetch),
    point("the first heartbeat is sent", Api::Heartbeat),
];

const IN_A_TRANSACTION: [Point; 7] = [
    point("partitions are added to the transaction", Api::AddPartitionsToTxn),
    writing("rows are shuffled", "-sum-repartition"),
    writing("the changelog is written", "-sum-changelog"),
    writing("results are written", "-output"),
    point("the group is added to the transaction", Api::AddOffsetsToTxn),
    point("offsets are added to the transaction", Api::TxnOffsetCommit),
    point("the transaction ends", Api::EndTxn),
];

/// Starts the host again and again, and kills it at each point.
fn kill_at(name: &str, points: &[Point], skipped_max: u64) {
    let runs = Runs { pr: 1, nightly: 10, release: 100 };
    let count = points.len() * MOMENTS.len();
    row(name, &format!("SIGKILL at {count} points: request lost, late, or its answer lost"), runs, |case| {
        let mut run = Run::new(case)?;
        // Then there is a changelog to be read.
        run.command = run.command.clone().setting("snapshot_interval_ms", "0");
        let mut host = run.command.start()?;
        // The second time behind the shuffle, too.
        run.progress(&mut [&mut host])?;
        run.progress(&mut [&mut host])?;
        host.kill()?;
        for point in points {
            for moment in MOMENTS {
                kill(case, &mut run, point, moment, skipped_max)?;
            }
        }
        run.finish()?;
        Ok(count as u64)
    });
}

fn kill(
    case: &mut Case<'_>,
    run: &mut Run<'_>,
    point: &Point,
    moment: Moment,
    skipped_max: u64,
) -> Result<()> {
    let id = &run.place.id;
    let action = if moment == Moment::After { Action::DropResponse } else { Action::Hold };
    let topic = if point.topic.is_empty() { String::new() } else { format!("{id}{}", point.topic) };
    let skipped = case.random.below(skipped_max + 1);
    let client = if point.restores { format!("{id}-restore-") } else { run.clients() };
    let rule = Rule::new(action).on(point.api).of(&client).containing(&topic);
    let fault = case.bed.proxy.add(rule.after(skipped).times(1));
    let mut killed = || -> Result<()> {
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
    };
    killed().with_context(|| format!("while {}, {moment:?}, after {skipped} others", point.what))
}

#[test]
fn f2_killed_at_every_point_of_a_start() {
    kill_at("F2-start", &AT_START, 0);
}

#[test]
fn f2_killed_at_every_point_of_a_transaction() {
    kill_at("F2-transaction", &IN_A_TRANSACTION, 3);
}

#[test]
fn f3_killed_again_while_it_recovers() {
    let runs = Runs { pr: 1, nightly: 20, release: 100 };
    row("F3", "SIGKILL in a transaction, and twice while the next start settles it", runs, |case| {
        let mut run = Run::new(case)?;
        let chosen = |random: u64, points: &'static [Point]| &points[random as usize % points.len()];
        for _ in 0..2 {
            let (a, b, c) = (case.random.bits(), case.random.bits(), case.random.bits());
            kill(case, &mut run, chosen(a, &IN_A_TRANSACTION), Moment::After, 3)?;
            // The first five come at every start, whatever is to be restored.
            kill(case, &mut run, chosen(b, &AT_START[..5]), Moment::Late, 0)?;
            kill(case, &mut run, chosen(c, &AT_START[..5]), Moment::After, 0)?;
        }
        run.finish()?;
        Ok(6)
    });
}
