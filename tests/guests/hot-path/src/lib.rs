//! The path of a batch through the core as a Wasm module, so that its instructions can be counted: as many on every
//! machine, and on a busy one too.

mod drive;

pub use drive::{NOW_MS, Sum, batch, drain, machine};

use host_core::event::Event;
use host_core::record::Offset;
use host_core::topology::Repartition;
use std::rc::Rc;

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
        inline: "package test:hot-path@0.1.0;
            world hot-path { export run: func(batches: u32, records: u32, repartitions: bool); }",
    });
    #[cfg(target_arch = "wasm32")]
    export!(HotPath with_types_in self);

    #[cfg(target_arch = "wasm32")]
    pub(super) struct HotPath;
}

#[cfg(target_arch = "wasm32")]
impl bindings::Guest for bindings::HotPath {
    fn run(batches: u32, records: u32, repartitions: bool) {
        let repartition = if repartitions { Repartition::Always } else { Repartition::Never };
        run(batches, records, repartition);
    }
}

/// Reads `batches` times the same batch of this many records, and drops what is to be sent.
pub fn run(batches: u32, records: u32, repartition: Repartition) {
    let mut machine = machine(repartition, &Rc::default());
    let mut next = batch(0, records as usize);
    for _ in 0..batches {
        let mut offsets = next.offsets.clone();
        machine.handle(NOW_MS, Event::Batch(next));
        drain(&mut machine);
        let rows = machine.take_spent().expect("the buffers come back").rows;
        for offset in &mut offsets {
            *offset += Offset::from(records);
        }
        next = host_core::record::Batch { offsets, rows, ..batch(0, 0) };
    }
}
