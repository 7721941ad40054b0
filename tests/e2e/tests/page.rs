//! The page in a real browser: it shows what moves, changes the module by its buttons, and asks nobody but the host.

mod axe;

use crate::swap::Swaps;
use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;
use testkit::browser::save_screenshot;
use testkit::host::HostProcess;
use testkit::scenario::SOON;
use testkit::{Browser, HostCommand, files, scenario, wait_until};
use xtask::paths;
use xtask::process::Signal;

const WIDE: (u32, u32) = (1280, 1000);
/// Up to the versions of the module.
const PICTURE: (u32, u32) = (1280, 935);
const PHONE: (u32, u32) = (360, 740);
/// Of the picture for people.
const PICTURE_BYTES_MAX: usize = 150_000;
/// Every chart says so to those who do not see its mark.
const ALL_CHARTS_SAY: &str = "return [...document.querySelectorAll('.plot')].map((plot) => plot.ariaLabel)";
/// Nothing is wider than the window.
const OVERFLOW: &str = "return document.documentElement.scrollWidth - document.documentElement.clientWidth";
/// Text of a guest, shown: what has become of it?
const HOSTILE: &str = "
    const text = '<img src=x onerror=alert(1)><b>bold</b>';
    const fault = { at_ms: 1, kind: text, source: text, offsets: [1, 2], reason: text + '\\n' + text, backtrace: text, number: 1 };
    return import('/page/faults.js').then(({ showFaults }) => {
      showFaults({ faults: [fault], totals: {} });
      const list = document.getElementById('faults');
      return [list.querySelectorAll('img, b').length, list.textContent.split(text).length - 1];
    });";

/// Where this host serves its page, and where its token is, once it says so.
fn place(host: &mut HostProcess) -> Result<(String, PathBuf)> {
    let mut line = None;
    wait_until("the admin API", SOON, || {
        host.ensure_running()?;
        let log = host.log();
        line = log.lines().find(|line| line.contains("\"message\":\"admin API\"")).map(str::to_owned);
        Ok(line.is_some())
    })?;
    let line: Value = serde_json::from_str(&line.context("it was found")?)?;
    let field = |name: &str| {
        let found = line.get(name).or_else(|| line["fields"].get(name)).and_then(Value::as_str);
        found.map(str::to_owned).with_context(|| format!("no {name} in {line}"))
    };
    Ok((format!("http://{}/", field("address")?), field("token_file")?.into()))
}

fn wait_until_live(browser: &Browser, host: &mut HostProcess) -> Result<()> {
    wait_until("a live page", SOON, || {
        host.ensure_running()?;
        Ok(browser.text("#connection")? == "live")
    })
}

/// Waits until the page says `what` about the change that was asked for; records flow meanwhile.
fn wait_for(
    what: &str,
    browser: &Browser,
    host: &mut HostProcess,
    mut feed: impl FnMut() -> Result<()>,
) -> Result<()> {
    wait_until(what, SOON, || {
        host.ensure_running()?;
        feed()?;
        Ok(browser.text("#outcome")?.contains(what))
    })
    .with_context(|| format!("the page says: {}", browser.text("#outcome").unwrap_or_default()))
}

/// It has asked this host only, and nothing went wrong in it.
fn check_manners(browser: &Browser, origin: &str) -> Result<()> {
    let requests = browser.requests()?;
    ensure!(requests.iter().any(|url| url.ends_with("/api/v1/events")), "{requests:?}");
    let stranger = requests.iter().find(|url| !url.starts_with(origin) && !url.starts_with("data:"));
    ensure!(stranger.is_none(), "the page asked {stranger:?}");
    let mut console = browser.console()?;
    // A refusal is an answer, of which the browser takes note.
    console.retain(|line| !line.contains("/swap?") || !line.contains(" 409 "));
    ensure!(console.is_empty(), "the page's console: {console:?}");
    Ok(())
}

fn check_sizes(browser: &Browser) -> Result<()> {
    for (width, height) in [PHONE, (320, 740), (800, 600), WIDE] {
        browser.size(width, height)?;
        // What is drawn by a script follows a moment later.
        let what = format!("a page that fits into {width} pixels");
        wait_until(&what, SOON, || Ok(browser.run(OVERFLOW)? == json!(0)))?;
    }
    Ok(())
}

fn check_marks(browser: &Browser, swaps: u32) -> Result<()> {
    let noun = if swaps == 1 { "swap" } else { "swaps" };
    let said = format!(" {swaps} {noun} in this time.");
    wait_until("a mark on every chart", SOON, || {
        let labels = browser.run(ALL_CHARTS_SAY)?;
        let labels = labels.as_array().context("labels")?;
        Ok(labels.len() == 6
            && labels.iter().all(|label| label.as_str().is_some_and(|label| label.ends_with(&said))))
    })
}

