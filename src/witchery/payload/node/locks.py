"""Lock files of npm, versions 1 to 3 (npm, "package-lock.json"): the digests of what is installed.

`node_modules/.package-lock.json` is what npm itself wrote down of what is there, and goes before the others.
Digests are those of the archives that npm fetched, as Subresource Integrity writes them.
"""

from base64 import b64decode
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from witchery.payload import programs
from witchery.payload.findings import Finding
from witchery.payload.node.npm import document, table, text
from witchery.payload.tree import Payload

MAX_ENTRIES = 100_000
"""How many packages of a lock file are read."""
_LIMIT = 1 << 26
_FILES = ("node_modules/.package-lock.json", "npm-shrinkwrap.json", "package-lock.json")
_SIZES = {"sha1": 20, "sha256": 32, "sha384": 48, "sha512": 64}


class Locked(NamedTuple):
    """What a lock says of a package.

    Attributes:
        version: Its version.
        digests: Of its archive: (`sha512`, hexadecimal) pairs.
        is_dev: Whether only its author needs it, not the application when it runs.
    """

    version: str
    digests: tuple[tuple[str, str], ...]
    is_dev: bool


def locked(payload: Payload) -> tuple[Mapping[str, Locked], tuple[Finding, ...]]:
    """What the lock file says, by the folders of packages in the image, and whether it could not be read."""
    findings: list[Finding] = []
    for name in _FILES:
        path = programs.inside(payload, name)
        if path in payload.files and payload.files[path].is_file:
            read = document(payload, path, _LIMIT, findings)
            return {programs.inside(payload, key): each for key, each in _entries(read)}, tuple(findings)
    return {}, ()


def _entries(lock: Mapping[str, Any]) -> Iterator[tuple[str, Locked]]:
    found = table(lock.get("packages"))
    if found:
        for number, (path, each) in enumerate(found.items()):
            if path and number < MAX_ENTRIES:
                yield path, _locked(table(each))
        return
    left = [("", lock)]
    count = 0
    while left and count < MAX_ENTRIES:
        above, each = left.pop()
        for name, inner in table(each.get("dependencies")).items():
            path = f"{above}node_modules/{name}"
            count += 1
            if isinstance(inner, dict) and len(path) < 4096:
                yield path, _locked(inner)
                left.append((f"{path}/", inner))


def _locked(each: Mapping[str, Any]) -> Locked:
    return Locked(
        text(each.get("version")),
        tuple(_digests(text(each.get("integrity")))),
        each.get("dev") is True,
    )


def _digests(integrity: str) -> Iterator[tuple[str, str]]:
    """Subresource Integrity, section 3.5: `ALGORITHM-BASE64`, several separated by blanks."""
    for part in integrity[:2000].split():
        algorithm, _, value = part.partition("?")[0].partition("-")
        try:
            raw = b64decode(value, validate=True)
        except ValueError:
            continue
        if len(raw) == _SIZES.get(algorithm):
            yield algorithm, raw.hex()
