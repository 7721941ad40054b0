//! How the cost of a record changes with what there is of everything: keys, partitions, bytes, workers, batch
//! size, modules. Each curve changes one thing and leaves the others as they are in [`Shape::BASE`].

mod curve;
mod lines;
mod run;
mod table;

use crate::machine;
use crate::options::Options;
use crate::results;
use crate::svg::lines::{Panel, draw};
use anyhow::{Context, Result};
use curve::{Curve, Shape};
use run::{Input, Point};

const ROUNDS: u32 = 2;

/// Measures all curves, prints, and keeps what was measured in `bench/RESULTS.md` and `bench/scale.svg`.
pub(crate) fn run(options: &Options) -> Result<()> {
    let curves = options.choose(Curve::ALL.to_vec(), |curve| curve.name().to_owned())?;
    let rounds = options.rounds(ROUNDS);
    let mut measured: Vec<(Curve, Vec<Point>)> = Vec::new();
    for curve in curves {
        let points = one(options, curve, rounds).with_context(|| format!("the curve {}", curve.name()))?;
        measured.push((curve, points));
    }
    let machine = machine::line();
    let what = format!("{}; {rounds} round(s), interleaved, medians", Shape::BASE.line());
    let mut text = format!("{machine}\n\n{what}.\n");
    for (curve, points) in &measured {
        text.push('\n');
        text.push_str(&table::one(*curve, points));
    }
    println!("{text}");
    if options.is_whole() {
        results::write("scale", &text)?;
        let panels: Vec<Panel> = measured.iter().flat_map(|(curve, points)| panels(*curve, points)).collect();
        results::write_chart("scale", &draw("What a record costs", &panels, &[&what, &machine]))?;
    }
    Ok(())
}

/// Loads what the curve needs, then runs its points again and again.
fn one(options: &Options, curve: Curve, rounds: u32) -> Result<Vec<Point>> {
    let kafka = options.kafka();
    let shapes: Vec<Shape> = curve.shapes(options);
    let mut inputs = Vec::new();
    for shape in &shapes {
        inputs.push(Input::load(&kafka, curve.name(), *shape)?);
    }
    let mut points: Vec<Point> = shapes.iter().map(|shape| Point::new(*shape)).collect();
    for round in 1..=rounds {
        for (point, input) in points.iter_mut().zip(&inputs) {
            let measured = run::one(&kafka, point.shape, input, round)?;
            eprintln!("round {round}: {} {}: {}", curve.name(), curve.across(point.shape), measured.line());
            point.rounds.push(measured);
        }
    }
    inputs.into_iter().try_for_each(|input| input.remove(&kafka))?;
    Ok(points)
}

fn panels(curve: Curve, points: &[Point]) -> [Panel; 2] {
    let panel = |title: &str, up: &dyn Fn(&Point) -> f64| Panel {
        title: title.to_owned(),
        across: curve.title().to_owned(),
        points: points.iter().map(|point| (curve.across(point.shape) as f64, up(point))).collect(),
    };
    [panel("CPU s per million records", &Point::cpu), panel("peak MiB", &Point::memory)]
}
