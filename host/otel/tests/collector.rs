//! What a collector gets, and what becomes of the records.

use host_core::event::Epoch;
use host_core::record::{Batch, Row, Rows, TopicPartition};
use host_otel::export::EXIT_WAIT_MAX;
use host_otel::{Context, Exporter, LINKS_MAX, Settings, Tracer};
use std::net::TcpListener;
use testkit::scenario::SOON;
use testkit::traces::{Attributes, Collector, Span};
use testkit::wait_until;

const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/// A tracer with these variables. When it goes, everything is sent.
fn tracer(endpoint: &str, more: &[(&str, &str)]) -> Tracer {
    Tracer::new(exporter(endpoint, more), "totals", "totals-0")
}

fn exporter(endpoint: &str, more: &[(&str, &str)]) -> Exporter {
    let get = |name: &str| match name {
        "OTEL_EXPORTER_OTLP_ENDPOINT" => Some(endpoint.to_owned()),
        "OTEL_EXPORTER_OTLP_HEADERS" => Some("tenant=a%20b".into()),
        "OTEL_SERVICE_NAME" => Some("totals".into()),
        _ => more.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned()),
    };
    let settings = Settings::from_env(get).expect("good").expect("on");
    Exporter::start(settings).expect("a thread")
}

fn collector() -> Collector {
    Collector::start().expect("a port is free")
}

/// Rows at offsets from 7 on, each with the `traceparent` that `parent` gives for it.
fn batch(count: usize, parent: impl Fn(usize) -> Option<String>) -> Batch {
    let mut rows = Rows::new();
    for i in 0..count {
        let parent = parent(i);
        let state: (&[u8], Option<&[u8]>) = (b"tracestate", Some(b"a=b"));
        let parent = parent.as_ref().map(|parent| (&b"traceparent"[..], Some(parent.as_bytes())));
        rows.push_with_headers(
            Row { key: None, value: Some(b"v"), timestamp: 1 },
            parent.into_iter().chain([state]),
        );
    }
    let offsets = (0..count as i64).map(|i| 7 + i).collect();
    Batch { source: TopicPartition::new("in", 3), epoch: Epoch(1), offsets, rows }
}

fn has(attributes: &Attributes, key: &str, value: &str) {
    assert!(attributes.contains(&(key.to_owned(), value.to_owned())), "{key}={value} in {attributes:?}");
}

/// The only one.
fn span(collector: &Collector) -> Span {
    let mut spans = collector.spans().expect("OTLP");
    assert_eq!(spans.len(), 1);
    spans.remove(0)
}

#[test]
fn a_transaction_is_a_span_that_links_to_its_records() {
    let collector = collector();
    let mut tracer = tracer(&collector.endpoint(), &[]);
    let batch = batch(4, |i| (i < 2).then(|| PARENT.to_owned()));
    tracer.batch(&batch);
    let traced = tracer.traced(&batch.rows).expect("a transaction is open");
    tracer.end(None);
    assert_eq!(tracer.traced(&batch.rows), None);
    drop(tracer);

    let requests = collector.requests().expect("OTLP");
    let [request] = requests.as_slice() else { panic!("{requests:?}") };
    assert!(request.head.starts_with("POST /v1/traces HTTP/1.1\r\n"), "{}", request.head);
    for line in ["Content-Type: application/x-protobuf", "tenant: a b"] {
        assert!(request.head.contains(&format!("\r\n{line}\r\n")), "{}", request.head);
    }
    has(&request.resource, "service.name", "totals");
    let span = span(&collector);
    assert_eq!((span.name.as_str(), span.kind, &span.error), ("process in", 5, &None));
    assert!(span.start_ns > 0 && span.end_ns >= span.start_ns);
    has(&span.attributes, "messaging.system", "kafka");
    has(&span.attributes, "messaging.consumer.group.name", "totals");
    has(&span.attributes, "messaging.destination.name", "in");
    has(&span.attributes, "messaging.batch.message_count", "4");
    let [link] = span.links.as_slice() else { panic!("two records of one context are {:?}", span.links) };
    assert_eq!(link.traceparent, PARENT);
    has(&link.attributes, "messaging.destination.partition.id", "3");
    has(&link.attributes, "messaging.kafka.offset", "7");

    for i in 0..4 {
        let headers: Vec<_> = traced.headers(i).collect();
        assert_eq!(headers, [(&b"traceparent"[..], Some(span.traceparent.as_bytes()))]);
    }
}

#[test]
fn links_are_bounded_and_an_abort_is_an_error() {
    let collector = collector();
    let mut tracer = tracer(&collector.endpoint(), &[]);
    let parents: Vec<_> = (0..LINKS_MAX + 5).map(|_| Context::new(true).to_string()).collect();
    // Twice: what has a link, and what found no place, is known already.
    for _ in 0..2 {
        tracer.batch(&batch(parents.len(), |i| Some(parents[i].clone())));
    }
    tracer.end(Some("the broker went away".into()));
    drop(tracer);
    let span = span(&collector);
    assert_eq!((span.links.len(), span.links_dropped), (LINKS_MAX, 5));
    assert_eq!(span.error.as_deref(), Some("the broker went away"));
}

#[test]
fn what_is_not_sampled_is_marked_and_not_sent() {
    let collector = collector();
    let mut tracer = tracer(&collector.endpoint(), &[("OTEL_TRACES_SAMPLER", "always_off")]);
    let batch = batch(1, |_| None);
    tracer.batch(&batch);
    let traced = tracer.traced(&batch.rows).expect("a transaction is open");
    let (_, value) = traced.headers(0).next().expect("a header");
    assert!(!Context::parse(value.expect("not null")).expect("it is one").is_sampled);
    tracer.end(None);
    drop(tracer);
    assert!(collector.spans().expect("OTLP").is_empty(), "nothing was sent, as the exporter has ended");
}

#[test]
fn a_collector_that_is_away_costs_spans_and_nothing_else() {
    const SPANS: u64 = 10_000;
    // Nothing listens on port 1.
    let exporter = exporter("http://127.0.0.1:1", &[("OTEL_BSP_SCHEDULE_DELAY", "1")]);
    let mut tracer = Tracer::new(exporter.clone(), "totals", "totals-0");
    for _ in 0..SPANS {
        tracer.batch(&batch(1, |_| None));
        tracer.end(None);
    }
    wait_until("all spans are counted as lost", SOON, || Ok(exporter.lost() == SPANS)).expect("they are");
}

#[test]
fn a_collector_that_is_silent_holds_up_the_end_for_no_longer_than_its_limit() {
    // It takes connections, and answers none.
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let endpoint = format!("http://{}", silent.local_addr().expect("it listens"));
    let an_hour = [("OTEL_EXPORTER_OTLP_TIMEOUT", "3600000")];
    let mut tracer = tracer(&endpoint, &an_hour);
    tracer.batch(&batch(1, |_| None));
    tracer.end(None);
    let began = std::time::Instant::now();
    drop(tracer);
    // A busy machine may be late, but not by an hour.
    assert!(began.elapsed() < EXIT_WAIT_MAX * 10, "{:?}", began.elapsed());
}
