"""Python distributions as their installers leave them: what they are, want, and bring to start.

A wheel unpacks into a folder that is on Python's path and leaves `NAME-VERSION.dist-info` there: METADATA
(core metadata specification), WHEEL (PEP 427), RECORD (PEP 376), entry_points.txt (entry points
specification), direct_url.json (PEP 610) and bills of materials (PEP 770). Older installers leave
`NAME.egg-info`, a folder with PKG-INFO or that file itself.

Rules: `python-metadata` (note: a file of those cannot be read).
"""

import re
from collections.abc import Callable, Collection, Iterator
from typing import NamedTuple

from witchery import canonical
from witchery.errors import FormatError
from witchery.payload.findings import Component, Finding, Severity
from witchery.payload.purl import purl

MAX_DISTRIBUTIONS = 50_000
"""How many distributions are looked at."""
MAX_COMPONENTS = 1_000
"""How many components of one bill of materials are taken."""
_METADATA_LIMIT = 1 << 22
_RECORD_LIMIT = 1 << 24
_SBOM_LIMIT = 1 << 22
_MAX_LINES = 10_000
_MAX_VALUE = 2_000
"""How much of one value is kept, in characters: the values that matter are short."""

_MARK = re.compile(
    r"(?:(?P<site>.*)/)?(?P<info>[^/]+\.(?:dist-info|egg-info))(?:/(?P<file>METADATA|PKG-INFO))?"
)
_REQUIREMENT = re.compile(r"\s*([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)")
_OPTIONAL = re.compile(r"\bextra\s*==")
_OBJECT = re.compile(r"([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)\s*:\s*([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)", re.ASCII)
_RUNS = re.compile(r"[-_.]+")
_PURL = re.compile(r"pkg:[a-z][a-z0-9.+-]*/[!-~]+")


class Files(NamedTuple):
    """Where distributions are looked for: an application, or an archive inside one.

    Attributes:
        paths: Its files.
        compiled: Those of them that are ELF files.
        read: Gives the content of one, up to a limit; it raises `FormatError` beyond.
    """

    paths: Collection[str]
    compiled: Collection[str]
    read: Callable[[str, int], bytes]


class Script(NamedTuple):
    """A command that a distribution brings.

    Attributes:
        name: What it is called.
        module: Where it begins.
        callable: What is called there; it may be an attribute of an attribute.
    """

    name: str
    module: str
    callable: str


class Distribution(NamedTuple):
    """An installed distribution.

    Attributes:
        name: As it calls itself.
        version: Its version.
        path: The file that says so.
        site: The folder it is installed in; empty for the top.
        tags: What it was built for, `cp312-cp312-musllinux_1_2_x86_64`; none where nobody says.
        requires_python: Which versions of Python it takes, or an empty string.
        requires: The distributions that it cannot do without, by their normal names.
        scripts: Its commands.
        compiled: The ELF files that it brought.
        is_local: Whether it was installed from a folder: probably the application itself.
        bundled: What its bills of materials say it contains.
    """

    name: str
    version: str
    path: str
    site: str
    tags: tuple[str, ...]
    requires_python: str
    requires: frozenset[str]
    scripts: tuple[Script, ...]
    compiled: tuple[str, ...]
    is_local: bool
    bundled: tuple[Component, ...]

    @property
    def key(self) -> str:
        """Its normal name."""
        return normal(self.name)

    @property
    def wheel(self) -> str:
        """The file that holds its tags."""
        return self.path.removesuffix("METADATA") + "WHEEL" if self.path.endswith("/METADATA") else self.path

    @property
    def component(self) -> Component:
        """It as a part of the application."""
        address = purl("pypi", self.key, self.version)
        return Component(address, self.name, self.version, self.path, "wheel metadata")

    def __str__(self) -> str:
        return f"{self.name} {self.version}"


def normal(name: str) -> str:
    """The name by which a distribution is compared (PEP 503)."""
    return _RUNS.sub("-", name).lower()


def distributions(files: Files) -> tuple[tuple[Distribution, ...], tuple[Finding, ...]]:
    """All distributions that are installed there, by path, and what of them could not be read."""
    findings: list[Finding] = []
    found: list[Distribution] = []
    marks = [(path, mark) for path in files.paths if (mark := _MARK.fullmatch(path))]
    lists: dict[str, list[str]] = {}
    for path in files.paths:
        if path.endswith(".cdx.json") and (at := path.find(".dist-info/sboms/")) >= 0:
            lists.setdefault(path[: at + len(".dist-info")], []).append(path)
    for path, mark in sorted(marks, key=lambda each: each[0])[:MAX_DISTRIBUTIONS]:
        if not mark["file"] and mark["info"].endswith(".dist-info"):
            continue
        if made := _distribution(files, path, mark["site"] or "", lists, findings):
            found.append(made)
    return tuple(found), tuple(findings)


