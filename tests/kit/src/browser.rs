//! A real Chromium without a window, by `chromedriver`: what a person would see and do, and what the page asked for.

use crate::http;
use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use xtask::process;

/// How long `chromedriver` may take to start, and to do one thing, on a busy machine.
const PATIENCE: Duration = Duration::from_mins(2);
/// Nothing of the browser's own goes to the network. The pipe ends it with its driver.
const FLAGS: [&str; 12] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--no-default-browser-check",
    "--no-first-run",
    "--remote-debugging-pipe",
];
/// The key under which the protocol names an element.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// One window; it is closed when dropped.
#[derive(Debug)]
pub struct Browser {
    driver: Child,
    port: u16,
    session: String,
}

impl Browser {
    /// Opens an empty window.
    ///
    /// # Errors
    /// Chromium or `chromedriver` is missing or does not start.
    pub fn start() -> Result<Self> {
        let mut command = Command::new("chromedriver");
        command.arg("--port=0").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        process::die_with_parent(&mut command);
        let mut driver = command
            .spawn()
            .context("cannot start chromedriver; on Debian: apt-get install chromium-driver (cargo xtask test does it)")?;
        let port = port(&mut driver);
        let mut browser = Self { driver, port: port?, session: String::new() };
        let options = json!({
            "goog:chromeOptions": { "args": FLAGS, "perfLoggingPrefs": { "enableNetwork": true } },
            "goog:loggingPrefs": { "browser": "ALL", "performance": "ALL" },
        });
        let made = browser.call("POST", "", Some(&json!({ "capabilities": { "alwaysMatch": options } })))?;
        browser.session = format!("/{}", made["sessionId"].as_str().context("a session has an id")?);
        Ok(browser)
    }

    /// Goes to an address, and waits until the page is loaded.
    ///
    /// # Errors
    /// There is none.
    pub fn open(&self, url: &str) -> Result<()> {
        self.call("POST", "/url", Some(&json!({ "url": url }))).map(drop)
    }

    /// Runs the body of a function in the page. A promise is waited for.
    ///
    /// # Errors
    /// It throws.
    pub fn run(&self, script: &str) -> Result<Value> {
        self.call("POST", "/execute/sync", Some(&json!({ "script": script, "args": [] })))
            .with_context(|| format!("in the script: {}", script.chars().take(200).collect::<String>()))
    }

    /// The text of the first element that this CSS selector finds.
    ///
    /// # Errors
    /// There is none.
    pub fn text(&self, selector: &str) -> Result<String> {
        let text = self.run(&format!("return document.querySelector({}).textContent", json!(selector)))?;
        Ok(text.as_str().unwrap_or_default().to_owned())
    }

    /// Clicks as a person does: the element must be in sight, and nothing before it.
    ///
    /// # Errors
    /// It is not.
    pub fn click(&self, selector: &str) -> Result<()> {
        self.element(selector, "click", &json!({}))
    }

    /// Types into a field; a file field gets the file at this path.
    ///
    /// # Errors
    /// There is no such field.
    pub fn type_into(&self, selector: &str, text: &str) -> Result<()> {
        self.element(selector, "value", &json!({ "text": text }))
    }

