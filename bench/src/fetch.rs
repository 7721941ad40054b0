//! librdkafka's batch call beside a fetch of our own: the same records into the same columns, read-committed, for
//! each codec, checked against each other.

use crate::figures::median;
use crate::input::{EMPTY, KEYS, PARTITIONS};
use crate::measure::{self, Measured, Place};
use crate::options::Options;
use crate::{machine, results};
use anyhow::{Context, Result, ensure};
use bench_kit::Seen;
use std::fmt::Write;
use std::process::Command;
use testkit::{Kafka, Workload, WorkloadSpec};
use xtask::paths;

/// Records of each topic unless `--records` says otherwise.
const RECORDS: u64 = 5_000_000;
const ROUNDS: u32 = 3;
/// Values of a topic's `compression.type`: the broker writes its batches so, whatever it was sent.
const CODECS: [&str; 5] = ["uncompressed", "lz4", "zstd", "snappy", "gzip"];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reader {
    Librdkafka,
    LibrdkafkaMimalloc,
    Direct,
    DirectUnchecked,
}

impl Reader {
    const ALL: [Self; 4] = [Self::Direct, Self::DirectUnchecked, Self::LibrdkafkaMimalloc, Self::Librdkafka];

    fn name(self) -> &'static str {
        match self {
            Self::Librdkafka => "librdkafka",
            Self::LibrdkafkaMimalloc => "librdkafka-mimalloc",
            Self::Direct => "direct",
            Self::DirectUnchecked => "direct-unchecked",
        }
    }

    fn title(self) -> &'static str {
        match self {
            Self::Librdkafka => "librdkafka's batch call",
            Self::LibrdkafkaMimalloc => "librdkafka's batch call, mimalloc",
            Self::Direct => "direct",
            Self::DirectUnchecked => "direct, checksums not looked at",
        }
    }

    fn command(self, kafka: &Kafka, topic: &str) -> Command {
        let (program, before, behind): (_, &[&str], &[&str]) = match self {
            Self::Librdkafka => ("native-loop", &["read"], &[]),
            Self::LibrdkafkaMimalloc => ("native-loop-mimalloc", &["read"], &[]),
            Self::Direct => ("direct-fetch", &[], &["--check-crcs", "yes"]),
            Self::DirectUnchecked => ("direct-fetch", &[], &["--check-crcs", "no"]),
        };
        let mut command = Command::new(paths::release_binary(program));
        command.args(before).args(["--bootstrap-servers", kafka.servers(), "--topic", topic]).args(behind);
        command
    }
}

/// One reader of one topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Case {
    reader: Reader,
    codec: &'static str,
}

impl Case {
    fn all() -> Vec<Self> {
        let of_codec = |codec| Reader::ALL.map(|reader| Self { reader, codec });
        let all = CODECS.into_iter().flat_map(of_codec);
        // What the checksum costs is shown once.
        all.filter(|case| case.reader != Reader::DirectUnchecked || case.codec == CODECS[0]).collect()
    }

    fn name(self) -> String {
        format!("{}-{}", self.reader.name(), self.codec)
    }

    fn topic(self) -> String {
        format!("bench-input-{}", self.codec)
    }
}

struct Run {
    case: Case,
    whole: Measured,
    start: Measured,
}

impl Run {
    fn cpu(&self, records: u64) -> f64 {
        (self.whole.cpu_s - self.start.cpu_s) / (records as f64 / 1e6)
    }

    fn rate(&self, records: u64) -> f64 {
        records as f64 / (self.whole.wall_s - self.start.wall_s) / 1000.0
    }
}

