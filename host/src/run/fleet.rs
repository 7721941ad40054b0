//! Several processes of one application and their one module: the compacted control topic `<application>-modules`
//! holds numbered versions, and every process runs the newest of them. Writers fence each other by one
//! transactional id, so that versions rise by one and nobody announces on an old one.

mod book;

use super::Application;
use super::purpose::Purpose;
use super::swap::Swapper;
use crate::exit::{ExitKind, Failure};
use crate::hex;
use crate::kafka::{Producer, Settings, Tail};
use crate::time::now_ms;
use crate::worker::at_start;
use anyhow::{Context as _, Result, bail};
use book::Book;
use host_core::record::{Row, Rows, TopicPartition};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// How long a look at the topic may take; the thread ends between two.
const LOOK_INTERVAL: Duration = Duration::from_millis(100);
/// How long an announcement may take to come back to its writer.
const ECHO_TIMEOUT: Duration = Duration::from_mins(1);

/// The name of an application's control topic.
pub(super) fn topic(application_id: &str) -> String {
    format!("{application_id}-modules")
}

/// A version as the control topic has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Announced {
    pub version: u64,
    pub digest: String,
    pub bytes: Vec<u8>,
    pub signature: Option<Vec<u8>>,
    /// The process that announced it.
    pub by: String,
    pub purpose: Purpose,
}

/// An announcement that came too late.
#[derive(Debug, thiserror::Error)]
#[error("another process has just announced version {0}; look at it, then try again")]
pub(super) struct Late(u64);

/// How far this process follows.
#[derive(Debug, Default)]
struct Followed {
    /// The version that it has installed.
    version: u64,
    /// Why it cannot go on.
    failed: Option<String>,
}

/// The control topic as one process sees it.
pub(super) struct Fleet {
    kafka: Settings,
    application_id: String,
    /// This process's id, for announcements and clients.
    me: String,
    book: Mutex<Book>,
    followed: Mutex<Followed>,
    /// Told when `followed` changes.
    changed: Condvar,
}

impl Fleet {
    /// Reads the control topic to its end; it must be there.
    pub(super) fn join(kafka: &Settings, me: &str) -> Result<Self> {
        let application_id = kafka.application_id.clone();
        let (_, book) = read(kafka, me)?;
        Ok(Self {
            kafka: kafka.clone(),
            application_id,
            me: me.to_owned(),
            book: Mutex::new(book),
            followed: Mutex::default(),
            changed: Condvar::new(),
        })
    }

    /// The newest version; none before the first.
    ///
    /// # Errors
    /// Its bytes are not there, or not those that were announced.
    pub(super) fn latest(&self) -> Result<Option<Announced>> {
        announced(&lock(&self.book))
    }

    /// Announces a module as the version behind `before` (none: the first), and answers its number.
    ///
    /// # Errors
    /// Another process was faster ([`Late`]), or Kafka does not take it.
    pub(super) fn announce(
        &self,
        before: Option<u64>,
        digest: &str,
        bytes: &[u8],
        signature: Option<&[u8]>,
        purpose: &Purpose,
    ) -> Result<u64> {
        let topic = topic(&self.application_id);
        let id = format!("{}-announce", self.me);
        let stop = |failure| anyhow::Error::new(at_start(failure));
        let mut producer = Producer::new(&self.kafka, &id, Some(&topic)).map_err(stop)?;
        // From here on no other announcement can be under way.
        producer.init().map_err(stop)?;
        let (_, book) = read(&self.kafka, &id)?;
        let found = book.latest().map(|latest| latest.version);
        if found != before {
            return Err(Late(found.unwrap_or(0)).into());
        }
        let signature = signature.map(hex::write);
        let records = book.announce(digest, bytes, signature.as_deref(), (&self.me, purpose));
        let mut rows = Rows::new();
        for (key, value) in &records {
            rows.push(Row { key: Some(key.as_bytes()), value: value.as_deref(), timestamp: now_ms() as i64 });
        }
        let to = producer.topic(&topic).map_err(stop)?;
        producer.begin().map_err(stop)?;
        let sent = producer.send(&to, Some(0), &rows).and_then(|()| producer.commit());
        sent.map_err(stop).context("cannot announce the module")?;
        Ok(before.unwrap_or(0) + 1)
    }

    /// A reader of the control topic, for the thread that follows it.
    ///
    /// # Errors
    /// The topic cannot be read.
    pub(super) fn tail(&self) -> Result<Tail> {
        let place = TopicPartition::new(topic(&self.application_id), 0);
        Ok(Tail::new(&self.kafka, &format!("modules-{}", self.me), &place).map_err(at_start)?)
    }

    /// Waits for records; the newest version when a new one was announced.
    ///
    /// # Errors
    /// As [`Fleet::latest`]; or the topic cannot be read.
    pub(super) fn poll(&self, tail: &mut Tail, timeout: Duration) -> Result<Option<Announced>> {
        let Some(rows) = tail.poll(timeout).map_err(at_start)? else { return Ok(None) };
        let mut book = lock(&self.book);
        if take(&mut book, &rows)? { announced(&book) } else { Ok(None) }
    }

