"""Lines in the host's log. The host cuts a line at 1,024 bytes and drops more than 64 a second. In tests lines go to
the standard error stream; what is printed becomes log lines too."""

import sys


def _to_standard_error(level: str, text: str) -> None:
    print(f"{level}: {text}", file=sys.stderr)


# The component puts the host's own here.
write = _to_standard_error


def debug(text: str) -> None:
    """For whoever works on the operator."""
    write("debug", text)


def info(text: str) -> None:
    """Rare changes."""
    write("info", text)


def warn(text: str) -> None:
    """Odd, but handled."""
    write("warn", text)


def error(text: str) -> None:
    """Data or progress is lost."""
    write("error", text)
