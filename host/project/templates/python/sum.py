"""Sums numbers per key: lines `key,number`."""

from wasmhost import I64, Description, Reject

DESCRIPTION = Description(name="{{name}}", state_schema="sum:i64-le", row_schema="i64-le")
ACCUMULATOR = I64


def transform(record, out):
    key, comma, number = record.text().partition(",")
    if not comma:
        raise Reject("the line has no comma")
    out.emit(key, I64.encode(int(number)))


def fold(total, value):
    added = (total or 0) + I64.decode(value.data)
    if added != I64.wrap(added):
        raise Reject("the sum leaves the range of 64 bits")
    return added


def finish(key, total):
    return str(total)
