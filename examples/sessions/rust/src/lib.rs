//! Puts the events of a key together that are near each other in time. See `../README.md`.
#![deny(unsafe_code)]

use guest_sdk::{Accumulator, Bytes, Error, Operator, Output, Process, Settings, Value, reject};

/// The operator.
#[derive(Debug)]
pub struct Sessions {
    gap_ms: i64,
}

/// The session of a key that is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Session {
    first_ms: i64,
    last_ms: i64,
    events: i64,
}

impl Session {
    fn at(time_ms: i64) -> Self {
        Self { first_ms: time_ms, last_ms: time_ms, events: 0 }
    }

    fn write(&self, key: &[u8], ended_by: &str, out: &mut Output) {
        let Self { first_ms, last_ms, events } = self;
        let row = format!("{{\"events\":{events},\"first_ms\":{first_ms},\"last_ms\":{last_ms}}}");
        out.emit(key, row).timestamp(*last_ms).header("ended-by", ended_by);
    }
}

impl Accumulator for Session {
    fn encode(&self, out: &mut Bytes) {
        for number in [self.first_ms, self.last_ms, self.events] {
            out.push(&number.to_le_bytes());
        }
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (first_ms, rest) = bytes.split_first_chunk()?;
        let (last_ms, rest) = rest.split_first_chunk()?;
        let events = rest.try_into().ok()?;
        let [first_ms, last_ms, events] = [*first_ms, *last_ms, events].map(i64::from_le_bytes);
        Some(Self { first_ms, last_ms, events })
    }
}

impl Operator for Sessions {
    const NAME: &'static str = env!("CARGO_PKG_NAME");
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const STATE_SCHEMA: &'static str = "session:first,last,events:i64-le";

    fn configure(settings: &Settings<'_>) -> Result<Self, String> {
        settings.expect_only(&["gap_ms"])?;
        let gap_ms = settings.parse("gap_ms", 30 * 60 * 1000)?;
        if gap_ms < 1 {
            return Err("setting `gap_ms` may be 1 and more".into());
        }
        Ok(Self { gap_ms })
    }
}

impl Process for Sessions {
    type Accumulator = Session;

    fn process(
        &mut self,
        open: &mut Option<Session>,
        event: Value<'_>,
        out: &mut Output,
    ) -> Result<(), Error> {
        let time_ms = event.timestamp;
        let mut session = open.unwrap_or_else(|| Session::at(time_ms));
        let early_ms = session.first_ms - time_ms;
        if early_ms > self.gap_ms {
            return Err(reject(format!("the event is {early_ms} ms before its session")));
        }
        if time_ms - session.last_ms > self.gap_ms {
            session.write(event.key, "gap", out);
            session = Session::at(time_ms);
        }
        session.first_ms = session.first_ms.min(time_ms);
        session.last_ms = session.last_ms.max(time_ms);
        session.events += 1;
        *open = if event.bytes == b"end" {
            session.write(event.key, "end", out);
            None
        } else {
            Some(session)
        };
        Ok(())
    }
}

guest_sdk::export!(Sessions: process);
