"""Which symbols are not found."""

from typing import Any

import pytest

from support.elf_files import Sym
from support.elf_roots import LIBC, library, program, world
from witchery.loader.loading import load
from witchery.loader.symbols import Names, Unresolved, unresolved

GLOBAL, WEAK, UNIQUE = 1, 2, 10
OBJECT, FUNCTION, COMMON, TLS, IFUNC = 1, 2, 5, 6, 10


def lacking(app: object, **libraries: object) -> list[tuple[str, str]]:
    files = {"app/hello": app} | {f"lib/lib{name}.so": each for name, each in libraries.items()}
    return [tuple(each) for each in unresolved(load("app/hello", world(files)))]  # type: ignore[arg-type, misc]


def test_a_symbol_may_be_in_any_object_that_is_loaded_itself_and_the_program_included() -> None:
    app = program("liba.so", "libc.so", has=("callback",), wants=("one", "two", "malloc"))
    assert not lacking(app, a=library("libb.so", has=("one",), wants=("callback",)), b=library(has=("two",)))


def test_missing_symbols_are_told_with_their_objects_in_the_order_of_loading() -> None:
    app = program("liba.so", wants=("gone", "one", "malloc"))
    found = lacking(app, a=library(has=("one",), wants=("lost", "also_lost")))
    assert found == [
        ("app/hello", "gone"),
        ("app/hello", "malloc"),
        ("lib/liba.so", "lost"),
        ("lib/liba.so", "also_lost"),
    ]


@pytest.mark.parametrize(
    ("symbol", "found"),
    [
        (Sym("foo", defined=True), True),
        (Sym("foo", defined=True, bind=WEAK), True),
        (Sym("foo", defined=True, bind=UNIQUE), True),
        (Sym("foo", defined=True, type=OBJECT), True),
        (Sym("foo", defined=True, type=COMMON), True),
        (Sym("foo", defined=True, type=TLS), True),
        (Sym("foo", defined=True, visibility=2), True),
        (Sym("foo", defined=True, bind=0), False),
        (Sym("foo", defined=True, type=IFUNC), False),
        (Sym("foo", bind=WEAK), False),
    ],
)
def test_what_musl_takes_for_a_definition(symbol: Sym, found: bool) -> None:
    assert bool(lacking(program("liba.so", wants=("foo",)), a=library(has=(symbol,)))) is not found


def test_a_definition_of_a_version_that_is_not_the_default_is_not_found() -> None:
    for number, found in ((2, True), (2 | 0x8000, False)):
        versioned = library(
            has=(Sym("foo", defined=True, version=number),), definitions=("V1",), soname="liba.so"
        )
        assert bool(lacking(program("liba.so", wants=("foo",)), a=versioned)) is not found


def test_weak_symbols_and_those_that_no_relocation_wants_may_be_missing() -> None:
    assert not lacking(program(wants=(Sym("hook", bind=WEAK),), unused=("never_called",)))
    assert lacking(program(wants=("called",), unused=("never_called",))) == [("app/hello", "called")]


def test_a_copied_variable_has_to_be_in_a_library() -> None:
    assert not lacking(program("liba.so", copies=("stdout",)), a=library(has=("stdout",)))
    assert lacking(program("liba.so", copies=("stdout",)), a=library()) == [("app/hello", "stdout")]


def test_libc_is_asked_only_where_something_needs_it() -> None:
    assert lacking(program(wants=("malloc",))) == [("app/hello", "malloc")]
    assert not lacking(program("liba.so", wants=("malloc",)), a=library("libc.so"))


def test_symbols_of_a_plugin_are_found_in_its_host_and_those_of_the_host_are_not_asked_for_again() -> None:
    root = world(
        {
            "app/host": program(has=("api",), wants=("host_lacks",)),
            "app/p.so": library(wants=("api", "p_lacks")),
        }
    )
    loading = load("app/p.so", root, host=load("app/host", root))
    assert unresolved(loading) == (Unresolved("app/p.so", "p_lacks"),)


def test_big_endian_and_32_bit_files_are_linked_alike() -> None:
    kinds: list[dict[str, Any]] = [{"bits": 32, "machine": 3}, {"little": False, "machine": 22}]
    for kind in kinds:
        files = {
            "a.so": library("libb.so", wants=("one", "two"), **kind),
            "lib/libb.so": library(has=("one",), **kind),
        }
        assert unresolved(load("a.so", world(files))) == (Unresolved("a.so", "two"),)


def test_relocations_outside_the_file_let_every_wanted_symbol_count() -> None:
    broken = library(wants=("one",), unused=("two",), tags={7: 0xFFFF0000})
    names = [each.symbol for each in unresolved(load("a.so", world({"a.so": broken})))]
    assert names == ["one", "two"]


def test_the_names_of_each_object_are_found_once() -> None:
    root = world({"a": program("libc.so", wants=("malloc",)), "b": program("libc.so", wants=("malloc",))})
    known: dict[str, Names] = {}
    assert not unresolved(load("a", root), known)
    first = known[LIBC]
    assert not unresolved(load("b", root), known)
    assert known[LIBC] is first
    assert known.keys() == {LIBC, "a", "b"}
