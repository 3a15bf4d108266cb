"""Looking into files as they pass: what is seen, what is kept, and where it ends."""

import hashlib
from collections.abc import Iterator

import pytest

from support.elf_files import ElfFile, Sym
from support.images import hard_link, link, member
from support.surveys import database, elf, library, surveyed
from witchery.errors import FormatError
from witchery.rootfs import entry
from witchery.survey import files
from witchery.survey.files import Look, Looking
from witchery.survey.survey import leads_to


def look(data: bytes, size: int = 7) -> Look:
    chunks: Iterator[bytes] = (data[at : at + size] for at in range(0, len(data), size))
    return Looking().look(entry.file("x", len(data)), chunks)


@pytest.mark.parametrize("size", [1, 3, 4096])
def test_a_file_is_the_same_however_it_comes(size: int) -> None:
    data = ElfFile(soname="libx.so.1", symbols=[Sym("f", defined=True)]).build().data
    found = look(data, size)
    assert found.digest == hashlib.sha256(data).digest()
    assert found.binary is not None
    assert (found.binary.soname, dict(found.binary.exports)) == ("libx.so.1", {"f": ("function", 0)})


@pytest.mark.parametrize(
    ("text", "interpreter"),
    [
        (b"#!/bin/sh\necho", "/bin/sh"),
        (b"#! /bin/sh -e\n", "/bin/sh"),
        (b"#!/usr/bin/env python3\n", "python3"),
        (b"#!/usr/bin/env -S A=1 node --x\n", "node"),
        (b"#!/usr/bin/env\n", ""),
        (b"#!\n/bin/sh", ""),
        (b"#!", ""),
        (b"#!/bin/sh", "/bin/sh"),
        (b" #!/bin/sh", ""),
        (b"", ""),
        (b"#!" + b"x" * 5000, "x" * 253),
    ],
)
def test_the_interpreter_of_a_script(text: bytes, interpreter: str) -> None:
    assert look(text, 2).interpreter == interpreter
    assert look(text).binary is None


def test_what_looks_like_elf_and_is_none_is_told_with_the_reason() -> None:
    found = look(b"\x7fELF" + bytes(60))
    assert found.binary is None
    assert found.broken == "unknown class: `0`"


def test_a_file_that_is_too_large_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MAX_ELF", 100)
    data = ElfFile(symbols=[Sym("f")]).build().data
    found = look(data)
    assert (found.binary, found.broken) == (None, "larger than the limit of 100 bytes")
    assert found.digest == hashlib.sha256(data).digest()


def test_symbols_are_counted_over_all_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MAX_SYMBOLS", 3)
    data = ElfFile(soname="l", symbols=[Sym("a", defined=True), Sym("b", defined=True)]).build().data
    looking = Looking()
    looking.look(entry.file("one", len(data)), [data])
    with pytest.raises(FormatError, match="more than 3 symbols"):
        looking.look(entry.file("two", len(data)), [data])


def test_an_image_knows_whose_each_file_is_and_counts_each_once() -> None:
    made = surveyed(
        database(("app", "1-r0", "MIT"), files={"app": ["usr/bin/app"]}),
        elf("usr/bin/app"),
        hard_link("usr/bin/other", "usr/bin/app"),
        link("bin", "usr/bin"),
        library("usr/lib/l.so", "l.so"),
        member("data", b"12345"),
    )
    files_ = made.files or {}
    assert made.owners == {"usr/bin/app": "app"}
    assert [(each.name, each.version, each.licence) for each in made.packages] == [("app", "1-r0", "MIT")]
    regular = {path: each for path, each in files_.items() if each.look}
    assert made.content_size == sum(
        each.entry.size for path, each in regular.items() if path != "usr/bin/other"
    )
    found = leads_to(made.links(), files_, "/bin/app")
    assert found is files_["usr/bin/app"]
    assert leads_to(made.links(), files_, "/bin/nothing") is None


def test_links_in_a_circle_lead_nowhere() -> None:
    made = surveyed(link("a", "b"), link("b", "a"))
    assert leads_to(made.links(), made.files or {}, "a") is None
