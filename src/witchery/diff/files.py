"""Files that are not the same in both. Times do not count: they change with every build of a package."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from witchery.rootfs.entry import Kind
from witchery.survey.files import SurveyedFile

_WORDS = {
    Kind.FILE: "file",
    Kind.HARDLINK: "file",
    Kind.SYMLINK: "link",
    Kind.DIRECTORY: "folder",
    Kind.CHARACTER: "character device",
    Kind.BLOCK: "block device",
    Kind.FIFO: "pipe",
}


class FileState(NamedTuple):
    """A file as one of the two has it.

    Attributes:
        type: What it is: `file`, `folder`, `link`, ...
        mode: Permission bits with setuid, setgid and sticky.
        uid: Numeric owner.
        gid: Numeric group.
        size: Bytes of content.
        digest: SHA-256 of the content in hexadecimal, or an empty string.
        target: Where a link points, or an empty string.
        xattrs: Extended attributes.
        device: Major and minor number of a device.
    """

    type: str
    mode: int
    uid: int
    gid: int
    size: int = 0
    digest: str = ""
    target: str = ""
    xattrs: tuple[tuple[str, bytes], ...] = ()
    device: tuple[int, int] = (0, 0)

    @staticmethod
    def of(file: SurveyedFile) -> "FileState":
        """The state of a file. A link has no mode of its own (symlink(7))."""
        entry = file.entry
        return FileState(
            type=_WORDS[entry.kind],
            mode=0o777 if entry.kind is Kind.SYMLINK else entry.mode,
            uid=entry.uid,
            gid=entry.gid,
            size=entry.size,
            digest=file.look.digest.hex() if file.look else "",
            target=entry.target if entry.kind is Kind.SYMLINK else "",
            xattrs=entry.xattrs,
            device=entry.device,
        )


class FileChange(NamedTuple):
    """A file that is not the same in both.

    Attributes:
        path: Where it is.
        before: As it was; None where it is added.
        after: As it is; None where it is gone.
    """

    path: str
    before: FileState | None
    after: FileState | None

    @property
    def kind(self) -> str:
        """`added`, `gone` or `changed`."""
        if self.before is None:
            return "added"
        return "gone" if self.after is None else "changed"

    @property
    def what(self) -> tuple[str, ...]:
        """What of it differs: `type`, `content`, `target`, `mode`, `owner`, `attributes`, `device`."""
        before, after = self.before, self.after
        if before is None or after is None:
            return ()
        pairs = (
            ("type", before.type, after.type),
            ("content", before.digest, after.digest),
            ("target", before.target, after.target),
            ("mode", before.mode, after.mode),
            ("owner", (before.uid, before.gid), (after.uid, after.gid)),
            ("attributes", before.xattrs, after.xattrs),
            ("device", before.device, after.device),
        )
        return tuple(name for name, one, other in pairs if one != other)

    @property
    def growth(self) -> int:
        """How many bytes more it has."""
        return (self.after.size if self.after else 0) - (self.before.size if self.before else 0)


def compared(before: Mapping[str, SurveyedFile], after: Mapping[str, SurveyedFile]) -> tuple[FileChange, ...]:
    """The files that differ, in byte order of their paths."""
    return tuple(_compared(before, after))


def _compared(before: Mapping[str, SurveyedFile], after: Mapping[str, SurveyedFile]) -> Iterator[FileChange]:
    for path in sorted({*before, *after}, key=lambda each: each.encode("utf-8", "surrogateescape")):
        old, new = before.get(path), after.get(path)
        change = FileChange(path, FileState.of(old) if old else None, FileState.of(new) if new else None)
        if change.before != change.after:
            yield change
