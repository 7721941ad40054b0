//! The thread that writes snapshots, so that no disk holds up a worker.

use super::{Counts, Folder, Header, file};
use cap_std::fs::File;
use host_core::record::Rows;
use std::io::{self, BufWriter, Write};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread;
use std::time::Instant;

/// Pieces that wait to be written; when there are so many, a worker takes the next step later.
const QUEUE_MAX: usize = 4;

/// What a worker has for it, in this order.
pub(super) enum Piece {
    Begin(Box<Header>),
    Rows(Rows),
    End,
    /// What was begun is no snapshot.
    Abandon,
}

/// The worker's end. When it is dropped, the thread ends.
pub(super) struct Writer(SyncSender<Piece>);

impl Writer {
    pub(super) fn start(folder: Folder, counts: Arc<Counts>) -> io::Result<Self> {
        let (sender, pieces) = sync_channel(QUEUE_MAX);
        thread::Builder::new()
            .name("snapshots".to_owned())
            .spawn(move || write_all(&pieces, &folder, &counts))?;
        Ok(Self(sender))
    }

    /// What was not taken: the queue is full, or the thread is gone.
    pub(super) fn give(&self, piece: Piece) -> Option<Piece> {
        match self.0.try_send(piece) {
            Ok(()) => None,
            Err(TrySendError::Full(piece) | TrySendError::Disconnected(piece)) => Some(piece),
        }
    }
}

/// A file that is being written.
struct Open {
    header: Header,
    name: String,
    out: BufWriter<File>,
    rows: u64,
    began: Instant,
}

fn write_all(pieces: &Receiver<Piece>, folder: &Folder, counts: &Counts) {
    let mut open: Option<Open> = None;
    for piece in pieces {
        if let Err((task, error)) = write(piece, &mut open, folder, counts) {
            counts.failed.add(1);
            tracing::warn!(task, %error, "cannot write a snapshot; the state is safe in its changelog, and a restart reads that");
            if let Some(open) = open.take() {
                folder.remove(&open.name);
            }
        }
    }
    if let Some(open) = open {
        folder.remove(&open.name);
    }
}

fn write(
    piece: Piece,
    open: &mut Option<Open>,
    folder: &Folder,
    counts: &Counts,
) -> Result<(), (String, io::Error)> {
    let task = open.as_ref().map_or_else(String::new, |open| open.header.task.clone());
    let failed = |error| (task.clone(), error);
    match piece {
        Piece::Begin(header) => {
            if let Some(given_up) = open.take() {
                folder.remove(&given_up.name);
            }
            *open = Some(begin(*header, folder).map_err(failed)?);
        }
        Piece::Rows(rows) => {
            // After an error the rest of a snapshot is passed over.
            let Some(open) = open else { return Ok(()) };
            open.rows += rows.len() as u64;
            file::rows(&mut open.out, &rows).map_err(failed)?;
        }
        Piece::End => {
            let Some(mut ended) = open.take() else { return Ok(()) };
            let bytes =
                end(&mut ended, folder).inspect_err(|_| folder.remove(&ended.name)).map_err(failed)?;
            counts.written.add(1);
            counts.bytes.set(bytes);
            let (task, rows, took_ms) = (&ended.header.task, ended.rows, ended.began.elapsed().as_millis());
            tracing::debug!(task, rows, bytes, took_ms, "wrote a snapshot");
        }
        Piece::Abandon => {
            if let Some(open) = open.take() {
                folder.remove(&open.name);
            }
        }
    }
    Ok(())
}

fn begin(header: Header, folder: &Folder) -> io::Result<Open> {
    let (name, file) = folder.create(&header.task)?;
    let mut out = BufWriter::with_capacity(1 << 20, file);
    file::begin(&mut out, &header)?;
    Ok(Open { header, name, out, rows: 0, began: Instant::now() })
}

/// Its bytes, once it is there for good.
fn end(open: &mut Open, folder: &Folder) -> io::Result<u64> {
    file::end(&mut open.out, open.rows)?;
    open.out.flush()?;
    open.out.get_ref().sync_all()?;
    let bytes = open.out.get_ref().metadata()?.len();
    folder.keep(&open.header.task, &open.name)?;
    Ok(bytes)
}
