"""Show what a configuration means: merged with all it includes, and the packages it comes to.

Nothing is built; the indexes are fetched and the world is solved. With `--schema` the JSON schema of
configuration files is printed, for editors.
"""

import argparse
from typing import TYPE_CHECKING, Any

from witchery.cli import options as shared
from witchery.cli.console import Console

if TYPE_CHECKING:
    from witchery.build.request import Request
    from witchery.solver.solution import Reason, Solution

EXAMPLE = "example:\n  witchery show witchery.yaml --packages"


def configure(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    shared.add_source(parser, optional=True)
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--config", action="store_true", help="only the merged configuration")
    what.add_argument("--packages", action="store_true", help="only the packages, in apk's order")
    what.add_argument("--schema", action="store_true", help="print the JSON schema of configurations")
    shared.add_packages(parser)
    shared.add_trust(parser)
    shared.add_talk(parser)


def execute(options: argparse.Namespace, console: Console) -> int:
    """Shows it."""
    from witchery.cli.request import open_request
    from witchery.cli.workshop import open_workshop
    from witchery.errors import UsageError

    if options.schema:
        from witchery.config.schema import json_schema

        console.document(json_schema())
        return 0
    if not options.source:
        raise UsageError("no configuration is named", hint="witchery show witchery.yaml")
    request = open_request(options)
    for note in request.notes:
        console.note(note)
    solution = None
    if not options.config:
        from witchery.build.image import plan

        solution = plan(request, open_workshop(options, console)).resolution.solution
    if options.json:
        console.document(_document(request, solution, with_config=not options.packages))
        return 0
    if not options.packages:
        from witchery.config.encode import to_yaml

        console.result(to_yaml(request.config).rstrip())
    if solution:
        if not options.packages:
            console.result("---")
        for selected in solution.packages:
            console.result(str(selected.package))
    return 0


def _document(request: "Request", solution: "Solution | None", *, with_config: bool) -> dict[str, Any]:
    found: dict[str, Any] = {"schema": "dev.witchery.show/1", "arch": request.arch.apk}
    if with_config:
        from witchery.config.encode import document

        found["config"] = document(request.config)
    if solution:
        found["packages"] = [
            {
                "name": selected.package.name,
                "version": selected.package.version,
                "repository": str(selected.source),
                "reasons": [_reason(reason) for reason in selected.reasons],
            }
            for selected in solution.packages
        ]
    return found


def _reason(reason: "Reason") -> dict[str, Any]:
    return {
        "cause": reason.cause.value,
        "dependencies": [str(dependency) for dependency in reason.dependencies],
        "packages": list(reason.packages),
    }
