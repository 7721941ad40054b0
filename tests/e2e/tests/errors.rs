//! Answers that a broker gives when things go wrong there, each at a known request.
//!
//! Goal: no error costs or doubles a row, and those that no repetition mends end the host with the right code. Method:
//! the embedded broker, in this process, behind the proxy of the fault matrix, whose rules say which request meets
//! which fate. The matrix (`tests/faults`) does the same by chance to Apache Kafka.

use anyhow::{Context as _, Result, ensure};
use devbroker::{Broker, Settings};
use fault_proxy::{Action, Api, Fault, Proxy, Rule};
use std::time::Duration;
use testkit::{HostCommand, Kafka, Scenario, Workload, WorkloadSpec, check, scenario_at, wait_until};

/// Whatever must happen by itself, waits of clients included, on a busy machine.
const HEALED: Duration = Duration::from_mins(2);
const NOT_AUTHORISED: i32 = 77;
const TOPIC_AUTHORIZATION_FAILED: i16 = 29;
const TRANSACTION: [Api; 4] =
    [Api::AddPartitionsToTxn, Api::AddOffsetsToTxn, Api::TxnOffsetCommit, Api::EndTxn];

/// A broker of its own, and the way to it on which rules hold.
pub(crate) fn disturbed(name: &str, body: impl FnOnce(&Scenario, &Proxy) -> Result<()>) {
    let run = || {
        let broker = Broker::start(Settings::default())?;
        let proxy = Proxy::start(broker.address())?;
        broker.advertise(proxy.address());
        let kafka = Kafka::at(&proxy.address().to_string());
        scenario_at(&kafka, &kafka, name, |s| body(s, &proxy))
    };
    run().unwrap_or_else(|error| panic!("{name} failed: {error:?}"));
}

/// One worker, many small transactions, and short waits for what never comes.
fn command(s: &Scenario) -> HostCommand {
    s.sum()
        .args(["--until-end", "--workers", "1", "--combine", "never"])
        .args(["--batch-records", "200", "--commit-interval", "10ms"])
        .args(["-X", "socket.timeout.ms=3000", "-X", "reconnect.backoff.max.ms=200"])
        .setting("repartition_purge_interval_ms", "0")
}

/// Sums many lines while the rules fire, each at least once; then every row counts once. Gives what the host logged.
fn nothing_is_lost(s: &Scenario, faults: &[Fault]) -> Result<String> {
    let workload = s.load(WorkloadSpec { records: 20_000, values: (1, 1000), ..WorkloadSpec::default() })?;
    let ended = command(s).complete(HEALED)?;
    for (number, fault) in (1..).zip(faults) {
        ensure!(fault.fired() > 0, "the fault of rule {number} was met by nothing:\n{}", ended.stderr);
    }
    let results = check::results(&s.check_sums(&workload)?)?;
    let rows = check::repartition_rows(&s.read("sum-repartition")?)?;
    check::every_row_once(&rows, workload.counts())?;
    check::running_sums(&results, &rows)?;
    Ok(ended.stderr)
}

/// By the summary at the end of the log.
fn producer_was_replaced(log: &str) -> Result<()> {
    let replaced =
        testkit::host::last_field(log, "producer_replacements").context("no summary in the log")?;
    ensure!(replaced.as_u64() > Some(0), "the producer was kept:\n{log}");
    Ok(())
}

/// Adds rules for requests of the host only; the tests' own clients come the same way.
fn all(s: &Scenario, proxy: &Proxy, rules: impl IntoIterator<Item = Rule>) -> Vec<Fault> {
    rules.into_iter().map(|rule| proxy.add(rule.of(&s.id))).collect()
}

#[test]
fn a_coordinator_that_loads_moves_or_is_busy_is_waited_for() {
    // Loading, not available, not here, busy with the transaction before.
    for code in [14, 15, 16, 51] {
        disturbed(&format!("errors-coordinator-{code}"), |s, proxy| {
            let apis = TRANSACTION.into_iter().chain([Api::InitProducerId]);
            let faults = all(s, proxy, apis.map(|api| Rule::new(Action::Refuse(code)).on(api).times(2)));
            nothing_is_lost(s, &faults).map(drop)
        });
    }
}

#[test]
fn writes_that_leaders_refuse_or_do_not_answer_are_repeated() {
    disturbed("errors-writes", |s, proxy| {
        // Not the leader, too few replicas; then performed, and said to have timed out, or not answered at all.
        let actions = [
            Action::Refuse(6),
            Action::Refuse(19),
            Action::Stamp(7),
            Action::DisconnectAfter,
            Action::DropResponse,
        ];
        let rules =
            (0..).zip(actions).map(|(at, action)| Rule::new(action).on(Api::Produce).after(2 * at).times(1));
        let faults = all(s, proxy, rules);
        nothing_is_lost(s, &faults).map(drop)
    });
}

#[test]
fn a_commit_whose_outcome_is_not_known_is_looked_up() {
    for (what, action) in [
        ("before", Action::DisconnectBefore),
        ("after", Action::DisconnectAfter),
        ("unanswered", Action::DropResponse),
    ] {
        disturbed(&format!("errors-commit-{what}"), |s, proxy| {
            let faults = all(s, proxy, [Rule::new(action).on(Api::EndTxn).after(2).times(1)]);
            producer_was_replaced(&nothing_is_lost(s, &faults)?)
        });
    }
}

