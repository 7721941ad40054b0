"""Write an operator for wasmhost in Python: what happens to one record, or how a value is folded into the state of its
key. The operator is a module `app.py`; README.md has a first one, `wasmhost.testing` runs one without Wasm."""

from .accumulators import BYTES, I64, I128, JSON, TEXT, Accumulator, Integer
from .description import Description, Settings
from .errors import Fatal, Reject, Retry
from .output import Output
from .records import Record, Value

__all__ = [
    "BYTES", "I64", "I128", "JSON", "TEXT", "Accumulator", "Description", "Fatal", "Integer", "Output", "Record",
    "Reject", "Retry", "Settings", "Value",
]
