//! The example operators: each on its own input, and what it promises beyond that.

mod baskets;
mod chain;
mod clusters;
mod duplicates;
mod example;

use example::{Counted, comes_to_what_is_expected};
use testkit::scenario::SOON;
use testkit::{NewRecord, Rng, embedded, murmur2, scenario};

/// What is compared with, and all that it needs.
const PACKAGES: [&str; 8] = [
    "scikit-learn==1.9.1",
    "efficient-apriori==2.0.6",
    "numpy==2.4.6",
    "scipy==1.17.1",
    "joblib==1.6.0",
    "cloudpickle==3.1.3",
    "threadpoolctl==3.8.0",
    "narwhals==2.29.0",
];

#[test]
fn dedupe_lets_the_first_record_of_an_id_through() {
    comes_to_what_is_expected("dedupe", Counted::AllRows);
}

#[test]
fn fill_missing_fills_from_what_was_before() {
    comes_to_what_is_expected("fill-missing", Counted::AllRows);
}

#[test]
fn validate_lets_good_records_through_and_says_what_is_wrong_with_others() {
    comes_to_what_is_expected("validate", Counted::AllRows);
}

#[test]
fn anomaly_raises_its_alarms() {
    comes_to_what_is_expected("anomaly", Counted::AllRows);
}

#[test]
fn word_count_counts_words() {
    comes_to_what_is_expected("word-count", Counted::LastResults);
}

#[test]
fn stats_describes_the_numbers_of_each_key() {
    comes_to_what_is_expected("stats", Counted::LastResults);
}

#[test]
fn top_k_finds_the_most_frequent_items() {
    comes_to_what_is_expected("top-k", Counted::LastResults);
}

#[test]
fn association_rules_finds_its_rules() {
    comes_to_what_is_expected("association-rules", Counted::LastResults);
}

#[test]
fn k_means_finds_its_centers() {
    comes_to_what_is_expected("k-means", Counted::LastResults);
}

#[test]
fn kills_let_no_id_through_twice_and_lose_none() {
    scenario("operators-kills", duplicates::kill_and_check);
}

#[test]
fn rules_are_those_of_a_batch_computation() {
    embedded("operators-baskets", baskets::compare);
}

#[test]
fn centers_are_nearly_as_good_as_those_of_a_batch_computation() {
    embedded("operators-clusters", clusters::compare);
}

#[test]
fn a_chain_checks_drops_doubles_and_mines() {
    embedded("operators-shop", chain::check);
}

#[test]
fn words_of_all_partitions_are_counted_together() {
    embedded("operators-words", |s| {
        const WORDS: [&str; 5] = ["anna", "ben", "cleo", "dora", "emil"];
        s.kafka.create_topic(&s.input(), 3)?;
        let (mut producer, mut random) = (s.kafka.producer()?, Rng::new(5));
        let mut expected = vec![0_u64; WORDS.len()];
        for _ in 0..3000 {
            let chosen: Vec<usize> = (0..random.below(9)).map(|_| random.below(5) as usize).collect();
            for word in &chosen {
                expected[*word] += 1;
            }
            let text: Vec<&str> = chosen.iter().map(|word| WORDS[*word]).collect();
            let (partition, text) = (random.below(3) as u32, text.join(" "));
            producer.send(
                &s.input(),
                &NewRecord { partition, value: Some(text.as_bytes()), ..NewRecord::default() },
            )?;
        }
        producer.flush()?;
        s.host(testkit::files::guest("word-count")).args(["--until-end", "--workers", "2"]).complete(SOON)?;
        let records = s.read("output")?;
        for (word, count) in WORDS.iter().zip(expected) {
            let mut of_word = records.iter().filter(|record| record.key.as_deref() == Some(word.as_bytes()));
            let last = of_word.next_back().and_then(|record| record.value.clone());
            assert_eq!(last, Some(count.to_string().into_bytes()), "{word}");
            let partition = murmur2::partition_of(word.as_bytes(), 3);
            assert!(records.iter().any(|record| record.partition == partition), "{word}");
        }
        Ok(())
    });
}
