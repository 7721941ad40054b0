//! The thread that sends spans. What it cannot send is counted and lost: traces never hold up records.

use crate::counts::Counts;
use crate::otlp;
use crate::settings::Settings;
use crate::span::Span;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// Spans that wait for the thread; what comes then is lost.
const QUEUE_SPANS_MAX: usize = 2048;
/// Spans of one request.
const REQUEST_SPANS_MAX: usize = 512;
/// Bytes of an answer that are looked at: its first line.
const ANSWER_BYTES_MAX: u64 = 256;
/// How long the last of what waits may take at the end of the process.
pub const EXIT_WAIT_MAX: Duration = Duration::from_secs(2);

/// Sends spans in the background. A clone is the same; when the last one goes, what waits is sent, if that is possible
/// within [`EXIT_WAIT_MAX`].
#[derive(Clone)]
pub struct Exporter(Arc<Inner>);

struct Inner {
    queue: Option<SyncSender<Span>>,
    /// Nothing is ever sent here: it closes when the thread ends.
    ended: Mutex<Receiver<()>>,
    counts: Arc<Counts>,
    /// Of so large a share there are spans.
    ratio: f64,
}

impl Exporter {
    /// Starts the thread.
    ///
    /// # Errors
    /// The system gives none.
    pub fn start(settings: Settings) -> io::Result<Self> {
        let ratio = settings.ratio;
        let (queue, spans) = sync_channel(QUEUE_SPANS_MAX);
        let (ends, ended) = sync_channel(0);
        let counts = Arc::new(Counts::default());
        let counted = Arc::clone(&counts);
        thread::Builder::new().name("traces".into()).spawn(move || {
            let _ends: SyncSender<()> = ends;
            run(&settings, &spans, &counted);
        })?;
        Ok(Self(Arc::new(Inner { queue: Some(queue), ended: Mutex::new(ended), counts, ratio })))
    }

    /// Of so large a share of transactions there are spans, 0 to 1.
    pub fn ratio(&self) -> f64 {
        self.0.ratio
    }

    /// Spans that no collector got, so far.
    pub fn lost(&self) -> u64 {
        self.0.counts.lost()
    }

    /// Hands a span to the thread, or loses it when too many wait.
    pub fn send(&self, span: Span) {
        self.0.counts.take();
        if self.0.queue.as_ref().is_none_or(|queue| queue.try_send(span).is_err()) {
            self.0.counts.lose(1, "the collector does not keep up");
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.queue = None;
        let ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        let is_late = ended.recv_timeout(EXIT_WAIT_MAX) == Err(RecvTimeoutError::Timeout);
        match self.counts.end() {
            Some(lost) if is_late => {
                tracing::warn!(lost, "the collector does not answer; the last spans are lost");
            }
            Some(lost) => tracing::warn!(lost, "spans were lost"),
            None => {}
        }
    }
}

fn run(settings: &Settings, spans: &Receiver<Span>, counts: &Counts) {
    while let Some(batch) = gather(spans, settings.delay) {
        let spans = batch.len() as u64;
        match post(settings, &otlp::request(&settings.resource, &batch)) {
            Ok(()) => counts.sent(spans),
            Err(error) => {
                let collector = &settings.authority;
                counts.lose(spans, format_args!("the collector does not take spans: {collector}: {error}"));
            }
        }
    }
}

/// The spans of one request: those of `delay` after the first. None: there will be no more.
fn gather(spans: &Receiver<Span>, delay: Duration) -> Option<Vec<Span>> {
    let mut batch = vec![spans.recv().ok()?];
    let deadline = Instant::now() + delay;
    while batch.len() < REQUEST_SPANS_MAX {
        match spans.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(span) => batch.push(span),
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => break,
        }
    }
    Some(batch)
}

fn post(settings: &Settings, body: &[u8]) -> io::Result<()> {
    let mut stream = connect(settings)?;
    stream.set_read_timeout(Some(settings.timeout))?;
    stream.set_write_timeout(Some(settings.timeout))?;
    let mut head = format!(
        "POST {} HTTP/1.1\r\nHost: {}\r\nContent-Type: application/x-protobuf\r\nContent-Length: {}\r\n\
         Connection: close\r\n",
        settings.path,
        settings.authority,
        body.len()
    );
    for (name, value) in &settings.headers {
        head.extend([name, ": ", value, "\r\n"]);
    }
    head.push_str("\r\n");
    stream.write_all(&[head.as_bytes(), body].concat())?;
    // A collector that keeps the connection open all the same is not waited for.
    let mut answer = Vec::new();
    BufReader::new(stream.take(ANSWER_BYTES_MAX)).read_until(b'\n', &mut answer)?;
    let answer = String::from_utf8_lossy(&answer);
    let line = answer.trim_end();
    if line.split(' ').nth(1).is_some_and(|code| code.starts_with('2')) {
        return Ok(());
    }
    Err(io::Error::other(format!("it answers \"{line}\"")))
}

fn connect(settings: &Settings) -> io::Result<TcpStream> {
    let mut last = io::Error::other(format!("\"{}\" is no address", settings.authority));
    for address in settings.authority.to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, settings.timeout) {
            Ok(stream) => return Ok(stream),
            Err(error) => last = error,
        }
    }
    Err(last)
}
