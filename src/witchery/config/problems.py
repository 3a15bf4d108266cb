"""Problems of a configuration, collected with their places and raised together."""

from typing import NamedTuple

from witchery.config.values import redacted
from witchery.errors import ConfigError

_AT_MOST = 100


class Place(NamedTuple):
    """A place in a file; lines and columns count from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


class Problems:
    """What was found so far."""

    def __init__(self) -> None:
        self._found: dict[str, Place] = {}

    def add(self, place: Place, path: str, message: str) -> None:
        """Notes a problem of the value at `path`, such as `contents.packages[3]`, without credentials."""
        where = f"{place}: {path}" if path else str(place)
        self._found[redacted(f"{where}: {message}")] = place

    def raise_if_any(self) -> None:
        """Raises what was found, in the order of the lines of each file.

        Raises:
            ConfigError: if there is any problem.
        """
        if self._found:
            files = list(dict.fromkeys(place.file for place in self._found.values()))
            lines = sorted(self._found, key=lambda line: _order(files, self._found[line]))
            rest = len(lines) - _AT_MOST
            raise ConfigError(lines[:_AT_MOST] + ([f"and {rest} more problems"] if rest > 0 else []))


def _order(files: list[str], place: Place) -> tuple[int, int, int]:
    return files.index(place.file), place.line, place.column


def below(path: str, step: str | int) -> str:
    """The path one step further in: `contents` and `packages`, then 3, give `contents.packages[3]`."""
    if isinstance(step, int):
        return f"{path}[{step}]"
    return f"{path}.{step}" if path else step
