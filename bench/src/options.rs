//! What the command line says.

use crate::case::Case;
use anyhow::{Context, Result, bail, ensure};

/// Worker threads of the host.
pub(crate) const WORKERS: u32 = 2;

/// The options of a benchmark.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Options {
    /// An empty Kafka.
    pub(crate) bootstrap_servers: String,
    /// Records of the input.
    pub(crate) records: u64,
    /// How often each case runs.
    pub(crate) rounds: u32,
    /// Runs only cases with this in their name.
    only: Option<String>,
}

impl Options {
    /// Reads the arguments.
    pub(crate) fn parse(arguments: impl Iterator<Item = String>) -> Result<Self> {
        let mut options =
            Self { bootstrap_servers: String::new(), records: 5_000_000, rounds: 1, only: None };
        let mut arguments = arguments;
        while let Some(name) = arguments.next() {
            let value = arguments.next().with_context(|| format!("{name} needs a value"))?;
            let number =
                || value.replace('_', "").parse::<u64>().with_context(|| format!("no number: {value}"));
            match name.as_str() {
                "--bootstrap-servers" => options.bootstrap_servers = value,
                "--records" => options.records = number()?,
                "--rounds" => options.rounds = u32::try_from(number()?)?,
                "--only" => options.only = Some(value),
                _ => bail!("unknown argument {name}; there are --records, --rounds and --only"),
            }
        }
        ensure!(
            !options.bootstrap_servers.is_empty(),
            "--bootstrap-servers is missing; run cargo xtask bench"
        );
        ensure!(options.records > 0 && options.rounds > 0, "--records and --rounds are at least 1");
        ensure!(
            Case::all().iter().any(|case| options.wants(*case)),
            "no case has {:?} in its name",
            options.only
        );
        Ok(options)
    }

    /// Is this case to run?
    pub(crate) fn wants(&self, case: Case) -> bool {
        self.only.as_ref().is_none_or(|part| case.name().contains(part))
    }

    /// One line above the tables.
    pub(crate) fn line(&self, keys: u64, partitions: u32) -> String {
        let Self { records, rounds, .. } = self;
        format!(
            "{records} records of about 10 bytes, {keys} keys, {partitions} partitions, {WORKERS} workers, \
             {rounds} round(s), median shown; the broker runs on the same machine"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Options> {
        Options::parse(text.split_whitespace().map(String::from))
    }

    #[test]
    fn arguments_are_read_and_others_refused() {
        let options =
            parse("--bootstrap-servers b:1 --records 1_000 --rounds 3 --only wasm").expect("they are right");
        assert_eq!((options.records, options.rounds), (1000, 3));
        assert_eq!(Case::all().iter().filter(|case| options.wants(**case)).count(), 4);
        for wrong in
            ["", "--records 5", "--bootstrap-servers b --fast 1", "--bootstrap-servers b --only rust"]
        {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
