//! The fault matrix: each row is a kind of fault, and the promise that nothing is lost and nothing counted twice.
//!
//! Goal: the promise holds whatever happens between the host and a real Kafka. Method: a proxy of our own stands
//! between the two (`tests/proxy`) and hits single requests; hosts are killed and stopped; after each run everything
//! that a read-committed reader sees must be exact. A run in which the fault did not fire is an error. How often a row
//! is run says the tier (`cargo xtask faults`); what came of it is in `tests/FAULTS.md`.

mod java;
mod row;
mod rows;
mod run;
mod verifier;
mod verifier_test;
