//! The setting `fields`: `temperature: mean, unit: last`.

/// How a field is filled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rule {
    pub(crate) field: String,
    pub(crate) fill: Fill,
}

/// With what a field is filled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fill {
    /// The last value, of any type.
    Last,
    /// The mean of all numbers so far.
    Mean,
}

/// All rules of the setting.
///
/// # Errors
/// A text for the start that says which rule is wrong.
pub(crate) fn parse(text: &str) -> Result<Vec<Rule>, String> {
    let rules = text.split([',', '\n']).map(str::trim).filter(|rule| !rule.is_empty()).map(|rule| {
        let (field, fill) = match rule.split_once(':') {
            Some((field, fill)) => (field.trim(), fill.trim()),
            None => (rule, ""),
        };
        let fill = match fill {
            "last" => Fill::Last,
            "mean" => Fill::Mean,
            _ => return Err(format!("setting `fields` has `{rule}`; a rule is FIELD: last or FIELD: mean")),
        };
        Ok(Rule { field: field.to_owned(), fill })
    });
    let rules: Vec<Rule> = rules.collect::<Result<_, _>>()?;
    if rules.is_empty() {
        return Err("setting `fields` is empty; a rule is FIELD: last or FIELD: mean".into());
    }
    Ok(rules)
}
