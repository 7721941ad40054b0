//! Free values: those of `[settings]`, `[grants.env]` and `[kafka]`. They may refer to secrets, and are hidden when
//! their name says that they are one.

use super::layer::{ConfigError, Origin};
use std::fmt;

/// A free value.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Property {
    /// As it was written.
    pub written: String,
    /// With references resolved.
    pub value: String,
    /// Where it was written.
    pub origin: Origin,
}

impl fmt::Debug for Property {
    /// Without its value, which may be a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Property").field("origin", &self.origin).finish_non_exhaustive()
    }
}

impl Property {
    /// Resolves references.
    ///
    /// # Errors
    /// A reference that leads nowhere.
    pub(super) fn new(name: &str, written: String, origin: Origin) -> Result<Self, ConfigError> {
        let value = resolve(&written).map_err(|problem| {
            ConfigError::at(&origin, format!("{name}: {problem}"))
                .hint("references are ${env:NAME} and ${file:/path}")
        })?;
        Ok(Self { written, value, origin })
    }

    /// What may be shown of it.
    pub(super) fn shown(&self, name: &str) -> String {
        let reference =
            self.written.starts_with("${") && self.written.find('}') == Some(self.written.len() - 1);
        if is_secret(name) && !reference { HIDDEN.into() } else { self.written.clone() }
    }
}

/// Stands for a secret.
const HIDDEN: &str = "(hidden)";

/// True when values under this name are not for logs.
fn is_secret(name: &str) -> bool {
    const MARKS: [&str; 9] = [
        "password",
        "secret",
        "token",
        "key.pem",
        "sasl.jaas",
        "credential",
        "api_key",
        "api-key",
        "oauthbearer.config",
    ];
    let name = name.to_ascii_lowercase();
    MARKS.iter().any(|mark| name.contains(mark))
}

/// Puts the values of `${env:NAME}` and `${file:/path}` in their place.
fn resolve(written: &str) -> Result<String, String> {
    let mut value = String::new();
    let mut rest = written;
    while let Some(start) = rest.find("${") {
        let Some(length) = rest[start..].find('}') else { break };
        let reference = &rest[start + 2..start + length];
        value.push_str(&rest[..start]);
        match reference.split_once(':') {
            Some(("env", name)) => value.push_str(
                &std::env::var(name).map_err(|_| format!("environment variable {name:?} is not set"))?,
            ),
            Some(("file", path)) => {
                let content = std::fs::read_to_string(path)
                    .map_err(|error| format!("cannot read the file {path:?}: {error}"))?;
                value.push_str(content.trim_end_matches(['\r', '\n']));
            }
            // Not a reference at all.
            None => value.push_str(&rest[start..=start + length]),
            _ => return Err(format!("unknown reference \"${{{reference}}}\"")),
        }
        rest = &rest[start + length + 1..];
    }
    value.push_str(rest);
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn property(name: &str, written: &str) -> Result<Property, ConfigError> {
        Property::new(name, written.into(), Origin::Flag("-X"))
    }

    #[test]
    fn references_are_resolved_and_missing_ones_refused() {
        let path = std::env::temp_dir().join(format!("wasmhost-secret-{}", std::process::id()));
        std::fs::write(&path, "p4ss\n").expect("the temp folder is writable");
        let written = format!("a-${{file:{}}}-b", path.display());
        let found = property("sasl.password", &written).expect("the file is there");
        std::fs::remove_file(&path).expect("it was written above");
        assert_eq!(found.value, "a-p4ss-b");

        let error =
            property("sasl.password", "${env:WASMHOST_NO_SUCH}").expect_err("the variable is not set");
        assert!(error.to_string().contains("\"WASMHOST_NO_SUCH\" is not set"), "{error}");
        property("sasl.password", "${vault:x}").expect_err("there is no vault");
        assert_eq!(property("sasl.password", "a$b{c}${d}").expect("no reference").value, "a$b{c}${d}");
    }

    #[test]
    fn secrets_are_hidden_but_references_are_shown() {
        let shown = |name, written| property(name, written).expect("a fine property").shown(name);
        assert_eq!(shown("sasl.password", "p4ss"), HIDDEN);
        assert_eq!(shown("ssl.key.pem", "----"), HIDDEN);
        assert_eq!(shown("sasl.username", "me"), "me");
        assert_eq!(shown("sasl.password", "${file:/dev/null}"), "${file:/dev/null}");
        assert_eq!(shown("sasl.password", "${file:/dev/null}p4ss"), HIDDEN);
        assert_eq!(shown("sasl.password", "${file:/dev/null}p4ss}"), HIDDEN);
    }
}
