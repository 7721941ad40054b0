//! A worker's transaction as a span.

use crate::context::{Context, TRACEPARENT, TRACESTATE};
use crate::export::Exporter;
use crate::links::Links;
use crate::span::{Attribute, Link, Span, Value};
use host_core::record::{Batch, Offset, Rows, TopicPartition};
use std::time::{SystemTime, UNIX_EPOCH};

/// Makes a span of each transaction of one worker.
pub struct Tracer {
    exporter: Exporter,
    group: String,
    client_id: String,
    /// Since the first batch.
    open: Option<Open>,
}

struct Open {
    context: Context,
    start_ns: u64,
    records: u64,
    /// In the order in which they came.
    topics: Vec<String>,
    links: Links,
}

impl Tracer {
    /// A tracer of the worker `client_id` of the application `group`.
    pub fn new(exporter: Exporter, group: &str, client_id: &str) -> Self {
        Self { exporter, group: group.to_owned(), client_id: client_id.to_owned(), open: None }
    }

    /// A batch is processed; with the first one the span begins.
    pub fn batch(&mut self, batch: &Batch) {
        let ratio = self.exporter.ratio();
        let open = self.open.get_or_insert_with(|| Open::new(ratio));
        open.records += batch.rows.len() as u64;
        if !open.topics.contains(&batch.source.topic) {
            open.topics.push(batch.source.topic.clone());
        }
        if open.context.is_sampled && batch.rows.headers.is_some() {
            open.link(batch);
        }
    }

    /// The rows with the context of the span in place of any that they had.
    pub fn traced(&self, rows: &Rows) -> Option<Rows> {
        let header = self.open.as_ref()?.context.to_string();
        let mut out = Rows::new();
        for i in 0..rows.len() {
            let others = rows
                .headers(i)
                .filter(|(name, _)| ![TRACEPARENT, TRACESTATE].map(str::as_bytes).contains(name));
            let ours = [(TRACEPARENT.as_bytes(), Some(header.as_bytes()))];
            out.push_with_headers(rows.row(i), others.chain(ours));
        }
        Some(out)
    }

    /// The transaction is over; `error`: it was aborted, and why.
    pub fn end(&mut self, error: Option<String>) {
        let Some(open) = self.open.take() else { return };
        if open.context.is_sampled {
            self.exporter.send(open.ended(&self.group, &self.client_id, error));
        }
    }
}

impl Open {
    fn new(ratio: f64) -> Self {
        let mut context = Context::new(true);
        // As the standard's sampler does: by the trace id, so that all who sample alike agree.
        context.is_sampled = ((context.trace_id as u64 >> 1) as f64) < ratio * (1_u64 << 63) as f64;
        Self { context, start_ns: now_ns(), records: 0, topics: Vec::new(), links: Links::default() }
    }

    fn link(&mut self, batch: &Batch) {
        for i in 0..batch.rows.len() {
            let found = batch.rows.headers(i).find(|(name, _)| *name == TRACEPARENT.as_bytes());
            let Some(context) = found.and_then(|(_, value)| Context::parse(value?)) else { continue };
            self.links.add(context, || link(context, &batch.source, batch.offsets[i]));
        }
    }

    fn ended(self, group: &str, client_id: &str, error: Option<String>) -> Span {
        let mut attributes: Vec<Attribute> = vec![
            ("messaging.system", Value::Text("kafka".into())),
            ("messaging.operation.name", Value::Text("process".into())),
            ("messaging.operation.type", Value::Text("process".into())),
            ("messaging.consumer.group.name", Value::Text(group.to_owned())),
            ("messaging.client.id", Value::Text(client_id.to_owned())),
            ("messaging.batch.message_count", Value::Number(self.records as i64)),
        ];
        if error.is_some() {
            attributes.push(("error.type", Value::Text("aborted".into())));
        }
        let destination = self.topics.join(",");
        let name = format!("process {destination}");
        attributes.push(("messaging.destination.name", Value::Text(destination)));
        let (links, links_dropped) = self.links.into_parts();
        Span {
            context: self.context,
            name,
            start_ns: self.start_ns,
            end_ns: now_ns().max(self.start_ns),
            attributes,
            links,
            links_dropped,
            error,
        }
    }
}

/// To the record at this place.
fn link(context: Context, source: &TopicPartition, offset: Offset) -> Link {
    let attributes = vec![
        ("messaging.destination.name", Value::Text(source.topic.clone())),
        ("messaging.destination.partition.id", Value::Text(source.partition.to_string())),
        ("messaging.kafka.offset", Value::Number(offset)),
    ];
    Link { context, attributes }
}

fn now_ns() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_nanos() as u64)
}
