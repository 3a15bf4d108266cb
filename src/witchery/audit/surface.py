"""What of an image may serve an attacker, in numbers; and the same of a stock Alpine to compare with."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from witchery.audit.capabilities import ATTRIBUTE
from witchery.audit.programs import KINDS, kind_of
from witchery.elf.hardening import Sort
from witchery.rootfs.entry import Kind
from witchery.survey.files import SurveyedFile
from witchery.survey.survey import Survey, leads_to

EXECUTABLE = 0o111
SETUID, SETGID, STICKY, OTHERS_WRITE = 0o4000, 0o2000, 0o1000, 0o002

_SETTINGS = "etc/"
"""Where nothing is a program, whatever it is called: `etc/init.d/sshd` is what starts one."""


class Tool(NamedTuple):
    """A program that serves an attacker.

    Attributes:
        kind: The rule that speaks of it.
        path: Its file, or a link that leads to it.
        target: The file that a link leads to, or an empty string.
    """

    kind: str
    path: str
    target: str


class Surface(NamedTuple):
    """Counts.

    Attributes:
        packages: Packages.
        files: Files, links and devices; no folders.
        bytes: What files hold, in bytes.
        programs: ELF programs.
        libraries: ELF libraries and plugins.
        scripts: Executable files that begin with `#!`.
        shells: Names of shells.
        package_managers: Names of package managers.
        compilers: Names of compilers and build tools.
        privilege_tools: Names of programs that change who one is.
        interpreters: Names of interpreters.
        network_clients: Names of programs that fetch or send.
        network_servers: Names of programs that listen.
        setuid: Programs with a setuid or setgid bit.
        capabilities: Files with capabilities.
        world_writable: Files, and folders without a sticky bit, that anyone may write to.
    """

    packages: int
    files: int
    bytes: int
    programs: int
    libraries: int
    scripts: int
    shells: int
    package_managers: int
    compilers: int
    privilege_tools: int
    interpreters: int
    network_clients: int
    network_servers: int
    setuid: int
    capabilities: int
    world_writable: int


def tools(survey: Survey) -> tuple[Tool, ...]:
    """The programs that serve an attacker: executable files, and links that lead to one, by their names."""
    return tuple(_tools(survey))


def _tools(survey: Survey) -> Iterator[Tool]:
    links, files = survey.links(), survey.files or {}
    for each in survey.every:
        named = each.entry.kind in (Kind.FILE, Kind.SYMLINK) and not each.path.startswith(_SETTINGS)
        kind = kind_of(each.entry.name) if named else ""
        if not kind:
            continue
        target = leads_to(links, files, each.path) if each.entry.kind is Kind.SYMLINK else each
        if target is not None and is_program(target) and not _is_service(target):
            yield Tool(kind, each.path, "" if target is each else target.path)


def is_program(file: SurveyedFile) -> bool:
    """Whether something is a file that may be executed."""
    return file.entry.kind is Kind.FILE and bool(file.entry.mode & EXECUTABLE)


def _is_service(file: SurveyedFile) -> bool:
    """Whether it is a script of OpenRC: it starts a program of its name, and is none."""
    return file.look is not None and file.look.interpreter.endswith("openrc-run")


def is_setuid(file: SurveyedFile) -> bool:
    """Whether it runs with the rights of its owner or group. On folders these bits mean something else."""
    return is_program(file) and bool(file.entry.mode & (SETUID | SETGID))


def is_world_writable(file: SurveyedFile) -> bool:
    """Whether anyone may write to it; a folder with the sticky bit protects what is in it."""
    entry = file.entry
    if entry.kind is Kind.DIRECTORY:
        return entry.mode & (OTHERS_WRITE | STICKY) == OTHERS_WRITE
    return entry.kind is Kind.FILE and bool(entry.mode & OTHERS_WRITE)


def measure(survey: Survey, found: Sequence[Tool]) -> Surface:
    """Counts.

    Args:
        survey: The image.
        found: Its `tools`.
    """
    every = [each for each in survey.every if each.entry.kind is not Kind.DIRECTORY]
    sorts = [each.binary.hardening.sort for each in every if each.binary and not each.first]
    names = {kind: sum(each.kind == kind for each in found) for kind in KINDS}
    return Surface(
        packages=len(survey.packages),
        files=len(every),
        bytes=survey.content_size,
        programs=sum(each in (Sort.PROGRAM, Sort.STATIC) for each in sorts),
        libraries=sum(each is Sort.LIBRARY for each in sorts),
        scripts=sum(is_program(each) and bool(each.look and each.look.interpreter) for each in every),
        shells=names["shell"],
        package_managers=names["package-manager"],
        compilers=names["compiler"],
        privilege_tools=names["privilege-tool"],
        interpreters=names["interpreter"],
        network_clients=names["network-client"],
        network_servers=names["network-server"],
        setuid=sum(is_setuid(each) for each in every),
        capabilities=sum(any(name == ATTRIBUTE for name, _ in each.entry.xattrs) for each in every),
        world_writable=sum(is_world_writable(each) for each in survey.every),
    )
