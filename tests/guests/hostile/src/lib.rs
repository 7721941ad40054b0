//! A module that misbehaves in every way that the host must survive; which one is picked by the setting
//! `mode` (see `src/mode.rs`), and the setting `at` (`transform`, `reduce` or `finish`; by default
//! `transform`) says in which call faults like traps happen.
//!
//! With `mode=ok`, the default, it behaves: rows are keyed by their value, and an accumulator is its values
//! joined by commas. It is written against the generated bindings, since the SDK cannot answer wrongly.

#[allow(
    unsafe_code,
    missing_docs,
    unreachable_pub,
    clippy::all,
    clippy::pedantic,
    clippy::allow_attributes_without_reason,
    clippy::undocumented_unsafe_blocks,
    reason = "generated"
)]
mod bindings {
    wit_bindgen::generate!({ path: "../../../wit", world: "host:operator/operator" });
    #[cfg(target_arch = "wasm32")]
    export!(Hostile with_types_in self);

    pub struct Hostile;
}
mod fault;
mod honest;
mod mode;
mod spoil;

use std::cell::{Cell, RefCell};

use bindings::Hostile;
use bindings::exports::host::operator::module::{Description, Guest as Module};
use bindings::exports::host::operator::reducer::{Groups, Guest as Reducer, Reduced};
use bindings::exports::host::operator::transformer::{Guest as Transformer, Transformed};
use bindings::exports::host::operator::{finisher, transformer};
use bindings::host::operator::types::{BytesColumn, Columns, Failure};
use mode::{Call, Mode};

thread_local! {
    static MODE: RefCell<Mode> = const { RefCell::new(Mode::Ok) };
    static AT: Cell<Call> = const { Cell::new(Call::Transform) };
    /// Calls with data that this instance has had.
    static CALLS: Cell<u32> = const { Cell::new(0) };
}

impl Module for Hostile {
    fn configure(settings: Vec<(String, String)>) -> Result<(), String> {
        for (name, value) in settings {
            match name.as_str() {
                "mode" => MODE.set(Mode::parse(&value)?),
                "at" => AT.set(Call::parse(&value)?),
                _ => return Err(format!("unknown setting `{name}`: there are at, mode")),
            }
        }
        MODE.with_borrow(|mode| match mode {
            Mode::ConfigureError => Err("hostile: configure was told to fail".into()),
            _ => Ok(()),
        })
    }

    fn describe() -> Description {
        MODE.with_borrow(|mode| {
            if *mode == Mode::TrapInDescribe {
                fault::trap();
            }
        });
        Description {
            name: "hostile".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            preserves_key: false,
            state_schema: "joined".into(),
            row_schema: "bytes".into(),
        }
    }
}

impl Transformer for Hostile {
    fn transform(_read_at: transformer::Origin, rows: Columns) -> Result<Transformed, Failure> {
        MODE.with_borrow(|mode| {
            let values = honest::values_of_rows(&rows);
            misbehave(mode, Call::Transform, &values)?;
            let mut answer = honest::transform(&rows, |value| refused(mode, Call::Transform, value));
            spoil::transformed(mode, &mut answer, rows.timestamps.len());
            if AT.get() == Call::Transform && *mode == Mode::BigOutput {
                spoil::enlarge(&mut answer.rows.data, &mut answer.rows.offsets);
            }
            Ok(answer)
        })
    }
}

impl Reducer for Hostile {
    fn reduce(groups: Groups, _every: bool) -> Result<Reduced, Failure> {
        MODE.with_borrow(|mode| {
            let values = honest::strings(&groups.values);
            misbehave(mode, Call::Reduce, &values)?;
            let mut answer = honest::reduce(&groups, |value| refused(mode, Call::Reduce, value));
            spoil::reduced(mode, &mut answer, values.len());
            if AT.get() == Call::Reduce && *mode == Mode::BigOutput {
                spoil::enlarge(&mut answer.accumulators.data, &mut answer.accumulators.offsets);
            }
            Ok(answer)
        })
    }
}

impl finisher::Guest for Hostile {
    fn finish(_keys: BytesColumn, accumulators: BytesColumn) -> Result<BytesColumn, Failure> {
        MODE.with_borrow(|mode| {
            misbehave(mode, Call::Finish, &honest::strings(&accumulators))?;
            let mut answer = accumulators;
            if *mode == Mode::FinishWrongCount {
                answer.offsets.push(answer.data.len() as u32);
            }
            if AT.get() == Call::Finish && *mode == Mode::BigOutput {
                spoil::enlarge(&mut answer.data, &mut answer.offsets);
            }
            Ok(answer)
        })
    }
}

/// The faults of a call that come before any answer.
fn misbehave(mode: &Mode, call: Call, values: &[Option<&[u8]>]) -> Result<(), Failure> {
    if AT.get() != call {
        return Ok(());
    }
    CALLS.set(CALLS.get() + 1);
    fault::before_answer(mode, CALLS.get(), values)
}

/// True for the values that `reject-on` names.
fn refused(mode: &Mode, call: Call, value: Option<&[u8]>) -> bool {
    AT.get() == call && matches!(mode, Mode::RejectOn(text) if fault::contains(value, text))
}
