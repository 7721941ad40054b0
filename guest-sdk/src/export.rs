//! The macro that makes a Wasm module of an operator.

/// Exports an operator from the module: `guest_sdk::export!(Sum: transform, reduce, finish);`.
///
/// `module` is always exported, of the others exactly those that are named; `reduce` and `process` exclude each
/// other. Stands once in a crate whose
/// `crate-type` has `cdylib`. Natively it only checks that the traits are there, so that `cargo test` works.
#[macro_export]
macro_rules! export {
    ($operator:ty: $($part:ident),+ $(,)?) => {
        #[cfg(not(target_arch = "wasm32"))]
        const _: () = {
            $($crate::__check!($operator, $part);)+
        };

        #[cfg(target_arch = "wasm32")]
        #[allow(unsafe_code, reason = "the exported functions of the generated bindings")]
        const _: () = {
            $($crate::__check!($operator, $part);)+

            ::std::thread_local! {
                static OPERATOR: ::core::cell::RefCell<::core::option::Option<$operator>> =
                    const { ::core::cell::RefCell::new(::core::option::Option::None) };
            }

            /// Calls the operator of this instance.
            fn with<R>(call: impl FnOnce(&mut $operator) -> R) -> R {
                OPERATOR.with_borrow_mut(|operator| {
                    call(operator.as_mut().expect("the host configures an instance before it calls it"))
                })
            }

            struct Component;

            impl $crate::bindings::module::Guest for Component {
                fn configure(
                    settings: ::std::vec::Vec<(::std::string::String, ::std::string::String)>,
                ) -> ::core::result::Result<(), ::std::string::String> {
                    let operator = $crate::run::configure::<$operator>(&settings)?;
                    OPERATOR.set(::core::option::Option::Some(operator));
                    ::core::result::Result::Ok(())
                }

                fn describe() -> $crate::bindings::module::Description {
                    with(|operator| $crate::run::describe(operator))
                }
            }
            $crate::bindings::module::export_module_interface!(Component with_types_in $crate::bindings::module);

            $($crate::__export!($part);)+
        };
    };
}

/// One interface of [`export!`], inside its block.
#[doc(hidden)]
#[macro_export]
macro_rules! __export {
    (transform) => {
        impl $crate::bindings::transformer::Guest for Component {
            fn transform(
                read_at: $crate::bindings::types::Origin,
                rows: $crate::bindings::types::Columns,
            ) -> ::core::result::Result<$crate::bindings::transformer::Transformed, $crate::bindings::types::Failure>
            {
                with(|operator| $crate::run::transform(operator, read_at, rows))
            }
        }
        $crate::bindings::transformer::export_transformer_interface!(
            Component with_types_in $crate::bindings::transformer
        );
    };
    (reduce) => {
        impl $crate::bindings::reducer::Guest for Component {
            fn reduce(
                groups: $crate::bindings::reducer::Groups,
                every: bool,
            ) -> ::core::result::Result<$crate::bindings::reducer::Reduced, $crate::bindings::types::Failure> {
                with(|operator| $crate::run::reduce(operator, groups, every))
            }
        }
        $crate::bindings::reducer::export_reducer_interface!(Component with_types_in $crate::bindings::reducer);
    };
    (process) => {
        impl $crate::bindings::processor::Guest for Component {
            fn process(
                groups: $crate::bindings::types::Groups,
            ) -> ::core::result::Result<$crate::bindings::processor::Processed, $crate::bindings::types::Failure>
            {
                with(|operator| $crate::run::process(operator, groups))
            }
        }
        $crate::bindings::processor::export_processor_interface!(
            Component with_types_in $crate::bindings::processor
        );
    };
    (finish) => {
        impl $crate::bindings::finisher::Guest for Component {
            fn finish(
                keys: $crate::bindings::types::BytesColumn,
                accumulators: $crate::bindings::types::BytesColumn,
            ) -> ::core::result::Result<$crate::bindings::types::BytesColumn, $crate::bindings::types::Failure> {
                with(|operator| $crate::run::finish(operator, keys, accumulators))
            }
        }
        $crate::bindings::finisher::export_finisher_interface!(Component with_types_in $crate::bindings::finisher);
    };
    (merge) => {
        impl $crate::bindings::merger::Guest for Component {
            fn merge(
                left: $crate::bindings::types::BytesColumn,
                right: $crate::bindings::types::BytesColumn,
            ) -> ::core::result::Result<$crate::bindings::types::BytesColumn, $crate::bindings::types::Failure> {
                with(|operator| $crate::run::merge(operator, left, right))
            }
        }
        $crate::bindings::merger::export_merger_interface!(Component with_types_in $crate::bindings::merger);
    };
}

/// What must hold for one part of [`export!`], checked when the operator is compiled.
#[doc(hidden)]
#[macro_export]
macro_rules! __check {
    ($operator:ty, transform) => {
        const _: fn() = || {
            fn is_a_transform<T: $crate::Transform>() {}
            is_a_transform::<$operator>();
        };
        const _: () = ::core::assert!(
            <$operator as $crate::Operator>::ROW_SCHEMA.len() <= 256,
            "ROW_SCHEMA has more than 256 bytes"
        );
    };
    ($operator:ty, reduce) => {
        const _: fn() = || {
            fn is_a_reduce<T: $crate::Reduce>() {}
            is_a_reduce::<$operator>();
        };
        $crate::__check!($operator, state);
    };
    ($operator:ty, process) => {
        const _: fn() = || {
            fn is_a_process<T: $crate::Process>() {}
            is_a_process::<$operator>();
        };
        $crate::__check!($operator, state);
    };
    ($operator:ty, state) => {
        const _: () = ::core::assert!(
            !<$operator as $crate::Operator>::STATE_SCHEMA.is_empty(),
            "an operator that keeps state must name the bytes of its accumulator: set STATE_SCHEMA"
        );
        const _: () = ::core::assert!(
            <$operator as $crate::Operator>::STATE_SCHEMA.len() <= 256,
            "STATE_SCHEMA has more than 256 bytes"
        );
    };
    ($operator:ty, finish) => {
        const _: fn() = || {
            fn is_a_finish<T: $crate::Finish>() {}
            is_a_finish::<$operator>();
        };
    };
    ($operator:ty, merge) => {
        const _: fn() = || {
            fn is_a_merge<T: $crate::Merge>() {}
            is_a_merge::<$operator>();
        };
    };
    ($operator:ty, $part:ident) => {
        ::core::compile_error!(::core::concat!(
            "unknown part `",
            ::core::stringify!($part),
            "`: there are transform, reduce, finish, merge and process"
        ));
    };
}
