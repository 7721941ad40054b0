//! Processing, for the runner.

use super::columns::{groups, rows_of, strings};
use super::{Input, OutputRow, Rejected, RunError, Runner, Stage};
use crate::operator::Process;
use crate::run;

impl<T: Process> Runner<T> {
    /// Groups the rows by key and processes them: the rows that come out, batch by batch, key by key.
    ///
    /// # Errors
    /// [`RunError::Failed`]; the batches before are done.
    pub fn process(&mut self, rows: &[OutputRow]) -> Result<Vec<OutputRow>, RunError> {
        let mut all = Vec::new();
        for batch in rows.chunks(self.batch_records) {
            let (groups, values) = groups(batch, &self.state);
            self.skipped_nulls += batch.len() - values.len();
            if values.is_empty() {
                continue;
            }
            let keys: Vec<Vec<u8>> =
                strings(&groups.keys).map(|key| key.unwrap_or_default().to_vec()).collect();
            let timestamps = groups.timestamps.clone();
            let answer = run::process(self.operator()?, groups)?;
            let offset = |value: u32| batch[values[value as usize]].source_offset;
            for bad in answer.bad {
                let offset = offset(bad.row);
                self.rejected.push(Rejected { stage: Stage::Process, offset, reason: bad.reason });
            }
            let made = rows_of(&answer.rows, &answer.source, &timestamps).zip(&answer.source);
            all.extend(made.map(|(row, value)| OutputRow { source_offset: offset(*value), ..row }));
            for (key, accumulator) in keys.into_iter().zip(strings(&answer.accumulators)) {
                match accumulator {
                    Some(bytes) => self.state.insert(key, bytes.to_vec()),
                    None => self.state.remove(&key),
                };
            }
        }
        Ok(all)
    }

    /// Appends the records to the input and processes them as they are.
    ///
    /// # Errors
    /// As [`Runner::process`].
    pub fn process_inputs(&mut self, inputs: &[Input]) -> Result<Vec<OutputRow>, RunError> {
        let rows = self.rows(inputs);
        self.process(&rows)
    }
}
