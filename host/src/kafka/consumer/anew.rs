//! A member whose client is of no use any more joins again, with another client.

use super::{Consumer, Owes, subscribe};
use crate::kafka::error::{Code, Doing, Fault, sort};
use crate::kafka::fetch::Fetch;
use crate::kafka::sys::{Handle, Kind};
use host_core::error::{Stop, StopKind};
use host_core::event::Failure;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Bounds the question whether any broker answers.
const BROKER_TIMEOUT: Duration = Duration::from_secs(5);

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
        if let Err(failure) = self.replace_client() {
            return failure;
        }
        tracing::warn!(
            error = fault.text,
            "the group took this member for another one of its name; joining again"
        );
        self.joined_again = Some(Instant::now());
        Failure::Evicted(fault.text)
    }

    /// When the next assignment has been waited for longer than a session, and no broker answers this client, another
    /// client joins in its place: librdkafka 2.12.1 may have lost all its brokers, and does not look for any then.
    pub(super) fn join_again_without_brokers(&mut self, since: Instant) -> Result<(), Failure> {
        if since.elapsed() < self.session_timeout {
            return Ok(());
        }
        if self.handle.reaches_a_broker(BROKER_TIMEOUT) {
            self.joins_since = Some(Instant::now());
            return Ok(());
        }
        tracing::warn!(
            "no broker answers, and the group has given nothing for {:?}; joining again with another client",
            since.elapsed()
        );
        self.replace_client()
    }

    fn replace_client(&mut self) -> Result<(), Failure> {
        let handle = Handle::new(Kind::Consumer, &self.config)
            .map_err(|text| Failure::Stop(Stop::new(StopKind::Kafka, text)))?;
        let handle = Arc::new(handle);
        subscribe(&handle, &self.topics)?;
        self.fetch = Fetch::new(Arc::clone(&handle));
        self.metadata = None;
        self.owes = Owes::Nothing;
        self.joins_since = Some(Instant::now());
        self.handle = handle;
        Ok(())
    }
}
