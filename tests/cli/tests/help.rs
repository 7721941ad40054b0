//! What `--help` and `--version` say.

use cli_tests::{Sandbox, expect};

#[test]
fn the_product_and_the_binary_have_their_names() {
    let run = Sandbox::new().host(&["--version"]).ends_with(0);
    assert_eq!((run.stdout.as_str(), run.stderr.as_str()), ("wasmhost 0.1.0 (host)\n", ""));
}

#[test]
fn host_has_help() {
    expect("help", &Sandbox::new().host(&["--help"]).ends_with(0).stdout);
}

#[test]
fn host_run_has_help() {
    expect("help-run", &Sandbox::new().host(&["run", "--help"]).ends_with(0).stdout);
}

#[test]
fn host_dev_has_help() {
    expect("help-dev", &Sandbox::new().host(&["dev", "--help"]).ends_with(0).stdout);
}

#[test]
fn the_embedded_broker_listens_on_this_machine_only() {
    for verb in [&["dev"][..], &["run", "--embedded", "--module", "native:sum"]] {
        let arguments = [verb, &["-b", "192.0.2.1:9092"]].concat();
        let run = Sandbox::new().host(&arguments).ends_with(78);
        assert!(run.stderr.contains("\"192.0.2.1:9092\" is not on this machine"), "{}", run.stderr);
    }
}

#[test]
fn the_other_commands_have_help() {
    for verb in ["new", "build", "test", "inspect", "top"] {
        expect(&format!("help-{verb}"), &Sandbox::new().host(&[verb, "--help"]).ends_with(0).stdout);
    }
}

#[test]
fn no_verb_shows_the_help_and_is_a_usage_error() {
    let run = Sandbox::new().host(&[]).ends_with(2);
    assert_eq!(run.stdout, "");
    assert!(run.stderr.contains("Usage: host <COMMAND>"), "{}", run.stderr);
}

#[test]
fn an_unknown_flag_is_a_usage_error_with_a_hint() {
    let run = Sandbox::new().host(&["run", "--comit-interval", "1s"]).ends_with(2);
    assert!(run.stderr.contains("'--commit-interval'"), "{}", run.stderr);
}
