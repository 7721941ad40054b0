//! One running broker: format, start, wait until ready, stop, kill, start again on the same data.

use super::{BrokerConfig, jars};
use crate::process::{self, Signal};
use anyhow::{Context, Result, bail};
use std::fs::{self, File};
use std::net::{Ipv4Addr, TcpStream};
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant};

/// From the start to "Kafka Server started"; on a busy machine it takes 10 s.
const READY_DEADLINE: Duration = Duration::from_secs(90);
/// From SIGTERM to the end; after that it is killed.
const STOP_DEADLINE: Duration = Duration::from_secs(20);
const POLL_INTERVAL: Duration = Duration::from_millis(20);
/// Any 16 bytes in URL-safe base64.
const CLUSTER_ID: &str = "d2FzbWhvc3Qta2Fma2EtMQ";

/// A real Kafka. Dropped, it is killed and its folder removed, unless the configuration says that it stays.
#[derive(Debug)]
pub struct Broker {
    config: BrokerConfig,
    jvm: Jvm,
}

impl Broker {
    /// Starts a broker and returns when it takes connections.
    ///
    /// # Errors
    /// The jars can't be fetched, the port is taken, or it is not ready in time; the text has its last log lines.
    pub fn start(config: BrokerConfig) -> Result<Self> {
        remove_leftovers();
        let jars = jars::fetch()?;
        fs::create_dir_all(&config.folder)
            .with_context(|| format!("cannot make {}", config.folder.display()))?;
        fs::write(config.folder.join("server.properties"), config.properties())?;
        fs::write(config.folder.join("log4j2.properties"), config.log4j())?;
        if !config.folder.join("data/meta.properties").exists() {
            format(&config, &jars)?;
        }
        let jvm = launch(&config, &jars)?;
        fs::write(config.folder.join("broker.pid"), jvm.pid.to_string())?;
        let broker = Self { config, jvm };
        broker.wait_until_ready()?;
        Ok(broker)
    }

    /// `127.0.0.1:PORT`.
    pub fn bootstrap_servers(&self) -> String {
        format!("127.0.0.1:{}", self.config.port)
    }

    /// The JVM's process id.
    pub fn pid(&self) -> u32 {
        self.jvm.pid
    }

    /// Stops it in order (SIGTERM, after 20 s SIGKILL) and removes its folder.
    ///
    /// # Errors
    /// It can't be signalled.
    pub fn stop(self) -> Result<()> {
        self.jvm.stop()
    }

    /// SIGKILL, without a word; the data stay for [`Broker::start_again`].
    ///
    /// # Errors
    /// It can't be signalled.
    pub fn kill(&self) -> Result<()> {
        self.jvm.signal(Signal::Kill)?;
        if self.jvm.wait(STOP_DEADLINE).is_none() {
            bail!("the broker (pid {}) does not die", self.jvm.pid);
        }
        Ok(())
    }

    /// SIGTERM, and waits for its end; the data stay for [`Broker::start_again`].
    ///
    /// # Errors
    /// It can't be signalled, or does not end.
    pub fn terminate(&self) -> Result<()> {
        self.jvm.signal(Signal::Terminate)?;
        if self.jvm.wait(READY_DEADLINE).is_none() {
            bail!("the broker (pid {}) does not end", self.jvm.pid);
        }
        Ok(())
    }

    /// Has it on a full disk: nothing that it writes grows any more. Waits for its end, which comes of that; the data stay
    /// for [`Broker::start_again`], which gives it space again.
    ///
    /// # Errors
    /// It does not end.
    pub fn fill_disk(&self) -> Result<()> {
        process::limit_files(self.jvm.pid, Some(0)).context("cannot limit the broker's files")?;
        if self.jvm.wait(READY_DEADLINE).is_none() {
            bail!("the broker (pid {}) runs on with a full disk", self.jvm.pid);
        }
        Ok(())
    }

    /// Takes the second half of a partition's log from a broker that was killed, as an unclean election does.
    ///
    /// # Errors
    /// There is no such log.
    pub fn cut_log(&self, topic: &str, partition: u32) -> Result<()> {
        let path = self.config.folder.join(format!("data/{topic}-{partition}/{:020}.log", 0));
        let cut = || {
            let file = File::options().write(true).open(&path)?;
            file.set_len(file.metadata()?.len() / 2)
        };
        cut().with_context(|| format!("cannot cut off {}", path.display()))
    }

    /// Starts a killed broker on the same ports and data.
    ///
    /// # Errors
    /// As [`Broker::start`].
    pub fn start_again(&mut self) -> Result<()> {
        self.jvm = launch(&self.config, &jars::fetch()?)?;
        self.wait_until_ready()
    }

