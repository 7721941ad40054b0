//! Connections of clients to the one broker behind us, two threads each: requests go out on one, responses come back
//! on the other. An error of a connection ends that connection, as it would without us.

use crate::forge;
use crate::request::{self, Request};
use crate::rules::{Action, Rule, RuleId, Rules};
use anyhow::{Context, Result, bail};
use kafka_protocol::messages::ApiKey;
use std::collections::{BTreeMap, VecDeque};
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// Bytes of one request or response; a broker takes 100 MiB.
const FRAME_BYTES_MAX: usize = 128 * 1024 * 1024;

/// A running proxy; it lives as long as the process.
#[derive(Clone)]
pub struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
}

impl Proxy {
    /// Listens on a free port of 127.0.0.1. The broker may start later: each connection looks for it anew.
    ///
    /// # Errors
    /// No port is free.
    pub fn start(broker: SocketAddr) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no port for the proxy")?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared { broker, state: Mutex::default(), changed: Condvar::new() });
        let accepting = Arc::clone(&shared);
        thread::Builder::new().name("proxy".into()).spawn(move || {
            for client in listener.incoming().flatten() {
                let shared = Arc::clone(&accepting);
                thread::spawn(move || Connection::serve(&shared, &client));
            }
        })?;
        Ok(Self { address, shared })
    }

    /// Where clients connect.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Adds a rule, which holds until the fault is dropped.
    pub fn add(&self, rule: Rule) -> Fault {
        let mut state = self.shared.state();
        let id = state.rules.add(rule);
        state.gates.insert(id, Gate::default());
        Fault { shared: Arc::clone(&self.shared), id }
    }
}

/// A rule that was added. Dropped, the rule is gone, and what it still holds is thrown away.
pub struct Fault {
    shared: Arc<Shared>,
    id: RuleId,
}

impl Fault {
    /// How often it fired.
    pub fn fired(&self) -> u64 {
        self.shared.state().rules.fired(self.id)
    }

    /// Lets the broker have what is held; from now on nothing is held any more.
    pub fn release(&self) {
        if let Some(gate) = self.shared.state().gates.get_mut(&self.id) {
            gate.is_open = true;
        }
        self.shared.changed.notify_all();
    }

