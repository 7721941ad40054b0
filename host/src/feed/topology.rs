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
        let inputs: Vec<_> = topology.inputs.iter().map(|input| picture.topic(input)).collect();
        let transform = topology.transforms.then(|| picture.step("transform"));
        if let Some(step) = &transform {
            picture.feed(step, &inputs);
        }
        let repartition = topology.repartition.as_deref().map(|topic| picture.topic(topic));
        match (&transform, &repartition) {
            (Some(step), Some(topic)) => picture.produce(step, topic),
            (None, Some(topic)) => picture.feed(topic, &inputs),
            (_, None) => {}
        }
        let reduce = topology.reduces.then(|| picture.step("reduce"));
        if let Some(step) = &reduce {
            match (&repartition, &transform) {
                (Some(topic), _) => picture.feed(step, std::slice::from_ref(topic)),
                (None, Some(before)) => picture.edge(before, step, Count::Nobody),
                (None, None) => picture.feed(step, &inputs),
            }
        }
        let last = reduce.as_ref().or(transform.as_ref()).expect("an operator has a step");
        for topic in std::iter::once(&topology.output).chain(&topology.changelog) {
            let topic = picture.topic(topic);
            picture.produce(last, &topic);
        }
        let dead_letter = picture.topic(&topology.dead_letter);
        picture.produce(transform.as_ref().unwrap_or(last), &dead_letter);
        picture
    }

    fn topic(&mut self, name: &str) -> Node {
        self.node(format!("topic:{name}"), "topic", name)
    }

    fn step(&mut self, word: &str) -> Node {
        self.node(format!("step:{word}"), "operator", word)
    }

    fn node(&mut self, id: String, kind: &str, name: &str) -> Node {
        let node = Node { id, kind: kind.to_owned(), name: name.to_owned() };
        self.nodes.push(node.clone());
        node
    }

    fn edge(&mut self, from: &Node, to: &Node, count: Count) {
        self.edges.push((from.id.clone(), to.id.clone(), count));
    }

    /// What comes out of a step into a topic.
    fn produce(&mut self, step: &Node, topic: &Node) {
        self.edge(step, topic, Count::Produced(topic.name.clone()));
    }

    /// What comes out of topics.
    fn feed(&mut self, to: &Node, topics: &[Node]) {
        for topic in topics {
            self.edge(topic, to, Count::Consumed(topic.name.clone()));
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
        let name = |id: &str| drawn.nodes.iter().find(|node| node.id == id).map(|node| node.name.clone());
        let ends = |edge: &Edge| [name(&edge.from), name(&edge.to)].map(Option::unwrap_or_default).join(" ");
        let rate = |rate: Option<f64>| rate.map_or("-".to_owned(), |rate| rate.to_string());
        drawn.edges.iter().map(|edge| format!("{} {}", ends(edge), rate(edge.records_per_s))).collect()
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

    #[test]
    fn a_topic_may_have_the_name_of_a_step() {
        let module = Description { transforms: true, reduces: true, ..Description::default() };
        let io = (vec!["transform".to_owned()], "reduce".to_owned());
        let picture = Picture::of(&Core::new("app", "sum", io, &module, Repartition::Auto));
        let ids: std::collections::BTreeSet<_> = picture.nodes.iter().map(|node| &node.id).collect();
        assert_eq!(ids.len(), picture.nodes.len(), "{ids:?}");
        let ends = picture.edges.iter().map(|(from, to, _)| (from.as_str(), to.as_str()));
        let ends: Vec<_> = ends.filter(|(from, _)| from.starts_with("topic:t")).collect();
        assert_eq!(ends, [("topic:transform", "step:transform")]);
    }
}
