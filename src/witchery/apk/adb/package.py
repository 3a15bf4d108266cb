"""A package of version 3: what it says, and what is in its data blocks.

    .apk = ADB file of the schema "pckg": ADB block, signatures, a data block for each file with content

`read` takes a package as it arrives, once, as `witchery.apk.archive.read` does for version 2. It is kept as
it is, whole: its compression goes over all blocks, so none can be had alone. Checked are, from outside in:

* the form of the file, of every block and of every value;
* the unique id of the package, which is a hash of its ADB block;
* that there is a data block for every file, in their order, of their size, and that each has its file's hash.

The ADB block has every hash, and its own names the package in an index and is what signatures cover.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from witchery.apk.adb import files, schema, signature
from witchery.apk.adb.container import MAX_SIGNATURE, PACKAGE, Block, Kind, Reader, split
from witchery.apk.adb.values import Adb, Record
from witchery.apk.archive import Archive
from witchery.apk.data_segment import MAX_DATA
from witchery.apk.head import Script
from witchery.apk.pkginfo import PackageInfo
from witchery.apk.signature import Signature
from witchery.digest import Digest
from witchery.errors import FormatError, IntegrityError, Refused, located
from witchery.rootfs import tar
from witchery.rootfs.entry import Kind as EntryKind
from witchery.value import replace

MAX_ADB = 1 << 26
"""The longest ADB block of a package, in bytes; a package of 100,000 files has one of 10 MB."""

_SCRIPTS = (
    ".trigger",
    ".pre-install",
    ".post-install",
    ".pre-deinstall",
    ".post-deinstall",
    ".pre-upgrade",
    ".post-upgrade",
)
"""The scripts by their slots."""
_ID_SIZE = 20
_ID_SLOT = 3
_PLACE = 8  # the numbers of folder and file at the start of a data block


class Control(NamedTuple):
    """What an ADB block says of its package.

    Attributes:
        info: As a `.PKGINFO` would say it.
        scripts: What it runs.
        listing: What it installs.
        unique_id: What apk names it by where it stands in no index, 20 bytes.
    """

    info: PackageInfo
    scripts: tuple[Script, ...]
    listing: files.Listing
    unique_id: bytes


def control(payload: bytes) -> Control:
    """Reads the ADB block of a package.

    Raises:
        FormatError: if it is malformed.
        IntegrityError: if it does not have the unique id that it states.
    """
    root = Adb(payload).root
    description = root.record(1)
    with located("info"):
        info = schema.described(description).info
        info = replace(info, triggers=tuple(schema.words(root, 4)), replaces_priority=root.integer(5))
    unique_id = _unique_id(payload, description)
    with located("scripts"):
        scripts = tuple(_scripts(root.record(3)))
    with located("paths"):
        listing = files.listing(root, info.build_time)
    return Control(info, scripts, listing, unique_id)


def read(chunks: Iterable[bytes], write: Callable[[bytes], object]) -> Archive:
    """Reads a package once, from its first byte to its last.

    Args:
        chunks: The package file, in pieces of any size.
        write: Is given the whole file as it is. What it was given is worth nothing if this raises.

    Raises:
        FormatError: if the package is malformed or exceeds a limit.
        IntegrityError: if a file in it is not what the package says.
    """
    packed = _Counted(chunks, write)
    reader = Reader(packed, MAX_DATA)
    if reader.schema != PACKAGE:
        raise FormatError("an ADB file, and no package")
    blocks = reader.blocks()
    payload = _first(blocks)
    with located("ADB block", Refused):
        found = control(payload)
    signed = bytearray()
    data = _Data(found.listing.stored)
    for block in blocks:
        if block.kind is Kind.SIGNATURE:
            content = block.read(MAX_SIGNATURE)
            signature.parse(content)
            signed += block.raw(content)
        else:
            for _ in data.content(block):
                pass
    data.check_end()
    return _archive(
        payload,
        found,
        signature_segment=bytes(signed),
        data=Digest("sha256", packed.hash.hexdigest()),
        data_size=packed.size,
    )


def archive(payload: bytes, *, signature_segment: bytes, data: Digest, data_size: int) -> Archive:
    """A package that was read before, and whose file is at hand.

    Args:
        payload: The content of its ADB block.
        signature_segment: Its signature blocks.
        data: Digest of the file.
        data_size: Its size, in bytes.

    Raises:
        FormatError: if the ADB block is malformed.
        IntegrityError: if it does not have the unique id that it states.
    """
    return _archive(
        payload, control(payload), signature_segment=signature_segment, data=data, data_size=data_size
    )


def _archive(
    payload: bytes, found: Control, *, signature_segment: bytes, data: Digest, data_size: int
) -> Archive:
    return Archive(
        form=3,
        signature_segment=signature_segment,
        control_segment=payload,
        data=data,
        data_size=data_size,
        diff_id=data,
        data_unpacked=sum(entry.size for entry in found.listing.entries),
        info=found.info,
        scripts=found.scripts,
        entries=found.listing.entries,
        hidden=(),
        oddities=(),
        implied=found.listing.implied,
        file=data,
    )


def signatures(segment: bytes) -> tuple[Signature, ...]:
    """The signatures in `Archive.signature_segment`.

    Raises:
        FormatError: if it is malformed.
    """
    return tuple(signature.parse(content) for content in split(segment))


def members(chunks: Iterable[bytes], payload: bytes) -> Iterator[tar.Member]:
    """What a package installs with the contents of files, for copying; hard links last.

    Args:
        chunks: The package file, in pieces of any size.
        payload: The ADB block that was checked: the package has to have this one.

    Raises:
        FormatError: if the package is malformed.
        IntegrityError: if it is another package, or a file is not what the package says.
    """
    blocks = Reader(chunks, MAX_DATA).blocks()
    if _first(blocks) != payload:
        raise IntegrityError("it does not have the ADB block that was checked")
    listing = control(payload).listing
    data = _Data(listing.stored)
    contents = (block for block in blocks if block.kind is Kind.DATA)
    for entry in listing.entries:
        if entry.kind is EntryKind.FILE and entry.size:
            block = next(contents, None)
            if block is None:
                break
            yield tar.Member(entry, data.content(block), ())
        else:
            yield tar.Member(entry, iter(()), ())
    for block in contents:
        data.content(block)
    data.check_end()


def _first(blocks: Iterator[Block]) -> bytes:
    """The content of the first block, which is the ADB."""
    block = next(blocks, None)
    if block is None:
        raise FormatError("a file without blocks")
    return block.read(MAX_ADB)


def _scripts(record: Record) -> Iterator[Script]:
    for slot, name in enumerate(_SCRIPTS, 1):
        text = record.blob(slot)
        if text:
            yield Script(name, text)


def _unique_id(payload: bytes, description: Record) -> bytes:
    """The SHA-256 of the ADB with this very id left out, in its first 20 bytes."""
    stated = description.blob(_ID_SLOT)
    if not stated:
        return hashlib.sha256(payload).digest()[:_ID_SIZE]
    if len(stated) != _ID_SIZE:
        raise FormatError(f"a unique id of {len(stated)} bytes")
    start = description.offset_of_blob(_ID_SLOT)
    hasher = hashlib.sha256(payload[:start])
    hasher.update(bytes(_ID_SIZE))
    hasher.update(payload[start + _ID_SIZE :])
    if hasher.digest()[:_ID_SIZE] != stated:
        raise IntegrityError(f"expected the unique id {stated.hex()}, got {hasher.hexdigest()[:40]}")
    return stated


class _Counted:
    """Chunks, hashed, counted and handed on as they pass."""

    def __init__(self, chunks: Iterable[bytes], write: Callable[[bytes], object]) -> None:
        self._chunks = chunks
        self._write = write
        self.hash = hashlib.sha256()
        self.size = 0

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self._chunks:
            self.hash.update(chunk)
            self.size += len(chunk)
            self._write(chunk)
            yield chunk


class _Data:
    """The data blocks while they pass."""

    def __init__(self, stored: tuple[files.Stored, ...]) -> None:
        self._stored = iter(stored)
        self._left = len(stored)

    def content(self, block: Block) -> Iterator[bytes]:
        """The content of the next file, which this block has to be."""
        expected = next(self._stored, None)
        if expected is None:
            raise FormatError("more data blocks than files")
        self._left -= 1
        return _checked(block, expected)

    def check_end(self) -> None:
        """Whether every file had its block."""
        if self._left:
            raise FormatError("truncated: a file has no data block")


def _checked(block: Block, stored: files.Stored) -> Iterator[bytes]:
    """The content of a file; an error if it is not what the package states."""
    entry = stored.entry
    if block.size != _PLACE + entry.size:
        raise FormatError("its data block is of another size", where=[entry.path])
    hasher = hashlib.new(files.HASHES[len(entry.checksum)])
    place = b""
    for piece in block.content:
        content = piece
        if len(place) < _PLACE:
            missing = _PLACE - len(place)
            place, content = place + piece[:missing], piece[missing:]
            if len(place) == _PLACE and place != _place(stored):
                raise FormatError("its data block names another file", where=[entry.path])
        hasher.update(content)
        if content:
            yield content
    if hasher.digest() != entry.checksum:
        raise IntegrityError(f"expected {entry.checksum.hex()}, got {hasher.hexdigest()}", where=[entry.path])


def _place(stored: files.Stored) -> bytes:
    return stored.folder.to_bytes(4, "little") + stored.number.to_bytes(4, "little")
