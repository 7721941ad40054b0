//! Where snapshots lie: `<state_dir>/<application.id>/snapshots/<task>-<number>`, the newest with the largest number.

use super::file::Reader;
use super::{Header, Unusable};
use cap_std::ambient_authority;
use cap_std::fs::{Dir, DirBuilder, DirBuilderExt, File, OpenOptions, OpenOptionsExt};
use std::io::{self, BufReader, ErrorKind};
use std::path::Path;
use std::sync::Arc;

/// Files of a task that are kept: when the newest is damaged there is one more.
const GENERATIONS: usize = 2;
const FOLDER: &str = "snapshots";
const FILE_MODE: u32 = 0o600;
const FOLDER_MODE: u32 = 0o700;

/// The folder of one application. A clone is the same.
#[derive(Clone, Debug)]
pub struct Folder(Arc<Dir>);

impl Folder {
    /// Opens it, and makes it when it is missing.
    ///
    /// # Errors
    /// It cannot be used.
    pub fn open(state_dir: &Path, application_id: &str) -> io::Result<Self> {
        let application = Dir::open_ambient_dir(state_dir.join(application_id), ambient_authority())?;
        match application.create_dir_with(FOLDER, DirBuilder::new().mode(FOLDER_MODE)) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
        let folder = Self(Arc::new(application.open_dir(FOLDER)?));
        folder.remove_unfinished()?;
        Ok(folder)
    }

    /// Files of processes that ended while they wrote.
    fn remove_unfinished(&self) -> io::Result<()> {
        for entry in self.0.entries()? {
            let name = entry?.file_name();
            let Some(name) = name.to_str().filter(|name| name.starts_with('.')) else { continue };
            let process = name.rsplit_once('.').map_or("", |(_, process)| process);
            if !Path::new("/proc").join(process).exists() {
                self.remove(name);
            }
        }
        Ok(())
    }

    /// How many files there are.
    pub fn count(&self) -> usize {
        self.0.entries().map_or(0, Iterator::count)
    }

    /// Removes all of them.
    pub fn clear(&self) {
        for entry in self.0.entries().into_iter().flatten().flatten() {
            if let Some(name) = entry.file_name().to_str() {
                self.remove(name);
            }
        }
    }

    /// Numbers of a task's files, the newest first.
    fn numbers(&self, task: &str) -> io::Result<Vec<u64>> {
        let mut numbers = Vec::new();
        for entry in self.0.entries()? {
            let name = entry?.file_name();
            let number =
                name.to_str().and_then(|name| name.strip_prefix(task)?.strip_prefix('-')?.parse().ok());
            numbers.extend::<Option<u64>>(number);
        }
        numbers.sort_unstable_by(|a, b| b.cmp(a));
        Ok(numbers)
    }

    /// The newest snapshot that fits. `refused` hears of those that do not; they are removed.
    pub(super) fn newest(
        &self,
        task: &str,
        check: impl Fn(&Header) -> Result<(), Unusable>,
        mut refused: impl FnMut(&str, &Unusable),
    ) -> io::Result<Option<Reader<BufReader<File>>>> {
        for number in self.numbers(task)? {
            let name = format!("{task}-{number}");
            match self.whole(&name, &check) {
                Ok(reader) => return Ok(Some(reader)),
                Err(error) => {
                    refused(&name, &error);
                    self.remove(&name);
                }
            }
        }
        Ok(None)
    }

    /// A file is looked through to its end before anything of it is used.
    fn whole(
        &self,
        name: &str,
        check: impl Fn(&Header) -> Result<(), Unusable>,
    ) -> Result<Reader<BufReader<File>>, Unusable> {
        let open = || Reader::new(BufReader::with_capacity(1 << 20, self.0.open(name)?));
        let mut reader = open()?;
        check(reader.header())?;
        while reader.read()?.is_some() {}
        open()
    }

    /// A new file, not yet there for a reader.
    pub(super) fn create(&self, task: &str) -> io::Result<(String, File)> {
        let name = format!(".{task}.{}", std::process::id());
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(FILE_MODE);
        let file = self.0.open_with(&name, &options)?;
        Ok((name, file))
    }

    /// The file is there, whatever happens from here on; the oldest go.
    pub(super) fn keep(&self, task: &str, name: &str) -> io::Result<()> {
        let numbers = self.numbers(task)?;
        let next = numbers.first().map_or(1, |newest| newest + 1);
        self.0.rename(name, &self.0, format!("{task}-{next}"))?;
        // The folder itself, opened to be read: a handle that only names it cannot be synced.
        self.0.open(".")?.sync_all()?;
        for number in numbers.into_iter().skip(GENERATIONS - 1) {
            self.remove(&format!("{task}-{number}"));
        }
        Ok(())
    }

    /// One that is left costs room and nothing else.
    pub(super) fn remove(&self, name: &str) {
        if let Err(error) = self.0.remove_file(name) {
            tracing::debug!(name, %error, "cannot remove a snapshot");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn two_generations_stay_and_the_newest_comes_first() {
        let state_dir = std::env::temp_dir().join(format!("host-snapshots-{}", std::process::id()));
        std::fs::create_dir_all(state_dir.join("app")).expect("the temporary folder can be written");
        let folder = Folder::open(&state_dir, "app").expect("it can be opened");
        for content in [b"1", b"2", b"3"] {
            let (name, mut file) = folder.create("1_0").expect("a file can be made");
            file.write_all(content).expect("it can be written");
            folder.keep("1_0", &name).expect("it can be kept, and its folder synced");
        }
        assert_eq!(folder.numbers("1_0").expect("the folder can be read"), [3, 2]);
        std::fs::remove_dir_all(&state_dir).expect("it can be removed");
    }
}
