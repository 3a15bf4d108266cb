"""Compiled addons of Node: `.node` files, shared libraries that Node loads.

A package with addons either holds those for all systems (`prebuilds/linux-x64/`), or has one package for
each system beside it, told apart by `os`, `cpu` and `libc`. What an addon is, its ELF headers say; names are
hints: packages called `-musl` have held addons for glibc.

Rules: `node-addon` (error: an addon that Alpine cannot load, and none beside it that it can),
`foreign-prebuilds` (note: addons for other systems).
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from witchery.arch import Arch
from witchery.elf.glibc import proof
from witchery.payload.classify import FileKind
from witchery.payload.findings import Finding, Severity
from witchery.payload.node.npm import NodePackage, Packages
from witchery.payload.options import ScanOptions
from witchery.payload.tree import Payload, PayloadFile

_SHOWN = 20
_CPUS = {
    "x86_64": "x64",
    "aarch64": "arm64",
    "armv7": "arm",
    "armhf": "arm",
    "x86": "ia32",
    "ppc64le": "ppc64",
}
_SYSTEM = (
    r"(?:linux(?:musl|glibc)?|darwin|win32|windows|freebsd|openbsd|sunos|android|universal|x64|x86[-_]64|arm64"
    r"|aarch64|armv?[67]?l?|ia32|ppc64(?:le)?|s390x|riscv64|loong64|gnu(?:eabihf)?|musl(?:eabihf)?|glibc|msvc)"
)
_SYSTEMS = re.compile(rf"(?:^|[-_.]){_SYSTEM}(?=[-_.]|$)")


class _Addon(NamedTuple):
    file: PayloadFile
    owner: NodePackage | None
    fault: str
    is_foreign: bool

    @property
    def family(self) -> tuple[str, str]:
        """What package and file are called without their systems: those of one family do the same."""
        return _SYSTEMS.sub("", self.owner.name if self.owner else ""), _SYSTEMS.sub("", self.file.name)


def cpu(arch: Arch) -> str:
    """What npm calls an architecture."""
    return _CPUS.get(arch.apk, arch.oci)


def findings(payload: Payload, packages: Packages, options: ScanOptions) -> Iterator[Finding]:
    """What is to be said of the addons."""
    addons = [
        _addon(payload, packages, each)
        for each in payload
        if each.name.endswith(".node")
        and each.is_file
        and each.kind in (FileKind.ELF, FileKind.PE, FileKind.MACHO)
    ]
    good = {each.family for each in addons if not each.fault}
    bad = [each for each in addons if each.fault]
    spare = [each for each in bad if each.family in good or _is_elsewhere(payload, each)]
    if spare:
        yield _spare(payload, spare)
    left_out = {each.file.path for each in spare}
    wrong: dict[tuple[str, str], _Addon] = {}
    for each in bad:
        # Of those that would do on this machine but for the C library, the first speaks for its family.
        known = wrong.get(each.family)
        if each.file.path not in left_out and (known is None or (known.is_foreign and not each.is_foreign)):
            wrong[each.family] = each
    for each in list(wrong.values())[:_SHOWN]:
        if each.is_foreign or not options.allow_gcompat:
            yield _wrong(payload, each)


def _addon(payload: Payload, packages: Packages, each: PayloadFile) -> _Addon:
    owner = packages.owner(each.path)
    elf = payload.elf(each.path)
    if elf is None:
        what = "is damaged" if each.kind is FileKind.ELF else f"is for another system ({each.kind.value})"
        return _Addon(each, owner, what, is_foreign=each.kind is not FileKind.ELF)
    if not elf.fits(payload.arch):
        return _Addon(each, owner, f"is for another machine than {payload.arch.apk}", is_foreign=True)
    shown = proof(elf)
    return _Addon(each, owner, f"was built for glibc: it {shown}" if shown else "", is_foreign=False)


def _is_elsewhere(payload: Payload, each: _Addon) -> bool:
    """Whether its package says itself that it is for something else, and is only ever loaded there."""
    if each.owner is None or not each.is_foreign:
        return False
    return not (
        _allows(each.owner.listed("os"), "linux") and _allows(each.owner.listed("cpu"), cpu(payload.arch))
    )


def _allows(listed: tuple[str, ...], name: str) -> bool:
    """npm, "package.json", `os`: names that it runs on, or with `!` those that it does not."""
    wanted = [each for each in listed if not each.startswith("!")]
    return f"!{name}" not in listed and (not wanted or name in wanted or "any" in wanted)


def _spare(payload: Payload, spare: list[_Addon]) -> Finding:
    size = sum(each.file.content.size for each in spare)
    count = "an addon" if len(spare) == 1 else f"{len(spare)} addons"
    message = f"{count} for other systems than {payload.arch.apk} with musl, {size} bytes, could be left out"
    return Finding(
        "foreign-prebuilds",
        Severity.NOTE,
        spare[0].file.path,
        message,
        ("Leave them out with `exclude`.",),
    )


def _wrong(payload: Payload, each: _Addon) -> Finding:
    owner = each.owner
    whose = f" of {owner.name} {owner.version}".rstrip() if owner else ""
    message = f"this addon{whose} {each.fault}"
    if (
        owner
        and "musl" in f"{owner.name} {each.file.name} {' '.join(owner.listed('libc'))}"
        and not each.is_foreign
    ):
        message += "; it calls itself one for musl"
    return Finding(
        "node-addon",
        Severity.ERROR,
        each.file.path,
        f"{message}, and there is none for musl beside it",
        (
            f"Install the packages for musl: `npm install --os=linux --libc=musl --cpu={cpu(payload.arch)}`.",
            "Or compile it on Alpine: `npm rebuild --build-from-source`.",
        ),
    )
