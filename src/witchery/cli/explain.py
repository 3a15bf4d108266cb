"""Why layers are what they are, and what became of scripts, in columns."""

from typing import TYPE_CHECKING

from witchery.cli.console import Console
from witchery.cli.rendering import size, table

if TYPE_CHECKING:
    from witchery.build.image import Built


def explain_layers(built: "Built", console: Console) -> None:
    """A line for each layer, the lowest first."""
    rows = []
    for row, layer in zip(built.composition.explain(), built.image.layers, strict=True):
        names = ", ".join(row.packages) if len(row.packages) < 4 else f"{len(row.packages)} packages"
        why = "; ".join(row.reasons)
        rows.append((row.kind, size(layer.descriptor.size), str(layer.descriptor.digest)[:19], names, why))
    console.say(table(rows, right=(1,)))


def explain_scripts(built: "Built", console: Console) -> None:
    """A line for each script of a package, and for each dependency on a shell that was dropped."""
    rows = [
        (row.package, row.script, row.verdict.value, "; ".join((*row.effects, *filter(None, [row.reason]))))
        for row in built.effects.scripts
    ]
    console.say(table(rows) if rows else "no package of the image has a script")
    for verdict in built.gathered.verdicts:
        console.say(str(verdict))
