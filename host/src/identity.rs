//! Who this process is: an installation id and a slot, kept in the state folder, so that a restart fences its
//! own predecessor and nobody else. A slot belongs to a process for as long as the lock on its file is held.

use cap_std::ambient_authority;
use cap_std::fs::{Dir, DirBuilder, DirBuilderExt, OpenOptions, OpenOptionsExt};
use std::fs::{File, TryLockError};
use std::hash::{BuildHasher, RandomState};
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

/// Processes of one application on one state folder at a time.
const SLOTS_MAX: u32 = 1_024;
/// The file that holds the installation id.
const INSTALLATION: &str = "installation";
const FILE_MODE: u32 = 0o600;
const FOLDER_MODE: u32 = 0o700;

/// Why there is no identity.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// A file or folder cannot be used.
    #[error("cannot {what} in the state folder \"{}\"\nset --state-dir to a folder that this user can write to", path.display())]
    Folder {
        /// The state folder.
        path: PathBuf,
        /// What was tried.
        what: String,
        /// Why not.
        source: io::Error,
    },
    /// The installation id is not what was written.
    #[error("file \"installation\" in the state folder \"{}\" is damaged\ndelete it: a new id is made then, and partitions are handed over once", path.display())]
    Damaged {
        /// The state folder.
        path: PathBuf,
    },
    /// Every slot is taken.
    #[error("{SLOTS_MAX} processes of application \"{application_id}\" use the state folder \"{}\" already", path.display())]
    NoSlot {
        /// The state folder.
        path: PathBuf,
        /// The application.
        application_id: String,
    },
}

/// A claimed identity; dropping it frees the slot.
#[derive(Debug)]
pub struct Identity {
    application_id: String,
    installation: String,
    slot: u32,
    _lock: File,
}

impl Identity {
    /// Takes the first free slot of this application, and makes the installation id when there is none. The
    /// application id must be a valid topic name.
    ///
    /// # Errors
    /// When the folder cannot be used.
    pub fn claim(state_dir: &Path, application_id: &str) -> Result<Self, IdentityError> {
        let failed = |what: &str| {
            let (path, what) = (state_dir.to_owned(), what.to_owned());
            move |source| IdentityError::Folder { path, what, source }
        };
        let dir = open(state_dir).map_err(failed("make or open a folder"))?;
        let installation = installation(&dir).map_err(failed("read or write file \"installation\""))?;
        let Some(installation) = installation else {
            return Err(IdentityError::Damaged { path: state_dir.to_owned() });
        };
        let slots =
            subfolder(&dir, application_id).map_err(failed("make or open the application's folder"))?;
        for slot in 0..SLOTS_MAX {
            if let Some(lock) = lock(&slots, slot).map_err(failed("lock a slot"))? {
                let application_id = application_id.to_owned();
                return Ok(Self { application_id, installation, slot, _lock: lock });
            }
        }
        Err(IdentityError::NoSlot { path: state_dir.to_owned(), application_id: application_id.to_owned() })
    }

    /// The installation's id.
    pub fn installation(&self) -> &str {
        &self.installation
    }

    /// The slot of this process.
    pub fn slot(&self) -> u32 {
        self.slot
    }

    /// A worker's `group.instance.id` and `transactional.id`.
    pub fn instance_id(&self, worker: usize) -> String {
        format!("{}-{}-{}-{worker}", self.application_id, self.installation, self.slot)
    }
}

fn open(state_dir: &Path) -> io::Result<Dir> {
    use std::os::unix::fs::DirBuilderExt as _;
    std::fs::DirBuilder::new().recursive(true).mode(FOLDER_MODE).create(state_dir)?;
    Dir::open_ambient_dir(state_dir, ambient_authority())
}

fn subfolder(dir: &Dir, name: &str) -> io::Result<Dir> {
    let mut builder = DirBuilder::new();
    builder.mode(FOLDER_MODE);
    match dir.create_dir_with(name, &builder) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
        _ => dir.open_dir(name),
    }
}

