//! The listener and its connections.

use crate::settings::Settings;
use crate::state::Shared;
use crate::{clock, connection};
use anyhow::{Context as _, Result};
use std::collections::BTreeMap;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

/// Connections that are open, by number, to close them in the end.
type Open = Arc<Mutex<BTreeMap<u64, TcpStream>>>;

/// A running broker; it ends, with all that it holds, when dropped.
pub struct Broker {
    address: SocketAddr,
    shared: Arc<Shared>,
    open: Open,
    threads: Vec<JoinHandle<()>>,
}

impl Broker {
    /// Starts one, which takes connections as soon as this returns.
    ///
    /// # Errors
    /// The address is taken, or the system gives no thread.
    pub fn start(settings: Settings) -> Result<Self> {
        let wanted = settings.listen;
        let listener =
            TcpListener::bind(wanted).with_context(|| format!("the broker cannot listen on {wanted}"))?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared::new(settings, address));
        let open = Open::default();
        let mut broker =
            Self { address, shared: Arc::clone(&shared), open: Arc::clone(&open), threads: Vec::new() };
        let clock = Arc::clone(&shared);
        broker.threads.push(named("broker-clock").spawn(move || clock::run(&clock))?);
        broker.threads.push(named("broker-listen").spawn(move || listen(&listener, &shared, &open))?);
        Ok(broker)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Tells clients to go elsewhere: to a proxy in front of it, which does faults.
    pub fn advertise(&self, elsewhere: SocketAddr) {
        self.shared.advertise(elsewhere);
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.shared.is_stopping.store(true, Ordering::Relaxed);
        // Wakes the listener, which then sees that it is over.
        drop(TcpStream::connect(self.address));
        for stream in lock(&self.open).values() {
            // It may be gone already.
            drop(stream.shutdown(Shutdown::Both));
        }
        self.shared.changed();
        for thread in self.threads.drain(..) {
            drop(thread.join());
        }
    }
}

fn listen(listener: &TcpListener, shared: &Arc<Shared>, open: &Open) {
    for (number, stream) in (0..).zip(listener.incoming()) {
        if shared.is_stopping() {
            return;
        }
        let Ok(stream) = stream else { continue };
        let max = shared.settings.limits.connections_max;
        if lock(open).len() >= max {
            tracing::warn!(
                connections_max = max,
                "the broker has as many connections as it may; one is closed"
            );
            continue;
        }
        // Without a second handle it could not be closed in the end.
        let Ok(handle) = stream.try_clone() else { continue };
        lock(open).insert(number, handle);
        let (shared, mine) = (Arc::clone(shared), Arc::clone(open));
        let serve = move || {
            if let Err(error) = connection::serve(&stream, &shared) {
                tracing::debug!(%error, "a connection to the broker ended");
            }
            lock(&mine).remove(&number);
        };
        if let Err(error) = named("broker-client").spawn(serve) {
            tracing::warn!(%error, "the broker gets no thread for a connection; it is closed");
            lock(open).remove(&number);
        }
    }
}

fn named(name: &str) -> thread::Builder {
    thread::Builder::new().name(name.to_owned())
}

fn lock(open: &Open) -> std::sync::MutexGuard<'_, BTreeMap<u64, TcpStream>> {
    open.lock().unwrap_or_else(PoisonError::into_inner)
}
