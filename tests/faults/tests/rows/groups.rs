//! Hosts come and go.

use crate::row::{Runs, row};
use crate::run::{HEALED, Run, SAME_IDENTITY};
use anyhow::{Result, ensure};
use std::fs;
use testkit::{HostProcess, wait_until};

const CHANGES: u64 = 4;

/// Lets the other hosts do all until the group has gone on, and stops none of them.
fn go_on(run: &mut Run<'_>, hosts: &mut [HostProcess]) -> Result<()> {
    let mut all: Vec<&mut HostProcess> = hosts.iter_mut().collect();
    run.progress(&mut all)
}

#[test]
fn f9_partitions_that_move_all_the_time_lose_nothing() {
    let runs = Runs { pr: 1, nightly: 50, release: 250 };
    row("F9", "hosts join, leave and are killed; dynamic membership, range", runs, |case| {
        let mut run = Run::new(case)?;
        let command = run.command.clone().args(["--membership", "dynamic"]);
        let mut hosts = vec![command.start()?];
        for change in 0..CHANGES {
            if hosts.len() < 2 {
                hosts.push(command.start()?);
            } else {
                let gone = hosts.remove(case.random.below(hosts.len() as u64) as usize);
                // One of the two ends in order, the other not.
                if (change / 2).is_multiple_of(2) { drop(gone.drain(HEALED)?) } else { gone.kill()? }
            }
            go_on(&mut run, &mut hosts)?;
        }
        for host in hosts {
            host.drain(HEALED)?;
        }
        run.finish()?;
        Ok(CHANGES)
    });
}

#[test]
fn f9_a_rebalance_in_the_middle_of_a_commit_loses_nothing() {
    use fault_proxy::{Action, Api, Rule};
    let runs = Runs { pr: 1, nightly: 50, release: 250 };
    row("F9-commit", "a host joins while the commit of the other is held", runs, |case| {
        let mut run = Run::new(case)?;
        let command = run.command.clone().args(["--membership", "dynamic"]);
        let mut first = command.start()?;
        run.progress(&mut [&mut first])?;
        let mut fired = 0;
        for api in [Api::TxnOffsetCommit, Api::EndTxn] {
            let fault = case.bed.proxy.add(Rule::new(Action::Hold).on(api).of(&run.place.id).times(1));
            run.feed_until("a held commit", &mut [&mut first], |_| Ok(fault.fired() == 1))?;
            let joins = case.bed.proxy.add(
                // It is seen, and goes on at once.
                Rule::new(Action::Delay(std::time::Duration::ZERO)).on(Api::JoinGroup).of(&run.place.id),
            );
            let mut second = command.start()?;
            run.feed_until("a join", &mut [&mut first, &mut second], |_| Ok(joins.fired() > 0))?;
            fault.release();
            run.progress(&mut [&mut first, &mut second])?;
            second.drain(HEALED)?;
            fired += fault.fired();
        }
        first.drain(HEALED)?;
        run.finish()?;
        Ok(fired)
    });
}

#[test]
fn f30_of_two_hosts_with_one_identity_one_stops() {
    let runs = Runs { pr: 1, nightly: 20, release: 60 };
    row("F30", "a copy of the state folder is used by a second host", runs, |case| {
        let (mut run, mut first) = Run::started(case)?;
        let copy = run.place.file("copy")?;
        fs::create_dir_all(&copy)?;
        let installation = run.place.file("state")?.join("wasmhost").join("installation");
        fs::copy(installation, copy.join("installation"))?;
        let mut second = run.command.clone().arg("--state-dir").arg(&copy).start()?;
        // Each evicts the other until one is evicted twice within a session: whichever that is.
        wait_until("the end of one of them", HEALED, || {
            run.feed()?;
            Ok(first.ensure_running().is_err() || second.ensure_running().is_err())
        })?;
        let (ended, mut other) =
            if first.ensure_running().is_err() { (first, second) } else { (second, first) };
        ensure!(ended.log().contains(SAME_IDENTITY), "it does not say why it ended");
        run.progress(&mut [&mut other])?;
        other.drain(HEALED)?;
        run.finish()?;
        Ok(1)
    });
}
