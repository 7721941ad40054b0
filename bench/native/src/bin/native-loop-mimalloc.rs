//! The loop with the host's allocator, which librdkafka's own calls of `malloc` reach too.

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> anyhow::Result<()> {
    native_loop::main()
}