/// The id that is there, or else a new one. None: there is one, and it is damaged.
fn installation(dir: &Dir) -> io::Result<Option<String>> {
    if !dir.exists(INSTALLATION) {
        make_installation(dir)?;
    }
    let mut id = String::new();
    dir.open(INSTALLATION)?.take(64).read_to_string(&mut id)?;
    let id = id.trim_end();
    let valid = id.len() == 16 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    Ok(valid.then(|| id.to_owned()))
}

/// Whole or not at all, and never over another process's: a finished file is linked to its name.
fn make_installation(dir: &Dir) -> io::Result<()> {
    let random = RandomState::new();
    let temporary = format!("{INSTALLATION}.{:016x}", random.hash_one(1));
    let mut file = dir.open_with(&temporary, options().create_new(true))?;
    writeln!(file, "{:016x}", random.hash_one(2))?;
    file.sync_all()?;
    let linked = dir.hard_link(&temporary, dir, INSTALLATION);
    dir.remove_file(&temporary)?;
    match linked {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
        _ => dir.open(".")?.sync_all(),
    }
}

fn lock(slots: &Dir, slot: u32) -> io::Result<Option<File>> {
    let file = slots.open_with(format!("slot-{slot}"), options().create(true))?.into_std();
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true).mode(FILE_MODE);
    options
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder of one test, removed with it.
    struct Folder(PathBuf);

    impl Folder {
        fn new() -> Self {
            let name = format!("wasmhost-identity-{:016x}", RandomState::new().hash_one(0));
            Self(std::env::temp_dir().join(name))
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            // A test that failed early has no folder.
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn the_identity_is_the_same_after_a_restart() {
        let folder = Folder::new();
        let first = Identity::claim(&folder.0, "app").expect("claim").instance_id(3);
        let second = Identity::claim(&folder.0, "app").expect("claim").instance_id(3);
        assert_eq!(first, second);
        assert!(first.starts_with("app-") && first.ends_with("-0-3"), "{first}");
    }

    #[test]
    fn a_second_process_takes_the_next_slot_and_a_free_one_is_taken_again() {
        let folder = Folder::new();
        let first = Identity::claim(&folder.0, "app").expect("claim");
        let second = Identity::claim(&folder.0, "app").expect("claim");
        assert_eq!((first.slot(), second.slot()), (0, 1));
        assert_eq!(first.installation(), second.installation());
        drop(first);
        assert_eq!(Identity::claim(&folder.0, "app").expect("claim").slot(), 0);
    }

    #[test]
    fn applications_do_not_share_slots() {
        let folder = Folder::new();
        let first = Identity::claim(&folder.0, "one").expect("claim");
        let second = Identity::claim(&folder.0, "two").expect("claim");
        assert_eq!((first.slot(), second.slot()), (0, 0));
    }

    #[test]
    fn installations_differ_and_are_private() {
        use std::os::unix::fs::PermissionsExt;
        let (one, two) = (Folder::new(), Folder::new());
        let first = Identity::claim(&one.0, "app").expect("claim");
        let second = Identity::claim(&two.0, "app").expect("claim");
        assert_ne!(first.installation(), second.installation());
        let mode = |path: &Path| std::fs::metadata(path).expect("it was made").permissions().mode() & 0o777;
        assert_eq!((mode(&one.0), mode(&one.0.join(INSTALLATION))), (0o700, 0o600));
    }

    #[test]
    fn a_bad_folder_and_a_damaged_id_are_named() {
        let folder = Folder::new();
        std::fs::write(&folder.0, "a file").expect("write");
        let error = Identity::claim(&folder.0, "app").expect_err("not a folder").to_string();
        assert!(error.contains(&folder.0.display().to_string()) && error.contains("--state-dir"), "{error}");
        std::fs::remove_file(&folder.0).expect("remove");
        std::fs::create_dir(&folder.0).expect("create");
        std::fs::write(folder.0.join(INSTALLATION), "half").expect("write");
        assert!(matches!(Identity::claim(&folder.0, "app"), Err(IdentityError::Damaged { .. })));
    }
}
