"""Breaks of an ABI: libraries that a compiler made for it, ones made by hand, and a real upgrade."""

import re
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

from support.elf_files import Sym
from support.images import member
from support.real_elf import elf_files
from support.shared import needs_shared
from support.surveys import elf, library, surveyed
from witchery.diff.abi import Hurt, LibraryChange, Resized, compared

OLD = """
int api_a(void) { return 1; }
int api_b(void) { return 2; }
long table[2] = {1, 2};
__thread int mine;
static int hidden(void) { return 3; }
int (*keep)(void) = hidden;
"""
NEW = """
int api_a(void) { return 11; }
int api_c(void) { return 3; }
long table[4] = {1, 2, 3, 4};
__thread int mine;
int (*keep)(void) = api_c;
"""


def compiled(folder: Path, source: str, soname: str, *flags: str, compiler: str = "musl-gcc") -> bytes:
    (folder / "lib.c").write_text(source)
    words = [compiler, "-shared", "-fPIC", f"-Wl,-soname,{soname}", *flags, "lib.c", "-o", "lib.so"]
    subprocess.run(words, cwd=folder, check=True)
    return (folder / "lib.so").read_bytes()


def changes(before: Sequence[object], after: Sequence[object]) -> tuple[LibraryChange, ...]:
    return compared(surveyed(*before).files or {}, surveyed(*after).files or {})  # type: ignore[arg-type]


def test_a_symbol_that_is_gone_and_data_of_another_size_break_it(tmp_path: Path) -> None:
    old = compiled(tmp_path, OLD, "libx.so.1")
    new = compiled(tmp_path, NEW, "libx.so.1")
    needed = ["libx.so.1", "libc.musl-x86_64.so.1"]
    users = [
        elf("usr/bin/app", needed=needed, symbols=[Sym("api_a"), Sym("api_b")]),
        elf("usr/bin/weak", needed=needed, symbols=[Sym("api_a"), Sym("api_b", bind=2)]),
    ]
    (change,) = changes([member("usr/lib/libx.so.1.0", old)], [member("usr/lib/libx.so.1.1", new), *users])
    assert change == LibraryChange(
        soname="libx.so.1",
        before="usr/lib/libx.so.1.0",
        after="usr/lib/libx.so.1.1",
        removed=("api_b",),
        resized=(Resized("table", "object of 16 bytes", "object of 32 bytes"),),
        added=1,
        users=("usr/bin/app", "usr/bin/weak"),
        hurt=(Hurt("usr/bin/app", ("api_b",)),),
    )
    assert change.breaks


def test_what_only_comes_to_it_breaks_nothing(tmp_path: Path) -> None:
    old = compiled(tmp_path, "int a(void) { return 1; }", "libx.so.1")
    new = compiled(tmp_path, "int a(void) { return 2; } int b(void) { return a(); }", "libx.so.1")
    (change,) = changes([member("lib/libx.so.1", old)], [member("lib/libx.so.1", new)])
    assert (change.added, change.removed, change.breaks) == (1, (), False)


def test_another_body_is_no_change_of_the_interface(tmp_path: Path) -> None:
    """Of a function the size is nobody's business."""
    old = compiled(tmp_path, "int a(int x) { return x; }", "libx.so.1")
    new = compiled(tmp_path, "int a(int x) { while (x > 9) x = x * 3 % 77; return x; }", "libx.so.1")
    assert old != new
    assert changes([member("lib/libx.so.1", old)], [member("lib/libx.so.1", new)]) == ()


def test_another_name_moves_all_who_want_it(tmp_path: Path) -> None:
    old = compiled(tmp_path, OLD, "libx.so.1")
    new = compiled(tmp_path, OLD, "libx.so.2")
    (change,) = changes([member("lib/libx.so.1", old)], [member("lib/libx.so.2", new)])
    assert (change.old_soname, change.soname, change.removed) == ("libx.so.1", "libx.so.2", ())
    assert change.breaks


