//! A live instance: its wasm store and the interfaces that its module has. It is used until its first fault
//! and then thrown away, since nothing is known of its memory any more.

use host_core::check;
use host_core::operator::{BadRow, Description, FaultKind, Groups, Processed, Reduced, Transformed};
use host_core::record::{BytesColumn, HeaderColumns, Origin, Rows};
use std::sync::Arc;
use wasmtime::component::InstancePre;
use wasmtime::{Store, UpdateDeadline};

use super::bindings::exports::host::operator::{finisher, merger, module, processor, reducer, transformer};
use super::bindings::host::operator::types;
use super::clock::Deadline;
use super::error::CallError;
use super::limits::{Limits, Memory};
use super::log::Log;
use super::usage::Usage;
use super::wasi::{Grants, Wasi};

/// What wasmtime carries for an instance.
#[derive(Debug)]
pub(super) struct State {
    memory: Memory,
    deadline: Deadline,
    pub(super) log: Arc<Log>,
    /// None: the component imports nothing of it.
    pub(super) wasi: Option<Wasi>,
}

/// Where the functions of a module are, looked up once.
pub(super) struct Interfaces {
    pub(super) module: module::GuestIndices,
    pub(super) transformer: Option<transformer::GuestIndices>,
    pub(super) reducer: Option<reducer::GuestIndices>,
    pub(super) finisher: Option<finisher::GuestIndices>,
    pub(super) merger: Option<merger::GuestIndices>,
    pub(super) processor: Option<processor::GuestIndices>,
}

/// All that an instance is made of.
pub(super) struct Plan {
    pub(super) pre: InstancePre<State>,
    pub(super) interfaces: Interfaces,
    /// Sorted by name.
    pub(super) settings: Vec<(String, String)>,
    pub(super) limits: Limits,
    pub(super) log: Arc<Log>,
    /// None: the component imports nothing of WASI.
    pub(super) wasi: Option<Grants>,
}

/// Why there is no instance.
#[derive(Debug)]
pub(super) enum StartError {
    /// `configure` refused the settings.
    Refused(String),
    /// It trapped, took too long, …
    Fault(CallError),
    /// A function of this interface has not the type that `wit/` says.
    WrongType(&'static str, wasmtime::Error),
}

impl<E: Into<CallError>> From<E> for StartError {
    fn from(error: E) -> Self {
        Self::Fault(error.into())
    }
}

/// See the head of this file.
pub(super) struct Instance {
    store: Store<State>,
    transformer: Option<transformer::Guest>,
    reducer: Option<reducer::Guest>,
    finisher: Option<finisher::Guest>,
    merger: Option<merger::Guest>,
    processor: Option<processor::Guest>,
}

impl Instance {
    /// A fresh instance, configured, and what it says of itself. What it uses is counted in `usage`.
    pub(super) fn start(plan: &Plan, usage: &Arc<Usage>) -> Result<(Self, Description), StartError> {
        let mut store = new_store(plan, usage)?;
        let instance = plan.pre.instantiate(&mut store)?;
        let wrong = |interface| move |error| StartError::WrongType(interface, error);
        let interfaces = &plan.interfaces;
        let module = interfaces.module.load(&mut store, &instance).map_err(wrong("module"))?;
        let transformer = interfaces.transformer.as_ref().map(|found| found.load(&mut store, &instance));
        let transformer = transformer.transpose().map_err(wrong("transformer"))?;
        let reducer = interfaces.reducer.as_ref().map(|found| found.load(&mut store, &instance));
        let reducer = reducer.transpose().map_err(wrong("reducer"))?;
        let finisher = interfaces.finisher.as_ref().map(|found| found.load(&mut store, &instance));
        let finisher = finisher.transpose().map_err(wrong("finisher"))?;
        let merger = interfaces.merger.as_ref().map(|found| found.load(&mut store, &instance));
        let merger = merger.transpose().map_err(wrong("merger"))?;
        let processor = interfaces.processor.as_ref().map(|found| found.load(&mut store, &instance));
        let processor = processor.transpose().map_err(wrong("processor"))?;

        let settings: Vec<_> =
            plan.settings.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        module.call_configure(&mut store, &settings)?.map_err(StartError::Refused)?;
        let said = module.call_describe(&mut store)?;
        let description = Description {
            name: said.name,
            version: said.version,
            preserves_key: said.preserves_key,
            state_schema: said.state_schema,
            row_schema: said.row_schema,
            transforms: transformer.is_some(),
            reduces: reducer.is_some() || processor.is_some(),
            processes: processor.is_some(),
            finishes: finisher.is_some(),
            merges: merger.is_some(),
        };
        Ok((Self { store, transformer, reducer, finisher, merger, processor }, description))
    }

    pub(super) fn transform(&mut self, origin: Origin<'_>, rows: &Rows) -> Result<Transformed, CallError> {
        self.begin(rows.len());
        let guest = self.transformer.as_ref().ok_or_else(|| missing("transformer"))?;
        let read_at = types::Origin {
            topic: &origin.source.topic,
            partition: origin.source.partition,
            offsets: origin.offsets,
        };
        let answer = guest.call_transform(&mut self.store, read_at, columns(rows))??;
        let sinks = answer.sinks;
        let answer =
            Transformed { rows: rows_of(answer.rows), source: answer.source, bad: bad_rows(answer.bad) };
        self.check_rows(&answer.rows)?;
        check::transformed(&answer, rows.len())?;
        check::sinks(&sinks, answer.rows.len())?;
        Ok(answer)
    }

