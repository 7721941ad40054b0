//! Only reads: librdkafka's batch call into the host's columns, for the comparison with a fetch of our own.

use crate::client::Client;
use crate::reader::{Found, Reader};
use anyhow::Result;
use bench_kit::{Arguments, Seen};
use host_core::record::{Row, Rows};
use std::time::Duration;

const POLL_TIMEOUT: Duration = Duration::from_millis(5);
/// Records in a batch of columns.
const BATCH_RECORDS: usize = 10_000;

/// Reads the topic from its start to its end and prints what it has seen.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let (servers, topic) = (arguments.get("bootstrap-servers")?, arguments.get("topic")?);
    let asking = Client::producer(&[("bootstrap.servers", servers)])?;
    let partitions = asking.partitions(topic)?;
    let mut reader = Reader::new(servers, "bench-read", topic, 0..partitions)?;
    let mut columns: Vec<(Rows, Vec<i64>)> = (0..partitions).map(|_| (Rows::new(), Vec::new())).collect();
    let mut seen = Seen::default();
    let mut to_read = partitions;
    while to_read > 0 {
        reader.poll(POLL_TIMEOUT, |found| {
            let Found::Record(record) = found else {
                to_read -= 1;
                return Ok(());
            };
            let (rows, offsets) = &mut columns[usize::try_from(record.partition())?];
            rows.push(Row { key: record.key(), value: record.value(), timestamp: record.timestamp() });
            offsets.push(record.offset());
            if offsets.len() == BATCH_RECORDS {
                seen.add(rows, offsets);
                rows.clear();
                offsets.clear();
            }
            Ok(())
        })?;
    }
    for (rows, offsets) in &columns {
        seen.add(rows, offsets);
    }
    seen.print()
}
