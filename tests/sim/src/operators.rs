//! The operator of the simulation: input values are `key:text`, the row is `text` under `key`. Words in the
//! text misbehave: `bad` is rejected by the transform, `boom` traps it, `odd` is rejected by the reduce,
//! `bang` traps it.

use host_core::operator::{BadRow, Description, Fault, FaultKind, Groups, Operator, Reduced, Transformed};
use host_core::record::{BytesColumn, Origin, Row, Rows};
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;

/// How values are folded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fold {
    /// Adds the lengths and bytes: order does not count.
    Sum,
    /// A hash of the hash before and the value: order counts.
    Chain,
}

impl Fold {
    /// Folds one value.
    pub fn fold(self, accumulator: Option<&[u8]>, value: &[u8]) -> [u8; 8] {
        let before =
            accumulator.map_or(0, |bytes| u64::from_le_bytes(bytes.try_into().expect("eight bytes")));
        let after = match self {
            Self::Sum => before + 1 + value.iter().map(|byte| u64::from(*byte)).sum::<u64>(),
            Self::Chain => value.iter().fold(before ^ 0xcbf2_9ce4_8422_2325, |hash, byte| {
                (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
            }),
        };
        after.to_le_bytes()
    }
}

/// The sum of two sums.
pub fn merge(left: &[u8], right: &[u8]) -> [u8; 8] {
    let number = |bytes: &[u8]| u64::from_le_bytes(bytes.try_into().expect("eight bytes"));
    (number(left) + number(right)).to_le_bytes()
}

/// Key and text of an input value.
pub fn parse(value: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = value.iter().position(|byte| *byte == b':')?;
    Some((&value[..at], &value[at + 1..]))
}

fn has(text: &[u8], word: &str) -> bool {
    text.windows(word.len()).any(|window| window == word.as_bytes())
}

/// True if the record of this text ends as a dead letter.
pub fn fails(text: &[u8]) -> bool {
    ["bad", "boom", "odd", "bang"].iter().any(|word| has(text, word))
}

/// The modules that were called since somebody looked last.
pub type Calls = Rc<RefCell<BTreeSet<String>>>;

/// What a module is called.
pub type ModuleName = Rc<RefCell<String>>;

/// See the module's documentation.
pub struct TestOperator {
    module: ModuleName,
    calls: Calls,
    description: Description,
    fold: Fold,
    /// It wants the application to stop, whatever it is given.
    is_broken: bool,
    /// Calls until one that traps for no reason of its records.
    trap_in: Option<u32>,
    /// A bug: after a trap the instance goes on, with what it had half done in its memory.
    is_reused: bool,
    /// Keys and values that the call which trapped had folded.
    half_done: Vec<(Vec<u8>, Vec<u8>)>,
}

impl TestOperator {
    /// An operator that folds this way.
    pub fn new(fold: Fold, preserves_key: bool, trap_in: Option<u32>) -> Self {
        let (module, calls) = (ModuleName::default(), Calls::default());
        let description = Description {
            name: "test".into(),
            preserves_key,
            transforms: true,
            reduces: true,
            state_schema: "test".into(),
            row_schema: "text".into(),
            merges: fold == Fold::Sum,
            ..Description::default()
        };
        let (is_broken, is_reused, half_done) = (false, false, Vec::new());
        Self { module, calls, description, fold, is_broken, trap_in, is_reused, half_done }
    }

    /// The same operator as another module; its calls are noted in `calls`.
    #[must_use]
    pub fn of_module(self, module: &ModuleName, calls: &Calls) -> Self {
        Self { module: Rc::clone(module), calls: Rc::clone(calls), ..self }
    }

    /// The same operator, of no use.
    #[must_use]
    pub fn broken(self) -> Self {
        Self { is_broken: true, ..self }
    }

    /// The same operator, whose instances outlive a trap or not.
    #[must_use]
    pub fn reused(self, is_reused: bool) -> Self {
        Self { is_reused, ..self }
    }

