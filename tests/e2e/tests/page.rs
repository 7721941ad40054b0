//! The page in a real browser: it shows what moves, changes the module by its buttons, and asks nobody but the host.

mod axe;

use crate::swap::Swaps;
use anyhow::{Context as _, Result, ensure};
use serde_json::json;
use std::fs;
use std::path::Path;
use std::time::Instant;
use testkit::browser::save_screenshot;
use testkit::host::HostProcess;
use testkit::scenario::SOON;
use testkit::{Admin, Browser, HostCommand, files, scenario, wait_until};
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
/// Is the token asked for?
const QUESTION: &str = "return document.getElementById('token-dialog').open";
const ROLLBACK_IS_SHUT: &str = "return document.getElementById('rollback-button').disabled";
/// The outcome of the change before is not taken for that of the next one.
const FORGET: &str = "document.getElementById('outcome').textContent = ''";
/// Pixels from the top of their section to the buttons.
const BUTTONS: &str = "
    const top = (id) => document.getElementById(id).getBoundingClientRect().top;
    return top('swap-button') - top('modules');";
/// How the outcome of a change is meant.
const TONE: &str = "return document.getElementById('outcome').dataset.tone";
/// Names and figures of the report of a shadow run.
const REPORT: &str = "
    const pairs = [...document.querySelectorAll('#report dl > div')];
    return Object.fromEntries(pairs.map(({ children: [name, figure] }) => [name.textContent, figure.textContent]));";
/// Records of a shadow run, as the page proposes them.
const RECORDS: u64 = 1000;
/// Time rises, and each column of the charts has a figure for each moment; the first has gaps.
const TIMES: &str = "
    return import('/page/charts.js').then(({ timeline: { times, columns } }) => [
      times.every((time, at) => at === 0 || time > times[at - 1]),
      columns.every(({ length }) => length === times.length),
      columns[0].includes(null),
    ]);";
/// A moment that comes again, a long silence, a clock that is set back, a lost connection; and what is left of them much
/// later.
const TIMELINE: &str = "
    return import('/page/timeline.js').then(({ Timeline }) => {
      const timeline = new Timeline();
      const column = timeline.column();
      for (const time of [10, 11, 11, 12, 30, 31, 30.5]) timeline.push(time, [time]);
      timeline.interrupt();
      timeline.push(32, [32]);
      const before = [[...timeline.times], [...column]];
      timeline.push(625, [625]);
      return [...before, timeline.times];
    });";
/// Text of a guest, shown: what has become of it?
const HOSTILE: &str = "
    const text = '<img src=x onerror=alert(1)><b>bold</b>';
    const fault = { at_ms: 1, kind: text, source: text, offsets: [1, 2], reason: text + '\\n' + text, backtrace: text, number: 1 };
    return import('/page/faults.js').then(({ showFaults }) => {
      showFaults({ faults: [fault], totals: {} });
      const list = document.getElementById('faults');
      return [list.querySelectorAll('img, b').length, list.textContent.split(text).length - 1];
    });";

fn wait_until_live(browser: &Browser, host: &mut HostProcess) -> Result<()> {
    wait_until("a live page", SOON, || {
        host.ensure_running()?;
        Ok(browser.text("#connection")? == "live")
    })
}

/// Asks for a change by this button.
fn press(button: &str, browser: &Browser) -> Result<()> {
    browser.run(FORGET)?;
    browser.click(button)
}

/// The same in a tab that has no token yet.
fn press_and_be_asked(button: &str, browser: &Browser) -> Result<()> {
    press(button, browser)?;
    wait_until("the question for the token", SOON, || Ok(browser.run(QUESTION)? == json!(true)))
}

/// Waits until the page says `what` in this tone about the change that was asked for; records flow meanwhile.
fn wait_for(
    (what, tone): (&str, &str),
    browser: &Browser,
    host: &mut HostProcess,
    mut feed: impl FnMut() -> Result<()>,
) -> Result<()> {
    wait_until(what, SOON, || {
        host.ensure_running()?;
        feed()?;
        Ok(browser.text("#outcome")?.contains(what))
    })
    .with_context(|| format!("the page says: {}", browser.text("#outcome").unwrap_or_default()))?;
    let found = browser.run(TONE)?;
    ensure!(found == tone, "\"{what}\" in the tone {found}, not {tone}");
    Ok(())
}

