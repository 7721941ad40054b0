//! `k-means` against the mini-batch k-means of scikit-learn: how far all points are from their nearest center.

use super::PACKAGES;
use crate::python;
use anyhow::{Context, Result, ensure};
use std::fmt::Write as _;
use std::fs;
use testkit::scenario::SOON;
use testkit::{NewRecord, Rng, Scenario, files};

const SEED: u64 = 20_260_102;
const POINTS: usize = 20_000;
/// Where clusters are, and how wide. The last two touch.
const CLUSTERS: [(f64, f64, f64); 6] = [
    (0.0, 0.0, 1.0),
    (10.0, 2.0, 1.5),
    (-8.0, 7.0, 0.7),
    (3.0, -12.0, 2.0),
    (12.0, 14.0, 1.2),
    (15.0, 11.0, 1.2),
];
/// Our inertia may be so many times theirs, at most.
const INERTIA_RATIO_MAX: f64 = 1.05;

pub(super) fn compare(s: &Scenario) -> Result<()> {
    let points = points();
    let (points_file, centers_file) = (s.file("points.csv")?, s.file("result.json")?);
    fs::write(&points_file, points.join("\n"))?;
    // One partition: the order of the points is the same in every run, and so are the centers.
    s.kafka.create_topic(&s.input(), 1)?;
    let mut producer = s.kafka.producer()?;
    for point in &points {
        producer.send(&s.input(), &NewRecord { value: Some(point.as_bytes()), ..NewRecord::default() })?;
    }
    producer.flush()?;
    let k = format!("k={}", CLUSTERS.len());
    s.host(files::guest("k-means")).args(["--until-end", "--set", &k]).complete(SOON)?;
    let last = s.read("output")?.pop().and_then(|record| record.value).context("no result")?;
    fs::write(&centers_file, &last)?;
    let compared = python::run(&PACKAGES, "clusters.py", &[points_file.as_ref(), centers_file.as_ref()])?;
    let inertia = |name: &str| compared[name].as_f64().with_context(|| format!("no {name} in {compared}"));
    let (ours, theirs) = (inertia("ours")?, inertia("theirs")?);
    ensure!(ours <= INERTIA_RATIO_MAX * theirs, "our inertia is {ours}, theirs {theirs}");
    ensure!(compared["points"].as_u64() == Some(POINTS as u64), "not all points were learnt: {compared}");
    Ok(())
}

fn points() -> Vec<String> {
    let mut random = Rng::new(SEED);
    let mut fraction = || random.below(1 << 32) as f64 / f64::from(u32::MAX);
    // Twelve fractions added up are nearly a normal distribution.
    let mut normal = |mean: f64, width: f64| mean + width * ((0..12).map(|_| fraction()).sum::<f64>() - 6.0);
    let mut point = |i: usize| {
        let (x, y, width) = CLUSTERS[i * 7919 % 101 % CLUSTERS.len()];
        let mut text = String::new();
        write!(text, "{:.4},{:.4}", normal(x, width), normal(y, width)).expect("a String takes all text");
        text
    };
    (0..POINTS).map(&mut point).collect()
}