/// Measures, prints, and keeps what was measured in `bench/RESULTS.md`.
pub(crate) fn run(options: &Options) -> Result<()> {
    let cases = options.choose(Case::all(), |case| case.name())?;
    let (records, rounds) = (options.records(RECORDS), options.rounds(ROUNDS));
    let kafka = options.kafka();
    kafka.create_topic(EMPTY, PARTITIONS)?;
    for codec in CODECS {
        if let Some(case) = cases.iter().find(|case| case.codec == codec) {
            load(&kafka, *case, records)?;
        }
    }
    let mut runs: Vec<Run> = Vec::new();
    let mut seen: Vec<(&str, Seen)> = Vec::new();
    for round in 1..=rounds {
        for case in &cases {
            let run = one(&kafka, options.broker_pid, *case, records, &mut seen)
                .with_context(|| format!("{}, round {round}", case.name()))?;
            eprintln!("round {round}: {}: {}", case.name(), run.whole.line(records));
            runs.push(run);
        }
    }
    let text = format!(
        "{}\n\n{records} records of about 10 bytes, {KEYS} keys, {PARTITIONS} partitions; {rounds} round(s), \
         interleaved, medians; read-committed, into columns.\n\n{}",
        machine::line(),
        table(&cases, &runs, records)
    );
    println!("{text}");
    if options.is_whole() {
        results::write("fetch", &text)?;
    }
    Ok(())
}

fn load(kafka: &Kafka, case: Case, records: u64) -> Result<()> {
    let topic = case.topic();
    kafka.create_topic_with(&topic, PARTITIONS, &[("compression.type", case.codec)])?;
    let spec =
        WorkloadSpec { records, keys: KEYS, partitions: PARTITIONS, keyed: true, ..WorkloadSpec::default() };
    Workload::new(spec).produce(&mut kafka.producer()?, &topic, records)?;
    eprintln!("{records} records are in {topic}");
    Ok(())
}

fn one(
    kafka: &Kafka,
    broker: Option<u32>,
    case: Case,
    records: u64,
    seen: &mut Vec<(&str, Seen)>,
) -> Result<Run> {
    let (start, nothing) = measured(kafka, broker, case, EMPTY)?;
    let (whole, found) = measured(kafka, broker, case, &case.topic())?;
    ensure!(nothing == Seen::default() && found.rows == records, "{} of {records} records", found.rows);
    match seen.iter().find(|(codec, _)| *codec == case.codec) {
        Some((_, first)) => ensure!(found == *first, "{found:?} and not {first:?} as the reader before"),
        None => seen.push((case.codec, found)),
    }
    Ok(Run { case, whole, start })
}

fn measured(kafka: &Kafka, broker: Option<u32>, case: Case, topic: &str) -> Result<(Measured, Seen)> {
    let place = Place::new(&format!("fetch-{}", case.name()))?;
    let measured = measure::run(&mut case.reader.command(kafka, topic), &place, None, broker)?;
    let seen = Seen::parse(&place.output())?;
    place.remove()?;
    Ok((measured, seen))
}

fn table(cases: &[Case], runs: &[Run], records: u64) -> String {
    let mut text = String::from(
        "| codec | reader | thousand records/s | CPU s per million records | peak MiB | broker CPU s per million |\n\
         |---|---|---:|---:|---:|---:|\n",
    );
    for case in cases {
        let of =
            |figure: &dyn Fn(&Run) -> f64| median(runs.iter().filter(|run| run.case == *case).map(figure));
        writeln!(
            text,
            "| {} | {} | {:.0} | {:.3} | {:.0} | {:.3} |",
            case.codec,
            case.reader.title(),
            of(&|run| run.rate(records)),
            of(&|run| run.cpu(records)),
            of(&|run| run.whole.memory_mib),
            of(&|run| run.whole.broker_cpu_s / (records as f64 / 1e6)),
        )
        .expect("a String takes all text");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_codec_is_read_by_both() {
        let all = Case::all();
        assert_eq!(all.len(), 3 * CODECS.len() + 1);
        for codec in CODECS {
            for reader in [Reader::Direct, Reader::Librdkafka] {
                assert!(all.contains(&Case { reader, codec }), "{codec}");
            }
        }
    }

    #[test]
    fn the_table_has_medians_without_the_start() {
        let measured = |wall_s, cpu_s| Measured {
            wall_s,
            cpu_s,
            memory_mib: 8.0,
            first_output_s: None,
            broker_cpu_s: 1.0,
            others_share: 0.0,
        };
        let case = Case { reader: Reader::Direct, codec: "lz4" };
        let runs = [Run { case, whole: measured(2.5, 1.5), start: measured(0.5, 0.5) }];
        let text = table(&[case], &runs, 2_000_000);
        assert!(text.contains("| lz4 | direct | 1000 | 0.500 | 8 | 0.500 |"), "{text}");
    }
}
