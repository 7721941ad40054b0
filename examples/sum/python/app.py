"""Sums numbers per key: reads lines `key,value` and keeps, for each key, the sum of its values. See ../README.md."""

from dataclasses import replace

from wasmhost import I64, I128, Description, Reject

DESCRIPTION = Description(name="sum", state_schema="sum:i128-le", row_schema="i64-le")
ACCUMULATOR = I128

I64_MIN, I64_MAX = -(1 << 63), (1 << 63) - 1
DIGITS = b"0123456789"


def configure(settings):
    settings.expect_only("preserves_key")
    return replace(DESCRIPTION, preserves_key=settings.flag("preserves_key"))


def number(text: bytes) -> int:
    """Decimal digits after at most one sign, nothing else; what is wrong first is told."""
    digits = text[1:] if text[:1] in (b"-", b"+") else text
    if not digits:
        raise Reject("there is no number after the comma")
    good = digits if digits.isdigit() else digits[:len(digits) - len(digits.lstrip(DIGITS))]
    good_value = good.lstrip(b"0")
    magnitude = int(good_value[:20] or b"0")
    if magnitude > -I64_MIN:
        raise Reject("the number does not fit 64 bits")
    if len(good) != len(digits):
        raise Reject("what follows the comma is not a decimal number")
    value = -magnitude if text[:1] == b"-" else magnitude
    if value > I64_MAX:
        raise Reject("the number does not fit 64 bits")
    return value


def transform(record, out):
    key, comma, text = record.data().partition(b",")
    if not comma:
        raise Reject("the line has no comma")
    value = number(text)
    if DESCRIPTION.preserves_key and record.key != key:
        raise Reject("the key in the line is not the record's key, and `preserves_key` is set")
    out.emit(key, I64.encode(value))


def fold(total, value):
    return I128.wrap((total or 0) + I64.decode(value.data))


def merge(total, other):
    return I128.wrap(total + other)


def finish(key, total):
    return str(total)
