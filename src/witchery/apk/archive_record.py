"""An `Archive` written down, so that a package is inflated once and never again.

What a key vouches for stands in it as bytes: the signature and control segments. What follows from the data
segment (its tar digest, the list of its files) was true when the segment was read and checked; a record is
only as good as the place that keeps it, and a keeper guards it by a digest of its own.
"""

from base64 import b64decode, b64encode
from typing import Any

from witchery import canonical
from witchery.apk.archive import Archive
from witchery.apk.head import read_control
from witchery.digest import Digest
from witchery.errors import FormatError, IntegrityError
from witchery.rootfs.entry import Entry, Kind

FORMAT = 1
"""Raised when the meaning of a record changes; a record of another format is not read."""

_KINDS = {kind.value: kind for kind in Kind}


def encode(archive: Archive) -> bytes:
    """The record of an archive."""
    if archive.form == 3:
        return canonical.encode(
            {
                "format": FORMAT,
                "form": 3,
                "signature": b64encode(archive.signature_segment).decode(),
                "control": b64encode(archive.control_segment).decode(),
                "data": str(archive.data),
                "data_size": archive.data_size,
            }
        )
    return canonical.encode(
        {
            "format": FORMAT,
            "signature": b64encode(archive.signature_segment).decode(),
            "control": b64encode(archive.control_segment).decode(),
            "data": str(archive.data),
            "data_size": archive.data_size,
            "diff_id": str(archive.diff_id),
            "data_unpacked": archive.data_unpacked,
            "entries": [_row(entry) for entry in archive.entries],
            "hidden": archive.hidden,
            "oddities": archive.oddities,
            **({"file": str(archive.file)} if archive.file else {}),
        }
    )


def decode(record: bytes) -> Archive:
    """Reads a record.

    Raises:
        FormatError: if it is no record of this format.
        IntegrityError: if its control segment names another data segment.
    """
    document = canonical.decode(record, "package record")
    try:
        if document["format"] != FORMAT:
            raise FormatError("another format", where=["package record"])
        control_segment = b64decode(document["control"], validate=True)
        if document.get("form") == 3:
            return _decode_v3(document, control_segment)
        control = read_control(control_segment)
        data = Digest.parse(document["data"])
        if data.hex != control.info.datahash:
            raise IntegrityError(
                "names another data segment than its control segment", where=["package record"]
            )
        return Archive(
            signature_segment=b64decode(document["signature"], validate=True),
            control_segment=control_segment,
            data=data,
            data_size=document["data_size"],
            diff_id=Digest.parse(document["diff_id"]),
            data_unpacked=document["data_unpacked"],
            info=control.info,
            scripts=control.scripts,
            entries=tuple(_entry(row) for row in document["entries"]),
            hidden=tuple(document["hidden"]),
            oddities=tuple(document["oddities"]),
            file=Digest.parse(document["file"]) if "file" in document else None,
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise FormatError("malformed", where=["package record"]) from error


def _decode_v3(document: dict[str, Any], payload: bytes) -> Archive:
    """The ADB block says all of a package but for what its file is."""
    from witchery.apk.adb import package

    return package.archive(
        payload,
        signature_segment=b64decode(document["signature"], validate=True),
        data=Digest.parse(document["data"]),
        data_size=document["data_size"],
    )


def _row(entry: Entry) -> list[Any]:
    """An entry as a row: what nearly all have in common is left out at its end."""
    kind, path = entry.kind.value, _text(entry.path)
    row = [path, kind, entry.mode, entry.mtime, entry.size, _text(entry.target), entry.checksum.hex()]
    owner = [entry.uid, entry.gid, entry.uname, entry.gname]
    xattrs = [[name, b64encode(value).decode()] for name, value in entry.xattrs]
    if xattrs:
        return [*row, *owner, xattrs]
    return row if owner == [0, 0, "root", "root"] else [*row, *owner]


def _entry(row: list[Any]) -> Entry:
    path, kind, mode, mtime, size, target, checksum = row[:7]
    uid, gid, uname, gname = row[7:11] or (0, 0, "root", "root")
    xattrs = tuple((name, b64decode(value)) for name, value in row[11]) if len(row) > 11 else ()
    return Entry(
        _path(path),
        _KINDS[kind],
        mode,
        uid,
        gid,
        uname,
        gname,
        mtime,
        size,
        _path(target),
        xattrs,
        bytes.fromhex(checksum),
    )


def _text(path: str) -> str:
    """A path as JSON can hold it: bytes that are not UTF-8 have no place there."""
    return path if path.isascii() else "\0" + path.encode("utf-8", "surrogateescape").hex()


def _path(text: str) -> str:
    return bytes.fromhex(text[1:]).decode("utf-8", "surrogateescape") if text.startswith("\0") else text
