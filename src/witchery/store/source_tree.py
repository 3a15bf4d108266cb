"""An application read from disk: a file or a folder becomes entries of an image.

The result depends on names, contents, executable bits and link targets alone, not on the folder, the user,
the umask, times, hard links or the order on disk. Nothing is lost in silence: what cannot be part of an image
is a finding, and no entry; where only a privilege is lost, the entry is there without it. An author who
acknowledges the finding knows that. The rules:

* `special-file`, an error: a socket, pipe or device.
* `file-name`, an error: a name or link target that tar, apk or a runtime does not take, for a control
  character, bytes that are not UTF-8, its length, or the beginning `.wh.`.
* `top-level-dotfile`, an error: a name with a leading dot at the top of the image, which apk would skip.
* `file-size`, an error: a file of 8 GiB or more, which a package cannot hold.
* `file-capability`, an error: a file with Linux capabilities, which are not kept.
* `setuid`: a file with a setuid, setgid or sticky bit; an error where `normal` modes drop it, else a warning.
* `folder-mode`: a folder with such a bit that `normal` modes drop; a warning for the sticky bit (a `tmp` for
  all), a note for others, which folders inherit from those that they are made in.
* `world-writable`, a warning: with modes that are not normalised, a file, or a folder without the sticky bit,
  that anyone may write to.

Names follow apk-tools' reading of a package's data segment, and the OCI image specification (layer.md,
"Whiteouts").
"""

import os
import stat
from collections.abc import Iterator, Sequence
from enum import Enum
from pathlib import Path
from typing import NamedTuple

from witchery.errors import FormatError, StorageError
from witchery.payload.exclude import Exclusion
from witchery.payload.findings import Finding, Severity
from witchery.payload.tree import PayloadFile
from witchery.rootfs import entry as entries
from witchery.rootfs.content import BytesContent, SeekableContent
from witchery.rootfs.entry import Entry
from witchery.store.atomic import storing
from witchery.store.file_content import FileContent
from witchery.value import frozen

DESTINATION = "/app"
"""Where an application stands in an image, if nothing else is said."""
MAX_ENTRIES = 1_000_000
"""How many entries an application may have."""
MAX_PATH = 4085
"""The longest path or link target, in bytes: apk takes less than PATH_MAX - 10."""
MAX_FILE = 1 << 33
"""What a file has to stay below, in bytes: the eleven octal digits of a tar header."""

