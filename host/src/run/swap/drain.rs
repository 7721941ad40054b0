//! Empties the repartition topic, so that no row is on its way between transform and reduce.

use super::{Refused, Step};
use crate::run::Application;
use crate::worker::Control;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

/// How long it may take.
const DRAIN_TIMEOUT: Duration = Duration::from_mins(1);
/// How often the offsets are looked at.
const LOOK_INTERVAL: Duration = Duration::from_millis(20);

/// While it lives, nothing new goes into the repartition topic.
pub(super) struct Held<'a>(&'a [Arc<Control>]);

impl Drop for Held<'_> {
    fn drop(&mut self) {
        for control in self.0 {
            control.hold(false);
        }
    }
}

/// Holds back the inputs of all workers until everything in the repartition topic is committed.
///
/// # Errors
/// It takes longer than [`DRAIN_TIMEOUT`], or Kafka does not say how far it is.
pub(super) fn empty<'a>(
    application: &Application,
    controls: &'a [Arc<Control>],
) -> Result<Held<'a>, Refused> {
    let held = Held(controls);
    for control in controls {
        control.hold(true);
    }
    let deadline = Instant::now() + DRAIN_TIMEOUT;
    let topic = application.topology.repartition.as_slice();
    let failed = |failure| Refused::new(Step::Drain, format!("cannot look at {topic:?}: {failure:?}"));
    let places = application.admin.all_partitions(topic).map_err(failed)?;
    while !controls.iter().all(|control| control.holds()) {
        wait(deadline)?;
    }
    // Markers of the last transactions may still be on their way, so that the end is asked for uncommitted.
    let ends = application.admin.high_watermarks(&places).map_err(failed)?;
    loop {
        let committed = application.admin.committed(&places).map_err(failed)?;
        if ends.iter().zip(committed).all(|(end, committed)| committed.unwrap_or(0) >= *end) {
            return Ok(held);
        }
        wait(deadline)?;
    }
}

fn wait(deadline: Instant) -> Result<(), Refused> {
    if Instant::now() >= deadline {
        let text = format!("rows are still in the repartition topic after {DRAIN_TIMEOUT:?}; try again");
        return Err(Refused::new(Step::Drain, text));
    }
    thread::sleep(LOOK_INTERVAL);
    Ok(())
}
