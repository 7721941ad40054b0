//! The time of a call: CPU time of the thread that makes it, so that a busy machine blames no guest.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// CPU time that this thread has used since it began.
pub(crate) fn thread_cpu() -> Duration {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(now.tv_sec.unsigned_abs(), now.tv_nsec.unsigned_abs() as u32)
}

/// The CPU time that a call may use. Must be asked on the thread on which it began.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deadline {
    began: Duration,
    allowed: Duration,
}

impl Deadline {
    /// From now on, `allowed`.
    pub(super) fn begin(allowed: Duration) -> Self {
        Self { began: thread_cpu(), allowed }
    }

    /// CPU time since [`Deadline::begin`].
    pub(super) fn spent(&self) -> Duration {
        thread_cpu().saturating_sub(self.began)
    }

    /// An error once the time is used up.
    pub(super) fn check(&self) -> Result<(), DeadlinePassed> {
        let spent = self.spent();
        if spent <= self.allowed { Ok(()) } else { Err(DeadlinePassed { spent, allowed: self.allowed }) }
    }
}

/// A call has used up its time.
#[derive(Debug, thiserror::Error)]
#[error("the call used {spent:?} of CPU time, and {allowed:?} are allowed")]
pub(super) struct DeadlinePassed {
    spent: Duration,
    allowed: Duration,
}
