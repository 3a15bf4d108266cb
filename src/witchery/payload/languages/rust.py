"""Rust programs: told by the paths that the compiler leaves in panics, and by what `cargo auditable` adds.

Source: cargo-auditable, "Format": the section `.dep-v0` holds a zlib stream (RFC 1950) of JSON, an object
with `packages`, each with `name`, `version`, `source` and `kind` (`build` for what was only used to build).

Rules: `broken-dep-v0` (note): that list cannot be read.
"""

import re
from collections.abc import Iterator
from typing import Any

from witchery import canonical, codec
from witchery.elf.file import Elf
from witchery.errors import FormatError
from witchery.payload import sweep
from witchery.payload.findings import Component, Finding, Report, Severity
from witchery.payload.options import ScanOptions
from witchery.payload.purl import purl
from witchery.payload.tree import Payload

SECTION = ".dep-v0"
MAX_LIST = 1 << 24
"""How long a list of packages may be, in bytes, inflated."""
MAX_PACKAGES = 20_000
_COMMIT = re.compile(rb"/rustc/[0-9a-f]{40}[/\\]")
_COMMENT = re.compile(rb"rustc version ([0-9]{1,3}\.[0-9]{1,3})")
_MAX_COMMENT = 1 << 16
_SOURCE = "list by cargo auditable"


def inspect(payload: Payload, _options: ScanOptions) -> Report:
    """What the Rust programs among the files are made of."""
    kinds, findings, components = list[str](), list[Finding](), list[Component]()
    for path, elf in payload.elves.items():
        if not elf.header.loadable:
            continue
        listed = elf.section(SECTION)
        if listed is not None:
            try:
                components += _components(
                    path, bytes(elf.content(listed)) if listed.size <= MAX_LIST else b""
                )
            except FormatError as error:
                message = f"its list of Rust packages cannot be read: {error}"
                findings.append(Finding("broken-dep-v0", Severity.NOTE, path, message))
        if elf.is_executable and (listed is not None or is_rust(elf)):
            version = _comment(elf)
            words = ["Rust", version, "program", "(static)" if elf.is_static else ""]
            kinds.append(" ".join(word for word in words if word))
    return Report(kinds=tuple(kinds), findings=tuple(findings), components=tuple(components))


def is_rust(elf: Elf) -> bool:
    """Whether a file was made by the Rust compiler, as far as it tells.

    Raises:
        StorageError: if it cannot be read.
    """
    if elf.section(SECTION) is not None or _comment(elf):
        return True
    return any(_COMMIT.search(piece) for _, piece in sweep.pieces(elf, sweep.constants(elf)))


def _comment(elf: Elf) -> str:
    """The compiler's version, where the section for comments has it."""
    section = elf.section(".comment")
    if section is None or section.size > _MAX_COMMENT:
        return ""
    try:
        found = _COMMENT.search(bytes(elf.content(section)))
    except FormatError:
        return ""
    return found[1].decode() if found else ""


def _components(path: str, raw: bytes) -> Iterator[Component]:
    document = canonical.decode(_inflated(raw))
    packages: Any = document.get("packages") if isinstance(document, dict) else None
    if not isinstance(packages, list):
        raise FormatError("expected an object with `packages`")
    if len(packages) > MAX_PACKAGES:
        raise FormatError(f"more than {MAX_PACKAGES} packages")
    for each in packages:
        if not isinstance(each, dict) or each.get("kind") == "build":
            continue
        name, version = each.get("name"), each.get("version")
        if isinstance(name, str) and isinstance(version, str) and name:
            yield Component(purl("cargo", name, version), name, version, path, _SOURCE)


def _inflated(raw: bytes) -> bytes:
    """The content of a zlib stream, after its header (RFC 1950 2.2: method 8, a multiple of 31)."""
    if len(raw) < 6 or raw[0] & 15 != 8 or (raw[0] << 8 | raw[1]) % 31 or raw[1] & 0x20:
        raise FormatError("expected a zlib stream")
    return codec.inflate(raw[2:], MAX_LIST)
