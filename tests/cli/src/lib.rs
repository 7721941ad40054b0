//! Runs the real binary in a folder of its own, without any environment but what the test gives, and
//! compares what it prints with `expect/*.txt`. `UPDATE_EXPECT=1` writes those files instead.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

/// A run that takes longer hangs.
const DEADLINE: Duration = Duration::from_secs(30);
/// The same for a run that compiles, on a machine that does other things too.
const BUILD_DEADLINE: Duration = Duration::from_mins(10);

/// A working folder and the environment of one test; gone at its end.
#[derive(Debug)]
pub struct Sandbox {
    folder: PathBuf,
    variables: Vec<(String, String)>,
    deadline: Duration,
}

/// What a run printed and how it ended.
#[derive(Debug)]
pub struct Run {
    /// The exit code.
    pub code: i32,
    /// Standard output.
    pub stdout: String,
    /// Standard error, the working folder written as `[folder]`.
    pub stderr: String,
    /// From start to end.
    pub took: Duration,
}

impl Sandbox {
    /// An empty folder; only `HOME` is set, to it.
    ///
    /// # Panics
    /// When the temp folder cannot be written.
    pub fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("wasmhost-cli-{}-{number}", std::process::id()));
        fs::create_dir_all(&folder).expect("the temp folder is writable");
        let home = ("HOME".into(), folder.display().to_string());
        Self { folder, variables: vec![home], deadline: DEADLINE }
    }

    /// Lets `host` find the compilers of all languages, and gives it the time that they take. What they build is kept
    /// below the target folder, as it is the same for every test.
    ///
    /// # Panics
    /// When the tools are not there and cannot be installed.
    #[must_use]
    pub fn with_compilers(mut self) -> Self {
        let home = std::env::var("HOME").unwrap_or_default();
        let of_home =
            |name: &str, folder: &str| std::env::var(name).unwrap_or_else(|_| format!("{home}/{folder}"));
        let built = target().join("tests/projects");
        self.deadline = BUILD_DEADLINE;
        let tools = xtask::guests::tools::ensure_installed().expect("cargo xtask test has installed them");
        let paths =
            tools.variables.into_iter().map(|(name, value)| (name, value.to_string_lossy().into_owned()));
        self.variables.extend(paths);
        self.variable("CARGO_HOME", &of_home("CARGO_HOME", ".cargo"))
            .variable("RUSTUP_HOME", &of_home("RUSTUP_HOME", ".rustup"))
            .variable("CARGO_TARGET_DIR", &built.display().to_string())
    }

    /// The working folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The environment of what runs in it.
    pub fn variables(&self) -> &[(String, String)] {
        &self.variables
    }

    /// Writes a file into the folder.
    ///
    /// # Panics
    /// When it cannot be written.
    #[must_use]
    pub fn file(self, name: &str, content: impl AsRef<[u8]>) -> Self {
        fs::write(self.folder.join(name), content).expect("the temp folder is writable");
        self
    }

    /// Sets an environment variable.
    #[must_use]
    pub fn variable(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.into(), value.into()));
        self
    }

    /// Runs `host` with these arguments until it ends.
    ///
    /// # Panics
    /// When there is no binary, or it takes longer than 30 s (10 minutes with compilers).
    pub fn host(&self, arguments: &[&str]) -> Run {
        self.host_in(".", arguments)
    }

    /// The same in a folder below the working folder.
    ///
    /// # Panics
    /// As [`Sandbox::host`].
    pub fn host_in(&self, folder: &str, arguments: &[&str]) -> Run {
        let start = Instant::now();
        let mut child = Command::new(binary())
            .args(arguments)
            .current_dir(self.folder.join(folder))
            .env_clear()
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        let stdout = collect(child.stdout.take().expect("it is piped"));
        let stderr = collect(child.stderr.take().expect("it is piped"));
        let stdout = before_deadline(&stdout, start + self.deadline, &mut child, arguments);
        let stderr = before_deadline(&stderr, start + self.deadline, &mut child, arguments);
        let status = child.wait().expect("it is our child");
        let code =
            status.code().unwrap_or_else(|| panic!("host {arguments:?} was killed: {status}\n{stderr}"));
        let stderr = stderr.replace(&self.folder.display().to_string(), "[folder]");
        Run { code, stdout, stderr, took: start.elapsed() }
    }
}

impl Default for Sandbox {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        // What is left lies in the temp folder.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

impl Run {
    /// Fails unless the exit code is this.
    ///
    /// # Panics
    /// When it is another.
    #[must_use]
    pub fn ends_with(self, code: i32) -> Self {
        assert_eq!(self.code, code, "exit code; stderr:\n{}stdout:\n{}", self.stderr, self.stdout);
        self
    }

    /// The error that ends standard error, with its hint.
    ///
    /// # Panics
    /// When there is none or more than one.
    pub fn error(&self) -> &str {
        let starts: Vec<_> =
            self.stderr.match_indices("error: ").filter(|(at, _)| self.begins_line(*at)).collect();
        assert_eq!(starts.len(), 1, "an error is printed once; stderr:\n{}", self.stderr);
        &self.stderr[starts[0].0..]
    }

    /// The last error, behind those of other programs.
    ///
    /// # Panics
    /// When there is none.
    pub fn last_error(&self) -> &str {
        let starts = self.stderr.match_indices("error: ").filter(|(at, _)| self.begins_line(*at));
        let last = starts.last().expect("standard error has an error");
        &self.stderr[last.0..]
    }

    fn begins_line(&self, at: usize) -> bool {
        at == 0 || self.stderr.as_bytes()[at - 1] == b'\n'
    }
}

fn collect(mut pipe: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        // What came before an error is still worth showing.
        let _ = pipe.read_to_end(&mut bytes);
        let _ = sender.send(String::from_utf8_lossy(&bytes).into_owned());
    });
    receiver
}

fn before_deadline(
    pipe: &Receiver<String>,
    deadline: Instant,
    child: &mut Child,
    arguments: &[&str],
) -> String {
    let text = pipe.recv_timeout(deadline.saturating_duration_since(Instant::now()));
    text.unwrap_or_else(|_| {
        // It may have ended by itself just now.
        let _ = child.kill();
        let rest = pipe.recv_timeout(DEADLINE).unwrap_or_default();
        panic!("host {arguments:?} did not end in time; it printed:\n{rest}")
    })
}

/// Compares with `expect/NAME.txt`, or writes it when `UPDATE_EXPECT` is set.
///
/// # Panics
/// When they differ.
pub fn expect(name: &str, actual: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("expect").join(format!("{name}.txt"));
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(&path, actual).expect("the expected file is writable");
        return;
    }
    let expected = fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("{}: {error}; UPDATE_EXPECT=1 writes it", path.display()));
    let hint = "UPDATE_EXPECT=1 accepts it";
    assert!(
        expected == actual,
        "{} differs ({hint})\n--- expected\n{expected}\n--- actual\n{actual}",
        path.display()
    );
}

/// The path of a guest built by `cargo xtask guests`.
///
/// # Panics
/// When it is not there.
pub fn guest(name: &str) -> String {
    let path = target().join("guests").join(format!("{name}.wasm"));
    assert!(path.is_file(), "{} is missing: run cargo xtask guests", path.display());
    path.display().to_string()
}

fn binary() -> PathBuf {
    let path = target().join("release/host");
    assert!(path.is_file(), "{} is missing: run cargo build --release -p host", path.display());
    path
}

fn target() -> PathBuf {
    let workspace = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target");
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(workspace, PathBuf::from)
}
