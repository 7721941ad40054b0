//! The counts of this process, once a second, for the feed.

use super::Application;
use super::api::{line, obstacles};
use super::swap::Swapper;
use crate::feed::{About, Sample};
use crate::metrics::PHASES;
use crate::metrics::recent::Ended;
use crate::worker::{Control, Restoring};
use std::sync::Arc;
use std::time::Duration;

/// What stays the same.
pub(super) fn about(application: &Application) -> About {
    About {
        application_id: application.config.application_id.clone(),
        workers: application.config.workers as u64,
        state_bytes_max: application.state_memory_bytes_max(),
        topology: application.topology.clone(),
    }
}

/// The counts now; not one moment's, as workers go on meanwhile.
pub(super) fn now(
    application: &Application,
    swapper: &Swapper,
    controls: &[Arc<Control>],
    uptime: Duration,
) -> Sample {
    let metrics = &application.metrics;
    let topics = metrics.topics.iter();
    let modules = swapper.versions().into_iter().map(|version| {
        let calls = version.calls.as_ref().map(|calls| calls.durations()).unwrap_or_default();
        (line(version), calls)
    });
    Sample {
        uptime,
        obstacles: obstacles(controls),
        counters: metrics.snapshot(),
        times: PHASES.map(|phase| controls.iter().map(|control| control.times().get(phase)).sum()),
        commits: metrics.ends(Ended::Clean),
        topics: topics
            .map(|topic| (topic.name.clone(), (topic.consumed.get(), topic.produced.get())))
            .collect(),
        restoring: restoring(controls),
        modules: modules.collect(),
    }
}

fn restoring(controls: &[Arc<Control>]) -> Restoring {
    controls.iter().map(|control| control.restoring()).fold(Restoring::default(), |all, one| Restoring {
        tasks: all.tasks + one.tasks,
        rows: all.rows + one.rows,
        remaining: all.remaining + one.remaining,
    })
}
