"""`.PKGINFO`: what a package says of itself (apk-package(5), apk-v2(5) "CONTROL SEGMENT").

Lines of the form `key = value`; `#` begins a comment; keys that are not known, and lines of another form, are
skipped, as apk does.
"""

import re
from collections.abc import Iterable
from typing import Any

from witchery.apk.identity import encode
from witchery.errors import FormatError
from witchery.value import fields, frozen

_HEX64 = re.compile(r"[0-9a-f]{64}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")

_SCALARS = {
    "pkgname": "name",
    "pkgver": "version",
    "pkgdesc": "description",
    "url": "url",
    "packager": "packager",
    "arch": "arch",
    "origin": "origin",
    "commit": "commit",
    "maintainer": "maintainer",
    "license": "license",
    "datahash": "datahash",
}
_NUMBERS = {
    "builddate": "build_time",
    "size": "installed_size",
    "replaces_priority": "replaces_priority",
    "provider_priority": "provider_priority",
}
_LISTS = {
    "depend": "depends",
    "provides": "provides",
    "replaces": "replaces",
    "install_if": "install_if",
    "triggers": "triggers",
}
_ON_ONE_LINE = ("install_if", "triggers")


@frozen(kw_only=True)
class PackageInfo:
    """The fields of a `.PKGINFO`; dependencies as they are written.

    Attributes:
        name: `pkgname`.
        version: `pkgver`, with the release: `1.2.3-r0`.
        arch: Alpine's name of the architecture, or `noarch`.
        description: One line.
        url: Home page.
        license: SPDX expression, mostly.
        origin: Name of the source package.
        maintainer: Who cares for it.
        packager: Who built it.
        commit: Commit of the build recipe.
        build_time: Seconds since 1970; 0 where unknown.
        installed_size: Bytes; 0 means that there is nothing to install.
        replaces_priority: Which of two packages that replace each other wins; None where not stated.
        provider_priority: Which provider of a name is chosen; None where not stated.
        depends: Dependencies.
        provides: Names it provides besides its own.
        replaces: Packages whose files it may take over.
        install_if: When it installs itself.
        triggers: Folders whose change runs its trigger.
        datahash: SHA-256 of the data segment as it is compressed, in hexadecimal.
        tags: Free words; only packages of version 3 have them.
    """

    name: str
    version: str
    arch: str = ""
    description: str = ""
    url: str = ""
    license: str = ""
    origin: str = ""
    maintainer: str = ""
    packager: str = ""
    commit: str = ""
    build_time: int = 0
    installed_size: int = 0
    replaces_priority: int | None = None
    provider_priority: int | None = None
    depends: tuple[str, ...] = ()
    provides: tuple[str, ...] = ()
    replaces: tuple[str, ...] = ()
    install_if: tuple[str, ...] = ()
    triggers: tuple[str, ...] = ()
    datahash: str = ""
    tags: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuses what would make another document than the one meant.

        Raises:
            FormatError: if a value holds a control character, or the data hash is none.
        """
        for field in fields(self):
            value = getattr(self, field.name)
            for text in (value,) if isinstance(value, str) else value if isinstance(value, tuple) else ():
                if _CONTROL.search(text):
                    raise FormatError(f"control character in a value: {text[:80]!r}", where=[field.name])
        if self.datahash and not _HEX64.fullmatch(self.datahash):
            raise FormatError(f"not a SHA-256: `{self.datahash[:80]}`", where=["datahash"])

    @staticmethod
    def parse(data: bytes) -> "PackageInfo":
        """Reads a `.PKGINFO`.

        Raises:
            FormatError: if it is not UTF-8, lacks name, version or data hash, or a number is none.
        """
        try:
            text = data.decode()
        except UnicodeDecodeError as error:
            raise FormatError("not UTF-8") from error
        scalars: dict[str, str] = {}
        lists: dict[str, tuple[str, ...]] = {}
        for line in text.split("\n"):
            key, equals, value = line.partition(" = ")
            if not equals or key.startswith("#"):
                continue
            if key in _LISTS:
                lists[key] = (*lists.get(key, ()), *value.split())
            else:
                scalars[key] = value
        for required in ("pkgname", "pkgver", "datahash"):
            if not scalars.get(required):
                raise FormatError(f"`{required}` is missing")
        values: dict[str, Any] = {field: scalars[key] for key, field in _SCALARS.items() if key in scalars}
        values |= {field: _number(key, scalars[key]) for key, field in _NUMBERS.items() if key in scalars}
        values |= {field: lists[key] for key, field in _LISTS.items() if key in lists}
        return PackageInfo(**values)

    def to_bytes(self) -> bytes:
        """The `.PKGINFO`, in the order in which abuild writes it; the data hash last."""
        lines = [f"pkgname = {self.name}", f"pkgver = {self.version}", f"pkgdesc = {self.description}"]
        lines += [f"url = {self.url}", f"builddate = {self.build_time}"]
        lines += _optional(("packager", self.packager))
        lines += [f"size = {self.installed_size}", f"arch = {self.arch}"]
        lines += _optional(
            ("origin", self.origin),
            ("commit", self.commit),
            ("maintainer", self.maintainer),
            ("license", self.license),
            ("replaces_priority", self.replaces_priority),
            ("provider_priority", self.provider_priority),
        )
        for key, field in _LISTS.items():
            values: tuple[str, ...] = getattr(self, field)
            joined = (" ".join(values),) if key in _ON_ONE_LINE and values else values
            lines += [f"{key} = {value}" for value in joined]
        lines += _optional(("datahash", self.datahash))
        return "".join(f"{line}\n" for line in lines).encode()

    def stanza(self, identity: bytes, size: int, arch: str = "") -> str:
        """The lines of an index that describe the package (apk-index(5)).

        Args:
            identity: What an index names it by.
            size: Bytes of its file.
            arch: Alpine's name of the repository's architecture; stands in place of `noarch`.
        """
        always = {
            "C": encode(identity),
            "P": self.name,
            "V": self.version,
            "A": arch or self.arch,
            "S": str(size),
            "I": str(self.installed_size),
            "T": self.description,
            "U": self.url,
            "L": self.license,
        }
        where_set = {
            "o": self.origin,
            "m": self.maintainer,
            "t": str(self.build_time or ""),
            "c": self.commit,
            "k": str(self.provider_priority or ""),
            "D": " ".join(self.depends),
            "p": " ".join(self.provides),
            "i": " ".join(self.install_if),
        }
        lines = [*always.items(), *((letter, value) for letter, value in where_set.items() if value)]
        return "".join(f"{letter}:{value}\n" for letter, value in lines)


def _number(key: str, text: str) -> int:
    if not text.isdigit() or not text.isascii() or len(text) > 19:
        raise FormatError(f"not a number: `{text[:40]}`", where=[key])
    return int(text)


def _optional(*pairs: tuple[str, str | int | None]) -> Iterable[str]:
    return [f"{key} = {value}" for key, value in pairs if value not in ("", None)]
