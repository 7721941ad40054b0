//! Bounds on time, memory, output, stack and log lines.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use host::wasm::{Engine, Grants, Limits, LoadError, Module};
use host_core::operator::FaultKind;

use crate::guests::{bytes, finish, load, reduce, rows, transform};

fn hostile(limits: Limits, mode: &str) -> Module {
    let engine = Engine::new(limits).expect("the settings fit every machine");
    let settings = [("mode".to_owned(), mode.to_owned())];
    Module::load(&engine, "hostile", &bytes("hostile-guest"), &settings, &Grants::default())
        .expect("the module loads")
}

#[test]
fn an_endless_loop_ends_at_its_deadline_of_cpu_time() {
    let mut operator = load("hostile-guest", &[("mode", "spin")]).operator();
    let fault = transform(&mut operator, &rows(&["a"])).expect_err("the guest spins");
    assert_eq!(fault.kind, FaultKind::Deadline, "{}", fault.reason);
    // 100 ms and a tick of 10 ms; the rest is for machines on which the thread that ticks has to wait.
    assert!((100_000..1_000_000).contains(&fault.spent_us), "{} µs", fault.spent_us);
    assert!(fault.reason.starts_with("the call used "), "{}", fault.reason);
}

#[test]
fn a_loop_of_bulk_copies_ends_at_its_deadline_too() {
    let mut operator = load("hostile-guest", &[("mode", "bulk-copy")]).operator();
    let fault = transform(&mut operator, &rows(&["a"])).expect_err("the guest copies");
    assert_eq!(fault.kind, FaultKind::Deadline, "{}", fault.reason);
    assert!(fault.spent_us < 1_000_000, "{} µs", fault.spent_us);
}

#[test]
fn every_call_has_a_deadline() {
    let mut operator = load("hostile-guest", &[("mode", "spin"), ("at", "reduce")]).operator();
    let fault = reduce(&mut operator, &["a"]).expect_err("the guest spins");
    assert_eq!(fault.kind, FaultKind::Deadline, "{}", fault.reason);
    let mut operator = load("hostile-guest", &[("mode", "spin"), ("at", "finish")]).operator();
    let fault = finish(&mut operator, "a").expect_err("the guest spins");
    assert_eq!(fault.kind, FaultKind::Deadline, "{}", fault.reason);
}

#[test]
fn a_deadline_grows_with_the_records() {
    let limits = Limits { call_deadline_ms: 0, call_deadline_record_us: 100_000, ..Limits::default() };
    let mut operator = hostile(limits, "spin").operator();
    let fault = transform(&mut operator, &rows(&["a", "b", "c"])).expect_err("the guest spins");
    assert_eq!(fault.kind, FaultKind::Deadline);
    assert!(fault.spent_us >= 300_000, "{} µs", fault.spent_us);
}

/// Loads a component whose core module has these fields, all of whose functions are called `f`.
fn start(limits: Limits, fields: &str) -> LoadError {
    let text = format!(
        r#"(component
             (core module $m {fields} (func (export "f")))
             (core instance $i (instantiate $m))
             (func $f (canon lift (core func $i "f")))
             (instance $module (export "configure" (func $f)) (export "describe" (func $f)))
             (instance $reducer (export "reduce" (func $f)))
             (export "host:operator/module@0.1.0" (instance $module))
             (export "host:operator/reducer@0.1.0" (instance $reducer)))"#
    );
    let engine = Engine::new(limits).expect("the settings fit every machine");
    let bytes = wat::parse_str(text).expect("the text is a component");
    Module::load(&engine, "m", &bytes, &[], &Grants::default())
        .expect_err("its functions have not the types of an operator")
}

#[test]
fn a_start_has_a_deadline_of_its_own() {
    let limits = Limits { start_deadline_ms: 20, ..Limits::default() };
    let error = start(limits, "(func $spin (loop $again (br $again))) (start $spin)");
    assert!(matches!(error, LoadError::Start { kind: "deadline", .. }), "{error}");
}

#[test]
fn a_start_has_the_bounds_of_memory() {
    for fields in ["(memory 1025)", "(table 65537 funcref)"] {
        let error = start(Limits::default(), fields);
        assert!(matches!(error, LoadError::Start { kind: "memory", .. }), "{fields}: {error}");
    }
    let error = start(Limits::default(), "(memory 1024) (table 65536 funcref)");
    assert!(matches!(error, LoadError::WrongInterface { interface: "module", .. }), "{error}");
}

