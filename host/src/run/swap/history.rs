//! The versions of the module that this process has seen.

use crate::metrics::Calls;
use crate::run::module::Module;
use crate::wasm::Usage;
use std::sync::Arc;
use std::time::SystemTime;

/// Versions that are remembered.
const VERSIONS_MAX: usize = 32;

/// What became of a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::run) enum State {
    /// It works.
    Current,
    /// A roll-back goes to it.
    Previous,
    /// It worked once.
    Past,
    /// It never worked.
    Refused,
}

/// One line of the history.
#[derive(Clone, Debug)]
pub(in crate::run) struct Version {
    /// None: refused.
    pub number: Option<u64>,
    /// The module's digest, or `native:NAME`.
    pub digest: String,
    /// As the module says.
    pub described: String,
    /// When it took over, or was refused.
    pub since: SystemTime,
    /// What became of it.
    pub state: State,
    /// Why it was refused.
    pub reason: Option<String>,
    /// What it has used; none: native, or refused.
    pub usage: Option<Arc<Usage>>,
    /// Its calls in the workers; none: refused.
    pub calls: Option<Arc<Calls>>,
}

/// The last versions, the oldest first.
#[derive(Debug)]
pub(super) struct History(Vec<Version>);

impl History {
    pub(super) fn new(module: &Module, number: u64) -> Self {
        Self(vec![working(module, number)])
    }

    /// A module took over.
    pub(super) fn installed(&mut self, module: &Module, number: u64) {
        for version in &mut self.0 {
            version.state = match version.state {
                State::Current => State::Previous,
                State::Previous => State::Past,
                state => state,
            };
        }
        self.push(working(module, number));
    }

    pub(super) fn refused(&mut self, digest: &str, reason: String) {
        self.push(Version {
            number: None,
            digest: digest.to_owned(),
            described: String::new(),
            since: SystemTime::now(),
            state: State::Refused,
            reason: Some(reason),
            usage: None,
            calls: None,
        });
    }

    fn push(&mut self, version: Version) {
        self.0.push(version);
        let over = self.0.len().saturating_sub(VERSIONS_MAX);
        self.0.drain(..over);
    }

    /// The newest first.
    pub(super) fn versions(&self) -> Vec<Version> {
        self.0.iter().rev().cloned().collect()
    }
}

fn working(module: &Module, number: u64) -> Version {
    Version {
        number: Some(number),
        digest: module.digest().to_owned(),
        described: module.description().version.clone(),
        since: SystemTime::now(),
        state: State::Current,
        reason: None,
        usage: module.usage(),
        calls: Some(Arc::clone(module.calls())),
    }
}
