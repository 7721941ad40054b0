//! TLS, SASL and access rules: what is refused is said, no secret is, and nothing is lost by it.

use super::secured::{PASSWORD, Right, Secured};
use crate::row::{Case, Runs, held, row_on};
use crate::run::{HEALED, Run};
use crate::verifier::{Topics, verify};
use anyhow::{Result, ensure};
use std::cell::RefCell;
use std::sync::LazyLock;
use testkit::scenario::SOON;
use testkit::{Ended, WorkloadSpec, wait_until};

/// One that nobody has, and that stands in no other text.
const WRONG_PASSWORD: &str = "swordfish-of-another";
const NOT_AUTHORISED: i32 = 77;
const UNREACHABLE: i32 = 69;
const PARTITIONS: u32 = 2;

/// It ended with this code, these words, and without a password.
fn refused(ended: &Ended, code: i32, words: &str) -> Result<()> {
    let log = &ended.stderr;
    ensure!(ended.code == Some(code), "it ended with {:?} and not {code}:\n{log}", ended.code);
    ensure!(log.contains(words), "it does not say \"{words}\":\n{log}");
    for password in [PASSWORD, WRONG_PASSWORD] {
        ensure!(!log.contains(password), "its log has a password in it:\n{log}");
    }
    Ok(())
}

fn tls(case: &mut Case<'_>, at: &Secured) -> Result<u64> {
    let s = case.place;
    s.kafka.create_topic(&s.input(), 1)?;
    let start = |port, authority: &str, password: &str| {
        let host = Secured::host(s.sum().setting("admin", "off"), authority, password);
        host.at(&format!("localhost:{port}")).start()?.wait(HEALED)
    };
    let all = &at.all_certificates;
    refused(&start(at.port, &at.one_certificate, PASSWORD)?, UNREACHABLE, "ssl.ca.location")?;
    refused(&start(at.expired, all, PASSWORD)?, UNREACHABLE, "has expired")?;
    refused(&start(at.elsewhere, all, PASSWORD)?, UNREACHABLE, "another host name")?;
    refused(&start(at.port, all, WRONG_PASSWORD)?, NOT_AUTHORISED, "sasl.password")?;
    Ok(4)
}

/// Without one of them it does not start, and says which; with them and no others it does all that it is for.
fn least(case: &mut Case<'_>, at: &mut Secured) -> Result<u64> {
    let s = case.place;
    let (id, input, output) = (&s.id, format!("in-{}", s.id), format!("out-{}", s.id));
    let topics = Topics { input: input.clone(), output: output.clone(), ..Topics::of(s) };
    for topic in [&input, &output, &s.topic("sum-repartition"), &s.topic("dead-letter")] {
        s.kafka.create_topic(topic, PARTITIONS)?;
    }
    s.kafka.create_topic_with(&s.topic("sum-changelog"), PARTITIONS, &[("cleanup.policy", "compact")])?;
    let spec =
        WorkloadSpec { records: 2000, keys: 50, partitions: PARTITIONS, bad_one_in: 50, ..<_>::default() };
    testkit::Workload::new(spec).produce(&mut s.kafka.producer()?, &input, 2000)?;
    let host = s.bare(testkit::files::guest("sum")).args(["--input", &input, "--output", &output]);
    let host = host.args(["--until-end", "--workers", "1", "--combine", "never", "--create-topics", "none"]);
    let host = host.setting("repartition_purge_interval_ms", "0").setting("admin", "off");
    let host = Secured::host(host, &at.all_certificates, PASSWORD);
    let own = format!("\"{id}-");
    let rights = [
        (Right::new("READ", "TOPIC", "LITERAL", &input), input.clone()),
        (Right::new("WRITE", "TOPIC", "LITERAL", &output), output.clone()),
        (Right::new("READ", "TOPIC", "PREFIXED", id), format!("{id}-sum-")),
        (Right::new("WRITE", "TOPIC", "PREFIXED", id), own.clone()),
        (Right::new("READ", "GROUP", "PREFIXED", id), "groups that begin with the application id".into()),
        (Right::new("WRITE", "TRANSACTIONAL_ID", "PREFIXED", id), format!("transactional id {own}")),
    ];
    for (right, _) in &rights {
        at.allow(right)?;
    }
    for (right, words) in &rights {
        at.forbid(right)?;
        refused(&host.start()?.wait(HEALED)?, NOT_AUTHORISED, words)?;
        at.allow(right)?;
    }
    host.complete(SOON)?;
    verify(s, &topics)?;
    Ok(rights.len() as u64)
}

