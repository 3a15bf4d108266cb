"""Packages of npm as `node_modules` holds them (npm documentation, "package.json" and "folders").

Rules: `package-json` (note: a `package.json` or a lock file cannot be read).
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from witchery import canonical
from witchery.errors import FormatError
from witchery.payload import programs
from witchery.payload.findings import Finding, Severity
from witchery.payload.tree import Payload

MAX_PACKAGES = 50_000
"""How many packages are looked at."""
_MANIFEST_LIMIT = 1 << 21
_INSTALLED = re.compile(r"((?:.*/)?node_modules/((?:@[^/]+/)?[^/@.][^/]*))/package\.json")
_NAME = re.compile(r"(?:@[a-zA-Z0-9._~-]{1,100}/)?[a-zA-Z0-9._~-]{1,214}")
_BOM = b"\xef\xbb\xbf"


class NodePackage(NamedTuple):
    """A package, or the application itself.

    Attributes:
        path: Its `package.json`.
        folder: What holds that.
        name: What it is called.
        version: Its version, or an empty string.
        manifest: All that the `package.json` says.
    """

    path: str
    folder: str
    name: str
    version: str
    manifest: Mapping[str, Any]

    @property
    def engine(self) -> str:
        """Which versions of Node it takes, as it says, or an empty string."""
        return text(table(self.manifest.get("engines")).get("node"))

    def listed(self, name: str) -> tuple[str, ...]:
        """A field that is a word or several: `os`, `cpu`, `libc`."""
        value = self.manifest.get(name)
        found = value if isinstance(value, list) else [value]
        return tuple(each for each in found[:100] if isinstance(each, str))


class Packages(NamedTuple):
    """All packages in an application.

    Attributes:
        root: The application's own `package.json`, if it has one.
        installed: Those below a `node_modules`, by folder.
        findings: What could not be read.
    """

    root: NodePackage | None
    installed: Mapping[str, NodePackage]
    findings: tuple[Finding, ...]

    def owner(self, path: str) -> NodePackage | None:
        """The package that a file belongs to."""
        folder = path
        while folder:
            folder = folder.rpartition("/")[0]
            if folder in self.installed:
                return self.installed[folder]
        return self.root


def packages(payload: Payload) -> Packages:
    """Reads the `package.json` of the application and of all that is installed."""
    findings: list[Finding] = []
    installed: dict[str, NodePackage] = {}
    for each in payload:
        found = _INSTALLED.fullmatch(each.path) if each.name == "package.json" and each.is_file else None
        if found and len(installed) < MAX_PACKAGES:
            manifest = document(payload, each.path, _MANIFEST_LIMIT, findings)
            installed[found[1]] = _package(each.path, found[1], found[2], manifest)
    folder = programs.inside(payload, "")
    path = programs.inside(payload, "package.json")
    root = None
    if path in payload.files and payload.files[path].is_file:
        manifest = document(payload, path, _MANIFEST_LIMIT, findings)
        root = _package(path, folder, payload.name, manifest)
    return Packages(root, installed, tuple(findings))


def document(payload: Payload, path: str, limit: int, findings: list[Finding]) -> dict[str, Any]:
    """A JSON object; an empty one, and a finding, where there is none. npm too skips a byte order mark."""
    try:
        value = canonical.decode(payload.files[path].read(limit).removeprefix(_BOM))
    except FormatError as error:
        findings.append(Finding("package-json", Severity.NOTE, path, f"cannot be read: {error.message}"))
        return {}
    return table(value)


def text(value: object) -> str:
    """The value where it is text, or an empty string."""
    return value if isinstance(value, str) else ""


def table(value: object) -> dict[str, Any]:
    """The value where it is an object, or an empty one."""
    return value if isinstance(value, dict) else {}


def resolved(payload: Payload, folder: str, name: str) -> str | None:
    """The file that Node runs for a path in a package; None where there is none (Node, "LOAD_AS_FILE")."""
    start = f"{folder}/{name}" if folder else name
    for end in ("", ".js", ".mjs", ".cjs", "/index.js", "/index.mjs", "/index.cjs"):
        found = payload.locate(start.rstrip("/") + end)
        if found is not None and payload.files[found].is_file:
            return found
    return None


def names(package: NodePackage, field: str) -> Iterator[str]:
    """The names in a table of dependencies."""
    yield from table(package.manifest.get(field))


def _package(path: str, folder: str, called: str, manifest: Mapping[str, Any]) -> NodePackage:
    name, version = text(manifest.get("name")), text(manifest.get("version"))
    plain = version.isprintable() and len(version) < 200
    return NodePackage(
        path, folder, name if _NAME.fullmatch(name) else called, version if plain else "", manifest
    )
