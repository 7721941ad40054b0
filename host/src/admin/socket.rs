//! The files of the admin API in the application's folder: one socket and one token a process.

use rustix::rand::{GetRandomFlags, getrandom};
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Write as _};
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

const SUFFIX: &str = "sock";
const MODE: u32 = 0o600;
const TOKEN_BYTES: usize = 32;

/// The files of one process, whose slot must be its own.
#[derive(Debug)]
pub(crate) struct Sockets {
    folder: PathBuf,
    slot: u32,
}

impl Sockets {
    /// Of the process with this slot.
    pub(crate) fn of(state_dir: &Path, application_id: &str, slot: u32) -> Self {
        Self { folder: state_dir.join(application_id), slot }
    }

    /// Makes the socket. What lies there is of a process that is gone, as the slot is ours.
    pub(super) fn bind(&self) -> io::Result<UnixListener> {
        let name = format!("{}.{SUFFIX}", self.slot);
        let path = self.folder.join(&name);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let folder = File::open(&self.folder)?;
        let listener = UnixListener::bind(short(&folder, &name))?;
        fs::set_permissions(&path, Permissions::from_mode(MODE))?;
        listener.set_nonblocking(true)?;
        Ok(listener)
    }

    /// Where the token for writes over HTTP is.
    pub(super) fn token_path(&self) -> PathBuf {
        self.folder.join(format!("{}.token", self.slot))
    }

    /// Makes a file with the token for this user.
    pub(super) fn write_token(&self, token: &str) -> io::Result<()> {
        let mut options = OpenOptions::new();
        let mut file = options.write(true).create(true).truncate(true).mode(MODE).open(self.token_path())?;
        file.write_all(token.as_bytes())
    }
}

impl Drop for Sockets {
    fn drop(&mut self) {
        // A file that stays is removed by the next process in this slot.
        drop(fs::remove_file(self.folder.join(format!("{}.{SUFFIX}", self.slot))));
        drop(fs::remove_file(self.token_path()));
    }
}

/// A token that nobody can guess.
///
/// # Errors
/// The system has no random bytes.
pub(crate) fn new_token() -> io::Result<String> {
    let mut bytes = [0; TOKEN_BYTES];
    getrandom(&mut bytes, GetRandomFlags::empty())?;
    Ok(crate::hex::write(&bytes))
}

/// A path of any length by way of its open folder: the name of a socket has at most 107 bytes.
fn short(folder: &File, name: &str) -> String {
    format!("/proc/self/fd/{}/{name}", folder.as_raw_fd())
}

/// Connections to all processes of the application that run on this state folder.
///
/// # Errors
/// The folder cannot be read.
pub(crate) fn running(state_dir: &Path, application_id: &str) -> io::Result<Vec<UnixStream>> {
    let path = state_dir.join(application_id);
    let folder = match File::open(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        folder => folder?,
    };
    let mut running = Vec::new();
    for entry in fs::read_dir(&path)? {
        let name = entry?.file_name();
        let is_socket = Path::new(&name).extension().is_some_and(|extension| extension == SUFFIX);
        if is_socket
            && let Some(name) = name.to_str()
            && let Ok(stream) = UnixStream::connect(short(&folder, name))
        {
            running.push(stream);
        }
    }
    Ok(running)
}
