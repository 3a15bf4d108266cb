"""Repositories as a whole, for tests: drawn by hand, real ones, and one halfway between two releases."""

import hashlib
import io
import tarfile
from functools import cache
from pathlib import Path

from support.indexes import drawn, real
from support.shared import SHARED
from witchery.apk.index import Index
from witchery.codec import gunzip
from witchery.impact.asked import Asked
from witchery.impact.universe import Universe
from witchery.rootfs import tar

V316 = SHARED / "solver" / "alpine-3.16-main-x86_64.APKINDEX.tar.gz"
V317 = SHARED / "solver" / "alpine-3.17-main-aarch64.APKINDEX.tar.gz"
"""The release before OpenSSL 3 became the default, and the one in which it did, of other architectures."""

V319 = [
    SHARED / f"alpine/v3.19-x86_64/indexes/{each}/x86_64/APKINDEX.tar.gz" for each in ("main", "community")
]

OLD_OPENSSL = ("so:libcrypto.so.1.1", "so:libssl.so.1.1")
NEW_OPENSSL = ("so:libcrypto.so.3", "so:libssl.so.3")


def universe(picture: str) -> Universe:
    """The packages of an index as `support.indexes.drawn`; `o:` is the source package."""
    return Universe([Index.parse(drawn(picture))], "x86_64")


def asked(*words: str) -> tuple[Asked, ...]:
    """Words of a question."""
    return tuple(map(Asked.parse, words))


@cache
def whole(*indexes: Path) -> Universe:
    """All packages of some real indexes."""
    return Universe([real(each) for each in indexes], "aarch64" if "aarch64" in indexes[0].name else "x86_64")


@cache
def text(index: Path) -> str:
    """The text of a real index, as it is in the archive."""
    members = tar.read([gunzip(index.read_bytes(), 1 << 28)])
    return next(b"".join(each.content) for each in members if each.entry.path == "APKINDEX").decode()


@cache
def halfway() -> str:
    """The text of an index in which every other source package is that of 3.17, and the rest that of 3.16.

    Both versions of OpenSSL are there, and what was not moved in the meantime loads both.
    """
    stanzas = []
    for index, turn in ((V316, 0), (V317, 1)):
        for stanza in text(index).replace("aarch64", "x86_64").strip("\n").split("\n\n"):
            origin = next(line[2:] for line in stanza.split("\n") if line.startswith("o:"))
            if origin in ("openssl", "musl") or hashlib.sha256(origin.encode()).digest()[0] % 2 == turn:
                stanzas.append(stanza)
    return "\n\n".join(stanzas) + "\n\n"


def index_file(text: str, path: Path) -> Path:
    """An unsigned index of some text, which may hold bytes that are none, written to a file."""
    data = text.encode("utf-8", "surrogateescape")
    member = tarfile.TarInfo("APKINDEX")
    member.size = len(data)
    with tarfile.open(path, "w:gz") as archive:
        archive.addfile(member, io.BytesIO(data))
    return path