    /// Waits until the broker has answered a request that this rule let through to it, and gives the error code if it
    /// is that of an `EndTxn`, else 0.
    ///
    /// # Errors
    /// Not in time.
    pub fn answer(&self, within: Duration) -> Result<i16> {
        let deadline = Instant::now() + within;
        let mut state = self.shared.state();
        loop {
            if let Some(code) = state.gates.get(&self.id).and_then(|gate| gate.answers.first()) {
                return Ok(*code);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                bail!("the broker has not answered within {within:?}");
            }
            let woken = self.shared.changed.wait_timeout(state, left);
            state = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl Drop for Fault {
    fn drop(&mut self) {
        let mut state = self.shared.state();
        state.rules.remove(self.id);
        state.gates.remove(&self.id);
        drop(state);
        self.shared.changed.notify_all();
    }
}

/// What a rule knows beyond its count.
#[derive(Debug, Default)]
struct Gate {
    /// Nothing is held.
    is_open: bool,
    /// Error codes of the broker's answers.
    answers: Vec<i16>,
}

#[derive(Debug, Default)]
struct State {
    rules: Rules,
    gates: BTreeMap<RuleId, Gate>,
}

struct Shared {
    broker: SocketAddr,
    state: Mutex<State>,
    changed: Condvar,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for the rule's gate. False: the rule is gone, and what it held with it.
    fn passes_gate(&self, id: RuleId) -> bool {
        let mut state = self.state();
        while let Some(gate) = state.gates.get(&id) {
            if gate.is_open {
                return true;
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        false
    }

    fn answered(&self, pending: &Pending, frame: &[u8]) {
        let Some(id) = pending.rule else { return };
        let code = match pending.api {
            Some(ApiKey::EndTxn) => forge::end_txn_error(pending.version, frame).unwrap_or(-1),
            _ => 0,
        };
        if let Some(gate) = self.state().gates.get_mut(&id) {
            gate.answers.push(code);
        }
        self.changed.notify_all();
    }
}

/// What becomes of a response.
#[derive(Debug)]
enum Fate {
    Pass,
    Drop,
    Disconnect,
    Replace(Vec<u8>),
    Trickle,
}

/// A request that the broker has got.
#[derive(Debug)]
struct Pending {
    correlation_id: i32,
    api: Option<ApiKey>,
    version: i16,
    rule: Option<RuleId>,
    fate: Fate,
}

/// One client's connection.
struct Connection {
    shared: Arc<Shared>,
    client: TcpStream,
    broker: TcpStream,
    /// Responses may be written by either thread.
    answers: Mutex<()>,
    pending: Mutex<VecDeque<Pending>>,
}

impl Connection {
    fn serve(shared: &Arc<Shared>, client: &TcpStream) {
        // Without a broker the client sees its connection closed, and without a copy of a socket too.
        if let Ok(connection) = Self::new(shared, client) {
            let connection = Arc::new(connection);
            let back = Arc::clone(&connection);
            thread::spawn(move || back.bring_responses());
            connection.bring_requests();
        } else {
            drop(client.shutdown(Shutdown::Both));
        }
    }

    fn new(shared: &Arc<Shared>, client: &TcpStream) -> io::Result<Self> {
        let (client, broker) = (client.try_clone()?, TcpStream::connect(shared.broker)?);
        client.set_nodelay(true)?;
        broker.set_nodelay(true)?;
        let (answers, pending) = (Mutex::default(), Mutex::default());
        Ok(Self { shared: Arc::clone(shared), client, broker, answers, pending })
    }

    fn bring_requests(&self) {
        while let Ok(frame) = read_frame(&self.client) {
            if self.request(&frame).is_err() {
                drop(self.client.shutdown(Shutdown::Both));
                break;
            }
        }
        // What the broker has got it still answers; then it closes.
        drop(self.broker.shutdown(Shutdown::Write));
    }

    fn bring_responses(&self) {
        while let Ok(frame) = read_frame(&self.broker) {
            let Some(pending) = self.pending_of(&frame) else { break };
            self.shared.answered(&pending, &frame);
            // The client may have gone; the broker's other answers are wanted all the same.
            drop(match pending.fate {
                Fate::Pass => self.respond(&frame, usize::MAX),
                Fate::Trickle => self.respond(&frame, 1),
                Fate::Replace(other) => self.respond(&other, usize::MAX),
                Fate::Disconnect => self.client.shutdown(Shutdown::Both),
                Fate::Drop => Ok(()),
            });
        }
        drop(self.client.shutdown(Shutdown::Both));
        drop(self.broker.shutdown(Shutdown::Both));
    }

    /// A broker answers in the order of the requests; some want no answer.
    fn pending_of(&self, frame: &[u8]) -> Option<Pending> {
        let id = request::correlation_id(frame)?;
        let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            let first = pending.pop_front()?;
            if first.correlation_id == id {
                return Some(first);
            }
        }
    }

    /// # Errors
    /// The connection is to end here.
    fn request(&self, frame: &[u8]) -> Result<()> {
        let request = Request::read(frame).context("no request")?;
        let decided = self.shared.state().rules.decide(&request, frame);
        let Some((id, action)) = decided else {
            return self.forward(&request, frame, None, Fate::Pass);
        };
        self.shared.changed.notify_all();
        let forward = |fate| self.forward(&request, frame, Some(id), fate);
        match action {
            Action::Delay(time) => {
                thread::sleep(time);
                forward(Fate::Pass)
            }
            Action::Hold if self.shared.passes_gate(id) => forward(Fate::Pass),
            Action::HoldAndDisconnect => {
                drop(self.client.shutdown(Shutdown::Both));
                if self.shared.passes_gate(id) {
                    return forward(Fate::Drop);
                }
                bail!("dropped")
            }
            Action::Hold | Action::DisconnectBefore => bail!("the connection ends here"),
            Action::DisconnectAfter => forward(Fate::Disconnect),
            Action::DropResponse => forward(Fate::Drop),
            Action::Refuse(code) => Ok(self.respond(&forge::refusal(&request, frame, code)?, usize::MAX)?),
            Action::Stamp(code) => forward(Fate::Replace(forge::refusal(&request, frame, code)?)),
            Action::Trickle => forward(Fate::Trickle),
        }
    }

    fn forward(&self, request: &Request, frame: &[u8], rule: Option<RuleId>, fate: Fate) -> Result<()> {
        let step = if matches!(fate, Fate::Trickle) { 1 } else { usize::MAX };
        let Request { api, version, correlation_id, .. } = *request;
        let pending = Pending { correlation_id, api, version, rule, fate };
        self.pending.lock().unwrap_or_else(PoisonError::into_inner).push_back(pending);
        write_frame(&self.broker, frame, step)?;
        Ok(())
    }

    fn respond(&self, frame: &[u8], step: usize) -> io::Result<()> {
        let _one_at_a_time = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        write_frame(&self.client, frame, step)
    }
}

fn read_frame(mut stream: &TcpStream) -> io::Result<Vec<u8>> {
    let mut length = [0; 4];
    stream.read_exact(&mut length)?;
    let length = usize::try_from(i32::from_be_bytes(length)).map_err(io::Error::other)?;
    if length > FRAME_BYTES_MAX {
        return Err(io::Error::other(format!("a frame of {length} bytes")));
    }
    let mut frame = vec![0; length];
    stream.read_exact(&mut frame)?;
    Ok(frame)
}

/// Writes so many bytes at a time.
fn write_frame(mut stream: &TcpStream, frame: &[u8], step: usize) -> io::Result<()> {
    let length = i32::try_from(frame.len()).map_err(io::Error::other)?.to_be_bytes();
    let bytes = [length.as_slice(), frame].concat();
    bytes.chunks(step.min(bytes.len())).try_for_each(|some| stream.write_all(some))
}
