"""From an application to a package of apk v2 (apk-package(5), apk-v2(5)): described, then written.

The package says nothing that is not in its arguments: no clock, no user, no machine. It has no scripts, and
its files are as they were given; only their times are those of the package.

What apk would drop or misread is an error. `problems` finds all of it, under the rules

* `top-level-dotfile`: apk takes names at the top that begin with a dot for its own, and skips them;
* `file-name`: apk skips names with control characters, and paths that do not fit the system's limit;
* `file-size`: apk cannot read sizes from 8 GiB on;
* `odd-owner`: an owner's number that a header cannot hold;
* `special-file`: a device node or FIFO;
* `empty`: there is nothing to package;
* `misplaced`: below something that is no folder, or a hard link to no file of the payload.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence

from witchery.apk import version as versions
from witchery.apk import writer
from witchery.apk.archive import Archive
from witchery.apk.dependency import Dependency, Provide
from witchery.apk.pkginfo import PackageInfo
from witchery.codec import Effort
from witchery.errors import FormatError, Refused
from witchery.keys import PrivateKey
from witchery.payload.findings import Finding, Report, Severity
from witchery.payload.native import tracing
from witchery.payload.tree import Payload, PayloadFile
from witchery.rootfs.content import BytesContent, Content
from witchery.rootfs.entry import Entry, Kind

MAX_PATH = 4096 - 10 - 1
"""The longest path or link target that apk handles, in bytes."""
MAX_FILE = (8 << 30) - 1
"""The largest file whose size a ustar header holds, in bytes."""
MAX_OWNER = 0o7777777
"""The largest number of an owner that a ustar header holds."""
MAX_TIME = 0o77777777777
"""The latest time that a ustar header holds, in seconds since 1970."""

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*")
"""How packages may be called (abuild(1), "validate")."""

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_UNPRINTED = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")  # surrogates: not UTF-8


def describe(
    payload: Payload,
    report: Report,
    *,
    name: str,
    version: str,
    description: str = "",
    url: str = "",
    license: str = "Unspecified",  # noqa: A002 - the field's name
    maintainer: str = "",
    origin: str = "",
    commit: str = "",
    build_time: int = 0,
    depends: Iterable[str] = (),
    provides: Iterable[str] = (),
) -> PackageInfo:
    """What a package of the application says of itself.

    It is for the payload's architecture if there are ELF files in it, otherwise for all.

    Args:
        payload: The application.
        report: What the scan of it found.
        name: The package's name.
        version: Its version, with the release: `1.2.3-r0`.
        description: One line.
        url: Home page.
        license: SPDX expression.
        maintainer: Who cares for it.
        origin: Name of the source package; the package's own where empty.
        commit: Commit of the sources.
        build_time: Seconds since 1970; also the time of its files.
        depends: What it depends on besides the report's needs; in the notation of world, without tags.
        provides: What it provides besides its own name: `cmd:hello=1.2.3-r0`; see `provided`.

    Raises:
        FormatError: if a value cannot stand in a package.
    """
    if not NAME.fullmatch(name):
        raise FormatError(
            f"not a name for a package: `{name}`", hint="letters, digits and `._+-`, no sign at the beginning"
        )
    if not versions.is_valid(version):
        raise FormatError(
            f"not a version that apk can order: `{version}`", hint="such as `1.2.3-r0` or `1.2_rc1-r0`"
        )
    if not 0 <= build_time <= MAX_TIME:
        raise FormatError(f"not a time that a package can have: {build_time}")
    offered = tuple(sorted({_provide(text, name) for text in provides}))
    own = {name, *(Provide.parse(text).name for text in offered)}
    needed = {need.dependency for need in report.needs if _dependency(need.dependency).name not in own}
    texts = {
        "description": description,
        "url": url,
        "license": license,
        "maintainer": maintainer,
        "origin": origin,
        "commit": commit,
    }
    for field, text in texts.items():
        if _UNPRINTED.search(text):
            raise FormatError(f"control character, or not UTF-8: {text[:80]!a}", where=[field])
    return PackageInfo(
        name=name,
        version=version,
        arch=payload.arch.apk if payload.elves or payload.broken else "noarch",
        description=description,
        url=url,
        license=license,
        origin=origin or name,
        maintainer=maintainer,
        commit=commit,
        build_time=build_time,
        depends=tuple(sorted(needed | {_asked(text, name) for text in depends})),
        provides=offered,
    )


def write(
    payload: Payload,
    report: Report,
    info: PackageInfo,
    write_data: Callable[[bytes], object],
    *,
    key: PrivateKey | None = None,
    algorithms: Sequence[str] = writer.DEFAULT_ALGORITHMS,
    effort: Effort = Effort.FILES,
) -> Archive:
    """Writes the data segment of the application's package, and makes the segments that go before it.

    Contents pass in pieces; nothing is kept but small files while they are written.

    Args:
        payload: The application.
        report: What the scan found; the contents it wants otherwise (`rewrites`) are written so.
        info: See `describe`; its build time is that of every file.
        write_data: Takes the data segment.
        key: Signs the package; without one it is unsigned.
        algorithms: See `apk.writer.signature_segment`.
        effort: How hard to compress: as a layer, or as a package that is fetched often.

    Raises:
        FormatError: if there is nothing in the payload, or something that apk would drop; see `problems`.
        IntegrityError: if a content changes while it is read.
        StorageError: if a content cannot be read.
    """
    for problem in problems(payload):
        raise FormatError(problem.message, where=[problem.path] if problem.path else (), hint=problem.hints)
    data = writer.data_segment(_contents(payload, report, info.build_time), write_data, effort=effort)
    return writer.assemble(info, data, key=key, algorithms=algorithms)


def provided(payload: Payload, version: str) -> tuple[str, ...]:
    """What abuild would say that a package provides: its commands, and its libraries in the usual folders.

    A library's version is what follows `.so.` in its file's name, otherwise 0.

    Args:
        payload: The application.
        version: The package's version: that of its commands.
    """
    return tracing.provides(payload, version)


def problems(payload: Payload) -> tuple[Finding, ...]:
    """Everything in a payload that a package cannot hold; see the module for the rules."""
    if not payload.files:
        return (
            Finding("empty", Severity.ERROR, "", "there is nothing to package", ("name another source",)),
        )
    return tuple(finding for each in payload for finding in _problems_of(payload, each))


def _problems_of(payload: Payload, each: PayloadFile) -> Iterator[Finding]:
    entry = each.entry
    if entry.path.startswith("."):
        yield _error(
            "top-level-dotfile",
            each,
            "apk does not install names at the top that begin with a dot",
            "leave it out, or put the payload into a folder of the image",
        )
    if _CONTROL.search(entry.path) or _CONTROL.search(entry.target):
        yield _error("file-name", each, "control character in the name or target", "rename it")
    if max(_length(entry.path), _length(entry.target)) > MAX_PATH:
        yield _error("file-name", each, f"name or target of more than {MAX_PATH} bytes", "shorten it")
    if entry.size > MAX_FILE:
        yield _error("file-size", each, f"more than {MAX_FILE} bytes, the most that apk reads", "split it")
    if not (0 <= entry.uid <= MAX_OWNER and 0 <= entry.gid <= MAX_OWNER):
        yield _error("odd-owner", each, f"owner {entry.uid}:{entry.gid} does not fit a package", "choose one")
    if entry.kind in (Kind.CHARACTER, Kind.BLOCK, Kind.FIFO):
        yield _error("special-file", each, "a device node or FIFO has no place in an image", "leave it out")
    if _is_misplaced(payload, entry):
        yield _error("misplaced", each, "it hangs on something that is not there, or no folder", "move it")


def _is_misplaced(payload: Payload, entry: Entry) -> bool:
    above = payload.files.get(entry.parent)
    if above is not None and above.entry.kind is not Kind.DIRECTORY:
        return True
    if entry.kind is not Kind.HARDLINK:
        return False
    target = payload.files.get(entry.target)
    return target is None or not target.is_file


def _contents(payload: Payload, report: Report, mtime: int) -> Iterator[tuple[Entry, Content]]:
    """The entries as they are written, with their contents."""
    for each in payload:
        entry = each.entry._replace(mtime=mtime)
        instead = report.rewrites.get(each.path) if each.is_file else None
        if instead is None:
            yield entry, each.content
        else:
            yield entry._replace(size=len(instead)), BytesContent(instead)


def _dependency(text: str) -> Dependency:
    """A dependency that a package can have.

    Raises:
        FormatError: if it is none.
    """
    parsed = Dependency.parse(text)
    if parsed.tag:
        raise FormatError(f"a package cannot ask for a tagged repository: `{text}`")
    return parsed


def _asked(text: str, name: str) -> str:
    if _dependency(text).name == name:
        raise FormatError(f"a package cannot depend on itself: `{text}`")
    return text


def _provide(text: str, name: str) -> str:
    try:
        parsed = _dependency(text)
    except Refused as error:
        raise FormatError(f"not a name that a package can provide: `{text}`") from error
    if parsed.conflict or parsed.operator not in ("", "="):
        raise FormatError(f"not a name that a package can provide: `{text}`", hint="`name` or `name=1.2`")
    if parsed.name == name:
        raise FormatError(f"a package provides its own name anyway: `{text}`")
    return text


def _error(rule: str, each: PayloadFile, message: str, hint: str) -> Finding:
    return Finding(rule, Severity.ERROR, each.path, message, (hint,))


def _length(text: str) -> int:
    return len(text.encode("utf-8", "surrogateescape"))
