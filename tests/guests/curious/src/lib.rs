//! A transform that tries what each row's value says and answers what came of it: what a guest can see of the
//! machine. See `asked` for the values.

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
        path: ["../../../wit", "wit"],
        world: "test:curious/curious",
        generate_all,
    });
    #[cfg(target_arch = "wasm32")]
    export!(Curious with_types_in self);

    pub struct Curious;
}

use bindings::Curious;
use bindings::exports::host::operator::module::{Description, Guest as Module};
use bindings::exports::host::operator::transformer::{Guest as Transformer, Origin, Transformed};
use bindings::host::operator::types::{Columns, Failure};
use bindings::wasi::cli::{environment, exit, stdout};
use bindings::wasi::clocks::{monotonic_clock, wall_clock};
use bindings::wasi::filesystem::preopens;
use bindings::wasi::filesystem::types::{Descriptor, DescriptorFlags, ErrorCode, OpenFlags, PathFlags};
use bindings::wasi::random::random;
use bindings::wasi::sockets::network::IpAddressFamily;
use bindings::wasi::sockets::tcp_create_socket::create_tcp_socket;

impl Module for Curious {
    fn configure(_settings: Vec<(String, String)>) -> Result<(), String> {
        Ok(())
    }

    fn describe() -> Description {
        Description {
            name: "curious".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            preserves_key: false,
            state_schema: String::new(),
            row_schema: "text".into(),
        }
    }
}

impl Transformer for Curious {
    fn transform(_read_at: Origin, rows: Columns) -> Result<Transformed, Failure> {
        let count = rows.timestamps.len();
        let (mut data, mut offsets) = (Vec::new(), vec![0]);
        for row in 0..count {
            let value = &rows.data[rows.offsets[2 * row + 1] as usize..rows.offsets[2 * row + 2] as usize];
            offsets.push(data.len() as u32);
            data.extend(asked(&String::from_utf8_lossy(value)).into_bytes());
            offsets.push(data.len() as u32);
        }
        let rows = Columns { data, offsets, timestamps: Vec::new(), nulls: Vec::new(), headers: None };
        Ok(Transformed { rows, source: (0..count as u32).collect(), sinks: Vec::new(), bad: Vec::new() })
    }
}

/// `what` or `what:argument`.
fn asked(value: &str) -> String {
    let (what, argument) = value.split_once(':').unwrap_or((value, ""));
    match what {
        "arguments" => format!("{:?}", environment::get_arguments()),
        "environment" => format!("{:?}", environment::get_environment()),
        "time" => wall_clock::now().seconds.to_string(),
        "monotonic" => monotonic_clock::now().to_string(),
        // In nanoseconds.
        "sleep" => {
            monotonic_clock::subscribe_duration(argument.parse().unwrap_or(u64::MAX)).block();
            "awake".into()
        }
        "random" => format!("{:?}", random::get_random_bytes(argument.parse().unwrap_or(8))),
        "folders" => {
            let names: Vec<_> = preopens::get_directories().into_iter().map(|(_, name)| name).collect();
            format!("{names:?}")
        }
        "read" => said(read(argument)),
        "write" => said(write(argument)),
        "socket" => match create_tcp_socket(IpAddressFamily::Ipv4) {
            Ok(_) => "a socket".into(),
            Err(error) => error.name().into(),
        },
        "print" => match stdout::get_stdout().blocking_write_and_flush(argument.as_bytes()) {
            Ok(()) => "printed".into(),
            Err(error) => format!("{error:?}"),
        },
        "exit" => {
            exit::exit(Err(()));
            "still here".into()
        }
        // Handles that are never given back.
        "hoard" => {
            for _ in 0..argument.parse().unwrap_or(0) {
                std::mem::forget(monotonic_clock::subscribe_duration(0));
            }
            "hoarded".into()
        }
        _ => format!("cannot do {what}"),
    }
}

fn said(result: Result<String, ErrorCode>) -> String {
    result.unwrap_or_else(|error| error.name().into())
}

/// The first granted folder; without one nothing can even be asked for.
fn folder() -> Result<Descriptor, ErrorCode> {
    preopens::get_directories().into_iter().next().map(|(folder, _)| folder).ok_or(ErrorCode::BadDescriptor)
}

fn read(path: &str) -> Result<String, ErrorCode> {
    let file =
        folder()?.open_at(PathFlags::SYMLINK_FOLLOW, path, OpenFlags::empty(), DescriptorFlags::READ)?;
    let (bytes, _) = file.read(1 << 16, 0)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn write(path: &str) -> Result<String, ErrorCode> {
    let file = folder()?.open_at(PathFlags::empty(), path, OpenFlags::CREATE, DescriptorFlags::WRITE)?;
    file.write(b"written by the guest", 0)?;
    Ok("written".into())
}
