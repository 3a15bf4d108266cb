"""The head of a package: the parts that its signature covers, and the signature itself.

In version 2 these are the first two segments, with which the package file begins:

    .apk = [gzip(tar of .SIGN.*)] gzip(tar of .PKGINFO and scripts) ...

A head and the data segment behind it are the file as the distribution published it. The control segment is
what is signed, and it states the digest of the data segment. In version 3 the signature blocks and the ADB
block play the two parts.
"""

import hashlib
from collections.abc import Mapping
from typing import Literal, NamedTuple, Self

from witchery.apk import signature
from witchery.apk.identity import SIZE
from witchery.apk.pkginfo import PackageInfo
from witchery.apk.signature import Signature, Trust
from witchery.codec import GzipReader
from witchery.digest import Digest
from witchery.errors import FormatError, Refused, located
from witchery.keys import PublicKey
from witchery.rootfs import tar
from witchery.value import frozen

MAX_CONTROL = 16 << 20
"""How much a control segment may inflate to, in bytes."""

SCRIPTS = (
    ".pre-install",
    ".post-install",
    ".pre-upgrade",
    ".post-upgrade",
    ".pre-deinstall",
    ".post-deinstall",
    ".trigger",
)
"""The scripts that a control segment may hold."""


class Script(NamedTuple):
    """A script of a package: its name with the leading dot, and its text."""

    name: str
    text: bytes


class Control(NamedTuple):
    """What a control segment holds."""

    info: PackageInfo
    scripts: tuple[Script, ...]


@frozen(kw_only=True)
class Head:
    """What of a package is signed, and by whom; nothing of it is checked yet but its form.

    Attributes:
        signature_segment: The first segment as it is, or nothing where the package is unsigned. Of version 3
            the signature blocks.
        control_segment: The segment that is signed, as it is. Of version 3 the content of the ADB block.
        info: The package's own description.
        scripts: Its scripts.
        form: The version of the package's format.
    """

    signature_segment: bytes
    control_segment: bytes
    info: PackageInfo
    scripts: tuple[Script, ...] = ()
    form: Literal[2, 3] = 2

    @classmethod
    def read(
        cls,
        signature_segment: bytes,
        control_segment: bytes,
        form: Literal[2, 3] = 2,
        *,
        limit: int = MAX_CONTROL,
    ) -> Self:
        """Reads a head.

        Args:
            signature_segment: See the class.
            control_segment: See the class.
            form: The version of the format.
            limit: How much a segment may inflate to, in bytes.

        Raises:
            FormatError: if the control segment is malformed.
            IntegrityError: if an ADB block does not have the unique id that it states.
        """
        with located("control segment" if form == 2 else "ADB block", Refused):
            if form == 3:
                from witchery.apk.adb import package as adb

                block = adb.control(control_segment)
                info, scripts = block.info, block.scripts
            else:
                info, scripts = read_control(control_segment, limit)
        return cls(
            signature_segment=signature_segment,
            control_segment=control_segment,
            info=info,
            scripts=scripts,
            form=form,
        )

    @classmethod
    def split(cls, data: bytes, *, limit: int = MAX_CONTROL) -> Self:
        """Reads the start of a package file of version 2, up to its data segment.

        Args:
            data: These bytes.
            limit: How much a segment may inflate to, in bytes.

        Raises:
            FormatError: if it is anything else.
        """
        reader = GzipReader([data])
        with located("first segment", Refused):
            first, files = small_segment(reader, limit)
        if not files or not signature.is_signature(files[0][0]):
            first = b""
        return cls.read(first, data[len(first) :], limit=limit)

    @property
    def identity(self) -> bytes:
        """What an index names a package by: SHA-1 of the control segment, or SHA-256 of the ADB block."""
        hash_name = "sha1" if self.form == 2 else "sha256"
        return hashlib.new(hash_name, self.control_segment).digest()

    @property
    def datahash(self) -> Digest | None:
        """The digest that the control segment states for the data segment; None in version 3, which has none.

        Raises:
            FormatError: if what it states is no SHA-256.
        """
        if self.form == 3:
            return None
        return Digest("sha256", self.info.datahash)

    def is_named(self, identity: bytes) -> bool:
        """Whether an index means this package: by SHA-1 or SHA-256; in version 3 by its start too."""
        if self.form == 2 and len(identity) == SIZE:
            return identity == self.identity
        full = hashlib.sha256(self.control_segment).digest()
        return identity == full or (self.form == 3 and identity == full[:SIZE])

    @property
    def signatures(self) -> tuple[Signature, ...]:
        """The signatures of the control segment; those of version 3 name keys by their id.

        Raises:
            FormatError: if the signature segment is malformed.
        """
        if self.form == 3:
            from witchery.apk.adb import package as adb

            return adb.signatures(self.signature_segment)
        return read_signatures(self.signature_segment)

    def trust(self, keys: Mapping[str, PublicKey], *, allow_untrusted: bool) -> Trust:
        """Finds out whether a known key vouches for the package itself.

        Args:
            keys: The trusted keys, by file name.
            allow_untrusted: Whether missing trust is acceptable.

        Raises:
            FormatError: if the signature segment is malformed.
            TrustError: if a known key's signature fails, or nobody known vouches and that is not allowed.
        """
        if self.form == 3:
            from witchery.apk.adb import signature as adb
            from witchery.apk.adb.container import PACKAGE

            return adb.verify(
                self.signatures, PACKAGE, self.control_segment, keys.values(), allow_untrusted=allow_untrusted
            )
        return signature.verify(self.signatures, self.control_segment, keys, allow_untrusted=allow_untrusted)

    def __str__(self) -> str:
        return f"{self.info.name}-{self.info.version}"


