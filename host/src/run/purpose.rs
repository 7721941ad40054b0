//! Why a module takes over.

use crate::metrics::recent::Taken;
use serde::{Deserialize, Serialize};

/// Why; the processes of a fleet tell each other.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Purpose {
    /// Somebody wants it.
    #[default]
    Swap,
    /// Somebody wants it back.
    Rollback,
    /// The one that works now would have stopped the application; what it did.
    FellBack(String),
}

impl Purpose {
    /// The same for people.
    pub(super) fn taken(&self) -> Taken {
        match self {
            Self::Swap => Taken::Swap,
            Self::Rollback => Taken::Rollback,
            Self::FellBack(_) => Taken::FellBack,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_read_as_it_was_written() {
        for (purpose, text) in [
            (Purpose::Swap, "\"swap\""),
            (Purpose::Rollback, "\"rollback\""),
            (Purpose::FellBack("trap".into()), "{\"fell-back\":\"trap\"}"),
        ] {
            assert_eq!(serde_json::to_string(&purpose).expect("it can be written"), text);
            assert_eq!(serde_json::from_str::<Purpose>(text).expect("it can be read"), purpose);
        }
    }
}
