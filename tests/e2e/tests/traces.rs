//! Traces of transactions: the real host, and a collector in this process. Field by field a span is checked in
//! `host/otel`; that OTLP has them so, OpenTelemetry's own messages say.

use crate::errors::disturbed;
use crate::python;
use anyhow::{Context as _, Result, ensure};
use fault_proxy::{Action, Api, Rule};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fs;
use std::net::TcpListener;
use testkit::scenario::SOON;
use testkit::traces::{Collector, Link, Request, Span};
use testkit::{
    HostCommand, NewRecord, Record, Scenario, Workload, WorkloadSpec, check, embedded, files, wait_until,
};

const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
/// How long spans are gathered, in milliseconds.
const DELAY: &str = "OTEL_BSP_SCHEDULE_DELAY";
const TRACEPARENT: &str = "traceparent";
/// Links of one span.
const LINKS_MAX: usize = 128;
/// OpenTelemetry's messages, and what reads them.
const PACKAGES: [&str; 2] = ["opentelemetry-proto==1.39.1", "protobuf==6.33.2"];
const INVALID_PRODUCER_EPOCH: i16 = 47;
const KEYS: i64 = 7;
const PARTITIONS: u32 = 2;

/// The context of the input record with this number.
fn parent(i: i64) -> String {
    format!("00-{:032x}-{:016x}-01", 0xaaaa_0000 + i, 0xbbbb_0000 + i)
}

/// Lines for the sum, each with a context and another header.
fn load(s: &Scenario, records: i64) -> Result<Workload> {
    let mut workload = Workload::new(WorkloadSpec { records: 0, ..WorkloadSpec::default() });
    s.kafka.create_topic(&s.input(), PARTITIONS)?;
    let mut producer = s.kafka.producer()?;
    for i in 0..records {
        let (key, value, parent) = (format!("k{}", i % KEYS), i + 1, parent(i));
        let line = format!("{key},{value}");
        let headers: &[(&str, Option<&[u8]>)] = &[("other", None), (TRACEPARENT, Some(parent.as_bytes()))];
        let partition = u32::try_from(i % i64::from(PARTITIONS))?;
        let record = NewRecord { partition, value: Some(line.as_bytes()), headers, ..NewRecord::default() };
        producer.send(&s.input(), &record)?;
        workload.add(key.as_bytes(), value);
    }
    producer.flush()?;
    Ok(workload)
}

fn sum(s: &Scenario) -> HostCommand {
    s.sum()
        .arg("--stamp")
        .setting("repartition_purge_interval_ms", "0")
        .variable("OTEL_SERVICE_NAME", "totals")
        .variable(DELAY, "50")
}

/// Runs the host until these records are there and the spans of all of them are; gives what it sent, and logged.
fn spans_of(
    host: &HostCommand,
    collector: &Collector,
    records: impl Fn() -> Result<Option<Vec<Record>>>,
) -> Result<(Vec<Span>, String)> {
    let mut host = host.clone().variable(ENDPOINT, &collector.endpoint()).start()?;
    let mut spans = Vec::new();
    wait_until("the spans of all records", SOON, || {
        host.ensure_running()?;
        let Some(records) = records()? else { return Ok(false) };
        spans = collector.spans()?;
        Ok(records.iter().all(|record| span_of(&spans, record).is_ok()))
    })?;
    Ok((spans, host.drain(SOON)?.stderr))
}

/// The span of the transaction that wrote this record, which says so in one header.
fn span_of<'a>(spans: &'a [Span], record: &Record) -> Result<&'a Span> {
    let mut contexts = record.headers.iter().filter(|(name, _)| name == TRACEPARENT);
    let context = record.header(TRACEPARENT).with_context(|| format!("no context in {record:?}"))?;
    ensure!(contexts.nth(1).is_none(), "two contexts in {record:?}");
    let span = spans.iter().find(|span| span.traceparent == context);
    span.with_context(|| format!("no span is {context}"))
}

/// Records of this topic are among those that it links to, as far as there was place.
fn links_to(span: &Span, topic: &str) -> bool {
    let is_topic = |(name, value): &(String, String)| name == "messaging.destination.name" && value == topic;
    span.links_dropped > 0 || span.links.iter().any(|link| link.attributes.iter().any(is_topic))
}

