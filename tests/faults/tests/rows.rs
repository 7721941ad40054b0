//! The rows, by what is hit.

mod brokers;
mod commits;
mod coordinator;
mod groups;
mod input;
mod kills;
mod network;
mod points;
mod snapshots;
mod topics;
mod zombies;
