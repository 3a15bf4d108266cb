"""Finding what matters by leaving out the rest."""

from collections.abc import Callable, Sequence
from typing import TypeVar

T = TypeVar("T")


def smallest(everything: Sequence[T], still: Callable[[list[T]], bool]) -> list[T]:
    """A part for which `still` holds, as it does for everything, but of which nothing can be left out.

    Halves are tried before singles, so that little is asked where little matters.
    """
    items = list(everything)
    size = max(1, len(items) // 2)
    while True:
        start = 0
        while start < len(items):
            rest = items[:start] + items[start + size :]
            if len(rest) < len(items) and still(rest):
                items = rest
            else:
                start += size
        if size == 1:
            return items
        size = max(1, size // 2)
