"""Holding a layer that was written, file by file, against the packages that it was written from."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from witchery.attest.evidence import ProvenLayer, shown
from witchery.attest.package_files import Fact
from witchery.attest.recognition import MAX_FILE, Context, recognise
from witchery.attest.verdict import FileNote, Problem
from witchery.compose.tree import WHITEOUT
from witchery.digest import Digest, Hashing
from witchery.errors import FormatError, Refused
from witchery.oci.layer import uncompressed
from witchery.rootfs import tar
from witchery.rootfs.accounts import Accounts
from witchery.rootfs.entry import Entry, Kind
from witchery.rootfs.links import Links
from witchery.value import frozen

MAX_ENTRIES = 500_000
"""How many files a layer may have."""

_MAX_PROBLEMS = 20


class Checked(NamedTuple):
    """What came of a layer.

    Attributes:
        diff_id: The digest of the tar.
        notes: What no package brings, and what it was recognised as.
        problems: What is wrong.
        accounts: The accounts in it, where it has some.
    """

    diff_id: Digest
    notes: tuple[FileNote, ...]
    problems: tuple[Problem, ...]
    accounts: Accounts | None


@frozen(kw_only=True)
class Sources:
    """What a layer may have been written from.

    Attributes:
        layer: What its builder says of it.
        facts: For the position of each of its packages: what that has at which path.
        names: The same packages, as `name-version`.
        accounts: The accounts of the image, as far as they are known.
        context: The image.
        links: The links that lie on the way to its files.
    """

    layer: ProvenLayer
    facts: Mapping[int, Mapping[str, Fact]]
    names: Mapping[int, str]
    accounts: Accounts | None
    context: Context
    links: Links


class _Candidate(NamedTuple):
    """What a package has for a path of the layer."""

    position: int
    path: str
    fact: Fact


def check(chunks: Iterable[bytes], compression: str, sources: Sources) -> Checked:
    """Holds a layer against its packages, and recognises what is not theirs.

    Args:
        chunks: The blob.
        compression: How it is compressed, see `witchery.oci.media.COMPRESSION`.
        sources: The packages.

    Raises:
        FormatError: if it cannot be read, or is larger than any layer has to be.
    """
    return _Check(sources).run(uncompressed(chunks, compression))


class _Check:
    """One layer while it passes."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources
        self._where: dict[str, list[_Candidate]] = {}
        for position, files in sources.facts.items():
            left_out = set(sources.layer.missing.get(position, ()))
            for path, fact in files.items():
                if shown(path) not in left_out:
                    place = sources.links.locate(path)
                    self._where.setdefault(place, []).append(_Candidate(position, path, fact))
        self._seen: dict[str, str] = {}
        self._taken: set[tuple[int, str]] = set()
        self._notes: list[FileNote] = []
        self._problems: list[Problem] = []
        self._texts: dict[str, bytes] = {}

    def run(self, chunks: Iterator[bytes]) -> Checked:
        stream = Hashing(chunks)
        for number, member in enumerate(tar.read(stream)):
            if number >= MAX_ENTRIES:
                raise FormatError(f"more than {MAX_ENTRIES} files in a layer")
            if member.entry.path in self._seen:
                self._object("file-changed", "stands twice in its layer", member.entry.path)
            self._member(member)
        digest = stream.digest()
        self._look_for_missing()
        return Checked(
            digest,
            tuple(self._notes),
            tuple(self._problems[:_MAX_PROBLEMS]),
            self._accounts(),
        )

    def _member(self, member: tar.Member) -> None:
        entry = member.entry
        if member.oddities:
            self._object("file-unexplained", f"has an odd header, {member.oddities[0]}", entry.path)
        if entry.name.startswith(WHITEOUT):
            self._object("file-unexplained", "takes away a file of a lower layer", entry.path)
            return
        candidates = self._where.get(entry.path, ())
        if entry.kind is Kind.DIRECTORY:
            self._folder(entry, candidates)
            return
        sha256, data = self._content(member, keep=not candidates)
        self._seen[entry.path] = sha256
        if not candidates:
            self._recognise(entry, data)
            return
        accounts = self._sources.accounts
        differs = {each: _difference(entry, sha256, each.fact, accounts) for each in candidates}
        same = [each for each, (rule, _) in differs.items() if not rule]
        self._taken.update((each.position, each.path) for each in same or differs)
        if not same:
            other, (rule, text) = next(iter(differs.items()))
            self._object(rule, f"{text} than in `{self._sources.names[other.position]}`", entry.path)

    def _content(self, member: tar.Member, *, keep: bool) -> tuple[str, bytes]:
        """The SHA-256 of a file, and the file itself where somebody is to look into it."""
        entry = member.entry
        if entry.kind is Kind.HARDLINK:
            return self._seen.get(entry.target, ""), b""
        hasher, data = hashlib.sha256(), bytearray()
        for chunk in member.content:
            hasher.update(chunk)
            if keep and len(data) <= MAX_FILE:
                data += chunk
        return hasher.hexdigest() if entry.kind is Kind.FILE else "", bytes(data)

    def _folder(self, entry: Entry, candidates: Sequence[_Candidate]) -> None:
        """A folder: as one of its packages has it, or harmless."""
        self._seen[entry.path] = ""
        known = [each.fact.entry for each in candidates]
        if any(own.kind is Kind.DIRECTORY and own.mode == entry.mode for own in known):
            return
        try:
            recognise(entry, b"", self._sources.context)
        except Refused as error:
            self._object("file-unexplained", error.message, entry.path)

    def _recognise(self, entry: Entry, data: bytes) -> None:
        if len(data) > MAX_FILE:
            self._object("file-unexplained", "larger than anything generated", entry.path)
            return
        if entry.path in _ACCOUNT_FILES:
            self._texts[entry.path] = data
        try:
            what = recognise(entry, data, self._sources.context)
        except Refused as error:
            self._notes.append(FileNote(entry.path, ""))
            self._object("file-unexplained", error.message, entry.path)
        else:
            self._notes.append(FileNote(entry.path, what))

    def _look_for_missing(self) -> None:
        """What its packages have, and it has not, though its builder does not say that it is left out."""
        for candidates in self._where.values():
            for each in candidates:
                if (
                    each.fact.entry.kind is not Kind.DIRECTORY
                    and (each.position, each.path) not in self._taken
                ):
                    name = self._sources.names[each.position]
                    self._object("file-missing", f"is in `{name}`, and not in its layer", each.path)

    def _object(self, rule: str, text: str, path: str) -> None:
        if len(self._problems) <= _MAX_PROBLEMS:
            self._problems.append(Problem(rule, text, shown(path)))

    def _accounts(self) -> Accounts | None:
        if not self._texts:
            return None
        try:
            return Accounts.read(self._texts.get("etc/passwd", b""), self._texts.get("etc/group", b""))
        except Refused:
            return None


