//! What a module is granted: folders, environment variables, clock, random numbers.

use super::build::list;
use super::layer::{ConfigError, Resolved};
use std::path::PathBuf;

/// What a module may see beyond its rows and settings.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Grants {
    /// Folders.
    pub dirs: Vec<Dir>,
    /// Environment variables, sorted by name, references resolved.
    pub env: Vec<(String, String)>,
    /// The machine's clock.
    pub clock: bool,
    /// Random numbers.
    pub random: bool,
}

/// A folder that a module may see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dir {
    /// Where it is.
    pub host: PathBuf,
    /// Its path in the module.
    pub guest: String,
    /// It cannot be written to.
    pub is_read_only: bool,
}

/// Reads `[grants]`.
///
/// # Errors
/// A folder that is none, a word that is no capability.
pub(super) fn of(resolved: &Resolved) -> Result<Grants, ConfigError> {
    let origin = resolved.origin("grants.dirs");
    let dirs = list(resolved, "grants.dirs").iter().map(|text| {
        dir(text).map_err(|problem| {
            ConfigError::at(origin, format!("the folder {text:?} cannot be granted: {problem}"))
                .hint("write HOST::GUEST or HOST::GUEST::ro, like /data/rates::/rates::ro")
        })
    });
    let mut grants = Grants {
        dirs: dirs.collect::<Result<_, _>>()?,
        env: resolved.env().map(|(name, property)| (name.into(), property.value.clone())).collect(),
        ..Grants::default()
    };
    for word in list(resolved, "grants.allow") {
        match word.as_str() {
            "clock" => grants.clock = true,
            "random" => grants.random = true,
            _ => {
                let message = format!("{word:?} cannot be allowed");
                return Err(ConfigError::at(resolved.origin("grants.allow"), message)
                    .hint("there are clock and random; nothing opens a network"));
            }
        }
    }
    Ok(grants)
}

fn dir(text: &str) -> Result<Dir, String> {
    let parts: Vec<&str> = text.split("::").collect();
    let (host, guest, is_read_only) = match parts[..] {
        [host, guest] => (host, guest, false),
        [host, guest, "ro"] => (host, guest, true),
        _ => return Err("it is not HOST::GUEST".into()),
    };
    if guest.is_empty() {
        return Err("its path in the module is empty".into());
    }
    let found = std::fs::metadata(host).map_err(|error| error.to_string())?;
    if !found.is_dir() {
        return Err("it is no folder".into());
    }
    Ok(Dir { host: host.into(), guest: guest.into(), is_read_only })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_a_place_a_name_and_a_mode() {
        let read = dir("/::/all::ro").expect("the root is a folder");
        assert_eq!(read, Dir { host: "/".into(), guest: "/all".into(), is_read_only: true });
        assert!(!dir("/::/all").expect("the root is a folder").is_read_only);
        for bad in ["/", "/::", "/::/all::rw", "/no/such/folder::/x", "/proc/version::/x"] {
            dir(bad).expect_err(bad);
        }
    }
}
