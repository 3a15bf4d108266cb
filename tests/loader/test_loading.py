"""What is loaded, and in which order."""

import pytest

from support.elf_roots import LIBC, World, library, program, world
from witchery.errors import FormatError
from witchery.loader import loading as loadings
from witchery.loader.loading import Missing, load


def paths(root: World, path: str) -> list[str]:
    return [each.path for each in load(path, root)]


def test_libraries_are_loaded_breadth_first_each_once_and_circles_end() -> None:
    root = world(
        {
            "app/hello": program("liba.so", "libb.so", "libc.so"),
            "lib/liba.so": library("libd.so", "libb.so"),
            "lib/libb.so": library("libe.so", "liba.so"),
            "lib/libd.so": library("libe.so", "libc.so"),
            "lib/libe.so": library("liba.so", "libe.so"),
        }
    )
    order = ["app/hello", "lib/liba.so", "lib/libb.so", LIBC, "lib/libd.so", "lib/libe.so"]
    assert paths(root, "app/hello") == order
    found = {each.path: each.loaded_by for each in load("app/hello", root)}
    assert found["lib/libe.so"] == "lib/libb.so"
    assert found["lib/libd.so"] == "lib/liba.so"
    assert found["app/hello"] is None


def test_the_run_path_of_an_ancestor_counts_for_what_its_libraries_need() -> None:
    root = world(
        {
            "app/hello": program("liba.so", runpath="$ORIGIN/private"),
            "app/private/liba.so": library("libb.so"),
            "app/private/libb.so": library("libdeep.so", runpath="/opt/deep"),
            "opt/deep/libdeep.so": library(),
            "lib/libb.so": library(),
        }
    )
    assert paths(root, "app/hello") == [
        "app/hello",
        "app/private/liba.so",
        "app/private/libb.so",
        "opt/deep/libdeep.so",
    ]
    assert load("app/private/liba.so", root).loaded[1].path == "lib/libb.so"


def test_the_run_path_of_a_sibling_does_not_count() -> None:
    root = world(
        {
            "app/hello": program("liba.so", "libb.so"),
            "lib/liba.so": library(runpath="/opt"),
            "lib/libb.so": library("libx.so"),
            "opt/libx.so": library(),
        }
    )
    assert load("app/hello", root).missing == (Missing("lib/libb.so", "libx.so"),)


def test_a_name_that_was_found_once_is_not_searched_again_though_another_file_has_it() -> None:
    root = world(
        {
            "app/hello": program("liba.so", "libb.so"),
            "lib/liba.so": library("libx.so", runpath="/one"),
            "lib/libb.so": library("libx.so", runpath="/two"),
            "one/libx.so": library(),
            "two/libx.so": library(),
        }
    )
    assert paths(root, "app/hello")[3:] == ["one/libx.so"]


def test_one_file_is_loaded_once_whatever_it_is_called() -> None:
    root = world(
        {"app/hello": program("libx.so", "libx.so.1", "/opt/x"), "lib/libx.so.1.2": library()},
        {"lib/libx.so": "libx.so.1.2", "lib/libx.so.1": "libx.so.1.2", "opt/x": "/lib/libx.so.1.2"},
    )
    assert paths(root, "app/hello") == ["app/hello", "lib/libx.so.1.2"]


def test_the_origin_of_a_library_is_where_it_was_found_and_of_a_program_where_it_is() -> None:
    root = world(
        {
            "opt/real/hello": program("liba.so", runpath="$ORIGIN/lib"),
            "opt/real/lib/liba.so.1": library("libb.so", runpath="$ORIGIN/beside"),
            "opt/real/lib/real/libb.so": library(),
            "opt/real/lib/beside/libb.so": library(),
        },
        {"app/hello": "../opt/real/hello", "opt/real/lib/liba.so": "real/../liba.so.1"},
    )
    assert paths(root, "app/hello")[-1] == "opt/real/lib/beside/libb.so"
    assert load("app/hello", root).objects[1].name == "opt/real/lib/liba.so"


