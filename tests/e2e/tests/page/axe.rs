//! axe-core, which finds what people who hear or type a page cannot use; from npm's registry, in the cache folder.

use anyhow::{Context as _, Result, ensure};
use std::fs;
use std::process::{Command, Stdio};
use testkit::Browser;
use xtask::guests::tools;
use xtask::paths;

const PACKAGE: &str = "axe-core@4.14.1";
/// What it complains of, one line each.
const COMPLAINTS: &str = "
    return axe.run(document, { resultTypes: ['violations'] }).then(({ violations }) =>
      violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 120)).join(' | ')}`));";

/// Looks at the page as it stands, all that folds unfolded.
pub(super) fn check(browser: &Browser) -> Result<()> {
    browser.run("for (const details of document.querySelectorAll('details')) details.open = true;")?;
    browser.run(&script()?)?;
    for scheme in ["light", "dark"] {
        browser.prefer(scheme)?;
        let complaints = browser.run(COMPLAINTS)?;
        ensure!(complaints.as_array().is_some_and(Vec::is_empty), "{scheme}: {complaints:#}");
    }
    Ok(())
}

fn script() -> Result<String> {
    let cache = paths::cache()?;
    let folder = cache.join(PACKAGE.replace('@', "-"));
    let script = "node_modules/axe-core/axe.min.js";
    if !folder.join(script).is_file() {
        // Made aside, so that a folder of this name is whole.
        let new = cache.join(format!("new-axe-{}", std::process::id()));
        fs::create_dir_all(&new)?;
        let mut npm = Command::new("npm");
        npm.envs(tools::ensure_installed()?.variables).args(["install", "--silent", "--prefix"]).arg(&new);
        let answer = npm.arg(PACKAGE).stdin(Stdio::null()).output().context("cannot run npm")?;
        let words = String::from_utf8_lossy(&answer.stderr);
        ensure!(answer.status.success(), "npm cannot install {PACKAGE} ({}):\n{words}", answer.status);
        // Another process may have been faster; its folder is as good.
        if fs::rename(&new, &folder).is_err() {
            fs::remove_dir_all(&new)?;
        }
    }
    let path = folder.join(script);
    fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))
}
