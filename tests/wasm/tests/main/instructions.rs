//! Instructions of the core for a record, counted as Wasm fuel: the same number on every machine, so a bound on it
//! finds what makes the path of a batch longer.

use crate::guests::bytes;
use wasmtime::component::{Component, Linker};
use wasmtime::{Config, Engine, Store};

const RECORDS: u32 = 5_000;
/// Wasm instructions of a record, the bookkeeping of its batch included; 1,132 when this was written, and compilers
/// differ by some percent. Raise one only for what is worth it to users.
const REDUCED_MAX: u64 = 1_400;
const COMBINED_MAX: u64 = 1_400;

/// Fuel for each record, once buffers have grown: what some batches more take.
fn per_record(repartitions: bool) -> u64 {
    let mut config = Config::new();
    config.consume_fuel(true);
    let engine = Engine::new(&config).expect("it counts fuel");
    let component = Component::new(&engine, bytes("hot-path")).expect("it is a component");
    let fuel = |batches: u32| {
        let mut store = Store::new(&engine, ());
        store.set_fuel(u64::MAX).expect("it counts fuel");
        let instance = Linker::new(&engine).instantiate(&mut store, &component).expect("it imports nothing");
        let run = instance.get_typed_func::<(u32, u32, bool), ()>(&mut store, "run").expect("it exports run");
        run.call(&mut store, (batches, RECORDS, repartitions)).expect("it runs");
        u64::MAX - store.get_fuel().expect("it counts fuel")
    };
    (fuel(30) - fuel(10)) / (20 * u64::from(RECORDS))
}

#[test]
fn the_core_takes_no_more_instructions_for_a_record_than_it_may() {
    let (reduced, combined) = (per_record(false), per_record(true));
    assert!(reduced <= REDUCED_MAX, "{reduced} instructions a record, and {REDUCED_MAX} are allowed");
    assert!(combined <= COMBINED_MAX, "{combined} instructions a record, and {COMBINED_MAX} are allowed");
}
