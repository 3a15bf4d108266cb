"""Files for another machine: ELF for another architecture, programs for Windows and macOS.

Packages of npm and PyPI ship one file for many platforms and pick one as they run, so a foreign file is a
warning. It is an error where it is certain to be used: where the application has no file at all for its
architecture, where it is a program that stands where programs are kept, or where it has the name of a library
that a fitting file needs and no fitting file has. Files in a folder named for a platform (`linux-arm64`,
`prebuilds`) are always there on purpose. A Windows file that holds .NET code is no foreign one.

Rules: `foreign-architecture`.
"""

import re
from collections.abc import Iterator, Mapping

from witchery.arch import ALL, Arch
from witchery.elf.file import Elf
from witchery.payload.classify import FileKind
from witchery.payload.findings import Finding, Severity
from witchery.payload.programs import rank
from witchery.payload.tree import Payload, PayloadFile

SHOWN = 3
"""How many files are named; further ones of the same grade are counted."""

_SYSTEM = (
    r"(?:darwin|macos|osx|win|win32|windows|android|freebsd|openbsd|linux|linuxmusl|musllinux|manylinux)"
)
_CPU = (
    r"(?:x64|x86_64|amd64|arm64|aarch64|arm|armhf|armv[5-8]l?|ia32|x86|i[3-6]86|386|riscv64|ppc64(?:le|el)?"
    r"|s390x|loong\w*|mips\w*|universal)"
)
_PLATFORM = re.compile(rf"(?:^|[-_./]){_SYSTEM}(?:[-_.](?:musl|gnu|glibc))?[-_./]{_CPU}(?:$|[-_./])")
_TRIPLET = re.compile(rf"(?:^|[-_./]){_CPU}-(?:[a-z]+-)?(?:linux|apple|pc|windows|darwin)")
_COLLECTIONS = ("prebuilds", "prebuilt")

_CLR_DIRECTORY = {0x10B: 208, 0x20B: 224}
"""Where in the optional header, by its magic, the CLI header is pointed to (Microsoft PE format, "Optional
Header Data Directories"); ECMA-335 II.25.3.3 says what it is."""


def foreign(payload: Payload) -> tuple[frozenset[str], tuple[Finding, ...]]:
    """The ELF files for other architectures, and findings for everything foreign."""
    loadable = {path: elf for path, elf in payload.elves.items() if elf.header.loadable}
    others = {path: elf for path, elf in loadable.items() if not elf.fits(payload.arch)}
    nothing_fits = len(others) == len(loadable)
    wanted = _wanted(loadable, others)
    errors: list[Finding] = []
    warnings: list[Finding] = []
    for path, elf in others.items():
        if _is_used(payload, payload.files[path], elf, wanted, nothing_fits=nothing_fits):
            errors.append(_finding(payload, path, elf, Severity.ERROR))
        else:
            warnings.append(_finding(payload, path, elf, Severity.WARNING))
    return frozenset(others), (*_shortened(errors), *_shortened(warnings), *_other_systems(payload))


def _other_systems(payload: Payload) -> Iterator[Finding]:
    """One finding for the programs of each other system."""
    for kind in (FileKind.PE, FileKind.MACHO):
        found = [file for file in payload if file.kind is kind and not _is_managed(file)]
        if not found:
            continue
        used = next((file for file in found if _is_all_there_is(payload, file)), None)
        severity, first = (Severity.WARNING, found[0]) if used is None else (Severity.ERROR, used)
        platform = payload.arch.platform
        more = f"; {len(found) - 1} more like it" if len(found) > 1 else ""
        message = f"is a {kind.value}, and the image is for {platform}{more}"
        hint = _LEAVE_OUT if used is None else f"Build it for {platform}."
        yield Finding("foreign-architecture", severity, first.path, message, (hint,))


def _wanted(loadable: Mapping[str, Elf], others: Mapping[str, Elf]) -> frozenset[str]:
    """The names of libraries that fitting files need, and of which no fitting file has the name."""
    fitting = {path: elf for path, elf in loadable.items() if path not in others}
    names = {name for elf in fitting.values() for name in elf.needed}
    return frozenset(names - {path.rpartition("/")[2] for path in fitting})


def _is_used(
    payload: Payload, file: PayloadFile, elf: Elf, wanted: frozenset[str], *, nothing_fits: bool
) -> bool:
    starts = elf.is_executable and file.is_executable
    if nothing_fits:
        return starts or is_library_name(file.name)
    if is_for_a_platform(file.path.removeprefix(payload.root)):
        return False
    return (starts and rank(payload, file.path) < 3) or file.name in wanted


def is_library_name(name: str) -> bool:
    """Whether a file is called like a library or plugin: `libz.so.1`, `_ssl.so`, `addon.node`."""
    return name.endswith((".so", ".node")) or ".so." in name


def is_for_a_platform(path: str) -> bool:
    """Whether a path says that what is there is for one platform of several."""
    low = path.lower()
    parts = low.split("/")
    return any(each in parts for each in _COLLECTIONS) or bool(_PLATFORM.search(low) or _TRIPLET.search(low))


def _finding(payload: Payload, path: str, elf: Elf, severity: Severity) -> Finding:
    own = next((each for each in ALL if elf.fits(each)), None)
    machine = own.apk if own else f"{elf.header.machine_name} ({elf.header.bits} bits)"
    message = f"is for {machine}, and the image is for {payload.arch}"
    if severity is not Severity.ERROR:
        return Finding("foreign-architecture", severity, path, message, (_LEAVE_OUT,))
    return Finding("foreign-architecture", severity, path, message, _hints(payload.arch, own))


_LEAVE_OUT = "Leave it out with `exclude`, if nothing chooses among several."


def _hints(arch: Arch, own: Arch | None) -> tuple[str, ...]:
    build = f"Build it for {arch}."
    return (build, f"Or build the image for it: `--arch {own}`.") if own else (build,)


def _is_all_there_is(payload: Payload, file: PayloadFile) -> bool:
    """Whether it is a program where programs are kept, and nothing else in the application runs."""
    runs = (each.kind in _RUNS or each.name.endswith(_SOURCES) or _is_managed(each) for each in payload)
    if rank(payload, file.path) > 2 or any(runs):
        return False
    return file.is_executable or file.name.endswith(".exe") or len(list(payload.below(payload.root))) == 1


_RUNS = (FileKind.ELF, FileKind.SCRIPT, FileKind.ZIP, FileKind.JAVA_CLASS)
_SOURCES = (".js", ".mjs", ".cjs", ".ts", ".py", ".rb", ".php", ".pl", ".sh", ".lua")


def _is_managed(file: PayloadFile) -> bool:
    """Whether it is a Windows file that holds code for .NET, which runs anywhere."""
    if file.kind is not FileKind.PE or len(file.head) < 64:
        return False
    at = int.from_bytes(file.head[60:64], "little") + 24
    if at + 2 > file.content.size:
        return False
    optional = file.content.read_at(at, 232)
    place = _CLR_DIRECTORY.get(int.from_bytes(optional[:2], "little"))
    return place is not None and any(optional[place : place + 8])


def _shortened(findings: list[Finding]) -> tuple[Finding, ...]:
    shown, rest = findings[:SHOWN], findings[SHOWN:]
    if len(rest) < 2:
        return tuple(findings)
    message = f"is for another machine; {len(rest) - 1} more like it"
    return (*shown, Finding("foreign-architecture", rest[0].severity, rest[0].path, message))
