"""What linking many objects comes to."""

from collections.abc import Iterator
from random import Random
from typing import Any

from support.elf_roots import LIBC, World, library, program, world
from witchery.arch import Arch
from witchery.loader import proof as proofs
from witchery.loader.loading import Missing
from witchery.loader.proof import Broken, Linked, Proof, Verdict, prove
from witchery.loader.symbols import Unresolved


def verdicts(proof: Proof) -> dict[str, str]:
    return {each.path: each.verdict.name for each in proof}


def test_programs_libraries_and_what_needs_no_loader() -> None:
    root = world(
        {
            "app/hello": program("libgood.so", wants=("good",)),
            "app/static": library(type=2, dynamic=False),
            "app/module.ko": library(type=1),
            "app/script": b"#!/bin/sh\n",
            "app/arm.so": library(machine=183, wants=("nothing_has_it",)),
            "lib/libgood.so": library(has=("good",)),
            "lib/libbad.so": library(wants=("bad",)),
        },
        {"app/link": "hello"},
    )
    proof = prove(root, [*root.files, "app/link", "absent"], arch=Arch.parse("x86_64"))
    assert verdicts(proof) == {
        "app/arm.so": "FOREIGN",
        "app/hello": "LOADS",
        "app/module.ko": "NOTHING",
        "app/static": "NOTHING",
        LIBC: "LOADS",
        "lib/libgood.so": "LOADS",
        "lib/libbad.so": "FAILS",
    }
    assert not proof.holds
    (failing,) = proof.failing
    assert failing.problems == (Unresolved("lib/libbad.so", "bad"),)
    hello = proof.of("app/hello")
    assert hello is not None
    assert hello.objects == ("app/hello", "lib/libgood.so")


def test_a_library_that_leans_on_its_program_is_proven_by_it_and_not_judged_alone() -> None:
    root = world(
        {
            "app/hello": program("liba.so", has=("callback",)),
            "lib/liba.so": library(wants=("callback",)),
        }
    )
    assert prove(root, root.files).holds
    assert not prove(root, ["lib/liba.so"]).holds


def test_a_private_library_is_judged_where_it_is_loaded_even_if_that_fails() -> None:
    files = {
        "app/plugin.so": library("libone.so", wants=("api",), runpath="$ORIGIN/private"),
        "app/private/libone.so": library("libtwo.so"),
        "app/private/libtwo.so": library(wants=("lost",)),
    }
    proof = prove(world(files), files)
    assert verdicts(proof) == {
        "app/plugin.so": "FAILS",
        "app/private/libone.so": "LOADS",
        "app/private/libtwo.so": "FAILS",
    }
    two = proof.of("app/private/libtwo.so")
    assert two is not None
    assert two.problems == (Unresolved("app/private/libtwo.so", "lost"),)


def test_a_plugin_is_loaded_into_the_program_that_has_what_it_lacks() -> None:
    root = world(
        {
            "usr/bin/apple": program(has=("core",)),
            "usr/bin/pear": program("libstem.so"),
            "lib/libstem.so": library(has=("stem",)),
            "app/plugin.so": library("libhelper.so", runpath="$ORIGIN"),
            "app/libhelper.so": library(wants=("stem",)),
        }
    )
    proof = prove(
        root, ["app/plugin.so", "app/libhelper.so"], hosts=lambda _: ["usr/bin/apple", "usr/bin/pear"]
    )
    assert proof.linked == (
        Linked("app/libhelper.so", Verdict.LOADS, objects=("app/libhelper.so",)),
        Linked("app/plugin.so", Verdict.HOSTED, "usr/bin/pear", ("app/plugin.so", "app/libhelper.so")),
    )


def test_programs_that_are_proven_too_are_tried_first_and_those_of_a_fitting_name_before_others() -> None:
    api = program(has=("api",))
    root = world(
        {
            "app/bin/aaa": api,
            "app/bin/python3.12": api,
            "usr/bin/python3": api,
            "app/lib/python3.12/_x.so": library(wants=("api",)),
            "app/other.so": library(wants=("api",)),
        }
    )
    asked: list[str] = []

    def hosts(plugin: str) -> Iterator[str]:
        asked.append(plugin)
        yield "usr/bin/python3"

    own = [path for path in root.files if path.startswith("app/")]
    assert {each.path: each.host for each in prove(root, own, hosts=hosts) if each.host} == {
        "app/lib/python3.12/_x.so": "app/bin/python3.12",
        "app/other.so": "app/bin/aaa",
    }
    proof = prove(root, ["app/lib/python3.12/_x.so"], hosts=hosts)
    assert proof.linked[0].host == "usr/bin/python3"


def test_a_library_that_only_the_host_has_or_reaches_is_no_problem() -> None:
    root = world(
        {
            "app/host": program("libapi.so.1", runpath="$ORIGIN/private"),
            "app/private/libapi.so.1": library(has=("api",)),
            "app/private/libmore.so": library(),
            "app/plugin.so": library("libapi.so.1", "libmore.so", wants=("api",)),
        }
    )
    assert verdicts(prove(root, ["app/plugin.so"])) == {"app/plugin.so": "FAILS"}
    hosted = prove(root, ["app/plugin.so"], hosts=lambda _: ["app/host"]).of("app/plugin.so")
    assert hosted is not None
    assert hosted.host == "app/host"


def test_what_fails_in_every_host_is_told_with_what_its_best_host_lacks() -> None:
    root = world(
        {
            "app/one": program(has=("a",)),
            "app/two": program(has=("a", "b")),
            "app/plugin.so": library(wants=("a", "b", "typo")),
        }
    )
    (failing,) = prove(root, root.files).failing
    assert failing.host == "app/two"
    assert failing.problems == (Unresolved("app/plugin.so", "typo"),)


