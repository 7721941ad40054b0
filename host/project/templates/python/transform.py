"""Lines `level: message` become rows: the level is the key, the message the value; debug lines are dropped."""

from wasmhost import Description, Reject

DESCRIPTION = Description(name="{{name}}")


def transform(record, out):
    level, colon, message = record.text().partition(": ")
    if not colon:
        raise Reject("the line has no level")
    if level != "debug":
        out.emit(level, message)
