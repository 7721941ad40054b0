//! Every way in which the hostile guest misbehaves: the call faults with the right kind, the host lives, and
//! the operator's next call runs on a fresh instance.

use host::wasm::{LoadError, WasmOperator};
use host_core::operator::{Fault, FaultKind};

use crate::guests::{cases, finish, load, reduce, rows, transform, try_load};

const VALUES: [&str; 8] = ["a", "b", "c", "d", "e", "f", "g", "h"];

#[derive(Clone, Copy, Debug, PartialEq)]
enum Call {
    Transform,
    Reduce,
    Finish,
}

use Call::{Finish, Reduce, Transform};

impl Call {
    fn name(self) -> &'static str {
        match self {
            Transform => "transform",
            Reduce => "reduce",
            Finish => "finish",
        }
    }

    /// Makes this call with well-formed input.
    fn make(self, operator: &mut WasmOperator) -> Result<(), Fault> {
        match self {
            Transform => transform(operator, &rows(&VALUES)).map(drop),
            Reduce => reduce(operator, &VALUES).map(drop),
            Finish => finish(operator, "a,b").map(drop),
        }
    }
}

/// In `mode`, `call` faults with this kind and a text that has `words`, twice; every other call works before,
/// between and after.
#[track_caller]
fn check(mode: &str, call: Call, kind: FaultKind, words: &str) {
    let mut operator = load("hostile-guest", &[("mode", mode), ("at", call.name())]).operator();
    let others_work = |operator: &mut WasmOperator| {
        for other in [Transform, Reduce, Finish] {
            if other != call {
                assert_eq!(other.make(operator), Ok(()), "{other:?} in mode {mode}");
            }
        }
    };
    others_work(&mut operator);
    for _ in 0..2 {
        let fault = call.make(&mut operator).expect_err("the guest misbehaves");
        assert_eq!(fault.kind, kind, "{mode}: {}", fault.reason);
        assert!(fault.reason.contains(words), "{mode}: {}", fault.reason);
        others_work(&mut operator);
    }
}

#[track_caller]
fn check_answer(mode: &str, call: Call, words: &str) {
    check(mode, call, FaultKind::BadAnswer, words);
}

#[test]
fn the_guest_can_behave() {
    let mut operator = load("hostile-guest", &[]).operator();
    for call in [Transform, Reduce, Finish, Transform] {
        assert_eq!(call.make(&mut operator), Ok(()));
    }
}

#[test]
fn malformed_offsets_are_faults() {
    check_answer("offset-past-data", Transform, "`rows.offsets` has 1073741824");
    check_answer("falling-offsets", Transform, "`rows.offsets` falls at entry 2");
    check_answer("odd-offset-count", Transform, "not an odd number");
}

#[test]
fn wrong_counts_are_faults() {
    check_answer("too-few-timestamps", Transform, "`rows.timestamps` has 7 entries, not 8");
    check_answer("null-bits-short", Transform, "`rows.nulls` has 1 entries, not 2");
    check_answer("null-bits-long", Transform, "`rows.nulls` has 3 entries, not 2");
    check_answer("source-count-wrong", Transform, "`source` has 9 entries, not 8");
}

#[test]
fn malformed_sources_and_sinks_are_faults() {
    check_answer("source-out-of-range", Transform, "`source` has 8, where the largest is 7");
    check_answer("source-falling", Transform, "`source` falls at entry 1");
    check_answer("sinks-wrong", Transform, "`sinks` has 7");
}

#[test]
fn malformed_refusals_are_faults() {
    check_answer("bad-row-out-of-range", Transform, "`bad` has 8, where the largest is 7");
    check_answer("bad-row-falling", Transform, "`bad` does not rise");
    check_answer("bad-row-with-output", Transform, "`bad` has row 0, and `source` has it too");
    check_answer("reduce-bad-out-of-range", Reduce, "`bad` has 8, where the largest is 7");
}

#[test]
fn malformed_headers_are_faults() {
    check_answer("header-ends-falling", Transform, "`rows.headers.ends` falls at entry 1");
    check_answer("header-offset-past-data", Transform, "`rows.headers.offsets` has 1073741824");
}

