"""Java applications: jars and class files, the Java that runs them, the libraries that they carry.

Alpine's packages of Java are called by the number of the release; nothing that a program could ask for names
them. The lowest release with long-term support that runs every class file is taken, unless the application
brings a runtime (`jlink`).

Rules: `broken-jar` (warning): an archive that cannot be read, in whole or in part; `glibc-in-jar` (warning):
a library for glibc in an archive, without one for musl; `java-version` (note): nothing says which Java.
"""

from collections.abc import Iterator
from typing import NamedTuple

from witchery.arch import Arch
from witchery.elf import glibc
from witchery.elf.file import Elf
from witchery.errors import FormatError
from witchery.payload.classify import FileKind
from witchery.payload.findings import (
    Component,
    Evidence,
    Finding,
    Need,
    Program,
    Report,
    Severity,
    Suggestion,
)
from witchery.payload.languages import jars
from witchery.payload.languages.jars import Jar, Native
from witchery.payload.options import ScanOptions
from witchery.payload.purl import purl
from witchery.payload.tree import Payload, PayloadFile

LONG_TERM = (8, 11, 17, 21, 25)
"""Releases with long-term support."""
MAX_JARS = 2_000
"""How many archives of an application are looked into."""
_BEFORE = 44
"""A class file for Java N has the version N + 44."""
_SUFFIXES = (".jar", ".war")
_OTHERS = ("node_modules/", "site-packages/", "dist-packages/")
"""Where jars belong to another language's package, which may never start Java."""
_SHOWN = 3


class _Runtime(NamedTuple):
    """A Java: its package (or an empty string), its folder and its program, absolute."""

    package: str
    home: str
    java: str


def inspect(payload: Payload, _options: ScanOptions) -> Report:
    """What the jars and class files among the files need, and what is in them."""
    read, findings = _jars(payload)
    levels = _levels(payload, read)
    if not read and not levels:
        return Report(findings=tuple(findings))
    highest = max(levels.values(), default=0)
    release = _release(highest)
    for path, jar in read.items():
        findings += _natives(path, jar.natives, payload.arch)
    components = tuple(each for path, jar in read.items() for each in _components(path, jar))
    own = {path: found for path, found in levels.items() if not any(other in path for other in _OTHERS)}
    evidence = _evidence({path: found for path, found in levels.items() if found == highest})
    if not own and levels:
        reason = "jars in packages of another language may be run by Java"
        suggestion = Suggestion(_runtime(release).package, reason, evidence)
        return Report(suggestions=(suggestion,), findings=tuple(findings), components=components)
    bundled = _bundled(payload)
    if not highest and bundled is None:
        message, hint = "nothing says which Java it needs", "Name one: `-p openjdk21-jre-headless`."
        findings.append(Finding("java-version", Severity.NOTE, "", message, (hint,)))
        return Report(kinds=("Java application",), findings=tuple(findings), components=components)
    runtime = bundled or _runtime(release)
    programs = tuple(_programs(payload, read, runtime))
    return Report(
        kinds=(f"Java {release} {'application' if programs else 'classes'}",)
        if highest
        else ("Java application",),
        needs=(Need(runtime.package, evidence),) if runtime.package else (),
        findings=tuple(findings),
        programs=programs,
        components=components,
        environment={"JAVA_HOME": runtime.home, "LANG": "C.UTF-8"},
    )


def _jars(payload: Payload) -> tuple[dict[str, Jar], list[Finding]]:
    read: dict[str, Jar] = {}
    findings, budget = list[Finding](), jars.Budget()
    for each in [each for each in payload if _is_jar(each)][:MAX_JARS]:
        try:
            jar = read[each.path] = jars.read(each.content, budget)
        except FormatError as error:
            findings.append(Finding("broken-jar", Severity.WARNING, each.path, f"cannot be read: {error}"))
            continue
        for member, reason in jar.unread[:1]:
            message = f"`{member}` in it cannot be read: {reason}"
            findings.append(Finding("broken-jar", Severity.WARNING, each.path, message))
    return read, findings


def _is_jar(each: PayloadFile) -> bool:
    return each.is_file and each.kind is FileKind.ZIP and each.name.endswith(_SUFFIXES)


def _levels(payload: Payload, read: dict[str, Jar]) -> dict[str, int]:
    """The versions of class files, by the file that they are in or are."""
    found = {path: jar.level for path, jar in read.items() if jar.level}
    for each in payload:
        if each.kind is FileKind.JAVA_CLASS and each.name != "module-info.class":
            found[each.path] = jars.level(each.head)
    return found


def _release(level: int) -> int:
    wanted = level - _BEFORE
    return next((each for each in LONG_TERM if each >= wanted), wanted)


def _runtime(release: int) -> _Runtime:
    if release == LONG_TERM[0]:  # packaged otherwise than all later ones
        home = "/usr/lib/jvm/java-1.8-openjdk/jre"
        return _Runtime("openjdk8-jre-base", home, f"{home}/bin/java")
    home = f"/usr/lib/jvm/java-{release}-openjdk"
    return _Runtime(f"openjdk{release}-jre-headless", home, f"{home}/bin/java")


def _bundled(payload: Payload) -> _Runtime | None:
    """The runtime that the application brings."""
    for path in payload.elves:
        home, found, _ = path.rpartition("/lib/server/libjvm.so")
        if found and f"{home}/bin/java" in payload.elves:
            return _Runtime("", f"/{home}", f"/{home}/bin/java")
    return None


def _evidence(levels: dict[str, int]) -> tuple[Evidence, ...]:
    shown = sorted(levels.items())[:_SHOWN]
    return tuple(
        Evidence(path, f"class files for Java {level - _BEFORE} (version {level})") for path, level in shown
    )


def _programs(payload: Payload, read: dict[str, Jar], runtime: _Runtime) -> Iterator[Program]:
    started = {
        path: jar.manifest["main-class"] for path, jar in read.items() if jar.manifest.get("main-class")
    }
    top = [path for path in started if path.rpartition("/")[0] == payload.root]
    for path in top or started:
        main = read[path].manifest.get("start-class") or started[path]
        rank = 2 if top else 3
        if top == [path]:
            rank = 0
        yield Program((runtime.java, "-jar", f"/{path}"), f"Main-Class {main[:200]}", rank)


def _components(path: str, jar: Jar) -> Iterator[Component]:
    for each in jar.artifacts:
        name = f"{each.group}/{each.name}"
        yield Component(purl("maven", name, each.version), each.name, each.version, path, each.member)


def _natives(path: str, natives: tuple[Native, ...], arch: Arch) -> Iterator[Finding]:
    """Libraries for this architecture that want glibc, unless one of the same name does not."""
    fitting = [each for each in natives if each.elf.fits(arch)]
    fine = {_base(each) for each in fitting if not _for_glibc(each.elf)}
    for each in fitting:
        if _base(each) not in fine:
            proof = glibc.proof(each.elf) or "needs libc.so.6"
            message = f"`{each.member}` in it was made for glibc, and Alpine has musl: it {proof}"
            hint = "If it is used, take a release of this library that has one for musl."
            yield Finding("glibc-in-jar", Severity.WARNING, path, message, (hint,))


def _for_glibc(elf: Elf) -> bool:
    return glibc.proof(elf) is not None or "libc.so.6" in elf.needed


def _base(native: Native) -> str:
    return native.member.rpartition("/")[2]
