//! The setting `fields`: one rule a line (or between semicolons).
//!
//! ```text
//! id: integer, required
//! price: number, 0..10000, required
//! status: text, one of new|paid|sent
//! address.zip: text, 5..5
//! ```

/// What must hold for one field.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Rule {
    /// As it was written: names with dots between them.
    pub(crate) name: String,
    /// The names from the outermost object on; at least one.
    pub(crate) path: Vec<String>,
    pub(crate) kind: Option<Kind>,
    /// Neither missing nor null.
    pub(crate) is_required: bool,
    pub(crate) range: Option<Range>,
    /// Texts, or other values by their JSON. Empty: all.
    pub(crate) allowed: Vec<String>,
}

/// What a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    Integer,
    Number,
    Bool,
    Array,
    Object,
}

/// The names of the kinds.
pub(crate) const KINDS: [(&str, Kind); 6] = [
    ("text", Kind::Text),
    ("integer", Kind::Integer),
    ("number", Kind::Number),
    ("bool", Kind::Bool),
    ("array", Kind::Array),
    ("object", Kind::Object),
];

/// From and to, both included; none: no bound. Of a number itself, of a text its characters, of an array its items.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Range {
    pub(crate) from: Option<f64>,
    pub(crate) to: Option<f64>,
}

/// All rules of the setting.
///
/// # Errors
/// A text for the start that says which rule is wrong.
pub(crate) fn parse(text: &str) -> Result<Vec<Rule>, String> {
    let lines = text.split(['\n', ';']).map(str::trim).filter(|line| !line.is_empty());
    let rules: Vec<Rule> = lines.map(rule).collect::<Result<_, _>>()?;
    if rules.is_empty() {
        return Err("setting `fields` has no rule; one is `name: text, required`".into());
    }
    Ok(rules)
}

fn rule(line: &str) -> Result<Rule, String> {
    let wrong = |what: String| format!("setting `fields`, rule `{line}`: {what}");
    let (name, parts) =
        line.split_once(':').ok_or_else(|| wrong("there is no colon after the name".into()))?;
    let name = name.trim();
    let path: Vec<String> = name.split('.').map(str::to_owned).collect();
    if path.iter().any(String::is_empty) {
        return Err(wrong("the name is empty".into()));
    }
    let mut rule = Rule { name: name.into(), path, ..Rule::default() };
    for part in parts.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        if part == "required" {
            rule.is_required = true;
        } else if let Some((_, kind)) = KINDS.iter().find(|(name, _)| *name == part) {
            rule.kind = Some(*kind);
        } else if let Some(values) = part.strip_prefix("one of ") {
            rule.allowed = values.split('|').map(|value| value.trim().to_owned()).collect();
        } else if let Some(range) = range(part) {
            rule.range = Some(range);
        } else {
            let kinds: Vec<&str> = KINDS.iter().map(|(name, _)| *name).collect();
            let kinds = kinds.join(", ");
            return Err(wrong(format!("`{part}` is none of required, {kinds}, FROM..TO, one of A|B")));
        }
    }
    Ok(rule)
}

fn range(part: &str) -> Option<Range> {
    let (from, to) = part.split_once("..")?;
    let bound = |text: &str| match text.trim() {
        "" => Some(None),
        text => text.parse().ok().filter(|number: &f64| number.is_finite()).map(Some),
    };
    let range = Range { from: bound(from)?, to: bound(to)? };
    let is_empty = matches!(range, Range { from: Some(from), to: Some(to) } if from > to);
    (!is_empty).then_some(range)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_have_parts_in_any_order() {
        let rules = parse("id: required, integer ; a.b: 0..1.5\n\n status: one of new | paid, text\n x:")
            .unwrap_or_default();
        let of = |name: &str| Rule {
            name: name.into(),
            path: name.split('.').map(str::to_owned).collect(),
            ..Rule::default()
        };
        let range = Some(Range { from: Some(0.0), to: Some(1.5) });
        let allowed = vec!["new".to_owned(), "paid".to_owned()];
        let expected = [
            Rule { is_required: true, kind: Some(Kind::Integer), ..of("id") },
            Rule { range, ..of("a.b") },
            Rule { allowed, kind: Some(Kind::Text), ..of("status") },
            of("x"),
        ];
        assert_eq!(rules, expected);
    }

    #[test]
    fn wrong_rules_are_named() {
        for text in ["", ";", "name", ": text", "a..b: text", "a: strin", "a: 2..1", "a: x..2", "a: nan..2"] {
            let error = parse(text).expect_err(text);
            assert!(error.contains("setting `fields`"), "{error}");
        }
    }
}
