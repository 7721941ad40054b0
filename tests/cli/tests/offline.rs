//! `host test`: an application on files, without Kafka.

use cli_tests::{Run, Sandbox, expect, guest};

const LINES: &str = "apple,3\npear,10\napple,-1\nno comma\npear,x\nfig,7\n";

fn test(sandbox: &Sandbox, flags: &[&str]) -> Run {
    sandbox.host(&[&["test", "native:sum"], flags].concat())
}

fn shop() -> Sandbox {
    Sandbox::new().file("input.txt", LINES)
}

#[test]
fn without_expectations_the_rows_are_printed_and_failed_records_named_with_their_lines() {
    let run = test(&shop(), &[]).ends_with(0);
    assert_eq!(run.stdout, "apple\t2\npear\t10\nfig\t7\n");
    expect("test-report", &run.stderr);
}

#[test]
fn the_first_row_that_is_not_as_expected_is_told_with_its_records() {
    let sandbox = shop().file("expected.txt", "apple\t3\nfig\t7\npear\t10\n");
    let run = test(&sandbox, &[]).ends_with(1);
    assert_eq!(run.stdout, "");
    expect("test-unexpected", &run.stderr);
}

#[test]
fn expected_files_are_written_on_demand_and_then_fit() {
    let sandbox = shop().file("expected-failed.txt", "");
    let _ = test(&sandbox, &["--update"]).ends_with(0);
    let failed =
        std::fs::read_to_string(sandbox.folder().join("expected-failed.txt")).expect("it was written");
    assert_eq!(
        failed,
        "sum-input-0-3\trejected\tthe line has no comma\n\
         sum-input-0-4\trejected\twhat follows the comma is not a decimal number\n"
    );
    let run = test(&sandbox, &[]).ends_with(0);
    assert!(run.stderr.contains("expected.txt: 3 rows as expected"), "{}", run.stderr);
    assert!(run.stderr.contains("2 failed records as expected"), "{}", run.stderr);
}

#[test]
fn a_record_that_fails_under_the_policy_fail_ends_it_with_its_line() {
    let run = test(&shop(), &["--on-rejected", "fail"]).ends_with(65);
    expect("test-policy-fail", run.error());
}

#[test]
fn json_records_have_keys_values_headers_timestamps_and_partitions() {
    let lines = "{\"key\":\"b\",\"value\":\"x,1\",\"timestamp\":5,\"headers\":{\"h\":null}}\n\
                 {\"value_hex\":\"782c32\",\"timestamp\":9,\"partition\":2}\n";
    let sandbox = Sandbox::new().file("in.jsonl", lines);
    let flags = ["--input", "in.jsonl", "--partitions", "3", "--print=json"];
    let run = test(&sandbox, &flags).ends_with(0);
    assert!(run.stdout.contains("\"key\":\"x\",\"value\":\"3\",\"timestamp\":9}"), "{}", run.stdout);
}

#[test]
fn a_line_of_json_that_is_none_is_named() {
    let sandbox = Sandbox::new().file("in.jsonl", "{\"value\":\"a,1\"}\n{\"valeu\":\"a,1\"}\n");
    expect("test-bad-json", &test(&sandbox, &["--input", "in.jsonl"]).ends_with(65).stderr);
}

#[test]
fn a_partition_that_is_not_there_is_named_with_its_line() {
    let sandbox = Sandbox::new().file("in.jsonl", "{\"value\":\"a,1\",\"partition\":1}\n");
    let run = test(&sandbox, &["--input", "in.jsonl"]).ends_with(65);
    assert!(run.error().starts_with("error: in.jsonl:1: there is no partition 1\nhint: "), "{}", run.stderr);
}

#[test]
fn no_records_is_an_error_that_says_what_to_give() {
    expect("test-no-records", &test(&Sandbox::new(), &[]).ends_with(2).stderr);
}

#[test]
fn a_module_that_keeps_the_laws_comes_to_the_same_however_it_is_disturbed() {
    let module = guest("sum");
    let flags = ["test", &module, "--repeat-with-cuts=30", "--crashes", "3", "--swaps", "2"];
    let more = ["--partitions", "3", "--workers", "2", "--seed", "7"];
    let run = shop().host(&[&flags[..], &more].concat()).ends_with(0);
    assert!(run.stderr.contains("ok   other cuts, kills, swaps: 30 runs ("), "{}", run.stderr);
    assert!(run.stderr.contains("same state, same last results, same failed records"), "{}", run.stderr);
}

#[test]
fn the_same_seed_gives_the_same_report() {
    let report = |seed: &str| {
        let flags = ["--repeat-with-cuts=5", "--crashes", "2", "--json", "--seed", seed];
        test(&shop(), &flags).ends_with(0).stdout
    };
    assert_eq!(report("3"), report("3"));
    let json: serde_json::Value = serde_json::from_str(&report("3")).expect("it is JSON");
    assert_eq!(json["passed"], true);
    assert_eq!(json["failed"][1]["offset"], 4);
    assert_eq!(json["failed"][1]["cause"], "rejected");
}

#[test]
fn another_module_is_swapped_to_and_one_that_does_not_fit_is_refused() {
    let (sum, marked, chain) = (guest("sum"), guest("marked-sum"), guest("hash-chain"));
    let run = shop().host(&["test", &sum, "--swap-with", &marked, "--repeat-with-cuts=5"]).ends_with(0);
    assert!(run.stderr.contains("5 swaps"), "{}", run.stderr);
    let run = shop().host(&["test", &sum, "--swap-with", &chain]).ends_with(66);
    assert!(
        run.error().contains("cannot swap to the module") && run.error().contains("schema"),
        "{}",
        run.stderr
    );
}

#[test]
fn a_transform_s_rows_are_compared_in_their_order() {
    let module = guest("curious-guest");
    let sandbox = Sandbox::new().file("in.txt", "b\na\n");
    let print = sandbox.host(&["test", &module, "--input", "in.txt", "--print"]).ends_with(0).stdout;
    let sandbox = sandbox.file("out.txt", &print);
    let flags = ["test", &module, "--input", "in.txt", "--expected", "out.txt"];
    let _ = sandbox.host(&flags).ends_with(0);
    let turned: Vec<&str> = print.lines().rev().collect();
    let sandbox = sandbox.file("out.txt", format!("{}\n", turned.join("\n")));
    let _ = sandbox.host(&flags).ends_with(1);
}
