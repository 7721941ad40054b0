//! The operator natively.
#![allow(clippy::unwrap_used, reason = "tests")]

use association_rules::AssociationRules;
use guest_sdk::testing::{Input, RunError, Runner};

const BASKETS: [&str; 5] = ["bread,milk", "bread,tea,milk", "tea", "[\"milk\",\"bread\"]", "milk"];

fn result(runner: &mut Runner<AssociationRules>, key: &str) -> String {
    String::from_utf8(runner.finish().unwrap()[key.as_bytes()].clone().unwrap()).unwrap()
}

#[test]
fn rules_have_support_confidence_and_lift() {
    let runner = Runner::<AssociationRules>::new(&[("confidence_min", "0.6")]).unwrap();
    let mut runner = runner.batch_records(2).fresh_instances();
    runner.run(&BASKETS.map(Input::value)).unwrap();
    let expected = "{\"baskets\":5,\"missed\":{\"items\":0,\"pairs\":0},\"rules\":[\
        {\"if\":\"bread\",\"then\":\"milk\",\"support\":0.600000,\"confidence\":1.000000,\"lift\":1.250000},\
        {\"if\":\"milk\",\"then\":\"bread\",\"support\":0.600000,\"confidence\":0.750000,\"lift\":1.250000}]}";
    assert_eq!(result(&mut runner, ""), expected);
}

#[test]
fn thresholds_and_keys_part_the_rules() {
    let settings = [("confidence_min", "0"), ("support_min", "0.5"), ("lift_min", "0")];
    let mut runner = Runner::<AssociationRules>::new(&settings).unwrap();
    runner
        .run(&[Input::new("a", "x,y"), Input::new("b", "x"), Input::new("b", "y"), Input::new("b", "x,y,z")])
        .unwrap();
    let results = runner.finish().unwrap();
    let rules = |key: &str| {
        let json: json::Value = json::from_slice(results[key.as_bytes()].as_ref().unwrap()).unwrap();
        json["rules"].as_array().unwrap().len()
    };
    assert_eq!((rules("a"), rules("b")), (2, 0));
}

#[test]
fn state_does_not_depend_on_the_cut_even_when_the_bounds_are_reached() {
    let basket =
        |i: u64| (0..4).map(|n| (i * i * (n + 3) % 211 % 89).to_string()).collect::<Vec<_>>().join(",");
    let inputs: Vec<_> = (0..800).map(|i| Input::value(basket(i))).collect();
    let state = |batch_records| {
        let runner = Runner::<AssociationRules>::new(&[("items_max", "40"), ("pairs_max", "100")]).unwrap();
        let mut runner = runner.batch_records(batch_records).fresh_instances();
        runner.run(&inputs).unwrap();
        runner.state().clone()
    };
    assert_eq!(state(1), state(1000));
    assert_eq!(state(13), state(1000));
}

#[test]
fn wrong_settings_stop_the_start() {
    let refused = |name, value| {
        matches!(Runner::<AssociationRules>::new(&[(name, value)]), Err(RunError::Configure(_)))
    };
    assert!(refused("separator", "") && refused("support_min", "1.1") && refused("confidence_min", "nan"));
    assert!(refused("lift_min", "-1") && refused("items_max", "0") && refused("pairs_max", "40001"));
}
