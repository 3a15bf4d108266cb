"""Where packages come from: the lines of `/etc/apk/repositories` (apk-repositories(5)).

    [v2|ndx] [@tag] LOCATION [component...]

A location is an `http`, `https` or `file` URL, or a folder. `ndx`, or a location that ends in `.tar.gz`,
names an index itself, with the packages beside it; any other names a folder with one folder per
architecture.
"""

import re
from collections.abc import Mapping
from pathlib import Path

from witchery.apk.package import Package
from witchery.arch import Arch
from witchery.errors import FormatError, located
from witchery.http import Credentials, Url, redacted
from witchery.value import field, frozen, replace

INDEX_NAME = "APKINDEX.tar.gz"

_TAG = re.compile(r"@[A-Za-z0-9_+.-]+")
_VARIABLE = re.compile(r"\$\{([A-Za-z][A-Za-z0-9_]*)\}")
_ASSIGNMENT = re.compile(r"([A-Za-z][A-Za-z0-9_]*)=(\S*)")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:")
_ARCH = "${APK_ARCH}"


@frozen
class Repository:
    """One repository.

    Attributes:
        location: A URL without credentials, or an absolute folder; `${APK_ARCH}` may stand in it.
        tag: The tag without `@`, or an empty string.
        is_index: True where the location is an index itself.
        credentials: The credentials of the URL; never part of the text.
    """

    location: str
    tag: str = ""
    is_index: bool = False
    credentials: Credentials | None = field(default=None, repr=False, compare=False)

    @classmethod
    def parse(cls, text: str, *, folder: Path, tag: str = "", is_index: bool | None = None) -> "Repository":
        """Reads a location.

        Args:
            text: A URL or a folder.
            folder: What a relative folder is relative to.
            tag: The tag of the repository.
            is_index: Whether the location is an index; None where its name tells.

        Raises:
            FormatError: if it is neither a URL that can be fetched nor a folder.
        """
        if is_index is None:
            is_index = text.endswith(".tar.gz")
        if not text or text.endswith(".adb"):
            raise FormatError(f"expected a repository of apk version 2: `{redacted(text)}`")
        if not _SCHEME.match(text):
            return cls(str(folder.absolute() / text), tag, is_index)
        if text.startswith("file://"):
            path = _file_path(text)
            return cls(path, tag, is_index)
        url = Url.parse(text)
        if "?" in url.target and not is_index:
            raise FormatError(f"expected the URL of a folder, without a query: `{url.shown}`")
        return cls(str(url).rstrip("/"), tag, is_index, url.credentials)

    @property
    def is_local(self) -> bool:
        """True where no network is needed."""
        return self.location.startswith("/")

    def index(self, arch: Arch) -> Url | Path:
        """Where its index for an architecture is."""
        base = self._base(arch)
        if self.is_index:
            return base
        return base / arch.apk / INDEX_NAME

    def package(self, package: Package, arch: Arch) -> Url | Path:
        """Where the file of a package is that stands in the index for `arch`.

        Raises:
            FormatError: if name and version do not make a file name.
        """
        if "/" in package.filename or package.filename.startswith("."):
            raise FormatError(f"a package with a name that is not one: `{package.filename[:80]}`")
        if not self.is_index:
            return self._base(arch) / arch.apk / package.filename
        index = self._base(arch)
        if isinstance(index, Path):
            return index.parent / package.filename
        parent = index.target.partition("?")[0].rpartition("/")[0]
        return replace(index, target=parent or "/") / package.filename

    def _base(self, arch: Arch) -> Url | Path:
        text = self.location.replace(_ARCH, arch.apk)
        if self.is_local:
            return Path(text)
        return replace(Url.parse(text), credentials=self.credentials)

    def __str__(self) -> str:
        return f"@{self.tag} {self.location}" if self.tag else self.location


def parse_line(
    line: str, *, folder: Path, variables: Mapping[str, str] | None = None
) -> tuple[Repository, ...]:
    """Reads one line: a repository for each component, or one; none for a comment or an empty line.

    Args:
        line: The line.
        folder: What a relative folder is relative to.
        variables: What `${NAME}` stands for; `${APK_ARCH}` always is the architecture.

    Raises:
        FormatError: if the line is malformed; the message shows no credentials.
    """
    words = line.split()
    if not words or words[0].startswith("#"):
        return ()
    kind = words.pop(0) if words[0] in {"v2", "v3", "ndx"} else ""
    tag = words.pop(0) if words and words[0].startswith("@") else ""
    if kind == "v3":
        raise FormatError("repositories of apk version 3 are not supported", where=["v3"])
    if tag and not _TAG.fullmatch(tag):
        raise FormatError(f"malformed tag: `{tag}`")
    if not words:
        raise FormatError(f"a repository line without a location: `{redacted(line.strip())}`")
    location, *components = [_expand(word, variables or {}) for word in words]
    is_index = True if kind == "ndx" else None if not kind else False
    if not components:
        return (Repository.parse(location, folder=folder, tag=tag[1:], is_index=is_index),)
    if is_index or (is_index is None and location.endswith(".tar.gz")):
        raise FormatError("an index has no components", where=[redacted(location)])
    return tuple(
        Repository.parse(f"{location.rstrip('/')}/{component}", folder=folder, tag=tag[1:], is_index=False)
        for component in components
    )


def parse_file(text: str, *, folder: Path) -> tuple[Repository, ...]:
    """Reads a repositories file, with its `set` lines.

    Raises:
        FormatError: if a line is malformed; it says which.
    """
    repositories: list[Repository] = []
    variables: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), 1):
        with located(f"line {number}"):
            words = line.split()
            if words[:1] == ["set"]:
                _set(words[1:], variables)
            else:
                repositories.extend(parse_line(line, folder=folder, variables=variables))
    return tuple(dict.fromkeys(repositories))


def _set(words: list[str], variables: dict[str, str]) -> None:
    """`set [-default] key=value`."""
    only_default = words[:1] == ["-default"]
    assignment = _ASSIGNMENT.fullmatch(words[-1]) if len(words) == 1 + only_default else None
    if assignment is None or assignment[1].startswith("APK_"):
        raise FormatError("expected `set [-default] name=value`, with a name that does not begin with `APK_`")
    if not (only_default and assignment[1] in variables):
        variables[assignment[1]] = _expand(assignment[2], variables)


def _expand(word: str, variables: Mapping[str, str]) -> str:
    def value(match: re.Match[str]) -> str:
        name = match[1]
        if name == "APK_ARCH":
            return match[0]
        if name not in variables:
            raise FormatError(f"no value for the variable `{name}`")
        return variables[name]

    return _VARIABLE.sub(value, word)


def _file_path(text: str) -> str:
    """The path of a `file` URL (RFC 8089): of this host only."""
    path = text.removeprefix("file://").removeprefix("localhost")
    if not path.startswith("/"):
        raise FormatError(f"expected a file URL such as `file:///folder`: `{redacted(text)}`")
    if "%" in path:
        from urllib.parse import unquote

        path = unquote(path)
    return path
