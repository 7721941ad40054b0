//! The topology as nodes and edges, each edge with the count that its rate comes from.

use super::snapshot::{Edge, Node, Topology};
use host_core::topology::Topology as Core;
use std::collections::BTreeMap;

/// Whose count an edge has.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Count {
    Consumed(String),
    Produced(String),
    Nobody,
}

/// The picture of one application; only its rates change.
#[derive(Clone, Debug)]
pub(super) struct Picture {
    nodes: Vec<Node>,
    edges: Vec<(String, String, Count)>,
}

/// Records by topic: read and written.
pub(super) type ByTopic = BTreeMap<String, (u64, u64)>;

impl Picture {
    pub(super) fn of(topology: &Core) -> Self {
        let mut picture = Self { nodes: Vec::new(), edges: Vec::new() };
        for input in &topology.inputs {
            picture.node(input, "topic");
        }
        let mut from = None;
        if topology.transforms {
            picture.node("transform", "operator");
            picture.feed("transform", &topology.inputs);
            from = Some("transform");
        }
        if let Some(topic) = &topology.repartition {
            picture.node(topic, "topic");
            match from {
                Some(step) => picture.edge(step, topic, Count::Produced(topic.clone())),
                None => picture.feed(topic, &topology.inputs),
            }
        }
        if topology.reduces {
            picture.node("reduce", "operator");
            match (&topology.repartition, from) {
                (Some(topic), _) => picture.feed("reduce", std::slice::from_ref(topic)),
                (None, Some(step)) => picture.edge(step, "reduce", Count::Nobody),
                (None, None) => picture.feed("reduce", &topology.inputs),
            }
        }
        let last = if topology.reduces { "reduce" } else { "transform" };
        for topic in std::iter::once(&topology.output).chain(&topology.changelog) {
            picture.node(topic, "topic");
            picture.edge(last, topic, Count::Produced(topic.clone()));
        }
        picture.node(&topology.dead_letter, "topic");
        let dead = Count::Produced(topology.dead_letter.clone());
        picture.edge(from.unwrap_or(last), &topology.dead_letter, dead);
        picture
    }

    fn node(&mut self, id: &str, kind: &str) {
        self.nodes.push(Node { id: id.to_owned(), kind: kind.to_owned() });
    }

    fn edge(&mut self, from: &str, to: &str, count: Count) {
        self.edges.push((from.to_owned(), to.to_owned(), count));
    }

    fn feed(&mut self, step: &str, topics: &[String]) {
        for topic in topics {
            self.edge(topic, step, Count::Consumed(topic.clone()));
        }
    }

    /// With the rates between two counts. `rate` divides by the time between them.
    pub(super) fn with(&self, before: &ByTopic, now: &ByTopic, rate: impl Fn(u64) -> f64) -> Topology {
        let of = |counts: &ByTopic, count: &Count| match count {
            Count::Consumed(topic) => Some(counts.get(topic).copied().unwrap_or_default().0),
            Count::Produced(topic) => Some(counts.get(topic).copied().unwrap_or_default().1),
            Count::Nobody => None,
        };
        let edges = self.edges.iter().map(|(from, to, count)| Edge {
            from: from.clone(),
            to: to.clone(),
            records_per_s: of(now, count)
                .zip(of(before, count))
                .map(|(now, before)| rate(now.saturating_sub(before))),
        });
        Topology { nodes: self.nodes.clone(), edges: edges.collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use host_core::operator::Description;
    use host_core::topology::Repartition;

    fn picture(transforms: bool, reduces: bool, repartition: Repartition) -> Vec<String> {
        let module = Description { transforms, reduces, ..Description::default() };
        let io = (vec!["in".to_owned()], "out".to_owned());
        let picture = Picture::of(&Core::new("app", "sum", io, &module, repartition));
        let before = ByTopic::from([("in".to_owned(), (100, 0))]);
        let now = ByTopic::from([("in".to_owned(), (300, 0)), ("out".to_owned(), (0, 7))]);
        let drawn = picture.with(&before, &now, |records| records as f64);
        for edge in &drawn.edges {
            for end in [&edge.from, &edge.to] {
                assert!(drawn.nodes.iter().any(|node| node.id == *end), "{end} is a node");
            }
        }
        let rate = |rate: Option<f64>| rate.map_or("-".to_owned(), |rate| rate.to_string());
        drawn
            .edges
            .iter()
            .map(|edge| format!("{} {} {}", edge.from, edge.to, rate(edge.records_per_s)))
            .collect()
    }

    #[test]
    fn rows_flow_through_the_repartition_topic() {
        let edges = picture(true, true, Repartition::Auto);
        let expected = [
            "in transform 200",
            "transform app-sum-repartition 0",
            "app-sum-repartition reduce 0",
            "reduce out 7",
            "reduce app-sum-changelog 0",
            "transform app-dead-letter 0",
        ];
        assert_eq!(edges, expected);
    }

    #[test]
    fn there_may_be_one_step_or_two_in_a_row() {
        let edges = picture(true, false, Repartition::Auto);
        assert_eq!(edges, ["in transform 200", "transform out 7", "transform app-dead-letter 0"]);
        let edges = picture(true, true, Repartition::Never);
        assert_eq!(edges[..2], ["in transform 200", "transform reduce -"]);
        let edges = picture(false, true, Repartition::Always);
        assert_eq!(edges[..2], ["in app-sum-repartition 200", "app-sum-repartition reduce 0"]);
        assert_eq!(picture(false, true, Repartition::Never)[0], "in reduce 200");
    }
}
