//! The one place that sorts Kafka's errors by what to do about them. It retries nothing and logs nothing.

use super::sys;
use host_core::error::{Stop, StopKind};
use host_core::event::Failure;

/// An error code, of the broker or (with `__`) of librdkafka.
pub(super) type Code = rdkafka::bindings::rd_kafka_resp_err_t;

/// An error as librdkafka gives it.
#[derive(Clone, Debug)]
pub(super) struct Fault {
    pub(super) code: Code,
    /// The client is broken for good.
    pub(super) fatal: bool,
    /// The same call may succeed later.
    pub(super) retriable: bool,
    /// The open transaction can only be aborted.
    pub(super) abort: bool,
    pub(super) text: String,
}

impl Fault {
    /// A code without flags.
    pub(super) fn of(code: Code) -> Self {
        Self {
            code,
            fatal: code == Code::RD_KAFKA_RESP_ERR__FATAL,
            retriable: is_passing(code),
            abort: false,
            text: sys::describe(code),
        }
    }
}

/// What was being done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Doing {
    /// Making the producer ready, or beginning.
    Begin,
    /// Handing a record to the producer, or its delivery.
    Write,
    /// Adding offsets to the open transaction.
    SendOffsets,
    /// Committing the open transaction.
    Commit,
    /// Aborting the open transaction.
    Abort,
    /// Anything of a consumer or of the admin client.
    Read,
    /// Committing offsets without a transaction.
    CommitOffsets,
}

/// Sorts an error; `what` says what was tried and where.
pub(super) fn sort(doing: Doing, what: &str, fault: &Fault) -> Failure {
    let text = format!("{what}: {}", fault.text);
    if let Some((kind, hint)) = stops(doing, fault.code) {
        return Failure::Stop(Stop::new(
            kind,
            if hint.is_empty() { text } else { format!("{text}\n{hint}") },
        ));
    }
    match doing {
        Doing::CommitOffsets if is_stale(fault.code) => Failure::Stale(text),
        Doing::Read | Doing::CommitOffsets => of_reader(fault, text),
        Doing::Begin | Doing::Write | Doing::SendOffsets => of_producer(doing, fault, text),
        // Not known to have succeeded: it may have been done or not.
        Doing::Commit | Doing::Abort => Failure::ProducerLost(text),
    }
}

fn of_reader(fault: &Fault, text: String) -> Failure {
    if !fault.fatal && (fault.retriable || is_passing(fault.code)) {
        return Failure::Abortable(text);
    }
    Failure::Stop(Stop::new(StopKind::Kafka, text))
}

fn of_producer(doing: Doing, fault: &Fault, text: String) -> Failure {
    if fault.fatal || breaks_producer(fault.code) {
        return Failure::ProducerLost(text);
    }
    if doing == Doing::SendOffsets && is_stale(fault.code) {
        return Failure::Stale(text);
    }
    let given_up = doing == Doing::Write && (is_passing(fault.code) || is_undelivered(fault.code));
    if fault.abort || fault.retriable || given_up {
        return Failure::Abortable(text);
    }
    Failure::ProducerLost(text)
}

/// Errors that no retry and no new producer mends, with a hint for a person.
fn stops(doing: Doing, code: Code) -> Option<(StopKind, &'static str)> {
    use Code as C;
    Some(match code {
        C::RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED => (
            StopKind::NotAuthorised,
            "allow Read on inputs, Write on the output, and both on topics that begin with the application id",
        ),
        C::RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED => {
            (StopKind::NotAuthorised, "allow Read on groups that begin with the application id")
        }
        C::RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED => {
            (StopKind::NotAuthorised, "allow Write on transactional ids that begin with the application id")
        }
        C::RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED => (
            StopKind::NotAuthorised,
            "allow Create on topics that begin with the application id, or make them and set create_topics to \"none\"",
        ),
        C::RD_KAFKA_RESP_ERR_DELEGATION_TOKEN_AUTHORIZATION_FAILED
        | C::RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED
        | C::RD_KAFKA_RESP_ERR__AUTHENTICATION => {
            (StopKind::NotAuthorised, "check sasl.mechanism, sasl.username and sasl.password in [kafka]")
        }
        C::RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE => (
            StopKind::Kafka,
            "a record is larger than the topic takes: raise the topic's max.message.bytes and message.max.bytes in [kafka.producer]",
        ),
        C::RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART
        | C::RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC
        | C::RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION
        | C::RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION => {
            (StopKind::Kafka, "does the topic exist, with enough partitions?")
        }
        C::RD_KAFKA_RESP_ERR_INVALID_RECORD
        | C::RD_KAFKA_RESP_ERR_POLICY_VIOLATION
        | C::RD_KAFKA_RESP_ERR_INVALID_REQUIRED_ACKS
        | C::RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP
            if doing == Doing::Write =>
        {
            (StopKind::Kafka, "the broker refuses the record: a compacted topic, for one, takes no null key")
        }
        C::RD_KAFKA_RESP_ERR_INVALID_TRANSACTION_TIMEOUT => (
            StopKind::Kafka,
            "raise transaction.max.timeout.ms of the brokers, or shorten the commit interval",
        ),
        C::RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE | C::RD_KAFKA_RESP_ERR_UNSUPPORTED_VERSION => {
            (StopKind::Kafka, "the broker is too old for this")
        }
        C::RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID if doing == Doing::Read => (
            StopKind::Kafka,
            "another process uses the same identity: does a copy of the state folder run elsewhere?",
        ),
        C::RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET | C::RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE => (
            StopKind::State,
            "records were deleted before they were read, or the topic was made anew: choose offsets with kafka-consumer-groups --reset-offsets",
        ),
        _ => return None,
    })
}