#[test]
fn the_page_changes_the_module_while_records_flow_and_no_sum_is_lost() {
    scenario("page", |s| {
        let mut swaps = Swaps::new(s)?;
        let mut host = swaps.command.clone().args(["--admin", "127.0.0.1:0"]).start()?;
        swaps.wait_for_results(&mut host)?;
        let (url, token_file) = place(&mut host)?;
        let browser = Browser::start()?;
        browser.size(WIDE.0, WIDE.1)?;
        browser.open(&url)?;
        wait_until_live(&browser, &mut host)?;
        ensure!(browser.text("#operator")? == "sum", "{}", browser.text("#operator")?);

        // A change asks for the token.
        browser.type_into("#module-file", &files::guest("marked-sum").display().to_string())?;
        browser.click("#swap-button")?;
        ensure!(browser.text("#token-file")? == token_file.display().to_string());
        browser.type_into("#token", &fs::read_to_string(&token_file)?)?;
        browser.click("#token-form button.primary")?;
        wait_for("Version 1 works", &browser, &mut host, || swaps.feed())?;
        check_marks(&browser, 1)?;

        // What does not fit is refused, with the reason.
        browser.type_into("#module-file", &files::guest("hash-chain").display().to_string())?;
        browser.click("#swap-button")?;
        wait_for("refused at step schema", &browser, &mut host, || swaps.feed())?;

        browser.type_into("#module-file", &files::guest("marked-sum").display().to_string())?;
        browser.click("#shadow-button")?;
        wait_for("The shadow run is over", &browser, &mut host, || swaps.feed())?;
        ensure!(browser.text("#report")?.contains("Answers that are the same"));

        browser.click("#rollback-button")?;
        wait_for("Version 2 works", &browser, &mut host, || swaps.feed())?;
        wait_until("the table of versions", SOON, || {
            swaps.feed()?;
            let first = browser.text("#versions tr")?;
            Ok(first.starts_with('2') && first.contains("current"))
        })?;
        check_marks(&browser, 2)?;

        ensure!(browser.run(HOSTILE)? == json!([0, 6]), "text of a guest became markup");
        check_sizes(&browser)?;
        axe::check(&browser)?;
        check_manners(&browser, &url)?;
        drop(browser);
        host.drain(SOON)?;
        swaps.command.clone().arg("--until-end").complete(SOON)?;
        swaps.check()
    });
}

#[test]
fn host_dev_prints_an_address_that_shows_moving_figures_and_may_swap() -> Result<()> {
    let folder = paths::target().join("tests").join(format!("page-dev-{}", std::process::id()));
    fs::create_dir_all(&folder)?;
    let (module, new) = (folder.join("sum.wasm"), folder.join("new-sum.wasm"));
    fs::copy(files::guest("sum"), &module)?;
    // Other bytes that do the same: a section that says nothing.
    fs::write(&new, [fs::read(&module)?, [&[0, 5, 4][..], b"more"].concat()].concat())?;
    let browser = Browser::start()?;
    browser.size(WIDE.0, WIDE.1)?;
    let started = Instant::now();
    let mut host = HostCommand::alone(&folder, "dev")
        .args(["--bootstrap-servers", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--module"])
        .arg(&module)
        .start()?;
    let mut url = String::new();
    wait_until("the page's address", SOON, || {
        host.ensure_running()?;
        let output = host.output();
        let found = output.lines().find_map(|line| line.strip_prefix("page     "));
        url = found.unwrap_or_default().to_owned();
        Ok(!url.is_empty())
    })?;
    // The address is told before somebody answers there.
    wait_until("somebody at that address", SOON, || {
        host.ensure_running()?;
        Ok(browser.open(&url).is_ok())
    })?;
    wait_until_live(&browser, &mut host)?;
    let mut totals = Vec::new();
    wait_until("figures that move", SOON, || {
        let now = browser.text("#figures .note")?;
        if !now.starts_with('0') && !now.starts_with('–') && totals.last() != Some(&now) {
            totals.push(now);
        }
        Ok(totals.len() > 1)
    })?;
    show(&format!("host dev to moving figures in the browser: {:.1} s", started.elapsed().as_secs_f64()));
    let (address, token) = url.split_once("#token=").context("a token in the address")?;
    ensure!(browser.run("return location.href")? == json!(address), "the token stays in the address bar");
    ensure!(!token.is_empty());

    let is_for_keeps = std::env::var_os("UPDATE_EXPECT").is_some();
    pass(&browser, if is_for_keeps { 45 } else { 0 })?;
    browser.type_into("#module-file", &new.display().to_string())?;
    browser.click("#swap-button")?;
    wait_for("Version 1 works", &browser, &mut host, || Ok(()))?;
    check_marks(&browser, 1)?;
    pass(&browser, if is_for_keeps { 60 } else { 0 })?;
    check_manners(&browser, address)?;
    picture(&browser, is_for_keeps)?;
    host.signal(Signal::Interrupt)?;
    wait_until("the page to say that the host is gone", SOON, || {
        Ok(browser.text("#connection")? == "reconnecting")
    })?;
    drop(browser);
    host.wait(SOON)?.succeeded()?;
    Ok(fs::remove_dir_all(folder)?)
}

/// Waits until the page has shown so many more snapshots.
fn pass(browser: &Browser, snapshots: usize) -> Result<()> {
    let mut shown = Vec::new();
    wait_until("more snapshots", SOON * 3, || {
        let now = browser.text("#application")?;
        if shown.last() != Some(&now) {
            shown.push(now);
        }
        Ok(shown.len() > snapshots)
    })
}

/// Writes what the page looks like, where it can be looked at; for keeps: where the README shows it.
fn picture(browser: &Browser, is_for_keeps: bool) -> Result<()> {
    let kept = paths::root().join("docs/page.png");
    let path: &Path = &if is_for_keeps { kept } else { paths::target().join("tests/page.png") };
    browser.prefer("light")?;
    browser.size(PICTURE.0, PICTURE.1)?;
    browser.run("document.activeElement.blur(); scrollTo(0, 0)")?;
    let bytes = save_screenshot(browser, path)?;
    ensure!(!is_for_keeps || bytes <= PICTURE_BYTES_MAX, "{} has {bytes} bytes", path.display());
    Ok(())
}

#[expect(clippy::print_stderr, reason = "a figure for a person; no test depends on it")]
fn show(text: &str) {
    eprintln!("{text}");
}
