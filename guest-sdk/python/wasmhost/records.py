"""What an operator sees of a batch: one record or value at a time."""

import json
from typing import Any

from .errors import Reject


class Record:
    """One record of the input. `key` and `value` are bytes, or None when they are null; `timestamp` counts milliseconds
    since the Unix epoch; `topic`, `partition` and `offset` say where it was read."""

    __slots__ = ("key", "value", "timestamp", "topic", "partition", "offset", "_headers", "_row")

    def data(self) -> bytes:
        """The value's bytes; a null is rejected."""
        if self.value is None:
            raise Reject("the value is null")
        return self.value

    def text(self) -> str:
        """The value as text; a null, and what is not UTF-8, is rejected."""
        try:
            return self.data().decode()
        except UnicodeDecodeError:
            raise Reject("the value is not UTF-8") from None

    def json(self) -> Any:
        """The value read as JSON; what is none is rejected."""
        try:
            return json.loads(self.text())
        except json.JSONDecodeError as error:
            raise Reject(f"the value is not JSON: {error}") from None

    def headers(self) -> list[tuple[str, bytes | None]]:
        """Names and values in the record's order; a name may occur twice."""
        return self._headers(self._row) if self._headers else []


class Value:
    """One value to be folded into the accumulator of its key. `key` and `data` are bytes, `timestamp` counts
    milliseconds since the Unix epoch."""

    __slots__ = ("key", "data", "timestamp")

    def text(self) -> str:
        """The bytes as text; what is not UTF-8 is rejected."""
        try:
            return self.data.decode()
        except UnicodeDecodeError:
            raise Reject("the value is not UTF-8") from None

    def json(self) -> Any:
        """The bytes read as JSON; what is none is rejected."""
        try:
            return json.loads(self.data)
        except ValueError as error:
            raise Reject(f"the value is not JSON: {error}") from None
