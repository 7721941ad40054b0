//! The broker itself ends, dies, and stands still. It has a machine of its own here, as the others need theirs.

use crate::row::{Case, Runs, held, row_on};
use crate::run::{HEALED, LINES, Run};
use anyhow::{Result, ensure};
use fault_proxy::{Action, Api, Rule};
use std::sync::LazyLock;
use std::time::{Duration, Instant};
use testkit::bed::{Bed, KAFKAS_SWEEP};
use testkit::{Isolation, wait_until};
use xtask::kafka::Broker;
use xtask::process::{self, Signal};

/// Longer than requests wait for their answer.
const STANDSTILL: Duration = Duration::from_secs(5);

/// The fault hits while a commit is under way, which never arrives; the host lives through it.
fn hit(case: &mut Case<'_>, fault: impl Fn(&mut Broker) -> Result<()>) -> Result<u64> {
    let (mut run, mut host) = Run::started(case)?;
    let commit = Rule::new(Action::Hold).on(Api::EndTxn).of(&run.place.id).after(case.random.below(4));
    let held = case.bed.proxy.add(commit.times(1));
    run.feed_until("a held commit", &mut [&mut host], |_| Ok(held.fired() == 1))?;
    fault(&mut case.bed.broker())?;
    drop(held);
    run.progress(&mut [&mut host])?;
    host.drain(HEALED)?;
    run.finish()?;
    Ok(1)
}

/// What a new leader has not that was not in sync: the end of a partition. Others write on, past what is committed.
fn cut_off(case: &mut Case<'_>) -> Result<u64> {
    let mut run = Run::stopped(case)?;
    let (kafka, input) = (&run.place.kafka, run.place.input());
    let before = kafka.ends(&input, Isolation::Uncommitted)?;
    let mut broker = case.bed.broker();
    broker.kill()?;
    broker.cut_log(&input, 0)?;
    broker.start_again()?;
    drop(broker);
    let after = kafka.ends(&input, Isolation::Uncommitted)?;
    ensure!(after[0] < before[0] && after[1..] == before[1..], "void: {before:?} is {after:?} now");
    // Not the run's: the numbers of what it wrote last are gone with the log's end.
    let mut producer = kafka.producer()?;
    while kafka.ends(&input, Isolation::Uncommitted)?[0] <= before[0] {
        run.workload.produce(&mut producer, &input, LINES)?;
    }
    run.refuses(&format!("{input}-0: the log was cut off before offset"))?;
    Ok(1)
}

/// One test, as these rows would wait for each other anyway: there is one such broker.
#[test]
fn f6_f7_f8_f18_f26_brokers_that_restart_die_fill_up_or_stand_still_lose_nothing() {
    let bed = LazyLock::new(|| Bed::start_with("restarts", &[KAFKAS_SWEEP]).expect("a second Kafka"));
    let runs = Runs { pr: 1, nightly: 30, release: 100 };
    let f6 = row_on(
        || &bed,
        "F6",
        "the broker ends in order and starts again, in the middle of a commit",
        runs,
        |case| {
            hit(case, |broker| {
                broker.terminate()?;
                broker.start_again()
            })
        },
    );
    let f7 = row_on(
        || &bed,
        "F7",
        "SIGKILL of the broker, which starts again, in the middle of a commit",
        runs,
        |case| {
            hit(case, |broker| {
                broker.kill()?;
                broker.start_again()
            })
        },
    );
    let f18 = row_on(
        || &bed,
        "F18",
        "the disk of the broker is full in the middle of a commit; it ends, and starts again with space",
        Runs { nightly: 5, release: 20, ..runs },
        |case| {
            hit(case, |broker| {
                broker.fill_disk()?;
                broker.start_again()
            })
        },
    );
    let f26_cut = row_on(
        || &bed,
        "F26-cut",
        "the end of an input is lost while the broker is away, and others write past it",
        Runs { nightly: 10, release: 30, ..runs },
        cut_off,
    );
    let stand_still = "SIGSTOP of the broker past the requests' timeout, in the middle of a commit";
    let f8 = row_on(
        || &bed,
        "F8",
        stand_still,
        runs,
        |case| {
            hit(case, |broker| {
                process::send(broker.pid(), Signal::Stop)?;
                let end = Instant::now() + STANDSTILL;
                // Time is the fault here.
                wait_until("the end of the standstill", HEALED, || Ok(Instant::now() > end))?;
                Ok(process::send(broker.pid(), Signal::Continue)?)
            })
        },
    );
    held([f6, f7, f18, f26_cut, f8]);
}
