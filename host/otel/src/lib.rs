#![forbid(unsafe_code)]
//! Traces of transactions, for OpenTelemetry.
//!
//! A transaction holds many records, each of which may be part of a trace of its own (`traceparent` of W3C Trace
//! Context in its headers). So a transaction is one span with a *link* to each of them, and what it writes carries the
//! context of that span. Spans go to a collector as OTLP, protobuf over HTTP, in the background: a collector that is
//! away costs spans and nothing else. The names of attributes are those of the semantic conventions 1.27.0, whose part
//! on messaging is not declared stable.
//!
//! Nothing happens unless the standard variables say where a collector is ([`Settings::from_env`]); a host that is
//! built without its feature `otel` has nothing of this.
//!
//! Encoding and sending are by hand, as they are small ([`otlp`]), and as the ordinary crates would change features of
//! what the rest of the host is built of.

pub mod context;
mod counts;
pub mod export;
mod links;
pub mod otlp;
pub mod settings;
pub mod span;
pub mod tracer;

pub use context::Context;
pub use export::Exporter;
pub use links::LINKS_MAX;
pub use settings::Settings;
pub use tracer::Tracer;
