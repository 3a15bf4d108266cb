"""Compiled programs and libraries: what they are, what they need, what is wrong with them.

The parts: `foreign` (other machines), `glibc` (another C library), `loads` and `needed` (libraries), `opened`
(libraries that a program opens by itself), `hardening`. What is for another machine takes no further part,
nor does a file for glibc beside one for musl.

Rules of this module: `damaged-elf` (what begins like ELF and cannot be read; an error where it is a program
or library, else a warning), `interpreter` (a program starts through a loader that is nowhere, an error),
`not-executable` (a program without the permission, a warning), `thread-stack` (a note, at most one).
"""

from collections.abc import Iterator, Mapping

from witchery.elf.file import Elf
from witchery.elf.glibc import is_loader
from witchery.elf.segments import EXECUTE, LOAD
from witchery.payload.findings import Finding, Report, Severity, combined
from witchery.payload.native import glibc, hardening, libc, loads, needed, opened, sonames
from witchery.payload.native.foreign import foreign, is_library_name
from witchery.payload.native.loads import Loads
from witchery.payload.options import ScanOptions
from witchery.payload.programs import program, rank
from witchery.payload.tree import Payload

_GCOMPAT = ("/lib/ld-linux", "/lib64/ld-linux", "/lib/ld64.so.", "/lib64/ld64.so.")
"""Beginnings of the loaders that gcompat stands in for."""


def inspect(payload: Payload, options: ScanOptions) -> Report:
    """What there is to say about the compiled files of an application."""
    skipped, findings = foreign(payload)
    elves = {path: elf for path, elf in payload.elves.items() if path not in skipped and elf.header.loadable}
    spare = glibc.spare(payload, elves)
    skipped |= spare.keys()
    findings += tuple(spare.values())
    elves = {path: elf for path, elf in elves.items() if path not in spare}
    loaded = loads.follow(payload, elves, tuple(options.library_path))
    names = frozenset(sonames.by_name(payload, skipped))
    findings += (
        *_damaged(payload),
        *_empty(payload, elves),
        *_interpreters(payload, elves, options),
        *_forbidden(payload, elves),
    )
    for path, elf in elves.items():
        findings += tuple(hardening.inspect(payload, path, elf))
    own = Report(
        kinds=_kinds(elves),
        findings=(*findings, *_threads(elves, loaded)),
        programs=tuple(
            program(payload, path, _program_kind(elf))
            for path, elf in elves.items()
            if _is_program(path, elf) and payload.files[path].is_executable
        ),
        suggestions=tuple(
            each for path, elf in elves.items() for each in opened.suggestions(names, path, elf)
        ),
    )
    return combined((own, glibc.inspect(payload, elves, options), needed.inspect(payload, elves, loaded)))


def _is_program(path: str, elf: Elf) -> bool:
    """Whether it is a program to be started, rather than a library that could be, or what debuggers read."""
    if not elf.is_executable or elf.is_shared_library or is_library_name(path.rpartition("/")[2]):
        return False
    return any(each.type == LOAD and each.flags & EXECUTE and each.file_size for each in elf.segments)


def _program_kind(elf: Elf) -> str:
    if elf.is_static:
        return "static-pie program" if elf.is_pie else "static program"
    if libc.is_musl(elf):
        return "dynamic musl program"
    return "dynamic glibc program" if is_loader(elf.interpreter or "") else "dynamic program"


def _kinds(elves: Mapping[str, Elf]) -> tuple[str, ...]:
    programs = [_program_kind(elf) for path, elf in elves.items() if _is_program(path, elf)]
    libraries = any(elf.dynamic is not None and not elf.is_executable for elf in elves.values())
    return tuple(dict.fromkeys(programs)) + (("shared library",) if libraries else ())


def _damaged(payload: Payload) -> Iterator[Finding]:
    for path, reason in payload.broken.items():
        file = payload.files[path]
        loaded = file.is_executable or is_library_name(file.name)
        severity = Severity.ERROR if loaded else Severity.WARNING
        hint = "Copy or build it again."
        yield Finding("damaged-elf", severity, path, f"damaged ELF file: {reason}", (hint,))


def _empty(payload: Payload, elves: Mapping[str, Elf]) -> Iterator[Finding]:
    """Programs and libraries of which nothing is loaded: Linux does not start them."""
    for path, elf in elves.items():
        file = payload.files[path]
        if not any(each.type == LOAD for each in elf.segments) and (
            file.is_executable or is_library_name(file.name)
        ):
            reason = "damaged ELF file: program headers: none of them loads anything"
            yield Finding("damaged-elf", Severity.ERROR, path, reason, ("Copy or build it again.",))


def _interpreters(payload: Payload, elves: Mapping[str, Elf], options: ScanOptions) -> Iterator[Finding]:
    right = libc.interpreter(payload.arch)
    for path, elf in elves.items():
        name = elf.interpreter
        if name is None or name == right or payload.locate(name) is not None:
            continue
        if is_loader(name) and (not options.allow_gcompat or name.startswith(_GCOMPAT)):
            continue  # what there is to say about glibc is said elsewhere
        message = f"starts through `{name[:120]}`, which no package provides"
        hints = ("Link it on Alpine.",)
        if libc.is_musl(elf):
            hints = (f"Name the loader's place in the image: `patchelf --set-interpreter {right} FILE`.",)
        yield Finding("interpreter", Severity.ERROR, path, message, hints)


def _forbidden(payload: Payload, elves: Mapping[str, Elf]) -> Iterator[Finding]:
    """Programs that may not be executed: what some archives and uploads make of them."""
    for path, elf in elves.items():
        if _is_program(path, elf) and not payload.files[path].is_executable and rank(payload, path) < 3:
            message = "is a program, and its mode does not let it be executed"
            hint = f"`chmod +x {payload.files[path].origin}`, or give it a mode in the configuration."
            yield Finding("not-executable", Severity.WARNING, path, message, (hint,))


def _threads(elves: Mapping[str, Elf], loaded: Loads) -> Iterator[Finding]:
    """A note for the first program that starts threads on musl's small stacks."""
    for path, found in loaded.programs.items():
        elf = elves[path]
        if elf.stack_size or not libc.is_musl(elf) or not _is_program(path, elf):
            continue
        if any(_starts_threads(each.elf) for each in found):
            message = "starts threads, whose stacks are 128 KiB with musl unless it says otherwise"
            hint = "If they go deep, link it with `-Wl,-z,stack-size=2097152`."
            yield Finding("thread-stack", Severity.NOTE, path, message, (hint,))
            return


def _starts_threads(elf: Elf) -> bool:
    return any(each.name == "pthread_create" and not each.defined for each in elf.symbols)
