//! A Kafka that is not there is an error, not a hang.

use cli_tests::Sandbox;
use std::time::Duration;

const KAFKA_UNREACHABLE: i32 = 69;

#[test]
fn a_missing_broker_is_a_clear_error_within_ten_seconds() {
    // Nothing listens on port 1.
    let run = Sandbox::new()
        .host(&["run", "--module", "native:sum", "-b", "127.0.0.1:1"])
        .ends_with(KAFKA_UNREACHABLE);
    assert!(run.error().contains("127.0.0.1:1"), "{}", run.stderr);
    assert!(run.error().contains("hint: "), "{}", run.stderr);
    assert!(run.took < Duration::from_secs(10), "it took {:?}", run.took);
    assert_eq!(run.stdout, "");
}
