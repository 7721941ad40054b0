"""How an operator says no: to one record, or to the whole call."""


class Reject(ValueError):
    """Refuses this record (or value) with a reason; the rest of the batch goes on. By default the host writes the
    record to the dead-letter topic. `ValueError` and `LookupError`, as `int(text)` and `fields["name"]` raise them, do
    the same: data that cannot be read is the record's fault. Any other exception ends the instance."""


class Retry(Exception):
    """Asks for the same batch again, on a fresh instance, a bounded number of times."""


class Fatal(Exception):
    """Stops the application with this message; nothing of the batch is committed."""


# What refuses a record.
REJECTIONS = (ValueError, LookupError)


def reason(error: BaseException) -> str:
    """The words of an exception: a KeyError has only the key."""
    return f"there is no {error}" if isinstance(error, KeyError) else str(error) or type(error).__name__
