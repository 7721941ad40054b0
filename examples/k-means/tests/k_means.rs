//! The operator natively.
#![allow(clippy::unwrap_used, reason = "tests")]

use guest_sdk::testing::{Input, RunError, Runner};
use k_means::KMeans;

const SETTINGS: [(&str, &str); 2] = [("k", "2"), ("batch_points", "4")];

fn result(runner: &mut Runner<KMeans>, key: &str) -> String {
    String::from_utf8(runner.finish().unwrap()[key.as_bytes()].clone().unwrap()).unwrap()
}

#[test]
fn a_result_has_the_centers_as_soon_as_a_batch_is_there() {
    let mut runner = Runner::<KMeans>::new(&SETTINGS).unwrap().fresh_instances();
    let points = ["0,0", "10,10", "0,1"].map(|point| Input::new("a", point));
    runner.run(&points).unwrap();
    assert_eq!(result(&mut runner, "a"), "{\"points\":3,\"spread\":0.000000,\"centers\":[]}");
    runner.run(&["[10,11]", "5"].map(|point| Input::new("a", point))).unwrap();
    let text = result(&mut runner, "a");
    assert!(text.starts_with("{\"points\":4,\"spread\":0.250000,\"centers\":["), "{text}");
    for center in ["{\"at\":[0.000000,0.500000],\"points\":2}", "{\"at\":[10.000000,10.500000],\"points\":2}"]
    {
        assert!(text.contains(center), "{text}");
    }
    assert_eq!(runner.rejected()[0].reason, "the point has 1 numbers where 2 are expected");
}

#[test]
fn a_model_of_other_dimensions_refuses_points() {
    let mut before = Runner::<KMeans>::new(&SETTINGS).unwrap();
    before.run(&[Input::value("1,2")]).unwrap();
    let settings = [SETTINGS[0], SETTINGS[1], ("dimensions", "1")];
    let mut runner = Runner::<KMeans>::new(&settings).unwrap().with_state("", &before.state()[&b""[..]]);
    runner.run(&[Input::value("1")]).unwrap();
    assert_eq!(runner.rejected()[0].reason, "the point has 1 numbers, the model of its key 2");
}

#[test]
fn state_does_not_depend_on_the_cut() {
    let inputs: Vec<_> =
        (0..1000_u32).map(|i| Input::value(format!("{},{}", i * i % 83, i * 7 % 31))).collect();
    let state = |batch_records| {
        let runner = Runner::<KMeans>::new(&[("k", "5"), ("batch_points", "64")]).unwrap();
        let mut runner = runner.batch_records(batch_records).fresh_instances();
        runner.run(&inputs).unwrap();
        runner.state().clone()
    };
    assert_eq!(state(1), state(5000));
    assert_eq!(state(33), state(5000));
}

#[test]
fn wrong_settings_stop_the_start() {
    let refused =
        |settings: &[(&str, &str)]| matches!(Runner::<KMeans>::new(settings), Err(RunError::Configure(_)));
    assert!(refused(&[("k", "0")]) && refused(&[("dimensions", "0")]) && refused(&[("k", "600")]));
    assert!(refused(&[("dimensions", "1000")]) && refused(&[("seed", "x")]));
}
