//! Each page that shows commands is followed, from its first to its last.

use docs_tests::page::{Kind, blocks};
use docs_tests::session::{Kafka, follow};
use docs_tests::settings;
use std::collections::BTreeSet;
use std::fs;
use xtask::paths;

/// A test for each page, and the list of them.
macro_rules! followed {
    ($($test:ident: $path:literal, $kafka:expr;)*) => {
        const FOLLOWED: &[&str] = &[$($path),*];

        $(
            #[test]
            fn $test() {
                follow($path, $kafka);
            }
        )*
    };
}

followed! {
    the_readme_does_what_it_says: "README.md", Kafka::OfThePage;
    exactly_once_is_as_it_says: "docs/exactly-once.md", Kafka::Running;
    who_comes_from_kafka_streams_gets_on: "docs/from-kafka-streams.md", Kafka::Running;
    who_comes_from_spark_gets_on: "docs/from-spark.md", Kafka::Running;
    modules_are_swapped_as_it_says: "docs/modules.md", Kafka::Running;
    operations_go_as_it_says: "docs/operations.md", Kafka::Running;
    rights_are_given_as_it_says: "docs/security.md", Kafka::Running;
    the_tutorial_leads_to_its_end: "docs/tutorial.md", Kafka::OfThePage;
}

#[test]
fn every_page_with_commands_is_followed() {
    let pages = fs::read_dir(paths::root().join("docs")).expect("docs is a folder");
    let pages = pages.flatten().filter(|page| page.path().extension().is_some_and(|kind| kind == "md"));
    let names = pages.map(|page| format!("docs/{}", page.file_name().to_string_lossy()));
    let pages = names.chain(["README.md".to_owned()]);
    let mut with_commands = BTreeSet::new();
    for path in pages {
        let text = fs::read_to_string(paths::root().join(&path)).expect("it was listed");
        let blocks = blocks(&text).unwrap_or_else(|error| panic!("{path}: {error:#}"));
        if blocks.iter().any(|block| block.kind != Kind::Shown) {
            with_commands.insert(path);
        }
    }
    assert_eq!(with_commands, FOLLOWED.iter().map(|path| (*path).to_owned()).collect());
}

/// `UPDATE_EXPECT=1` writes the page.
#[test]
fn the_table_of_settings_is_that_of_the_defaults() {
    let read = |path: &str| fs::read_to_string(paths::root().join(path)).expect("it is a file of ours");
    let (path, page) = ("docs/operations.md", read("docs/operations.md"));
    let made = xtask::blocks::with(&page, "settings", &settings::tables(&read("host/default.toml")))
        .expect("the page has the block");
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(paths::root().join(path), made).expect("the page is writable");
        return;
    }
    assert!(page == made, "{path} has other settings than host/default.toml; UPDATE_EXPECT=1 writes them");
}
