//! What is compared.

use crate::hosted;
use std::ffi::OsString;
use std::fmt;

/// One way to run the sum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Case {
    /// The Wasm module, or the native operator.
    pub(super) wasm: bool,
    /// `exactly_once_v2`, or `at_least_once`.
    pub(super) exactly_once: bool,
    /// The default, or `--repartition never`.
    pub(super) repartition: bool,
}

impl Case {
    /// All cases, each Wasm case beside its native one.
    pub(super) fn all() -> Vec<Self> {
        let mut all = Vec::new();
        for repartition in [false, true] {
            for exactly_once in [true, false] {
                for wasm in [true, false] {
                    all.push(Self { wasm, exactly_once, repartition });
                }
            }
        }
        all
    }

    /// The same case with the native operator.
    pub(super) fn native(self) -> Self {
        Self { wasm: false, ..self }
    }

    /// For names of topics and for `--only`.
    pub(super) fn name(self) -> String {
        format!("{}-{}-{}", self.module_word(), self.guarantee_word(), self.path_word())
    }

    /// The arguments of `host run` that make the case.
    pub(super) fn arguments(self) -> Vec<OsString> {
        let guarantee = if self.exactly_once { "exactly_once_v2" } else { "at_least_once" };
        let repartition = if self.repartition { "always" } else { "never" };
        let words = ["--processing-guarantee", guarantee, "--repartition", repartition];
        [OsString::from("--module"), hosted::module(self.wasm)]
            .into_iter()
            .chain(words.map(OsString::from))
            .collect()
    }

    /// Wasm or native.
    pub(super) fn module_word(self) -> &'static str {
        if self.wasm { "wasm" } else { "native" }
    }

    /// Which guarantee.
    pub(super) fn guarantee_word(self) -> &'static str {
        if self.exactly_once { "exactly-once" } else { "at-least-once" }
    }

    /// With or without the repartition topic.
    pub(super) fn path_word(self) -> &'static str {
        if self.repartition { "rekeyed" } else { "keyed" }
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eight_cases_have_eight_names() {
        let mut names: Vec<String> = Case::all().into_iter().map(Case::name).collect();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), 8);
    }
}
