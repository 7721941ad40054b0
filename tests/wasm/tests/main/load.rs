//! What is not a module that can run here, and what the host says about it.

use host::wasm::{Grants, LoadError, Module};
use host_core::operator::Operator;

use crate::guests::{bytes, cases, engine, load, try_load};

#[track_caller]
fn refused(bytes: &[u8]) -> LoadError {
    Module::load(engine(), "m", bytes, &[], &Grants::default()).expect_err("the file is not an operator")
}

#[track_caller]
fn refused_text(text: &str) -> LoadError {
    refused(&wat::parse_str(text).expect("the text is Wasm"))
}

#[test]
fn a_module_says_what_it_is() {
    let module = load("sum", &[]);
    let description = module.description();
    assert_eq!(description.name, "sum");
    assert_eq!(description.state_schema, "sum:i128-le");
    assert_eq!(description.row_schema, "i64-le");
    assert!(
        description.transforms && description.reduces && description.finishes && !description.preserves_key
    );
    assert!(load("sum", &[("preserves_key", "true")]).description().preserves_key);
    let chain = load("hash-chain", &[]);
    assert!(chain.description().reduces && !chain.description().finishes);
    assert_eq!(module.operator().description(), description);
}

#[test]
fn the_digest_is_that_of_the_file() {
    let module = load("sum", &[]);
    assert_eq!(module.digest().len(), 64);
    assert_eq!(module.digest(), load("sum", &[("preserves_key", "true")]).digest());
    assert_ne!(module.digest(), load("hash-chain", &[]).digest());
}

#[test]
fn operators_can_be_sent_to_their_workers() {
    let operator: Box<dyn Operator + Send> = Box::new(load("sum", &[]).operator());
    let name = std::thread::spawn(move || operator.description().name.clone()).join();
    assert_eq!(name.expect("the thread does not panic"), "sum");
}

#[test]
fn settings_that_the_guest_refuses_are_named() {
    let error = try_load("sum", &[("preserve_key", "true")]).expect_err("the setting is misspelt");
    assert_eq!(
        error.to_string(),
        "the module refuses its settings: unknown setting `preserve_key`: there are preserves_key"
    );
}

#[test]
fn garbage_is_not_wasm() {
    for bytes in [&b""[..], b"\0as", b"#!/bin/sh\necho", b"(component)"] {
        assert!(matches!(refused(bytes), LoadError::NotWasm));
    }
}

#[test]
fn a_core_module_gets_a_hint() {
    let error = refused_text("(module)");
    assert!(matches!(error, LoadError::CoreModule));
    assert!(error.to_string().contains("hint: `host build FILE` makes one of it"), "{error}");
}

#[test]
fn a_broken_component_is_refused() {
    let sum = bytes("sum");
    assert!(matches!(refused(&sum[..sum.len() / 2]), LoadError::Compile(_)));
}

/// Bits are flipped, ends are cut off, pieces are repeated, left out or made zero. `FUZZ_CASES=2000` for more.
#[test]
fn whatever_is_done_to_a_file_loading_gives_an_answer() {
    let sum = bytes("sum");
    for case in 0..cases(60) {
        let mut state = case as u64 + 1;
        let mut next = |below: usize| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as usize % below
        };
        let mut broken = sum.clone();
        for _ in 0..=next(3) {
            let at = next(broken.len());
            let end = (at + 1 + next(64)).min(broken.len());
            match next(5) {
                0 => broken[at] ^= 1 << next(8),
                1 => broken.truncate(at.max(8)),
                2 => broken[at..end].fill(0),
                3 => drop(broken.drain(at..end)),
                _ => {
                    let piece = broken[at..end].to_vec();
                    broken.splice(at..at, piece);
                }
            }
        }
        drop(Module::load(engine(), "broken", &broken, &[], &Grants::default()));
    }
}

#[test]
fn native_code_is_not_taken() {
    // What wasmtime compiles to is an ELF file.
    assert!(matches!(refused(b"\x7fELF\x02\x01\x01\xc8\0\0\0\0"), LoadError::NotWasm));
}

#[test]
fn another_world_is_refused_with_what_it_exports() {
    let error = try_load("wrong-world", &[]).expect_err("it greets");
    assert!(matches!(&error, LoadError::WrongWorld(found) if found == &["test:wrong-world/greeter@0.1.0"]));
    let text = error.to_string();
    assert!(
        text.starts_with(
            "the component is not an operator: it exports `test:wrong-world/greeter@0.1.0`\nhint:"
        )
    );
    assert!(refused_text("(component)").to_string().contains("it exports nothing"));
}

#[test]
fn imports_that_are_not_granted_are_named() {
    let error = refused_text(
        r#"(component
             (import "wasi:http/outgoing-handler@0.2.0" (instance (export "handle" (func))))
             (import "types-only" (instance (type $u u32) (export "t" (type (eq $u))))))"#,
    );
    assert!(
        matches!(&error, LoadError::UnknownImports(names) if names == &["wasi:http/outgoing-handler@0.2.0"]),
        "{error}"
    );
    assert!(error.to_string().contains("`wasi:http/outgoing-handler@0.2.0`\nhint:"), "{error}");
}

#[test]
fn an_interface_without_its_functions_is_refused() {
    let error = refused_text(
        r#"(component
             (instance $empty)
             (export "host:operator/module@0.1.0" (instance $empty))
             (export "host:operator/reducer@0.1.0" (instance $empty)))"#,
    );
    assert!(matches!(error, LoadError::WrongInterface { interface: "module", .. }), "{error}");
}

#[test]
fn proposals_that_are_switched_off_do_not_compile() {
    for text in [
        "(memory i64 1)",
        "(memory 1 1 shared)",
        "(type (struct (field i32)))",
        "(tag (param i32))",
        "(func (param v128 v128) (result v128) (i8x16.relaxed_swizzle (local.get 0) (local.get 1)))",
    ] {
        let error = refused_text(&format!("(component (core module {text}))"));
        assert!(matches!(error, LoadError::Compile(_)), "{text}: {error}");
    }
}
