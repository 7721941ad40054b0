//! The rows, by what is hit.

mod commits;
mod points;
