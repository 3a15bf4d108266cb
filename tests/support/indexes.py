"""Indexes for tests: written by hand in a few words, or the real ones."""

import gzip
import hashlib
from functools import cache
from pathlib import Path

from witchery.apk import identity
from witchery.apk.index import Index
from witchery.solver.source import Source

FIELDS = {"depends": "D", "provides": "p", "install_if": "i", "priority": "k"}


def stanza(name: str, version: str = "1", arch: str = "x86_64", **fields: str) -> str:
    """One package of an index; its identity follows from the rest."""
    lines = [f"P:{name}", f"V:{version}", f"A:{arch}", "S:1", "I:1"]
    lines += [f"{FIELDS[field]}:{value}" for field, value in fields.items()]
    body = "\n".join(lines)
    return f"C:{identity.encode(hashlib.sha1(body.encode()).digest())}\n{body}"


def drawn(picture: str) -> str:
    """The text of an index drawn in lines such as `a-1.0 D:b c>=2 | p:v=1 | k:5`."""
    stanzas = []
    for line in filter(None, (line.strip() for line in picture.splitlines())):
        head, _, rest = line.partition(" ")
        name, _, version = head.rpartition("-")
        body = "\n".join([f"P:{name}", f"V:{version}", "A:x86_64", "S:1", "I:1"])
        body += "".join(f"\n{field.strip()}" for field in rest.split("|") if field.strip())
        stanzas.append(f"C:{identity.encode(hashlib.sha1(body.encode()).digest())}\n{body}\n\n")
    return "".join(stanzas)


def source(picture: str, tag: str = "") -> Source:
    """A source with an index as `drawn`."""
    return Source(f"https://example.test/{tag or 'main'}", Index.parse(drawn(picture)), tag)


@cache
def real(path: Path) -> Index:
    """A real index, `APKINDEX.tar.gz`."""
    return Index.read([gzip.decompress(path.read_bytes())])
