"""Runs an operator without Wasm, for unittest or pytest: the calls are those of the host, in its order."""

from dataclasses import dataclass
from itertools import accumulate
from types import SimpleNamespace

from . import run
from .columns import Column, bit, bits, strings

# The classes of the contract, which on Wasm are those of the bindings.
types = SimpleNamespace(
    Columns=lambda data, offsets, timestamps, nulls, headers: SimpleNamespace(
        data=data, offsets=offsets, timestamps=timestamps, nulls=nulls, headers=headers
    ),
    HeaderColumns=lambda ends, data, offsets, null_values: SimpleNamespace(
        ends=ends, data=data, offsets=offsets, null_values=null_values
    ),
    BytesColumn=lambda data, offsets, nulls: SimpleNamespace(data=data, offsets=offsets, nulls=nulls),
    BadRow=lambda row, reason: SimpleNamespace(row=row, reason=reason),
)


@dataclass
class Input:
    """A record of the input; None is null."""

    value: bytes | None = None
    key: bytes | None = None
    timestamp: int = 0
    headers: tuple[tuple[str, bytes | None], ...] = ()


def column(cells) -> SimpleNamespace:
    """A column of byte strings."""
    out = Column()
    for cell in cells:
        out.push(cell)
    return run.column(types, out)


class Runner:
    """An instance of an operator (its module), its input partition and its state. `batch` is how many records, or
    values, it gets in a call. `state` has the accumulators' bytes by key, `rejected` what was refused, as pairs of the
    record's offset and the reason."""

    def __init__(self, app, settings: dict[str, str] | None = None, batch: int = 1_000):
        error = run.configure(app, sorted((settings or {}).items()))
        if error is not None:
            raise ValueError(error)
        self.app = app
        self.batch = batch
        self.state: dict[bytes, bytes] = {}
        self.rejected: list[tuple[int, str]] = []
        self.touched: set[bytes] = set()
        self.offset = 0

    def transform(self, inputs) -> list[tuple[bytes | None, bytes | None, int, list]]:
        """The rows of the records: key, value, timestamp and headers. An input is an `Input`, or a value."""
        inputs = [i if isinstance(i, Input) else Input(i.encode() if isinstance(i, str) else i) for i in inputs]
        rows = []
        for at in range(0, len(inputs), self.batch):
            rows += self._transform(inputs[at:at + self.batch])
        return rows

    def _transform(self, inputs):
        offsets = list(range(self.offset, self.offset + len(inputs)))
        self.offset += len(inputs)
        origin = SimpleNamespace(topic="test", partition=0, offsets=offsets)
        columns, source, bad = run.transform(self.app, types, origin, _columns(inputs))
        self.rejected += [(offsets[refused.row], refused.reason) for refused in bad]
        return _rows(columns, source, [record.timestamp for record in inputs])

    def reduce(self, rows) -> None:
        """Groups rows (key, value, …) by key and folds them into the state; those with a null are skipped."""
        for groups in self._groups(rows):
            self._take(groups, *run.reduce(self.app, types, groups, False))

    def process(self, rows) -> list[tuple[bytes | None, bytes | None, int, list]]:
        """Groups rows (key, value, timestamp, …) by key and processes them: the rows that come out, as `transform` has
        them. Those with a null are skipped."""
        made = []
        for groups in self._groups(rows):
            accumulators, columns, source, bad = run.process(self.app, types, groups)
            self._take(groups, accumulators, bad)
            made += _rows(columns, source, groups.timestamps)
        return made

    def _groups(self, rows):
        """The calls for these rows, one after the other, each with the state that the one before has left."""
        rows = [row for row in rows if row[0] is not None and row[1] is not None]
        for at in range(0, len(rows), self.batch):
            by_key: dict[bytes, list] = {}
            for row in rows[at:at + self.batch]:
                by_key.setdefault(row[0], []).append(row)
            values = [row for of_key in by_key.values() for row in of_key]
            yield SimpleNamespace(
                keys=column(by_key),
                accumulators=column(self.state.get(key) for key in by_key),
                ends=list(accumulate(len(of_key) for of_key in by_key.values())),
                values=column(row[1] for row in values),
                timestamps=[row[2] if len(row) > 2 else 0 for row in values],
            )

    def _take(self, groups, accumulators, bad):
        """Takes what a call has made of the keys."""
        self.rejected += [(-1, refused.reason) for refused in bad]
        for key, accumulator in zip(strings(groups.keys), strings(accumulators)):
            self.touched.add(key)
            if accumulator is None:
                self.state.pop(key, None)
            else:
                self.state[key] = accumulator

    def run(self, inputs) -> None:
        """Transforms records and reduces the rows."""
        self.reduce(self.transform(inputs))

    def finish(self) -> dict[bytes, bytes | None]:
        """Commits: the results of the keys that were touched since the last time; None is a tombstone."""
        keys = sorted(self.touched)
        self.touched = set()
        answer = run.finish(self.app, types, column(keys), column(self.state.get(key) for key in keys))
        return dict(zip(keys, strings(answer)))

    def merge(self, left: bytes, right: bytes) -> bytes | None:
        """Two accumulators merged."""
        return strings(run.merge(self.app, types, column([left]), column([right])))[0]


def _rows(columns, source, timestamps):
    headers = run.header_reader(columns.headers)
    rows, data, ends, nulls = [], columns.data, columns.offsets, columns.nulls
    for i, row in enumerate(source):
        key = None if bit(nulls, 2 * i) else data[ends[2 * i]:ends[2 * i + 1]]
        value = None if bit(nulls, 2 * i + 1) else data[ends[2 * i + 1]:ends[2 * i + 2]]
        timestamp = columns.timestamps[i] if columns.timestamps else timestamps[row]
        rows.append((key, value, timestamp, headers(i) if headers else []))
    return rows


def _columns(inputs):
    cells = [cell for record in inputs for cell in (record.key, record.value)]
    flat, headers = column(cells), None
    if any(record.headers for record in inputs):
        ends, texts, nulls = [], [], []
        for record in inputs:
            for name, value in record.headers:
                nulls += [len(texts) // 2] if value is None else []
                texts += [name.encode(), value or b""]
            ends.append(len(texts) // 2)
        names = column(texts)
        headers = types.HeaderColumns(ends, names.data, names.offsets, bits(nulls, len(texts) // 2))
    timestamps = [record.timestamp for record in inputs]
    return types.Columns(flat.data, flat.offsets, timestamps, flat.nulls, headers)
