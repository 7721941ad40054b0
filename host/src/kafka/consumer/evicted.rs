//! A member that the group has taken for another one of its name joins again.

use super::{Consumer, Owes, subscribe};
use crate::kafka::error::{Code, Doing, Fault, sort};
use crate::kafka::fetch::Fetch;
use crate::kafka::sys::{Handle, Kind};
use host_core::error::{Stop, StopKind};
use host_core::event::Failure;
use std::sync::Arc;
use std::time::Instant;

impl Consumer {
    /// When the group has taken this member for another one of its name, which ends a client for good, another client
    /// joins in its place, and the failure is [`Failure::Evicted`]; any other failure stays as it is.
    ///
    /// It need not be another one: a restarted broker, and an answer that was lost, have a member join twice, and what
    /// its first self has still under way is refused so. That nobody else on this machine has the identity, the lock on
    /// its slot says. A copy of the state folder elsewhere does the same as we do and evicts us again; the one to whom
    /// that happens within a session stops.
    pub fn join_again_after(&mut self, failure: Failure) -> Failure {
        let is_evicted = |fault: &Fault| fault.code == Code::RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID;
        let Some(fault) = self.handle.fatal().filter(is_evicted) else { return failure };
        if self.joined_again.is_some_and(|at| at.elapsed() < self.session_timeout) {
            return sort(Doing::Read, "reading", &fault);
        }
        let handle = match Handle::new(Kind::Consumer, &self.config) {
            Ok(handle) => Arc::new(handle),
            Err(text) => return Failure::Stop(Stop::new(StopKind::Kafka, text)),
        };
        if let Err(failure) = subscribe(&handle, &self.topics) {
            return failure;
        }
        tracing::warn!(
            error = fault.text,
            "the group took this member for another one of its name; joining again"
        );
        self.joined_again = Some(Instant::now());
        self.fetch = Fetch::new(Arc::clone(&handle));
        self.metadata = None;
        self.owes = Owes::Nothing;
        self.joins = true;
        self.handle = handle;
        Failure::Evicted(fault.text)
    }
}
