//! May one module take over from another while the application runs?

use crate::operator::Description;
use alloc::string::String;

/// Why it may not.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Misfit {
    /// The accumulators of the one mean nothing to the other.
    #[error("its state-schema is \"{next}\", and the accumulators are \"{current}\"")]
    StateSchema {
        /// Of the module that runs.
        current: String,
        /// Of the one that may not.
        next: String,
    },
    /// Rows that wait in the repartition topic mean nothing to the other.
    #[error("its row-schema is \"{next}\", and rows on their way are \"{current}\"")]
    RowSchema {
        /// Of the module that runs.
        current: String,
        /// Of the one that may not.
        next: String,
    },
    /// What was folded before the shuffle could not be merged.
    #[error("it has no `merger`, and accumulators on their way are to be merged")]
    Merger,
    /// It would read and write other topics.
    #[error("it {next}, and the one that runs {current}: that is another topology")]
    Topology {
        /// What the module that runs does.
        current: &'static str,
        /// What the other one does.
        next: &'static str,
    },
}

/// Rows between transform and reduce.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnTheirWay {
    /// There may be some.
    Some,
    /// There are none: no repartition topic, or an empty one.
    None,
}

/// Compares what two modules say of themselves. One that keeps keys may follow one that does not: its rows go
/// through the repartition topic all the same.
///
/// # Errors
/// [`Misfit`]: the first thing that does not fit.
pub fn check(current: &Description, next: &Description, rows: OnTheirWay) -> Result<(), Misfit> {
    let stages = |description: &Description| match (description.transforms, description.reduces) {
        (true, true) if description.processes => "transforms and processes",
        (true, true) => "transforms and reduces",
        (true, false) => "only transforms",
        (false, _) if description.processes => "only processes",
        (false, _) => "only reduces",
    };
    if stages(current) != stages(next) {
        return Err(Misfit::Topology { current: stages(current), next: stages(next) });
    }
    if current.preserves_key && !next.preserves_key && next.transforms && next.reduces {
        return Err(Misfit::Topology { current: "preserves keys", next: "may change keys" });
    }
    if current.state_schema != next.state_schema && next.reduces {
        let (current, next) = (current.state_schema.clone(), next.state_schema.clone());
        return Err(Misfit::StateSchema { current, next });
    }
    if current.merges && !next.merges && rows == OnTheirWay::Some {
        return Err(Misfit::Merger);
    }
    let may_wait = next.transforms && next.reduces && rows == OnTheirWay::Some;
    if current.row_schema != next.row_schema && may_wait {
        let (current, next) = (current.row_schema.clone(), next.row_schema.clone());
        return Err(Misfit::RowSchema { current, next });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sum() -> Description {
        Description {
            name: "sum".into(),
            version: "1".into(),
            preserves_key: false,
            state_schema: "i128".into(),
            row_schema: "i64".into(),
            transforms: true,
            reduces: true,
            processes: false,
            finishes: true,
            merges: true,
        }
    }

    #[test]
    fn name_version_and_finish_may_change() {
        let next = Description { name: "total".into(), version: "2".into(), finishes: false, ..sum() };
        assert_eq!(check(&sum(), &next, OnTheirWay::Some), Ok(()));
    }

    #[test]
    fn schemas_and_stages_may_not_change() {
        let state = Description { state_schema: "f64".into(), ..sum() };
        assert!(matches!(check(&sum(), &state, OnTheirWay::Some), Err(Misfit::StateSchema { .. })));
        let rows = Description { row_schema: "f64".into(), ..sum() };
        assert!(matches!(check(&sum(), &rows, OnTheirWay::Some), Err(Misfit::RowSchema { .. })));
        assert_eq!(check(&sum(), &rows, OnTheirWay::None), Ok(()));
        let stages = Description { reduces: false, ..sum() };
        assert!(matches!(check(&sum(), &stages, OnTheirWay::Some), Err(Misfit::Topology { .. })));
    }

    #[test]
    fn a_merger_may_not_go_while_accumulators_are_on_their_way() {
        let next = Description { merges: false, ..sum() };
        assert_eq!(check(&sum(), &next, OnTheirWay::Some), Err(Misfit::Merger));
        assert_eq!(check(&sum(), &next, OnTheirWay::None), Ok(()));
        assert_eq!(check(&next, &sum(), OnTheirWay::Some), Ok(()));
    }

    #[test]
    fn keys_may_become_preserved_but_not_the_other_way() {
        let keeps = Description { preserves_key: true, ..sum() };
        assert_eq!(check(&sum(), &keeps, OnTheirWay::Some), Ok(()));
        assert!(matches!(check(&keeps, &sum(), OnTheirWay::Some), Err(Misfit::Topology { .. })));
    }
}
