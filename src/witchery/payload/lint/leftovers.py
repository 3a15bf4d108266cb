"""What was left among the files of an application: by version control, compilers, tests, editors, crashes.

Told once for a folder that is one as a whole, else once for each kind and folder.
"""

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from witchery.elf.header import CORE
from witchery.payload.classify import FileKind
from witchery.payload.findings import Finding, Severity
from witchery.payload.tree import Payload, PayloadFile
from witchery.rootfs.entry import Kind

RULE = "leftover"
MANY = 10
"""In how many folders a kind is told of; more are told of together."""

_REPOSITORIES = frozenset((".git", ".svn", ".hg", ".bzr"))
_CACHES = frozenset(
    (".pytest_cache", ".mypy_cache", ".ruff_cache", ".hypothesis", ".tox", ".nox", ".nyc_output", ".gradle")
)
_UNPACKED = "__MACOSX"
_COMPILED = "__pycache__"


class _Kind(NamedTuple):
    """A kind of file.

    Attributes:
        what: What one is, with an article.
        several: What several are.
        covers: Whether a file is one.
    """

    what: str
    several: str
    covers: Callable[[PayloadFile], bool]


def _is_core(file: PayloadFile) -> bool:
    if file.kind is not FileKind.ELF or len(file.head) < 18:
        return False
    return int.from_bytes(file.head[16:18], "big" if file.head[5] == 2 else "little") == CORE


def _is_object(file: PayloadFile) -> bool:
    if file.name.endswith(".o"):
        return file.kind is FileKind.ELF
    if file.name.endswith(".la"):
        return b"libtool" in file.head
    return file.kind is FileKind.AR and file.name.endswith(".a")


def _named(pattern: str) -> Callable[[PayloadFile], bool]:
    found = re.compile(pattern)
    return lambda file: found.fullmatch(file.name) is not None


_KINDS = (
    _Kind("a core dump, the memory of a program that crashed", "core dumps", _is_core),
    _Kind("a leftover of compiling", "leftovers of compiling", _is_object),
    _Kind(
        "a leftover of a file manager",
        "leftovers of a file manager",
        _named(r"\.DS_Store|Thumbs\.db|desktop\.ini|\._.+"),
    ),
    _Kind("a leftover of an editor", "leftovers of an editor", _named(r".+~|\..*\.sw[a-p]|\.#.+|#.+#")),
    _Kind("a leftover of a merge or patch", "leftovers of a merge or patch", _named(r".+\.(?:orig|rej)")),
    _Kind(
        "a record of test coverage",
        "records of test coverage",
        _named(r"\.coverage(?:\..+)?|coverage\.xml|lcov\.info|.+\.gc(?:da|no)"),
    ),
    _Kind("a link to a Git repository", "links to Git repositories", _named(r"\.git")),
)


class _Folder(NamedTuple):
    """A folder that is a leftover as a whole, and its regular files."""

    file: PayloadFile
    inside: list[PayloadFile]

    @property
    def amount(self) -> str:
        """How many files, and how large they are together."""
        return _amount(self.inside)


def leftovers(payload: Payload) -> Iterator[Finding]:
    """The findings."""
    wholes: list[_Folder] = []
    above: dict[str, _Folder] = {}  # the leftover that a folder is, or is in
    grouped: dict[_Kind, dict[str, list[str]]] = {}
    for file in payload:
        whole = above.get(file.entry.parent)
        if file.entry.kind is Kind.DIRECTORY:
            if whole is None and _is_whole(file):
                whole = _Folder(file, [])
                wholes.append(whole)
            if whole is not None:
                above[file.path] = whole
        elif file.is_file and whole is not None:
            whole.inside.append(file)
        elif file.is_file and (kind := _kind(file)):
            grouped.setdefault(kind, {}).setdefault(file.entry.parent, []).append(file.path)
    yield from _folders(payload.root, wholes)
    for kind, folders in grouped.items():
        yield from _files(payload.root, kind, folders)


def _kind(file: PayloadFile) -> _Kind | None:
    return next((each for each in _KINDS if each.covers(file)), None)


def _is_whole(file: PayloadFile) -> bool:
    return (
        file.name in _REPOSITORIES
        or file.name in _CACHES
        or file.name in (_COMPILED, _UNPACKED)
        or (file.name == ".cache" and file.entry.parent.endswith("node_modules"))
    )


def _folders(root: str, wholes: list[_Folder]) -> Iterator[Finding]:
    named: dict[str, list[_Folder]] = {}
    for whole in wholes:
        named.setdefault(whole.file.name, []).append(whole)
    for name, folders in named.items():
        if name == _COMPILED:
            yield _compiled(root, folders)
            continue
        what = "a leftover of an archive" if name == _UNPACKED else "a cache of a tool"
        if name in _REPOSITORIES:
            what = "a repository of version control, with its history"
        hints = (f"exclude it: `{name}/`",)
        if len(folders) > MANY:
            amount = _amount([file for each in folders for file in each.inside])
            message = f"{len(folders)} folders `{name}`, each {what} ({amount})"
            yield Finding(RULE, Severity.WARNING, root, message, hints)
        else:
            for each in folders:
                yield Finding(RULE, Severity.WARNING, each.file.path, f"is {what} ({each.amount})", hints)


def _compiled(root: str, folders: list[_Folder]) -> Finding:
    where = "a folder" if len(folders) == 1 else f"{len(folders)} folders"
    amount = _amount([file for each in folders for file in each.inside])
    hint = "they save time at the start if their Python is the image's; if not, exclude `__pycache__/`"
    path = folders[0].file.path if len(folders) == 1 else root
    return Finding(RULE, Severity.NOTE, path, f"{where} `{_COMPILED}` of compiled Python ({amount})", (hint,))


def _files(root: str, kind: _Kind, folders: dict[str, list[str]]) -> Iterator[Finding]:
    if len(folders) > MANY:
        count = sum(map(len, folders.values()))
        first = next(iter(folders.values()))[0]
        message = f"{count} {kind.several} in {len(folders)} folders, such as `{first}`"
        yield Finding(RULE, Severity.WARNING, root, message, ("exclude them",))
        return
    for paths in folders.values():
        more = f", and {len(paths) - 1} more beside it" if len(paths) > 1 else ""
        pattern = paths[0].rpartition("/")[2]
        yield Finding(
            RULE,
            Severity.WARNING,
            paths[0],
            f"is {kind.what}{more}",
            (f"remove it, or exclude it: `{pattern}`",),
        )


def _amount(files: list[PayloadFile]) -> str:
    counted = "1 file" if len(files) == 1 else f"{len(files)} files"
    return f"{counted}, {_shown(sum(each.content.size for each in files))}"


def _shown(size: int) -> str:
    if size < 1 << 10:
        return f"{size} bytes"
    return f"{size / (1 << 20):.1f} MiB" if size >= 1 << 20 else f"{size / (1 << 10):.0f} KiB"
