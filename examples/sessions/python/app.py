"""Puts the events of a key together that are near each other in time. See ../README.md."""

import struct
from typing import NamedTuple

from wasmhost import Description, Reject

DESCRIPTION = Description(name="sessions", state_schema="session:first,last,events:i64-le")

gap_ms = 0


def configure(settings):
    global gap_ms
    settings.expect_only("gap_ms")
    gap_ms = settings.number("gap_ms", 30 * 60 * 1000)
    if gap_ms < 1:
        raise ValueError("setting `gap_ms` may be 1 and more")


class Session(NamedTuple):
    first_ms: int
    last_ms: int
    events: int = 0

    def write(self, key, ended_by, out):
        row = f'{{"events":{self.events},"first_ms":{self.first_ms},"last_ms":{self.last_ms}}}'
        out.emit(key, row, timestamp=self.last_ms, headers=[("ended-by", ended_by)])


class ACCUMULATOR:
    LAYOUT = struct.Struct("<qqq")

    @classmethod
    def encode(cls, session):
        return cls.LAYOUT.pack(*session)

    @classmethod
    def decode(cls, data):
        if len(data) != cls.LAYOUT.size:
            raise Reject("a session has 24 bytes")
        return Session(*cls.LAYOUT.unpack(data))


def process(session, event, out):
    time_ms = event.timestamp
    session = session or Session(time_ms, time_ms)
    early_ms = session.first_ms - time_ms
    if early_ms > gap_ms:
        raise Reject(f"the event is {early_ms} ms before its session")
    if time_ms - session.last_ms > gap_ms:
        session.write(event.key, "gap", out)
        session = Session(time_ms, time_ms)
    session = Session(min(session.first_ms, time_ms), max(session.last_ms, time_ms), session.events + 1)
    if event.data != b"end":
        return session
    session.write(event.key, "end", out)
    return None
