//! The topics of an application: there before the first record is read, with the partitions and policies that
//! its state needs.

use crate::config::{Config, CreateTopics};
use crate::exit::{ExitKind, Failure};
use crate::kafka::admin::{Purpose, TopicSpec};
use crate::kafka::{Admin, KnownTopic, KnownTopics};
use anyhow::anyhow;
use host_core::topology::Topology;
use std::num::NonZeroU32;

/// Partitions of an input that has to be created and is not told how many it gets.
const PARTITIONS_DEFAULT: u32 = 1;

/// Creates what is missing and checks what is there. Answers the topology with what it learnt.
pub(super) fn prepare(admin: &Admin, config: &Config, mut topology: Topology) -> Result<Topology, Failure> {
    let topics = Topics { admin, config };
    let input_partitions = topics.inputs(&topology)?;
    let wanted = config.partitions.map_or(input_partitions, NonZeroU32::get);
    let mut folded = input_partitions;
    if let Some(repartition) = &topology.repartition {
        folded = topics.own(repartition, wanted, Purpose::Repartition)?;
        if config.partitions.is_some() && folded != wanted {
            return Err(other_count(repartition, folded, wanted, "--partitions"));
        }
    }
    if let Some(changelog) = &topology.changelog {
        let sources = topology.repartition.as_ref().map_or(topology.inputs.as_slice(), std::slice::from_ref);
        topics.not_lost(changelog, sources)?;
        let found = topics.own(changelog, folded, Purpose::Changelog)?;
        if found != folded {
            let source = topology.repartition.as_deref().unwrap_or("the input");
            return Err(other_count(changelog, found, folded, source));
        }
        admin.check_changelog(changelog).map_err(crate::worker::at_start)?;
    }
    topics.own(&topology.output, input_partitions, Purpose::Plain)?;
    topics.own(&topology.dead_letter, input_partitions, Purpose::Plain)?;
    if topology.reduces && config.repartition == crate::config::Repartition::Never {
        topology.trusted_partitions = Some(input_partitions);
    }
    Ok(topology)
}

/// The topics that are read. Of one that cannot be looked at, nobody will tell whether it was made anew.
pub(super) fn known(admin: &Admin, topology: &Topology) -> KnownTopics {
    let known = |topic: &str| {
        let partitions = admin.partitions(&[topic]).map(|counts| counts.first().copied().flatten());
        match admin.topic_id(topic).and_then(|id| Ok((id, partitions?))) {
            Ok((id, partitions)) => Some((topic.to_owned(), KnownTopic { id, partitions: partitions? })),
            Err(failure) => {
                tracing::warn!(topic, ?failure, "the topic's id cannot be read");
                None
            }
        }
    };
    topology.sources().filter_map(known).collect()
}

/// The control topic for modules: one partition, compacted.
pub(super) fn create_modules(admin: &Admin, config: &Config, topic: &str) -> Result<(), Failure> {
    Topics { admin, config }.own(topic, 1, Purpose::Modules).map(|_| ())
}

struct Topics<'a> {
    admin: &'a Admin,
    config: &'a Config,
}

impl Topics<'_> {
    /// The largest partition count of the inputs.
    fn inputs(&self, topology: &Topology) -> Result<u32, Failure> {
        let names: Vec<&str> = topology.inputs.iter().map(String::as_str).collect();
        let counts = self.counts(&names)?;
        let largest = counts.iter().flatten().max().copied();
        for (name, _) in names.iter().zip(&counts).filter(|(_, count)| count.is_none()) {
            if self.config.create_topics != CreateTopics::All {
                let text = anyhow!("the input topic \"{name}\" does not exist");
                let hint =
                    "create it, name another with --input, or let it be created with --create-topics all";
                return Err(Failure::new(ExitKind::BadConfig, text).hint(hint));
            }
            let partitions = self.config.partitions.map(NonZeroU32::get).or(largest);
            self.create(name, partitions.unwrap_or(PARTITIONS_DEFAULT), Purpose::Plain)?;
        }
        let counts = self.counts(&names)?;
        Ok(counts.into_iter().flatten().max().unwrap_or(PARTITIONS_DEFAULT))
    }

    /// A topic that we write: its partition count, after it was created if it was missing.
    fn own(&self, name: &str, partitions: u32, purpose: Purpose) -> Result<u32, Failure> {
        if let Some(found) = self.counts(&[name])?.into_iter().flatten().next() {
            return Ok(found);
        }
        if self.config.create_topics == CreateTopics::None {
            let configs: Vec<_> = purpose.configs().iter().map(|(k, v)| format!("{k}={v}")).collect();
            let text = anyhow!("the topic \"{name}\" does not exist and create_topics is \"none\"");
            let hint = format!("create it with {partitions} partitions {}", configs.join(" "));
            return Err(Failure::new(ExitKind::BadConfig, text).hint(hint));
        }
        self.create(name, partitions, purpose)?;
        // Another process of the application may have been faster.
        Ok(self.counts(&[name])?.into_iter().flatten().next().unwrap_or(partitions))
    }

    /// Made anew, a changelog that is gone would be an empty state in the middle of its input.
    fn not_lost(&self, changelog: &str, sources: &[String]) -> Result<(), Failure> {
        if self.counts(&[changelog])?.into_iter().flatten().next().is_some() {
            return Ok(());
        }
        for source in sources {
            let partitions = self.admin.all_partitions(&[source]).map_err(crate::worker::at_start)?;
            if self.admin.has_committed(&partitions).map_err(crate::worker::at_start)? {
                let text = anyhow!(
                    "the changelog topic \"{changelog}\" does not exist, but offsets of \"{source}\" are committed: \
                     the state of all that was read before is gone"
                );
                let hint = "bring the topic back, or begin anew with host reset";
                return Err(Failure::new(ExitKind::StateIo, text).hint(hint));
            }
        }
        Ok(())
    }

    fn counts(&self, names: &[&str]) -> Result<Vec<Option<u32>>, Failure> {
        Ok(self.admin.partitions(names).map_err(crate::worker::at_start)?)
    }

    fn create(&self, name: &str, partitions: u32, purpose: Purpose) -> Result<(), Failure> {
        let replication = self.config.replication_factor.map(NonZeroU32::get);
        let spec = TopicSpec {
            name: name.to_owned(),
            partitions,
            replication_factor: replication.map(|n| u16::try_from(n).unwrap_or(u16::MAX)),
            configs: purpose.configs(),
        };
        self.admin.create_topics(std::slice::from_ref(&spec)).map_err(crate::worker::at_start)?;
        tracing::info!(topic = name, partitions, "topic created");
        Ok(())
    }
}

fn other_count(topic: &str, found: u32, wanted: u32, by: &str) -> Failure {
    let text = anyhow!("the topic \"{topic}\" has {found} partitions, and {by} asks for {wanted}");
    let hint = "keys would move between tasks: keep the number of partitions, or use a new --application-id";
    Failure::new(ExitKind::StateIo, text).hint(hint)
}
