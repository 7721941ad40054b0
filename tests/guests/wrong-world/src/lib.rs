//! A component that exports something, but not what the host looks for.

#[allow(
    unsafe_code,
    missing_docs,
    unreachable_pub,
    clippy::all,
    clippy::pedantic,
    clippy::allow_attributes_without_reason,
    clippy::undocumented_unsafe_blocks,
    reason = "generated"
)]
mod bindings {
    wit_bindgen::generate!({
        inline: "package test:wrong-world@0.1.0;
            interface greeter { greet: func(name: string) -> string; }
            world wrong-world { export greeter; }",
    });
    #[cfg(target_arch = "wasm32")]
    export!(Greeter with_types_in self);

    pub(super) struct Greeter;
}

impl bindings::exports::test::wrong_world::greeter::Guest for bindings::Greeter {
    fn greet(name: String) -> String {
        format!("hello {name}")
    }
}
