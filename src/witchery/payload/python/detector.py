"""Python applications: which interpreter they need, what they are made of, what does not run on Alpine.

Recognised by virtual environments, installed distributions, compiled modules, zip applications, and the
files at the top that start an application. What stands below `node_modules` belongs to Node. Rules stand
in `python_needs`, `python_checks`, `python_zip`, `venv` and `wheels`.
"""

from witchery.payload.findings import Report
from witchery.payload.options import ScanOptions
from witchery.payload.python import archives as python_zip
from witchery.payload.python import checks as python_checks
from witchery.payload.python import needs as python_needs
from witchery.payload.python import start as python_start
from witchery.payload.python import venv
from witchery.payload.python.facts import Facts, gather
from witchery.payload.python.needs import Runtime
from witchery.payload.python.tags import dotted
from witchery.payload.tree import Payload


def inspect(payload: Payload, options: ScanOptions) -> Report:  # noqa: ARG001 - every detector takes both
    """What of an application is Python.

    Raises:
        StorageError: if a file cannot be read.
    """
    facts = gather(payload)
    bundles = tuple(python_zip.bundles(payload))
    opaque = [python_zip.opaque(path) for path in bundles]
    opaque += [found for each in facts.archives for found in python_zip.findings(each)]
    kinds = ("PyInstaller bundle",) if bundles else ()
    if not facts.is_application and not facts.interpreters:
        return Report(kinds=kinds, findings=(*opaque, *facts.findings))
    runtime = python_needs.runtime(facts)
    wrong = [found for each in facts.venvs for found in venv.findings(payload, each)]
    return Report(
        kinds=(*kinds, _kind(facts, runtime)),
        needs=runtime.needs,
        findings=(
            *opaque,
            *facts.findings,
            *runtime.findings,
            *wrong,
            *python_checks.findings(payload, facts, runtime.version),
        ),
        programs=python_start.started(payload, facts, runtime),
        components=tuple(part for each in facts.everything for part in (each.component, *each.bundled)),
        environment=python_start.environment(payload, facts, runtime),
    )


def _kind(facts: Facts, runtime: Runtime) -> str:
    if runtime.own is not None:
        return f"Python {dotted(runtime.own.version)}, brought along"
    number = f" {dotted(runtime.version)}" if runtime.version else ""
    if facts.readable_archives and not facts.distributions and not facts.venvs:
        return f"Python{number} zip application"
    return f"Python{number} application"