#[test]
fn a_commit_that_arrives_late_ends_no_other_transaction() {
    disturbed("errors-late", |s, proxy| {
        let faults = all(s, proxy, [Rule::new(Action::HoldAndDisconnect).on(Api::EndTxn).after(2).times(1)]);
        nothing_is_lost(s, &faults)?;
        // Long after: whatever it asks for, its producer is fenced.
        faults[0].release();
        let code = faults[0].answer(HEALED).context("the late commit")?;
        ensure!(code != 0, "a commit of a transaction that had been settled was performed");
        nothing_hangs(s)
    });
}

/// No transaction is open in any topic.
fn nothing_hangs(s: &Scenario) -> Result<()> {
    use testkit::Isolation::{Committed, Uncommitted};
    for what in ["output", "sum-repartition", "sum-changelog"] {
        let topic = s.topic(what);
        ensure!(
            s.kafka.ends(&topic, Committed)? == s.kafka.ends(&topic, Uncommitted)?,
            "{topic} has an open one"
        );
    }
    Ok(())
}

#[test]
fn errors_that_end_a_producer_make_a_new_one() {
    disturbed("errors-producer", |s, proxy| {
        // Fenced, wrong state, another's id, fenced by its coordinator.
        let hits = [
            (Api::AddPartitionsToTxn, Action::Refuse(90), 1),
            (Api::TxnOffsetCommit, Action::Refuse(47), 2),
            (Api::EndTxn, Action::Refuse(49), 2),
            (Api::EndTxn, Action::Stamp(48), 3),
        ];
        let rules = hits.map(|(api, action, after)| Rule::new(action).on(api).after(after).times(1));
        producer_was_replaced(&nothing_is_lost(s, &all(s, proxy, rules))?)
    });
}

#[test]
fn what_kafka_does_not_allow_ends_the_host_with_77() {
    // A topic, as its leader and as the transaction's coordinator say it; a transactional id, a group.
    for (what, api, code) in [
        ("topic", Api::Produce, 29),
        ("topic-of-transaction", Api::AddPartitionsToTxn, 29),
        ("id", Api::InitProducerId, 53),
        ("group", Api::JoinGroup, 30),
    ] {
        disturbed(&format!("errors-forbidden-{what}"), |s, proxy| {
            s.load(WorkloadSpec { records: 1_000, ..WorkloadSpec::default() })?;
            let faults = all(s, proxy, [Rule::new(Action::Refuse(code)).on(api)]);
            let ended = command(s).start()?.wait(HEALED)?;
            ensure!(faults[0].fired() > 0, "nothing was refused");
            ensure!(
                ended.code == Some(NOT_AUTHORISED),
                "{what}: it ended with {:?}:\n{}",
                ended.code,
                ended.stderr
            );
            ensure!(ended.stderr.contains("error: "), "no error is printed:\n{}", ended.stderr);
            Ok(())
        });
    }
}

#[test]
fn a_transaction_that_its_coordinator_broke_says_why() {
    disturbed("errors-broken", |s, proxy| {
        // More is written for a while after the refusal: the client takes no record any more, and says no more than that.
        s.load(WorkloadSpec { records: 20_000, ..WorkloadSpec::default() })?;
        let refuse = Rule::new(Action::Refuse(TOPIC_AUTHORIZATION_FAILED)).on(Api::AddPartitionsToTxn);
        let faults = all(s, proxy, [refuse]);
        let host = s.sum().args(["--until-end", "--workers", "1", "--combine", "never"]);
        let ended = host.args(["--batch-records", "50", "--commit-interval", "2s"]).start()?.wait(HEALED)?;
        ensure!(faults[0].fired() == 1, "one refusal is enough, and there were {}", faults[0].fired());
        let ended = ended.with_code(NOT_AUTHORISED)?;
        ensure!(ended.stderr.contains("allow Read on inputs, Write on the output"), "{}", ended.stderr);
        Ok(())
    });
}

#[test]
fn a_member_that_no_broker_answers_joins_again_with_another_client() {
    disturbed("errors-unheard", |s, proxy| {
        let spec = WorkloadSpec { records: 2_000, ..WorkloadSpec::default() };
        let mut producer = s.kafka.producer()?;
        s.kafka.create_topic(&s.input(), spec.partitions)?;
        let mut workload = Workload::new(spec);
        let clocks = ["session.timeout.ms=10000", "heartbeat.interval.ms=500", "socket.timeout.ms=3000"];
        let host = s.sum().args(["--workers", "1"]).args(clocks.iter().flat_map(|clock| ["-X", clock]));
        let mut host = host.start()?;
        for is_heard in [true, false] {
            workload.produce(&mut producer, &s.input(), 1_000)?;
            wait_until("all sums", HEALED, || {
                host.ensure_running()?;
                Ok(s.check_sums(&workload).is_ok())
            })?;
            if is_heard {
                // Nothing is open, so it is the consumer alone that nobody hears.
                let _silence = proxy.add(Rule::new(Action::Hold).of(&format!("{0}-{0}-", s.id)));
                wait_until("another client", HEALED, || {
                    host.ensure_running()?;
                    Ok(host.log().contains("joining again with another client"))
                })?;
            }
        }
        host.drain(HEALED)?;
        Ok(())
    });
}
