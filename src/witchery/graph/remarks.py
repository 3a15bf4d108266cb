"""What is in an image by accident: nobody who uses it asks for it.

Images have broken by it. In 2021 Alpine's base had the list of certificate authorities because one program of
the base depended on it; others used the list, and said so nowhere. When that one dependency went, so did the
list. What can be seen of such a case:

* who uses something: a program that mentions the list's path, or opens a library by name (see
  `witchery.payload.hints`);
* whether any way of dependencies leads from the user to it, and what else keeps it.

Using something unseen (a path made at run time, a library that finds it for a program) cannot be seen, so the
absence of a remark proves nothing.
"""

from collections.abc import Iterable, Iterator
from enum import Enum
from typing import NamedTuple

from witchery.apk.dependency import Dependency
from witchery.graph.graph import WORLD, Graph
from witchery.graph.paths import ancestors
from witchery.solver.solution import Cause


class Topic(Enum):
    """What is remarkable about a package."""

    UNASKED = "nothing-asks"
    CONDITION = "condition-only"
    UNSTATED = "unstated-use"


class Use(NamedTuple):
    """Something that a file seems to use.

    Attributes:
        package: Whose file it is.
        path: The file.
        what: What in it shows it: `mentions /etc/ssl/certs`.
        dependency: What would have to be asked for.
    """

    package: str
    path: str
    what: str
    dependency: str

    def __str__(self) -> str:
        return f"`{self.package}` ({self.path}: {self.what})"


class Remark(NamedTuple):
    """Something to know about why a package is there.

    Attributes:
        topic: Of which kind.
        message: In a sentence without a final stop.
        uses: The uses that it is about.
    """

    topic: Topic
    message: str
    uses: tuple[Use, ...] = ()


def remarks(graph: Graph, name: str, keeper: str, uses: Iterable[Use] = ()) -> Iterator[Remark]:
    """What is remarkable about why a package is there.

    Args:
        graph: The packages.
        name: The package.
        keeper: The closest other package without which it would not be there; `WORLD` for none.
        uses: What files of the image seem to use.
    """
    if graph.requested(name):
        return
    reasons = graph.reasons[name]
    if name in graph.unasked:
        yield Remark(Topic.UNASKED, "nothing that was requested leads to it")
    elif all(each.cause is Cause.INSTALL_IF for each in reasons):
        yield Remark(
            Topic.CONDITION, "nothing depends on it: it came along because of what else is there (install_if)"
        )
    if keeper == WORLD:
        return
    stated = ancestors(graph, [name])
    found = sorted(
        {use for use in uses if use.package not in stated and _meets(graph, name, use)}, key=_order
    )
    if found:
        users = dict.fromkeys(f"`{use.package}`" for use in found)
        who = next(iter(users)) if len(users) == 1 else f"{len(users)} packages"
        seem = "seems to use it and does" if len(users) == 1 else "seem to use it and do"
        message = f"{who} {seem} not ask for it; it is there only because of `{keeper}`"
        yield Remark(Topic.UNSTATED, message, tuple(found))


def _order(use: Use) -> tuple[object, ...]:
    """By package, what is mentioned before what is only linked."""
    return use.package, not use.what.startswith("mentions"), use.path, use.what


def _meets(graph: Graph, name: str, use: Use) -> bool:
    wanted = Dependency.parse_record(use.dependency)
    return bool(graph.packages[name].offers(wanted.name))
