//! The operator natively.
#![allow(clippy::unwrap_used, reason = "tests")]

use guest_sdk::testing::{Input, Runner};
use word_count::WordCount;

fn counted(settings: &[(&str, &str)], text: &str) -> Vec<String> {
    let mut runner = Runner::<WordCount>::new(settings).unwrap().batch_records(2).fresh_instances();
    runner.run(&text.lines().map(Input::value).collect::<Vec<_>>()).unwrap();
    let row = |(word, count): (Vec<u8>, Option<Vec<u8>>)| {
        String::from_utf8([&word[..], b" ", &count.unwrap()].concat()).unwrap()
    };
    runner.finish().unwrap().into_iter().map(row).collect()
}

#[test]
fn words_are_runs_of_letters_digits_and_inner_apostrophes() {
    let text = "Don't stop,  don't-stop!\n'quoted' 2026 STRASSE Straße\n\n…";
    assert_eq!(counted(&[], text), ["2026 1", "don't 2", "quoted 1", "stop 2", "strasse 1", "straße 1"]);
}

#[test]
fn case_length_and_stop_words_are_settings() {
    let settings = [("keep_case", "true"), ("length_min", "2"), ("stop_words", "the, and")];
    assert_eq!(
        counted(&settings, "The cat and the dog saw a Cat"),
        ["Cat 1", "The 1", "cat 1", "dog 1", "saw 1"]
    );
}

#[test]
fn what_is_no_text_is_rejected() {
    let mut runner = Runner::<WordCount>::new(&[]).unwrap();
    runner.run(&[Input::value(b"\xff"), Input::default(), Input::value("fine")]).unwrap();
    assert_eq!(runner.rejected().len(), 2);
    assert_eq!(runner.accumulator("fine"), Some(1));
}

#[test]
fn counts_may_be_folded_apart_and_merged() {
    let mut runner = Runner::<WordCount>::new(&[]).unwrap().fresh_instances();
    assert_eq!(runner.check_merge_law(b"a", &[b"", b"", b"", b""]), Ok(()));
}