_CAPABILITY = "security.capability"
_WHITEOUT = ".wh."
_SHOWN = 10  # unreadable files in one message
_SPECIAL = {
    stat.S_IFSOCK: "a socket",
    stat.S_IFIFO: "a pipe",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


class Owner(NamedTuple):
    """Who owns the entries, by number."""

    uid: int = 0
    gid: int = 0


class Modes(Enum):
    """What becomes of permission bits.

    `NORMAL`: 0755 for folders and for files that anyone may execute, 0644 for other files. `KEEP`: as they
    are, setuid, setgid and sticky bits included.
    """

    NORMAL = "normal"
    KEEP = "keep"


@frozen
class SourceTree:
    """What was read.

    Attributes:
        files: The entries, the destination's folders included, in byte order.
        findings: What is wrong or remarkable, in byte order of the paths.
    """

    files: tuple[PayloadFile, ...]
    findings: tuple[Finding, ...]


def read_source(
    path: Path,
    *,
    destination: str = "",
    owner: Owner = Owner(),  # noqa: B008 - a value that cannot change
    modes: Modes | int = Modes.NORMAL,
    exclude: Sequence[str] = (),
    mtime: int = 0,
) -> SourceTree:
    """Reads a file or a folder.

    A folder's content comes to stand below the destination. A file comes to stand below it under its own
    name, but exactly there if the destination is given and does not end with `/`. Symbolic links are kept as
    they are written; only `path` itself is followed.

    Args:
        path: The file or folder.
        destination: An absolute path in the image; empty for `DESTINATION`.
        owner: Who owns all entries, but for the folders above the destination, which are root's.
        modes: What becomes of permission bits; a number is the mode of all files, folders are 0755 then.
        exclude: Patterns of what is left out (`payload.exclude`), from `path` on.
        mtime: The time of all entries, in seconds since 1970.

    Raises:
        FormatError: if a pattern or the destination is none, or there are too many entries.
        StorageError: naming what cannot be read.
    """
    reading = _Reading(path, owner, modes, Exclusion(exclude), mtime)
    with storing(path):
        real = path.resolve(strict=True)
        found = real.lstat()
    folder = stat.S_ISDIR(found.st_mode)
    place = _place(destination)
    if not folder and (destination.endswith("/") or not destination):
        place = "/".join(part for part in (place, path.name) if part)
    elif not folder and not place:
        raise FormatError(f"a file cannot be the root of the image: `{destination}`")
    reading.above(place)
    if not folder:
        reading.single(real, place, found)
    else:
        if place:
            reading.folder(place, found)
        reading.walk(real, place)
    return reading.result()


def _place(destination: str) -> str:
    """The destination without its slashes."""
    destination = destination or DESTINATION
    parts = destination.split("/")
    if parts[0] or ".." in parts or _fault(destination.removeprefix("/")):
        raise FormatError(f"not an absolute path of an image: {destination[:200]!r}")
    return "/".join(part for part in parts if part not in ("", "."))


class _Reading:
    """A source that is being read."""

    def __init__(
        self, source: Path, owner: Owner, modes: Modes | int, exclusion: Exclusion, mtime: int
    ) -> None:
        self._source = source
        self._owner = owner
        self._modes = modes
        self._exclusion = exclusion
        self._mtime = mtime
        self._files: dict[str, PayloadFile] = {}
        self._findings: list[Finding] = []
        self._unreadable: list[StorageError] = []
        self._seen = 0

    def above(self, place: str) -> None:
        """The folders above a place."""
        parts = place.split("/")
        for depth in range(1, len(parts)):
            self._add(entries.directory("/".join(parts[:depth]), mtime=self._mtime), _NOTHING, "")

    def single(self, real: Path, place: str, found: os.stat_result) -> None:
        """A source that is a file; `real` is what links led to."""
        if self._exclusion.covers(self._source.name, folder=False):
            return
        if fault := _fault(place):
            self._wrong("file-name", "", f"{fault}: {place[-200:]!r}", "rename it, or exclude it")
        elif not self._is_skipped(place):
            self._leaf(str(real), place, found, str(self._source))

    def walk(self, top: Path, place: str) -> None:
        """Everything below a folder."""
        ahead = [""]
        origin = str(self._source / "_")[:-1]
        while ahead:
            inside = ahead.pop()
            for each in self._listed(top / inside):
                self._seen += 1
                if self._seen > MAX_ENTRIES:
                    raise FormatError(f"more than {MAX_ENTRIES} entries", where=[str(self._source)])
                name = _name(each)
                path = f"{inside}/{name}" if inside else name
                is_folder = each.is_dir(follow_symlinks=False)
                if self._exclusion.covers(path, folder=is_folder):
                    continue
                where = f"{place}/{path}" if place else path
                if fault := _fault(where):
                    self._wrong(
                        "file-name", _parent(where), f"{fault}: {name[:200]!r}", "rename or exclude it"
                    )
                elif self._is_skipped(where):
                    pass
                elif is_folder:
                    self._folder_at(each, where)
                    ahead.append(path)
                else:
                    self._leaf_at(each, where, f"{origin}{path}")

    def result(self) -> SourceTree:
        """What was read.

        Raises:
            StorageError: if something could not be.
        """
        if self._unreadable:
            first, *more = sorted(self._unreadable, key=str)
            hints = [str(each) for each in more[: _SHOWN - 1]]
            if len(more) >= _SHOWN:
                hints.append(f"and {len(more) - _SHOWN + 1} more that cannot be read")
            raise StorageError(
                first.message, where=first.where, hint=(*hints, "make them readable, or exclude them")
            )
        ordered = sorted(self._files.items(), key=lambda item: item[0].encode())
        findings = sorted(self._findings, key=lambda each: (each.path.encode(), each.rule, each.message))
        return SourceTree(tuple(each for _, each in ordered), tuple(findings))

    def folder(self, where: str, found: os.stat_result) -> None:
        """One folder."""
        given, mode = stat.S_IMODE(found.st_mode), 0o755
        if self._modes is Modes.KEEP:
            mode = given
            if mode & stat.S_IWOTH and not mode & stat.S_ISVTX:
                self._world_writable(where, mode)
        elif given & (stat.S_ISVTX | stat.S_ISGID):
            severity = Severity.WARNING if given & stat.S_ISVTX else Severity.NOTE
            self._find(
                "folder-mode",
                severity,
                where,
                f"a folder of mode {given:04o} becomes one of mode 0755",
                "`mode: keep` keeps modes as they are",
            )
        entry = entries.directory(where, mode, uid=self._owner.uid, gid=self._owner.gid, mtime=self._mtime)
        self._add(entry, _NOTHING, "")

    def _listed(self, folder: Path) -> Iterator[os.DirEntry[str]]:
        try:
            with storing(folder), os.scandir(folder) as found:
                yield from found
        except StorageError as error:
            self._unreadable.append(error)

    def _folder_at(self, each: os.DirEntry[str], where: str) -> None:
        try:
            with storing(each.path):
                found = each.stat(follow_symlinks=False)
        except StorageError as error:
            self._unreadable.append(error)
        else:
            self.folder(where, found)

    def _leaf_at(self, each: os.DirEntry[str], where: str, origin: str) -> None:
        try:
            with storing(each.path):
                found = each.stat(follow_symlinks=False)
            self._leaf(each.path, where, found, origin)
        except StorageError as error:
            self._unreadable.append(error)

    def _leaf(self, path: str, where: str, found: os.stat_result, origin: str) -> None:
        """Anything but a folder."""
        if stat.S_ISLNK(found.st_mode):
            self._link(path, where, origin)
        elif stat.S_ISREG(found.st_mode):
            self._file(path, where, found, origin)
        else:
            what = _SPECIAL.get(stat.S_IFMT(found.st_mode), "a special file")
            self._wrong("special-file", where, f"{what} cannot be part of an image", "remove or exclude it")

    def _link(self, path: str, where: str, origin: str) -> None:
        with storing(path):
            target = _text(os.readlink(os.fsencode(path)))  # noqa: PTH115 - Path would tidy it
        if fault := _fault(target, whiteouts=False):
            message = f"{fault}, in a link to {target[:200]!r}"
            self._wrong("file-name", where, message, "change the link, or exclude it")
            return
        self._add(entries.symlink(where, target, mtime=self._mtime), _NOTHING, origin)

    def _file(self, path: str, where: str, found: os.stat_result, origin: str) -> None:
        if found.st_size >= MAX_FILE:
            message = f"a file of {found.st_size} bytes; a package holds files of less than {MAX_FILE}"
            self._wrong("file-size", where, message, "exclude it, and mount it as a volume")
            return
        given = stat.S_IMODE(found.st_mode)
        mode = self._mode(given)
        special = (stat.S_ISUID | stat.S_ISGID | stat.S_ISVTX) & (
            given if self._modes is Modes.NORMAL else mode
        )
        if special and not mode & special:
            message = f"normalising would drop a bit of mode {given:04o}"
            self._wrong("setuid", where, message, "`mode: keep` keeps it")
        elif special:
            message = f"runs with the rights of its owner or group, whoever starts it: mode {mode:04o}"
            self._find("setuid", Severity.WARNING, where, message, "make sure that the image needs it")
        if mode & stat.S_IWOTH:
            self._world_writable(where, mode)
        if _has_capabilities(path):
            message = "has Linux capabilities, which would be lost"
            self._wrong("file-capability", where, message, "remove them: `setcap -r FILE`")
        entry = entries.file(
            where, found.st_size, mode, uid=self._owner.uid, gid=self._owner.gid, mtime=self._mtime
        )
        self._add(entry, FileContent.of(path, found), origin)

    def _mode(self, given: int) -> int:
        if self._modes is Modes.KEEP:
            return given
        if isinstance(self._modes, int):
            return self._modes
        return 0o755 if given & 0o111 else 0o644

    def _is_skipped(self, where: str) -> bool:
        """Whether apk would skip it, which is noted."""
        if "/" in where or not where.startswith("."):
            return False
        message = "starts with a dot at the top of the image, where package tools skip it"
        self._wrong("top-level-dotfile", where, message, "choose a destination such as `/app`, or exclude it")
        return True

    def _world_writable(self, where: str, mode: int) -> None:
        message = f"anyone may write to it: mode {mode:04o}"
        self._find("world-writable", Severity.WARNING, where, message, "`mode: normal` takes that away")

    def _wrong(self, rule: str, where: str, message: str, hint: str) -> None:
        self._find(rule, Severity.ERROR, where, message, hint)

    def _find(self, rule: str, severity: Severity, where: str, message: str, hint: str) -> None:
        self._findings.append(Finding(rule, severity, where, message, (hint,)))

    def _add(self, entry: Entry, content: SeekableContent, origin: str) -> None:
        owner = self._owner
        if entry.kind is entries.Kind.SYMLINK and owner != (0, 0):
            uname, gname = ("" if number else "root" for number in owner)
            entry = entry._replace(uid=owner.uid, gid=owner.gid, uname=uname, gname=gname)
        self._files[entry.path] = PayloadFile.of(entry, content, origin)


_NOTHING = BytesContent(b"")


def _name(each: os.DirEntry[str]) -> str:
    return _text(os.fsencode(each.name))


def _text(name: bytes) -> str:
    """The name as UTF-8, whatever the machine's own encoding is; other bytes as surrogates."""
    return name.decode("utf-8", "surrogateescape")


def _parent(path: str) -> str:
    return path.rpartition("/")[0]


def _fault(path: str, *, whiteouts: bool = True) -> str:
    """What is wrong with a path in an image, or an empty string."""
    if not path.isprintable():  # nearly every name is
        if any(ord(each) < 0x20 or ord(each) == 0x7F for each in path):
            return "a control character"
        if any(0xDC80 <= ord(each) <= 0xDCFF for each in path):
            return "a name that is not UTF-8"
    if len(path.encode()) > MAX_PATH:
        return f"a path of more than {MAX_PATH} bytes"
    if whiteouts and f"/{_WHITEOUT}" in f"/{path}":
        return f"a name that begins with `{_WHITEOUT}`, which deletes files in an image"
    return ""


def _has_capabilities(path: str) -> bool:
    listed = getattr(os, "listxattr", None)
    if listed is None:
        return False
    try:
        return _CAPABILITY in listed(path, follow_symlinks=False)
    except OSError:  # a file system without attributes
        return False