VERSIONS = "V_1 { global: a; b; local: *; }; V_2 { global: c; } V_1;"
MOVED = "V_1 { global: a; local: *; }; V_3 { global: b; c; } V_1;"


@pytest.mark.parametrize(("compiler", "breaks"), [("musl-gcc", False), ("gcc", True)])
def test_a_symbol_under_another_version_breaks_only_those_who_ask_for_versions(
    compiler: str, breaks: bool, tmp_path: Path
) -> None:
    """Musl's loader takes a symbol by its name; glibc's does not."""
    source = (
        "#include <stdlib.h>\nint a(void){return rand();}\nint b(void){return 2;}\nint c(void){return 3;}"
    )
    made = []
    for script in (VERSIONS, MOVED):
        (tmp_path / "map").write_text(script)
        made.append(compiled(tmp_path, source, "libx.so.1", "-Wl,--version-script=map", compiler=compiler))
    (change,) = changes([member("lib/libx.so.1", made[0])], [member("lib/libx.so.1", made[1])])
    assert change.moved == ("b@V_1", "c@V_2")
    assert (change.removed, change.versions, change.added) == ((), ("V_2",), 2)
    assert change.breaks is breaks


def test_musl_takes_a_symbol_whatever_its_version_is(tmp_path: Path) -> None:
    """The claim itself: a program linked with `b@V_1` runs with a library that has only `b@V_3`."""
    (tmp_path / "map").write_text(VERSIONS)
    source = "int a(void){return 1;}\nint b(void){return 2;}\nint c(void){return 3;}"
    compiled(tmp_path, source, "lib.so", "-Wl,--version-script=map")
    (tmp_path / "main.c").write_text("int b(void); int main(void) { return b(); }")
    words = ["musl-gcc", "main.c", "lib.so", "-Wl,-rpath,$ORIGIN", "-o", "main"]
    subprocess.run(words, cwd=tmp_path, check=True)
    (tmp_path / "map").write_text(MOVED)
    compiled(tmp_path, source, "lib.so", "-Wl,--version-script=map")
    assert subprocess.run([tmp_path / "main"], check=False).returncode == 2


@pytest.mark.parametrize(
    ("before", "after", "same"),
    [
        ("libssl.so.1.1", "libssl.so.3", True),
        ("libpython3.11.so.1.0", "libpython3.12.so.1.0", True),
        ("libopcodes-2.40.so", "libopcodes-2.41.so", True),
        ("libpcre2-8.so.0", "libpcre2-16.so.0", False),
        ("libcrypto.so.3", "libssl.so.3", False),
        ("3.so", "4.so", True),
    ],
)
def test_which_names_are_versions_of_one_library(before: str, after: str, same: bool) -> None:
    found = changes([library("lib/a", before)], [library("lib/b", after)])
    assert [(each.old_soname, each.soname) for each in found] == ([(before, after)] if same else [])


def test_data_of_another_size_is_found_under_another_version_too(tmp_path: Path) -> None:
    made = []
    for version, count in (("V_1", 2), ("V_2", 4)):
        (tmp_path / "map").write_text(f"{version} {{ global: table; local: *; }};")
        source = f"long table[{count}] = {{1}};"
        made.append(compiled(tmp_path, source, "libx.so.1", "-Wl,--version-script=map"))
    (change,) = changes([member("lib/libx.so.1", made[0])], [member("lib/libx.so.1", made[1])])
    assert change.resized == (Resized("table@V_1", "object of 16 bytes", "object of 32 bytes"),)
    assert change.breaks


