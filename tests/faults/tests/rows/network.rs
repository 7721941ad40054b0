//! What networks do.

use crate::row::{Runs, row};
use crate::run::{HEALED, Run};
use fault_proxy::{Action, Rule};
use std::time::Duration;

#[test]
fn f15_slow_broken_and_crumbling_connections_cost_time_only() {
    let runs = Runs { pr: 1, nightly: 20, release: 100 };
    row("F15", "requests late, connections broken before and after, bytes one by one", runs, |case| {
        let (mut run, mut host) = Run::started(case)?;
        let rules = [
            Rule::new(Action::Delay(Duration::from_millis(30))).times(60),
            Rule::new(Action::DisconnectBefore).one_in(20).times(8),
            Rule::new(Action::DisconnectAfter).one_in(20).times(8),
            Rule::new(Action::Trickle).times(100),
        ];
        let mut fired = 0;
        for rule in rules {
            let fault = case.bed.proxy.add(rule.of(&run.place.id));
            run.feed_until("the fault", &mut [&mut host], |_| Ok(fault.fired() >= 8))?;
            run.progress(&mut [&mut host])?;
            fired += fault.fired();
        }
        host.drain(HEALED)?;
        run.finish()?;
        Ok(fired)
    });
}

#[test]
fn f15_a_network_that_swallows_everything_is_waited_out() {
    let runs = Runs { pr: 1, nightly: 20, release: 100 };
    row(
        "F15-swallowed",
        "half open: nothing arrives and nothing breaks, past the requests' timeout",
        runs,
        |case| {
            let (mut run, mut host) = Run::started(case)?;
            let fault = case.bed.proxy.add(Rule::new(Action::Hold).of(&run.place.id));
            // Each connection holds one: the fourth or fifth is made after the first have timed out.
            run.feed_until("timeouts", &mut [&mut host], |_| Ok(fault.fired() >= 8))?;
            let fired = fault.fired();
            drop(fault);
            run.progress(&mut [&mut host])?;
            host.drain(HEALED)?;
            run.finish()?;
            Ok(fired)
        },
    );
}
