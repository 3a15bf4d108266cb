"""Where packages come from: the lines of `/etc/apk/repositories` (apk-repositories(5)).

    [v2|v3|ndx] [@tag] LOCATION [component...]

A location is an `http`, `https` or `file` URL, or a folder. `ndx`, or a location that ends in `.tar.gz` or
`.adb`, names an index itself, with the packages beside it; any other names a folder with one folder per
architecture, in which the index is, as version 2 or 3 calls it. What version a file is of it says itself.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from witchery.apk.package import NOARCH, Package
from witchery.arch import Arch
from witchery.errors import FormatError, located
from witchery.http import Credentials, Url, redacted
from witchery.value import field, frozen, replace

INDEX_NAME = "APKINDEX.tar.gz"
"""What version 2 calls an index."""
INDEX_NAME_V3 = "Packages.adb"
"""What version 3 calls an index."""

_TAG = re.compile(r"@[A-Za-z0-9_+.-]+")
_VARIABLE = re.compile(r"\$\{([A-Za-z][A-Za-z0-9_]*)\}")
_ASSIGNMENT = re.compile(r"([A-Za-z][A-Za-z0-9_]*)=(\S*)")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:")
_ARCH = "${APK_ARCH}"
_INDEX_SUFFIXES = (".tar.gz", ".adb")
_NAME_PART = re.compile(r"\$\{(name|version|arch|hash)(?::([0-9]{1,3}))?\}")
_USUAL_NAMES = "${arch}/${name}-${version}.apk"  # in a folder of version 3; `arch` is the package's own


@frozen
class Repository:
    """One repository.

    Attributes:
        location: A URL without credentials, or an absolute folder; `${APK_ARCH}` may stand in it.
        tag: The tag without `@`, or an empty string.
        is_index: True where the location is an index itself.
        form: The version that names index and packages where the location is a folder.
        names: How the files of packages are called where the index says so (apk-v3(5), "pkgname-spec").
        credentials: The credentials of the URL; never part of the text.
    """

    location: str
    tag: str = ""
    is_index: bool = False
    form: Literal[2, 3] = 2
    names: str = ""
    credentials: Credentials | None = field(default=None, repr=False, compare=False)

    @classmethod
    def parse(
        cls,
        text: str,
        *,
        folder: Path,
        tag: str = "",
        is_index: bool | None = None,
        form: Literal[2, 3] = 2,
    ) -> "Repository":
        """Reads a location.

        Args:
            text: A URL or a folder.
            folder: What a relative folder is relative to.
            tag: The tag of the repository.
            is_index: Whether the location is an index; None where its name tells.
            form: The version that names what is in a folder.

        Raises:
            FormatError: if it is neither a URL that can be fetched nor a folder.
        """
        if is_index is None:
            is_index = text.endswith(_INDEX_SUFFIXES)
        if not text:
            raise FormatError("expected a repository, got nothing")
        if not _SCHEME.match(text):
            return cls(str(folder.absolute() / text), tag, is_index, form)
        if text.startswith("file://"):
            path = _file_path(text)
            return cls(path, tag, is_index, form)
        url = Url.parse(text)
        if "?" in url.target and not is_index:
            raise FormatError(f"expected the URL of a folder, without a query: `{url.shown}`")
        return cls(str(url).rstrip("/"), tag, is_index, form, credentials=url.credentials)

    @property
    def is_local(self) -> bool:
        """True where no network is needed."""
        return self.location.startswith("/")

    def index(self, arch: Arch) -> Url | Path:
        """Where its index for an architecture is."""
        base = self._base(arch)
        if self.is_index:
            return base
        return base / arch.apk / (INDEX_NAME if self.form == 2 else INDEX_NAME_V3)

    def package(self, package: Package, arch: Arch) -> Url | Path:
        """Where the file of a package is that stands in the index for `arch`.

        Raises:
            FormatError: if name and version do not make a file name.
        """
        if "/" in package.filename or package.filename.startswith("."):
            raise FormatError(f"a package with a name that is not one: `{package.filename[:80]}`")
        base = self._base(arch)
        if self.is_index and isinstance(base, Path):
            base = base.parent
        elif self.is_index and isinstance(base, Url):
            base = replace(base, target=base.target.partition("?")[0].rpartition("/")[0] or "/")
        elif self.form == 2 and not self.names:
            base = base / arch.apk
        for part in self._names(package):
            base = base / part
        return base

    def _names(self, package: Package) -> list[str]:
        """The parts of a package's path below the folder.

        Raises:
            FormatError: if the index gives names that are none, or that lead out of the repository.
        """
        if not self.names and (self.is_index or self.form == 2):
            return [package.filename]
        known = {
            "name": package.name,
            "version": package.version,
            "arch": package.arch or NOARCH,
            "hash": package.identity.hex(),
        }
        named = _NAME_PART.sub(
            lambda part: known[part[1]][: int(part[2])] if part[2] else known[part[1]],
            self.names or _USUAL_NAMES,
        )
        parts = named.split("/")
        if "${" in named or any(part in ("", ".", "..") or not part.isprintable() for part in parts):
            raise FormatError(f"the index names no file of the repository: `{self.names[:80]}`")
        return parts

    def _base(self, arch: Arch) -> Url | Path:
        text = self.location.replace(_ARCH, arch.apk)
        if self.is_local:
            return Path(text)
        return replace(Url.parse(text), credentials=self.credentials)

    def __str__(self) -> str:
        told = self.location.endswith(_INDEX_SUFFIXES)
        words = ["ndx"] if self.is_index and not told else ["v3"] if self.form == 3 else []
        words += [f"@{self.tag}"] if self.tag else []
        return " ".join((*words, self.location))


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
    if tag and not _TAG.fullmatch(tag):
        raise FormatError(f"malformed tag: `{tag}`")
    if not words:
        raise FormatError(f"a repository line without a location: `{redacted(line.strip())}`")
    location, *components = [_expand(word, variables or {}) for word in words]
    is_index = True if kind == "ndx" else None if not kind else False
    form: Literal[2, 3] = 3 if kind == "v3" else 2
    if not components:
        return (Repository.parse(location, folder=folder, tag=tag[1:], is_index=is_index, form=form),)
    if is_index or (is_index is None and location.endswith(_INDEX_SUFFIXES)):
        raise FormatError("an index has no components", where=[redacted(location)])
    root = location.rstrip("/")
    return tuple(
        Repository.parse(f"{root}/{component}", folder=folder, tag=tag[1:], is_index=False, form=form)
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
