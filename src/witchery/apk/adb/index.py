"""An index of version 3: `Packages.adb` (apk-v3(5), "SCHEMAS": indx).

    root = description, packages, package name specification

It says of packages what a version 2 index says, in another notation, and may list packages of both versions.
So it becomes an `Index`: a stanza of text for each package.
"""

from collections.abc import Iterable
from typing import NamedTuple

from witchery.apk.adb import schema, signature
from witchery.apk.adb.container import INDEX, MAX_ADB, MAX_SIGNATURE, Kind, Reader
from witchery.apk.adb.values import Adb
from witchery.apk.index import LIMIT, Index
from witchery.apk.signature import Signature, Trust
from witchery.errors import FormatError, located
from witchery.keys import PublicKey


class IndexFile(NamedTuple):
    """An index, not yet believed.

    Attributes:
        payload: The content of its ADB block.
        signatures: Who vouches for it.
    """

    payload: bytes
    signatures: tuple[Signature, ...]

    def trust(self, keys: Iterable[PublicKey], *, allow_untrusted: bool) -> Trust:
        """Finds out whether a known key vouches for it.

        Raises:
            TrustError: if a known key's signature fails, or nobody known vouches and that is not allowed.
        """
        return signature.verify(self.signatures, INDEX, self.payload, keys, allow_untrusted=allow_untrusted)


class Listed(NamedTuple):
    """What an index says.

    Attributes:
        packages: The packages.
        names: How the files of packages are called, with `${name}`, `${version}`, `${arch}` and `${hash}`;
            empty for the usual.
    """

    packages: Index
    names: str


def parse(data: bytes) -> IndexFile:
    """Unpacks an index and cuts it into blocks; what it says is not looked at.

    Raises:
        FormatError: if it is malformed or exceeds a limit.
    """
    reader = Reader([data], LIMIT)
    if reader.schema != INDEX:
        raise FormatError("an ADB file, and no index")
    payload, signatures = b"", []
    for block in reader.blocks():
        if block.kind is Kind.ADB:
            payload = block.read(MAX_ADB)
        else:
            signatures.append(signature.parse(block.read(MAX_SIGNATURE)))
    return IndexFile(payload, tuple(signatures))


def decode(payload: bytes) -> Listed:
    """Reads the ADB block of an index.

    Raises:
        FormatError: if it is malformed or exceeds a limit.
    """
    root = Adb(payload).root
    stanzas = []
    left = LIMIT
    for number, record in enumerate(root.records(2), 1):
        with located(f"package {number}"):
            if not all(record.blob(slot) for slot in schema.MANDATORY):
                continue  # apk's converter makes such of a version that is none: nothing to be installed
            described = schema.described(record)
        stanza = described.info.stanza(described.identity, described.size).rstrip("\n")
        left -= len(stanza)
        if left < 0:
            raise FormatError(f"an index that says more than the limit of {LIMIT} bytes")
        stanzas.append(stanza)
    return Listed(Index(stanzas, schema.line(root, 1)), schema.line(root, 3))
