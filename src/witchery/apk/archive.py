"""A v2 package as three segments (apk-v2(5)): signature, control, data.

    .apk = [gzip(tar of .SIGN.*)] gzip(tar of .PKGINFO and scripts) gzip(tar of the files)

`read` takes a package as it arrives, once: it splits the segments, hands the data segment on byte for byte,
hashes, inflates and checks it, and returns an `Archive`: the two small segments as bytes, the large one by
digest, and a list of what is in it. Checked are, from the outside in:

* exactly these segments, nothing after them;
* the data segment against `datahash` in the control segment;
* every file and symbolic link against the SHA-1 that the package states for it;
* every path: relative, plain, below a folder that is listed before it, no path twice; a hard link names an
  earlier file of the same package; no device, no FIFO.

A package of version 3 is read by `witchery.apk.adb.package`, and becomes an `Archive` too. It has parts that
take the places of segments: its signature blocks, its ADB block, and the file as a whole, which is no layer.

Whom to trust is not decided here: see `witchery.apk.head`.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain
from typing import Literal

from witchery.apk import signature
from witchery.apk.data_segment import MAX_DATA, DataSegment, checked
from witchery.apk.head import Head, Script, control_of, small_segment
from witchery.apk.pkginfo import PackageInfo
from witchery.apk.signature import Signature, Trust
from witchery.codec import GzipReader
from witchery.digest import Digest
from witchery.errors import FormatError, Refused, located
from witchery.keys import PublicKey
from witchery.rootfs import tar
from witchery.rootfs.entry import Entry
from witchery.value import frozen


@frozen(kw_only=True)
class Archive:
    """A package whose bytes were checked.

    Attributes:
        signature_segment: The first segment as it is, or nothing where the package is unsigned. Of version 3
            the signature blocks.
        control_segment: The segment that is signed, as it is. Of version 3 the content of the ADB block.
        data: Digest of the data segment as it is compressed; equal to `info.datahash`. Of version 3 the
            digest of the whole file.
        data_size: Its size, in bytes.
        diff_id: Digest of the data segment inflated: a tar archive. Of version 3, which has none, `data`.
        data_unpacked: Its size, in bytes. Of version 3 that of all files together.
        info: The package's own description.
        scripts: Its scripts.
        entries: Its files, in the order of the archive, without those that apk does not install.
        hidden: Names at the top that begin with a dot: apk skips them, a runtime would not.
        oddities: What readers of the data segment do not agree on.
        implied: Folders among the entries that only stand above others: the package says nothing of them.
        form: The version of the package's format.
        file: Digest of the package file; None where that is not known, or it never was a file.
    """

    signature_segment: bytes
    control_segment: bytes
    data: Digest
    data_size: int
    diff_id: Digest
    data_unpacked: int
    info: PackageInfo
    scripts: tuple[Script, ...]
    entries: tuple[Entry, ...]
    hidden: tuple[str, ...]
    oddities: tuple[str, ...]
    implied: tuple[str, ...] = ()
    form: Literal[2, 3] = 2
    file: Digest | None = None

    @property
    def head(self) -> Head:
        """What of the package is signed, and by whom."""
        return Head(
            signature_segment=self.signature_segment,
            control_segment=self.control_segment,
            info=self.info,
            scripts=self.scripts,
            form=self.form,
        )

    @property
    def identity(self) -> bytes:
        """What an index names the package by; see `Head.identity`."""
        return self.head.identity

    def is_named(self, identity: bytes) -> bool:
        """Whether an index means this package; see `Head.is_named`."""
        return self.head.is_named(identity)

    @property
    def size(self) -> int:
        """Size of the package file, in bytes."""
        if self.form == 3:
            return self.data_size
        return len(self.signature_segment) + len(self.control_segment) + self.data_size

    def file_digest(self, data: Iterable[bytes]) -> Digest:
        """Digest of the package file, found out anew from its parts.

        Args:
            data: The data segment, or of version 3 the file.
        """
        if self.form == 3:
            return self.data
        whole = hashlib.sha256(self.signature_segment + self.control_segment)
        for chunk in data:
            whole.update(chunk)
        return Digest("sha256", whole.hexdigest())

    @property
    def signatures(self) -> tuple[Signature, ...]:
        """The signatures of the control segment; see `Head.signatures`."""
        return self.head.signatures

    def trust(self, keys: Mapping[str, PublicKey], *, allow_untrusted: bool) -> Trust:
        """Finds out whether a known key vouches for the package itself; see `Head.trust`.

        Raises:
            TrustError: if a known key's signature fails, or nobody known vouches and that is not allowed.
        """
        return self.head.trust(keys, allow_untrusted=allow_untrusted)

    def stanza(self, arch: str = "") -> str:
        """The lines of an index that describe the package where it stands in none (apk-index(5)).

        apk names a file of version 3 by its unique id then.

        Args:
            arch: Alpine's name of the repository's architecture; stands in place of `noarch`.
        """
        identity = self.identity
        if self.form == 3:
            from witchery.apk.adb import package as adb

            identity = adb.control(self.control_segment).unique_id
        return self.info.stanza(identity, self.size, arch)

    def members(self, chunks: Iterable[bytes]) -> Iterator[tar.Member]:
        """What is installed of the package, with the contents of files, for copying them.

        Args:
            chunks: The data segment, or of version 3 the file.

        Raises:
            FormatError: if it is malformed.
            IntegrityError: if a file is not what the package states.
        """
        if self.form == 3:
            from witchery.apk.adb import package as adb

            return adb.members(chunks, self.control_segment)
        return members(chunks)

    @property
    def file_name(self) -> str:
        """The name under which repositories keep it."""
        return f"{self.info.name}-{self.info.version}.apk"


def read(chunks: Iterable[bytes], write_data: Callable[[bytes], object]) -> Archive:
    """Reads a package once, from its first byte to its last, be it of version 2 or 3.

    Args:
        chunks: The package file, in pieces of any size.
        write_data: Is given the data segment as it is; of version 3 the whole file. What it was given is
            worth nothing if this raises.

    Raises:
        FormatError: if the package is malformed or exceeds a limit.
        IntegrityError: if data or a file in it is not what the package says.
    """
    rest = iter(chunks)
    first = next(rest, b"")
    if first.startswith(b"A"):  # gzip, which is all of version 2, begins with another byte
        from witchery.apk.adb import package as adb

        return adb.read(chain([first], rest), write_data)
    return _read_segments(chain([first], rest), write_data)


def _read_segments(chunks: Iterable[bytes], write_data: Callable[[bytes], object]) -> Archive:
    """Reads a package of version 2."""
    whole = hashlib.sha256()
    reader = GzipReader(_hashed(chunks, whole.update))
    with located("first segment", Refused):
        first, files = small_segment(reader)
    signed = bool(files) and signature.is_signature(files[0][0])
    if signed:
        with located("control segment", Refused):
            control_segment, files = small_segment(reader)
    else:
        first, control_segment = b"", first
    with located("control segment", Refused):
        control = control_of(files)
    data = DataSegment(write_data)
    with located("data segment", Refused):
        if reader.at_end():
            raise FormatError("missing: the package is truncated")
        for member in tar.read(data.inflated(reader)):
            data.add(member)
        if not reader.at_end():
            raise FormatError("is followed by more bytes", where=[f"byte {reader.offset}"])
        data.check(control.info)
    return Archive(
        signature_segment=first,
        control_segment=control_segment,
        data=Digest("sha256", data.compressed.hexdigest()),
        data_size=data.size,
        diff_id=Digest("sha256", data.plain.hexdigest()),
        data_unpacked=data.unpacked,
        info=control.info,
        scripts=control.scripts,
        entries=tuple(data.entries.values()),
        hidden=tuple(data.hidden),
        oddities=tuple(data.oddities),
        file=Digest("sha256", whole.hexdigest()),
    )


def members(chunks: Iterable[bytes]) -> Iterator[tar.Member]:
    """The installed members of a data segment of version 2; see `Archive.members`.

    Raises:
        FormatError: if the segment is malformed.
        IntegrityError: if a file does not have the SHA-1 that the package states.
    """
    for member in tar.read(GzipReader(chunks).member(lambda _: None, MAX_DATA)):
        if not member.entry.path.startswith("."):
            yield member._replace(content=checked(member.entry, member.content))


def _hashed(chunks: Iterable[bytes], update: Callable[[bytes], object]) -> Iterator[bytes]:
    for chunk in chunks:
        update(chunk)
        yield chunk