def headers(text: str) -> dict[str, list[str]]:
    """The header of a metadata file: values by name in small letters, as in RFC 822."""
    found: dict[str, list[str]] = {}
    last: list[str] = []
    for line in text.split("\n", _MAX_LINES)[:_MAX_LINES]:
        kept = line.rstrip("\r")
        if not kept:
            break
        if kept[0] in " \t":
            if last:
                last[-1] = f"{last[-1]}\n{kept.strip()}"[:_MAX_VALUE]
            continue
        name, colon, value = kept.partition(":")
        last = found.setdefault(name.strip().lower(), []) if colon else []
        last.append(value.strip()[:_MAX_VALUE])
    return found


def _distribution(
    files: Files, path: str, site: str, lists: dict[str, list[str]], findings: list[Finding]
) -> Distribution | None:
    header = headers(_text(files, path, _METADATA_LIMIT, findings))
    name, version = (_first(header, key) for key in ("name", "version"))
    if not _REQUIREMENT.fullmatch(name) or not _is_plain(version):
        return None
    folder = path.rpartition("/")[0]
    if path.endswith(".egg-info"):
        return _made(path, site, header)
    wheel = headers(_optional(files, f"{folder}/WHEEL", findings))
    record = _optional(files, f"{folder}/RECORD", findings, _RECORD_LIMIT)
    return _made(path, site, header)._replace(
        tags=tuple(wheel.get("tag", ())),
        scripts=tuple(_scripts(_optional(files, f"{folder}/entry_points.txt", findings))),
        compiled=tuple(_recorded(record, site, files.compiled)),
        is_local='"dir_info"' in _optional(files, f"{folder}/direct_url.json", findings),
        bundled=tuple(_bundled(files, lists.get(folder, []), f"{name} {version}", findings)),
    )


def _made(path: str, site: str, header: dict[str, list[str]]) -> Distribution:
    wanted = (
        each for each in header.get("requires-dist", ()) if not _OPTIONAL.search(each.partition(";")[2])
    )
    names = (_REQUIREMENT.match(each) for each in wanted)
    return Distribution(
        _first(header, "name"),
        _first(header, "version"),
        path,
        site,
        (),
        _first(header, "requires-python"),
        frozenset(normal(each[1]) for each in names if each),
        (),
        (),
        is_local=False,
        bundled=(),
    )


def _first(header: dict[str, list[str]], name: str) -> str:
    return next(iter(header.get(name, ())), "")


def _is_plain(version: str) -> bool:
    return bool(version) and len(version) < 200 and version.isprintable() and " " not in version


def _optional(files: Files, path: str, findings: list[Finding], limit: int = _METADATA_LIMIT) -> str:
    return _text(files, path, limit, findings) if path in files.paths else ""


def _text(files: Files, path: str, limit: int, findings: list[Finding]) -> str:
    try:
        return files.read(path, limit).decode(errors="replace")
    except FormatError as error:
        findings.append(Finding("python-metadata", Severity.NOTE, path, f"cannot be read: {error.message}"))
        return ""


def _scripts(text: str) -> Iterator[Script]:
    """The console scripts of an entry_points.txt; extras in brackets are ignored, as installers do."""
    section = ""
    for raw in text.splitlines()[:_MAX_LINES]:
        line = raw[:_MAX_VALUE].strip()
        if line.startswith("[") and line.endswith("]"):
            section = line[1:-1].strip()
        elif section == "console_scripts" and not line.startswith(("#", ";")):
            name, equals, target = line.partition("=")
            called = _OBJECT.fullmatch(target.partition("[")[0].strip())
            if equals and called and name.strip().isprintable():
                yield Script(name.strip(), called[1], called[2])


def _recorded(record: str, site: str, compiled: Collection[str]) -> Iterator[str]:
    """The ELF files among those that a RECORD lists: paths from the folder of the installation."""
    for line in record.splitlines():
        path = line.rsplit(",", 2)[0].strip('"')
        full = f"{site}/{path}" if site else path
        if path.startswith("../"):
            full = _climbed(site, path)
        if full in compiled:
            yield full


def _climbed(site: str, path: str) -> str:
    parts = site.split("/")
    while path.startswith("../"):
        path = path[3:]
        del parts[-1:]
    return "/".join([*parts, path])


def _bundled(files: Files, paths: list[str], owner: str, findings: list[Finding]) -> Iterator[Component]:
    """What a wheel's own bills of materials (CycloneDX) say was copied into it."""
    for path in paths:
        try:
            document = canonical.decode(files.read(path, _SBOM_LIMIT))
        except FormatError as error:
            findings.append(
                Finding("python-metadata", Severity.NOTE, path, f"cannot be read: {error.message}")
            )
            continue
        listed = document.get("components") if isinstance(document, dict) else None
        for each in listed[:MAX_COMPONENTS] if isinstance(listed, list) else ():
            if isinstance(each, dict) and (made := _component(each, path, owner)):
                yield made


def _component(each: dict[str, object], path: str, owner: str) -> Component | None:
    name, version, address = each.get("name"), each.get("version", ""), each.get("purl")
    if not isinstance(name, str) or not isinstance(version, str) or not name.isprintable():
        return None
    if not isinstance(address, str) or not _PURL.fullmatch(address):
        address = purl("generic", name, version)
    if address.startswith("pkg:pypi/"):
        return None  # the wheel itself
    return Component(address, name, version, path, f"bill of materials of {owner}")
