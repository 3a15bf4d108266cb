"""Surveys of images that tests make in memory."""

import tarfile
from typing import Any

from support.elf_files import ElfFile, Sym
from support.images import image_of_tars, member, tar_of
from witchery.build.surveying import of_image
from witchery.oci.config import Execution
from witchery.survey.survey import Survey

MUSL = "/lib/ld-musl-x86_64.so.1"
USER = Execution(user="65532")


def surveyed(
    *members: tuple[tarfile.TarInfo, bytes], execution: Execution = USER, name: str = "image"
) -> Survey:
    """An image of one layer."""
    made = image_of_tars(tar_of(*members), execution=execution)
    return of_image(name, made.image, made.contents)


def elf(name: str, *, mode: int = 0o755, **file: Any) -> tuple[tarfile.TarInfo, bytes]:
    """A hardened program for musl as a member, but for what is said of it."""
    hardened: dict[str, Any] = {
        "interpreter": MUSL,
        "needed": ["libc.musl-x86_64.so.1"],
        "symbols": [Sym("__stack_chk_fail")],
        "relro": True,
    }
    return member(name, ElfFile(**(hardened | file)).build().data, mode=mode)


def library(name: str, soname: str, *symbols: Sym, **file: Any) -> tuple[tarfile.TarInfo, bytes]:
    """A library for musl as a member."""
    return elf(name, interpreter=None, soname=soname, symbols=[Sym("__stack_chk_fail"), *symbols], **file)


def database(*packages: tuple[str, str, str], files: dict[str, list[str]] | None = None) -> Any:
    """A package database as a member: names, versions and licences, and which files are whose."""
    lines = []
    for name, version, licence in packages:
        lines += ["C:Q1" + "A" * 27 + "=", f"P:{name}", f"V:{version}", "A:x86_64", "S:100", "I:200", "T:x"]
        lines += [f"L:{licence}", f"o:{name}"]
        for path in (files or {}).get(name, ()):
            folder, _, last = path.rpartition("/")
            lines += [f"F:{folder}", f"R:{last}"]
        lines.append("")
    return member("lib/apk/db/installed", "\n".join(lines).encode() + b"\n")
