"""Asking every detector, and putting together what they say."""

from collections.abc import Callable

from witchery.payload.findings import Report, combined
from witchery.payload.options import ScanOptions
from witchery.payload.tree import Payload
from witchery.value import replace

Detector = Callable[[Payload, ScanOptions], Report]
"""Looks at an application for one kind of thing. It never raises for what it finds: that is a finding."""

DETECTORS: tuple[Detector, ...] = ()
"""All of them, in the order in which the kinds they find are told."""


def scan(payload: Payload, options: ScanOptions | None = None) -> Report:
    """Everything that can be said about an application without knowing any repository.

    Findings that its author has acknowledged are left out.

    Raises:
        StorageError: if a file cannot be read, or changed meanwhile.
    """
    options = options or ScanOptions()
    found = combined(tuple(detector(payload, options) for detector in DETECTORS))
    kept = tuple(
        each for each in found.findings if not any(known.covers(each) for known in options.acknowledged)
    )
    return replace(found, findings=kept)