/// A link names a record of the input, or a transaction that shuffled.
fn links_are_true(spans: &[Span], records: i64) -> Result<()> {
    let parents = (0..records).map(parent);
    let known: BTreeSet<String> = parents.chain(spans.iter().map(|span| span.traceparent.clone())).collect();
    for span in spans {
        ensure!(span.links.len() <= LINKS_MAX, "{} links", span.links.len());
        ensure!(span.links_dropped == 0 || span.links.len() == LINKS_MAX, "{span:?}");
        let strange = span.links.iter().find(|link| !known.contains(&link.traceparent));
        ensure!(strange.is_none(), "a link to {strange:?}, which nobody wrote");
    }
    let linked: u64 = spans.iter().map(|span| span.links.len() as u64 + span.links_dropped).sum();
    ensure!(linked >= records.cast_unsigned(), "{linked} links, and {records} records have contexts");
    Ok(())
}

/// What is in the topics that others read, once all sums are there.
fn all_written(s: &Scenario, workload: &Workload) -> Result<Option<Vec<Record>>> {
    let is_complete = s.kafka.partitions(&s.output())?.is_some() && s.check_sums(workload).is_ok();
    let records = || anyhow::Ok([s.read("output")?, s.read("sum-repartition")?].concat());
    is_complete.then(records).transpose()
}

/// From a result over the shuffle back to the records of the input.
fn a_result_leads_back(s: &Scenario, records: i64, flags: [&str; 2]) -> Result<()> {
    let (collector, workload) = (Collector::start()?, load(s, records)?);
    let (spans, log) = spans_of(&sum(s).args(flags), &collector, || all_written(s, &workload))?;
    ensure!(!log.contains("collector"), "it complains:\n{log}");
    links_are_true(&spans, records)?;

    for result in s.check_sums(&workload)? {
        let span = span_of(&spans, &result)?;
        ensure!(span.error.is_none(), "committed by {span:?}");
        ensure!(links_to(span, &s.topic("sum-repartition")), "{result:?} comes from {span:?}");
        ensure!(result.header("wasmhost.offsets").is_some(), "the host's stamp is gone from {result:?}");
    }
    let shuffled = s.read("sum-repartition")?;
    check::shuffled_once(&check::repartition_rows(&shuffled)?, workload.sums())?;
    for row in &shuffled {
        let span = span_of(&spans, row)?;
        ensure!(links_to(span, &s.input()), "{row:?} comes from {span:?}");
    }
    let requests = collector.requests()?;
    let service = ("service.name".to_owned(), "totals".to_owned());
    ensure!(requests.iter().all(|request| request.resource.contains(&service)), "{requests:?}");
    Ok(())
}

#[test]
fn a_result_leads_over_the_shuffle_to_the_records_that_it_comes_from() {
    embedded("traces-rows", |s| a_result_leads_back(s, 100, ["--combine", "never"]));
    // More records than a span has links.
    embedded("traces-partials", |s| a_result_leads_back(s, 500, ["--combine", "auto"]));
}

#[test]
fn a_transform_passes_all_headers_but_the_old_context() {
    embedded("traces-headers", |s| {
        let collector = Collector::start()?;
        s.kafka.create_topic(&s.input(), 1)?;
        let old = parent(1);
        let context = (TRACEPARENT, Some(old.as_bytes()));
        let headers: &[(&str, Option<&[u8]>)] =
            &[("a", Some(b"\xff")), context, ("tracestate", Some(b"b=c")), ("none", None), ("a", Some(b""))];
        let mut producer = s.kafka.producer()?;
        // The good one last: when its result is there, the other one is done with.
        for value in [&b"bad"[..], b"{\"order\":1}"] {
            let record = NewRecord { value: Some(value), headers, ..NewRecord::default() };
            producer.send(&s.input(), &record)?;
        }
        producer.flush()?;
        let host = s.host(files::guest("validate")).args(["--set", "fields=order: integer, required"]);
        let all = || {
            let is_there = s.kafka.partitions(&s.output())?.is_some();
            let results = if is_there { s.read("output")? } else { Vec::new() };
            Ok((!results.is_empty()).then_some(results))
        };
        let (spans, _) = spans_of(&host.variable(DELAY, "50"), &collector, all)?;

        let results = s.read("output")?;
        let [result] = results.as_slice() else { panic!("one record is good: {results:?}") };
        let span = span_of(&spans, result)?;
        ensure!(span.links.iter().map(|link| &link.traceparent).eq([&old]), "{span:?}");
        let passed = result.headers.iter().map(|(name, value)| (name.as_str(), value.as_deref()));
        let context = (TRACEPARENT, Some(span.traceparent.as_bytes()));
        let expected = [("a", Some(&b"\xff"[..])), ("none", None), ("a", Some(b"")), context];
        ensure!(passed.eq(expected), "{result:?}");
        // What failed is kept as it was.
        let letters = s.read("dead-letter")?;
        ensure!(letters.len() == 1 && letters[0].header(TRACEPARENT) == Some(old), "{letters:?}");
        Ok(())
    });
}