def test_a_private_copy_is_held_against_itself() -> None:
    """Two libraries of one name: each against the one in its own folder."""
    a, b = Sym("a", defined=True), Sym("b", defined=True)
    before = [library("usr/lib/libz.so.1", "libz.so.1", a, b), library("opt/x/libz.so.1", "libz.so.1", a)]
    after = [library("usr/lib/libz.so.1", "libz.so.1", a), library("opt/x/libz.so.1", "libz.so.1", a)]
    (change,) = changes(before, after)
    assert (change.after, change.removed) == ("usr/lib/libz.so.1", ("b",))


def test_a_plugin_promises_nothing() -> None:
    before = [elf("usr/lib/app/plugin.so", interpreter=None, symbols=[Sym("init", defined=True)])]
    after = [elf("usr/lib/app/plugin.so", interpreter=None, symbols=[Sym("start", defined=True)])]
    assert changes(before, after) == ()


@pytest.mark.parametrize(
    "symbol", [{"bind": 0}, {"visibility": 2}, {"visibility": 1}], ids=["local", "hidden", "internal"]
)
def test_what_others_cannot_see_is_no_promise(symbol: dict[str, int]) -> None:
    before = [library("lib/libx.so.1", "libx.so.1", Sym("x", defined=True, **symbol))]
    assert changes(before, [library("lib/libx.so.1", "libx.so.1")]) == ()


def test_a_function_that_becomes_data_breaks_it() -> None:
    before = [library("lib/libx.so.1", "libx.so.1", Sym("x", defined=True))]
    after = [library("lib/libx.so.1", "libx.so.1", Sym("x", defined=True, type=1, size=8))]
    (change,) = changes(before, after)
    assert change.resized == (Resized("x", "function", "object of 8 bytes"),)


class Interface(NamedTuple):
    """What nm finds: names with versions, and sizes of data."""

    names: set[str]
    sizes: dict[str, int]


def by_nm(path: Path) -> Interface:
    words = ["nm", "-D", "--defined-only", "--with-symbol-versions", "-S", str(path)]
    out = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    names, sizes = set(), {}
    for line in out.splitlines():
        *numbers, kind, name = line.split()
        name = name.replace("@@", "@")
        if kind == "A" or name in ("_init", "_fini"):
            continue  # the nodes of versions themselves; what every linker adds
        names.add(name)
        if kind in "BDRVu" and len(numbers) == 2:
            sizes[name] = int(numbers[1], 16)
    return Interface(names, sizes)


@needs_shared
def test_libcrypto_of_two_releases_differs_as_nm_says(tmp_path: Path) -> None:
    """OpenSSL 3.1.4 of Alpine 3.19 against 3.5.8 of 3.23: nothing is gone, 484 have come, two have moved.

    EVP_CIPHER_CTX_dup and EVP_MD_CTX_dup were promised as of OPENSSL_3.1.0, and are of OPENSSL_3.2.0 now
    (`readelf -W --dyn-syms`, seen by hand).
    """
    sets = ("v3.19-x86_64", "v3.23-image-x86_64")
    found = [
        next(
            each
            for each in elf_files(name)
            if re.search(r"libcrypto3-3\.[15]\..*:.*/libcrypto.so.3$", str(each))
        )
        for name in sets
    ]
    old, new = (_written(tmp_path / name, each.data) for name, each in zip(sets, found, strict=True))
    (change,) = changes(
        [member("lib/libcrypto.so.3", found[0].data)], [member("lib/libcrypto.so.3", found[1].data)]
    )
    ours, theirs = by_nm(old), by_nm(new)
    missing = sorted(ours.names - theirs.names)
    assert (
        list(change.moved) == missing == ["EVP_CIPHER_CTX_dup@OPENSSL_3.1.0", "EVP_MD_CTX_dup@OPENSSL_3.1.0"]
    )
    assert change.added == len(theirs.names - ours.names) == 484
    assert (change.removed, change.resized, change.versions) == ((), (), ())
    shared = ours.sizes.keys() & theirs.sizes.keys()
    assert [name for name in shared if ours.sizes[name] != theirs.sizes[name]] == []
    assert not change.breaks


def _written(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path
