//! Owners that do not know that they are not any more.

use crate::row::{Case, Runs, row};
use crate::run::{HEALED, Run};
use anyhow::{Result, ensure};
use fault_proxy::{Action, Api, Rule};
use testkit::{HostProcess, wait_until};
use xtask::process::Signal;

const ASSIGNED: &str = "\"message\":\"assigned\"";

fn assignments(host: &HostProcess) -> usize {
    host.log().matches(ASSIGNED).count()
}

/// Stops a host while the broker has not got its request yet; another one takes over; then the request arrives and
/// the host wakes up.
fn zombie(case: &mut Case<'_>, at: Api) -> Result<u64> {
    let (mut run, mut zombie) = Run::started(case)?;
    let rule = Rule::new(Action::Hold).on(at).of(&run.place.id).after(case.random.below(4)).times(1);
    let fault = case.bed.proxy.add(rule);
    run.feed_until("a held request", &mut [&mut zombie], |_| Ok(fault.fired() == 1))?;
    zombie.signal(Signal::Stop)?;
    let mut owner = run.command.start()?;
    run.progress(&mut [&mut owner])?;
    fault.release();
    let code = fault.answer(HEALED)?;
    ensure!(at != Api::EndTxn || code != 0, "the commit of a zombie was accepted");
    let (before, pid) = (assignments(&zombie), zombie.pid());
    zombie.signal(Signal::Continue)?;
    wait_until("the zombie's return to the group", HEALED, || {
        run.supervise(&mut zombie)?;
        run.supervise(&mut owner)?;
        run.feed()?;
        Ok(assignments(&zombie) > before || zombie.pid() != pid)
    })?;
    run.progress(&mut [&mut zombie, &mut owner])?;
    zombie.drain(HEALED)?;
    owner.drain(HEALED)?;
    run.finish()?;
    Ok(1)
}

#[test]
fn f4_a_zombie_commits_nothing() {
    let runs = Runs { pr: 2, nightly: 100, release: 500 };
    let points = [Api::EndTxn, Api::TxnOffsetCommit, Api::Produce];
    row(
        "F4",
        "SIGSTOP with a request under way, past session and transaction, while another takes over",
        runs,
        |case| zombie(case, case.in_turn(&points)),
    );
}

#[test]
fn f10_a_member_that_the_group_has_lost_commits_nothing() {
    let runs = Runs { pr: 1, nightly: 50, release: 200 };
    row("F10", "heartbeats of one member swallowed past its session, while it works on", runs, |case| {
        let (mut run, mut lost) = Run::started(case)?;
        let heartbeats = Rule::new(Action::Hold).on(Api::Heartbeat).of(&run.clients_of(0)?);
        let mut owner = run.command.start()?;
        wait_until("both are members", HEALED, || {
            run.feed()?;
            Ok(assignments(&owner) > 0 && assignments(&lost) > 1)
        })?;
        let before = assignments(&owner);
        let fault = case.bed.proxy.add(heartbeats);
        wait_until("the other takes over", HEALED, || {
            run.supervise(&mut lost)?;
            run.supervise(&mut owner)?;
            run.feed()?;
            Ok(fault.fired() > 0 && assignments(&owner) > before)
        })?;
        let fired = fault.fired();
        drop(fault);
        run.progress(&mut [&mut lost, &mut owner])?;
        lost.drain(HEALED)?;
        owner.drain(HEALED)?;
        run.finish()?;
        Ok(fired)
    });
}

#[test]
fn f15_one_client_that_nobody_hears_is_replaced() {
    let runs = Runs { pr: 1, nightly: 20, release: 100 };
    row("F15-alone", "all that one of two hosts sends is swallowed, past its session", runs, |case| {
        let (mut run, mut alone) = Run::started(case)?;
        let everything = Rule::new(Action::Hold).of(&run.clients_of(0)?);
        let mut owner = run.command.start()?;
        wait_until("both are members", HEALED, || {
            run.feed()?;
            Ok(assignments(&owner) > 0 && assignments(&alone) > 1)
        })?;
        let fault = case.bed.proxy.add(everything);
        // Only one of them can: of every partition more is committed than was there.
        run.progress(&mut [&mut alone, &mut owner])?;
        let fired = fault.fired();
        drop(fault);
        run.progress(&mut [&mut alone, &mut owner])?;
        alone.drain(HEALED)?;
        owner.drain(HEALED)?;
        run.finish()?;
        Ok(fired)
    });
}
