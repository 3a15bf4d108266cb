"""How a file is hardened against attack, as far as its headers and symbols tell: facts, no judgement.

What does not apply to a file is `n/a`, and what cannot be told from it is `unknown`; neither is ever `no`:

* PIE is a property of programs, so a library has none to lack.
* Of functions of libc that check sizes at run time only glibc has a trace (`__*_chk`). Alpine's
  fortify-headers check inline and leave none, so the answer for a file of musl is `n/a`.
* A stack protector shows by the name of its handler. Go has none and needs none. A static file without
  symbols is searched for the load of the guard, where that is a fixed sequence of bytes (x86-64); what is not
  found there is unknown.

`no` for a stack protector means that nothing in the file refers to it. The compiler guards functions with
arrays on the stack, so a small file may have nothing to guard.

Sources: gABI chapters 4 and 5; Linux Extensions to gABI, "Program Property", and the psABIs of x86-64 and
AArch64 for their meaning.
"""

from enum import StrEnum

from witchery.elf import arm_attributes, glibc
from witchery.elf.file import Elf, Relro
from witchery.elf.header import EM_386, EM_AARCH64, EM_ARM, EM_X86_64
from witchery.elf.notes import Properties
from witchery.elf.sections import SYMTAB
from witchery.elf.segments import EXECUTE, LOAD
from witchery.errors import FormatError
from witchery.value import frozen

_GUARD = "__stack_chk_fail"
_HANDLERS = frozenset({_GUARD, f"{_GUARD}_local"})
_CANARY = bytes.fromhex("6448") + b"[\x8b\x03\x2b\x33]" + b"[\x04\x0c\x14\x1c\x24\x2c\x34\x3c]"
_LOAD_OF_GUARD = {EM_X86_64: bytes.fromhex("25 28 00 00 00")}
MAX_SEARCHED = 64 << 20
"""How many bytes of code of a static file are searched for the load of the guard."""

_FORTIFIED = (
    "asprintf confstr dprintf explicit_bzero fdelt fgets fgets_unlocked fgetws fprintf fread fread_unlocked"
    " fwprintf getcwd getdomainname getgroups gethostname getlogin_r gets getwd longjmp mbsnrtowcs mbsrtowcs"
    " mbstowcs memcpy memmove mempcpy memset obstack_printf poll ppoll pread pread64 printf ptsname_r read"
    " readlink readlinkat realpath recv recvfrom snprintf sprintf stpcpy stpncpy strcat strcpy strncat"
    " strncpy swprintf syslog ttyname_r vasprintf vdprintf vfprintf vfwprintf vprintf vsnprintf vsprintf"
    " vswprintf vsyslog vwprintf wcpcpy wcpncpy wcrtomb wcscat wcscpy wcsncat wcsncpy wcsnrtombs wcsrtombs"
    " wcstombs wctomb wmemcpy wmemmove wmempcpy wmemset wprintf"
)
FORTIFIED = frozenset(_FORTIFIED.split())
"""Functions of glibc that have a twin which checks sizes (glibc, `debug/Versions`)."""

_LEVELS = ((1, "x86-64"), (2, "x86-64-v2"), (4, "x86-64-v3"), (8, "x86-64-v4"))
_BASELINE = ("cmov", "cmpxchg8b", "mmx", "sse", "sse2")
_COMPAT = (
    "i486",
    "cmpxchg8b",
    "cmov",
    "sse",
    "sse2",
    "sse3",
    "ssse3",
    "sse4.1",
    "sse4.2",
    "avx",
    "avx2",
    "avx512f",
)
_COMPAT_2 = ("cmov", "sse", "sse2", "sse3", "ssse3", "sse4.1", "sse4.2", "avx", "avx2", "fma", "avx512f")


class Answer(StrEnum):
    """Whether a file has a property."""

    YES = "yes"
    NO = "no"
    NOT_APPLICABLE = "n/a"
    UNKNOWN = "unknown"

    @staticmethod
    def of(value: object) -> "Answer":
        """Yes or no."""
        return Answer.YES if value else Answer.NO


class Sort(StrEnum):
    """What an ELF file is to a system."""

    PROGRAM = "program"
    STATIC = "static program"
    LIBRARY = "library"
    OTHER = "other"


@frozen(kw_only=True)
class Hardening:
    """What is known of one file.

    Attributes:
        sort: What it is.
        machine: For which machine, in words.
        built_for: The same as `e_machine`, bits and whether the least significant byte comes first.
        libc: `musl`, `glibc`, or an empty string where nothing tells.
        pie: Whether a program can be loaded anywhere.
        relro: What of the loader's tables cannot be written to once it runs.
        nx: Whether its stack cannot be executed.
        rwx: Whether some of its memory can be both written and executed.
        textrel: Whether the loader has to write into its code.
        stack_protector: Whether anything in it refers to the stack protector.
        fortify: Whether it calls functions of libc that check sizes.
        control_flow: Its protections of jumps and returns: `ibt`, `shstk`, `bti`, `pac`.
        needs: What it says that the processor has to have: `cmov`, `x86-64-v3`, `armv7`, `neon`. Nothing
            where it says nothing, which proves nothing: compilers seldom do.
        uses: The same, of what it may use where it is there.
        run_path: Where it looks for libraries first, as written.
        stripped: Whether it is without symbols that only debuggers read.
        debug: Whether it has debugging information.
        code: How many bytes of it can be executed.
    """

    sort: Sort
    machine: str
    built_for: tuple[int, int, bool]
    libc: str
    pie: Answer
    relro: Relro
    nx: bool
    rwx: bool
    textrel: bool
    stack_protector: Answer
    fortify: Answer
    control_flow: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    uses: tuple[str, ...] = ()
    run_path: tuple[str, ...] = ()
    stripped: bool = True
    debug: bool = False
    code: int = 0


