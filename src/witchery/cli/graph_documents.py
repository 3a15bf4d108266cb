"""What `why` and `tree` share: the graph of a subject, what is said of it, and of what is not in it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from witchery.cli.console import Console

if TYPE_CHECKING:
    from witchery.build.graphing import Graphed
    from witchery.build.subjects.subject import Subject


def graph_of(subject: "Subject", console: Console) -> "Graphed":
    """The packages of a subject as a graph; a person is told what there is to know of it.

    Raises:
        WitcheryError: as `witchery.build.graphing.graphed`.
    """
    from witchery.build.graphing import graphed

    found = graphed(subject)
    for warning in found.warnings:
        console.warn(warning)
    return found


def missing(text: str, subject: "Graphed", similar: Sequence[str], console: Console) -> None:
    """Says that something is not there, and what is that looks like it."""
    console.object(f"not in {subject.name}: `{text}`")
    if similar:
        names = ", ".join(f"`{each}`" for each in similar)
        console.say(f"{console.styled('hint', '  hint:')} there is {names}")


def subject_document(subject: "Graphed") -> dict[str, Any]:
    """What was asked about, for a program."""
    return {
        "name": subject.name,
        "kind": subject.kind,
        "arch": subject.arch.apk,
        "digest": subject.digest,
        "application": subject.application,
        "packages": len(subject.graph),
        "size": sum(each.installed_size for each in subject.graph.packages.values()),
        "unmet": [
            {"package": each.package, "dependency": str(each.dependency)} for each in subject.graph.unmet
        ],
        "warnings": list(subject.warnings),
    }
