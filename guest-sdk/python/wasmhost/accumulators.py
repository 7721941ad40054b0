"""How accumulators become bytes, which the host keeps, and how values do.

`decode(encode(a))` must be `a`, and equal accumulators must have equal bytes. Whoever changes the bytes changes the
`state_schema` too."""

import json
from typing import Any, Protocol

from .errors import Reject


class Accumulator(Protocol):
    """A kind of accumulator."""

    def encode(self, value: Any) -> bytes:
        """The bytes of an accumulator."""

    def decode(self, data: bytes) -> Any:
        """The accumulator with these bytes; raises ValueError when they are of another kind."""


class Integer:
    """Whole numbers of a fixed size, little endian. `encode` raises a rejection outside of their range."""

    def __init__(self, size: int):
        self.size = size
        self.bits = 8 * size

    def encode(self, value: int) -> bytes:
        try:
            return value.to_bytes(self.size, "little", signed=True)
        except OverflowError:
            raise Reject(f"the number does not fit {self.bits} bits") from None

    def decode(self, data: bytes) -> int:
        if len(data) != self.size:
            raise Reject(f"the value has {len(data)} bytes where {self.size} are expected")
        return int.from_bytes(data, "little", signed=True)

    def wrap(self, value: int) -> int:
        """The number that is left when higher bits are cut off."""
        half = 1 << (self.bits - 1)
        return ((value + half) & ((1 << self.bits) - 1)) - half


class _Bytes:
    encode = staticmethod(bytes)
    decode = staticmethod(bytes)


class _Text:
    encode = staticmethod(str.encode)
    decode = staticmethod(bytes.decode)


class _Json:
    """Objects with sorted keys, so that equal ones have equal bytes."""

    @staticmethod
    def encode(value: Any) -> bytes:
        return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()

    @staticmethod
    def decode(data: bytes) -> Any:
        return json.loads(data)


BYTES = _Bytes()
TEXT = _Text()
JSON = _Json()
I64 = Integer(8)
I128 = Integer(16)
