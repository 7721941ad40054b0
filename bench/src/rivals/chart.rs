//! The figures as a picture.

use super::case::{Group, Rival};
use super::table::{Run, Summary};
use crate::svg::bars::{self, Row, Section};

/// CPU time and rate of all, group by group.
pub(super) fn draw(rivals: &[Rival], runs: &[Run], records: u64, notes: &[&str]) -> String {
    let row = |rival: &Rival| {
        let Summary { cpu, rate, .. } = Summary::of(rival, runs, records);
        Row { label: rival.title.to_owned(), ours: rival.is_ours(), figures: [cpu, rate] }
    };
    let section = |group: Group| Section {
        title: group.title().to_owned(),
        rows: rivals.iter().filter(|rival| rival.group == group).map(row).collect(),
    };
    let columns = ["CPU seconds per million records (less is better)", "thousand records/s (more is better)"];
    let sections = Group::ALL.map(section);
    bars::draw("The running sum of each key, from Kafka to Kafka", columns, &sections, notes)
}
