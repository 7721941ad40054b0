//! The topology of an application as data and as text. Pure; connects to nothing.

use crate::config::{Config, Emit};
use host_core::operator::Description;
use std::fmt::Write as _;

/// What reads what and writes where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topology {
    /// The application.
    pub application_id: String,
    /// The operator's name.
    pub name: String,
    /// Sub-topologies in the order in which records pass them.
    pub sub_topologies: Vec<SubTopology>,
    /// Where failed records go.
    pub dead_letter_topic: String,
}

/// One chain of steps between topics; its tasks are its partitions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubTopology {
    /// Topics that are read.
    pub sources: Vec<String>,
    /// Steps in order; may be empty.
    pub steps: Vec<Step>,
    /// The topic that is written.
    pub sink: String,
}

/// What is done to records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Rows in, rows out.
    Transform,
    /// Values into accumulators that are merged behind the shuffle.
    Combine,
    /// Values into accumulators, kept in this changelog.
    Reduce {
        /// The changelog topic.
        changelog: String,
    },
    /// Values into accumulators, kept in this changelog, and rows.
    Process {
        /// The changelog topic.
        changelog: String,
    },
    /// Accumulators into output values.
    Finish,
}

impl Step {
    fn word(&self) -> &'static str {
        match self {
            Self::Transform => "transform",
            Self::Combine => "combine",
            Self::Reduce { .. } => "reduce",
            Self::Process { .. } => "process",
            Self::Finish => "finish",
        }
    }
}

/// How a topology is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// One line a sub-topology.
    Ascii,
    /// As Kafka Streams' `Topology.describe()`.
    Describe,
}

impl Topology {
    /// The topology of this application with a module of this description.
    pub fn new(config: &Config, module: &Description) -> Self {
        let core = of(config, module);
        let transform = core.transforms.then_some(Step::Transform);
        let reduce = core.changelog.map(|changelog| {
            if module.processes { Step::Process { changelog } } else { Step::Reduce { changelog } }
        });
        let finish = (core.reduces && module.finishes).then_some(Step::Finish);
        let combines = core.combines && module.merges && config.emit != Emit::Record;
        let combine = combines.then_some(Step::Combine);
        let sub = |sources, steps, sink| SubTopology { sources, steps, sink };
        let sub_topologies = if let Some(between) = core.repartition {
            vec![
                sub(core.inputs, transform.into_iter().chain(combine).collect(), between.clone()),
                sub(vec![between], reduce.into_iter().chain(finish).collect(), core.output),
            ]
        } else {
            let steps = transform.into_iter().chain(reduce).chain(finish).collect();
            vec![sub(core.inputs, steps, core.output)]
        };
        Self {
            application_id: core.application_id,
            name: core.operator,
            sub_topologies,
            dead_letter_topic: core.dead_letter,
        }
    }

    /// As text, with a line end.
    pub fn text(&self, format: Format) -> String {
        match format {
            Format::Ascii => self.ascii(),
            Format::Describe => self.describe(),
        }
    }

    fn ascii(&self) -> String {
        let mut text = format!("application {}\n", self.application_id);
        for (id, sub) in self.sub_topologies.iter().enumerate() {
            let _ = write!(text, "  {id}  {}", sub.sources.join(", "));
            for step in &sub.steps {
                let _ = write!(text, " --> {} {}", step.word(), self.name);
                if let Step::Reduce { changelog } | Step::Process { changelog } = step {
                    let _ = write!(text, " [{changelog}]");
                }
            }
            let _ = writeln!(text, " --> {}", sub.sink);
        }
        let _ = writeln!(text, "  failed records --> {}", self.dead_letter_topic);
        text
    }

    fn describe(&self) -> String {
        // The odd blank before the first sub-topology is Kafka's own.
        let mut text = String::from("Topologies:\n ");
        for (id, sub) in self.sub_topologies.iter().enumerate() {
            let _ = writeln!(text, "  Sub-topology: {id}");
            self.describe_nodes(id, sub, &mut text);
            text.push('\n');
        }
        text
    }

    fn describe_nodes(&self, id: usize, sub: &SubTopology, text: &mut String) {
        let last = self.sub_topologies.len() - 1;
        let between = |is_end: bool| if is_end { "" } else { "-repartition" };
        let source = format!("{}{}-source", self.name, between(id == 0));
        let sink = format!("{}{}-sink", self.name, between(id == last));
        let steps = sub.steps.iter().map(|step| format!("{}-{}", self.name, step.word()));
        let nodes: Vec<String> = std::iter::once(source).chain(steps).chain([sink]).collect();
        let _ = writeln!(text, "    Source: {} (topics: [{}])", nodes[0], sub.sources.join(", "));
        let _ = writeln!(text, "      --> {}", nodes[1]);
        for (step, around) in sub.steps.iter().zip(nodes.windows(3)) {
            let stores = if matches!(step, Step::Reduce { .. } | Step::Process { .. }) {
                self.name.as_str()
            } else {
                ""
            };
            let _ = writeln!(text, "    Processor: {} (stores: [{stores}])", around[1]);
            let _ = writeln!(text, "      --> {}", around[2]);
            let _ = writeln!(text, "      <-- {}", around[0]);
        }
        let _ = writeln!(text, "    Sink: {} (topic: {})", nodes[nodes.len() - 1], sub.sink);
        let _ = writeln!(text, "      <-- {}", nodes[nodes.len() - 2]);
    }
}

