//! The loop with the system's allocator.

fn main() -> anyhow::Result<()> {
    native_loop::main()
}