def read_signatures(segment: bytes) -> tuple[Signature, ...]:
    """The signatures in a signature segment; none in an empty one.

    Raises:
        FormatError: if it is malformed.
    """
    return signature.parse(_only_segment(segment, MAX_CONTROL)) if segment else ()


def read_control(segment: bytes, limit: int = MAX_CONTROL) -> Control:
    """What a control segment holds.

    Args:
        segment: The segment.
        limit: How much it may inflate to, in bytes.

    Raises:
        FormatError: if it is malformed.
    """
    return control_of(_only_segment(segment, limit))


def _only_segment(segment: bytes, limit: int) -> list[tuple[str, bytes]]:
    reader = GzipReader([segment])
    _, files = small_segment(reader, limit)
    if not reader.at_end():
        raise FormatError("is followed by more bytes", where=[f"byte {reader.offset}"])
    return files


def small_segment(reader: GzipReader, limit: int = MAX_CONTROL) -> tuple[bytes, list[tuple[str, bytes]]]:
    """A signature or control segment: as it is, and the files in it.

    Raises:
        FormatError: if it is malformed.
    """
    raw = bytearray()
    files = [(m.entry.path, b"".join(m.content)) for m in tar.read(reader.member(raw.extend, limit))]
    return bytes(raw), files


def control_of(files: list[tuple[str, bytes]]) -> Control:
    """What the files of a control segment say.

    Raises:
        FormatError: if they are not those of a control segment.
    """
    named = dict(files)
    if len(named) < len(files):
        raise FormatError("holds a file twice")
    if ".PKGINFO" not in named:
        raise FormatError("holds no `.PKGINFO`: not an apk v2 package")
    for name in named:
        if not name.startswith(".") or name == ".INSTALL":
            raise FormatError(f"holds a file that does not belong there: `{name}`")
    with located(".PKGINFO"):
        info = PackageInfo.parse(named[".PKGINFO"])
        if not info.datahash:
            raise FormatError("`datahash` is missing")
    return Control(info, tuple(Script(name, named[name]) for name in SCRIPTS if name in named))
