"""What can be wrong between values that are right one by one."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple


class Fault(NamedTuple):
    """Something wrong between values that are right one by one.

    Attributes:
        path: Keys and positions that lead from the value asked to the culprit.
        message: What is wrong with it.
    """

    path: tuple[str | int, ...]
    message: str


def repeated(what: str, key: str, found: Iterable[object], *below: str) -> Iterator[Fault]:
    """Finds the second and later occurrences of a value in the list under `key`."""
    seen: dict[object, int] = {}
    for position, value in enumerate(found):
        first = seen.setdefault(value, position)
        if first != position:
            yield Fault(
                (key, position, *below), f"the {what} is given twice, here and in `{key}[{first}]`: `{value}`"
            )
