//! What a guest sees of the machine: nothing, until it is granted.

use crate::guests::{bytes, engine, rows, transform};
use host::wasm::{DirGrant, Grants, Module, WasmOperator};
use host_core::operator::{Fault, FaultKind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

fn curious(grants: &Grants) -> WasmOperator {
    Module::load(engine(), "curious", &bytes("curious-guest"), &[], grants).expect("it loads").operator()
}

fn ask(operator: &mut WasmOperator, what: &str) -> Result<String, Fault> {
    let answer = transform(operator, &rows(&[what]))?;
    Ok(String::from_utf8_lossy(answer.rows.value(0).expect("a value")).into_owned())
}

#[track_caller]
fn check(grants: &Grants, answers: &[(&str, &str)]) {
    let mut operator = curious(grants);
    for (what, expected) in answers {
        assert_eq!(ask(&mut operator, what).as_deref(), Ok(*expected), "{what}");
    }
}

/// A folder of its own, gone with the test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("wasmhost-wasi-{name}-{}", std::process::id()));
        std::fs::create_dir_all(path.join("inside")).expect("the temp folder is writable");
        std::fs::write(path.join("secret"), "outside").expect("written");
        std::fs::write(path.join("inside/file"), "hello").expect("written");
        Self(path)
    }

    fn grant(&self, is_read_only: bool) -> Grants {
        let dir = DirGrant { host: self.0.join("inside"), guest: "/data".into(), is_read_only };
        Grants { dirs: vec![dir], ..Grants::default() }
    }

    fn inside(&self, name: &str) -> PathBuf {
        self.0.join("inside").join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}

#[test]
fn nothing_is_there_by_default() {
    check(
        &Grants::default(),
        &[
            ("arguments", "[]"),
            ("environment", "[]"),
            ("folders", "[]"),
            ("read:/etc/passwd", "bad-descriptor"),
            ("socket", "access-denied"),
            ("print:a line\nand half of one", "printed"),
        ],
    );
}

#[test]
fn the_clock_stands_still_and_random_is_one_sequence() {
    check(&Grants::default(), &[("time", "0"), ("monotonic", "0")]);
    let fresh = || ask(&mut curious(&Grants::default()), "random:16").expect("random bytes");
    let first = fresh();
    assert_ne!(first, format!("{:?}", [0; 16]));
    assert_eq!(first, fresh());
}

#[test]
fn clock_and_random_can_be_granted() {
    let mut operator = curious(&Grants { clock: true, random: true, ..Grants::default() });
    let seconds: u64 = ask(&mut operator, "time").expect("the time").parse().expect("a number");
    assert!(seconds > 1_700_000_000, "{seconds}");
    let mut random = || ask(&mut operator, "random:16").expect("random bytes");
    assert_ne!(random(), random());
}

#[test]
fn no_guest_sleeps() {
    let began = Instant::now();
    check(&Grants { clock: true, ..Grants::default() }, &[("sleep:3600000000000", "awake")]);
    check(&Grants::default(), &[("sleep:18446744073709551615", "awake")]);
    assert!(began.elapsed() < Duration::from_mins(1));
}

#[test]
fn variables_can_be_granted() {
    let grants = Grants { env: vec![("RATE".into(), "3".into())], ..Grants::default() };
    check(&grants, &[("environment", r#"[("RATE", "3")]"#)]);
}

#[test]
fn a_granted_folder_is_all_that_is_seen_of_the_disk() {
    let folder = Folder::new("all");
    std::os::unix::fs::symlink("../secret", folder.inside("link")).expect("linked");
    std::os::unix::fs::symlink("/etc/passwd", folder.inside("absolute")).expect("linked");
    check(
        &folder.grant(false),
        &[
            ("folders", r#"["/data"]"#),
            ("read:file", "hello"),
            ("read:../secret", "not-permitted"),
            ("read:/etc/passwd", "not-permitted"),
            ("read:link", "not-permitted"),
            ("read:absolute", "not-permitted"),
            ("write:new", "written"),
        ],
    );
    assert_eq!(std::fs::read(folder.inside("new")).expect("it was written"), b"written by the guest");
}

#[test]
fn a_read_only_folder_stays_as_it_is() {
    let folder = Folder::new("ro");
    check(&folder.grant(true), &[("read:file", "hello"), ("write:new", "not-permitted")]);
    assert!(!folder.inside("new").exists());
}

#[test]
fn what_a_guest_takes_of_the_host_is_bounded() {
    let mut operator = curious(&Grants::default());
    for (what, kind) in
        [("hoard:100000", FaultKind::Trap), ("random:100000000", FaultKind::Trap), ("exit", FaultKind::Trap)]
    {
        let fault = ask(&mut operator, what).expect_err("it is a fault");
        assert_eq!(fault.kind, kind, "{what}: {}", fault.reason);
        assert_eq!(ask(&mut operator, "time").as_deref(), Ok("0"), "a fresh instance works");
    }
}

#[test]
fn a_folder_that_is_gone_is_an_error_at_the_start() {
    let dir =
        DirGrant { host: Path::new("/no/such/folder").into(), guest: "/data".into(), is_read_only: true };
    let grants = Grants { dirs: vec![dir], ..Grants::default() };
    let error =
        Module::load(engine(), "curious", &bytes("curious-guest"), &[], &grants).expect_err("no folder");
    assert!(error.to_string().contains("/no/such/folder"), "{error}");
}