/// Runs a module beside the current one. Gives what the report says of answers: the same, different, failed.
fn shadow(
    module: &str,
    tone: &str,
    browser: &Browser,
    host: &mut HostProcess,
    feed: impl FnMut() -> Result<()>,
) -> Result<[u64; 3]> {
    browser.type_into("#module-file", &files::guest(module).display().to_string())?;
    press("#shadow-button", browser)?;
    wait_for(("The shadow run is over", tone), browser, host, feed)?;
    let report = browser.run(REPORT)?;
    let figure = |name: &str| {
        let digits = report[name].as_str().unwrap_or_default().replace(',', "");
        digits.parse::<u64>().with_context(|| format!("{name}: {report}"))
    };
    ensure!(figure("Records")? >= RECORDS, "{report}");
    Ok([figure("Answers that are the same")?, figure("that differ")?, figure("that failed")?])
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
        let Admin { address, token_file } = host.admin(SOON)?;
        let url = format!("http://{address}/");
        let browser = Browser::start()?;
        browser.size(WIDE.0, WIDE.1)?;
        browser.open(&url)?;
        wait_until_live(&browser, &mut host)?;
        ensure!(browser.text("#operator")? == "sum", "{}", browser.text("#operator")?);

        // A change asks for the token; without one nothing happens, and there is still nothing to go back to.
        browser.type_into("#module-file", &files::guest("marked-sum").display().to_string())?;
        press_and_be_asked("#swap-button", &browser)?;
        browser.click("#token-form button:not(.primary)")?;
        wait_for(("Nothing was changed", "bad"), &browser, &mut host, || swaps.feed())?;
        ensure!(browser.run(ROLLBACK_IS_SHUT)? == json!(true), "the first version can be rolled back");
        press_and_be_asked("#swap-button", &browser)?;
        ensure!(browser.text("#token-file")? == token_file.display().to_string());
        browser.type_into("#token", &fs::read_to_string(&token_file)?)?;
        browser.click("#token-form button.primary")?;
        wait_for(("Version 1 works", "good"), &browser, &mut host, || swaps.feed())?;
        check_marks(&browser, 1)?;

        // What does not fit is refused, with the reason; its row moves no button.
        let buttons = browser.run(BUTTONS)?;
        browser.type_into("#module-file", &files::guest("hash-chain").display().to_string())?;
        press("#swap-button", &browser)?;
        wait_for(("refused at step schema", "bad"), &browser, &mut host, || swaps.feed())?;
        wait_until("a row of what was refused", SOON, || Ok(browser.text("#versions")?.contains("refused")))?;
        ensure!(browser.run(BUTTONS)? == buttons, "the buttons have moved from {buttons} pixels");

        let answers = shadow("marked-sum", "good", &browser, &mut host, || swaps.feed())?;
        ensure!(answers[0] > 0 && answers[1..] == [0, 0], "the same module: {answers:?}");
        let answers = shadow("sum", "warn", &browser, &mut host, || swaps.feed())?;
        ensure!(answers[1] > 0 && answers[2] == 0, "a module without marks: {answers:?}");
        ensure!(browser.text("#report tbody")?.contains("finish"), "{}", browser.text("#report")?);

        press("#rollback-button", &browser)?;
        wait_for(("Version 2 works", "good"), &browser, &mut host, || swaps.feed())?;
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
    // Nobody answers there yet, but it is taken already: whoever asks waits.
    browser.open(&url)?;
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
    check_token(&browser, "of-another-start")?;
    check_token(&browser, token)?;
    let topology = browser.text("#topology table")?;
    ensure!(topology.contains("transform") && !topology.contains("topic:"), "{topology}");

    let is_for_keeps = std::env::var_os("UPDATE_EXPECT").is_some();
    pass(&browser, if is_for_keeps { 45 } else { 0 })?;
    browser.type_into("#module-file", &new.display().to_string())?;
    press("#swap-button", &browser)?;
    wait_for(("Version 1 works", "good"), &browser, &mut host, || Ok(()))?;
    check_marks(&browser, 1)?;
    pass(&browser, if is_for_keeps { 60 } else { 0 })?;
    check_manners(&browser, address)?;
    picture(&browser, is_for_keeps)?;
    check_times(&browser, &mut host)?;
    host.signal(Signal::Interrupt)?;
    wait_until("the page to say that the host is gone", SOON, || {
        Ok(browser.text("#connection")? == "reconnecting")
    })?;
    drop(browser);
    host.wait(SOON)?.succeeded()?;
    Ok(fs::remove_dir_all(folder)?)
}

/// The address of another start, followed in the same tab.
fn check_token(browser: &Browser, token: &str) -> Result<()> {
    browser.run(&format!("location.hash = 'token={token}'"))?;
    wait_until("the token of that address", SOON, || {
        Ok(browser.run("return [sessionStorage.getItem('token'), location.hash]")? == json!([token, ""]))
    })
}

/// The host stands still for a while, as it does on a machine that sleeps.
fn check_times(browser: &Browser, host: &mut HostProcess) -> Result<()> {
    ensure!(
        browser.run(TIMELINE)?
            == json!([
                [10, 11, 12, 21, 30, 30.5, 31.25, 32],
                [10, 11, 12, null, 30, 30.5, null, 32],
                [30, 30.5, 31.25, 32, 328.5, 625],
            ]),
        "{}",
        browser.run(TIMELINE)?
    );
    host.signal(Signal::Stop)?;
    wait_until("a page without news", SOON, || Ok(browser.text("#connection")? == "no news"))?;
    host.signal(Signal::Continue)?;
    wait_until_live(browser, host)?;
    wait_until("a gap in the charts", SOON, || Ok(browser.run(TIMES)? == json!([true, true, true])))
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
