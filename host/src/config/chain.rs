//! `[[operators]]`: several operators, one after the other. Each is an application of its own, named
//! `<application_id>-<name>`; it reads what the one before it writes. Pure.

use super::file::{File, OperatorTable};
use super::layer::{ConfigError, Entry, Origin, Target};
use super::names;
use super::value::Raw;

/// What each operator has for itself, and so no flag and no variable can set for all of them.
const OWN: [&str; 5] = ["module", "name", "application_id", "inputs", "output"];

/// The names of the operators, in their order.
pub(super) fn names(file: &File) -> Result<Vec<String>, ConfigError> {
    let mut names: Vec<String> = Vec::new();
    for operator in &file.operators {
        let refuse = |message: String| ConfigError::at(&operator.origin, message);
        let Some(name) = text(&operator.entries, "name") else {
            return Err(refuse("an operator has no name".into()).hint("give each a name of its own"));
        };
        if let Some(problem) = names::problem(name) {
            return Err(refuse(format!("the operator's name {name:?} cannot name topics: {problem}")));
        }
        if names.iter().any(|other| other == name) {
            return Err(refuse(format!("two operators have the name {name:?}")));
        }
        names.push(name.to_owned());
    }
    Ok(names)
}

/// The entries of the file for one of its operators, or for all when it has none.
pub(super) fn select(file: File, chosen: Option<&str>) -> Result<Vec<Entry>, ConfigError> {
    let names = names(&file)?;
    let place = match (chosen, names.is_empty()) {
        (None, true) => return Ok(file.entries),
        (Some(name), true) => {
            return Err(ConfigError::at(
                &Origin::Flag("--operator"),
                format!("there is no operator {name:?}"),
            )
            .hint("only a settings file with [[operators]] has operators to choose from"));
        }
        (None, false) => {
            return Err(ConfigError::at(&file.operators[0].origin, "there are several operators here")
                .hint(format!("choose one: --operator {}", names.join(" or --operator "))));
        }
        (Some(name), false) => names.iter().position(|other| other == name).ok_or_else(|| {
            ConfigError::at(&Origin::Flag("--operator"), format!("there is no operator {name:?}"))
                .hint(format!("there are {}", names.join(", ")))
        })?,
    };
    wired(file, &names, place)
}

/// Refuses a flag or a variable that would set the same for all operators.
pub(super) fn check(entry: &Entry) -> Result<(), ConfigError> {
    match &entry.target {
        Target::Own(setting) if OWN.contains(&setting.key) => {
            let message = format!("the operators of the settings file have {} each for itself", setting.key);
            Err(ConfigError::at(&entry.origin, message).hint("set it in the file"))
        }
        _ => Ok(()),
    }
}

/// What is common, under what the operator has for itself, with its place in the chain.
fn wired(file: File, names: &[String], place: usize) -> Result<Vec<Entry>, ConfigError> {
    let File { entries: common, operators, .. } = file;
    let operator = &operators[place];
    let Some(application) = text(&common, "application_id").map(str::to_owned) else {
        return Err(ConfigError::at(&operators[0].origin, "operators need an application_id")
            .hint("set application_id above the first [[operators]]"));
    };
    if let Some(own) = find(&operator.entries, "application_id") {
        return Err(ConfigError::at(&own.origin, "an operator has no application_id of its own")
            .hint("set it once, above the first [[operators]]"));
    }
    let mut made = vec![("application_id", Raw::Text(format!("{application}-{}", names[place])))];
    if find(&operator.entries, "inputs").is_none() {
        let input = match place.checked_sub(1) {
            None => find(&common, "inputs")
                .map_or_else(|| Raw::List(vec![format!("{application}-input")]), |entry| entry.raw.clone()),
            Some(before) => Raw::List(vec![output(&common, &operators, names, before, &application)]),
        };
        made.push(("inputs", input));
    }
    made.push(("output", Raw::Text(output(&common, &operators, names, place, &application))));
    let mut entries: Vec<Entry> =
        common.into_iter().filter(|entry| !is_set(&made, &operator.entries, &entry.target)).collect();
    for (key, raw) in made {
        entries.push(Entry::for_key(key, raw, operator.origin.clone())?);
    }
    let own = operator.entries.iter().filter(|entry| !is_key(&entry.target, "output"));
    entries.extend(own.cloned());
    Ok(entries)
}

/// Where an operator writes: where it says, else the last one where the file says, else a topic of its own.
fn output(
    common: &[Entry],
    operators: &[OperatorTable],
    names: &[String],
    place: usize,
    application: &str,
) -> String {
    if let Some(own) = text(&operators[place].entries, "output") {
        return own.to_owned();
    }
    if place + 1 < operators.len() {
        return format!("{application}-{}-output", names[place]);
    }
    text(common, "output").map_or_else(|| format!("{application}-output"), str::to_owned)
}