def test_a_search_ends_with_the_first_file_of_the_name_even_if_it_cannot_be_loaded() -> None:
    files = {"app/hello": program("libx.so", runpath="/first"), "lib/libx.so": library()}
    wrong = {
        b"INPUT(libreal.so)": "no ELF file",
        library(machine=183).build().data: "for AArch64",
        library(type=1).build().data: "no shared library",
        library(bits=32, machine=3).build().data: "for i386 (32 bits)",
    }
    for content, reason in wrong.items():
        (missing,) = load("app/hello", world({**files, "first/libx.so": content})).missing
        assert (missing.path, missing.name, missing.found) == ("app/hello", "libx.so", "first/libx.so")
        assert reason in missing.reason


def test_libc_is_the_interpreter_by_any_of_its_names_or_files() -> None:
    links = {"lib/libc.musl-x86_64.so.1": "ld-musl-x86_64.so.1"}
    for name in ("libc.musl-x86_64.so.1", "libm.so.6", f"/{LIBC}", "ld-musl-x86_64.so.1"):
        root = world({"app/hello": program("liba.so", name), "lib/liba.so": library("libc.so")}, links)
        assert paths(root, "app/hello") == ["app/hello", "lib/liba.so", LIBC]
    assert paths(world({"app/x.so": library("libc.so")}), "app/x.so") == ["app/x.so", LIBC]
    assert paths(world({"app/x.so": library()}), "app/x.so") == ["app/x.so"]


def test_an_interpreter_that_is_not_there_is_missing_once() -> None:
    root = World({"app/hello": program("libc.so", "libm.so")})
    assert load("app/hello", root).missing == (Missing("app/hello", f"/{LIBC}"),)
    root = World({"app/x.so": library("libc.so", "libm.so")})
    assert load("app/x.so", root).missing == (Missing("app/x.so", "libc.so"),)


def test_a_plugin_finds_what_its_host_has_loaded_and_asks_its_run_path_last() -> None:
    root = world(
        {
            "app/host": program("libshared.so", runpath="/app/lib"),
            "app/lib/libshared.so": library(),
            "app/lib/libextra.so": library(),
            "app/lib/libown.so": library(),
            "plugins/own/libown.so": library(),
            "plugins/p.so": library("libshared.so", "libown.so", "libextra.so", runpath="$ORIGIN/own"),
        }
    )
    alone = load("plugins/p.so", root)
    assert [each.name for each in alone.missing] == ["libshared.so", "libextra.so"]
    host = load("app/host", root)
    loading = load("plugins/p.so", root, host=host)
    assert not loading.missing
    assert loading.objects[: loading.hosted] == host.objects
    assert [each.path for each in loading.loaded] == [
        "plugins/p.so",
        "plugins/own/libown.so",
        "app/lib/libextra.so",
    ]
    with pytest.raises(FormatError, match="loaded already by its host"):
        load("app/lib/libshared.so", root, host=host)


def test_what_is_no_elf_file_cannot_be_loaded() -> None:
    root = world({"app/script": b"#!/bin/sh\n"})
    for path in ("app/script", "app/absent"):
        with pytest.raises(FormatError, match="no ELF file"):
            load(path, root)


def test_huge_graphs_of_libraries_end_at_a_limit() -> None:
    chain = {f"lib/l{number}.so": library(f"l{number + 1}.so") for number in range(loadings.MAX_OBJECTS + 1)}
    with pytest.raises(FormatError, match=f"more than {loadings.MAX_OBJECTS} objects"):
        load("lib/l0.so", world(chain))
    many = library(
        *(f"no{number}.so" for number in range(400)), runpath=":".join(f"/{n}" for n in range(256))
    )
    with pytest.raises(FormatError, match=f"more than {loadings.MAX_STEPS} places"):
        load("lib/many.so", world({"lib/many.so": many}))
    wide = library(runpath=":".join(f"/{n}" for n in range(257)))
    with pytest.raises(FormatError, match="run paths of more than 256 folders"):
        load("lib/wide.so", world({"lib/wide.so": wide}))
