//! WASI 0.2 for guests whose language needs it, closed: no files, no network, no arguments, no environment; a
//! clock that stands still and one fixed sequence of random bytes, so that a replay gives the same answer.
//! Output becomes log lines. [`Grants`] open it step by step; nothing opens the network.

use super::bindings::host::operator::log::Level;
use super::error::CallError;
use super::instance::State;
use super::log::Log;
use host_core::operator::FaultKind;
use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::io::AsyncWrite;
use wasmtime::component::{HasData, Linker, Resource, ResourceTable};
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::bindings::clocks::monotonic_clock;
use wasmtime_wasi::p2::{DynPollable, OutputStream, Pollable, StreamError, StreamResult, subscribe};
use wasmtime_wasi::{
    FsPerms, HostMonotonicClock, HostWallClock, WasiCtx, WasiCtxView, WasiView, random::Deterministic,
};

/// What a module may see beyond its rows and settings; nothing by default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Grants {
    /// Folders.
    pub dirs: Vec<DirGrant>,
    /// Environment variables: name and value.
    pub env: Vec<(String, String)>,
    /// The machine's clock instead of one that stands still.
    pub clock: bool,
    /// Random numbers instead of one fixed sequence.
    pub random: bool,
}

/// A folder that a module may see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirGrant {
    /// Where it is.
    pub host: PathBuf,
    /// Its path in the guest.
    pub guest: String,
    /// It cannot be written to.
    pub is_read_only: bool,
}

/// The packages that are linked.
const PACKAGES: [&str; 6] =
    ["wasi:cli", "wasi:clocks", "wasi:filesystem", "wasi:io", "wasi:random", "wasi:sockets"];
/// Handles (streams, files, pollables) of an instance; more is a fault.
const HANDLES_MAX: usize = 1_024;
/// Random bytes of one call.
const RANDOM_BYTES_MAX: u64 = 1 << 20;
/// What may be written to a stream at once.
const WRITE_BYTES_MAX: usize = 64 << 10;
/// Length of the fixed sequence before it begins anew.
const SEQUENCE_BYTES: usize = 4 << 10;

/// True for imports of the WASI that is linked here.
pub(super) fn is_import(name: &str) -> bool {
    let Some((interface, version)) = name.split_once('@') else { return false };
    let package = interface.split('/').next().unwrap_or_default();
    version.starts_with("0.2.") && PACKAGES.contains(&package)
}

/// What an instance holds of WASI.
pub(super) struct Wasi {
    ctx: WasiCtx,
    table: ResourceTable,
    monotonic: Box<dyn HostMonotonicClock>,
}

impl std::fmt::Debug for Wasi {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Wasi").finish_non_exhaustive()
    }
}

impl Wasi {
    /// Opens the granted folders.
    pub(super) fn new(grants: &Grants, log: &Arc<Log>) -> Result<Self, CallError> {
        let mut builder = WasiCtx::builder();
        builder
            .allow_tcp(false)
            .allow_udp(false)
            .allow_ip_name_lookup(false)
            .allow_blocking_current_thread(true)
            .max_random_size(RANDOM_BYTES_MAX)
            .stdout(Lines::new(log, Level::Info))
            .stderr(Lines::new(log, Level::Warn))
            .envs(&grants.env);
        for dir in &grants.dirs {
            let perms = if dir.is_read_only { FsPerms::ReadOnly } else { FsPerms::ReadWrite };
            let opened = builder.preopened_dir(&dir.host, &dir.guest, perms);
            opened.map_err(|error| {
                let text = format!("cannot open the granted folder \"{}\": {error:#}", dir.host.display());
                CallError::new(FaultKind::Fatal, &text)
            })?;
        }
        if !grants.clock {
            builder.wall_clock(StillClock);
        }
        if !grants.random {
            builder
                .secure_random(Deterministic::new(sequence()))
                .insecure_random(Deterministic::new(sequence()))
                .insecure_random_seed(0);
        }
        let mut table = ResourceTable::new();
        table.set_max_capacity(HANDLES_MAX);
        let monotonic: Box<dyn HostMonotonicClock> =
            if grants.clock { Box::new(MachineClock(Instant::now())) } else { Box::new(StillClock) };
        Ok(Self { ctx: builder.build(), table, monotonic })
    }
}

