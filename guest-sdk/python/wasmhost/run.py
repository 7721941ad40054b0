"""Drives an operator over columns: the calls of the contract, over one record or value at a time.

`types` are the classes of the contract: the bindings' on Wasm, stand-ins in tests. `Failed` carries what ends a whole
call."""

from .accumulators import BYTES
from .columns import Column, bit, header_reader, strings
from .description import Settings
from .errors import REJECTIONS, Fatal, Retry, reason
from .output import Output, cell
from .records import Record, Value


def configure(app, settings) -> str | None:
    """Gives the operator its settings; the text of what is wrong with them."""
    app_configure = getattr(app, "configure", None)
    try:
        settings = Settings(settings)
        if app_configure is None:
            settings.expect_only()
        else:
            changed = app_configure(settings)
            app.DESCRIPTION = changed or app.DESCRIPTION
    except Exception as error:
        return reason(error)
    return None


def transform(app, types, read_at, rows):
    """All rows of a batch: (columns, source, bad)."""
    out, bad = Output(), []
    data, offsets, nulls, function = rows.data, rows.offsets, rows.nulls, app.transform
    record = Record()
    record.topic, record.partition = read_at.topic, read_at.partition
    record._headers = header_reader(rows.headers)
    end = offsets[0]
    for i, (offset, timestamp) in enumerate(zip(read_at.offsets, rows.timestamps)):
        start, middle, end = end, offsets[2 * i + 1], offsets[2 * i + 2]
        record.key, record.value = data[start:middle], data[middle:end]
        if nulls:
            record.key = None if bit(nulls, 2 * i) else record.key
            record.value = None if bit(nulls, 2 * i + 1) else record.value
        record.offset, record.timestamp, record._row = offset, timestamp, i
        out.row = i
        try:
            function(record, out)
        except REJECTIONS as error:
            out.withdraw()
            bad.append(types.BadRow(i, reason(error)))
    return out.columns(types, rows.timestamps), out.source, bad


class Folding:
    """Folds the values of one key, and can take one back as if it had never been there."""

    def __init__(self, app, key: bytes, stored: bytes | None):
        self.fold = app.fold
        self.kind = getattr(app, "ACCUMULATOR", BYTES)
        self.key = key
        self.before = stored
        self.accepted: list[tuple[bytes, int]] = []
        self.accumulator = self.decode()
        self.value = Value()
        self.value.key = key

    def decode(self):
        return None if self.before is None else decode(self.kind, self.key, self.before)

    def encode(self) -> bytes | None:
        return None if self.accumulator is None else self.kind.encode(self.accumulator)

    def add(self, data: bytes, timestamp: int) -> None:
        """Folds a value; what refuses it is raised, and the accumulator is as it was."""
        self.value.data, self.value.timestamp = data, timestamp
        try:
            folded = self.fold(self.accumulator, self.value)
            self.accumulator = folded
        except REJECTIONS:
            # It may have changed the accumulator in place.
            accepted, self.accepted = self.accepted, []
            self.accumulator = self.decode()
            for data, timestamp in accepted:
                self.value.data, self.value.timestamp = data, timestamp
                self.accumulator = self.fold(self.accumulator, self.value)
            self.before = self.encode()
            raise
        self.accepted.append((data, timestamp))


def reduce(app, types, groups, every: bool):
    """The accumulators of all keys: (column, bad)."""
    out, bad = Column(), []
    keys, stored = strings(groups.keys), strings(groups.accumulators)
    values, timestamps = strings(groups.values), groups.timestamps
    start = 0
    for key, accumulator, end in zip(keys, stored, groups.ends):
        folding = Folding(app, key, accumulator)
        for i in range(start, end):
            try:
                folding.add(values[i], timestamps[i])
            except REJECTIONS as error:
                bad.append(types.BadRow(i, reason(error)))
            if every:
                out.push(folding.encode())
        if not every:
            out.push(folding.encode())
        start = end
    return column(types, out), bad


def decode(kind, key: bytes, data: bytes):
    """An accumulator. Bytes of another kind stop the application: two layouts share one state schema."""
    try:
        return kind.decode(data)
    except REJECTIONS:
        name = key.decode("ascii", "backslashreplace")
        raise Fatal(
            f'the accumulator of key "{name}" ({len(data)} bytes) is not one of this operator\'s'
        ) from None


def finish(app, types, keys, accumulators):
    """One output value a key."""
    out, kind = Column(), getattr(app, "ACCUMULATOR", BYTES)
    for key, data in zip(strings(keys), strings(accumulators)):
        out.push(None if data is None else cell(app.finish(key, decode(kind, key, data))))
    return column(types, out)


def merge(app, types, left, right):
    """One accumulator a pair."""
    out, kind = Column(), getattr(app, "ACCUMULATOR", BYTES)
    for ours, others in zip(strings(left), strings(right)):
        merged = app.merge(decode(kind, b"", ours), decode(kind, b"", others))
        out.push(None if merged is None else kind.encode(merged))
    return column(types, out)


def column(types, out: Column):
    return types.BytesColumn(bytes(out.data), out.offsets, out.null_bits())


def failure(types, error: Exception):
    """The contract's failure for an exception of a whole call, or None when the instance has to end."""
    if isinstance(error, Retry):
        return types.Failure_Retry(reason(error))
    if isinstance(error, (Fatal, *REJECTIONS)):
        return types.Failure_Fatal(reason(error))
    return None
