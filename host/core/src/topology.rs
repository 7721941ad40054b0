//! Which topics an application reads and writes, and what happens to a row of each.
//!
//! ```text
//! sub-topology 0: inputs -> transform -> output                      (no reduce)
//! sub-topology 0: inputs -> transform -> reduce -> output            (keys stay where they are)
//! sub-topology 0: inputs -> transform -> repartition
//! sub-topology 1: repartition -> reduce -> output                    (keys may change)
//! ```

use crate::hash::fingerprint;
use crate::operator::Description;
use crate::record::TopicPartition;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// Whether a stateful step reads a repartition topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repartition {
    /// Unless the module preserves keys and there is one input.
    Auto,
    /// The user asserts that equal keys share a partition.
    Never,
    /// Also where it would not be needed.
    Always,
}

/// The topics of an application.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topology {
    /// The group id and prefix of all internal names.
    pub application_id: String,
    /// The operator's name.
    pub operator: String,
    /// Topics that are read first.
    pub inputs: Vec<String>,
    /// Between transform and reduce.
    pub repartition: Option<String>,
    /// Rows are folded before they go there, if the module merges.
    pub combines: bool,
    /// Where accumulators go; present with a reduce.
    pub changelog: Option<String>,
    /// Where results go.
    pub output: String,
    /// Where refused records go.
    pub dead_letter: String,
    /// With [`Repartition::Never`]: the partitions of the input, for the check that keys lie where they should.
    pub trusted_partitions: Option<u32>,
    /// The module transforms.
    pub transforms: bool,
    /// The module reduces.
    pub reduces: bool,
}

/// What happens to the rows of a source topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stages {
    /// The number of the sub-topology.
    pub sub_topology: u8,
    /// Values are framed, see [`crate::frame`].
    pub framed: bool,
    /// The module's transform is called.
    pub transform: bool,
    /// What comes then.
    pub then: Then,
}

/// What happens to rows after the transform.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Then {
    /// They are results.
    Output,
    /// They are framed and repartitioned by key.
    Repartition,
    /// They are reduced here.
    Reduce,
}

/// An internal topic of an operator; `purpose` is `repartition` or `changelog`.
pub fn internal_topic(application_id: &str, operator: &str, purpose: &str) -> String {
    format!("{application_id}-{operator}-{purpose}")
}

/// The topic of the records that failed.
pub fn dead_letter_topic(application_id: &str) -> String {
    format!("{application_id}-dead-letter")
}

impl Topology {
    /// The topology of one module.
    pub fn new(
        application_id: &str,
        operator: &str,
        io: (Vec<String>, String),
        module: &Description,
        repartition: Repartition,
    ) -> Self {
        let (inputs, output) = io;
        let keeps_keys = (module.preserves_key || !module.transforms) && inputs.len() == 1;
        let repartitions = module.reduces
            && match repartition {
                Repartition::Auto => !keeps_keys,
                Repartition::Never => false,
                Repartition::Always => true,
            };
        let internal = |what: &str| internal_topic(application_id, operator, what);
        Self {
            application_id: application_id.to_string(),
            operator: operator.to_string(),
            inputs,
            repartition: repartitions.then(|| internal("repartition")),
            combines: true,
            changelog: module.reduces.then(|| internal("changelog")),
            output,
            dead_letter: dead_letter_topic(application_id),
            trusted_partitions: None,
            transforms: module.transforms,
            reduces: module.reduces,
        }
    }

    /// All topics that are read.
    pub fn sources(&self) -> impl Iterator<Item = &str> {
        self.inputs.iter().chain(&self.repartition).map(String::as_str)
    }

    /// What happens to the rows of `topic`.
    pub fn stages(&self, topic: &str) -> Stages {
        if self.repartition.as_deref() == Some(topic) {
            return Stages { sub_topology: 1, framed: true, transform: false, then: Then::Reduce };
        }
        let then = match (self.reduces, &self.repartition) {
            (false, _) => Then::Output,
            (true, Some(_)) => Then::Repartition,
            (true, None) => Then::Reduce,
        };
        Stages { sub_topology: 0, framed: false, transform: self.transforms, then }
    }

    /// The name of the task of a partition, as in Kafka Streams: `0_3`.
    pub fn task_name(&self, source: &TopicPartition) -> String {
        format!("{}_{}", self.stages(&source.topic).sub_topology, source.partition)
    }

    /// The name of the input with this fingerprint.
    pub fn input_of(&self, topic: u32) -> Option<&str> {
        self.inputs.iter().map(String::as_str).find(|name| fingerprint(name) == topic)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn topology(preserves_key: bool, transforms: bool, inputs: usize, repartition: Repartition) -> Topology {
        let module = Description { preserves_key, transforms, reduces: true, ..Description::default() };
        let inputs = (0..inputs).map(|i| format!("in{i}")).collect();
        Topology::new("app", "sum", (inputs, "out".into()), &module, repartition)
    }

    #[test]
    fn a_changed_key_is_repartitioned() {
        let topology = topology(false, true, 1, Repartition::Auto);
        assert_eq!(topology.repartition.as_deref(), Some("app-sum-repartition"));
        assert_eq!(topology.changelog.as_deref(), Some("app-sum-changelog"));
        assert_eq!(topology.stages("in0").then, Then::Repartition);
        assert!(topology.stages("app-sum-repartition").framed);
        assert_eq!(topology.task_name(&TopicPartition::new("app-sum-repartition", 3)), "1_3");
    }

    #[test]
    fn keys_that_stay_are_not_repartitioned() {
        for topology in [
            topology(true, true, 1, Repartition::Auto),
            topology(false, false, 1, Repartition::Auto),
            topology(false, true, 2, Repartition::Never),
        ] {
            assert_eq!(topology.repartition, None);
            assert_eq!(topology.stages("in0").then, Then::Reduce);
        }
    }

    #[test]
    fn several_inputs_of_a_reduce_are_repartitioned() {
        assert!(topology(true, true, 2, Repartition::Auto).repartition.is_some());
        assert!(topology(true, true, 1, Repartition::Always).repartition.is_some());
    }
}
