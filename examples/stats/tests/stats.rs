//! The operator natively.
#![allow(clippy::unwrap_used, reason = "tests")]

use guest_sdk::testing::{Input, RunError, Runner};
use stats::Stats;

fn result(runner: &mut Runner<Stats>, key: &str) -> String {
    String::from_utf8(runner.finish().unwrap()[key.as_bytes()].clone().unwrap()).unwrap()
}

#[test]
fn a_result_is_json_with_six_decimals() {
    let mut runner = Runner::<Stats>::new(&[("quantiles", "0, 0.5, 1")]).unwrap().fresh_instances();
    runner.reduce_inputs(&["2", "4", "4", "4", "5", "5", "7", "9"].map(|n| Input::new("a", n))).unwrap();
    let expected = "{\"count\":8,\"mean\":5.000000,\"variance\":4.571429,\"min\":2.000000,\"max\":9.000000,\
                    \"quantiles\":{\"0\":2.000000,\"0.5\":4.062500,\"1\":9.000000}}";
    assert_eq!(result(&mut runner, "a"), expected);
}

#[test]
fn one_number_has_no_variance() {
    let mut runner = Runner::<Stats>::new(&[("field", "t"), ("quantiles", "")]).unwrap();
    runner.reduce_inputs(&[Input::new("a", "{\"t\":-1.5}"), Input::new("a", "{\"u\":3}")]).unwrap();
    let expected = "{\"count\":1,\"mean\":-1.500000,\"variance\":null,\"min\":-1.500000,\"max\":-1.500000,\"quantiles\":{}}";
    assert_eq!(result(&mut runner, "a"), expected);
    assert_eq!(runner.rejected()[0].reason, "there is no field `t`");
}

#[test]
fn quantiles_are_within_their_bound_and_state_does_not_depend_on_the_cut() {
    // A known order of 1, 2, …, 9973 (a prime), all once.
    let inputs: Vec<_> = (1..9973_u64).map(|i| Input::new("a", (i * 5003 % 9973).to_string())).collect();
    let mut whole = Runner::<Stats>::new(&[("quantiles", "0.01,0.25,0.75,0.999")]).unwrap();
    whole.reduce_inputs(&inputs).unwrap();
    let text = result(&mut whole, "a");
    let json: json::Value = json::from_str(&text).unwrap();
    for quantile in ["0.01", "0.25", "0.75", "0.999"] {
        let found = json["quantiles"][quantile].as_f64().unwrap();
        let exact = (quantile.parse::<f64>().unwrap() * 9971.0).floor() + 1.0;
        assert!((found / exact - 1.0).abs() <= 1.0 / 64.0, "{quantile}: {found}, exactly {exact}");
    }
    assert_eq!(json["mean"].as_f64(), Some(4986.5));
    for batch_records in [1, 77, 1000] {
        let mut cut = Runner::<Stats>::new(&[]).unwrap().batch_records(batch_records).fresh_instances();
        cut.reduce_inputs(&inputs).unwrap();
        assert_eq!(cut.state(), whole.state());
    }
}

#[test]
fn wrong_settings_stop_the_start() {
    for quantiles in ["1.5", "x", "0.5;0.9", "-0.1", "nan", "0.\""] {
        let refused = Runner::<Stats>::new(&[("quantiles", quantiles)]);
        assert!(matches!(refused, Err(RunError::Configure(_))), "{quantiles}");
    }
}
