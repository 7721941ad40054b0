"""Lets a value through when it differs from the one before of its key."""

from wasmhost import TEXT, Description

DESCRIPTION = Description(name="{{name}}", state_schema="last:text")
ACCUMULATOR = TEXT


def process(last, value, out):
    now = value.text()
    if now != last:
        out.emit(value.key, now)
    return now
