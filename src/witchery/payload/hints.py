"""What strings in programs hint at: data and programs that are looked for at run time.

A string proves little: the code that uses it may never run. So what it hints at is suggested, and a shell
is only spoken of. Go programs are left to `golang`, which knows what they use.

Rules: `runs-a-shell` (note): a program that may run `/bin/sh`.
"""

import re
from collections.abc import Iterator

from witchery.elf.file import Elf
from witchery.payload import sweep, wants
from witchery.payload.findings import Evidence, Finding, Report, Severity, Suggestion
from witchery.payload.languages import buildinfo, rust
from witchery.payload.native import libc
from witchery.payload.options import ScanOptions
from witchery.payload.tree import Payload

_CERTIFICATES = (b"/etc/ssl/certs", b"/etc/ssl/cert.pem", b"SSL_CERT_FILE")
_ZONES = b"zoneinfo"
_MEDIA_TYPES = b"/etc/mime.types"
_NAMES = (b"/etc/services", b"/etc/protocols")
_SHELL = b"/bin/sh\0"
_NEEDLES = (*_CERTIFICATES, _ZONES, _MEDIA_TYPES, *_NAMES, _SHELL)
_RUNS_SHELL = ("system", "popen")
_TLS = re.compile(r"lib(ssl|crypto|tls|curl|gnutls|mbedtls|wolfssl)(-[a-z0-9.]+)?\.so(\.[0-9]+)*")
_OPENS = "dlopen"
_LIBRARY = re.compile(rb"(?:[!-9;-~]*/)?(lib[\w+.-]+\.so(?:\.[0-9]+)*)")
_SUFFIX = b".so"
_BOUNDS = (b"\0", b":")  # names also stand in lists, as in libss
_MAX_NAME = 128
_MAX_NAMES = 64
_MAX_HITS = 10_000
_LATER = "may be opened at run time (dlopen)"


def inspect(payload: Payload, _options: ScanOptions) -> Report:
    """What the programs and libraries among the files may look for at run time."""
    suggestions, findings = list[Suggestion](), list[Finding]()
    present = {path.rpartition("/")[2] for path in payload.files}
    present |= {elf.soname for elf in payload.elves.values() if elf.soname}
    for path, elf in payload.elves.items():
        if not elf.header.loadable or libc.is_libc(elf.soname or path.rpartition("/")[2]):
            continue
        suggestions += _linked(path, elf)
        if not buildinfo.is_go(elf):
            found = sweep.first(elf, _NEEDLES)
            suggestions += _mentioned(path, elf, found)
            if told := _runs_shell(elf, found):
                findings.append(_shell(path, told))
        suggestions += _opened(path, elf, present)
    suggestions += _python(payload)
    return Report(suggestions=tuple(suggestions), findings=tuple(findings))


def _mentioned(path: str, elf: Elf, found: dict[bytes, int]) -> Iterator[Suggestion]:
    def evidence(needle: bytes) -> Evidence:
        return Evidence(path, f"mentions {needle.decode()}")

    certificates = [evidence(each) for each in _CERTIFICATES if each in found]
    if certificates:
        yield wants.certificates(*certificates)
    # Every static C program has it from musl's own functions for time.
    if _ZONES in found and (not elf.is_static or rust.is_rust(elf)):
        yield wants.time_zones(evidence(_ZONES))
    if _MEDIA_TYPES in found:
        yield wants.media_types(evidence(_MEDIA_TYPES))
    names = [evidence(each) for each in _NAMES if each in found]
    if names:
        yield wants.network_names(*names)


def _linked(path: str, elf: Elf) -> Iterator[Suggestion]:
    """Certificates, where a library for TLS is wanted."""
    for name in elf.needed:
        if _TLS.fullmatch(name):
            yield wants.certificates(Evidence(path, f"needs {name}"))


def _runs_shell(elf: Elf, found: dict[bytes, int]) -> str:
    """How a program may run a shell, or an empty string."""
    for each in elf.symbols:
        if not each.section and each.name in _RUNS_SHELL:
            return f"it calls {each.name}()"
    return "it mentions /bin/sh" if _SHELL in found else ""


def _shell(path: str, told: str) -> Finding:
    message = f"may run `/bin/sh`, and an image has no shell unless a package brings it: {told}"
    return Finding(
        "runs-a-shell", Severity.NOTE, path, message, ("Add one if it is wanted: `-p busybox-binsh`.",)
    )


def _opened(path: str, elf: Elf, present: set[str]) -> Iterator[Suggestion]:
    """Libraries whose names a program has that opens some by itself; `opened` knows those it declares."""
    if not any(each.name == _OPENS and not each.section for each in elf.symbols):
        return
    known = present.union(elf.needed)
    for name in _named(elf):
        if name not in known and not libc.is_libc(name):
            yield Suggestion(f"so:{name}", _LATER, (Evidence(path, f"calls dlopen(), mentions {name}"),))


def _named(elf: Elf) -> tuple[str, ...]:
    """Names of libraries that stand alone among the constants of a file, the first few."""
    names: dict[str, None] = {}
    hits = 0
    for _, piece in sweep.pieces(elf, sweep.constants(elf)):
        at = piece.find(_SUFFIX)
        while at >= 0:
            hits += 1
            if hits > _MAX_HITS or len(names) == _MAX_NAMES:
                return tuple(names)
            before = max(piece.rfind(each, max(0, at - _MAX_NAME), at) for each in _BOUNDS)
            ends = [end for each in _BOUNDS if (end := piece.find(each, at, at + _MAX_NAME)) >= 0]
            if before >= 0 and ends and (match := _LIBRARY.fullmatch(piece, before + 1, min(ends))):
                names[match[1].decode()] = None
            at = piece.find(_SUFFIX, at + len(_SUFFIX))
    return tuple(names)


def _python(payload: Payload) -> Iterator[Suggestion]:
    """Certificates for applications in Python, whose interpreter is a package that does not ask for them."""
    for each in payload:
        if each.is_file and each.name.endswith(".py"):
            yield wants.certificates(Evidence(each.path, "is written in Python"))
            return
