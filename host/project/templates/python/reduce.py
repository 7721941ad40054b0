"""Counts the records of each key."""

from wasmhost import I64, Description

DESCRIPTION = Description(name="{{name}}", state_schema="count:i64-le")
ACCUMULATOR = I64


def fold(count, value):
    return (count or 0) + 1


def finish(key, count):
    return str(count)
