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
