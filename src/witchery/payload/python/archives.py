"""Python applications in one file: zip archives with a `__main__.py` (PEP 441, PEX), PyInstaller's bundles.

An archive is listed and its metadata read. PyInstaller appends its own kind of archive to a program; its
last part begins with eight known bytes.

Rules: `opaque-bundle` (warning: something is packed inside that is not looked at).
"""

from collections.abc import Iterator
from typing import NamedTuple

from witchery.errors import FormatError
from witchery.payload.classify import FileKind
from witchery.payload.findings import Finding, Severity
from witchery.payload.python import wheels
from witchery.payload.python.tags import Extension, extension
from witchery.payload.python.wheels import Distribution, Files
from witchery.payload.tree import Payload, PayloadFile
from witchery.payload.zips import Zip

MAIN = "__main__.py"
_NAMES = (".pyz", ".pyzw", ".pex", ".zip")
_COOKIE = b"MEI\x0c\x0b\x0a\x0b\x0e"
_TAIL = 1 << 16
"""How far from the end the cookie may stand: section headers may follow it."""


class Archive(NamedTuple):
    """A Python application in a zip file.

    Attributes:
        path: The file.
        distributions: What it contains, where that says so; paths are `FILE!/MEMBER`.
        extensions: Compiled modules in it by such paths.
        fault: Why it cannot be read; then all else is empty.
    """

    path: str
    distributions: tuple[Distribution, ...] = ()
    extensions: tuple[tuple[str, Extension], ...] = ()
    fault: str = ""


def archives(payload: Payload) -> Iterator[Archive]:
    """The Python applications in zip files."""
    for each in payload:
        scripted = each.kind is FileKind.SCRIPT and b"\nPK\x03\x04" in each.head
        named = each.kind is FileKind.ZIP and (each.name.endswith(_NAMES) or "." not in each.name)
        if scripted or named:
            try:
                found = Zip.of(each.content)
            except FormatError as error:
                if scripted:
                    yield Archive(each.path, fault=error.message)
                continue
            if MAIN in found.members:
                yield _archive(each, found)


def findings(found: Archive) -> Iterator[Finding]:
    """What cannot be seen of an archive."""
    if found.fault:
        message = f"looks like a Python application in a zip file, and cannot be read: {found.fault}"
        yield Finding("opaque-bundle", Severity.WARNING, found.path, message)
    elif found.extensions:
        first = found.extensions[0][0].partition("!/")[2]
        yield Finding(
            "opaque-bundle",
            Severity.WARNING,
            found.path,
            f"holds compiled modules that are not looked into, such as `{first}`: what they need is not seen",
            (
                "Install the packages as files instead: `pip install --target DIR`.",
                "It unpacks them when it starts: it needs a folder that it may write to.",
            ),
        )


def bundles(payload: Payload) -> Iterator[str]:
    """The programs that PyInstaller made."""
    for path in payload.elves:
        content = payload.files[path].content
        begins = max(0, content.size - _TAIL)
        if _COOKIE in content.read_at(begins, content.size - begins):
            yield path


def opaque(path: str) -> Finding:
    """What is to be said of a program that PyInstaller made."""
    return Finding(
        "opaque-bundle",
        Severity.WARNING,
        path,
        "was made by PyInstaller: what is packed inside is not seen, neither what it needs nor what it is",
        (
            "Package the application as files, `pip install --target DIR`: then all of it is checked.",
            "It unpacks itself below /tmp when it starts, and needs to be able to write there.",
        ),
    )


def _archive(each: PayloadFile, found: Zip) -> Archive:
    start = f"{each.path}!/"
    shown = {start + name: name for name in found.members}
    extensions = [(path, made) for path in shown if (made := extension(path.rpartition("/")[2]))]
    files = Files(shown, {path for path, _ in extensions}, lambda path, limit: found.read(shown[path], limit))
    held, _ = wheels.distributions(files)
    return Archive(each.path, held, tuple(extensions))
