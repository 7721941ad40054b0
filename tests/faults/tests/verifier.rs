//! A second judge: Kafka's own client in Java (`java/Verify.java`), which knows nothing of the host's code. One process
//! for all rows.

use crate::java::Java;
use crate::run::HEALED;
use anyhow::{Result, ensure};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;
use testkit::Scenario;

/// The topics of a run that are judged; none: there is no such topic.
#[derive(Clone, Debug)]
pub(crate) struct Topics {
    pub(crate) input: String,
    pub(crate) repartition: Option<String>,
    pub(crate) output: String,
    pub(crate) changelog: Option<String>,
    pub(crate) dead_letter: Option<String>,
}

impl Topics {
    /// Those of a sum.
    pub(crate) fn of(place: &Scenario) -> Self {
        Self {
            input: place.input(),
            repartition: Some(place.topic("sum-repartition")),
            output: place.output(),
            changelog: Some(place.topic("sum-changelog")),
            dead_letter: Some(place.topic("dead-letter")),
        }
    }
}

/// Every input record is accounted for once, results are running sums, the changelog comes to the same, and no
/// transaction of the application hangs.
///
/// # Errors
/// Not so.
pub(crate) fn verify(place: &Scenario, topics: &Topics) -> Result<()> {
    verify_within(HEALED, place, topics)
}

/// The same, with less patience.
///
/// # Errors
/// As [`verify`].
pub(crate) fn verify_within(patience: Duration, place: &Scenario, topics: &Topics) -> Result<()> {
    static VERIFIER: OnceLock<Mutex<Java>> = OnceLock::new();
    let verifier = VERIFIER.get_or_init(|| {
        Mutex::new(Java::start("Verify.java").unwrap_or_else(|error| panic!("no verifier: {error:#}")))
    });
    let none = || "-".to_owned();
    let fields = [
        place.kafka.servers().to_owned(),
        patience.as_secs().to_string(),
        format!("{}-", place.id),
        topics.input.clone(),
        topics.repartition.clone().unwrap_or_else(none),
        topics.output.clone(),
        topics.changelog.clone().unwrap_or_else(none),
        topics.dead_letter.clone().unwrap_or_else(none),
    ];
    let fields: Vec<&str> = fields.iter().map(String::as_str).collect();
    let answer = verifier.lock().unwrap_or_else(PoisonError::into_inner).ask(&fields)?;
    ensure!(answer.starts_with("ok "), "the verifier in Java: {answer}");
    Ok(())
}