/// The core's topology of this application with a module of this description.
pub fn of(config: &Config, module: &Description) -> host_core::topology::Topology {
    let io = (config.inputs.clone(), config.output.clone());
    let mut topology = host_core::topology::Topology::new(
        &config.application_id,
        &config.name,
        io,
        module,
        config.repartition,
    );
    topology.combines = config.combines;
    topology
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Entry, Origin, Raw, Sources, load};

    fn config(settings: &[(&str, &str)]) -> Config {
        let flag = |(key, value): &(&str, &str)| {
            Entry::for_key(key, Raw::Text((*value).into()), Origin::Flag("--flag")).expect("a known key")
        };
        let mut flags = vec![flag(&("module", "native:sum")), flag(&("state_dir", "/state"))];
        flags.extend(settings.iter().map(flag));
        load(&Sources { flags, ..Sources::default() }).expect("good settings").value
    }

    fn sum() -> Description {
        Description { transforms: true, reduces: true, finishes: true, ..Description::default() }
    }

    #[test]
    fn a_sum_has_two_sub_topologies() {
        let text = Topology::new(&config(&[]), &sum()).text(Format::Ascii);
        let expected = "\
application sum
  0  sum-input --> transform sum --> sum-sum-repartition
  1  sum-sum-repartition --> reduce sum [sum-sum-changelog] --> finish sum --> sum-output
  failed records --> sum-dead-letter
";
        assert_eq!(text, expected);
    }

    #[test]
    fn a_reduce_that_merges_combines_before_the_shuffle_unless_every_record_has_a_result() {
        let combines = |settings: &[(&str, &str)]| {
            let module = Description { merges: true, ..sum() };
            Topology::new(&config(settings), &module).text(Format::Ascii).contains(" --> combine sum --> ")
        };
        assert!(combines(&[]));
        assert!(combines(&[("emit", "batch")]));
        assert!(!combines(&[("emit", "record")]));
        assert!(!combines(&[("combine", "never")]));
        assert!(!combines(&[("repartition", "never")]));
    }

    #[test]
    fn describe_has_the_shape_of_kafka_streams() {
        let text = Topology::new(&config(&[("inputs", "a,b")]), &sum()).text(Format::Describe);
        let expected = "\
Topologies:
   Sub-topology: 0
    Source: sum-source (topics: [a, b])
      --> sum-transform
    Processor: sum-transform (stores: [])
      --> sum-repartition-sink
      <-- sum-source
    Sink: sum-repartition-sink (topic: sum-sum-repartition)
      <-- sum-transform

  Sub-topology: 1
    Source: sum-repartition-source (topics: [sum-sum-repartition])
      --> sum-reduce
    Processor: sum-reduce (stores: [sum])
      --> sum-finish
      <-- sum-repartition-source
    Processor: sum-finish (stores: [])
      --> sum-sink
      <-- sum-reduce
    Sink: sum-sink (topic: sum-output)
      <-- sum-finish

";
        assert_eq!(text, expected);
    }

    #[test]
    fn a_lone_reduce_is_read_directly() {
        let module = Description { reduces: true, ..Description::default() };
        let text = Topology::new(&config(&[]), &module).text(Format::Ascii);
        assert!(
            text.contains("  0  sum-input --> reduce sum [sum-sum-changelog] --> sum-output\n"),
            "{text}"
        );
        assert!(!text.contains("  1  "), "{text}");
    }

    #[test]
    fn repartitioning_follows_keys_inputs_and_the_user() {
        let repartitions = |config: &Config, module: &Description| of(config, module).repartition.is_some();
        let keeps = Description { preserves_key: true, ..sum() };
        let stateless = Description { transforms: true, ..Description::default() };
        assert!(repartitions(&config(&[]), &sum()));
        assert!(!repartitions(&config(&[]), &keeps));
        assert!(repartitions(&config(&[("inputs", "a,b")]), &keeps));
        assert!(repartitions(&config(&[("repartition", "always")]), &keeps));
        assert!(!repartitions(&config(&[("repartition", "never")]), &sum()));
        assert!(!repartitions(&config(&[("repartition", "always")]), &stateless));
    }
}
