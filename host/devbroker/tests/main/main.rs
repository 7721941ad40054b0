//! What a broker does about clients that break the rules or want too much, and about producers that send twice. What
//! real clients see is compared with Apache Kafka, in `tests/conformance`.

mod client;

use anyhow::Result;
use client::{Client, batch};
use devbroker::{Broker, Limits, Settings};
use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::{ApiVersionsRequest, ApiVersionsResponse, ResponseHeader};
use kafka_protocol::protocol::Decodable as _;
use std::time::{Duration, Instant};

const SOON: Duration = Duration::from_secs(30);

fn broker(limits: Limits) -> Result<Broker> {
    Broker::start(Settings { limits, ..Settings::default() })
}

/// Asks until it is true.
fn wait_until(what: &str, mut fact: impl FnMut() -> Result<bool>) -> Result<()> {
    let deadline = Instant::now() + SOON;
    while !fact()? {
        anyhow::ensure!(Instant::now() < deadline, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
    Ok(())
}

#[test]
fn a_batch_that_is_sent_twice_is_written_once() -> Result<()> {
    let broker = broker(Limits::default())?;
    let mut client = Client::new(&broker)?;
    client.create("t", &[])?;
    assert_eq!(client.produce("t", batch(7, 0, 3, 10))?, Ok(0));
    assert_eq!(client.produce("t", batch(7, 3, 2, 10))?, Ok(3));
    assert_eq!(client.produce("t", batch(7, 0, 3, 10))?, Ok(0));
    assert_eq!(client.produce("t", batch(7, 6, 1, 10))?, Err(ResponseError::OutOfOrderSequenceNumber));
    assert_eq!(client.produce("t", batch(8, 0, 1, 10))?, Ok(5));
    assert_eq!(client.ends("t")?, (0, 6));
    Ok(())
}

#[test]
fn a_batch_that_is_damaged_is_refused() -> Result<()> {
    let broker = broker(Limits::default())?;
    let mut client = Client::new(&broker)?;
    client.create("t", &[])?;
    let whole = batch(7, 0, 3, 10).to_vec();
    for at in [12, 16, 30, 60, whole.len() - 1] {
        let mut damaged = whole.clone();
        damaged[at] ^= 0x40;
        let result = client.produce("t", damaged.into())?;
        // The leader's epoch is the broker's to write, and not in the checksum.
        assert_eq!(result.is_ok(), at == 12, "byte {at}: {result:?}");
    }
    for length in [0, 10, 61, whole.len() - 1] {
        assert!(client.produce("t", whole[..length].to_vec().into())?.is_err(), "{length} bytes");
    }
    assert_eq!(client.ends("t")?, (0, 3));
    Ok(())
}

#[test]
fn a_client_of_the_future_is_told_what_is_spoken() -> Result<()> {
    let broker = broker(Limits::default())?;
    let mut answer = Client::new(&broker)?.call_raw(99, 0, &ApiVersionsRequest::default())?;
    ResponseHeader::decode(&mut answer, 0)?;
    let answer = ApiVersionsResponse::decode(&mut answer, 0)?;
    assert_eq!(answer.error_code, ResponseError::UnsupportedVersion.code());
    assert!(answer.api_keys.len() > 20);
    Ok(())
}

#[test]
fn what_is_no_request_ends_the_connection_and_nothing_else() -> Result<()> {
    let broker = broker(Limits { frame_bytes_max: 1000, ..Limits::default() })?;
    let mut other = Client::new(&broker)?;
    other.create("t", &[])?;
    for (length, frame) in [
        (-1, &[][..]),
        (1001, &[]),
        (0, &[]),
        (3, &[0, 3, 0]),
        // No such request, no such version, nothing in it, only half of it.
        (8, &[0x7f, 0, 0, 0, 0, 0, 0, 0]),
        (8, &[0, 0, 0, 99, 0, 0, 0, 0]),
        (10, &[0, 3, 0, 1, 0, 0, 0, 0, 0, 0]),
        (16, &[0, 3, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 9]),
    ] {
        let mut client = Client::new(&broker)?;
        client.send(length, frame)?;
        assert!(client.receive().is_err(), "{length} {frame:?}");
    }
    assert_eq!(other.ends("t")?, (0, 0));
    Ok(())
}

#[test]
fn a_connection_too_many_is_closed() -> Result<()> {
    let broker = broker(Limits { connections_max: 2, ..Limits::default() })?;
    let versions = |client: &mut Client| client.call(0, &ApiVersionsRequest::default());
    let (mut one, mut two) = (Client::new(&broker)?, Client::new(&broker)?);
    versions(&mut one)?;
    versions(&mut two)?;
    assert!(Client::new(&broker).and_then(|mut three| versions(&mut three)).is_err());
    drop(one);
    wait_until("room", || Ok(Client::new(&broker).and_then(|mut three| versions(&mut three)).is_ok()))?;
    versions(&mut two)?;
    Ok(())
}

#[test]
fn the_oldest_records_go_when_memory_is_short() -> Result<()> {
    let broker = broker(Limits { memory_bytes_max: 100_000, ..Limits::default() })?;
    let mut client = Client::new(&broker)?;
    client.create("t", &[])?;
    for i in 0..200 {
        client.produce("t", batch(7, i, 1, 1000))?.expect("it is taken");
    }
    wait_until("retention", || Ok(client.ends("t")?.0 > 100))?;
    let (start, end) = client.ends("t")?;
    assert!(end == 200 && start < 125, "{start}..{end}");
    Ok(())
}

#[test]
fn what_must_be_kept_is_kept_and_producers_are_refused() -> Result<()> {
    let broker = broker(Limits { memory_bytes_max: 100_000, ..Limits::default() })?;
    let mut client = Client::new(&broker)?;
    client.create("t", &[("retention.ms", "-1"), ("retention.bytes", "-1")])?;
    let mut next = 0;
    wait_until("the end of memory", || match client.produce("t", batch(7, next, 1, 10_000))? {
        Ok(_) => {
            next += 1;
            Ok(false)
        }
        Err(error) => {
            assert_eq!(error, ResponseError::KafkaStorageError);
            Ok(true)
        }
    })?;
    assert_eq!(client.ends("t")?, (0, i64::from(next)));
    Ok(())
}

#[test]
fn old_records_go_when_a_topic_says_so() -> Result<()> {
    let broker = broker(Limits::default())?;
    let mut client = Client::new(&broker)?;
    client.create("t", &[("retention.bytes", "5000")])?;
    for i in 0..20 {
        client.produce("t", batch(7, i, 1, 1000))?.expect("it is taken");
    }
    wait_until("retention", || Ok(client.ends("t")?.0 == 16))?;
    Ok(())
}

#[test]
fn a_broker_that_is_dropped_lets_its_clients_go() -> Result<()> {
    let broker = broker(Limits::default())?;
    let address = broker.address();
    let mut client = Client::new(&broker)?;
    client.create("t", &[])?;
    drop(broker);
    assert!(client.ends("t").is_err());
    // The address is free again.
    Broker::start(Settings { listen: address, ..Settings::default() })?;
    Ok(())
}
