//! Wrong settings are refused before anything else happens; `host config show` tells where settings come from.

use cli_tests::{Run, Sandbox, expect};

const MODULE: [&str; 3] = ["run", "--module", "native:sum"];

fn run(sandbox: &Sandbox, flags: &[&str]) -> Run {
    let run = sandbox.host(&[&MODULE, flags].concat());
    assert_eq!(run.stdout, "", "standard output is data only");
    run
}

#[test]
fn an_unknown_key_is_named_with_its_line_and_the_key_that_was_meant() {
    let sandbox = Sandbox::new().file("host.toml", "# totals\nworkers = 2\ncomit_interval_ms = 100\n");
    expect("unknown-key", &run(&sandbox, &[]).ends_with(78).stderr);
}

#[test]
fn a_key_of_kafka_streams_is_translated() {
    let sandbox = Sandbox::new().file("host.toml", "num.stream.threads = 2\n");
    expect("streams-key", &run(&sandbox, &[]).ends_with(78).stderr);
    expect("streams-property", &run(&Sandbox::new(), &["-X", "application.id=x"]).ends_with(2).stderr);
}

#[test]
fn a_wrong_value_in_a_file_names_file_line_and_what_is_allowed() {
    let sandbox = Sandbox::new().file("mine.toml", "[limits]\nmemory_bytes_max = \"64MB!\"\n");
    expect("bad-file-value", &run(&sandbox, &["--config", "mine.toml"]).ends_with(78).stderr);
}

#[test]
fn bad_toml_names_its_line() {
    let sandbox = Sandbox::new().file("host.toml", "workers = 2\noutput = totals\n");
    let run = run(&sandbox, &[]).ends_with(78);
    assert!(run.error().starts_with("error: host.toml:2: "), "{}", run.stderr);
}

#[test]
fn a_wrong_value_in_the_environment_names_the_variable() {
    let sandbox = Sandbox::new().variable("HOST_WORKERS", "0");
    expect("bad-variable-value", &run(&sandbox, &[]).ends_with(78).stderr);
}

#[test]
fn a_wrong_value_in_a_flag_names_the_flag() {
    expect("bad-flag-value", &run(&Sandbox::new(), &["--batch-interval", "100"]).ends_with(2).stderr);
}

#[test]
fn a_property_needs_a_name_and_a_value() {
    expect("bad-property", &run(&Sandbox::new(), &["-X", "linger.ms"]).ends_with(2).stderr);
}

#[test]
fn topics_that_do_not_go_together_are_refused() {
    let flags = ["--input", "clicks", "--output", "clicks"];
    expect("same-topics", &run(&Sandbox::new(), &flags).ends_with(2).stderr);
}

#[test]
fn a_missing_settings_file_is_an_error() {
    expect("missing-file", &run(&Sandbox::new(), &["--config", "no-such.toml"]).ends_with(78).stderr);
}

#[test]
fn no_module_is_an_error_with_a_hint() {
    expect("no-module", &Sandbox::new().host(&["run"]).ends_with(78).stderr);
}

#[test]
fn settings_are_shown_with_the_layer_that_won() {
    let file = "\
        module = \"native:sum\"\n\
        name = \"totals\"\n\
        workers = 2\n\
        commit_interval_ms = \"1s\"\n\
        state_dir = \"/state\"\n\
        [settings]\n\
        separator = \",\"\n\
        [kafka]\n\
        bootstrap.servers = \"file:9092\"\n\
        security.protocol = \"sasl_ssl\"\n\
        [kafka.consumer]\n\
        fetch.min.bytes = 1\n";
    let sandbox = Sandbox::new()
        .file("host.toml", file)
        .file("kafka.properties", "sasl.username=me\nsasl.password=p4ssw0rd\n")
        .variable("HOST_KAFKA_BOOTSTRAP_SERVERS", "variable:9092")
        .variable("HOST_WORKERS", "3")
        .variable("HOST_SETTINGS_API_TOKEN", "t0ken");
    let flags = ["--workers", "4", "-F", "kafka.properties", "-X", "sasl.username=you", "-i", "a", "-i", "b"];
    let run = sandbox.host(&[&["config", "show"], &flags[..]].concat()).ends_with(0);
    assert_eq!(run.stderr, "");
    assert!(!run.stdout.contains("p4ssw0rd") && !run.stdout.contains("t0ken"), "secrets are hidden");
    expect("config-show", &run.stdout);
}

#[test]
fn a_variable_that_is_no_setting_is_a_warning() {
    let sandbox = Sandbox::new().variable("HOST_COMMIT_INTERVAL", "1s");
    expect("unknown-variable", &sandbox.host(&["config", "show"]).ends_with(0).stderr);
}
