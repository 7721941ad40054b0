//! A candidate runs beside the current module, and is swapped to when it answers the same.

use crate::swap::{Swaps, command_line};
use anyhow::{Result, ensure};
use std::fs;
use std::thread;
use testkit::host::HostProcess;
use testkit::scenario::SOON;
use testkit::{Scenario, embedded, files, wait_until};

/// Gives a command, and feeds until it ends.
fn fed(
    s: &Scenario,
    swaps: &mut Swaps<'_>,
    host: &mut HostProcess,
    words: &[&str],
) -> Result<(bool, String)> {
    thread::scope(|scope| {
        let command = scope.spawn(|| command_line(s, words));
        wait_until("the command", SOON, || {
            host.ensure_running()?;
            swaps.feed()?;
            Ok(command.is_finished())
        })?;
        command.join().expect("the command's thread does not panic")
    })
}

#[test]
fn a_candidate_that_differs_is_reported_and_not_promoted() {
    embedded("shadow-differs", |s| {
        let mut swaps = Swaps::new(s)?;
        let mut host = swaps.command.start()?;
        swaps.wait_for_results(&mut host)?;
        let marked = files::guest("marked-sum").display().to_string();
        let words = ["swap", "sum", &marked, "--shadow", "2000", "--show-keys", "--promote-if-equal"];
        let (done, text) = fed(s, &mut swaps, &mut host, &words)?;
        ensure!(!done && text.contains("finish of key") && text.contains(" marked\""), "{text}");
        ensure!(text.contains("does not answer as the current module does"), "{text}");
        let hashed = ["swap", "sum", &marked, "--shadow", "500"];
        let (done, text) = fed(s, &mut swaps, &mut host, &hashed)?;
        ensure!(!done && text.contains("sha256") && !text.contains(" marked"), "{text}");
        swaps.feed()?;
        host.drain(SOON)?;
        swaps.command.clone().arg("--until-end").complete(SOON)?;
        ensure!(
            s.read("output")?.iter().all(|record| !record
                .value
                .as_deref()
                .unwrap_or_default()
                .ends_with(b"marked"))
        );
        swaps.check_sums()
    });
}

#[test]
fn a_candidate_that_answers_the_same_is_promoted() {
    embedded("shadow-equal", |s| {
        let mut swaps = Swaps::new(s)?;
        let mut host = swaps.command.start()?;
        swaps.wait_for_results(&mut host)?;
        // The same code under another digest: a custom section of a name and no content.
        let same = s.file("same.wasm")?;
        let mut bytes = fs::read(files::guest("sum"))?;
        bytes.extend([0, 5, 4, b'n', b'o', b't', b'e']);
        fs::write(&same, bytes)?;
        let same = same.display().to_string();
        let words = ["swap", "sum", &same, "--shadow", "2000", "--promote-if-equal"];
        let (done, text) = fed(s, &mut swaps, &mut host, &words)?;
        ensure!(
            done && text.contains(" 0 different, 0 failed") && text.contains("promoted: version 1 works"),
            "{text}"
        );
        swaps.feed()?;
        host.drain(SOON)?;
        swaps.command.clone().arg("--until-end").complete(SOON)?;
        swaps.check_sums()
    });
}

#[test]
fn a_candidate_that_takes_too_long_is_dropped() {
    embedded("shadow-slow", |s| {
        let mut swaps = Swaps::new(s)?;
        let command = swaps.command.clone().setting("limits_shadow_time_ms", "1");
        let mut host = command.start()?;
        swaps.wait_for_results(&mut host)?;
        let marked = files::guest("marked-sum").display().to_string();
        let (done, text) = fed(s, &mut swaps, &mut host, &["swap", "sum", &marked, "--shadow", "1000000"])?;
        ensure!(
            !done && text.contains("the candidate was dropped: it took more than shadow_time_ms"),
            "{text}"
        );
        host.drain(SOON)?;
        Ok(())
    });
}
