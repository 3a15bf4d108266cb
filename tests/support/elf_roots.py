"""Images for the loader: hand-made ones, and folders that real musl can be run in."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

from support.elf_files import ElfFile, Sym
from witchery.elf.file import Elf, read
from witchery.errors import FormatError, Refused
from witchery.rootfs.links import Links

LIBC = "lib/ld-musl-x86_64.so.1"
_MUSL = Path("/") / LIBC


class World:
    """Files in memory. `asked` counts how often each was read."""

    def __init__(self, files: Mapping[str, ElfFile | bytes], links: Mapping[str, str] | None = None) -> None:
        self.files = {
            path: each.build().data if isinstance(each, ElfFile) else each for path, each in files.items()
        }
        self.links = Links(links or {})
        self.elves: dict[str, Elf | None] = {}

    def locate(self, path: str) -> str | None:
        try:
            real = self.links.follow(path)
        except Refused:
            return None
        return real if real in self.files else None

    def elf(self, path: str) -> Elf | None:
        if path not in self.elves:
            try:
                self.elves[path] = read(self.files[path])
            except FormatError:
                self.elves[path] = None
        return self.elves[path]


class Folder(World):
    """A folder on disk as the root of an image."""

    def __init__(self, top: Path) -> None:
        targets, files = dict[str, str](), dict[str, bytes]()
        for folder, folders, names in os.walk(top):
            for path in (Path(folder, name) for name in folders + names):
                if path.is_symlink():
                    targets[str(path.relative_to(top))] = str(path.readlink())
                elif path.is_file():
                    files[str(path.relative_to(top))] = path.read_bytes()
        super().__init__(files, targets)
        self.top = top

    def elf_paths(self) -> list[str]:
        return [path for path, data in sorted(self.files.items()) if data.startswith(b"\x7fELF")]


def library(
    *needed: str,
    has: Iterable[str | Sym] = (),
    wants: Iterable[str | Sym] = (),
    unused: Iterable[str] = (),
    copies: Iterable[str] = (),
    **more: object,
) -> ElfFile:
    """A shared library.

    Args:
        needed: The libraries it needs.
        has: What it defines.
        wants: What its relocations speak of.
        unused: What it wants without a relocation.
        copies: Variables that it copies from others.
        more: Further fields of `ElfFile`.
    """
    wanted = [each if isinstance(each, Sym) else Sym(each) for each in wants]
    defined = [each if isinstance(each, Sym) else Sym(each, defined=True) for each in has]
    copied = [Sym(name, defined=True, type=1, size=8) for name in copies]
    idle = [Sym(name) for name in unused]
    return ElfFile(
        needed=needed,
        symbols=[*wanted, *idle, *defined, *copied],
        relocations=[(each.name, 6) for each in wanted] + [(each.name, 5) for each in copied],
        **more,  # type: ignore[arg-type]
    )


def program(*needed: str, **more: object) -> ElfFile:
    """A dynamic program; arguments as in `library`."""
    return library(*needed, interpreter=f"/{LIBC}", **more)  # type: ignore[arg-type]


def world(
    files: Mapping[str, ElfFile | bytes], links: Mapping[str, str] | None = None, libc: Iterable[str] = ()
) -> World:
    """Files and a libc that has some symbols."""
    return World({LIBC: library(has=("malloc", *libc), soname="libc.so"), **files}, links)


class Listing(NamedTuple):
    """What real musl says of a program: its libraries in order, and what it does not find."""

    names: tuple[str, ...]
    symbols: frozenset[tuple[str, str]]
    libraries: frozenset[tuple[str, str]]


def listing(top: Path, path: str) -> Listing:
    """Runs musl's own loader in a root, with `--list`."""
    command = ["bwrap", "--ro-bind", str(top), "/", "--unshare-net", f"/{LIBC}", "--list", f"/{path}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    loader = re.match(r"\t/(\S+) \(0x", done.stdout)  # musl calls itself as the program calls its interpreter
    assert loader, done.stderr
    found = re.findall(r" => /?(\S+) \(0x", done.stdout)
    names = dict.fromkeys(LIBC if name == loader[1] else name for name in found)  # libc may be listed twice
    symbols = re.findall(r"Error relocating /?(\S+): (\S+): symbol not found", done.stderr)
    missing = re.findall(r"Error loading shared library (\S+): .* \(needed by /?(\S+)\)", done.stderr)
    return Listing(tuple(names), frozenset(symbols), frozenset((by, name) for name, by in missing))


def run(top: Path, path: str, *args: str) -> list[str]:
    """Runs a program in a root, and gives the lines that it prints."""
    (top / "proc").mkdir(exist_ok=True)
    command = ["bwrap", "--ro-bind", str(top), "/", "--unshare-net", "--proc", "/proc"]
    command += [f"/{path}", *args]  # musl asks /proc for the origin of a program
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    return done.stdout.splitlines()


@cache
def _has_tools() -> bool:
    return bool(shutil.which("bwrap") and shutil.which("musl-gcc") and _MUSL.is_file())


class Compiler:
    """A root with musl in it, and `musl-gcc` to fill it."""

    def __init__(self, top: Path) -> None:
        if not _has_tools() and os.environ.get("CI") != "true":
            pytest.skip("needs musl-gcc and bubblewrap")
        self.top = top
        (top / "lib").mkdir()
        shutil.copy(_MUSL, top / LIBC)

    def compile(self, path: str, source: str, *args: str) -> None:
        """Compiles a program, or a library where the name says so; paths in `args` begin at the root."""
        target = self.top / path
        target.parent.mkdir(parents=True, exist_ok=True)
        shared = ["-shared", "-fPIC"] if ".so" in target.name else []
        command = ["musl-gcc", "-xc", "-", "-xnone", *shared, *args, "-o", path]
        done = subprocess.run(
            command, input=source, capture_output=True, text=True, cwd=self.top, check=False
        )
        assert done.returncode == 0, done.stderr

    def folder(self) -> Folder:
        return Folder(self.top)
