"""Asking every detector, and putting together what they say."""

from collections.abc import Callable, Sequence

from witchery.payload import hints, outside
from witchery.payload.findings import Finding, Report, combined
from witchery.payload.languages import dotnet, golang, java, perl, php, ruby, rust, shell, static
from witchery.payload.lint import detector as lint
from witchery.payload.native import detector as native
from witchery.payload.node import detector as node
from witchery.payload.options import ScanOptions
from witchery.payload.python import detector as python
from witchery.payload.scripts import detector as scripts
from witchery.payload.tree import Payload
from witchery.value import replace

Detector = Callable[[Payload, ScanOptions], Report]
"""Looks at an application for one kind of thing. It never raises for what it finds: that is a finding."""

DETECTORS: tuple[Detector, ...] = (
    python.inspect,
    node.inspect,
    java.inspect,
    dotnet.inspect,
    ruby.inspect,
    php.inspect,
    perl.inspect,
    golang.inspect,
    rust.inspect,
    native.inspect,
    scripts.inspect,
    shell.inspect,
    static.inspect,
    hints.inspect,
    outside.inspect,
    lint.inspect,
)
"""All of them, in the order in which the kinds they find are told."""


def scan(payload: Payload, options: ScanOptions | None = None, seen: Sequence[Finding] = ()) -> Report:
    """Everything that can be said about an application without knowing any repository.

    Findings that its author has acknowledged are left out.

    Args:
        payload: The application.
        options: What its author lets pass, or wants done.
        seen: What was found already when it was read.

    Raises:
        StorageError: if a file cannot be read, or changed meanwhile.
    """
    options = options or ScanOptions()
    reports = tuple(detector(payload, options) for detector in DETECTORS)
    found = combined((Report(findings=tuple(seen)), *reports))
    return replace(found, findings=options.kept(found.findings))