    /// What an instance has in its memory when it traps.
    fn leave_half_done(&mut self, groups: &Groups) {
        let mut start = 0;
        for (g, &end) in groups.ends.iter().enumerate() {
            let key = groups.keys.get(g).unwrap_or_default();
            let values = (start..end).map(|i| groups.values.get(i as usize).unwrap_or_default());
            self.half_done.extend(values.filter(|value| !fails(value)).map(|v| (key.into(), v.into())));
            start = end;
        }
    }

    /// An accumulator with what the instance finds of its key in its memory.
    fn with_half_done(&mut self, key: &[u8], accumulator: Option<Vec<u8>>) -> Option<Vec<u8>> {
        let fold = self.fold;
        let found = self.half_done.extract_if(.., |(of, _)| of == key);
        found.fold(accumulator, |sum, (_, value)| Some(fold.fold(sum.as_deref(), &value).to_vec()))
    }

    fn trap(&mut self, culprit: bool) -> Result<(), Fault> {
        if self.is_broken {
            return Err(Fault { kind: FaultKind::Fatal, reason: "broken".into(), spent_us: 0 });
        }
        self.calls.borrow_mut().insert(self.module.borrow().clone());
        let transient = self.trap_in == Some(0);
        self.trap_in = self.trap_in.and_then(|calls| calls.checked_sub(1));
        if culprit || transient {
            return Err(Fault { kind: FaultKind::Trap, reason: "trapped".into(), spent_us: 1_000 });
        }
        Ok(())
    }
}

impl Operator for TestOperator {
    fn description(&self) -> &Description {
        &self.description
    }

    fn transform(&mut self, _: Origin<'_>, rows: &Rows) -> Result<Transformed, Fault> {
        let values = || (0..rows.len()).map(|i| rows.value(i).unwrap_or_default());
        self.trap(values().any(|value| has(value, "boom")))?;
        let mut out = Transformed::default();
        for (i, value) in values().enumerate() {
            match parse(value) {
                Some((key, text)) if !has(text, "bad") => {
                    out.rows.push(Row { key: Some(key), value: Some(text), timestamp: rows.timestamps[i] });
                    out.source.push(i as u32);
                }
                _ => out.bad.push(BadRow { row: i as u32, reason: "bad".into() }),
            }
        }
        Ok(out)
    }

    fn reduce(&mut self, groups: &Groups, every: bool) -> Result<Reduced, Fault> {
        let values = || (0..groups.values.len()).map(|i| groups.values.get(i).unwrap_or_default());
        if let Err(fault) = self.trap(values().any(|value| has(value, "bang"))) {
            if self.is_reused {
                self.leave_half_done(groups);
            }
            return Err(fault);
        }
        let mut out = Reduced::default();
        let mut start = 0;
        for (g, &end) in groups.ends.iter().enumerate() {
            let key = groups.keys.get(g).unwrap_or_default();
            let mut accumulator = self.with_half_done(key, groups.accumulators.get(g).map(<[u8]>::to_vec));
            for i in start..end {
                let value = groups.values.get(i as usize).unwrap_or_default();
                if has(value, "odd") {
                    out.bad.push(BadRow { row: i, reason: "odd".into() });
                } else {
                    accumulator = Some(self.fold.fold(accumulator.as_deref(), value).to_vec());
                }
                if every {
                    out.accumulators.push(accumulator.as_deref());
                }
            }
            if !every {
                out.accumulators.push(accumulator.as_deref());
            }
            start = end;
        }
        Ok(out)
    }

    fn finish(&mut self, _: &BytesColumn, accumulators: &BytesColumn) -> Result<BytesColumn, Fault> {
        self.calls.borrow_mut().insert(self.module.borrow().clone());
        Ok(accumulators.clone())
    }

    fn merge(&mut self, left: &BytesColumn, right: &BytesColumn) -> Result<BytesColumn, Fault> {
        self.trap(false)?;
        let mut out = BytesColumn::new();
        for i in 0..left.len() {
            out.push(Some(&merge(left.get(i).unwrap_or_default(), right.get(i).unwrap_or_default())));
        }
        Ok(out)
    }
}