#[test]
fn a_collector_that_is_away_silent_or_of_another_kind_costs_nothing_but_a_warning() {
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let silent = format!("http://{}", silent.local_addr().expect("it listens"));
    let cases = [
        // Nothing listens on port 1.
        ("traces-away", ENDPOINT, "http://127.0.0.1:1", "the collector does not take spans"),
        // It would be waited for longer than the test waits for the host.
        ("traces-silent", ENDPOINT, &silent, "the collector does not answer"),
        ("traces-grpc", "OTEL_EXPORTER_OTLP_PROTOCOL", "grpc", "no traces of transactions"),
    ];
    for (name, variable, value, words) in cases {
        embedded(name, |s| {
            let workload = load(s, 100)?;
            let host = sum(s).variable(ENDPOINT, "http://127.0.0.1:1").variable(variable, value);
            let host = host.variable("OTEL_EXPORTER_OTLP_TIMEOUT", "3600000").arg("--until-end");
            let ended = host.complete(SOON)?;
            ensure!(ended.stderr.matches(words).count() == 1, "not \"{words}\" once:\n{}", ended.stderr);
            s.check_sums(&workload).map(drop)
        });
    }
}

/// A request as `spans.py` prints it.
fn in_json(request: &Request) -> Value {
    let link = |link: &Link| json!({ "traceparent": link.traceparent, "attributes": link.attributes });
    let span = |span: &Span| {
        json!({
            "traceparent": span.traceparent,
            "name": span.name,
            "kind": span.kind,
            "start_ns": span.start_ns,
            "end_ns": span.end_ns,
            "attributes": span.attributes,
            "links": span.links.iter().map(link).collect::<Vec<_>>(),
            "links_dropped": span.links_dropped,
            "error": span.error,
        })
    };
    json!({ "resource": request.resource, "spans": request.spans.iter().map(span).collect::<Vec<_>>() })
}

#[test]
fn others_read_the_same() {
    disturbed("traces-others", |s, proxy| {
        // More records than a span has links, and a transaction that is not committed.
        let (collector, workload) = (Collector::start()?, load(s, 500)?);
        let refuse = Rule::new(Action::Refuse(INVALID_PRODUCER_EPOCH)).on(Api::TxnOffsetCommit);
        // The first one commits where to begin, and has no span.
        let refused = proxy.add(refuse.after(1).times(1).of(&s.id));
        let host = sum(s).args(["--workers", "1"]);
        let (spans, _) = spans_of(&host, &collector, || all_written(s, &workload))?;
        ensure!(refused.fired() == 1, "no transaction was disturbed");
        ensure!(spans.iter().any(|span| span.links_dropped > 0), "all links had place");
        ensure!(spans.iter().any(|span| span.error.is_some()), "all was committed");

        let folder = s.file("bodies")?;
        fs::create_dir_all(&folder)?;
        let (bodies, ours) = (collector.bodies(), collector.requests()?);
        for (number, body) in bodies.iter().enumerate() {
            fs::write(folder.join(number.to_string()), body)?;
        }
        let theirs = python::run(&PACKAGES, "spans.py", &[folder.as_ref()])?;
        let ours: Vec<_> = ours[..bodies.len()].iter().map(in_json).collect();
        ensure!(theirs == Value::from(ours), "they read {theirs:#}");
        Ok(())
    });
}
