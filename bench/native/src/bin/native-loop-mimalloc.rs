//! The loop with the host's allocator, which librdkafka's own calls of `malloc` reach too.

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> anyhow::Result<()> {
    // SAFETY: sets an option, as the host does: `mi_option_purge_delay`, never.
    unsafe { libmimalloc_sys::mi_option_set(15, -1) };
    native_loop::main()
}
