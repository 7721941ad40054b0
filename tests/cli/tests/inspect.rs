//! `host inspect`: what a file is, needs and says of itself.

use cli_tests::{Sandbox, expect, guest};

const NO_MODULE: i32 = 66;

#[test]
fn a_module_is_shown_with_its_stages_schemas_and_interfaces() {
    let run = Sandbox::new().host(&["inspect", &guest("sum")]).ends_with(0);
    for line in [
        "kind          component",
        "stages        transform, reduce, finish, merge",
        "row-schema    i64-le",
        "state-schema  sum:i128-le",
        "keeps keys    no",
    ] {
        assert!(run.stdout.lines().any(|shown| shown == line), "{line} in\n{}", run.stdout);
    }
    assert!(run.stdout.contains("host:operator/log@0.1.0    the host's log\n"), "{}", run.stdout);
}

#[test]
fn what_wasi_needs_to_be_opened_is_told_flag_by_flag() {
    let run = Sandbox::new().host(&["inspect", &guest("curious-guest")]).ends_with(0);
    let line = |import: &str| run.stdout.lines().find(|line| line.contains(import)).unwrap_or_default();
    assert!(line("wasi:filesystem/preopens").ends_with("no files; --dir HOST::GUEST[::ro] opens it"));
    assert!(line("wasi:sockets/tcp@").ends_with("no network, and nothing opens one"), "{}", run.stdout);
}

#[test]
fn json_has_digest_size_and_grants() {
    let module = guest("curious-guest");
    let run = Sandbox::new().host(&["inspect", "--json", &module]).ends_with(0);
    let json: serde_json::Value = serde_json::from_str(&run.stdout).expect("it is JSON");
    let bytes = std::fs::read(&module).expect("the guest is there").len();
    assert_eq!(json["bytes"], bytes);
    assert_eq!(json["sha256"].as_str().map(str::len), Some(64));
    assert_eq!(json["description"]["transforms"], true);
    let opens: Vec<_> = json["opens_with"].as_array().expect("a list").iter().collect();
    assert_eq!(opens, ["--allow clock", "--allow random", "--dir HOST::GUEST[::ro]", "--env NAME=VALUE"]);
    assert_eq!(json["problem"], serde_json::Value::Null);
}

#[test]
fn a_core_module_is_shown_and_told_what_to_do() {
    let bytes =
        wat::parse_str("(module (import \"env\" \"f\" (func)) (func (export \"run\")))").expect("Wasm");
    let run = Sandbox::new().file("core.wasm", bytes).host(&["inspect", "core.wasm"]).ends_with(NO_MODULE);
    expect("inspect-core", &format!("{}{}", run.stdout, run.stderr));
}

#[test]
fn a_component_that_is_no_operator_is_shown_all_the_same() {
    let run = Sandbox::new().host(&["inspect", &guest("wrong-world")]).ends_with(NO_MODULE);
    assert!(run.stdout.contains("exports       test:wrong-world/greeter@0.1.0\n"), "{}", run.stdout);
    assert!(run.error().contains("is not an operator"), "{}", run.stderr);
}

#[test]
fn an_import_that_is_never_granted_is_marked() {
    let text = "(component (import \"wasi:http/types@0.2.0\" (instance)))";
    let sandbox = Sandbox::new().file("http.wasm", wat::parse_str(text).expect("it is a component"));
    let run = sandbox.host(&["inspect", "http.wasm"]).ends_with(NO_MODULE);
    assert!(
        run.stdout.contains("wasi:http/types@0.2.0  not granted: the module is refused\n"),
        "{}",
        run.stdout
    );
}

#[test]
fn a_file_that_is_no_wasm_is_an_error() {
    let run = Sandbox::new().file("text.wasm", "once").host(&["inspect", "text.wasm"]).ends_with(NO_MODULE);
    assert!(run.error().contains("text.wasm"), "{}", run.stderr);
    assert_eq!(run.stdout, "");
}
