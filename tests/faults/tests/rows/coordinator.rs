//! Error codes of coordinators and leaders, with and without the request having been performed.

use crate::row::{Case, Runs, row};
use crate::run::{HEALED, Run};
use anyhow::{Context, Result};
use fault_proxy::{Action, Api, Rule};

const TRANSACTION: [Api; 4] =
    [Api::EndTxn, Api::AddPartitionsToTxn, Api::AddOffsetsToTxn, Api::TxnOffsetCommit];

/// Still loading, not available, not here, still busy with the transaction before.
const PASSING: [i16; 4] = [14, 15, 16, 51];
/// Timed out, not the leader, too few replicas, too few after it was written.
const OF_LEADERS: [i16; 4] = [7, 6, 19, 20];
/// Fenced by epoch, wrong state, unknown id, fenced by the coordinator.
const BREAKING: [i16; 4] = [47, 48, 49, 90];
/// Out of order, unknown producer.
const BREAKING_WRITES: [i16; 2] = [45, 59];
/// Illegal generation, unknown member, rebalance in progress.
const STALE: [i16; 3] = [22, 25, 27];

type Hit = (Api, Action, u64);

fn every(apis: &[Api], codes: &[i16], action: impl Fn(i16) -> Action, times: u64) -> Vec<Hit> {
    let each = apis.iter().flat_map(|api| codes.iter().map(move |code| (*api, *code)));
    each.map(|(api, code)| (api, action(code), times)).collect()
}

/// One after the other while one host runs; it goes on after each.
fn hit_all(case: &mut Case<'_>, hits: &[Hit]) -> Result<u64> {
    let (mut run, mut host) = Run::started(case)?;
    let mut fired = 0;
    for (api, action, times) in hits {
        let rule = Rule::new(*action).on(*api).of(&run.place.id).after(case.random.below(3));
        let fault = case.bed.proxy.add(rule.times(*times));
        let what = || format!("{api:?} {action:?} {times} times");
        run.feed_until("the fault", &mut [&mut host], |_| Ok(fault.fired() > 0)).with_context(what)?;
        run.progress(&mut [&mut host]).with_context(what)?;
        fired += fault.fired();
    }
    host.drain(HEALED)?;
    run.finish()?;
    Ok(fired)
}

/// So many of them, by chance.
fn some(case: &mut Case<'_>, mut hits: Vec<Hit>, count: usize) -> Vec<Hit> {
    let mut chosen = Vec::new();
    while chosen.len() < count && !hits.is_empty() {
        let at = case.random.below(hits.len() as u64) as usize;
        chosen.push(hits.swap_remove(at));
    }
    chosen
}

#[test]
fn f11_coordinators_that_are_away_or_busy_are_waited_for() {
    let runs = Runs { pr: 1, nightly: 20, release: 100 };
    row("F11", "coordinator loading, away, moved, busy: on each request of a transaction", runs, |case| {
        let hits = every(&TRANSACTION, &PASSING, Action::Refuse, 3);
        let hits = some(case, hits, 8);
        hit_all(case, &hits)
    });
}

#[test]
fn f11_starts_wait_for_their_coordinator() {
    let runs = Runs { pr: 1, nightly: 20, release: 100 };
    row(
        "F11-start",
        "coordinator loading, away, moved, busy: while a start settles the last transaction",
        runs,
        |case| {
            let mut run = Run::new(case)?;
            for code in PASSING {
                let rule = Rule::new(Action::Refuse(code)).on(Api::InitProducerId).of(&run.place.id).times(2);
                let fault = case.bed.proxy.add(rule);
                let mut host = run.command.start()?;
                run.feed_until("the fault", &mut [&mut host], |_| Ok(fault.fired() == 2))?;
                run.progress(&mut [&mut host])?;
                host.kill()?;
            }
            run.finish()?;
            Ok(PASSING.len() as u64 * 2)
        },
    );
}

#[test]
fn f11_writes_that_time_out_or_find_no_leader_are_repeated() {
    let runs = Runs { pr: 1, nightly: 20, release: 100 };
    row(
        "F11-writes",
        "Produce: timed out, no leader, too few replicas, answer lost, connection broken",
        runs,
        |case| {
            let mut hits = every(&[Api::Produce], &OF_LEADERS, Action::Refuse, 2);
            hits.extend(every(&[Api::Produce], &OF_LEADERS, Action::Stamp, 2));
            hits.extend(
                [Action::DisconnectAfter, Action::DisconnectBefore].map(|action| (Api::Produce, action, 2)),
            );
            let mut hits = some(case, hits, 6);
            hits.push((Api::Produce, Action::DropResponse, 1));
            hit_all(case, &hits)
        },
    );
}

#[test]
fn f14_fatal_errors_make_a_new_producer() {
    let runs = Runs { pr: 1, nightly: 20, release: 100 };
    row(
        "F14",
        "fenced, wrong epoch, wrong state, unknown id: said with and without the request performed",
        runs,
        |case| {
            let mut hits = every(&TRANSACTION, &BREAKING, Action::Refuse, 1);
            hits.extend(every(&TRANSACTION, &BREAKING, Action::Stamp, 1));
            hits.extend(every(&[Api::Produce], &BREAKING_WRITES, Action::Refuse, 1));
            hits.extend(every(&[Api::Produce], &BREAKING_WRITES, Action::Stamp, 1));
            let hits = some(case, hits, 10);
            hit_all(case, &hits)
        },
    );
}

#[test]
fn f14_offsets_that_the_group_refuses_are_not_committed() {
    let runs = Runs { pr: 1, nightly: 20, release: 100 };
    row(
        "F14-group",
        "illegal generation, unknown member, rebalance: said to offsets and heartbeats",
        runs,
        |case| {
            let (mut run, mut host) = Run::started(case)?;
            let mut fired = 0;
            for code in STALE {
                let rule = |api| Rule::new(Action::Refuse(code)).on(api).of(&run.place.id).times(1);
                let offsets = case.bed.proxy.add(rule(Api::TxnOffsetCommit));
                run.feed_until("refused offsets", &mut [&mut host], |_| Ok(offsets.fired() > 0))?;
                // A group that refuses offsets says the same to the next heartbeat.
                let heartbeat = case
                    .bed
                    .proxy
                    .add(Rule::new(Action::Refuse(code)).on(Api::Heartbeat).of(&run.place.id).times(1));
                run.feed_until("a refused heartbeat", &mut [&mut host], |_| Ok(heartbeat.fired() > 0))?;
                run.progress(&mut [&mut host]).with_context(|| format!("after code {code}"))?;
                fired += offsets.fired() + heartbeat.fired();
            }
            host.drain(HEALED)?;
            run.finish()?;
            Ok(fired)
        },
    );
}
