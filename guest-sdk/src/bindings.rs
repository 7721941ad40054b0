//! Generated bindings of `/wit`: one world per exported interface, so that a module can export exactly
//! those that it has. `wit-component` merges the worlds of one module into one.

/// The shapes that all interfaces share.
pub mod types {
    wit_bindgen::generate!({
        inline: "package host:sdk-types; world types { import host:operator/types@0.1.0; }",
        path: "../wit",
        world: "host:sdk-types/types",
        generate_all,
        additional_derives: [PartialEq],
    });
    pub use host::operator::types::*;
}

/// `log` and `module`, which every operator has.
pub mod module {
    wit_bindgen::generate!({
        inline: "package host:sdk-module;
            world module { import host:operator/log@0.1.0; export host:operator/module@0.1.0; }",
        path: "../wit",
        world: "host:sdk-module/module",
        generate_all,
        pub_export_macro: true,
        export_macro_name: "export_module_interface",
        default_bindings_module: "guest_sdk::bindings::module",
    });
    pub use exports::host::operator::module::*;
    pub use host::operator::log;
}

/// `transformer`.
pub mod transformer {
    wit_bindgen::generate!({
        inline: "package host:sdk-transformer; world transformer { export host:operator/transformer@0.1.0; }",
        path: "../wit",
        world: "host:sdk-transformer/transformer",
        with: { "host:operator/types@0.1.0": super::types::host::operator::types },
        pub_export_macro: true,
        export_macro_name: "export_transformer_interface",
        default_bindings_module: "guest_sdk::bindings::transformer",
        additional_derives: [PartialEq],
    });
    pub use exports::host::operator::transformer::*;
}

/// `reducer`.
pub mod reducer {
    wit_bindgen::generate!({
        inline: "package host:sdk-reducer; world reducer { export host:operator/reducer@0.1.0; }",
        path: "../wit",
        world: "host:sdk-reducer/reducer",
        with: { "host:operator/types@0.1.0": super::types::host::operator::types },
        pub_export_macro: true,
        export_macro_name: "export_reducer_interface",
        default_bindings_module: "guest_sdk::bindings::reducer",
        additional_derives: [PartialEq],
    });
    pub use exports::host::operator::reducer::*;
}

/// `finisher`.
pub mod finisher {
    wit_bindgen::generate!({
        inline: "package host:sdk-finisher; world finisher { export host:operator/finisher@0.1.0; }",
        path: "../wit",
        world: "host:sdk-finisher/finisher",
        with: { "host:operator/types@0.1.0": super::types::host::operator::types },
        pub_export_macro: true,
        export_macro_name: "export_finisher_interface",
        default_bindings_module: "guest_sdk::bindings::finisher",
    });
    pub use exports::host::operator::finisher::*;
}

/// `merger`.
pub mod merger {
    wit_bindgen::generate!({
        inline: "package host:sdk-merger; world merger { export host:operator/merger@0.1.0; }",
        path: "../wit",
        world: "host:sdk-merger/merger",
        with: { "host:operator/types@0.1.0": super::types::host::operator::types },
        pub_export_macro: true,
        export_macro_name: "export_merger_interface",
        default_bindings_module: "guest_sdk::bindings::merger",
    });
    pub use exports::host::operator::merger::*;
}

/// `processor`.
pub mod processor {
    wit_bindgen::generate!({
        inline: "package host:sdk-processor; world processor { export host:operator/processor@0.1.0; }",
        path: "../wit",
        world: "host:sdk-processor/processor",
        with: { "host:operator/types@0.1.0": super::types::host::operator::types },
        pub_export_macro: true,
        export_macro_name: "export_processor_interface",
        default_bindings_module: "guest_sdk::bindings::processor",
        additional_derives: [PartialEq],
    });
    pub use exports::host::operator::processor::*;
}