impl State {
    fn wasi(&mut self) -> &mut Wasi {
        self.wasi.as_mut().expect("what imports WASI has it")
    }
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        let wasi = self.wasi();
        WasiCtxView { ctx: &mut wasi.ctx, table: &mut wasi.table }
    }
}

/// Links WASI; the state of each instance must then have its [`Wasi`].
pub(super) fn add_to_linker(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    wasmtime_wasi::p2::add_to_linker_sync(linker)?;
    linker.allow_shadowing(true);
    monotonic_clock::add_to_linker::<State, Timers>(linker, State::wasi)?;
    linker.allow_shadowing(false);
    Ok(())
}

/// Timers that are over at once: no guest may make a worker wait.
struct Timers;

impl HasData for Timers {
    type Data<'a> = &'a mut Wasi;
}

impl monotonic_clock::Host for Wasi {
    fn now(&mut self) -> wasmtime::Result<u64> {
        Ok(self.monotonic.now())
    }

    fn resolution(&mut self) -> wasmtime::Result<u64> {
        Ok(self.monotonic.resolution())
    }

    fn subscribe_instant(&mut self, _: u64) -> wasmtime::Result<Resource<DynPollable>> {
        self.subscribe_duration(0)
    }

    fn subscribe_duration(&mut self, _: u64) -> wasmtime::Result<Resource<DynPollable>> {
        let over = self.table.push(Over)?;
        subscribe(&mut self.table, over)
    }
}

struct Over;

type Ready<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

impl Pollable for Over {
    fn ready<'a, 'b>(&'a mut self) -> Ready<'b>
    where
        'a: 'b,
        Self: 'b,
    {
        Box::pin(std::future::ready(()))
    }
}

/// It is 1970 for ever.
struct StillClock;

impl HostWallClock for StillClock {
    fn resolution(&self) -> Duration {
        Duration::from_millis(1)
    }

    fn now(&self) -> Duration {
        Duration::ZERO
    }
}

impl HostMonotonicClock for StillClock {
    fn resolution(&self) -> u64 {
        1_000_000
    }

    fn now(&self) -> u64 {
        0
    }
}

/// Counts from the start of the instance.
struct MachineClock(Instant);

impl HostMonotonicClock for MachineClock {
    fn resolution(&self) -> u64 {
        1
    }

    fn now(&self) -> u64 {
        u64::try_from(self.0.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }
}

/// Steele, Lea and Flood's splitmix64 from seed 0.
fn sequence() -> Vec<u8> {
    let mut state = 0_u64;
    let mut next = || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)).to_le_bytes()
    };
    (0..SEQUENCE_BYTES / 8).flat_map(|_| next()).collect()
}

/// A guest's standard output or error: every line becomes a line of the log, under its limits.
#[derive(Clone)]
struct Lines {
    log: Arc<Log>,
    level: Level,
    /// The line that has no end yet.
    begun: Arc<Mutex<Vec<u8>>>,
}

impl Lines {
    fn new(log: &Arc<Log>, level: Level) -> Self {
        Self { log: Arc::clone(log), level, begun: Arc::default() }
    }

    fn take(&self, bytes: &[u8]) {
        let mut begun = self.begun.lock().unwrap_or_else(PoisonError::into_inner);
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            let (text, ends) = match part.strip_suffix(b"\n") {
                Some(text) => (text, true),
                None => (part, false),
            };
            // The rest of a long line is cut, as in the log interface.
            let room = self.log.line_bytes_max().saturating_sub(begun.len());
            begun.extend_from_slice(&text[..text.len().min(room)]);
            if ends {
                self.log.line(self.level, &String::from_utf8_lossy(&begun));
                begun.clear();
            }
        }
    }
}

impl IsTerminal for Lines {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Lines {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        // Only WASI 0.3 asks for it, which is not linked.
        Box::new(tokio::io::sink())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

impl OutputStream for Lines {
    fn write(&mut self, bytes: bytes::Bytes) -> StreamResult<()> {
        if bytes.len() > WRITE_BYTES_MAX {
            return Err(StreamError::trap("more was written than the stream had room for"));
        }
        self.take(&bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(WRITE_BYTES_MAX)
    }
}

impl Pollable for Lines {
    fn ready<'a, 'b>(&'a mut self) -> Ready<'b>
    where
        'a: 'b,
        Self: 'b,
    {
        Box::pin(std::future::ready(()))
    }
}
