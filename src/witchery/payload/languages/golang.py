"""Go programs: what they are made of, and what they look for at run time.

A static one needs nothing. Which parts of the standard library are linked stands in the table of functions,
which stripping leaves: their names prove that certificates are checked, or time zones looked up, only as far
as the program gets there. So they are suggestions.

Rules: `cgo` (note): the program uses the C library, and might do without.
"""

import re
from collections.abc import Iterator

from witchery.elf.file import Elf
from witchery.payload import sweep, wants
from witchery.payload.findings import Component, Evidence, Finding, Report, Severity, Suggestion
from witchery.payload.languages import buildinfo
from witchery.payload.languages.buildinfo import BuildInfo, Module
from witchery.payload.options import ScanOptions
from witchery.payload.purl import purl
from witchery.payload.tree import Payload

_VERSION = re.compile(r"\bgo([0-9]{1,3}\.[0-9]{1,3})(\.[0-9]{1,3}|rc[0-9]{1,3}|beta[0-9]{1,3})?")
_SOURCE = "Go build information"
_X509, _ZONE, _ZONES_INSIDE = b"crypto/x509.", b"time.LoadLocation\0", b"time/tzdata."
_MIME = b"mime.loadMimeFile\0"


def inspect(payload: Payload, _options: ScanOptions) -> Report:
    """What the Go programs among the files are made of, and may want."""
    kinds, findings = list[str](), list[Finding]()
    suggestions, components = list[Suggestion](), list[Component]()
    for path, elf in payload.elves.items():
        if not elf.header.loadable or not buildinfo.is_go(elf):
            continue
        info = buildinfo.read(elf)
        if elf.is_executable:
            kinds.append(_kind(elf, info))
        suggestions += _suggestions(path, elf)
        if info is None:
            continue
        components += _components(path, info)
        if info.settings.get("CGO_ENABLED") == "1" and not elf.is_static and elf.is_executable:
            message = "uses the C library (`CGO_ENABLED=1`)"
            hint = "If no package of it needs C, build it with `CGO_ENABLED=0`: then it needs no library."
            findings.append(Finding("cgo", Severity.NOTE, path, message, (hint,)))
    return Report(
        kinds=tuple(kinds),
        suggestions=tuple(suggestions),
        findings=tuple(findings),
        components=tuple(components),
    )


def _kind(elf: Elf, info: BuildInfo | None) -> str:
    number = _VERSION.search(info.go) if info else None
    words = ["Go", number[1] if number else "", "program", "(static)" if elf.is_static else ""]
    return " ".join(word for word in words if word)


def _suggestions(path: str, elf: Elf) -> Iterator[Suggestion]:
    linked = sweep.first(elf, (_X509, _ZONE, _ZONES_INSIDE, _MIME), buildinfo.functions(elf))
    if _X509 in linked:
        yield wants.certificates(Evidence(path, "has the Go package crypto/x509"))
    if _ZONE in linked and _ZONES_INSIDE not in linked:
        yield wants.time_zones(Evidence(path, "has the Go function time.LoadLocation"))
    if _MIME in linked:
        yield wants.media_types(Evidence(path, "has the Go package mime, with what reads /etc/mime.types"))


def _components(path: str, info: BuildInfo) -> Iterator[Component]:
    number = _VERSION.search(info.go)
    version = number[1] + (number[2] or "") if number else ""
    yield Component(purl("golang", "stdlib", version), "stdlib", version, path, _SOURCE)
    main = info.main or (Module(info.path, "") if info.path else None)
    for module in (*((main,) if main else ()), *info.modules):
        # The type's rules want names in lower case (purl specification, "golang").
        name = purl("golang", module.path.lower(), module.version)
        yield Component(name, module.path, module.version, path, _SOURCE)
