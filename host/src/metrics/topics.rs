//! Records of committed transactions by topic.

use super::Counter;
use host_core::topology::Topology;

/// The counts of all topics of an application.
#[derive(Debug, Default)]
pub struct Topics(Vec<Topic>);

/// One topic.
#[derive(Debug)]
pub struct Topic {
    /// Its name.
    pub name: String,
    /// Records read from it.
    pub consumed: Counter,
    /// Records written to it.
    pub produced: Counter,
}

impl Topics {
    /// Those of a topology, the sources first.
    pub fn new(topology: &Topology) -> Self {
        let internal = topology.changelog.iter().map(String::as_str);
        let names = topology.sources().chain(internal).chain([&*topology.output, &*topology.dead_letter]);
        let topic = |name: &str| Topic {
            name: name.to_owned(),
            consumed: Counter::default(),
            produced: Counter::default(),
        };
        Self(names.map(topic).collect())
    }

    /// Adds records that were read.
    pub fn consumed(&self, name: &str, records: u64) {
        self.with(name, |topic| topic.consumed.add(records));
    }

    /// Adds records that were written.
    pub fn produced(&self, name: &str, records: u64) {
        self.with(name, |topic| topic.produced.add(records));
    }

    fn with(&self, name: &str, add: impl FnOnce(&Topic)) {
        if let Some(topic) = self.0.iter().find(|topic| topic.name == name) {
            add(topic);
        }
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Topic> {
        self.0.iter()
    }
}
