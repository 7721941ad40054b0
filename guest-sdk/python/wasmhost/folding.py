"""The accumulator of a key while its values are folded or processed."""

from .accumulators import BYTES
from .columns import strings
from .errors import REJECTIONS, Fatal, reason
from .records import Value


def kind_of(app):
    """How the operator's accumulators become bytes."""
    return getattr(app, "ACCUMULATOR", BYTES)


def decode(kind, key: bytes, data: bytes):
    """An accumulator. Bytes of another kind stop the application: two layouts share one state schema."""
    try:
        return kind.decode(data)
    except REJECTIONS:
        name = key.decode("ascii", "backslashreplace")
        raise Fatal(
            f'the accumulator of key "{name}" ({len(data)} bytes) is not one of this operator\'s'
        ) from None


def foldings(app, groups, fold, again):
    """For each key its `Folding`, and the places of its values."""
    keys, stored, values = strings(groups.keys), strings(groups.accumulators), strings(groups.values)
    kind, timestamps, start = kind_of(app), groups.timestamps, 0
    for key, accumulator, end in zip(keys, stored, groups.ends):
        yield Folding(kind, fold, again, key, accumulator, start, values, timestamps), range(start, end)
        start = end


class Folding:
    """Folds the values of one key, and can take one back as if it had never been there. `fold` takes a value the first
    time, `again` when a later one was refused."""

    def __init__(self, kind, fold, again, key: bytes, stored: bytes | None, start: int, values, timestamps):
        self.kind, self.fold, self.again = kind, fold, again
        self.before, self.start = stored, start
        self.values, self.timestamps = values, timestamps
        self.value = Value()
        self.value.key = key
        self.accumulator = self.decode()

    def decode(self):
        return None if self.before is None else decode(self.kind, self.value.key, self.before)

    def encode(self) -> bytes | None:
        return None if self.accumulator is None else self.kind.encode(self.accumulator)

    def call(self, fold, at: int) -> None:
        self.value.data, self.value.timestamp = self.values[at], self.timestamps[at]
        self.accumulator = fold(self.accumulator, self.value)

    def add(self, at: int) -> None:
        """Folds value `at`; what refuses it is raised, and the accumulator is as it was."""
        try:
            self.call(self.fold, at)
        except REJECTIONS:
            # It may have changed the accumulator in place.
            self.restore(at)
            raise

    def restore(self, at: int) -> None:
        self.accumulator = self.decode()
        try:
            for accepted in range(self.start, at):
                self.call(self.again, accepted)
        except REJECTIONS as error:
            raise Fatal(f"a value was first accepted and then refused: {reason(error)}") from None
        self.before, self.start = self.encode(), at + 1