#[test]
fn malformed_accumulators_and_results_are_faults() {
    check_answer("reduce-wrong-count", Reduce, "`accumulators.offsets` has 3 entries, not 2");
    check_answer("reduce-offset-past-data", Reduce, "`accumulators.offsets` has 1073741824");
    check_answer("finish-wrong-count", Finish, "`results.offsets` has 3 entries, not 2");
}

#[test]
fn a_list_past_the_end_of_memory_is_a_fault() {
    check_answer("gigabyte-list-claim", Transform, "bounds");
}

/// `FUZZ_CASES=100000` for more.
#[test]
fn whatever_an_answer_is_the_host_takes_it_or_faults() {
    let mut operator = load("hostile-guest", &[("mode", "spoil-at-random")]).operator();
    let (mut taken, mut refused) = (0, 0);
    for case in 0..cases(2_000) {
        let number = case.to_string();
        match transform(&mut operator, &rows(&[&number, "b", "c", "d", "e"])) {
            Ok(_) => taken += 1,
            Err(fault) => {
                assert_eq!(fault.kind, FaultKind::BadAnswer, "case {case}: {}", fault.reason);
                refused += 1;
            }
        }
    }
    assert!(taken > 20 && refused > 20, "{taken} taken, {refused} refused: one side is untested");
}

#[test]
fn traps_and_panics_are_faults_with_a_backtrace() {
    for call in [Transform, Reduce, Finish] {
        check("trap", call, FaultKind::Trap, "unreachable");
        check("panic", call, FaultKind::Trap, "wasm backtrace");
    }
}

#[test]
fn retry_and_fatal_carry_the_words_of_the_guest() {
    for call in [Transform, Reduce, Finish] {
        check("retry", call, FaultKind::Retry, "hostile: told to retry");
        check("fatal", call, FaultKind::Fatal, "hostile: told to stop");
    }
}

#[test]
fn any_fault_makes_a_fresh_instance() {
    let mut operator = load("hostile-guest", &[("mode", "retry-once")]).operator();
    let kinds: Vec<_> = (0..5).map(|_| Transform.make(&mut operator).err().map(|fault| fault.kind)).collect();
    let retry = Some(FaultKind::Retry);
    assert_eq!(kinds, [None, retry, None, retry, None]);
}

#[test]
fn an_instance_lives_on_while_it_behaves() {
    let mut operator = load("hostile-guest", &[("mode", "trap-on-call:3")]).operator();
    let traps: Vec<_> = (0..6).map(|_| Transform.make(&mut operator).is_err()).collect();
    assert_eq!(traps, [false, false, true, false, false, true]);
}

#[test]
fn a_fault_on_one_value_leaves_batches_without_it_alone() {
    for (mode, kind) in [
        ("trap-on:c", FaultKind::Trap),
        ("spin-on:c", FaultKind::Deadline),
        ("retry-on:c", FaultKind::Retry),
        ("fatal-on:c", FaultKind::Fatal),
    ] {
        let mut operator = load("hostile-guest", &[("mode", mode)]).operator();
        let fault = transform(&mut operator, &rows(&["a", "c"])).expect_err("the value is there");
        assert_eq!(fault.kind, kind, "{mode}: {}", fault.reason);
        assert!(transform(&mut operator, &rows(&["a", "b"])).is_ok(), "{mode}");
    }
}

#[test]
fn refused_rows_are_data() {
    let mut operator = load("hostile-guest", &[("mode", "reject-on:c")]).operator();
    let answer = transform(&mut operator, &rows(&["a", "c", "d"])).expect("a refusal is no fault");
    assert_eq!(answer.source, [0, 2]);
    assert_eq!(answer.bad.iter().map(|bad| bad.row).collect::<Vec<_>>(), [1]);
}

#[test]
fn a_module_that_fails_at_its_start_is_not_loaded() {
    let error = try_load("hostile-guest", &[("mode", "configure-error")]).expect_err("configure says no");
    assert_eq!(error.to_string(), "the module refuses its settings: hostile: configure was told to fail");
    let error = try_load("hostile-guest", &[("mode", "trap-in-describe")]).expect_err("describe traps");
    assert!(matches!(error, LoadError::Start { kind: "trap", .. }), "{error}");
}
