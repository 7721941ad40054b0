//! What a collector gets, read by the numbers of OTLP's fields; and what becomes of the records.

use host_core::event::Epoch;
use host_core::record::{Batch, Row, Rows, TopicPartition};
use host_otel::tracer::LINKS_MAX;
use host_otel::{Context, Exporter, Settings, Tracer};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

const SOON: Duration = Duration::from_secs(30);
const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/// A collector that takes requests, and shows them: their heads and their bodies.
fn collector() -> (String, Receiver<(String, Vec<u8>)>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let address = listener.local_addr().expect("it listens").to_string();
    let (sender, requests) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut reader = BufReader::new(&stream);
            let mut head = String::new();
            while !head.ends_with("\r\n\r\n") {
                reader.read_line(&mut head).expect("a request has a head");
            }
            let length =
                head.lines().find_map(|line| line.strip_prefix("Content-Length: ")).expect("its length");
            let mut body = vec![0; length.parse().expect("a number")];
            reader.read_exact(&mut body).expect("a request has a body");
            (&stream).write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").expect("the exporter waits");
            if sender.send((head, body)).is_err() {
                return;
            }
        }
    });
    (address, requests)
}

fn settings(address: &str, more: &[(&str, &str)]) -> Settings {
    let endpoint = format!("http://{address}");
    let get = |name: &str| match name {
        "OTEL_EXPORTER_OTLP_ENDPOINT" => Some(endpoint.clone()),
        "OTEL_EXPORTER_OTLP_HEADERS" => Some("tenant=a%20b".into()),
        "OTEL_SERVICE_NAME" => Some("totals".into()),
        _ => more.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned()),
    };
    Settings::from_env(get).expect("good").expect("on")
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

/// One field of a protobuf message.
#[derive(Clone, Debug, PartialEq)]
enum Field {
    Number(u64),
    Bytes(Vec<u8>),
}

fn varint(bytes: &mut &[u8]) -> u64 {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (first, rest) = bytes.split_first().expect("a varint is whole");
        *bytes = rest;
        value |= u64::from(first & 0x7f) << shift;
        if first & 0x80 == 0 {
            break;
        }
    }
    value
}

/// All fields of a message with this number.
fn fields(mut bytes: &[u8], number: u64) -> Vec<Field> {
    let mut found = Vec::new();
    while !bytes.is_empty() {
        let tag = varint(&mut bytes);
        let field = match tag & 7 {
            0 => Field::Number(varint(&mut bytes)),
            1 => {
                let (value, rest) = bytes.split_at(8);
                bytes = rest;
                Field::Number(u64::from_le_bytes(value.try_into().expect("eight bytes")))
            }
            2 => {
                let length = varint(&mut bytes) as usize;
                let (value, rest) = bytes.split_at(length);
                bytes = rest;
                Field::Bytes(value.to_vec())
            }
            other => panic!("wire type {other}"),
        };
        if tag >> 3 == number {
            found.push(field);
        }
    }
    found
}

fn messages(bytes: &[u8], number: u64) -> Vec<Vec<u8>> {
    let message = |field| match field {
        Field::Bytes(bytes) => bytes,
        Field::Number(number) => panic!("{number} is no message"),
    };
    fields(bytes, number).into_iter().map(message).collect()
}

fn message(bytes: &[u8], number: u64) -> Vec<u8> {
    let mut all = messages(bytes, number);
    assert_eq!(all.len(), 1, "field {number}");
    all.remove(0)
}

fn number(bytes: &[u8], number: u64) -> u64 {
    match fields(bytes, number).as_slice() {
        [Field::Number(value)] => *value,
        other => panic!("field {number} is {other:?}"),
    }
}

/// Names and values of `KeyValue`s, numbers as text.
fn attributes(bytes: &[u8], field: u64) -> Vec<(String, String)> {
    let pair = |pair: Vec<u8>| {
        let value = message(&pair, 2);
        let text = messages(&value, 1).pop().map(|text| String::from_utf8(text).expect("text"));
        (
            String::from_utf8(message(&pair, 1)).expect("text"),
            text.unwrap_or_else(|| number(&value, 3).to_string()),
        )
    };
    messages(bytes, field).into_iter().map(pair).collect()
}

fn has(attributes: &[(String, String)], key: &str, value: &str) {
    assert!(attributes.contains(&(key.to_owned(), value.to_owned())), "{key}={value} in {attributes:?}");
}

