//! What a verb needs of the machine: looked for, installed when we may, otherwise named with the line to run.

use crate::command::{run, succeeds};
use anyhow::{Result, bail};
use std::path::Path;
use std::process::Command;

/// The oldest Java that Kafka 4 runs on.
const JAVA_VERSION_MIN: u32 = 17;

/// Something that a verb needs and that cargo does not bring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// `cc`: links every program, compiles zstd.
    Compiler,
    /// `make`: builds librdkafka and OpenSSL.
    Make,
    /// `perl` with its ordinary modules: configures OpenSSL.
    Perl,
    /// `java`, 17 or newer: runs Kafka.
    Java,
    /// `mvn`: fetches Kafka.
    Maven,
    /// `python3` with `venv` and pip: gets the tools of the other languages, and libraries that results are compared
    /// with.
    Python,
    /// `javac`: compiles the programs of the rivals.
    JavaCompiler,
    /// `kcat`: a Kafka client for a shell, which the documentation shows.
    Kcat,
    /// `curl`: the documentation asks the admin API with it.
    Curl,
    /// `chromedriver` with its Chromium: looks at the page.
    Browser,
}

impl Need {
    /// What the host, the tests and the demo need.
    pub const ALL: &[Self] = &[Self::Compiler, Self::Make, Self::Perl, Self::Java, Self::Maven];
    /// What the guests in other languages than Rust need: Python gets the rest. Tests compare results with its
    /// libraries, too.
    pub const LANGUAGES: &[Self] = &[Self::Python];
    /// What commands of the documentation need, which tests run.
    pub const DOCUMENTATION: &[Self] = &[Self::Kcat, Self::Curl];
    /// What the tests of the page need.
    pub const PAGE: &[Self] = &[Self::Browser];
    /// What building the host needs.
    pub const BUILD: &[Self] = &[Self::Compiler, Self::Make, Self::Perl];
    /// What a Kafka needs.
    pub const KAFKA: &[Self] = &[Self::Java, Self::Maven];
    /// What the rivals need beyond [`Need::ALL`].
    pub const RIVALS: &[Self] = &[Self::JavaCompiler];

    fn is_there(self) -> bool {
        match self {
            Self::Compiler => succeeds("cc", &["--version"]),
            Self::Make => succeeds("make", &["--version"]),
            Self::Perl => succeeds("perl", &["-MFindBin", "-MIPC::Cmd", "-MFile::Compare", "-e", "1"]),
            Self::Java => java_version().is_some_and(|version| version >= JAVA_VERSION_MIN),
            Self::Maven => succeeds("mvn", &["--version"]),
            Self::Python => succeeds("python3", &["-c", "import venv, ensurepip"]),
            Self::JavaCompiler => succeeds("javac", &["-version"]),
            Self::Kcat => succeeds("kcat", &["-V"]),
            Self::Curl => succeeds("curl", &["--version"]),
            Self::Browser => succeeds("chromedriver", &["--version"]),
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::Compiler => "a C compiler (cc)",
            Self::Make => "make",
            Self::Perl => "perl with its standard modules",
            Self::Java => "Java 17 or newer (java)",
            Self::Maven => "Maven (mvn)",
            Self::Python => "Python 3 with venv (python3)",
            Self::JavaCompiler => "a Java compiler (javac)",
            Self::Kcat => "kcat",
            Self::Curl => "curl",
            Self::Browser => "Chromium with its driver (chromedriver)",
        }
    }

    fn package(self) -> &'static str {
        match self {
            Self::Compiler | Self::Make => "build-essential",
            Self::Perl => "perl",
            Self::Java => "default-jre-headless",
            Self::Maven => "maven",
            Self::Python => "python3-venv",
            Self::JavaCompiler => "default-jdk-headless",
            Self::Kcat => "kcat",
            Self::Curl => "curl",
            Self::Browser => "chromium-driver",
        }
    }
}

/// Makes sure that all of `needs` is there, installing with apt-get as root or with password-less sudo.
///
/// # Errors
/// Something is missing and may not be, or could not be, installed; the text says which line helps.
pub fn ensure(needs: &[Need]) -> Result<()> {
    let missing = missing(needs);
    if missing.is_empty() {
        return Ok(());
    }
    let mut packages: Vec<&str> = missing.iter().map(|need| need.package()).collect();
    packages.dedup();
    let line = format!("apt-get install -y --no-install-recommends {}", packages.join(" "));
    let words = words(&missing);
    if !Path::new("/usr/bin/apt-get").exists() {
        bail!("missing: {words}\ninstall them with this system's package manager; on Debian: {line}");
    }
    let Some(prefix) = privilege() else {
        bail!("missing: {words}\nrun: sudo apt-get update && sudo {line}");
    };
    eprintln!("missing: {words}; installing with apt-get: {}", packages.join(" "));
    run(&mut apt(prefix, &["update", "-q"]))?;
    let mut install = vec!["install", "-y", "-q", "--no-install-recommends"];
    install.extend(&packages);
    run(&mut apt(prefix, &install))?;
    let still = self::missing(needs);
    if !still.is_empty() {
        bail!("still missing after \"{line}\": {}\ninstall it by hand and try again", self::words(&still));
    }
    Ok(())
}

fn missing(needs: &[Need]) -> Vec<Need> {
    needs.iter().copied().filter(|need| !need.is_there()).collect()
}

fn words(needs: &[Need]) -> String {
    needs.iter().map(|need| need.words()).collect::<Vec<_>>().join(", ")
}

/// The program to put before apt-get: none as root, `sudo -n` where it asks nothing; no answer: we may not.
fn privilege() -> Option<&'static [&'static str]> {
    // SAFETY: geteuid(2) takes nothing, touches no memory and cannot fail.
    if unsafe { libc::geteuid() } == 0 {
        return Some(&[]);
    }
    succeeds("sudo", &["-n", "true"]).then_some(&["sudo", "-n"])
}

fn apt(prefix: &[&str], arguments: &[&str]) -> Command {
    let words = [prefix, &["env", "DEBIAN_FRONTEND=noninteractive", "apt-get"], arguments].concat();
    let mut command = Command::new(words[0]);
    command.args(&words[1..]);
    command
}

/// The major version of `java`, from its first line: `openjdk version "17.0.15" …`.
fn java_version() -> Option<u32> {
    let output = Command::new("java").arg("-version").output().ok()?;
    parse_java_version(&String::from_utf8_lossy(&output.stderr))
}

fn parse_java_version(text: &str) -> Option<u32> {
    let quoted = text.split('"').nth(1)?;
    quoted.split(['.', '-', '+']).next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn java_versions_are_read_from_the_first_line() {
        assert_eq!(parse_java_version("openjdk version \"17.0.15\" 2025-04-15\nmore"), Some(17));
        assert_eq!(parse_java_version("openjdk version \"21\" 2023-09-19"), Some(21));
        assert_eq!(parse_java_version("openjdk version \"25-ea\" 2025-09-16"), Some(25));
        assert_eq!(parse_java_version("java version \"1.8.0_292\""), Some(1));
        assert_eq!(parse_java_version("bash: java: command not found"), None);
    }
}
