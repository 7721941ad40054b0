//! Runs after the plain one, over the same records: read in other batches, with workers killed and modules swapped.

use super::Plan;
use super::compare::{Difference, Judged, difference};
use super::history::{self, Counts, History, Modules, Scenario};
use super::input::{Input, Places};
use super::report::Check;
use host_core::error::Stop;
use host_model::Random;
use std::collections::BTreeSet;

/// What further runs are made of.
pub(super) struct Further<'a> {
    pub(super) plan: &'a Plan,
    pub(super) inputs: &'a [Input],
    pub(super) modules: &'a dyn Modules,
    pub(super) places: &'a Places,
    /// The plain run.
    pub(super) scenario: &'a Scenario,
    pub(super) judged: Judged,
    /// They must come to what the plain run came to.
    pub(super) is_compared: bool,
}

impl Further<'_> {
    /// Runs it again and again, until one run comes to something else.
    pub(super) fn run(&self, plain: &History) -> Option<Check> {
        let Plan { repeats, crashes, swaps, .. } = *self.plan;
        if repeats == 0 {
            return None;
        }
        let parts = [(true, "other cuts"), (crashes > 0, "kills"), (swaps > 0, "swaps")];
        let parts: Vec<_> = parts.iter().filter_map(|(is_there, part)| is_there.then_some(*part)).collect();
        let name = parts.join(", ");
        let mut total = Counts::default();
        for run in 0..u64::from(repeats) {
            let seed = self.plan.seed.wrapping_add(run);
            if let Err(problem) = self.one(seed, plain, &mut total) {
                let again = format!("--seed {seed} --repeat-with-cuts=1 --crashes {crashes} --swaps {swaps}");
                return Some(Check::failed(name, format!("with seed {seed}: {problem}\nagain: {again}")));
            }
        }
        let what = if self.is_compared {
            match self.judged {
                Judged::Rows => "same rows, same failed records",
                Judged::Made => "same state, same rows, same failed records",
                Judged::LastResults => "same state, same last results, same failed records",
            }
        } else {
            "all came to their end"
        };
        let Counts { commits, crashes, swaps, .. } = total;
        let counts = format!("{repeats} runs ({commits} commits, {crashes} kills, {swaps} swaps)");
        Some(Check::passed(name, format!("{counts}: {what}")))
    }

    /// One run. The error says what is wrong with it.
    fn one(&self, seed: u64, plain: &History, total: &mut Counts) -> Result<(), String> {
        let stopped = |stop: Stop| self.places.explain(&stop.message);
        let scenario = self.disturbed(seed).map_err(stopped)?;
        let history = self.history(&scenario).map_err(stopped)?;
        total.crashes += history.counts.crashes;
        total.swaps += history.counts.swaps;
        total.commits += history.counts.commits;
        if self.is_compared
            && let Some(found) = difference(plain, &history, self.judged, self.places)
        {
            return Err(self.first_record(&scenario, found));
        }
        history
            .gave_way
            .map_or(Ok(()), |reason| Err(format!("the module before the swap works again: {reason}")))
    }

    fn history(&self, scenario: &Scenario) -> Result<History, Stop> {
        history::run(scenario, self.inputs, self.modules)
    }

    /// The scenario of a further run. Kills and swaps are spread over what happens without them.
    fn disturbed(&self, seed: u64) -> Result<Scenario, Stop> {
        let calm = Scenario { seed, cuts: true, ..self.scenario.clone() };
        let Plan { crashes, swaps, .. } = *self.plan;
        if crashes + swaps == 0 {
            return Ok(calm);
        }
        let counts = self.history(&calm)?.counts;
        let mut random = Random::new(seed);
        let mut some_of = |count: u32, of: u64| -> BTreeSet<u64> {
            (0..count).map(|_| random.number() % of.max(1)).collect()
        };
        let crashes = some_of(crashes, counts.effects);
        let swaps = some_of(swaps, counts.events);
        Ok(Scenario { crashes, swaps, ..calm })
    }

    /// The difference, with the first record from which on there is one.
    fn first_record(&self, scenario: &Scenario, found: Difference) -> String {
        let differs = |records: usize| {
            let (mut plain, mut other) = (self.scenario.clone(), scenario.clone());
            (plain.records_max, other.records_max) = (records, records);
            let plain = self.history(&plain).ok()?;
            let other = self.history(&other).ok()?;
            difference(&plain, &other, self.judged, self.places)
        };
        let (mut same, mut other) =
            (0, self.inputs.iter().map(|input| input.records.len()).max().unwrap_or(0));
        let mut difference = found;
        while other - same > 1 {
            let middle = same.midpoint(other);
            match differs(middle) {
                Some(found) => (other, difference) = (middle, found),
                None => same = middle,
            }
        }
        let lines = self.inputs.iter().filter_map(|input| {
            let placed = input.records.get(other.checked_sub(1)?)?;
            Some(format!("{}:{}", input.path.display(), placed.line))
        });
        format!("{difference}\nfrom the record at {} on", lines.collect::<Vec<_>>().join(", "))
    }
}
