//! `host new`, `host build`, `host test`: green without reading anything, in every language.

use cli_tests::{Sandbox, expect};

const DISTURBED: [&str; 6] = ["test", "--repeat-with-cuts", "--crashes", "2", "--swaps", "1"];

/// Makes, builds and tests a project of a language and a template, outside any repository.
fn is_green(language: &str, template: &str) {
    let sandbox = Sandbox::new().with_compilers();
    let name = format!("{language}-{template}");
    let made = sandbox.host(&["new", &name, "--lang", language, "--template", template]).ends_with(0);
    assert!(made.stdout.contains("the SDK is in sdk/"), "{}", made.stdout);
    let built = sandbox.host_in(&name, &["build"]).ends_with(0);
    assert!(built.stdout.contains(&format!("{name}.wasm: ")), "{}", built.stdout);
    let tested = sandbox.host_in(&name, &DISTURBED).ends_with(0);
    assert!(tested.stderr.contains("rows as expected"), "{}", tested.stderr);
    assert!(tested.stderr.contains("20 runs ("), "{}", tested.stderr);
    let inspected = sandbox.host_in(&name, &["inspect"]).ends_with(0);
    assert!(inspected.stdout.contains(&format!("name          {name}\n")), "{}", inspected.stdout);
}

#[test]
fn a_transform_in_rust_is_green() {
    is_green("rust", "transform");
}

#[test]
fn a_reduce_in_rust_is_green() {
    is_green("rust", "reduce");
}

#[test]
fn a_process_in_rust_is_green() {
    is_green("rust", "process");
}

#[test]
fn a_sum_in_rust_is_green() {
    is_green("rust", "sum");
}

#[test]
fn a_transform_in_c_is_green() {
    is_green("c", "transform");
}

#[test]
fn a_reduce_in_c_is_green() {
    is_green("c", "reduce");
}

#[test]
fn a_process_in_c_is_green() {
    is_green("c", "process");
}

#[test]
fn a_sum_in_c_is_green() {
    is_green("c", "sum");
}

#[test]
fn a_transform_in_go_is_green() {
    is_green("go", "transform");
}

#[test]
fn a_reduce_in_go_is_green() {
    is_green("go", "reduce");
}

#[test]
fn a_process_in_go_is_green() {
    is_green("go", "process");
}

#[test]
fn a_sum_in_go_is_green() {
    is_green("go", "sum");
}

#[test]
fn a_transform_in_javascript_is_green() {
    is_green("javascript", "transform");
}

#[test]
fn a_reduce_in_javascript_is_green() {
    is_green("javascript", "reduce");
}

#[test]
fn a_process_in_javascript_is_green() {
    is_green("javascript", "process");
}

#[test]
fn a_sum_in_javascript_is_green() {
    is_green("javascript", "sum");
}

#[test]
fn a_transform_in_python_is_green() {
    is_green("python", "transform");
}

#[test]
fn a_reduce_in_python_is_green() {
    is_green("python", "reduce");
}

#[test]
fn a_process_in_python_is_green() {
    is_green("python", "process");
}

#[test]
fn a_sum_in_python_is_green() {
    is_green("python", "sum");
}

#[test]
fn what_a_compiler_says_is_shown_and_the_build_fails() {
    let sandbox = Sandbox::new().with_compilers();
    let _ = sandbox.host(&["new", "broken", "--template", "transform"]).ends_with(0);
    let source = sandbox.folder().join("broken/src/lib.rs");
    let text = std::fs::read_to_string(&source).expect("it was made");
    std::fs::write(&source, text.replace("split_once", "split_twice")).expect("it is writable");
    let run = sandbox.host(&["build", "broken"]).ends_with(1);
    assert!(run.stderr.contains("split_twice"), "{}", run.stderr);
    assert!(run.last_error().contains("does not build; cargo's words are above"), "{}", run.stderr);
}

#[test]
fn a_compiler_that_is_missing_is_told_with_what_to_install() {
    let sandbox = Sandbox::new().variable("PATH", "/nonexistent");
    let _ = sandbox.host(&["new", "mine"]).ends_with(0);
    let run = sandbox.host(&["build", "mine"]).ends_with(1);
    expect("build-no-compiler", run.error());
    for (language, hint) in [
        ("c", "hint: install zig"),
        ("go", "hint: install Go"),
        ("javascript", "hint: install Node.js"),
        ("python", "hint: install Python"),
    ] {
        let _ = sandbox.host(&["new", language, "--lang", language]).ends_with(0);
        let run = sandbox.host(&["build", language]).ends_with(1);
        assert!(run.error().contains(hint), "{}", run.stderr);
    }
}

#[test]
fn a_project_is_not_made_over_another() {
    let sandbox = Sandbox::new();
    let _ = sandbox.host(&["new", "mine"]).ends_with(0);
    let run = sandbox.host(&["new", "mine"]).ends_with(1);
    assert!(run.error().contains("not empty"), "{}", run.stderr);
    expect("new-bad-name", &sandbox.host(&["new", "My Sum"]).ends_with(1).stderr);
}

#[test]
fn an_unknown_language_or_template_names_those_that_there_are() {
    let run = Sandbox::new().host(&["new", "mine", "--lang", "cobol"]).ends_with(2);
    assert!(run.stderr.contains("possible values: rust, go, javascript, python, c"), "{}", run.stderr);
    let run = Sandbox::new().host(&["new", "mine", "--template", "join"]).ends_with(2);
    assert!(run.stderr.contains("possible values: transform, reduce, process, sum"), "{}", run.stderr);
}

#[test]
fn a_folder_without_a_project_is_told() {
    expect("build-no-project", &Sandbox::new().host(&["build"]).ends_with(1).stderr);
}
