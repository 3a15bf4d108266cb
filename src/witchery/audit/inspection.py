"""The findings of an audit, rule by rule (`witchery.audit.rules`)."""

from collections.abc import Callable, Iterator, Sequence

from witchery.audit import capabilities
from witchery.audit.finding import Finding
from witchery.audit.surface import SETGID, SETUID, Tool, is_setuid, is_world_writable
from witchery.elf import run_path
from witchery.elf.file import Relro
from witchery.elf.hardening import Answer, Hardening, Sort
from witchery.errors import FormatError
from witchery.rootfs.entry import Kind
from witchery.survey.files import SurveyedFile
from witchery.survey.survey import Survey, leads_to

UNGUARDED = 16384
"""How many bytes of code a file has that is expected to use the stack protector. Of the files of Alpine that
can be loaded (3.19 for x86_64, 3.13 for aarch64) 27 do not use it; with more than 9348 bytes of code only
libgcc_s does not, which GCC builds without."""
_ARMHF = frozenset({"armv4", "armv5", "armv6", "vfpv1", "vfpv2", "hard-float"})
_ORDINARY = {
    "x86_64": frozenset({"x86-64"}),
    "x86": frozenset({"i486"}),
    "armhf": _ARMHF,
    "armv7": _ARMHF | {"armv7", "vfpv3", "vfpv3-d16"},
}
"""What no processor of an architecture lacks. There are 32-bit ones without CMOV (Pentium, Vortex86) and
without cmpxchg8b (i486), so on x86 each is told; Alpine's packages for ARM say `armv6`, `vfpv2` and `armv7`,
`vfpv3-d16`."""
_SHOWN = 8

_Found = Callable[[str, str], Finding]


def inspect(survey: Survey, tools: Sequence[Tool]) -> Iterator[Finding]:
    """All findings about an image."""
    looking = _Inspection(survey)
    for each in survey.every:
        yield from looking.file(each)
    yield from _surface(survey, tools)
    if survey.execution is not None and is_root(survey.execution.user):
        user = survey.execution.user
        yield Finding("runs-as-root", "", "", f"its user is `{user}`" if user else "it names no user")


def is_root(user: str) -> bool:
    """Whether the user of an image's configuration is root; where none is named it is."""
    name = user.partition(":")[0]
    return name in ("", "root") or (name.isdecimal() and not name.strip("0"))


def _surface(survey: Survey, tools: Sequence[Tool]) -> Iterator[Finding]:
    """One finding for each program, with all its names."""
    programs: dict[tuple[str, str], list[str]] = {}
    for each in tools:
        programs.setdefault((each.kind, each.target or each.path), []).append(each.path)
    for (kind, path), paths in programs.items():
        names = sorted({each.rpartition("/")[2] for each in paths})
        more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
        yield Finding(kind, path, survey.owners.get(path, ""), f"{', '.join(names[:_SHOWN])}{more}")


class _Inspection:
    """Looks at files one by one."""

    def __init__(self, survey: Survey) -> None:
        self._survey = survey
        self._files = survey.files or {}
        self._links = survey.links()
        arch = survey.arch
        self._machine = arch.elf_machine, arch.elf_class, arch.elf_little
        self._ordinary = _ORDINARY.get(arch.apk, frozenset())

    def file(self, file: SurveyedFile) -> Iterator[Finding]:
        """The findings about one file."""
        owner = self._survey.owners.get(file.path, "")

        def found(rule: str, evidence: str) -> Finding:
            return Finding(rule, file.path, owner, evidence)

        yield from _rights(file, found)
        if file.look is not None and file.look.broken and not file.first:
            yield found("unreadable-elf", file.look.broken)
        if file.binary is None or file.first:
            return
        facts = file.binary.hardening
        if facts.sort is not Sort.OTHER:
            yield from _memory(facts, found)
            yield from self._run_path(file, facts, found)
            yield from _precautions(facts, found)
        if facts.built_for != self._machine:
            yield found("other-machine", f"for {facts.machine}")
        elif needs := [each for each in facts.needs if each not in self._ordinary]:
            yield found("processor", f"needs {', '.join(needs)}")

    def _run_path(self, file: SurveyedFile, facts: Hardening, found: _Found) -> Iterator[Finding]:
        if not any(facts.run_path):
            return
        if is_setuid(file):
            yield found("setuid-run-path", f"looks for libraries in `{':'.join(facts.run_path)[:200]}`")
        if problem := run_path.problem(facts.run_path, self._is_inside):
            yield found("run-path", problem)
        for folder in facts.run_path:
            place = leads_to(self._links, self._files, run_path.absolute(folder, file.path))
            if folder.startswith(("/", "$")) and place is not None and is_world_writable(place):
                yield found("writable-run-path", f"looks for libraries in `/{place.path}`")
                return

    def _is_inside(self, folder: str) -> bool:
        return leads_to(self._links, self._files, folder) is not None


def _rights(file: SurveyedFile, found: _Found) -> Iterator[Finding]:
    """What owner, mode and attributes give."""
    entry = file.entry
    if entry.kind in (Kind.CHARACTER, Kind.BLOCK):
        yield found("device", f"{entry.kind.name.lower()} device {entry.device[0]}:{entry.device[1]}")
    if is_setuid(file):
        if entry.mode & SETUID:
            yield found("setuid", f"mode {entry.mode:04o}, owner {entry.uid}")
        if entry.mode & SETGID:
            yield found("setgid", f"mode {entry.mode:04o}, group {entry.gid}")
        if file.binary is not None and file.binary.hardening.pie is Answer.NO:
            yield found("setuid-not-pie", f"mode {entry.mode:04o}")
    if is_world_writable(file):
        rule = "writable-folder" if entry.kind is Kind.DIRECTORY else "writable-file"
        yield found(rule, f"mode {entry.mode:04o}")
    value = next((value for name, value in entry.xattrs if name == capabilities.ATTRIBUTE), None)
    if value is not None and entry.kind is Kind.FILE:
        yield _capability(value, found)


def _capability(value: bytes, found: _Found) -> Finding:
    try:
        granted = capabilities.read(value)
    except FormatError as error:
        return found("capability", str(error))
    is_dangerous = granted.root is None and not capabilities.ROOT.isdisjoint(granted.permitted)
    return found("root-capability" if is_dangerous else "capability", str(granted))


def _memory(facts: Hardening, found: _Found) -> Iterator[Finding]:
    """What makes an attack easy."""
    if not facts.nx:
        yield found("exec-stack", "its stack can be executed")
    if facts.rwx:
        yield found("rwx-segment", "a segment can be both written and executed")
    if facts.textrel:
        yield found("textrel", "text relocations")


def _precautions(facts: Hardening, found: _Found) -> Iterator[Finding]:
    """What makes an attack harder, and is missing; what does not apply, or cannot be told, is not missing."""
    if facts.pie is Answer.NO:
        yield found("not-pie", "no PIE")
    if facts.relro is Relro.NONE:
        yield found("no-relro", "no RELRO")
    elif facts.relro is Relro.PARTIAL:
        yield found("partial-relro", "partial RELRO")
    if facts.stack_protector is Answer.NO and facts.code > UNGUARDED:
        yield found("no-stack-protector", f"{facts.code} bytes of code")
    if facts.fortify is Answer.NO:
        yield found("no-fortify", "calls none of the functions that check sizes")
    if not facts.stripped:
        yield found("not-stripped", "debugging information" if facts.debug else "a symbol table")