    fn wait_until_ready(&self) -> Result<()> {
        let deadline = Instant::now() + READY_DEADLINE;
        let log = self.config.folder.join("server.log");
        loop {
            let started = fs::read_to_string(&log).is_ok_and(|text| text.contains("Kafka Server started"));
            if started && TcpStream::connect((Ipv4Addr::LOCALHOST, self.config.port)).is_ok() {
                return Ok(());
            }
            if let Some(status) = self.jvm.ended() {
                bail!("the broker ended while starting: {status}\n{}", last_lines(&self.config.folder));
            }
            if Instant::now() > deadline {
                bail!(
                    "the broker is not ready after {READY_DEADLINE:?}\n{}",
                    last_lines(&self.config.folder)
                );
            }
            thread::sleep(POLL_INTERVAL);
        }
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        if self.config.stays {
            return;
        }
        // Best effort: what is left is removed by the next start.
        if self.jvm.ended().is_none() {
            drop(self.kill());
        }
        drop(fs::remove_dir_all(&self.config.folder));
    }
}

/// A JVM and the thread that waits for it. A child that is to die with us is bound to the thread that
/// starts it; a test's thread ends with the test, so each JVM gets a thread that lives as long as it does.
#[derive(Debug)]
struct Jvm {
    pid: u32,
    ended: Arc<Mutex<Option<ExitStatus>>>,
}

impl Jvm {
    fn spawn(mut command: Command) -> Result<Self> {
        let ended = Arc::new(Mutex::new(None));
        let slot = Arc::clone(&ended);
        let (started, answer) = mpsc::channel();
        thread::Builder::new().name("kafka".into()).spawn(move || {
            let mut child = match command.spawn() {
                Ok(child) => child,
                Err(error) => return drop(started.send(Err(error))),
            };
            drop(started.send(Ok(child.id())));
            if let Ok(status) = child.wait() {
                *slot.lock().expect("nobody panics with the lock") = Some(status);
            }
        })?;
        let pid = answer.recv().context("the thread that starts java ended")?.context("cannot start java")?;
        Ok(Self { pid, ended })
    }

    fn ended(&self) -> Option<ExitStatus> {
        *self.ended.lock().expect("nobody panics with the lock")
    }

    fn signal(&self, signal: Signal) -> Result<()> {
        if self.ended().is_some() {
            return Ok(());
        }
        process::send(self.pid, signal)
            .with_context(|| format!("cannot signal the broker (pid {})", self.pid))
    }

    fn stop(&self) -> Result<()> {
        self.signal(Signal::Terminate)?;
        if self.wait(STOP_DEADLINE).is_none() {
            self.signal(Signal::Kill)?;
            self.wait(STOP_DEADLINE);
        }
        Ok(())
    }

    fn wait(&self, within: Duration) -> Option<ExitStatus> {
        let deadline = Instant::now() + within;
        while self.ended().is_none() && Instant::now() < deadline {
            thread::sleep(POLL_INTERVAL);
        }
        self.ended()
    }
}

fn java(folder: &Path, jars: &Path) -> Command {
    let mut command = Command::new("java");
    command
        .arg("-cp")
        .arg(jars.join("*"))
        .arg(format!("-Dlog4j2.configurationFile={}", folder.join("log4j2.properties").display()))
        .stdin(Stdio::null());
    command
}

fn format(config: &BrokerConfig, jars: &Path) -> Result<()> {
    let folder = &config.folder;
    let output = java(folder, jars)
        .args(["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"])
        .args(["kafka.tools.StorageTool", "format", "--cluster-id", CLUSTER_ID, "--config"])
        .arg(folder.join("server.properties"))
        .output()
        .context("cannot start java")?;
    if !output.status.success() {
        let text =
            String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout);
        bail!("cannot format {}: {}\n{text}", folder.join("data").display(), output.status);
    }
    Ok(())
}

fn launch(config: &BrokerConfig, jars: &Path) -> Result<Jvm> {
    let folder = &config.folder;
    // An old log would say "started" at once.
    if folder.join("server.log").exists() {
        fs::remove_file(folder.join("server.log"))?;
    }
    let console = File::create(folder.join("console.log"))?;
    let mut command = java(folder, jars);
    command.arg(format!("-Xms{}m", config.heap_mib)).arg(format!("-Xmx{}m", config.heap_mib));
    if config.fast_start {
        command.args(["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"]);
    } else {
        command.args(["-XX:+UseG1GC", "-XX:MaxGCPauseMillis=20"]);
    }
    command
        .arg("kafka.Kafka")
        .arg(folder.join("server.properties"))
        .stdout(console.try_clone()?)
        .stderr(console);
    if config.stays {
        process::in_own_session(&mut command);
    } else {
        process::die_with_parent(&mut command);
    }
    Jvm::spawn(command)
}

fn last_lines(folder: &Path) -> String {
    let read = |name: &str| fs::read_to_string(folder.join(name)).unwrap_or_default();
    let text = read("console.log") + &read("server.log");
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(20)..].join("\n")
}

/// Removes the folders of brokers that ended without removing them: a static broker of a test process is
/// never dropped. Their names end with the process id of whoever started them.
fn remove_leftovers() {
    let Ok(entries) = fs::read_dir(super::config::folder("")) else {
        return;
    };
    for entry in entries.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let Some(owner) = name.rsplit_once('-').and_then(|(_, pid)| pid.parse::<u32>().ok()) else {
            continue;
        };
        if !Path::new(&format!("/proc/{owner}")).exists() {
            // Best effort: another process may be removing it too.
            drop(fs::remove_dir_all(entry.path()));
        }
    }
}