_ACCOUNT_FILES = ("etc/passwd", "etc/group")


def _difference(entry: Entry, sha256: str, fact: Fact, accounts: Accounts | None) -> tuple[str, str]:
    """In what a file is another than in its package: the rule that it breaks, and how; or nothing.

    What a configuration may change, modes and owners, has a rule of its own.
    """
    own = fact.entry
    kinds = {Kind.FILE, Kind.HARDLINK}  # which of its names is the file, may have changed
    is_link = entry.kind is Kind.HARDLINK
    uid, gid = (accounts.uid(own.uname), accounts.gid(own.gname)) if accounts else (None, None)
    checks = (
        (
            entry.kind is not own.kind and not {entry.kind, own.kind} <= kinds,
            "file-changed",
            "is of another kind",
        ),
        (own.kind is Kind.SYMLINK and entry.target != own.target, "file-changed", "points elsewhere"),
        (sha256 != fact.sha256, "file-changed", "has another content"),
        (
            not is_link and own.kind in kinds and entry.mode != own.mode,
            "mode-changed",
            f"has another mode, {entry.mode:04o},",
        ),
        (not is_link and entry.xattrs != own.xattrs, "file-changed", "has other extended attributes"),
        (
            not is_link and not _owns(entry.uid, own.uname, own.uid, uid),
            "mode-changed",
            "belongs to another user",
        ),
        (
            not is_link and not _owns(entry.gid, own.gname, own.gid, gid),
            "mode-changed",
            "belongs to another group",
        ),
    )
    return next(((rule, text) for differs, rule, text in checks if differs), ("", ""))


def _owns(number: int, name: str, stated: int, known: int | None) -> bool:
    """Whether a number is that of an owner: by the name in the package, or else by the package's number.

    Where the accounts of the image are not at hand, any number stands for a name, but root's only for root.
    """
    if name == "root" or (not name and stated == 0):
        return number == 0
    if known is not None:
        return number == known
    return number != 0 or stated == 0
