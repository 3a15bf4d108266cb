"""Show what asks for what in an image, from what was requested down.

SOURCE is an image (oci:DIR, an archive, rootfs:DIR, docker://REF), a lock (*.lock.json), or an application or
configuration, which is solved for and not built. What follows from a package stands once; `(*)` is where it
stands again. Behind each package are the bytes of its files, and what would leave with it.
"""

import argparse
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from witchery.cli import graph_documents, subjects
from witchery.cli import options as shared
from witchery.cli.console import Console

if TYPE_CHECKING:
    from witchery.build.graphing import Graphed
    from witchery.graph.graph import Step
    from witchery.graph.outline import Line

EXAMPLE = """\
example:
  witchery tree oci:app --depth 2
  witchery tree oci:app --reverse libcrypto3
  witchery tree witchery.yaml --dot | dot -Tsvg -o app.svg
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    subjects.add_subject(parser)
    parser.add_argument(
        "--reverse",
        metavar="WHAT",
        default="",
        help="from a package, library or command up to what asks for it",
    )
    parser.add_argument("--depth", metavar="N", type=_depth, help="how deep to go; 0 for the top alone")
    parser.add_argument("--dot", action="store_true", help="the graph in the language of Graphviz")
    subjects.add_ways(parser)
    shared.add_talk(parser)


def execute(options: argparse.Namespace, console: Console) -> int:
    """Shows it."""
    from witchery.errors import UsageError
    from witchery.graph import outline, target

    if options.dot and options.json:
        raise UsageError("one form at a time: `--dot` or `--json`")
    with subjects.opened(options, console) as opened:
        subject = graph_documents.graph_of(opened, console)
        graph = subject.graph
        if options.reverse:
            matches = target.named(options.reverse, graph)
            if not matches:
                graph_documents.missing(
                    options.reverse, subject, target.similar(options.reverse, graph), console
                )
                return 1
            lines = [line for each in matches for line in outline.upward(graph, each.name, options.depth)]
        else:
            lines = list(outline.downward(graph, options.depth))
    if options.json:
        console.document(_document(subject, lines, reverse=bool(options.reverse)))
    elif options.dot:
        console.result(_dot(subject, lines))
    else:
        _tell(subject, lines, console, upwards=bool(options.reverse))
    return 0


def _depth(text: str) -> int:
    if not text.isdecimal() or len(text) > 6:
        raise argparse.ArgumentTypeError("expected a number")
    return int(text)


def _tell(subject: "Graphed", lines: "list[Line]", console: Console, *, upwards: bool) -> None:
    from witchery.cli.console import printable
    from witchery.cli.rendering import counted_as, size
    from witchery.graph.dominance import Dominance

    packages, retained = subject.graph.packages, Dominance(subject.graph).sizes
    for line in lines:
        start = "".join("   " if last else "│  " for last in line.last[:-1])
        if line.last:
            start += "└─ " if line.last[-1] else "├─ "
        package = packages[line.name]
        own, held = size(package.installed_size), retained[line.name]
        counted = f"{own}, {size(held)} with it" if held != package.installed_size else own
        called = "the application" if line.name == subject.application else str(package)
        end = " (*)" if line.again else " ..." if line.cut else ""
        if upwards and subject.graph.requested(line.name):
            end = f" requested{end}"
        console.result(printable(f"{start}{called}{_for(line)}  {counted}{end}"))
    total = sum(each.installed_size for each in packages.values())
    console.say(f"{counted_as(len(packages), 'package')}, {size(total)}")


def _for(line: "Line") -> str:
    """What asked for a package, where its name does not say it."""
    from witchery.solver.solution import Cause

    if line.step is None:
        return ""
    named = ", ".join(map(str, line.step.dependencies))
    if line.step.cause is Cause.INSTALL_IF:
        return f" (goes with {named})"
    plain = named == line.step.target or line.step.cause is Cause.WORLD
    return "" if plain else f" ({named})"


def _steps(subject: "Graphed", lines: "list[Line]") -> "list[Step]":
    """The edges between packages that are shown, in order of both their names."""
    shown = {line.name for line in lines}
    found = (step for name in shown for step in subject.graph.into(name))
    return sorted(
        (step for step in found if step.source in shown or not step.source),
        key=lambda each: (each.source, each.target),
    )


def _document(subject: "Graphed", lines: "list[Line]", *, reverse: bool) -> dict[str, Any]:
    """The tree for a program: `dev.witchery.tree/1`."""
    from witchery.graph.dominance import Dominance

    dominance = Dominance(subject.graph)
    sizes, parents = dominance.sizes, dominance.parents
    depths: dict[str, int] = {}
    for line in lines:
        depths[line.name] = min(line.depth, depths.get(line.name, line.depth))
    return {
        "schema": "dev.witchery.tree/1",
        "subject": graph_documents.subject_document(subject),
        "direction": "up" if reverse else "down",
        "roots": list(dict.fromkeys(line.name for line in lines if not line.last)),
        "packages": [
            {
                "name": name,
                "version": subject.graph.packages[name].version,
                "size": subject.graph.packages[name].installed_size,
                "retained_size": sizes[name],
                "kept_by": parents[name],
                "depth": depth,
            }
            for name, depth in depths.items()
        ],
        "edges": [
            {
                "from": step.source,
                "to": step.target,
                "cause": step.cause.value,
                "dependencies": [str(each) for each in step.dependencies],
            }
            for step in _steps(subject, lines)
        ],
    }


def _dot(subject: "Graphed", lines: "list[Line]") -> str:
    """The graph as Graphviz reads it (https://graphviz.org/doc/info/lang.html)."""
    from witchery.cli.rendering import size

    packages: Mapping[str, Any] = subject.graph.packages
    written = [
        "digraph packages {",
        "  node [shape=box];",
        f"  {_quoted('')} [label={_quoted('requested')}];",
    ]
    for name in dict.fromkeys(line.name for line in lines):
        label = f"{packages[name]}\n{size(packages[name].installed_size)}"
        written.append(f"  {_quoted(name)} [label={_quoted(label)}];")
    for step in _steps(subject, lines):
        label = "\n".join(str(each) for each in step.dependencies if str(each) != step.target)
        style = ", style=dashed" if step.cause.value == "install_if" else ""
        written.append(f"  {_quoted(step.source)} -> {_quoted(step.target)} [label={_quoted(label)}{style}];")
    return "\n".join([*written, "}"])


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{"".join(each if each.isprintable() else "?" for each in escaped)}"'
