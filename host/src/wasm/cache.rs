//! Native code of modules that were compiled before, in a folder that only this user can read. Code that is
//! loaded runs outside the sandbox, so each file carries an authentication code under a key of the folder: a
//! file that was changed, or brought here from elsewhere, is compiled again.

use cap_std::ambient_authority;
use cap_std::fs::{Dir, DirBuilder, DirBuilderExt, MetadataExt, OpenOptions, OpenOptionsExt};
use hmac::{Hmac, Mac};
use rustix::rand::{GetRandomFlags, getrandom};
use sha2::Sha256;
use std::io::{self, ErrorKind, Read, Write};
use std::path::Path;
use std::time::SystemTime;

/// Modules that are kept; the oldest goes first.
const ENTRIES_MAX: usize = 32;
/// Bytes of a file that are read.
const FILE_BYTES_MAX: u64 = 2 << 30;
const KEY: &str = "key";
const KEY_BYTES: usize = 32;
const TAG_BYTES: usize = 32;
const SUFFIX: &str = ".native";
const FILE_MODE: u32 = 0o600;
const FOLDER_MODE: u32 = 0o700;

/// See the module's documentation.
pub struct Cache {
    dir: Dir,
    key: [u8; KEY_BYTES],
}

impl std::fmt::Debug for Cache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cache").finish_non_exhaustive()
    }
}

impl Cache {
    /// Opens the folder; makes it, and its key, when they are not there.
    ///
    /// # Errors
    /// When the folder cannot be used, or others may read or write it.
    pub fn open(path: &Path) -> io::Result<Self> {
        let mut builder = DirBuilder::new();
        builder.recursive(true).mode(FOLDER_MODE);
        Dir::create_ambient_dir_all(path.parent().unwrap_or(path), ambient_authority())?;
        let parent = Dir::open_ambient_dir(path.parent().unwrap_or(path), ambient_authority())?;
        let name = path.file_name().ok_or(ErrorKind::InvalidInput)?;
        match parent.create_dir_with(name, &builder) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
        let dir = parent.open_dir(name)?;
        if dir.dir_metadata()?.mode() & 0o077 != 0 {
            return Err(io::Error::other(
                "others than its owner may use the folder; chmod 700 it, or delete it",
            ));
        }
        let key = key(&dir)?;
        Ok(Self { dir, key })
    }

    /// The code that was kept under this name, if it is just what was kept.
    pub(super) fn get(&self, name: &str) -> Option<Vec<u8>> {
        let file = file(name);
        let bytes = match read(&self.dir, &file) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == ErrorKind::NotFound => return None,
            Err(error) => {
                tracing::warn!(%error, file, "cannot read a compiled module; compiling it again");
                return None;
            }
        };
        let (tag, code) = bytes.split_at_checked(TAG_BYTES)?;
        if self.mac(name, code).verify_slice(tag).is_err() {
            tracing::warn!(file, "a compiled module is not what was written; compiling it again");
            return None;
        }
        Some(code.to_vec())
    }

    /// Keeps code. A failure costs nothing but time later.
    pub(super) fn put(&self, name: &str, code: &[u8]) {
        let tag = self.mac(name, code).finalize().into_bytes();
        let kept = write(&self.dir, &file(name), &[&tag, code]).and_then(|()| self.drop_oldest());
        if let Err(error) = kept {
            tracing::warn!(%error, "cannot keep a compiled module; it will be compiled again");
        }
    }

    fn mac(&self, name: &str, code: &[u8]) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.key).expect("a key of any length will do");
        mac.update(name.as_bytes());
        mac.update(&[0]);
        mac.update(code);
        mac
    }

    fn drop_oldest(&self) -> io::Result<()> {
        let mut entries = Vec::new();
        for entry in self.dir.entries()? {
            let entry = entry?;
            let name = entry.file_name();
            if name.to_string_lossy().ends_with(SUFFIX) {
                let written = entry
                    .metadata()?
                    .modified()
                    .map_or(SystemTime::UNIX_EPOCH, cap_std::time::SystemTime::into_std);
                entries.push((written, name));
            }
        }
        entries.sort();
        let over = entries.len().saturating_sub(ENTRIES_MAX);
        entries.into_iter().take(over).try_for_each(|(_, name)| self.dir.remove_file(name))
    }
}

fn file(name: &str) -> String {
    format!("{name}{SUFFIX}")
}

fn key(dir: &Dir) -> io::Result<[u8; KEY_BYTES]> {
    match read(dir, KEY) {
        Ok(bytes) => {
            bytes.try_into().map_err(|_| io::Error::other("file \"key\" is damaged; delete the folder"))
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let mut key = [0; KEY_BYTES];
            getrandom(&mut key, GetRandomFlags::empty())?;
            write(dir, KEY, &[&key])?;
            // Another process may have been a moment faster or slower: what is there now counts.
            read(dir, KEY)?.try_into().map_err(|_| io::Error::other("file \"key\" is damaged"))
        }
        Err(error) => Err(error),
    }
}

fn read(dir: &Dir, name: &str) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    dir.open(name)?.take(FILE_BYTES_MAX).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Whole or not at all.
fn write(dir: &Dir, name: &str, parts: &[&[u8]]) -> io::Result<()> {
    let new = format!("{name}.{}.new", std::process::id());
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(FILE_MODE);
    let mut file = dir.open_with(&new, &options)?;
    parts.iter().try_for_each(|part| file.write_all(part))?;
    dir.rename(&new, dir, name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(name: &str) -> std::path::PathBuf {
        let path = std::env::temp_dir().join(format!("wasmhost-cache-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        path
    }

    #[test]
    fn code_comes_back_under_its_name_only() {
        let path = folder("name");
        Cache::open(&path).expect("a folder").put("a", b"code");
        let cache = Cache::open(&path).expect("the same folder");
        assert_eq!(cache.get("a").as_deref(), Some(&b"code"[..]));
        assert_eq!(cache.get("b"), None);
        std::fs::rename(path.join("a.native"), path.join("b.native")).expect("renamed");
        assert_eq!(cache.get("b"), None, "the name is authenticated too");
    }

    #[test]
    fn changed_code_and_code_of_another_folder_are_refused() {
        let (path, other) = (folder("mine"), folder("theirs"));
        let cache = Cache::open(&path).expect("a folder");
        Cache::open(&other).expect("a folder").put("a", b"code");
        std::fs::copy(other.join("a.native"), path.join("a.native")).expect("copied");
        assert_eq!(cache.get("a"), None);
        cache.put("a", b"code");
        let mut bytes = std::fs::read(path.join("a.native")).expect("there");
        *bytes.last_mut().expect("some") ^= 1;
        std::fs::write(path.join("a.native"), bytes).expect("written");
        assert_eq!(cache.get("a"), None);
    }

    #[test]
    fn a_folder_that_others_may_use_is_refused() {
        use std::os::unix::fs::PermissionsExt as _;
        let path = folder("open");
        std::fs::create_dir(&path).expect("made");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("set");
        assert!(Cache::open(&path).is_err());
    }

    #[test]
    fn only_so_many_are_kept() {
        let path = folder("many");
        let cache = Cache::open(&path).expect("a folder");
        for i in 0..ENTRIES_MAX + 3 {
            cache.put(&format!("m{i}"), b"code");
        }
        let kept = std::fs::read_dir(&path).expect("there").count();
        assert_eq!(kept, ENTRIES_MAX + 1, "and the key");
    }
}