    /// Makes the window as large as a device of this size.
    ///
    /// # Errors
    /// The browser has ended.
    pub fn size(&self, width: u32, height: u32) -> Result<()> {
        let metrics =
            json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500 });
        self.devtools("Emulation.setDeviceMetricsOverride", &metrics)
    }

    /// Prefers light or dark.
    ///
    /// # Errors
    /// The browser has ended.
    pub fn prefer(&self, scheme: &str) -> Result<()> {
        let features = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        self.devtools("Emulation.setEmulatedMedia", &features)
    }

    /// What is seen, as PNG.
    ///
    /// # Errors
    /// The browser has ended.
    pub fn screenshot(&self) -> Result<Vec<u8>> {
        let text = self.call("GET", "/screenshot", None)?;
        from_base64(text.as_str().context("a picture")?)
    }

    /// What the page has written to the console since the last call, also what its policy has forbidden.
    ///
    /// # Errors
    /// The browser has ended.
    pub fn console(&self) -> Result<Vec<String>> {
        let lines = self.log("browser")?;
        Ok(lines.iter().map(|line| line["message"].to_string()).collect())
    }

    /// The addresses that the page has asked for since the last call.
    ///
    /// # Errors
    /// The browser has ended.
    pub fn requests(&self) -> Result<Vec<String>> {
        let mut urls = Vec::new();
        for line in self.log("performance")? {
            let event: Value = serde_json::from_str(line["message"].as_str().unwrap_or_default())?;
            let event = &event["message"];
            if event["method"] == "Network.requestWillBeSent" {
                urls.push(event["params"]["request"]["url"].as_str().unwrap_or_default().to_owned());
            }
        }
        Ok(urls)
    }

    fn log(&self, kind: &str) -> Result<Vec<Value>> {
        let lines = self.call("POST", "/se/log", Some(&json!({ "type": kind })))?;
        lines.as_array().cloned().context("a log has lines")
    }

    fn devtools(&self, command: &str, parameters: &Value) -> Result<()> {
        self.call("POST", "/goog/cdp/execute", Some(&json!({ "cmd": command, "params": parameters })))
            .map(drop)
    }

    fn element(&self, selector: &str, what: &str, body: &Value) -> Result<()> {
        let by = json!({ "using": "css selector", "value": selector });
        let found = self.call("POST", "/element", Some(&by)).with_context(|| selector.to_owned())?;
        let id = found[ELEMENT].as_str().context("an element has an id")?;
        self.call("POST", &format!("/element/{id}/{what}"), Some(body))
            .with_context(|| format!("{what} on {selector}"))
            .map(drop)
    }

    /// One request to `chromedriver`, and the value of its answer.
    fn call(&self, method: &str, path: &str, body: Option<&Value>) -> Result<Value> {
        let body = body.map(Value::to_string).unwrap_or_default();
        let target = format!("/session{}{path}", self.session);
        let answer = http::ask(&format!("127.0.0.1:{}", self.port), method, &target, &body, PATIENCE)?;
        let mut answer: Value = serde_json::from_slice(&answer.body)?;
        let value = answer["value"].take();
        if let Some(error) = value["error"].as_str() {
            bail!("{error}: {}", value["message"].as_str().unwrap_or_default());
        }
        Ok(value)
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // It may have ended; then none of this does anything.
        if !self.session.is_empty() {
            drop(self.call("DELETE", "", None));
        }
        drop(self.driver.kill());
        drop(self.driver.wait());
    }
}

/// The port that it says it listens on.
fn port(driver: &mut Child) -> Result<u16> {
    let output = driver.stdout.take().context("its output is a pipe")?;
    for line in BufReader::new(output).lines() {
        if let Some((_, port)) = line?.split_once("started successfully on port ") {
            return Ok(port.trim_end_matches('.').parse()?);
        }
    }
    bail!("chromedriver ended without a word of its port")
}

fn from_base64(text: &str) -> Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    let (mut bits, mut count) = (0u32, 0);
    for digit in text.bytes().filter(|digit| *digit != b'=') {
        let value = match digit {
            b'A'..=b'Z' => digit - b'A',
            b'a'..=b'z' => digit - b'a' + 26,
            b'0'..=b'9' => digit - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => bail!("no base64: {digit}"),
        };
        (bits, count) = (bits << 6 | u32::from(value), count + 6);
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count) as u8);
        }
    }
    Ok(bytes)
}

/// Writes what is seen to a file.
///
/// # Errors
/// The browser has ended, or the file cannot be written.
pub fn save_screenshot(browser: &Browser, path: &Path) -> Result<usize> {
    let picture = browser.screenshot()?;
    std::fs::write(path, &picture).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(picture.len())
}

#[cfg(test)]
mod tests {
    use super::from_base64;

    #[test]
    fn base64_is_read() {
        for (text, bytes) in [("", ""), ("Zg==", "f"), ("Zm8=", "fo"), ("Zm9vYg==", "foob"), ("Pz8/", "???")]
        {
            assert_eq!(from_base64(text).expect("base64"), bytes.as_bytes(), "{text}");
        }
        assert!(from_base64("a b").is_err());
    }
}
