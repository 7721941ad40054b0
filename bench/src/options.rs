//! What the command line says.

use anyhow::{Context, Result, bail, ensure};
use testkit::Kafka;

/// The options of a benchmark.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Options {
    /// An empty Kafka.
    bootstrap_servers: String,
    /// Its process, whose CPU time is shown too.
    pub(crate) broker_pid: Option<u32>,
    records: Option<u64>,
    rounds: Option<u32>,
    only: Option<String>,
}

impl Options {
    /// Reads the arguments of a benchmark that needs a Kafka.
    pub(crate) fn parse(arguments: impl Iterator<Item = String>) -> Result<Self> {
        let options = Self::alone(arguments)?;
        ensure!(
            !options.bootstrap_servers.is_empty(),
            "--bootstrap-servers is missing; run cargo xtask bench"
        );
        Ok(options)
    }

    /// Reads those of one that has its own.
    pub(crate) fn alone(mut arguments: impl Iterator<Item = String>) -> Result<Self> {
        let mut options = Self {
            bootstrap_servers: String::new(),
            broker_pid: None,
            records: None,
            rounds: None,
            only: None,
        };
        while let Some(name) = arguments.next() {
            let value = arguments.next().with_context(|| format!("{name} needs a value"))?;
            let number =
                || value.replace('_', "").parse::<u64>().with_context(|| format!("no number: {value}"));
            match name.as_str() {
                "--bootstrap-servers" => options.bootstrap_servers = value,
                "--broker-pid" => options.broker_pid = Some(u32::try_from(number()?)?),
                "--records" => options.records = Some(number()?),
                "--rounds" => options.rounds = Some(u32::try_from(number()?)?),
                "--only" => options.only = Some(value),
                _ => bail!("unknown argument {name}; there are --records, --rounds and --only"),
            }
        }
        let given = [options.records, options.rounds.map(u64::from)];
        ensure!(!given.contains(&Some(0)), "--records and --rounds are at least 1");
        Ok(options)
    }

    /// The Kafka to measure with.
    pub(crate) fn kafka(&self) -> Kafka {
        Kafka::at(&self.bootstrap_servers)
    }

    /// Records of the input, when nothing else is asked for.
    pub(crate) fn records(&self, default: u64) -> u64 {
        self.records.unwrap_or(default)
    }

    /// How often each case runs, when nothing else is asked for.
    pub(crate) fn rounds(&self, default: u32) -> u32 {
        self.rounds.unwrap_or(default)
    }

    /// The cases that are to run: those with the text of `--only` in their names.
    pub(crate) fn choose<C>(&self, cases: Vec<C>, name: impl Fn(&C) -> String) -> Result<Vec<C>> {
        let Some(part) = &self.only else { return Ok(cases) };
        let all: Vec<String> = cases.iter().map(&name).collect();
        let chosen: Vec<C> = cases.into_iter().filter(|case| name(case).contains(part)).collect();
        ensure!(!chosen.is_empty(), "no case has {part:?} in its name; there are: {}", all.join(", "));
        Ok(chosen)
    }

    /// What `--only` says.
    pub(crate) fn only(&self) -> Option<&str> {
        self.only.as_deref()
    }

    /// Whether all cases run: what only some of them say is printed and not kept.
    pub(crate) fn is_whole(&self) -> bool {
        self.only.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Options> {
        Options::parse(text.split_whitespace().map(String::from))
    }

    fn names() -> Vec<String> {
        ["wasm-a", "native-a", "wasm-b"].map(String::from).to_vec()
    }

    #[test]
    fn arguments_are_read_and_others_refused() {
        let options =
            parse("--bootstrap-servers b:1 --records 1_000 --rounds 3 --only wasm").expect("they are right");
        assert_eq!((options.records(7), options.rounds(7), options.is_whole()), (1000, 3, false));
        for wrong in ["", "--records 5", "--bootstrap-servers b --fast 1", "--bootstrap-servers b --rounds 0"]
        {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn cases_are_chosen_by_a_part_of_their_name() {
        let all = parse("--bootstrap-servers b").expect("enough");
        assert_eq!((all.records(7), all.rounds(2), all.is_whole()), (7, 2, true));
        assert_eq!(all.choose(names(), String::clone).expect("all").len(), 3);
        let some = parse("--bootstrap-servers b --only wasm").expect("enough");
        assert_eq!(some.choose(names(), String::clone).expect("two"), ["wasm-a", "wasm-b"]);
        let none = parse("--bootstrap-servers b --only rust").expect("enough");
        let error = none.choose(names(), String::clone).expect_err("none").to_string();
        assert!(error.contains("native-a"), "{error}");
    }
}
