"""What an operator says of itself, and the settings that it takes."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Description:
    """The operator's `DESCRIPTION`."""

    # For people.
    name: str
    version: str = "0.1.0"
    # `transform` never changes a key and never makes rows of another key: the host needs no repartition topic before
    # a reduce. A wrong True gives wrong results.
    preserves_key: bool = False
    # Names the bytes of an accumulator, at most 256 bytes; whoever folds sets it. A module with the same string reads
    # the accumulators of another.
    state_schema: str = ""
    # Names the bytes of the values between transform and fold, at most 256 bytes.
    row_schema: str = ""


class Settings(dict[str, str]):
    """`[settings]` in host.toml, `--set name=value`. What these raise stops the start with its text."""

    def expect_only(self, *names: str) -> None:
        """Refuses settings that are not in `names`, so that a misspelt one is not ignored."""
        for name in self:
            if name not in names:
                there = f"are {', '.join(names)}" if names else "are none"
                raise ValueError(f"unknown setting `{name}`: there {there}")

    def number(self, name: str, default: int) -> int:
        """A setting that is a whole number."""
        text = self.get(name)
        try:
            return default if text is None else int(text)
        except ValueError:
            raise ValueError(f"setting `{name}` has the value `{text}`: it is no whole number") from None

    def flag(self, name: str, default: bool = False) -> bool:
        """A setting that is `true` or `false`."""
        text = self.get(name)
        if text not in (None, "true", "false"):
            raise ValueError(
                f"setting `{name}` has the value `{text}`: provided string was not `true` or `false`"
            )
        return default if text is None else text == "true"
