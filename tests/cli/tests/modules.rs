//! Modules that cannot be loaded end the program before it connects to anything: no broker is needed here.

use cli_tests::{Run, Sandbox, expect, guest};

const NO_MODULE: i32 = 66;

fn run(sandbox: &Sandbox, module: &str) -> Run {
    let run = sandbox.host(&["run", "--module", module, "-b", "127.0.0.1:1"]);
    assert_eq!(run.stdout, "", "standard output is data only");
    run
}

#[test]
fn a_missing_module_is_named() {
    let run = run(&Sandbox::new(), "no-such.wasm").ends_with(NO_MODULE);
    assert!(run.error().contains("no-such.wasm"), "{}", run.stderr);
}

#[test]
fn an_unknown_built_in_operator_is_named() {
    let run = run(&Sandbox::new(), "native:no-such").ends_with(NO_MODULE);
    assert!(run.error().contains("no-such"), "{}", run.stderr);
}

#[test]
fn a_file_that_is_no_wasm_is_refused() {
    let sandbox = Sandbox::new().file("text.wasm", "once upon a time");
    let run = run(&sandbox, "text.wasm").ends_with(NO_MODULE);
    assert!(run.error().contains("text.wasm"), "{}", run.stderr);
}

#[test]
fn a_core_module_is_refused_as_no_component() {
    let sandbox = Sandbox::new().file("core.wasm", b"\0asm\x01\0\0\0");
    let run = run(&sandbox, "core.wasm").ends_with(NO_MODULE);
    assert!(run.error().contains("core.wasm") && run.error().contains("component"), "{}", run.stderr);
}

#[test]
fn a_component_of_another_world_is_refused() {
    let run = run(&Sandbox::new(), &guest("wrong-world")).ends_with(NO_MODULE);
    assert!(run.error().contains("wrong-world.wasm"), "{}", run.stderr);
}

/// Three functions as large as Wasm may have: their compiler is killed after a second.
#[test]
fn a_module_that_is_made_to_be_slow_to_compile_is_given_up() {
    let body = "(local.set 0 (i32.add (local.get 0) (i32.mul (local.get 0) (local.get 1))))".repeat(700_000);
    let functions = format!("(func (local i32 i32) {body})").repeat(3);
    let text = format!("(component (core module {functions}))");
    let bytes = wat::parse_str(text).expect("the text is a component");
    let sandbox = Sandbox::new().file("bomb.wasm", bytes).variable("HOST_LIMITS_COMPILE_TIMEOUT_MS", "1000");
    let run = run(&sandbox, "bomb.wasm").ends_with(NO_MODULE);
    assert!(run.error().contains("the compiler gave nothing"), "{}", run.stderr);
}

#[test]
fn a_file_larger_than_allowed_is_not_even_read_to_its_end() {
    let sandbox = Sandbox::new().file("large.wasm", vec![0_u8; 2 << 20]);
    let sandbox = sandbox.variable("HOST_LIMITS_MODULE_BYTES_MAX", "1MiB");
    let run = run(&sandbox, "large.wasm").ends_with(NO_MODULE);
    assert!(run.error().contains("1048576 are allowed"), "{}", run.stderr);
}

#[test]
fn the_topology_of_a_module_is_printed_without_kafka() {
    let module = guest("sum");
    let topology = |format| {
        let flags = ["topology", "--module", &module, "-b", "127.0.0.1:1", "--format", format];
        Sandbox::new().host(&flags).ends_with(0).stdout
    };
    expect("topology", &topology("ascii"));
    expect("topology-describe", &topology("describe"));
}
