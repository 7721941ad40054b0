//! What an import of a module needs: what it is given without being asked, and what opens more.

use super::{log, wasi};

/// What becomes of an import.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Given {
    /// It is there for every module.
    Always,
    /// It is there, and does nothing to the world until a flag opens it.
    Closed,
    /// It is not there: the module is refused.
    Never,
}

/// An import, as far as its name tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Need {
    /// What becomes of it.
    pub given: Given,
    /// For a person: what the module finds there.
    pub what: &'static str,
    /// The flag that opens it.
    pub flag: Option<&'static str>,
}

/// The interface that only names types.
const TYPES: &str = "host:operator/types@";

/// Packages and interfaces of WASI by the start of their names; the first that fits counts.
const WASI: [(&str, &str, Option<&str>); 7] = [
    ("wasi:cli/environment", "no arguments, no environment", Some("--env NAME=VALUE")),
    ("wasi:cli/exit", "ends the call as a fault", None),
    ("wasi:cli/", "output becomes log lines, input is empty", None),
    ("wasi:clocks/", "a clock that stands still", Some("--allow clock")),
    ("wasi:filesystem/", "no files", Some("--dir HOST::GUEST[::ro]")),
    ("wasi:random/", "one fixed sequence", Some("--allow random")),
    ("wasi:sockets/", "no network, and nothing opens one", None),
];

/// What the import of this name needs.
pub fn need(import: &str) -> Need {
    if import == log::INTERFACE {
        return Need { given: Given::Always, what: "the host's log", flag: None };
    }
    if import.starts_with(TYPES) {
        return Need { given: Given::Always, what: "names of types only", flag: None };
    }
    if !wasi::is_import(import) {
        return Need { given: Given::Never, what: "not granted: the module is refused", flag: None };
    }
    let found = WASI.iter().find(|(start, ..)| import.starts_with(start));
    let (what, flag) = found.map_or(("streams of the others", None), |(_, what, flag)| (*what, *flag));
    Need { given: Given::Closed, what, flag }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_import_has_its_answer() {
        assert_eq!(need("host:operator/log@0.1.0").given, Given::Always);
        assert_eq!(need("host:operator/types@0.1.0").given, Given::Always);
        assert_eq!(need("wasi:clocks/wall-clock@0.2.6").flag, Some("--allow clock"));
        assert_eq!(need("wasi:cli/environment@0.2.6").flag, Some("--env NAME=VALUE"));
        assert_eq!(
            need("wasi:io/streams@0.2.6"),
            Need { given: Given::Closed, what: "streams of the others", flag: None }
        );
        for refused in ["wasi:http/types@0.2.6", "wasi:clocks/wall-clock@0.3.0", "mine:db/sql"] {
            assert_eq!(need(refused).given, Given::Never, "{refused}");
        }
    }
}
