//! Which error asks for what, as a table.

use super::*;

#[derive(Debug, PartialEq)]
enum Sorted {
    Abortable,
    Stale,
    ProducerLost,
    Stop(StopKind),
}

fn sorted(doing: Doing, fault: &Fault) -> Sorted {
    match sort(doing, "trying", fault) {
        Failure::Abortable(_) => Sorted::Abortable,
        Failure::Stale(_) => Sorted::Stale,
        Failure::ProducerLost(_) => Sorted::ProducerLost,
        Failure::Unplaced(_) | Failure::Evicted(_) => {
            unreachable!("only the worker says so, of the consumer")
        }
        Failure::Stop(stop) => Sorted::Stop(stop.kind),
    }
}

#[test]
fn every_code_is_sorted_by_what_was_being_done() {
    use Code as C;
    let not_authorised = || Sorted::Stop(StopKind::NotAuthorised);
    let kafka = || Sorted::Stop(StopKind::Kafka);
    let table = [
        (Doing::SendOffsets, C::RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION, Sorted::Stale),
        (Doing::SendOffsets, C::RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID, Sorted::Stale),
        (Doing::SendOffsets, C::RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID, Sorted::Stale),
        (Doing::SendOffsets, C::RD_KAFKA_RESP_ERR_PRODUCER_FENCED, Sorted::ProducerLost),
        (Doing::SendOffsets, C::RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS, Sorted::Abortable),
        (Doing::SendOffsets, C::RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED, not_authorised()),
        (Doing::SendOffsets, C::RD_KAFKA_RESP_ERR_UNKNOWN, Sorted::ProducerLost),
        (Doing::Commit, C::RD_KAFKA_RESP_ERR__TIMED_OUT, Sorted::ProducerLost),
        (Doing::Commit, C::RD_KAFKA_RESP_ERR_INVALID_TXN_STATE, Sorted::ProducerLost),
        (Doing::Commit, C::RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH, Sorted::ProducerLost),
        (Doing::Commit, C::RD_KAFKA_RESP_ERR_INVALID_PRODUCER_ID_MAPPING, Sorted::ProducerLost),
        (Doing::Commit, C::RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED, not_authorised()),
        (Doing::Abort, C::RD_KAFKA_RESP_ERR__TIMED_OUT, Sorted::ProducerLost),
        (Doing::Begin, C::RD_KAFKA_RESP_ERR_INVALID_TRANSACTION_TIMEOUT, kafka()),
        (Doing::Begin, C::RD_KAFKA_RESP_ERR__STATE, Sorted::ProducerLost),
        (Doing::Write, C::RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, kafka()),
        (Doing::Write, C::RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, not_authorised()),
        (Doing::Write, C::RD_KAFKA_RESP_ERR_INVALID_RECORD, kafka()),
        (Doing::Write, C::RD_KAFKA_RESP_ERR__MSG_TIMED_OUT, Sorted::Abortable),
        (Doing::Write, C::RD_KAFKA_RESP_ERR__QUEUE_FULL, Sorted::Abortable),
        (Doing::Write, C::RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER, Sorted::ProducerLost),
        (Doing::CommitOffsets, C::RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION, Sorted::Stale),
        (Doing::CommitOffsets, C::RD_KAFKA_RESP_ERR_NOT_COORDINATOR, Sorted::Abortable),
        (Doing::Read, C::RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID, kafka()),
        (Doing::Read, C::RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET, Sorted::Stop(StopKind::State)),
        (Doing::Read, C::RD_KAFKA_RESP_ERR__TRANSPORT, Sorted::Abortable),
        (Doing::Read, C::RD_KAFKA_RESP_ERR__BAD_MSG, kafka()),
    ];
    for (doing, code, expected) in table {
        assert_eq!(sorted(doing, &Fault::of(code)), expected, "{doing:?} {code:?}");
    }
}

#[test]
fn flags_count_where_the_code_is_not_known() {
    let fault = Fault::of(Code::RD_KAFKA_RESP_ERR_UNKNOWN);
    let abort = Fault { abort: true, ..fault.clone() };
    assert_eq!(sorted(Doing::SendOffsets, &abort), Sorted::Abortable);
    assert_eq!(sorted(Doing::Commit, &abort), Sorted::ProducerLost);
    let fatal = Fault { fatal: true, abort: true, ..fault };
    assert_eq!(sorted(Doing::SendOffsets, &fatal), Sorted::ProducerLost);
    assert_eq!(sorted(Doing::Read, &fatal), Sorted::Stop(StopKind::Kafka));
}

#[test]
fn passing_errors_of_a_consumer_are_no_failure() {
    let passing = Fault::of(Code::RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE);
    assert!(of_consumer("reading", &passing).is_none());
    assert!(of_consumer("reading", &Fault { fatal: true, ..passing }).is_some());
    assert!(of_consumer("reading", &Fault::of(Code::RD_KAFKA_RESP_ERR__BAD_MSG)).is_some());
}
