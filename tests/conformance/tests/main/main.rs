//! The embedded broker and Apache Kafka, told apart by nothing that a client sees of them.

mod groups;
mod java;
mod records;
mod retention;
mod topics;
mod transactions;