    /// A module that was announced before, for a roll-back.
    pub(super) fn before(&self) -> Option<(String, Vec<u8>, Option<Vec<u8>>)> {
        let book = lock(&self.book);
        let digest = book.latest()?.previous.clone()?;
        let bytes = book.bytes(&digest)?;
        let signature = book.signature(&digest).and_then(hex::read);
        Some((digest, bytes, signature))
    }

    /// Notes that this process runs a version.
    pub(super) fn note_installed(&self, version: u64) {
        lock(&self.followed).version = version;
        self.changed.notify_all();
    }

    /// Notes why this process cannot go on.
    fn note_failed(&self, reason: String) {
        lock(&self.followed).failed = Some(reason);
        self.changed.notify_all();
    }

    /// Waits until this process runs this version or a newer one.
    ///
    /// # Errors
    /// It cannot, or not in time.
    pub(super) fn wait_for(&self, version: u64) -> Result<()> {
        let deadline = Instant::now() + ECHO_TIMEOUT;
        let mut followed = lock(&self.followed);
        while followed.version < version {
            if let Some(reason) = &followed.failed {
                bail!("version {version} was announced, and this process cannot run it: {reason}");
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                bail!(
                    "version {version} was announced, but does not run here after {ECHO_TIMEOUT:?}; the log says why"
                );
            }
            followed = match self.changed.wait_timeout(followed, left) {
                Ok((followed, _)) => followed,
                Err(poisoned) => poisoned.into_inner().0,
            };
        }
        Ok(())
    }
}

/// The thread that follows the control topic.
pub(super) struct Follower {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Follower {
    /// Ends the thread; an installation that is under way comes to its end first.
    pub(super) fn stop(mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // A panic of this thread has been printed, and the process ends now anyway.
            let _ = thread.join();
        }
    }
}

/// Starts following; without a control topic there is nothing to do.
pub(super) fn follow(application: &Arc<Application>, swapper: &Arc<Swapper>) -> Result<Follower, Failure> {
    let stop = Arc::new(AtomicBool::new(false));
    if application.fleet.is_none() {
        return Ok(Follower { stop, thread: None });
    }
    let (stopped, application, swapper) = (Arc::clone(&stop), Arc::clone(application), Arc::clone(swapper));
    let run = move || {
        let fleet = application.fleet.as_ref().expect("looked for above");
        if let Err(error) = follow_until(&stopped, fleet, &swapper) {
            fleet.note_failed(format!("{error:#}"));
            let text = error.context("this process cannot run the module that the application has now");
            application.give_up(Failure::new(ExitKind::NoModule, text));
        }
    };
    let thread = thread::Builder::new().name("modules".to_owned()).spawn(run);
    let thread = thread.map_err(|error| Failure::new(ExitKind::Failure, error))?;
    Ok(Follower { stop, thread: Some(thread) })
}

fn follow_until(stop: &AtomicBool, fleet: &Fleet, swapper: &Swapper) -> Result<()> {
    let mut tail = fleet.tail()?;
    while !stop.load(Ordering::Relaxed) {
        if let Some(announced) = fleet.poll(&mut tail, LOOK_INTERVAL)? {
            swapper.follow(&announced)?;
        }
    }
    Ok(())
}

fn read(kafka: &Settings, id: &str) -> Result<(Tail, Book)> {
    let place = TopicPartition::new(topic(&kafka.application_id), 0);
    let client_id = format!("modules-{id}");
    let mut tail = Tail::new(kafka, &client_id, &place).map_err(at_start)?;
    let (mut book, mut outcome) = (Book::default(), Ok(false));
    tail.catch_up(|rows| {
        if outcome.is_ok() {
            outcome = take(&mut book, rows);
        }
    })
    .map_err(at_start)?;
    outcome?;
    Ok((tail, book))
}

fn take(book: &mut Book, rows: &Rows) -> Result<bool> {
    let mut is_new = false;
    for i in 0..rows.len() {
        is_new |= book.take(rows.key(i), rows.value(i))?;
    }
    Ok(is_new)
}

fn announced(book: &Book) -> Result<Option<Announced>> {
    let Some(latest) = book.latest() else { return Ok(None) };
    let digest = latest.digest.clone();
    let bytes = book.bytes(&digest).filter(|bytes| crate::wasm::sha256_hex(bytes) == digest);
    let bytes = bytes.with_context(|| {
        format!("the control topic announces module {digest} and has not its bytes\nhint: swap once more")
    })?;
    let signature = latest.signature.as_deref().and_then(hex::read);
    let (version, by, purpose) = (latest.version, latest.by.clone(), latest.purpose.clone());
    Ok(Some(Announced { version, digest, bytes, signature, by, purpose }))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
