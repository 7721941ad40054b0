//! The law of merging, checked on values of your choice.

use super::{RunError, Runner};
use crate::accumulator::Accumulator;
use crate::bytes::Bytes;
use crate::error::{Error, Failure};
use crate::operator::{Merge, Reduce};
use crate::record::Value;

impl<T: Merge> Runner<T> {
    /// Folds the values of one key in order, in reverse, and in two parts that are merged, for every cut. All must
    /// come to the same bytes, which a [`Merge`] promises. Values without a row's timestamp have theirs counted
    /// from 0.
    ///
    /// # Errors
    /// [`RunError::MergeLaw`] with the first cut where it does not hold; [`RunError::Failed`] when a value is
    /// refused or a call fails.
    pub fn check_merge_law(&mut self, key: &[u8], values: &[&[u8]]) -> Result<(), RunError> {
        let values: Vec<_> = (0..).zip(values).map(|(at, bytes)| Value::new(key, bytes, at)).collect();
        let whole = bytes(self.fold(&values)?.as_ref());
        let backwards: Vec<_> = values.iter().rev().copied().collect();
        if bytes(self.fold(&backwards)?.as_ref()) != whole {
            return Err(RunError::MergeLaw { cut: 0 });
        }
        for cut in 1..values.len() {
            let (left, right) = (self.fold(&values[..cut])?, self.fold(&values[cut..])?);
            let merged = match (left, right) {
                (Some(left), Some(right)) => self.operator()?.merge(left, right).map_err(RunError::Failed)?,
                (left, right) => left.or(right),
            };
            if bytes(merged.as_ref()) != whole {
                return Err(RunError::MergeLaw { cut });
            }
        }
        Ok(())
    }

    fn fold(&mut self, values: &[Value<'_>]) -> Result<Option<<T as Reduce>::Accumulator>, RunError> {
        let mut accumulator = None;
        for value in values {
            match self.operator()?.fold(&mut accumulator, *value) {
                Ok(()) => {}
                Err(Error::Reject(reason)) => return Err(RunError::Failed(Failure::Fatal(reason))),
                Err(Error::Failure(failure)) => return Err(RunError::Failed(failure)),
            }
        }
        Ok(accumulator)
    }
}

fn bytes<A: Accumulator>(accumulator: Option<&A>) -> Option<Vec<u8>> {
    accumulator.map(|accumulator| {
        let mut bytes = Bytes::default();
        accumulator.encode(&mut bytes);
        bytes.into_vec()
    })
}
