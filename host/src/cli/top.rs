//! `host top`: what a running application does, each second, in a terminal.

#![allow(clippy::doc_markdown, reason = "doc comments are help texts here")]

mod frame;
mod terminal;

use super::modules::connect;
use super::print;
use crate::admin::{self, Answer, Door, Events};
use crate::exit::{ExitKind, Failure};
use crate::feed::snapshot::Snapshot;
use crate::shown::colours_are_wanted;
use anyhow::{Context as _, anyhow};
use clap::Args;
use frame::Look;
use std::io::{IsTerminal as _, stdout};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use terminal::Terminal;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

/// Columns where nobody knows how many there are.
const COLUMNS: usize = 100;
/// Where it looks when nothing is named, as `admin` in default.toml.
const ADMIN: &str = "127.0.0.1:9464";

/// Watch what a running application does.
#[derive(Args, Debug)]
pub(super) struct Top {
    /// The operator's name; without it: whatever answers at --admin
    #[arg(conflicts_with = "admin")]
    name: Option<String>,
    /// Consumer group of the application [default: the name]
    #[arg(long, value_name = "ID", requires = "name")]
    application_id: Option<String>,
    /// State folder of the application [default: $XDG_STATE_HOME/wasmhost]
    #[arg(long, value_name = "PATH", env = "HOST_STATE_DIR")]
    state_dir: Option<PathBuf>,
    /// Where its admin API speaks HTTP
    #[arg(long, value_name = "ADDRESS:PORT", default_value = ADMIN)]
    admin: SocketAddr,
    /// Print one frame as text, and end
    #[arg(long)]
    once: bool,
}

impl Top {
    pub(super) fn run(self) -> Result<(), Failure> {
        let failed = |error| Failure::new(ExitKind::Failure, error);
        let door = self.door()?;
        if self.once {
            let answer = admin::call(door, "GET", "/api/v1/snapshot", Vec::new()).map_err(failed)?;
            let snapshot = snapshot(&answer).map_err(failed)?;
            return print(&frame::text(&snapshot, look()));
        }
        if !stdout().is_terminal() {
            let error = anyhow!("standard output is no terminal");
            return Err(Failure::new(ExitKind::Usage, error).hint("--once prints one frame"));
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime
            .context("cannot wait for the feed")
            .and_then(|runtime| runtime.block_on(watch(door)))
            .map_err(failed)
    }

    /// A way to the process.
    fn door(&self) -> Result<Door, Failure> {
        if let Some(name) = &self.name {
            let id = self.application_id.as_deref().unwrap_or(name);
            return connect(self.state_dir.as_deref(), id).map(Door::Unix);
        }
        let address = self.admin;
        TcpStream::connect(address).map(Door::Tcp).map_err(|error| {
            let error = anyhow::Error::new(error).context(format!("nothing answers at {address}"));
            Failure::new(ExitKind::Failure, error)
                .hint("name the operator to ask its socket, or give --admin; is the application started?")
        })
    }
}

fn snapshot(answer: &Answer) -> anyhow::Result<Snapshot> {
    if answer.status != 200 {
        return Err(super::modules::problem(answer));
    }
    serde_json::from_slice(&answer.body).context("the answer is not what this version of host expects")
}

/// How it is to look here.
fn look() -> Look {
    let (columns, rows) = terminal::size().unwrap_or((COLUMNS, usize::MAX));
    Look { columns, rows, color: colours_are_wanted(&stdout()) }
}

/// Draws each snapshot until somebody ends it, or the application ends.
async fn watch(door: Door) -> anyhow::Result<()> {
    let mut events = Events::open(door).await?;
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let (pressed, mut keys) = mpsc::channel(1);
    let mut terminal = Terminal::take()?;
    terminal::listen(move |key| pressed.blocking_send(key).is_ok())?;
    let ended = loop {
        tokio::select! {
            event = events.next() => match event? {
                Some(snapshot) => terminal.draw(&frame::text(&snapshot, look()))?,
                None => break "the application has ended\n",
            },
            key = keys.recv() => if matches!(key, Some(b'q' | b'Q')) { break "" },
            _ = interrupt.recv() => break "",
            _ = terminate.recv() => break "",
        }
    };
    drop(terminal);
    print(ended).map_err(|failure| failure.error)
}
