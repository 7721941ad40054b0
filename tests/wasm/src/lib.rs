//! Tests of the sandbox with real guests; all of it is in `tests/`.