#[test]
fn recursion_ends_with_the_stack() {
    let error = start(Limits::default(), "(func $down (call $down)) (start $down)");
    assert!(
        matches!(&error, LoadError::Start { kind: "trap", reason } if reason.contains("call stack exhausted"))
    );
}

#[test]
fn more_memory_than_allowed_is_a_fault() {
    let mut operator = load("hostile-guest", &[("mode", "grow-memory")]).operator();
    let fault = transform(&mut operator, &rows(&["a"])).expect_err("the guest grows");
    assert_eq!(fault.kind, FaultKind::Memory, "{}", fault.reason);
    assert!(fault.reason.contains("67108864 are allowed"), "{}", fault.reason);
}

#[test]
fn an_answer_larger_than_allowed_is_a_fault() {
    let mut operator = load("hostile-guest", &[("mode", "big-output")]).operator();
    let fault = transform(&mut operator, &rows(&["a"])).expect_err("the guest answers 32 MiB");
    assert_eq!(fault.kind, FaultKind::Output, "{}", fault.reason);
    let mut operator = load("hostile-guest", &[("mode", "big-output"), ("at", "reduce")]).operator();
    let fault = reduce(&mut operator, &["a"]).expect_err("the guest answers 32 MiB");
    assert_eq!(fault.kind, FaultKind::Output, "{}", fault.reason);
}

/// 64 rows are refused with one text of 1 MiB, which is in the guest's memory once.
#[test]
fn an_answer_is_as_large_as_it_is_for_the_host() {
    let mut operator = load("hostile-guest", &[("mode", "amplified-reasons")]).operator();
    let fault = transform(&mut operator, &rows(&["a"; 64])).expect_err("the guest answers 64 MiB");
    assert_eq!(fault.kind, FaultKind::Output, "{}", fault.reason);
}

#[test]
fn the_bits_of_a_nan_do_not_depend_on_the_machine() {
    let mut operator = load("hostile-guest", &[("mode", "nan")]).operator();
    let answer = transform(&mut operator, &rows(&["a"])).expect("a NaN is no fault");
    assert_eq!(answer.rows.value(0), Some(&0x7ff8_0000_0000_0000_u64.to_be_bytes()[..]));
}

#[test]
fn more_rows_than_allowed_are_a_fault() {
    let mut operator = hostile(Limits { output_records_max: 2, ..Limits::default() }, "ok").operator();
    assert!(transform(&mut operator, &rows(&["a", "b"])).is_ok());
    let fault = transform(&mut operator, &rows(&["a", "b", "c"])).expect_err("three rows are too many");
    assert_eq!(fault.kind, FaultKind::Output);
    assert_eq!(fault.reason, "the answer has 3 rows, more than `output_records_max`");
}

#[test]
fn deep_recursion_is_a_trap() {
    let mut operator = load("hostile-guest", &[("mode", "deep-recursion")]).operator();
    let fault = transform(&mut operator, &rows(&["a"])).expect_err("the guest recurses");
    // Which of its two stacks ends first depends on the guest: the one in its memory, or the engine's.
    assert_eq!(fault.kind, FaultKind::Trap, "{}", fault.reason);
}

#[test]
fn a_file_larger_than_allowed_is_not_compiled() {
    let engine = Engine::new(Limits { module_bytes_max: 10, ..Limits::default() }).expect("the settings fit");
    let error = Module::load(&engine, "sum", &bytes("sum"), &[], &Grants::default())
        .expect_err("it has more than 10 bytes");
    assert!(matches!(error, LoadError::TooLarge { max: 10, .. }), "{error}");
}

/// Where a test's log goes.
#[derive(Clone, Debug, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The guest writes 10,000 lines of 4 KiB.
#[test]
fn a_flood_of_log_lines_is_cut_dropped_and_counted() {
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone()).finish();
    let module = load("hostile-guest", &[("mode", "log-flood")]);
    tracing::subscriber::with_default(subscriber, || {
        let mut operator = module.operator();
        for _ in 0..2 {
            assert!(transform(&mut operator, &rows(&["a"])).is_ok(), "a flood is no fault");
        }
    });
    let dropped = module.log_lines_dropped();
    let text =
        String::from_utf8(lines.0.lock().expect("no test thread panicked").clone()).expect("logs are text");
    let written: Vec<_> = text.lines().filter(|line| line.contains("xxx")).collect();
    assert_eq!(written.len() as u64 + dropped, 20_000);
    assert!((64..1_000).contains(&written.len()), "{} lines were written", written.len());
    assert!(written.iter().all(|line| line.matches('x').count() == 1_024), "lines are cut at 1 KiB");
    assert!(written.iter().all(|line| line.contains("hostile-guest")), "lines name their module");
}
