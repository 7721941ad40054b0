//! A chain of operators in one process. Each is an application of its own, exactly-once from its input to its output,
//! and the topic between two of them is all that they share: so each is swapped, restored and scaled by itself.

use super::signals::Signals;
use super::{application, connect, kafka_settings};
use crate::config::Config;
use crate::exit::{ExitKind, Failure};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// A module describes itself on this thread.
const STACK_BYTES: usize = 8 << 20;
/// How often it is looked whether the operator before has made its output topic.
const TOPIC_POLL: Duration = Duration::from_millis(100);
/// How long an operator may take to make it: modules of interpreted languages take most of a minute to compile.
const TOPIC_TIMEOUT: Duration = Duration::from_mins(3);

/// Runs all of them. When one ends, the others are drained.
///
/// # Errors
/// The first failure.
pub(super) fn run(mut configs: Vec<Config>, signals: &Signals) -> Result<(), Failure> {
    let last = configs.len() - 1;
    for config in &mut configs[..last] {
        config.print = false;
    }
    if configs.iter().any(|config| config.until_end) {
        return one_after_the_other(configs, signals);
    }
    let first = Mutex::new(None);
    let note = |name: &str, ended: Result<(), Failure>| {
        // What ends behind a signal ends because of it.
        if signals.seen().is_none() || ended.is_err() {
            let mut first = first.lock().unwrap_or_else(PoisonError::into_inner);
            first.get_or_insert(ended.map_err(|failure| named(failure, name)));
            signals.terminate();
        }
    };
    thread::scope(|scope| {
        for (place, config) in configs.into_iter().enumerate() {
            let name = config.name.clone();
            if place > 0
                && let Err(failure) = wait_for_inputs(&config, signals)
            {
                note(&name, Err(failure));
            }
            if signals.seen().is_some() {
                break;
            }
            let note = &note;
            let run = move || note(&name, application(config, signals));
            let thread = thread::Builder::new().name("application".to_owned()).stack_size(STACK_BYTES);
            if let Err(error) = thread.spawn_scoped(scope, run) {
                note("", Err(Failure::new(ExitKind::Failure, error)));
                break;
            }
        }
    });
    first.into_inner().unwrap_or_else(PoisonError::into_inner).unwrap_or(Ok(()))
}

/// The end of an operator's input is known when the one before it has come to its own.
fn one_after_the_other(configs: Vec<Config>, signals: &Signals) -> Result<(), Failure> {
    for config in configs {
        let name = config.name.clone();
        application(config, signals).map_err(|failure| named(failure, &name))?;
        if signals.seen().is_some() {
            break;
        }
    }
    Ok(())
}

fn named(failure: Failure, name: &str) -> Failure {
    Failure { error: failure.error.context(format!("operator {name}")), ..failure }
}

/// Until all inputs are there; a missing one is the application's own error, later.
fn wait_for_inputs(config: &Config, signals: &Signals) -> Result<(), Failure> {
    let admin = connect(config, &kafka_settings(config))?;
    let topics: Vec<&str> = config.inputs.iter().map(String::as_str).collect();
    let began = Instant::now();
    while signals.seen().is_none() && began.elapsed() < TOPIC_TIMEOUT {
        let found = admin.partitions(&topics).map_err(super::unreachable_kafka)?;
        if found.iter().all(Option::is_some) {
            break;
        }
        thread::sleep(TOPIC_POLL);
    }
    Ok(())
}
