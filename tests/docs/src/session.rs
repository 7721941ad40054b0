//! One page being followed.

use crate::page::{self, Block, Kind};
use anyhow::{Context as _, Result, bail, ensure};
use cli_tests::Sandbox;
use devbroker::{Broker, Settings};
use std::fs::{self, File};
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};
use testkit::host::last_lines;
use testkit::wait_until;
use xtask::process::{Signal, die_with_parent, send, send_to_group};
use xtask::{kafka, paths};

/// For a block, which may compile.
const BLOCK_DEADLINE: Duration = Duration::from_mins(10);
/// For a block that is run again and again, and for a command in the background to end.
const SOON: Duration = Duration::from_mins(2);
const PAUSE: Duration = Duration::from_millis(200);
/// Where the current folder is kept from block to block.
const HERE: &str = ".here";

/// Who brings the broker that the page speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kafka {
    /// The page starts `host dev`.
    OfThePage,
    /// It is there already.
    Running,
}

/// Does what the page says.
///
/// # Panics
/// Something is not as the page says.
pub fn follow(path: &str, kafka: Kafka) {
    let text = fs::read_to_string(paths::root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
    let blocks = page::blocks(&text).unwrap_or_else(|error| panic!("{path}: {error:#}"));
    let mut session = Session::new(kafka).expect("a folder and two ports");
    for block in pairs(&blocks) {
        if let Err(error) = session.step(block.0, block.1) {
            panic!("{path}:{}: {error:#}", block.0.line);
        }
    }
    session.end().unwrap_or_else(|error| panic!("{path}, at its end: {error:#}"));
}

/// Each block with what it must print.
fn pairs(blocks: &[Block]) -> impl Iterator<Item = (&Block, Option<&Block>)> {
    let is_output = |block: &&Block| block.kind == Kind::Output;
    (0..)
        .zip(blocks)
        .filter(|(_, block)| block.kind != Kind::Output)
        .map(move |(at, block): (usize, _)| (block, blocks.get(at + 1).filter(is_output)))
}

struct Session {
    sandbox: Sandbox,
    kafka: SocketAddr,
    admin: SocketAddr,
    background: Vec<Background>,
    _broker: Option<Broker>,
}

struct Background {
    line: usize,
    child: Child,
    log: PathBuf,
}

impl Drop for Background {
    fn drop(&mut self) {
        // It has ended, unless the test fails.
        drop(send_to_group(self.child.id(), Signal::Kill));
        drop(self.child.wait());
    }
}

impl Session {
    fn new(kafka: Kafka) -> Result<Self> {
        let (first, second) = kafka::free_ports()?;
        let local = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let (mut address, admin) = (local(first), local(second));
        let broker = match kafka {
            Kafka::OfThePage => None,
            Kafka::Running => Some(Broker::start(Settings { listen: local(0), ..Settings::default() })?),
        };
        if let Some(broker) = &broker {
            address = broker.address();
        }
        let sandbox =
            Sandbox::new().with_compilers().variable("HOST_BOOTSTRAP_SERVERS", &address.to_string());
        Ok(Self { sandbox, kafka: address, admin, background: Vec::new(), _broker: broker })
    }

    /// What stands on the page, with the session's ports.
    fn here(&self, text: &str) -> String {
        let text = text.replace("localhost:9092", &self.kafka.to_string());
        text.replace("127.0.0.1:9464", &self.admin.to_string())
    }

    fn step(&mut self, block: &Block, output: Option<&Block>) -> Result<()> {
        let text = self.here(&block.text);
        let expected = output.map(|output| self.here(&output.text)).unwrap_or_default();
        match &block.kind {
            Kind::Run { again: false, exits } => self.run(&text, *exits, &expected),
            Kind::Run { again: true, exits } => self.run_again(&text, *exits, &expected),
            Kind::Background => self.start(block.line, &text),
            Kind::File(path) => {
                let path = self.folder().join(path);
                fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
            }
            Kind::From(path) => {
                let file = fs::read_to_string(paths::root().join(path)).context("no such file")?;
                ensure!(page::stands_in(&block.text, &file), "this does not stand in {path} any more");
                Ok(())
            }
            Kind::ByHand | Kind::Output | Kind::Shown => Ok(()),
        }
    }

    /// The folder that the block before has gone to.
    fn folder(&self) -> PathBuf {
        let kept = fs::read_to_string(self.sandbox.folder().join(HERE));
        kept.map_or_else(|_| self.sandbox.folder().to_path_buf(), |here| PathBuf::from(here.trim_end()))
    }

    /// What goes on has the admin address: by default others do without when it is taken.
    fn command(&self, script: &str, log: &Path, admin: &str) -> Result<Command> {
        let variables = self.sandbox.variables();
        let path = variables.iter().find(|(name, _)| name == "PATH").map_or("", |(_, path)| path);
        let path = format!("{}:{path}", paths::target().join("release").display());
        let out = File::create(log).with_context(|| format!("cannot write {}", log.display()))?;
        let mut command = Command::new("bash");
        command.args(["-euo", "pipefail", "-c", script]).current_dir(self.folder());
        command.env_clear().envs(variables.iter().map(|(name, value)| (name, value))).env("PATH", path);
        command.env("HOST_ADMIN", admin);
        command.stdin(Stdio::null()).stderr(out.try_clone()?).stdout(out);
        // A shell is not all that is to end with it.
        die_with_parent(&mut command).process_group(0);
        Ok(command)
    }

    fn run(&self, text: &str, exits: i32, expected: &str) -> Result<()> {
        let log = self.sandbox.folder().join(".block");
        let script = format!("{text}\npwd > {}", self.sandbox.folder().join(HERE).display());
        let mut child = self.command(&script, &log, "off")?.spawn().context("no bash")?;
        let ended = wait(&mut child, BLOCK_DEADLINE);
        let printed = String::from_utf8_lossy(&fs::read(&log)?).into_owned();
        let status = ended.with_context(|| printed.clone())?;
        ensure!(
            status.code() == Some(exits),
            "{status}, not {exits}; it printed:\n{}",
            last_lines(&printed, 60)
        );
        match page::missing(expected, &printed) {
            Some(line) => {
                bail!("no \"{line}\" where it should be; it printed:\n{}", last_lines(&printed, 60))
            }
            None => Ok(()),
        }
    }

    fn run_again(&mut self, text: &str, exits: i32, expected: &str) -> Result<()> {
        let deadline = Instant::now() + SOON;
        loop {
            for background in &mut self.background {
                background.ensure_running()?;
            }
            match self.run(text, exits, expected) {
                Err(error) if Instant::now() > deadline => {
                    let logs = self.background.iter().map(Background::last_lines).collect::<String>();
                    return Err(error.context(format!("in vain for {SOON:?}\n{logs}")));
                }
                Err(_) => std::thread::sleep(PAUSE),
                Ok(()) => return Ok(()),
            }
        }
    }

    fn start(&mut self, line: usize, text: &str) -> Result<()> {
        let log = self.sandbox.folder().join(format!(".background-{line}"));
        let script = format!("exec {}", text.trim());
        let child = self.command(&script, &log, &self.admin.to_string())?.spawn().context("no bash")?;
        self.background.push(Background { line, child, log });
        Ok(())
    }

    /// Ctrl-C ends what goes on, the last first.
    fn end(mut self) -> Result<()> {
        while let Some(mut last) = self.background.pop() {
            last.ensure_running()?;
            send(last.child.id(), Signal::Interrupt).context("cannot signal it")?;
            let status = wait(&mut last.child, SOON)?;
            ensure!(status.success(), "{status} after Ctrl-C\n{}", last.last_lines());
        }
        Ok(())
    }
}

impl Background {
    fn last_lines(&self) -> String {
        let log = String::from_utf8_lossy(&fs::read(&self.log).unwrap_or_default()).into_owned();
        format!("the command in line {} printed last:\n{}\n", self.line, last_lines(&log, 40))
    }

    fn ensure_running(&mut self) -> Result<()> {
        match self.child.try_wait()? {
            None => Ok(()),
            Some(status) => bail!("it has ended ({status})\n{}", self.last_lines()),
        }
    }
}

fn wait(child: &mut Child, within: Duration) -> Result<ExitStatus> {
    let mut status = None;
    let waited = wait_until("the end of a command", within, || {
        status = child.try_wait()?;
        Ok(status.is_some())
    });
    if waited.is_err() {
        drop(send_to_group(child.id(), Signal::Kill));
    }
    waited?;
    status.context("it has ended")
}