/// Resource and spans of the only request.
fn received(requests: &Receiver<(String, Vec<u8>)>) -> (Vec<(String, String)>, Vec<Vec<u8>>) {
    let (head, body) = requests.recv_timeout(SOON).expect("a request");
    assert!(head.starts_with("POST /v1/traces HTTP/1.1\r\n"), "{head}");
    assert!(
        head.contains("\r\nContent-Type: application/x-protobuf\r\n") && head.contains("\r\ntenant: a b\r\n")
    );
    let resource_spans = message(&body, 1);
    (attributes(&message(&resource_spans, 1), 1), messages(&message(&resource_spans, 2), 2))
}

#[test]
fn a_transaction_is_a_span_that_links_to_its_records() {
    let (address, requests) = collector();
    let exporter = Exporter::start(settings(&address, &[])).expect("a thread");
    let mut tracer = Tracer::new(exporter, "totals", "totals-0");
    let batch = batch(4, |i| (i < 2).then(|| PARENT.to_owned()));
    tracer.batch(&batch);
    let traced = tracer.traced(&batch.rows).expect("a transaction is open");
    tracer.end(None);
    assert_eq!(tracer.traced(&batch.rows), None);
    drop(tracer);

    let (resource, spans) = received(&requests);
    has(&resource, "service.name", "totals");
    let [span] = spans.as_slice() else { panic!("{} spans", spans.len()) };
    assert_eq!(message(span, 5), b"process in");
    assert_eq!(number(span, 6), 5, "a consumer");
    assert!(number(span, 7) > 0 && number(span, 8) >= number(span, 7));
    let about = attributes(span, 9);
    has(&about, "messaging.system", "kafka");
    has(&about, "messaging.consumer.group.name", "totals");
    has(&about, "messaging.destination.name", "in");
    has(&about, "messaging.batch.message_count", "4");
    assert!(fields(span, 15).is_empty(), "no error");
    let links = messages(span, 13);
    let [link] = links.as_slice() else { panic!("two records of one context are {} links", links.len()) };
    let parent = Context::parse(PARENT.as_bytes()).expect("it is one");
    assert_eq!(message(link, 1), parent.trace_id.to_be_bytes());
    assert_eq!(message(link, 2), parent.span_id.to_be_bytes());
    has(&attributes(link, 4), "messaging.destination.partition.id", "3");
    has(&attributes(link, 4), "messaging.kafka.offset", "7");

    for i in 0..4 {
        let headers: Vec<_> = traced.headers(i).collect();
        let [(b"traceparent", Some(value))] = headers.as_slice() else { panic!("{headers:?}") };
        let ours = Context::parse(value).expect("it is one");
        assert!(ours.is_sampled);
        assert_eq!(
            (message(span, 1), message(span, 2)),
            (ours.trace_id.to_be_bytes().to_vec(), ours.span_id.to_be_bytes().to_vec())
        );
    }
}

#[test]
fn links_are_bounded_and_an_abort_is_an_error() {
    let (address, requests) = collector();
    let mut tracer = Tracer::new(Exporter::start(settings(&address, &[])).expect("a thread"), "a", "a-0");
    tracer.batch(&batch(LINKS_MAX + 5, |_| Some(Context::new(true).to_string())));
    tracer.end(Some("the broker went away".into()));
    drop(tracer);
    let (_, spans) = received(&requests);
    assert_eq!(messages(&spans[0], 13).len(), LINKS_MAX);
    assert_eq!(number(&spans[0], 14), 5);
    let status = message(&spans[0], 15);
    assert_eq!((message(&status, 2), number(&status, 3)), (b"the broker went away".to_vec(), 2));
}

#[test]
fn what_is_not_sampled_is_marked_and_not_sent() {
    let (address, requests) = collector();
    let off = [("OTEL_TRACES_SAMPLER", "always_off")];
    let mut tracer = Tracer::new(Exporter::start(settings(&address, &off)).expect("a thread"), "a", "a-0");
    let batch = batch(1, |_| None);
    tracer.batch(&batch);
    let traced = tracer.traced(&batch.rows).expect("a transaction is open");
    let (_, value) = traced.headers(0).next().expect("a header");
    assert!(!Context::parse(value.expect("not null")).expect("it is one").is_sampled);
    tracer.end(None);
    drop(tracer);
    assert!(requests.try_recv().is_err(), "nothing was sent, as the exporter has ended");
}

#[test]
fn a_collector_that_is_away_costs_spans_and_nothing_else() {
    // Nothing listens on port 1.
    let mut tracer =
        Tracer::new(Exporter::start(settings("127.0.0.1:1", &[])).expect("a thread"), "a", "a-0");
    for _ in 0..10_000 {
        tracer.batch(&batch(1, |_| None));
        tracer.end(None);
    }
}
