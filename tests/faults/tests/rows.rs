//! The rows, by what is hit.

mod access;
mod brokers;
mod commits;
mod coordinator;
mod groups;
mod input;
mod kills;
mod network;
mod points;
mod secured;
mod snapshots;
mod topics;
mod zombies;
