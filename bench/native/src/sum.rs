//! The job: the running sum of each key, exactly once.

use crate::client::{Client, Offsets};
use crate::reader::{Found, Reader};
use crate::sums::Sums;
use crate::writer::{Topic, Writer};
use anyhow::{Context, Result, bail};
use bench_kit::Arguments;
use std::collections::BTreeMap;
use std::thread;
use std::time::{Duration, Instant};

/// Bounds what a batch that does not fill adds to the latency.
const POLL_TIMEOUT: Duration = Duration::from_millis(5);
/// The version byte before an accumulator in the changelog.
const FORMAT: u8 = 1;

/// What all threads share.
struct Job<'a> {
    servers: &'a str,
    group: &'a str,
    input: &'a str,
    output: &'a str,
    changelog: &'a str,
    /// A result after every record, and not one a changed key and commit.
    every: bool,
    interval: Duration,
}

/// Sums the topic from its start to its end.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let every = match arguments.get("emit")? {
        "record" => true,
        "commit" => false,
        other => bail!("--emit is record or commit, not {other}"),
    };
    let job = Job {
        servers: arguments.get("bootstrap-servers")?,
        group: arguments.get("application-id")?,
        input: arguments.get("input")?,
        output: arguments.get("output")?,
        changelog: arguments.get("changelog")?,
        every,
        interval: Duration::from_millis(arguments.number("commit-interval-ms")?),
    };
    let threads: i32 = arguments.number("threads")?;
    let asking = Client::producer(&[("bootstrap.servers", job.servers)])?;
    let partitions = asking.partitions(job.input)?;
    thread::scope(|scope| {
        let threads: Vec<_> = (0..threads.min(partitions))
            .map(|number| {
                let mine = (0..partitions).filter(move |partition| partition % threads == number);
                let job = &job;
                scope.spawn(move || job.work(number, mine.collect()))
            })
            .collect();
        threads.into_iter().try_for_each(|thread| thread.join().expect("a thread panicked"))
    })
}

impl Job<'_> {
    /// One thread's loop, from the start of its partitions to their ends.
    fn work(&self, number: i32, partitions: Vec<i32>) -> Result<()> {
        let mut to_read = partitions.len();
        let mut reader = Reader::new(self.servers, self.group, self.input, partitions.into_iter())?;
        let writer = Writer::new(self.servers, &format!("{}-{number}", self.group))?;
        let mut output = Output {
            results: writer.topic(self.output)?,
            changelog: writer.topic(self.changelog)?,
            text: itoa::Buffer::new(),
        };
        let mut sums = Sums::default();
        let mut positions = BTreeMap::new();
        let mut committed = Instant::now();
        while to_read > 0 {
            reader.poll(POLL_TIMEOUT, |found| {
                let Found::Record(record) = found else {
                    to_read -= 1;
                    return Ok(());
                };
                let (key, sum) = sums.add(record.value().context("a record without a value")?)?;
                if self.every {
                    output.put(key, sum);
                }
                positions.insert(record.partition(), record.offset() + 1);
                Ok(())
            })?;
            if self.every {
                output.send()?;
            }
            if to_read > 0 && committed.elapsed() < self.interval {
                continue;
            }
            if !self.every {
                sums.take_changed(|key, sum| output.put(key, sum));
                output.send()?;
            }
            if !positions.is_empty() {
                let offsets = Offsets::of(self.input, std::mem::take(&mut positions).into_iter())?;
                writer.commit(reader.client(), &offsets)?;
                writer.begin()?;
            }
            committed = Instant::now();
        }
        Ok(())
    }
}

/// The two topics that each result goes to.
struct Output<'w> {
    results: Topic<'w>,
    changelog: Topic<'w>,
    text: itoa::Buffer,
}

impl Output<'_> {
    fn put(&mut self, key: &[u8], sum: i128) {
        self.results.put(key, self.text.format(sum).as_bytes());
        let mut accumulator = [FORMAT; 17];
        accumulator[1..].copy_from_slice(&sum.to_le_bytes());
        self.changelog.put(key, &accumulator);
    }

    fn send(&mut self) -> Result<()> {
        self.results.send()?;
        self.changelog.send()
    }
}