/// What is taken away, and what the host says then.
fn withdrawn(case: &mut Case<'_>, at: &mut Secured) -> Result<u64> {
    let mut run = Run::new(case)?;
    run.command = Secured::host(run.command.clone(), &at.all_certificates, PASSWORD);
    let id = run.place.id.clone();
    let write = Right::new("WRITE", "TOPIC", "PREFIXED", &id);
    let group = Right::new("READ", "GROUP", "PREFIXED", &id);
    let transactions = Right::new("WRITE", "TRANSACTIONAL_ID", "PREFIXED", &id);
    let others =
        [Right::new("READ", "TOPIC", "PREFIXED", &id), Right::new("CREATE", "TOPIC", "PREFIXED", &id)];
    for right in [&write, &group, &transactions].into_iter().chain(&others) {
        at.allow(right)?;
    }
    heals(&mut run, at)?;
    for (right, words) in [
        (&write, "allow Read on inputs, Write on the output"),
        (&group, "groups that begin"),
        (&transactions, "transactional id"),
    ] {
        ends(&mut run, words, || at.forbid(right))?;
        at.allow(right)?;
    }
    run.finish()?;
    Ok(4)
}

/// Without its user a host goes on trying, and works again once it has it; or it ends and says why.
fn heals(run: &mut Run<'_>, at: &mut Secured) -> Result<()> {
    let mut host = run.command.start()?;
    run.progress(&mut [&mut host])?;
    at.user("-")?;
    wait_until("a refusal", HEALED, || {
        run.feed()?;
        Ok(host.log().contains("invalid credentials"))
    })?;
    at.user(PASSWORD)?;
    let before = run.committed()?;
    wait_until("a commit with the user", HEALED, || {
        if host.ensure_running().is_err() {
            let ended = std::mem::replace(&mut host, run.command.start()?);
            refused(&ended.wait(HEALED)?, NOT_AUTHORISED, "sasl.password")?;
        }
        run.feed()?;
        Ok(run.committed()? > before)
    })?;
    host.kill()
}

/// A host that works ends with these words once that is done.
fn ends(run: &mut Run<'_>, words: &str, withdraw: impl FnOnce() -> Result<()>) -> Result<()> {
    let mut host = run.command.start()?;
    run.progress(&mut [&mut host])?;
    withdraw()?;
    wait_until("the end of the host", HEALED, || {
        run.feed()?;
        Ok(host.ensure_running().is_err())
    })?;
    refused(&host.wait(HEALED)?, NOT_AUTHORISED, words)
}

#[test]
fn f28_what_the_broker_refuses_is_said_and_nothing_is_lost() {
    // Made by the first row that is asked for.
    let made = LazyLock::new(|| {
        let mut at = Secured::new("secured").expect("certificates and ports");
        let bed = at.bed().expect("a Kafka with access rules");
        at.user(PASSWORD).expect("a user");
        (bed, RefCell::new(at))
    });
    let bed = || &made.0;
    let runs = Runs { pr: 1, nightly: 5, release: 15 };
    let unknown = "a certificate that is unknown, expired, of another host; a wrong password";
    let refusals = row_on(bed, "F28", unknown, runs, |case| tls(case, &made.1.borrow()));
    let taken = "each of the least rights is missing at the start";
    let least_rights = row_on(bed, "F28-least", taken, runs, |case| least(case, &mut made.1.borrow_mut()));
    let revoked = "password, and rights on topics, group, transactional ids, withdrawn while a host runs";
    let withdrawals =
        row_on(bed, "F28-withdrawn", revoked, runs, |case| withdrawn(case, &mut made.1.borrow_mut()));
    held([refusals, least_rights, withdrawals]);
}
