//! Lets a value through when it differs from the one before of its key.

use guest_sdk::{Error, Operator, Output, Process, Settings, Value};

struct Changes;

impl Operator for Changes {
    const NAME: &'static str = env!("CARGO_PKG_NAME");
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const STATE_SCHEMA: &'static str = "last:text";

    fn configure(_: &Settings<'_>) -> Result<Self, String> {
        Ok(Self)
    }
}

impl Process for Changes {
    type Accumulator = String;

    fn process(&mut self, last: &mut Option<String>, value: Value<'_>, out: &mut Output) -> Result<(), Error> {
        let now = value.as_str()?;
        if last.as_deref() != Some(now) {
            out.emit(value.key, now);
            *last = Some(now.to_owned());
        }
        Ok(())
    }
}

guest_sdk::export!(Changes: process);
