//! What people and programs see of a running host: metrics, the feed, `host top`. The embedded broker is enough.

use crate::python;
use anyhow::{Context as _, Result, ensure};
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use testkit::scenario::SOON;
use testkit::{HostCommand, files, http, wait_until};
use xtask::paths;

/// The parser of Prometheus' own client, a parser of its expressions, and of YAML.
const PACKAGES: [&str; 3] = ["prometheus-client==0.26.0", "promql-parser==0.11.0", "pyyaml==6.0.3"];

/// Events, one a second, within which the figures must have moved.
const EVENTS_MAX: usize = 60;

/// Runs `host dev` with a module, and gives the address of its admin API once results are committed.
fn watched(name: &str, test: impl FnOnce(&str, &Path) -> Result<()>) -> Result<()> {
    let folder = paths::target().join("tests").join(format!("{name}-{}", std::process::id()));
    fs::create_dir_all(&folder)?;
    let mut host = HostCommand::alone(&folder, "dev")
        .args(["--bootstrap-servers", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--rate", "500", "--module"])
        .arg(files::guest("sum"))
        .start()?;
    let address = host.admin(SOON)?.address;
    wait_until("all workers at work, and results", SOON, || {
        host.ensure_running()?;
        let now = snapshot(&address)?;
        let is_ready = now["obstacles"].as_array().is_some_and(Vec::is_empty);
        Ok(is_ready && now["rates"]["records_produced"].as_f64().is_some_and(|rate| rate > 0.0))
    })?;
    test(&address, &folder)?;
    host.drain(SOON)?;
    Ok(fs::remove_dir_all(folder)?)
}

fn snapshot(address: &str) -> Result<serde_json::Value> {
    Ok(serde_json::from_str(&http::get(address, "/api/v1/snapshot", SOON)?)?)
}

/// What stands in the files, and what the judge would not let pass in its place.
const MISTAKES: [(&str, &str); 6] = [
    ("wasmhost_module_faults_total[5m]", "wasmhost_module_faults_total{cause=\"crash\"}[5m]"),
    ("wasmhost_ready == 0", "wasmhost_ready{worker=\"1\"} == 0"),
    ("{{ $labels.topic }}", "{{ $labels.partition }}"),
    ("{{topic}}-{{partition}}", "{{topic}}-{{part}}"),
    ("sum by (cause) (rate(wasmhost_dropped", "sum by (reason) (rate(wasmhost_dropped"),
    ("\"label_values(wasmhost_build_info, instance)", "\"label_values(wasmhost_build_info, process)"),
];

/// What Prometheus' parsers say of the metrics, and of rules and dashboard beside them.
fn judged(address: &str, alerts: &Path, board: &Path) -> Result<serde_json::Value> {
    let url = format!("http://{address}/metrics");
    python::run(&PACKAGES, "metrics.py", &[url.as_ref(), alerts.as_ref(), board.as_ref()])
}

#[test]
fn prometheus_reads_the_metrics_and_no_alert_or_panel_names_one_that_is_not_there() -> Result<()> {
    watched("watching-metrics", |address, folder| {
        let deploy = paths::root().join("deploy");
        let (alerts, board) = (deploy.join("prometheus/alerts.yml"), deploy.join("grafana/dashboard.json"));
        let checked = judged(address, &alerts, &board)?;
        ensure!(
            checked["expressions"].as_u64() > Some(30),
            "so many are looked at: {}",
            checked["expressions"]
        );
        for (right, wrong) in MISTAKES {
            let spoilt = |path: &Path, name: &str| -> Result<PathBuf> {
                let spoilt = folder.join(name);
                fs::write(&spoilt, fs::read_to_string(path)?.replacen(right, wrong, 1))?;
                Ok(spoilt)
            };
            let passed = judged(address, &spoilt(&alerts, "alerts.yml")?, &spoilt(&board, "board.json")?);
            ensure!(passed.is_err(), "nobody sees {wrong}");
        }
        let text = checked["text"].as_str().context("the metrics")?;
        for name in
            ["wasmhost_module_call_duration_seconds_count{", "wasmhost_commit_duration_seconds_count{"]
        {
            let some = text.lines().any(|line| line.starts_with(name) && !line.ends_with(" 0"));
            ensure!(some, "{name} counts:\n{text}");
        }
        Ok(())
    })
}

#[test]
fn the_feed_moves_and_host_top_shows_it() -> Result<()> {
    watched("watching-feed", |address, folder| {
        // The first line that is late ends them.
        let events = http::lines(address, "/api/v1/events", SOON)?.map_while(Result::ok);
        let data = events.filter_map(|line| Some(line.strip_prefix("data: ")?.to_owned()));
        let mut commits = data.take(EVENTS_MAX).filter_map(|data| {
            serde_json::from_str::<serde_json::Value>(&data).ok()?["totals"]["commits"].as_u64()
        });
        let first = commits.next().context("an event at once")?;
        ensure!(commits.any(|later| later > first), "later ones are newer");
        let mut now = snapshot(address)?;
        wait_until("shares of all the time", SOON, || {
            now = snapshot(address)?;
            let shares = now["time"].as_object().context("shares")?.values();
            let all: f64 = shares.filter_map(serde_json::Value::as_f64).sum();
            Ok((all - 1.0).abs() < 0.01)
        })?;
        for (what, value) in [
            ("a p99 of calls", &now["modules"][0]["call_p99_us"]),
            ("a p99 of commits", &now["commit"]["p99_us"]),
            ("the last commits", &now["commit"]["last"][0]["took_us"]),
            ("the last results", &now["outputs"][0]["key"]),
            ("a rate of the topology", &now["topology"]["edges"][0]["records_per_s"]),
        ] {
            ensure!(!value.is_null(), "{what}: {now}");
        }
        let state_dir = folder.join("state/wasmhost");
        let by_name: [&OsStr; 5] = [
            "top".as_ref(),
            "sum".as_ref(),
            "--once".as_ref(),
            "--state-dir".as_ref(),
            state_dir.as_os_str(),
        ];
        let by_address = ["top", "--admin", address, "--once"].map(OsStr::new);
        for words in [&by_name[..], &by_address] {
            let output = testkit::host::host().args(words).output()?;
            let text = String::from_utf8_lossy(&output.stdout);
            ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            let head = text.lines().next().unwrap_or_default();
            ensure!(head.starts_with("sum  sum  ") && head.contains("  wasmhost "), "{text}");
            ensure!(!text.contains('\x1b'), "a file gets no colours: {text}");
            for part in ["records/s", "sum-input-", ". poll", "LAST RESULTS"] {
                ensure!(text.contains(part), "no {part}:\n{text}");
            }
        }
        Ok(())
    })
}

/// Some text is set to another colour or weight.
fn has_colours(frames: &str) -> bool {
    frames
        .split("\u{1b}[")
        .skip(1)
        .any(|rest| rest.trim_start_matches(|c: char| c.is_ascii_digit()).starts_with('m'))
}

#[test]
fn host_top_gives_the_terminal_back_as_it_was() -> Result<()> {
    watched("watching-terminal", |address, _| {
        let host = files::host_binary();
        let seen = python::run(&PACKAGES, "terminal.py", &[host.as_ref(), address.as_ref()])?;
        for (key, is_coloured) in [("q", true), ("Ctrl-C", false)] {
            let run = &seen[key];
            ensure!(run["code"].as_i64() == Some(0), "{key} ends it: {run}");
            for fact in ["took_screen", "took_keys", "gave_back"] {
                ensure!(run[fact].as_bool() == Some(true), "{fact}, {key}: {run}");
            }
            let frames = run["frames"].as_str().context("frames")?;
            ensure!(frames.contains("records/s"), "{frames}");
            ensure!(has_colours(frames) == is_coloured, "with NO_COLOR only behind {key}: {frames:?}");
        }
        Ok(())
    })
}
