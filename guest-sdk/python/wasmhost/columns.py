"""The shapes of the contract, as far as they do not depend on the bindings: bit sets and columns of byte strings."""


def bit(bits: bytes, i: int) -> bool:
    """True if bit `i` is set; missing bits are clear."""
    return i // 8 < len(bits) and bits[i // 8] >> (i % 8) & 1 == 1


def bits(indices: list[int], count: int) -> bytes:
    """Bits of `count` cells of which these are set: none at all when none is."""
    if not indices:
        return b""
    area = bytearray((count + 7) // 8)
    for i in indices:
        area[i // 8] |= 1 << (i % 8)
    return bytes(area)


def strings(column) -> list[bytes | None]:
    """The byte strings of a column."""
    data, offsets, nulls = column.data, column.offsets, column.nulls
    if not nulls:
        return [data[offsets[i]:offsets[i + 1]] for i in range(len(offsets) - 1)]
    return [None if bit(nulls, i) else data[offsets[i]:offsets[i + 1]] for i in range(len(offsets) - 1)]


class Column:
    """A column of byte strings being written."""

    def __init__(self):
        self.data = bytearray()
        self.offsets = [0]
        self.nulls: list[int] = []

    def push(self, cell: bytes | None) -> None:
        if cell is None:
            self.nulls.append(len(self.offsets) - 1)
        else:
            self.data += cell
        self.offsets.append(len(self.data))

    def null_bits(self) -> bytes:
        return bits(self.nulls, len(self.offsets) - 1)


def header_reader(columns):
    """A function that gives the headers of row `i`, or None where no row has one."""
    if columns is None:
        return None

    def headers(i: int) -> list[tuple[str, bytes | None]]:
        start = columns.ends[i - 1] if i else 0
        found = []
        for header in range(start, columns.ends[i]):
            at = columns.offsets[2 * header:2 * header + 3]
            name = columns.data[at[0]:at[1]].decode(errors="replace")
            is_null = bit(columns.null_values, header)
            found.append((name, None if is_null else columns.data[at[1]:at[2]]))
        return found

    return headers
