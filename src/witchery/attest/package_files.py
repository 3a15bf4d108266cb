"""The files of a package as its signed bytes have them, to hold the files of a layer against."""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from witchery.apk.adb import package as adb
from witchery.apk.archive import members
from witchery.apk.head import Head
from witchery.digest import Hashing
from witchery.errors import IntegrityError
from witchery.rootfs import tar
from witchery.rootfs.entry import Entry, Kind


class Fact(NamedTuple):
    """A file, folder or link of a package.

    Attributes:
        entry: As the package has it.
        sha256: Of the content of a file; of a hard link that of its file; empty for all else.
    """

    entry: Entry
    sha256: str = ""


def facts(head: Head, chunks: Iterable[bytes]) -> Mapping[str, Fact]:
    """What a package installs, by path.

    Args:
        head: The package's head.
        chunks: Its data segment; of version 3 the file.

    Raises:
        FormatError: if these are malformed.
        IntegrityError: if they are not what the head states.
    """
    stream = Hashing(chunks)
    found: dict[str, Fact] = {}
    for member in _members(head, stream):
        entry = member.entry
        if entry.kind is Kind.HARDLINK:
            file = found.get(entry.target)
            found[entry.path] = Fact(entry, file.sha256 if file else "")
        else:
            found[entry.path] = Fact(
                entry, Hashing(member.content).digest().hex if entry.kind is Kind.FILE else ""
            )
    expected, digest = head.datahash, stream.digest()
    if expected and digest != expected:
        raise IntegrityError(f"expected a data segment of {expected}, got {digest}")
    return found


def _members(head: Head, chunks: Iterator[bytes]) -> Iterator[tar.Member]:
    return members(chunks) if head.form == 2 else adb.members(chunks, head.control_segment)
