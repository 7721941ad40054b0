"""Drives an operator over columns: the calls of the contract, over one record or value at a time.

`types` are the classes of the contract: the bindings' on Wasm, stand-ins in tests. `Failed` carries what ends a whole
call."""

from .columns import Column, bit, header_reader, strings
from .description import Settings
from .errors import REJECTIONS, Fatal, Retry, reason
from .folding import decode, foldings, kind_of
from .output import Output, cell
from .records import Record


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


def reduce(app, types, groups, every: bool):
    """The accumulators of all keys: (column, bad)."""
    out, bad = Column(), []
    for folding, places in foldings(app, groups, app.fold, app.fold):
        for at in places:
            try:
                folding.add(at)
            except REJECTIONS as error:
                bad.append(types.BadRow(at, reason(error)))
            if every:
                out.push(folding.encode())
        if not every:
            out.push(folding.encode())
    return column(types, out), bad


def process(app, types, groups):
    """The accumulators of all keys, and the rows made: (column, columns, source, bad)."""
    out, unused, bad, accumulators = Output(), Output(), [], Column()

    def fold(accumulator, value):
        return app.process(accumulator, value, out)

    def again(accumulator, value):
        # What is processed again has its rows already.
        return app.process(accumulator, value, unused)

    for folding, places in foldings(app, groups, fold, again):
        for at in places:
            out.row = at
            try:
                folding.add(at)
            except REJECTIONS as error:
                out.withdraw()
                bad.append(types.BadRow(at, reason(error)))
        accumulators.push(folding.encode())
    return column(types, accumulators), out.columns(types, groups.timestamps), out.source, bad


def finish(app, types, keys, accumulators):
    """One output value a key."""
    out, kind = Column(), kind_of(app)
    for key, data in zip(strings(keys), strings(accumulators)):
        out.push(None if data is None else cell(app.finish(key, decode(kind, key, data))))
    return column(types, out)


def merge(app, types, left, right):
    """One accumulator a pair."""
    out, kind = Column(), kind_of(app)
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
