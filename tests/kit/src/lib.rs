//! What tests, the demo and the benchmark share: a real Kafka, workloads with a known answer, the real
//! `host` as a child process, and the checks of what it wrote.
//!
//! It judges the host, so it uses nothing of the host but the framing of repartition rows.

pub mod bed;
pub mod browser;
pub mod check;
pub mod consume;
pub mod files;
pub mod host;
pub mod http;
pub mod kafka;
pub mod murmur2;
pub mod produce;
pub mod rng;
pub mod scenario;
pub mod traces;
pub mod wait;
pub mod workload;

pub use bed::Bed;
pub use browser::Browser;
pub use consume::{Isolation, Passing, Record};
pub use host::{Admin, Ended, HostCommand, HostProcess};
pub use kafka::Kafka;
pub use produce::{NewRecord, Producer};
pub use rng::Rng;
pub use scenario::{Scenario, embedded, scenario, scenario_at};
pub use wait::wait_until;
pub use workload::{BadLine, Line, Workload, WorkloadSpec};
