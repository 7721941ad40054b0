//! Several processes of one application: by the control topic they run one module, whoever is asked to swap.

use crate::swap::{SWAPPED, Swaps, command_line};
use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use testkit::host::HostProcess;
use testkit::scenario::SOON;
use testkit::{HostCommand, Scenario, embedded, files, http, scenario, wait_until};

/// The shortest: members that were killed are missed after it.
const SESSION: [&str; 2] = ["-X", "session.timeout.ms=10000"];
const ASSIGNED: &str = "\"message\":\"assigned\"";
const OTHER_MODULE: &str = "the application runs another module than the file";

fn member(swaps: &Swaps<'_>) -> HostCommand {
    swaps
        .command
        .clone()
        .args(["--module-topic", "on", "--workers", "1", "--membership", "dynamic"])
        .args(SESSION)
}

fn wait_for(what: &str, host: &mut HostProcess, swaps: &mut Swaps<'_>, times: usize) -> Result<()> {
    wait_until(what, SOON, || {
        host.ensure_running()?;
        swaps.feed()?;
        Ok(host.log().matches(what).count() >= times)
    })
}

fn swap(s: &Scenario, guest: &str, expected: &str) -> Result<()> {
    let file = files::guest(guest).display().to_string();
    let (done, text) = command_line(s, &["swap", "sum", &file])?;
    ensure!(done && text.contains(expected), "{text}");
    Ok(())
}

#[test]
fn all_processes_swap_together_and_late_ones_take_the_current_module() {
    scenario("fleet-swap", |s| {
        let mut swaps = Swaps::new(s)?;
        let mut first = member(&swaps).start()?;
        swaps.wait_for_results(&mut first)?;
        let mut second = member(&swaps).start()?;
        wait_for(ASSIGNED, &mut second, &mut swaps, 1)?;
        swap(s, "marked-sum", "version 2 works")?;
        wait_for(SWAPPED, &mut first, &mut swaps, 1)?;
        wait_for(SWAPPED, &mut second, &mut swaps, 1)?;
        // Its file is still the first module.
        let mut third = member(&swaps).start()?;
        wait_for(OTHER_MODULE, &mut third, &mut swaps, 1)?;
        wait_for(ASSIGNED, &mut third, &mut swaps, 1)?;
        let (done, text) = command_line(s, &["rollback", "sum"])?;
        ensure!(done && text.contains("version 3 works"), "{text}");
        for (host, times) in [(&mut first, 2), (&mut second, 2), (&mut third, 1)] {
            wait_for(SWAPPED, host, &mut swaps, times)?;
        }
        for host in [first, second, third] {
            host.drain(SOON)?;
        }
        // Also without the flag, as the topic is there.
        let ended = swaps.command.clone().arg("--until-end").complete(SOON)?;
        ensure!(!ended.stderr.contains(OTHER_MODULE), "version 3 is the file's");
        swaps.check()
    });
}

#[test]
fn swaps_while_partitions_move_and_processes_die_mix_nothing() {
    scenario("fleet-moves", |s| {
        let mut swaps = Swaps::new(s)?;
        let mut stays = member(&swaps).start()?;
        swaps.wait_for_results(&mut stays)?;
        for (round, guest) in ["marked-sum", "sum", "marked-sum", "sum"].into_iter().enumerate() {
            let mut comes = member(&swaps).start()?;
            // Half of them are asked for in the middle of the rebalance.
            if round % 2 == 0 {
                wait_for(ASSIGNED, &mut comes, &mut swaps, 1)?;
            }
            swap(s, guest, &format!("version {} works", round + 2))?;
            swaps.feed()?;
            if round < 2 { comes.kill()? } else { drop(comes.drain(SOON)?) }
        }
        wait_for(SWAPPED, &mut stays, &mut swaps, 4)?;
        stays.drain(SOON)?;
        member(&swaps).arg("--until-end").complete(SOON)?;
        swaps.check()
    });
}

#[test]
fn a_module_that_is_no_good_gives_way_in_all_processes_and_each_says_why() {
    scenario("fleet-probation", |s| {
        let mut swaps = Swaps::new(s)?;
        // So that one fault would stop the application.
        let command = member(&swaps).setting("on_fault", "fail").args(["--admin", "127.0.0.1:0"]);
        let mut first = command.start()?;
        swaps.wait_for_results(&mut first)?;
        let mut second = command.start()?;
        wait_for(ASSIGNED, &mut second, &mut swaps, 1)?;
        swap(s, "marked-sum", "version 2 works")?;
        for host in [&mut first, &mut second] {
            wait_for(SWAPPED, host, &mut swaps, 1)?;
        }
        swaps.feed_poison()?;
        for host in [&mut first, &mut second] {
            wait_for(SWAPPED, host, &mut swaps, 2)?;
        }
        let reasons = [why_it_fell_back(&mut first)?, why_it_fell_back(&mut second)?];
        ensure!(reasons[0].contains("trap") && reasons[0] == reasons[1], "{reasons:?}");
        for host in [first, second] {
            host.drain(SOON)?;
        }
        member(&swaps).arg("--until-end").complete(SOON)?;
        // The one that gave way may have had no result before.
        swaps.check_sums()
    });
}

/// The reason that this process gives, which must be the same wherever it gives one.
fn why_it_fell_back(host: &mut HostProcess) -> Result<String> {
    let address = host.admin(SOON)?.address;
    let ask = |path| -> Result<Value> { Ok(serde_json::from_str(&http::get(&address, path, SOON)?)?) };
    let mut last = Value::Null;
    wait_until("a swap that says that it fell back", SOON, || {
        let snapshot = ask("/api/v1/snapshot")?;
        last = snapshot["swaps"].as_array().and_then(|swaps| swaps.last().cloned()).unwrap_or_default();
        Ok(last["kind"] == "fell-back")
    })?;
    let versions = ask("/api/v1/modules")?;
    let states: Vec<_> =
        versions.as_array().context("versions")?.iter().map(|found| &found["state"]).collect();
    ensure!(states == ["current", "refused", "previous", "past"], "{versions}");
    ensure!(versions[1]["reason"] == last["reason"], "{versions} and {last}");
    Ok(last["reason"].as_str().context("a reason")?.to_owned())
}

#[test]
fn a_native_operator_has_no_control_topic() {
    embedded("fleet-native", |s| {
        s.kafka.create_topic(&s.input(), 1)?;
        let ended = s.host("native:sum").args(["--module-topic", "on", "--until-end"]).start()?.wait(SOON)?;
        let ended = ended.with_code(78)?;
        ensure!(ended.stderr.contains("is no file that the control topic"), "{}", ended.stderr);
        Ok(())
    });
}
