"""Files that were made for glibc, the C library of most other distributions, and the ways out.

Musl lacks symbols that glibc has, and the loader that such a program names is in no image: it ends with
`not found`. What proves it see `witchery.elf.glibc`.

Rules: `glibc` (error; a note with gcompat, a warning where a file for musl stands beside it).
"""

import re
from collections.abc import Mapping

from witchery.arch import Arch
from witchery.elf.file import Elf
from witchery.elf.glibc import Proof, proof
from witchery.errors import FormatError
from witchery.payload.findings import Evidence, Finding, Need, Report, Severity
from witchery.payload.options import ScanOptions
from witchery.payload.tree import Payload

_PYTHON = re.compile(r"\.(cpython-[^/]*|abi3)\.so$|/(site|dist)-packages/")
_TWINS = (
    (re.compile(r"-linux-gnu"), "-linux-musl"),
    (re.compile(r"([-.])glibc\b"), r"\1musl"),
    (re.compile(r"(linux-[a-z0-9]+)-gnu"), r"\1-musl"),
    (re.compile(r"\blinux-"), "linuxmusl-"),
)
"""How the packages of npm call a file for glibc and the one for musl beside it."""

_ZIG = {"armv7": "arm-linux-musleabihf", "armhf": "arm-linux-musleabihf", "ppc64le": "powerpc64le-linux-musl"}
_RUST = {
    "armv7": "armv7-unknown-linux-musleabihf",
    "armhf": "arm-unknown-linux-musleabihf",
    "x86": "i686-unknown-linux-musl",
    "ppc64le": "powerpc64le-unknown-linux-musl",
    "riscv64": "riscv64gc-unknown-linux-musl",
}
_PIP = {"armv7": "armv7l", "armhf": "armv6l", "x86": "i686"}
_NPM = {
    "x86_64": "x64",
    "aarch64": "arm64",
    "armv7": "arm",
    "armhf": "arm",
    "x86": "ia32",
    "ppc64le": "ppc64",
}


def spare(payload: Payload, elves: Mapping[str, Elf]) -> dict[str, Finding]:
    """The files for glibc beside which one for musl stands, each with a warning; they are of no use."""
    found = {}
    for path, elf in elves.items():
        told = proof(elf)
        if told and (twin := _twin(payload, path)):
            message = f"was made for glibc ({told}); `{twin}` for musl stands beside it"
            hint = "Leave the file out with `exclude`."
            found[path] = Finding("glibc", Severity.WARNING, path, message, (hint,))
    return found


def inspect(payload: Payload, elves: Mapping[str, Elf], options: ScanOptions) -> Report:
    """Findings for the given files of the application that were made for glibc."""
    proofs = {
        path: found
        for path, elf in elves.items()
        if (found := proof(elf)) and not _brings_loader(payload, elf)
    }
    findings = [_finding(payload, path, found, options) for path, found in proofs.items()]
    needs: tuple[Need, ...] = ()
    if options.allow_gcompat and proofs:
        needs = (Need("gcompat", tuple(Evidence(path, str(found)) for path, found in proofs.items())),)
    return Report(needs=needs, findings=tuple(findings))


def _brings_loader(payload: Payload, elf: Elf) -> bool:
    return elf.interpreter is not None and payload.locate(elf.interpreter) is not None


def _finding(payload: Payload, path: str, found: Proof, options: ScanOptions) -> Finding:
    if options.allow_gcompat:
        message = f"was made for glibc ({found}); gcompat may run it, or may not"
        return Finding("glibc", Severity.NOTE, path, message)
    message = f"was made for glibc, and Alpine has musl: it {found}"
    return Finding("glibc", Severity.ERROR, path, message, hints(path, payload.elves[path], payload.arch))


def _twin(payload: Payload, path: str) -> str:
    """The file that takes the place of this one on musl, or an empty string."""
    for pattern, other in _TWINS:
        twin = pattern.sub(other, path)
        elf = payload.elves.get(twin) if twin != path else None
        if elf is not None and elf.fits(payload.arch) and proof(elf) is None:
            return twin
    return ""


def hints(path: str, elf: Elf, arch: Arch) -> tuple[str, ...]:
    """The ways out that fit a file."""
    gcompat = "Or try it as it is with gcompat, which has part of what musl lacks: `--allow-gcompat`."
    if _PYTHON.search(path):
        platform = f"musllinux_1_2_{_PIP.get(arch.apk, arch.apk)}"
        command = f"pip install --platform {platform} --only-binary=:all: --target DIR REQUIREMENTS"
        return (f"Install the wheels for musl: `{command}`.", gcompat)
    if path.endswith(".node") or "/node_modules/" in path:
        cpu = _NPM.get(arch.apk, arch.apk)
        return (
            f"Install the packages for musl: `npm install --os=linux --libc=musl --cpu={cpu}`.",
            "Or compile the addon on Alpine: `npm rebuild --build-from-source`.",
            gcompat,
        )
    if elf.section(".go.buildinfo") or elf.section(".gopclntab"):
        without = "Build it without the C library: `CGO_ENABLED=0 go build`, without `-buildmode=pie`."
        return (without, gcompat)
    if _is_rust(elf):
        target = _RUST.get(arch.apk, f"{arch.apk}-unknown-linux-musl")
        return (f"Build it for musl: `cargo build --release --target {target}`.", gcompat)
    static = ("Or link it statically: `-static`.",) if elf.is_executable else ()
    return (
        "Build it on Alpine.",
        f"Or build it for musl here: `zig cc -target {_ZIG.get(arch.apk, f'{arch.apk}-linux-musl')}`.",
        *static,
        gcompat,
    )


def _is_rust(elf: Elf) -> bool:
    if elf.section(".dep-v0"):
        return True
    comment = elf.section(".comment")
    if comment is None or comment.size > 1 << 16:
        return False
    try:
        return b"rustc version" in bytes(elf.content(comment))
    except FormatError:
        return False