fn is_set(made: &[(&str, Raw)], own: &[Entry], target: &Target) -> bool {
    made.iter().any(|(key, _)| is_key(target, key)) || own.iter().any(|entry| entry.target == *target)
}

fn is_key(target: &Target, key: &str) -> bool {
    matches!(target, Target::Own(setting) if setting.key == key)
}

fn find<'a>(entries: &'a [Entry], key: &str) -> Option<&'a Entry> {
    entries.iter().find(|entry| is_key(&entry.target, key))
}

fn text<'a>(entries: &'a [Entry], key: &str) -> Option<&'a str> {
    match &find(entries, key)?.raw {
        Raw::Text(text) => Some(text),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::file;
    use std::path::Path;

    const SHOP: &str = r#"
        application_id = "shop"
        inputs = ["orders"]
        output = "totals"
        workers = 2
        [settings]
        field = "id"
        [[operators]]
        name = "clean"
        module = "clean.wasm"
        [[operators]]
        name = "count"
        module = "count.wasm"
        workers = 1
        settings = { field = "item" }
        [[operators]]
        name = "top"
        module = "top.wasm"
    "#;

    fn chosen(text: &str, name: Option<&str>) -> Result<Vec<(String, String)>, ConfigError> {
        let entries = select(file::parse(text, Path::new("host.toml"))?, name)?;
        let key = |target: &Target| match target {
            Target::Own(setting) => setting.key.to_owned(),
            Target::Guest(name) => format!("settings.{name}"),
            other => format!("{other:?}"),
        };
        let mut pairs: Vec<_> =
            entries.iter().map(|entry| (key(&entry.target), entry.raw.to_string())).collect();
        pairs.sort();
        Ok(pairs)
    }

    fn value(text: &str, name: &str, key: &str) -> String {
        let pairs = chosen(text, Some(name)).expect("good settings");
        let found: Vec<_> = pairs.into_iter().filter(|(found, _)| found == key).collect();
        assert_eq!(found.len(), 1, "{key} of {name}");
        found[0].1.clone()
    }

    #[test]
    fn each_operator_reads_what_the_one_before_it_writes() {
        let of = |name, key| value(SHOP, name, key);
        for (name, input, output) in [
            ("clean", "orders", "shop-clean-output"),
            ("count", "shop-clean-output", "shop-count-output"),
            ("top", "shop-count-output", "totals"),
        ] {
            assert!(of(name, "inputs").contains(&format!("{input:?}")), "{name}: {}", of(name, "inputs"));
            assert!(of(name, "output").contains(output), "{name}: {}", of(name, "output"));
            assert!(of(name, "application_id").contains(&format!("shop-{name}")));
        }
    }

    #[test]
    fn what_an_operator_says_wins_over_what_is_common() {
        assert_eq!(value(SHOP, "clean", "workers"), "2");
        assert_eq!(value(SHOP, "count", "workers"), "1");
        assert!(value(SHOP, "clean", "settings.field").contains("id"));
        assert!(value(SHOP, "count", "settings.field").contains("item"));
    }

    #[test]
    fn an_operator_may_read_and_write_elsewhere() {
        let text = SHOP.replace("workers = 1", "inputs = [\"other\"]\noutput = \"counts\"");
        assert!(value(&text, "count", "inputs").contains("other"));
        assert!(value(&text, "top", "inputs").contains("counts"));
    }

    #[test]
    fn what_makes_no_chain_is_refused_with_what_to_do() {
        let error = |text: &str, name| chosen(text, name).expect_err("no chain");
        let none = error(SHOP, None);
        assert_eq!(none.to_string(), "host.toml:8: there are several operators here");
        assert!(none.hint.expect("a hint").contains("--operator count"));
        let other = error(SHOP, Some("wash"));
        assert_eq!(other.hint.as_deref(), Some("there are clean, count, top"));
        let twice = error(&SHOP.replace("\"top\"", "\"clean\""), Some("clean"));
        assert!(twice.to_string().contains("two operators have the name \"clean\""));
        let nameless = error(&SHOP.replace("name = \"top\"", ""), Some("clean"));
        assert!(nameless.to_string().contains("an operator has no name"));
        let homeless = error(&SHOP.replace("application_id = \"shop\"", ""), Some("clean"));
        assert!(homeless.to_string().contains("operators need an application_id"));
        let lonely = error("workers = 1", Some("clean"));
        assert!(lonely.hint.expect("a hint").contains("[[operators]]"));
    }
}
