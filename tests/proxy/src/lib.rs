//! A proxy that stands between clients and one Kafka broker and does to single requests what a network or a broker may
//! do: delays, holds, lost answers, broken connections, error codes.
//!
//! [`rules`] decides and does no I/O; [`proxy`] performs. The broker advertises the proxy's address on a listener of
//! its own, so nothing in a response is rewritten and clients that use the ordinary listener see no fault. What is not
//! matched by a rule passes byte by byte as it was. Each rule counts how often it fired: a test whose fault did not
//! fire has shown nothing.

pub mod forge;
pub mod proxy;
pub mod request;
pub mod rules;

pub use kafka_protocol::messages::ApiKey as Api;
pub use proxy::{Fault, Proxy};
pub use rules::{Action, Rule};
