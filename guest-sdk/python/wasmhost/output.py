"""Where a transform or a process puts its rows."""

from .columns import bits

Cell = bytes | str | None


def cell(value: Cell) -> bytes | None:
    """The bytes of what an operator may give for a key or a value: bytes, text, None for a null, or a number or so as
    its text."""
    if value is None or isinstance(value, (bytes, bytearray)):
        return value
    return str(value).encode()


class Output:
    """The output rows of a batch, in the order in which they are emitted."""

    def __init__(self):
        self.data = bytearray()
        self.offsets = [0]
        self.nulls: list[int] = []
        self.source: list[int] = []
        self.timestamps: dict[int, int] = {}
        self.headers: dict[int, list[tuple[str, Cell]]] = {}
        self.row = 0

    def emit(self, key: Cell, value: Cell, timestamp: int | None = None, headers=()) -> None:
        """Writes a row: keys and values are bytes, text, or None for a null. Without `timestamp` (milliseconds since
        the Unix epoch) it has that of its record or value. `headers` are names with values."""
        for part in (key, value):
            if type(part) is bytes:
                self.data += part
            elif part is None:
                self.nulls.append(len(self.offsets) - 1)
            else:
                self.data += cell(part)
            self.offsets.append(len(self.data))
        if timestamp is not None:
            self.timestamps[len(self.source)] = timestamp
        if headers:
            self.headers[len(self.source)] = list(headers)
        self.source.append(self.row)

    def forward(self, record) -> None:
        """Writes the record as it is, with its headers."""
        self.emit(record.key, record.value, headers=record.headers())

    def withdraw(self) -> None:
        """Takes back the rows of the current record or value."""
        while self.source and self.source[-1] == self.row:
            self.source.pop()
        rows = len(self.source)
        del self.offsets[2 * rows + 1:]
        del self.data[self.offsets[-1]:]
        self.nulls = [i for i in self.nulls if i < 2 * rows]
        self.timestamps = {row: at for row, at in self.timestamps.items() if row < rows}
        self.headers = {row: of_row for row, of_row in self.headers.items() if row < rows}

    def columns(self, types, source_timestamps: list[int]):
        """The rows as the contract wants them."""
        timestamps: list[int] = []
        if self.timestamps:
            timestamps = [self.timestamps.get(i, source_timestamps[row]) for i, row in enumerate(self.source)]
        nulls = bits(self.nulls, 2 * len(self.source))
        return types.Columns(bytes(self.data), self.offsets, timestamps, nulls, self.header_columns(types))

    def header_columns(self, types):
        if not self.headers:
            return None
        ends, data, offsets, nulls = [], bytearray(), [0], []
        for row in range(len(self.source)):
            for name, value in self.headers.get(row, ()):
                value = cell(value)
                if value is None:
                    nulls.append(len(offsets) // 2)
                data += name.encode()
                offsets.append(len(data))
                data += value or b""
                offsets.append(len(data))
            ends.append(len(offsets) // 2)
        return types.HeaderColumns(ends, bytes(data), offsets, bits(nulls, len(offsets) // 2))
