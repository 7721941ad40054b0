//! Compiles modules in a child process: compilers work for long and take much memory, and they are the part
//! of a Wasm engine where a hostile file finds most to attack. The child gets the file on standard input,
//! gives native code on standard output, and has no environment, bounded memory, CPU time and wall time.

use super::cache::Cache;
use super::engine::Engine;
use super::limits::Limits;
use super::module::LoadError;
use rustix::process::{Resource, Rlimit, Signal, nice, set_parent_process_death_signal, setrlimit};
use std::io::{self, Read, Write};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};
use wasmtime::component::Component;

/// The verb of our own program that is the child.
pub(crate) const VERB: &str = "compile-module";
/// Exit code of a child that refused the file; its standard error says why.
const REFUSED: i32 = 65;
/// Bytes of the reason that are read.
const REASON_BYTES_MAX: u64 = 4_096;
/// How often the child is looked at.
const LOOK_INTERVAL: Duration = Duration::from_millis(2);
/// The records that wait meanwhile come first.
const NICENESS: i32 = 10;

/// Where native code comes from.
#[derive(Debug, Default)]
pub enum Compiler {
    /// This process: for tests and tools that trust their modules.
    #[default]
    Here,
    /// A child process of this program.
    Child {
        /// What was compiled before; none: nothing is kept.
        cache: Option<Cache>,
    },
}

/// Native code of a module for this engine, from the cache or a child.
pub(super) fn native_code(
    engine: &Engine,
    cache: Option<&Cache>,
    digest: &str,
    bytes: &[u8],
) -> Result<Vec<u8>, LoadError> {
    let name = format!("{digest}-{:016x}", engine.fingerprint());
    if let Some(code) = cache.and_then(|cache| cache.get(&name)) {
        return Ok(code);
    }
    let code = in_child(engine.limits(), bytes)?;
    if let Some(cache) = cache {
        cache.put(&name, &code);
    }
    Ok(code)
}

/// Only for what [`native_code`] gave.
#[allow(
    unsafe_code,
    reason = "wasmtime cannot check native code, so it must come from a compiler one trusts"
)]
pub(super) fn deserialize(engine: &Engine, code: &[u8]) -> wasmtime::Result<Component> {
    // SAFETY: the code comes from our own compiler, over a pipe or out of a cache whose every file carries
    // our authentication code.
    unsafe { Component::deserialize(engine.wasmtime(), code) }
}

/// What the allocator reserves at a time, in its own notation. By default it is a gigabyte, whether used or not, and
/// would count against the child's bound.
const ALLOCATOR_RESERVE: &str = "64MiB";

fn in_child(limits: &Limits, bytes: &[u8]) -> Result<Vec<u8>, LoadError> {
    let failed = |what: &str| {
        let what = what.to_owned();
        move |error: io::Error| LoadError::Compiler(format!("cannot {what}: {error}"))
    };
    // The very program that runs, also when its file was replaced.
    let mut child = Command::new("/proc/self/exe")
        .arg(VERB)
        .args(["--stack-bytes-max", &limits.stack_bytes_max.to_string()])
        .args(["--memory-bytes-max", &limits.compile_memory_bytes_max.to_string()])
        .args(["--cpu-seconds-max", &limits.compile_timeout().as_secs().max(1).to_string()])
        .env_clear()
        .env("MIMALLOC_ARENA_RESERVE", ALLOCATOR_RESERVE)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(failed("start the compiler's process"))?;
    let (input, output, reason) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    thread::scope(|scope| {
        scope.spawn(move || input.map(|mut input| input.write_all(bytes)));
        let code_bytes_max = limits.compile_memory_bytes_max;
        let code = scope.spawn(move || read(output, code_bytes_max));
        let reason = scope.spawn(move || read(reason, REASON_BYTES_MAX));
        let status = wait(&mut child, limits.compile_timeout());
        let code = code.join().map_err(|_| LoadError::Compiler("its reader panicked".into()))?;
        let reason = reason.join().unwrap_or_else(|_| Ok(Vec::new())).unwrap_or_default();
        verdict(status.map_err(failed("wait for the compiler"))?, &reason, limits)?;
        code.map_err(failed("read the compiler's answer"))
    })
}

fn read(from: Option<impl Read>, bytes_max: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if let Some(from) = from {
        from.take(bytes_max).read_to_end(&mut bytes)?;
    }
    Ok(bytes)
}

/// None: it took too long and was killed.
fn wait(child: &mut Child, timeout: Duration) -> io::Result<Option<ExitStatus>> {
    let deadline = Instant::now() + timeout;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if Instant::now() >= deadline {
            child.kill()?;
            child.wait()?;
            return Ok(None);
        }
        thread::sleep(LOOK_INTERVAL);
    }
}

fn verdict(status: Option<ExitStatus>, reason: &[u8], limits: &Limits) -> Result<(), LoadError> {
    let reason = crate::shown::printable(String::from_utf8_lossy(reason).trim(), 1_024);
    match status {
        Some(status) if status.success() => Ok(()),
        Some(status) if status.code() == Some(REFUSED) => Err(LoadError::Compile(reason)),
        None => Err(LoadError::Compiler(format!("it took longer than {:?}", limits.compile_timeout()))),
        Some(status) => {
            let max = limits.compile_memory_bytes_max;
            Err(LoadError::Compiler(format!(
                "it ended with {status}; it may have {max} bytes of memory and {:?} of CPU time: {reason}",
                limits.compile_timeout()
            )))
        }
    }
}

/// The child: compiles standard input to standard output. Answers the exit code.
pub(crate) fn child(limits: Limits) -> u8 {
    if let Err(error) = bound(&limits) {
        return say(&format!("cannot bound the compiler: {error}"), 1);
    }
    let mut bytes = Vec::new();
    let max = limits.module_bytes_max as u64;
    if let Err(error) = io::stdin().lock().take(max).read_to_end(&mut bytes) {
        return say(&format!("cannot read the module: {error}"), 1);
    }
    let engine = match Engine::new(limits) {
        Ok(engine) => engine,
        Err(error) => return say(&error.to_string(), 1),
    };
    match engine.wasmtime().precompile_component(&bytes) {
        Err(error) => say(&format!("{error:#}"), REFUSED as u8),
        Ok(code) => match io::stdout().lock().write_all(&code) {
            Ok(()) => 0,
            Err(error) => say(&format!("cannot write the code: {error}"), 1),
        },
    }
}

fn bound(limits: &Limits) -> io::Result<()> {
    // A parent that is gone needs no answer.
    set_parent_process_death_signal(Some(Signal::KILL))?;
    let rlimit = |max: u64| Rlimit { current: Some(max), maximum: Some(max) };
    setrlimit(Resource::As, rlimit(limits.compile_memory_bytes_max))?;
    setrlimit(Resource::Cpu, rlimit(limits.compile_timeout().as_secs().max(1)))?;
    setrlimit(Resource::Core, rlimit(0))?;
    setrlimit(Resource::Fsize, rlimit(0))?;
    nice(NICENESS)?;
    Ok(())
}

fn say(text: &str, code: u8) -> u8 {
    // Nobody is left to tell when standard error is gone.
    let _ = writeln!(io::stderr(), "{text}");
    code
}
