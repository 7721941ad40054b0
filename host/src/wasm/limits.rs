//! Every bound on a guest, and the part of it that wasmtime asks about: memories and tables.

use std::sync::Arc;
use std::time::Duration;

use wasmtime::ResourceLimiter;

use super::usage::Usage;

/// The bounds on guests, the same for every module of an engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a module's file, 64 MiB; stops a file from filling the host's memory before it is compiled.
    pub module_bytes_max: usize,
    /// Wall time and CPU time of compiling a module, in milliseconds, 180,000; stops a file that is made to be
    /// slow to compile.
    pub compile_timeout_ms: u64,
    /// Bytes of the address space of the process that compiles, 2 GiB.
    pub compile_memory_bytes_max: u64,
    /// Bytes of an instance's linear memories together, 64 MiB; stops a guest from taking the host's memory.
    pub memory_bytes_max: usize,
    /// Linear memories of an instance, 4; a component that is made of components has one in several of them.
    pub memories_max: usize,
    /// Tables of an instance, 16; with the next one stops memory from being taken as tables.
    pub tables_max: usize,
    /// Elements of a table, of 8 bytes each, 65,536.
    pub table_elements_max: usize,
    /// Core instances in a component's instance, 64; stops a small file from making many.
    pub instances_max: usize,
    /// Bytes of a guest's stack, 512 KiB, on threads with at least 4 MiB; stops recursion before it reaches
    /// the end of the thread's stack, which would end the process.
    pub stack_bytes_max: usize,
    /// CPU time of making an instance and configuring it, in milliseconds, 2,000; stops a start that hangs.
    pub start_deadline_ms: u64,
    /// CPU time of a call, in milliseconds, 100, to which `call_deadline_record_us` is added; stops endless loops.
    pub call_deadline_ms: u64,
    /// CPU time that each record of a call adds to its deadline, in microseconds, 10.
    pub call_deadline_record_us: u64,
    /// Bytes of one answer, all its columns together, 16 MiB; stops an answer from filling the host's memory
    /// (it is refused before the host has allocated more than this for it).
    pub output_bytes_max: usize,
    /// Rows of one answer of a transform, 1,000,000; stops one record from becoming endless work downstream.
    pub output_records_max: usize,
    /// Bytes of a log line, 1 KiB; the rest of it is cut.
    pub log_line_bytes_max: usize,
    /// Log lines of a module a second, in all its instances, 64; the others are dropped and counted.
    pub log_lines_per_second_max: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            module_bytes_max: 64 << 20,
            compile_timeout_ms: 180_000,
            compile_memory_bytes_max: 2 << 30,
            memory_bytes_max: 64 << 20,
            memories_max: 4,
            tables_max: 16,
            table_elements_max: 65_536,
            instances_max: 64,
            stack_bytes_max: 512 << 10,
            start_deadline_ms: 2_000,
            call_deadline_ms: 100,
            call_deadline_record_us: 10,
            output_bytes_max: 16 << 20,
            output_records_max: 1_000_000,
            log_line_bytes_max: 1_024,
            log_lines_per_second_max: 64,
        }
    }
}

impl Limits {
    pub(super) fn compile_timeout(&self) -> Duration {
        Duration::from_millis(self.compile_timeout_ms)
    }

    pub(super) fn start_deadline(&self) -> Duration {
        Duration::from_millis(self.start_deadline_ms)
    }

    pub(super) fn call_deadline(&self, records: usize) -> Duration {
        let records_us = self.call_deadline_record_us.saturating_mul(records as u64);
        Duration::from_millis(self.call_deadline_ms) + Duration::from_micros(records_us)
    }
}

/// A guest asked for more memory, or a larger table, than it may have.
#[derive(Debug, thiserror::Error)]
#[error("the guest asked for {asked} {unit}, and {max} are allowed")]
pub(super) struct Denied {
    asked: usize,
    max: usize,
    unit: &'static str,
}

/// Answers wasmtime's questions about one instance. What is denied traps: a guest that is told by a return
/// value would end in an `unreachable` of which nobody could say why.
#[derive(Debug)]
pub(super) struct Memory {
    pub(super) limits: Limits,
    pub(super) usage: Arc<Usage>,
    /// Bytes of all its memories.
    pub(super) held: usize,
}

fn allow(asked: usize, max: usize, unit: &'static str) -> wasmtime::Result<bool> {
    if asked <= max { Ok(true) } else { Err(Denied { asked, max, unit }.into()) }
}

impl ResourceLimiter for Memory {
    fn memory_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        let together = self.held.saturating_sub(current).saturating_add(desired);
        let allowed = allow(together, self.limits.memory_bytes_max, "bytes of memory");
        if allowed.is_ok() {
            self.held = together;
            self.usage.memory(together);
        }
        allowed
    }

    fn table_growing(&mut self, _: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        allow(desired, self.limits.table_elements_max, "elements of a table")
    }

    fn instances(&self) -> usize {
        self.limits.instances_max
    }

    fn tables(&self) -> usize {
        self.limits.tables_max
    }

    fn memories(&self) -> usize {
        self.limits.memories_max
    }
}
