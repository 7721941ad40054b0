//! A collector of OpenTelemetry in the test's process. It takes spans as OTLP over HTTP, and reads as much of them as
//! tests ask about, by the numbers of the fields in `opentelemetry/proto`.

use crate::http;
use anyhow::{Context as _, Result, bail, ensure};
use std::fmt::Write as _;
use std::io::{BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

/// Names and values of attributes; numbers as text.
pub type Attributes = Vec<(String, String)>;

type HeadAndBody = (String, Vec<u8>);

/// Takes requests until the process ends.
#[derive(Debug)]
pub struct Collector {
    address: String,
    requests: Arc<Mutex<Vec<HeadAndBody>>>,
}

/// What one request brought.
#[derive(Clone, Debug)]
pub struct Request {
    /// The HTTP header, with its last empty line.
    pub head: String,
    /// What the spans are of.
    pub resource: Attributes,
    /// The spans.
    pub spans: Vec<Span>,
}

/// A span.
#[derive(Clone, Debug)]
pub struct Span {
    /// Its ids, as a sampled `traceparent` has them.
    pub traceparent: String,
    /// Its name.
    pub name: String,
    /// The number of its kind; 5 is a consumer.
    pub kind: u64,
    /// Nanoseconds since the epoch.
    pub start_ns: u64,
    /// The same.
    pub end_ns: u64,
    /// What it was.
    pub attributes: Attributes,
    /// What it has to do with.
    pub links: Vec<Link>,
    /// So many more there would have been.
    pub links_dropped: u64,
    /// The text of its status, when that is an error.
    pub error: Option<String>,
}

/// A link of a span.
#[derive(Clone, Debug)]
pub struct Link {
    /// The ids of the other one, as a sampled `traceparent` has them.
    pub traceparent: String,
    /// Where it was found.
    pub attributes: Attributes,
}

impl Collector {
    /// Starts one on a free port.
    ///
    /// # Errors
    /// There is none.
    pub fn start() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?.to_string();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let taken = Arc::clone(&requests);
        thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let Ok(request) = take(&stream) else { continue };
                taken.lock().unwrap_or_else(PoisonError::into_inner).push(request);
                // Whoever does not wait for the answer has been heard all the same.
                drop(stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"));
            }
        });
        Ok(Self { address, requests })
    }

    /// For `OTEL_EXPORTER_OTLP_ENDPOINT`.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The requests so far.
    ///
    /// # Errors
    /// One is not as OTLP has it.
    pub fn requests(&self) -> Result<Vec<Request>> {
        let requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        requests.iter().map(|(head, body)| request(head, body)).collect()
    }

    /// The bodies of the requests so far, as they came.
    pub fn bodies(&self) -> Vec<Vec<u8>> {
        let requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        requests.iter().map(|(_, body)| body.clone()).collect()
    }

    /// The spans of all of them.
    ///
    /// # Errors
    /// One is not as OTLP has it.
    pub fn spans(&self) -> Result<Vec<Span>> {
        Ok(self.requests()?.into_iter().flat_map(|request| request.spans).collect())
    }
}

fn take(stream: &TcpStream) -> Result<HeadAndBody> {
    let mut reader = BufReader::new(stream);
    let head = http::head(&mut reader)?;
    let mut body = vec![0; http::content_length(&head)?.context("a request says its length")?];
    reader.read_exact(&mut body)?;
    Ok((head, body))
}

fn request(head: &str, body: &[u8]) -> Result<Request> {
    let resource_spans = Message::read(body)?.message(1)?;
    let spans = resource_spans.message(2)?.messages(2)?;
    Ok(Request {
        head: head.to_owned(),
        resource: attributes(&resource_spans.message(1)?, 1)?,
        spans: spans.iter().map(span).collect::<Result<_>>()?,
    })
}

