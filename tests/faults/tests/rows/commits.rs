//! The end of a transaction: its request is lost, its answer is lost, or it comes too late.

use crate::row::{Case, Runs, row};
use crate::run::{HEALED, Run};
use anyhow::{Result, ensure};
use fault_proxy::{Action, Api, Rule};

/// What may go wrong with one commit.
const GAPS: [Action; 4] =
    [Action::DisconnectAfter, Action::DisconnectBefore, Action::DropResponse, Action::DisconnectAfter];

#[test]
fn f12_a_commit_whose_answer_is_lost_counts_once() {
    let runs = Runs { pr: 2, nightly: 75, release: 500 };
    row("F12", "EndTxn: connection broken before and after it is applied, answer lost", runs, |case| {
        let (mut run, mut host) = Run::started(case)?;
        for action in GAPS {
            let rule = Rule::new(action).on(Api::EndTxn).of(&run.place.id);
            let fault = case.bed.proxy.add(rule.after(case.random.below(4)).times(1));
            run.feed_until("the fault", &mut [&mut host], |_| Ok(fault.fired() == 1))?;
            run.progress(&mut [&mut host])?;
        }
        host.drain(HEALED)?;
        run.finish()?;
        Ok(GAPS.len() as u64)
    });
}

/// Holds a commit, lets the client try it again, and gives the broker the first one in the middle of the next
/// transaction: when `at` is asked for there.
fn late(case: &mut Case<'_>, at: Api) -> Result<u64> {
    let (mut run, mut host) = Run::started(case)?;
    let proxy = &case.bed.proxy;
    let of = |action, api| Rule::new(action).on(api).of(&run.place.id).times(1);
    let late = proxy.add(of(Action::HoldAndDisconnect, Api::EndTxn).after(case.random.below(4)));
    run.feed_until("a held commit", &mut [&mut host], |_| Ok(late.fired() == 1))?;
    // What is tried again still belongs to the first transaction.
    let tries = u64::from(at == Api::EndTxn);
    let next = proxy.add(Rule::new(Action::Hold).on(at).of(&run.place.id).after(tries).times(1));
    run.feed_until("the next transaction", &mut [&mut host], |_| Ok(next.fired() == 1))?;
    late.release();
    let code = late.answer(HEALED)?;
    ensure!(code != 0, "a late commit was accepted in the middle of the next transaction");
    next.release();
    run.progress(&mut [&mut host])?;
    host.drain(HEALED)?;
    run.finish()?;
    Ok(1)
}

#[test]
fn f13_a_late_commit_does_not_end_the_next_transaction() {
    let runs = Runs { pr: 2, nightly: 100, release: 500 };
    let points = [Api::AddOffsetsToTxn, Api::EndTxn, Api::TxnOffsetCommit];
    row("F13", "EndTxn held, tried again, and delivered in the next transaction", runs, |case| {
        late(case, case.in_turn(&points))
    });
}

#[test]
fn f13_a_transaction_that_the_broker_gave_up_is_done_again() {
    let runs = Runs { pr: 1, nightly: 20, release: 100 };
    row(
        "F13-expired",
        "EndTxn held until the broker has aborted the transaction for its age",
        runs,
        |case| {
            let (mut run, mut host) = Run::started(case)?;
            let rule = Rule::new(Action::Hold).on(Api::EndTxn).of(&run.place.id);
            // Whatever is tried again meanwhile is held too.
            let fault = case.bed.proxy.add(rule);
            run.feed_until("a held commit", &mut [&mut host], |_| Ok(fault.fired() > 0))?;
            let shuffled = run.place.topic("sum-repartition");
            run.feed_until("the end of the transaction by its age", &mut [&mut host], |run| {
                let ends = |isolation| run.place.kafka.ends(&shuffled, isolation);
                Ok(ends(testkit::Isolation::Committed)? == ends(testkit::Isolation::Uncommitted)?)
            })?;
            let fired = fault.fired();
            drop(fault);
            run.progress(&mut [&mut host])?;
            host.drain(HEALED)?;
            run.finish()?;
            Ok(fired)
        },
    );
}
