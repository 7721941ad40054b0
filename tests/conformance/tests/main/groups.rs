//! Groups: partitions are shared out, handed over and taken back.

use anyhow::{Context as _, Result};
use conformance::client::{TIMEOUT, admin, block_on, consumer, options};
use conformance::{Place, same};
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::topic_partition_list::TopicPartitionListElem;
use std::time::Duration;

const POLL: Duration = Duration::from_millis(10);

/// Polls all of them until each has as many partitions.
fn wait_for(members: &[(&BaseConsumer, usize)]) -> Result<()> {
    let mut found = Vec::new();
    testkit::wait_until("the partitions", TIMEOUT, || {
        for (member, _) in members {
            drop(member.poll(POLL));
        }
        found.clear();
        for (member, _) in members {
            found.push(member.assignment()?.count());
        }
        Ok(found.iter().zip(members).all(|(found, (_, wanted))| found == wanted))
    })
}

fn partitions(member: &BaseConsumer) -> Result<String> {
    let mut found: Vec<_> =
        member.assignment()?.elements().iter().map(TopicPartitionListElem::partition).collect();
    found.sort_unstable();
    Ok(format!("{found:?}"))
}

/// Two members of their kind share four partitions; one leaves.
fn hand_over(place: &Place, kind: &str, strategy: &str) -> Result<Vec<String>> {
    let topic = place.name("shared");
    place.kafka.create_topic(&topic, 4)?;
    let member = |_: &str| consumer(place, kind, &[("partition.assignment.strategy", strategy)]);
    let mut lines = Vec::new();
    let first = member("a")?;
    first.subscribe(&[&topic])?;
    wait_for(&[(&first, 4)])?;
    lines.push(partitions(&first)?);
    let second = member("b")?;
    second.subscribe(&[&topic])?;
    wait_for(&[(&first, 2), (&second, 2)])?;
    lines.push(group(place, kind)?);
    second.unsubscribe();
    // It leaves when it is polled, as what it held is taken from it first.
    wait_for(&[(&first, 4), (&second, 0)])?;
    lines.push(partitions(&first)?);
    Ok(lines)
}

/// What is told of a group.
fn group(place: &Place, name: &str) -> Result<String> {
    let name = place.name(name);
    let client = admin(place)?;
    let mut line = String::new();
    testkit::wait_until("a stable group", TIMEOUT, || {
        let list = client.inner().fetch_group_list(Some(&name), TIMEOUT)?;
        let group = list.groups().first().context("the group is told of")?;
        let (kind, protocol) = (group.protocol_type(), group.protocol());
        line = format!("{} {kind} {protocol} {}", group.state(), group.members().len());
        Ok(group.state() == "Stable" || group.state() == "Empty")
    })?;
    Ok(line)
}

#[test]
fn eager_members_hand_over() {
    same("an eager group", |place| hand_over(place, "eager", "range"));
}

#[test]
fn cooperative_members_hand_over() {
    same("a cooperative group", |place| hand_over(place, "cooperative", "cooperative-sticky"));
}

#[test]
fn a_static_member_gets_its_partitions_back() {
    same("static members", |place| {
        let topic = place.name("static");
        place.kafka.create_topic(&topic, 4)?;
        let member = |name: &str| {
            let name = place.name(name);
            let properties = [("group.instance.id", name.as_str()), ("session.timeout.ms", "20000")];
            let member = consumer(
                place,
                "static",
                &[&properties[..], &[("partition.assignment.strategy", "range")]].concat(),
            )?;
            member.subscribe(&[&topic])?;
            anyhow::Ok(member)
        };
        let (a, b) = (member("a")?, member("b")?);
        wait_for(&[(&a, 2), (&b, 2)])?;
        let before = (partitions(&a)?, partitions(&b)?);
        drop(a);
        // It goes without leaving, and comes back: nobody else hears of it.
        let a = member("a")?;
        wait_for(&[(&a, 2), (&b, 2)])?;
        let after = (partitions(&a)?, partitions(&b)?);
        assert_eq!(before, after, "a static member gets what it had");
        Ok(vec![group(place, "static")?])
    });
}

#[test]
fn a_member_that_is_gone_is_replaced() {
    same("a session's end", |place| {
        let topic = place.name("gone");
        place.kafka.create_topic(&topic, 2)?;
        let member = |name: &str| {
            let name = place.name(name);
            // A static member does not say that it goes.
            let properties = [
                ("group.instance.id", name.as_str()),
                ("session.timeout.ms", "2000"),
                ("heartbeat.interval.ms", "300"),
            ];
            let member = consumer(place, "gone", &properties)?;
            member.subscribe(&[&topic])?;
            anyhow::Ok(member)
        };
        let (a, b) = (member("a")?, member("b")?);
        wait_for(&[(&a, 1), (&b, 1)])?;
        drop(b);
        wait_for(&[(&a, 2)])?;
        Ok(vec![partitions(&a)?, group(place, "gone")?])
    });
}

#[test]
fn a_group_is_deleted_when_nobody_is_in_it() {
    same("deleting groups", |place| {
        let topic = place.name("left");
        place.kafka.create_topic(&topic, 1)?;
        let member = consumer(place, "left", &[])?;
        member.subscribe(&[&topic])?;
        wait_for(&[(&member, 1)])?;
        let (name, unknown) = (place.name("left"), place.name("unknown"));
        let admin = admin(place)?;
        let delete = || -> Result<Vec<String>> {
            let results = block_on(admin.delete_groups(&[&name, &unknown], &options()))?;
            Ok(results
                .into_iter()
                .map(|result| format!("{:?}", result.map_err(|(_, code)| code).map(|_| ())))
                .collect())
        };
        let mut lines = delete()?;
        member.unsubscribe();
        testkit::wait_until("an empty group", TIMEOUT, || {
            drop(member.poll(POLL));
            Ok(group(place, "left")?.starts_with("Empty"))
        })?;
        lines.extend(delete()?);
        Ok(lines)
    });
}