def hardening(elf: Elf) -> Hardening:
    """The facts about a file. Of one that no loader takes (an object, a core dump) little applies."""
    sort = _sort(elf)
    libc = _libc(elf)
    properties = elf.properties
    names = {each.name for each in elf.symbols}
    return Hardening(
        sort=sort,
        machine=elf.header.machine_name,
        built_for=(elf.header.machine, elf.header.bits, elf.header.little),
        libc=libc,
        pie=Answer.of(elf.is_pie) if elf.is_executable else Answer.NOT_APPLICABLE,
        relro=elf.relro,
        nx=elf.nx,
        rwx=elf.has_rwx_segment,
        textrel=elf.has_textrel,
        stack_protector=_stack_protector(elf, names),
        fortify=_fortify(elf, names, libc),
        control_flow=_control_flow(elf, properties),
        needs=_processor(elf, properties, needed=True),
        uses=_processor(elf, properties, needed=False),
        run_path=() if elf.dynamic is None else elf.dynamic.search_path,
        stripped=not any(each.type == SYMTAB for each in elf.sections),
        debug=any(each.name.startswith((".debug_", ".zdebug_")) for each in elf.sections),
        code=sum(each.file_size for each in elf.segments if each.type == LOAD and each.flags & EXECUTE),
    )


def _sort(elf: Elf) -> Sort:
    if not elf.header.loadable:
        return Sort.OTHER
    if elf.is_executable:
        return Sort.STATIC if elf.is_static else Sort.PROGRAM
    return Sort.LIBRARY


def _libc(elf: Elf) -> str:
    """Which C library a file is for; a file that is for none, or all in one, says nothing."""
    wanted = (*elf.needed, (elf.interpreter or "").rpartition("/")[2], elf.soname or "")
    if any(each.startswith(("libc.musl-", "ld-musl-")) for each in wanted):
        return "musl"
    if glibc.proof(elf) or "libc.so.6" in wanted:
        return "glibc"
    return "musl" if "libc.so" in wanted else ""


def _is_go(elf: Elf) -> bool:
    return any(each.owner == "Go" for each in elf.notes) or elf.section(".go.buildinfo") is not None


def _stack_protector(elf: Elf, names: set[str]) -> Answer:
    if not elf.header.loadable:
        return Answer.NOT_APPLICABLE
    if names & _HANDLERS:
        return Answer.YES
    if _is_go(elf):
        return Answer.NOT_APPLICABLE
    if not elf.is_static:
        return Answer.NO
    return Answer.YES if _has_symbol(elf) or _loads_guard(elf) else Answer.UNKNOWN


def _has_symbol(elf: Elf) -> bool:
    """Whether a file that kept its symbols names the handler."""
    strings = next((each for each in elf.sections if each.name == ".strtab"), None)
    try:
        data = bytes(elf.content(strings)) if strings and strings.size <= MAX_SEARCHED else b""
    except FormatError:
        return False
    return b"\0" + _GUARD.encode() in data


def _loads_guard(elf: Elf) -> bool:
    """Whether the code of a static file loads the guard from where it is kept (x86-64: `fs:0x28`)."""
    import re

    tail = _LOAD_OF_GUARD.get(elf.header.machine)
    if tail is None:
        return False
    pattern = re.compile(_CANARY + re.escape(tail), re.DOTALL)
    left = MAX_SEARCHED
    for each in elf.segments:
        if each.type == LOAD and each.flags & EXECUTE and each.file_size <= left:
            left -= each.file_size
            if pattern.search(elf.content(each)):
                return True
    return False


def _fortify(elf: Elf, names: set[str], libc: str) -> Answer:
    if not elf.header.loadable or libc == "musl":
        return Answer.NOT_APPLICABLE
    if libc != "glibc":
        return Answer.UNKNOWN if elf.is_static and not _is_go(elf) else Answer.NOT_APPLICABLE
    if any(f"__{each}_chk" in names for each in FORTIFIED):
        return Answer.YES
    return Answer.NO if names & FORTIFIED else Answer.NOT_APPLICABLE


def _control_flow(elf: Elf, found: Properties) -> tuple[str, ...]:
    # On x86 the number of AArch64's features means something else.
    arm = elf.header.machine == EM_AARCH64
    marks = (
        ("ibt", found.x86_ibt),
        ("shstk", found.x86_shstk),
        ("bti", arm and found.aarch64_bti),
        ("pac", arm and found.aarch64_pac),
    )
    return tuple(name for name, there in marks if there)


def _processor(elf: Elf, found: Properties, *, needed: bool) -> tuple[str, ...]:
    """What a file says of the processor: on x86-64 its level, on 32 bits what older processors lack."""
    if elf.header.machine == EM_ARM and needed:
        return _arm(elf)
    if elf.header.machine not in (EM_386, EM_X86_64):
        return ()
    level = (found.x86_isa_needed if needed else found.x86_isa_used) or 0
    if elf.header.machine == EM_X86_64:
        levels = tuple(name for bit, name in _LEVELS if level & bit)
        return levels[-1:]
    compat = (found.x86_compat_needed or 0) if needed else 0
    second = (found.x86_compat_2_needed if needed else found.x86_compat_2_used) or 0
    words = dict.fromkeys(_BASELINE if level else ())
    words |= dict.fromkeys(name for bit, name in enumerate(_COMPAT) if compat >> bit & 1)
    words |= dict.fromkeys(name for bit, name in enumerate(_COMPAT_2) if second >> bit & 1)
    return tuple(words)


def _arm(elf: Elf) -> tuple[str, ...]:
    section = elf.section(".ARM.attributes")
    try:
        return arm_attributes.processor(bytes(elf.content(section))) if section else ()
    except FormatError:
        return ()