fn span(span: &Message) -> Result<Span> {
    let status = span.messages(15)?;
    let is_error = |status: &&Message| status.number(3) == 2;
    Ok(Span {
        traceparent: traceparent(span),
        name: span.text(5)?,
        kind: span.number(6),
        start_ns: span.number(7),
        end_ns: span.number(8),
        attributes: attributes(span, 9)?,
        links: span.messages(13)?.iter().map(link).collect::<Result<_>>()?,
        links_dropped: span.number(14),
        error: status.iter().find(is_error).map(|status| status.text(2)).transpose()?,
    })
}

fn link(link: &Message) -> Result<Link> {
    Ok(Link { traceparent: traceparent(link), attributes: attributes(link, 4)? })
}

fn traceparent(message: &Message) -> String {
    let hex = |number| {
        message.bytes(number).iter().fold(String::new(), |mut text, byte| {
            // Writing to a string does not fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
    };
    format!("00-{}-{}-01", hex(1), hex(2))
}

fn attributes(message: &Message, number: u64) -> Result<Attributes> {
    let pair = |pair: &Message| {
        let value = pair.message(2)?;
        let text = if value.has(1) { value.text(1)? } else { value.number(3).to_string() };
        Ok((pair.text(1)?, text))
    };
    message.messages(number)?.iter().map(pair).collect()
}

/// A message of protobuf: its fields by their numbers, in their order.
struct Message(Vec<(u64, Field)>);

enum Field {
    Number(u64),
    Bytes(Vec<u8>),
}

impl Message {
    fn read(mut bytes: &[u8]) -> Result<Self> {
        let mut fields = Vec::new();
        while !bytes.is_empty() {
            let tag = varint(&mut bytes)?;
            let field = match tag & 7 {
                0 => Field::Number(varint(&mut bytes)?),
                1 => Field::Number(u64::from_le_bytes(cut(&mut bytes, 8)?.try_into()?)),
                2 => {
                    let length = varint(&mut bytes)?;
                    Field::Bytes(cut(&mut bytes, usize::try_from(length)?)?.to_vec())
                }
                other => bail!("field {} has wire type {other}", tag >> 3),
            };
            fields.push((tag >> 3, field));
        }
        Ok(Self(fields))
    }

    fn has(&self, number: u64) -> bool {
        self.0.iter().any(|(found, _)| *found == number)
    }

    /// 0, as protobuf has it, when it is not there.
    fn number(&self, number: u64) -> u64 {
        let found = self.0.iter().find_map(|(found, field)| match field {
            Field::Number(value) if *found == number => Some(*value),
            _ => None,
        });
        found.unwrap_or_default()
    }

    fn all(&self, number: u64) -> impl Iterator<Item = &[u8]> {
        self.0.iter().filter_map(move |(found, field)| match field {
            Field::Bytes(bytes) if *found == number => Some(bytes.as_slice()),
            _ => None,
        })
    }

    fn bytes(&self, number: u64) -> &[u8] {
        self.all(number).next().unwrap_or_default()
    }

    fn text(&self, number: u64) -> Result<String> {
        Ok(String::from_utf8(self.bytes(number).to_vec())?)
    }

    fn messages(&self, number: u64) -> Result<Vec<Self>> {
        self.all(number).map(Self::read).collect()
    }

    /// The only one.
    fn message(&self, number: u64) -> Result<Self> {
        let mut all = self.messages(number)?;
        ensure!(all.len() == 1, "field {number} is there {} times", all.len());
        Ok(all.remove(0))
    }
}

fn cut<'a>(bytes: &mut &'a [u8], length: usize) -> Result<&'a [u8]> {
    let (head, rest) = bytes.split_at_checked(length).context("a message ends in a field")?;
    *bytes = rest;
    Ok(head)
}

fn varint(bytes: &mut &[u8]) -> Result<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let byte = cut(bytes, 1)?[0];
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok(value);
        }
    }
    bail!("a number has more than 64 bits")
}