    pub(super) fn reduce(&mut self, groups: &Groups, every: bool) -> Result<Reduced, CallError> {
        self.begin(groups.values.len());
        let guest = self.reducer.as_ref().ok_or_else(|| missing("reducer"))?;
        let answer = guest.call_reduce(&mut self.store, groups_of(groups), every)??;
        let answer = Reduced { accumulators: column_of(answer.accumulators), bad: bad_rows(answer.bad) };
        check::reduced(&answer, groups.keys.len(), groups.values.len(), every)?;
        Ok(answer)
    }

    pub(super) fn process(&mut self, groups: &Groups) -> Result<Processed, CallError> {
        self.begin(groups.values.len());
        let guest = self.processor.as_ref().ok_or_else(|| missing("processor"))?;
        let answer = guest.call_process(&mut self.store, groups_of(groups))??;
        let answer = Processed {
            reduced: Reduced { accumulators: column_of(answer.accumulators), bad: bad_rows(answer.bad) },
            rows: rows_of(answer.rows),
            source: answer.source,
        };
        self.check_rows(&answer.rows)?;
        check::processed(&answer, groups.keys.len(), groups.values.len())?;
        Ok(answer)
    }

    pub(super) fn finish(
        &mut self,
        keys: &BytesColumn,
        accumulators: &BytesColumn,
    ) -> Result<BytesColumn, CallError> {
        self.begin(keys.len());
        let guest = self.finisher.as_ref().ok_or_else(|| missing("finisher"))?;
        let answer = column_of(guest.call_finish(&mut self.store, column(keys), column(accumulators))??);
        check::finished(&answer, keys.len())?;
        Ok(answer)
    }

    pub(super) fn merge(
        &mut self,
        left: &BytesColumn,
        right: &BytesColumn,
    ) -> Result<BytesColumn, CallError> {
        self.begin(left.len());
        let guest = self.merger.as_ref().ok_or_else(|| missing("merger"))?;
        let answer = column_of(guest.call_merge(&mut self.store, column(left), column(right))??);
        check::merged(&answer, left.len())?;
        Ok(answer)
    }

    /// Starts the clock of a call with this many records.
    fn begin(&mut self, records: usize) {
        let allowed = self.limits().call_deadline(records);
        self.store.data_mut().deadline = Deadline::begin(allowed);
        self.store.set_epoch_deadline(1);
    }

    /// Output rows are counted before anybody walks over them.
    fn check_rows(&self, rows: &Rows) -> Result<(), CallError> {
        if rows.len() <= self.limits().output_records_max {
            return Ok(());
        }
        let text = format!("the answer has {} rows, more than `output_records_max`", rows.len());
        Err(CallError::new(FaultKind::Output, &text))
    }

    fn limits(&self) -> &Limits {
        &self.store.data().memory.limits
    }
}

/// A wasm store with its limits, in which the clock of the start is running.
fn new_store(plan: &Plan, usage: &Arc<Usage>) -> Result<Store<State>, CallError> {
    let wasi = plan.wasi.as_ref().map(|grants| Wasi::new(grants, &plan.log)).transpose()?;
    let state = State {
        wasi,
        memory: Memory { limits: plan.limits.clone(), usage: Arc::clone(usage), held: 0 },
        deadline: Deadline::begin(plan.limits.start_deadline()),
        log: Arc::clone(&plan.log),
    };
    let mut store = Store::new(plan.pre.engine(), state);
    store.limiter(|state| &mut state.memory);
    store.set_hostcall_fuel(plan.limits.output_bytes_max);
    store.set_epoch_deadline(1);
    store.epoch_deadline_callback(|store| {
        store.data().deadline.check()?;
        Ok(UpdateDeadline::Continue(1))
    });
    Ok(store)
}

#[cold]
fn missing(interface: &str) -> CallError {
    CallError::new(FaultKind::Fatal, &format!("the module has no `{interface}`, and it was called"))
}

fn column(column: &BytesColumn) -> types::BytesColumnParam<'_> {
    types::BytesColumnParam { data: &column.data, offsets: &column.offsets, nulls: &column.nulls }
}

fn column_of(lifted: types::BytesColumnResult) -> BytesColumn {
    BytesColumn { data: lifted.data, offsets: lifted.offsets, nulls: lifted.nulls }
}

fn groups_of(groups: &Groups) -> types::Groups<'_> {
    types::Groups {
        keys: column(&groups.keys),
        accumulators: column(&groups.accumulators),
        ends: &groups.ends,
        values: column(&groups.values),
        timestamps: &groups.timestamps,
    }
}

fn columns(rows: &Rows) -> types::ColumnsParam<'_> {
    types::ColumnsParam {
        data: &rows.data,
        offsets: &rows.offsets,
        timestamps: &rows.timestamps,
        nulls: &rows.nulls,
        headers: rows.headers.as_ref().map(|headers| types::HeaderColumnsParam {
            ends: &headers.ends,
            data: &headers.data,
            offsets: &headers.offsets,
            null_values: &headers.null_values,
        }),
    }
}

fn rows_of(lifted: types::ColumnsResult) -> Rows {
    Rows {
        data: lifted.data,
        offsets: lifted.offsets,
        timestamps: lifted.timestamps,
        nulls: lifted.nulls,
        headers: lifted.headers.map(|headers| HeaderColumns {
            ends: headers.ends,
            data: headers.data,
            offsets: headers.offsets,
            null_values: headers.null_values,
        }),
    }
}

fn bad_rows(lifted: Vec<types::BadRow>) -> Vec<BadRow> {
    lifted.into_iter().map(|bad| BadRow { row: bad.row, reason: check::cut_reason(bad.reason) }).collect()
}
