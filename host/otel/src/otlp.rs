//! Spans as OTLP in protobuf: `opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest`. The numbers of fields
//! are those of `opentelemetry/proto` 1.x, which are stable.

use crate::span::{Attribute, Link, Span, Value};

/// The version of the semantic conventions that names of attributes are from.
const SCHEMA_URL: &str = "https://opentelemetry.io/schemas/1.27.0";
const KIND_CONSUMER: u64 = 5;
const STATUS_ERROR: u64 = 2;

/// The body of one request.
pub fn request(resource: &[(String, String)], spans: &[Span]) -> Vec<u8> {
    let mut scope_spans = Message::default();
    let mut scope = Message::default();
    scope.text(1, "wasmhost").text(2, env!("CARGO_PKG_VERSION"));
    scope_spans.message(1, scope);
    for span in spans {
        scope_spans.message(2, self::span(span));
    }
    scope_spans.text(3, SCHEMA_URL);
    let mut attributes = Message::default();
    for (key, value) in resource {
        attributes.message(1, attribute(key, &Value::Text(value.clone())));
    }
    let mut resource_spans = Message::default();
    resource_spans.message(1, attributes).message(2, scope_spans).text(3, SCHEMA_URL);
    let mut request = Message::default();
    request.message(1, resource_spans);
    request.0
}

fn span(span: &Span) -> Message {
    let mut out = Message::default();
    out.bytes(1, &span.context.trace_id.to_be_bytes()).bytes(2, &span.context.span_id.to_be_bytes());
    out.text(5, &span.name).number(6, KIND_CONSUMER).fixed(7, span.start_ns).fixed(8, span.end_ns);
    attributes(&mut out, 9, &span.attributes);
    for link in &span.links {
        out.message(13, self::link(link));
    }
    if span.links_dropped > 0 {
        out.number(14, u64::from(span.links_dropped));
    }
    if let Some(error) = &span.error {
        let mut status = Message::default();
        status.text(2, error).number(3, STATUS_ERROR);
        out.message(15, status);
    }
    out
}

fn link(link: &Link) -> Message {
    let mut out = Message::default();
    out.bytes(1, &link.context.trace_id.to_be_bytes()).bytes(2, &link.context.span_id.to_be_bytes());
    attributes(&mut out, 4, &link.attributes);
    out
}

fn attributes(out: &mut Message, field: u64, attributes: &[Attribute]) {
    for (key, value) in attributes {
        out.message(field, attribute(key, value));
    }
}

fn attribute(key: &str, value: &Value) -> Message {
    let mut any = Message::default();
    match value {
        Value::Text(text) => any.text(1, text),
        Value::Number(number) => any.number(3, number.cast_unsigned()),
    };
    let mut out = Message::default();
    out.text(1, key).message(2, any);
    out
}

/// A protobuf message being written.
#[derive(Default)]
struct Message(Vec<u8>);

impl Message {
    fn varint(&mut self, mut value: u64) -> &mut Self {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
        self
    }

    fn number(&mut self, field: u64, value: u64) -> &mut Self {
        self.varint(field << 3).varint(value)
    }

    fn fixed(&mut self, field: u64, value: u64) -> &mut Self {
        self.varint(field << 3 | 1).0.extend_from_slice(&value.to_le_bytes());
        self
    }

    fn bytes(&mut self, field: u64, bytes: &[u8]) -> &mut Self {
        self.varint(field << 3 | 2).varint(bytes.len() as u64).0.extend_from_slice(bytes);
        self
    }

    fn text(&mut self, field: u64, text: &str) -> &mut Self {
        self.bytes(field, text.as_bytes())
    }

    #[expect(clippy::needless_pass_by_value, reason = "what was written into another is of no more use")]
    fn message(&mut self, field: u64, message: Message) -> &mut Self {
        self.bytes(field, &message.0)
    }
}