/// The group does not take offsets of this assignment.
fn is_stale(code: Code) -> bool {
    matches!(
        code,
        Code::RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION
            | Code::RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID
            | Code::RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID
            | Code::RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS
            | Code::RD_KAFKA_RESP_ERR_STALE_MEMBER_EPOCH
            | Code::RD_KAFKA_RESP_ERR_FENCED_MEMBER_EPOCH
    )
}

fn breaks_producer(code: Code) -> bool {
    matches!(
        code,
        Code::RD_KAFKA_RESP_ERR_PRODUCER_FENCED
            | Code::RD_KAFKA_RESP_ERR__FENCED
            | Code::RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH
            | Code::RD_KAFKA_RESP_ERR_INVALID_PRODUCER_ID_MAPPING
            | Code::RD_KAFKA_RESP_ERR_INVALID_TXN_STATE
            | Code::RD_KAFKA_RESP_ERR_TRANSACTION_COORDINATOR_FENCED
            | Code::RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER
            | Code::RD_KAFKA_RESP_ERR_UNKNOWN_PRODUCER_ID
    )
}

/// A record was given up: its transaction is aborted and its input read again.
fn is_undelivered(code: Code) -> bool {
    matches!(
        code,
        Code::RD_KAFKA_RESP_ERR__MSG_TIMED_OUT
            | Code::RD_KAFKA_RESP_ERR__STATE
            | Code::RD_KAFKA_RESP_ERR__QUEUE_FULL
    )
}

/// Errors that pass by themselves while the client works on.
pub(super) fn is_passing(code: Code) -> bool {
    use Code as C;
    matches!(
        code,
        C::RD_KAFKA_RESP_ERR__TRANSPORT
            | C::RD_KAFKA_RESP_ERR__TIMED_OUT
            | C::RD_KAFKA_RESP_ERR__TIMED_OUT_QUEUE
            | C::RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN
            | C::RD_KAFKA_RESP_ERR__RESOLVE
            | C::RD_KAFKA_RESP_ERR__WAIT_COORD
            | C::RD_KAFKA_RESP_ERR__RETRY
            | C::RD_KAFKA_RESP_ERR__MAX_POLL_EXCEEDED
            | C::RD_KAFKA_RESP_ERR__PARTIAL
            | C::RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE
            | C::RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION
            | C::RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT
            | C::RD_KAFKA_RESP_ERR_BROKER_NOT_AVAILABLE
            | C::RD_KAFKA_RESP_ERR_REPLICA_NOT_AVAILABLE
            | C::RD_KAFKA_RESP_ERR_NETWORK_EXCEPTION
            | C::RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS
            | C::RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE
            | C::RD_KAFKA_RESP_ERR_NOT_COORDINATOR
            | C::RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS
            | C::RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS_AFTER_APPEND
            | C::RD_KAFKA_RESP_ERR_NOT_CONTROLLER
            | C::RD_KAFKA_RESP_ERR_CONCURRENT_TRANSACTIONS
            | C::RD_KAFKA_RESP_ERR_KAFKA_STORAGE_ERROR
            | C::RD_KAFKA_RESP_ERR_FENCED_LEADER_EPOCH
            | C::RD_KAFKA_RESP_ERR_UNKNOWN_LEADER_EPOCH
            | C::RD_KAFKA_RESP_ERR_OFFSET_NOT_AVAILABLE
            | C::RD_KAFKA_RESP_ERR_PREFERRED_LEADER_NOT_AVAILABLE
            | C::RD_KAFKA_RESP_ERR_UNSTABLE_OFFSET_COMMIT
            | C::RD_KAFKA_RESP_ERR_THROTTLING_QUOTA_EXCEEDED
            | C::RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS
    )
}

/// What an error event among a consumer's records asks for: none is passing, and only logged.
///
/// Everything not known to pass stops: after a broken batch, for one, librdkafka reads on behind it.
pub(super) fn of_consumer(what: &str, fault: &Fault) -> Option<Failure> {
    (fault.fatal || !is_passing(fault.code)).then(|| sort(Doing::Read, what, fault))
}

#[cfg(test)]
#[path = "error_tests.rs"]
mod tests;
