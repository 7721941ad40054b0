//! Lines `level: message` become rows: the level is the key, the message the value; debug lines are dropped.

use guest_sdk::{Error, Operator, Output, Record, Settings, Transform, reject};

struct Levels;

impl Operator for Levels {
    const NAME: &'static str = env!("CARGO_PKG_NAME");
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");

    fn configure(_: &Settings<'_>) -> Result<Self, String> {
        Ok(Self)
    }
}

impl Transform for Levels {
    fn transform(&mut self, record: Record<'_>, out: &mut Output) -> Result<(), Error> {
        let line = record.value_str()?;
        let (level, message) = line.split_once(": ").ok_or_else(|| reject("the line has no level"))?;
        if level != "debug" {
            out.emit(level, message);
        }
        Ok(())
    }
}

guest_sdk::export!(Levels: transform);