def test_a_plugin_may_build_on_plugins_of_its_folder_once_they_are_open() -> None:
    root = world(
        {
            "app/host": program(has=("core",)),
            "app/p/first.so": library(has=("first",), wants=("core",)),
            "app/p/second.so": library(has=("second",), wants=("core", "first")),
            "app/p/third.so": library(wants=("core", "second")),
            "app/elsewhere/fourth.so": library(wants=("core", "second")),
        }
    )
    proof = prove(root, root.files)
    after = {each.path: each.after for each in proof if each.verdict is Verdict.HOSTED}
    assert after == {
        "app/p/first.so": (),
        "app/p/second.so": ("app/p/first.so",),
        "app/p/third.so": ("app/p/second.so",),
    }
    assert [each.path for each in proof.failing] == ["app/elsewhere/fourth.so"]


def test_libraries_in_a_circle_that_lack_a_symbol_each_say_so() -> None:
    root = world(
        {"lib/liba.so": library("libb.so", wants=("x",)), "lib/libb.so": library("liba.so", wants=("y",))}
    )
    found = {problem for each in prove(root, root.files).failing for problem in each.problems}
    assert found == {Unresolved("lib/liba.so", "x"), Unresolved("lib/libb.so", "y")}


def test_symbols_are_not_asked_for_while_a_library_is_missing() -> None:
    root = world({"app/hello": program("libgone.so", "libc.so", wants=("from_gone", "malloc"))})
    (failing,) = prove(root, ["app/hello"]).failing
    assert failing.problems == (Missing("app/hello", "libgone.so"),)


def test_objects_for_another_libc_are_not_judged_unless_they_happen_to_load() -> None:
    glibc: dict[str, Any] = {"needs": (("libc.so.6", ("GLIBC_2.34",)),)}
    root = world(
        {
            "app/big": program("libc.so.6", wants=("__printf_chk",), **glibc),
            "app/fine.so": library("libc.so.6", wants=("malloc",), **glibc),
            "app/gnu": library("libc.so.6", interpreter="/lib64/ld-linux-x86-64.so.2"),
            "app/mixed": program("libgnu.so", wants=("typo",)),
            "lib/libgnu.so": library("libc.so.6", wants=("__memcpy_chk",), **glibc),
        }
    )
    proof = prove(root, root.files, unproven=lambda elf: bool(elf.version_needs))
    assert verdicts(proof) == {
        "app/big": "UNPROVEN",
        "app/fine.so": "LOADS",
        "app/gnu": "UNPROVEN",
        "app/mixed": "FAILS",
        "lib/libgnu.so": "UNPROVEN",
        LIBC: "LOADS",
    }


def test_every_file_is_read_once_for_a_thousand_objects() -> None:
    class Counting(World):
        reads = 0

        def elf(self, path: str):  # type: ignore[no-untyped-def] # noqa: ANN202
            self.reads += path not in self.elves
            return super().elf(path)

    files = {f"app/p{number}.so": library("libc.so", wants=("api", "malloc")) for number in range(1000)}
    root = Counting({LIBC: library(has=("malloc",)), "app/host": program("libc.so", has=("api",)), **files})
    proof = prove(root, root.files)
    assert sum(each.verdict is Verdict.HOSTED for each in proof) == 1000
    assert root.reads == len(root.files)


def test_damaged_files_never_raise() -> None:
    files = {
        "app/hello": program("liba.so", "libc.so", wants=("one", "gone"), copies=("var",), runpath="$ORIGIN"),
        "app/liba.so": library("libb.so", has=("one",), wants=("two",), runpath="${ORIGIN}/x:/lib"),
        "lib/libb.so": library("liba.so", has=("two", "var"), hashes=("sysv",)),
        "app/plugin.so": library("libb.so", wants=("one", "plug"), bits=32, machine=3),
        LIBC: library(has=("malloc",)),
    }
    whole = {path: each.build().data for path, each in files.items()}
    random = Random(3)
    outcomes = set()
    for _ in range(400):
        damaged = {}
        for path, data in whole.items():
            broken = bytearray(data)
            for _ in range(random.choice((0, 1, 3))):
                broken[random.randrange(len(broken))] = random.choice(
                    (0, 1, 0x7F, 0xFF, random.randrange(256))
                )
            damaged[path] = bytes(broken)
        proof = prove(World(damaged), damaged, hosts=lambda _: ["app/hello"])
        outcomes |= {each.verdict for each in proof}
    assert {Verdict.LOADS, Verdict.FAILS, Verdict.NOTHING} <= outcomes


def test_a_hostile_graph_is_told_as_a_problem_of_its_own() -> None:
    many = library(*(f"no{n}.so" for n in range(400)), runpath=":".join(f"/{n}" for n in range(256)))
    root = world({"app/many.so": many, "app/hello": program("libc.so")})
    proof = prove(root, root.files)
    (failing,) = proof.failing
    (problem,) = failing.problems
    assert isinstance(problem, Broken)
    assert "more than" in problem.reason
    assert verdicts(proof)["app/hello"] == "LOADS"


def test_all_loadings_together_have_a_limit_that_stops_hostile_graphs() -> None:
    places = ":".join(f"/{number}" for number in range(250))
    hostile = library(*(f"no{number}.so" for number in range(250)), runpath=places)
    files = {f"app/l{number:03}.so": hostile for number in range(100)}
    proof = prove(World(files), files)
    reasons = [problem.reason for each in proof for problem in each.problems if isinstance(problem, Broken)]
    assert sum("in all" in reason for reason in reasons) >= 100 - proofs.MAX_STEPS // 250**2 - 1
    assert len(proof.failing) == 100
