//! Signals, and children that end with us. The only unsafe code of the tasks.

use std::io;
use std::os::unix::process::CommandExt;
use std::process::Command;

/// The signals that tests and tasks send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// SIGTERM: drain and end.
    Terminate,
    /// SIGINT, as of Ctrl-C: the same.
    Interrupt,
    /// SIGKILL: end at once.
    Kill,
    /// SIGHUP: look at the module's file.
    HangUp,
    /// SIGSTOP: stand still.
    Stop,
    /// SIGCONT: go on.
    Continue,
}

impl Signal {
    fn number(self) -> libc::c_int {
        match self {
            Self::Terminate => libc::SIGTERM,
            Self::Interrupt => libc::SIGINT,
            Self::Kill => libc::SIGKILL,
            Self::HangUp => libc::SIGHUP,
            Self::Stop => libc::SIGSTOP,
            Self::Continue => libc::SIGCONT,
        }
    }
}

/// Sends a signal to one process.
///
/// # Errors
/// There is no such process, or it is not ours.
pub fn send(pid: u32, signal: Signal) -> io::Result<()> {
    kill(libc::pid_t::try_from(pid).map_err(io::Error::other)?, signal)
}

/// Sends it to all processes of the group that this one leads.
///
/// # Errors
/// There is no such group, or it is not ours.
pub fn send_to_group(pid: u32, signal: Signal) -> io::Result<()> {
    kill(-libc::pid_t::try_from(pid).map_err(io::Error::other)?, signal)
}

fn kill(pid: libc::pid_t, signal: Signal) -> io::Result<()> {
    // SAFETY: kill(2) takes two integers and touches no memory of ours.
    match unsafe { libc::kill(pid, signal.number()) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Files that a running process writes grow no further than so from now on; none: as far as they may. Its writes fail
/// then, as on a full disk.
///
/// # Errors
/// There is no such process, or it is not ours.
pub fn limit_files(pid: u32, bytes: Option<u64>) -> io::Result<()> {
    let pid = libc::pid_t::try_from(pid).map_err(io::Error::other)?;
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: prlimit(2) writes to the limit, which is ours, and reads nothing.
    if unsafe { libc::prlimit(pid, libc::RLIMIT_FSIZE, std::ptr::null(), &raw mut limit) } != 0 {
        return Err(io::Error::last_os_error());
    }
    limit.rlim_cur = bytes.unwrap_or(limit.rlim_max);
    // SAFETY: it reads the limit, which is ours, and writes nothing.
    match unsafe { libc::prlimit(pid, libc::RLIMIT_FSIZE, &raw const limit, std::ptr::null_mut()) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// The child is killed when the *thread* that starts it ends, and with it when this process ends in any way.
pub fn die_with_parent(command: &mut Command) -> &mut Command {
    // SAFETY: between fork and exec only async-signal-safe functions may run; prctl(2) is a plain system call.
    unsafe {
        command.pre_exec(|| {
            if libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) == 0 {
                Ok(())
            } else {
                Err(io::Error::last_os_error())
            }
        })
    }
}

/// The child gets a session of its own: it outlives us and our terminal.
pub fn in_own_session(command: &mut Command) -> &mut Command {
    // SAFETY: between fork and exec only async-signal-safe functions may run; setsid(2) is one.
    unsafe {
        command.pre_exec(|| {
            if libc::setsid() == -1 {
                return Err(io::Error::last_os_error());
            }
            Ok(())
        })
    }
}
