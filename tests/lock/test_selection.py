"""Locked packages as a solution: what the solver finds is one, and with a package less or more it is none."""

import random
from collections.abc import Sequence

import pytest

from support.indexes import source
from support.random_worlds import random_world
from witchery.apk.dependency import Dependency
from witchery.arch import Arch
from witchery.errors import FormatError
from witchery.lock.selection import Choice, solution
from witchery.solver.attempt import attempt
from witchery.solver.catalogue import Catalogue
from witchery.solver.solution import Selected, Solution

X86_64 = Arch.parse("x86_64")


def again(world: Sequence[Dependency], chosen: Sequence[Selected]) -> Solution:
    choices = [Choice(each.package, each.source, f"packages[{n}]") for n, each in enumerate(chosen)]
    return solution(world, X86_64, choices, "packages")


def test_every_solution_is_one_again_and_every_package_has_its_reasons() -> None:
    solved = 0
    for seed in range(2000):
        sources, world = random_world(random.Random(seed))
        found = attempt(Catalogue(sources, "x86_64"), world)
        if found is None:
            continue
        solved += 1
        made = again(world, found.packages)
        assert (made.world, made.arch) == (found.world, found.arch)
        for ours, theirs in zip(made, found, strict=True):
            assert (ours.package, ours.tag) == (theirs.package, theirs.tag)
            assert ours.reasons
    assert solved > 500


PICTURE = """
tool-1 D:lib>=1 so:x | p:cmd:tool=1
lib-1
x-1 p:so:x=1
addon-1 i:tool lib
enemy-1 D:!tool
spare-1
foreign-1 A:s390x
"""


def selected(world: str) -> tuple[list[Dependency], list[Selected]]:
    entries = [Dependency.parse(each) for each in world.split()]
    found = attempt(Catalogue([source(PICTURE)], "x86_64"), entries)
    assert found is not None
    return entries, list(found.packages)


def test_the_reasons_are_those_of_the_solver() -> None:
    world, chosen = selected("tool spare")
    made = again(world, chosen)
    assert [(str(each.package), each.why) for each in made] == [
        (str(each.package), each.why) for each in chosen
    ]


@pytest.mark.parametrize(
    ("missing", "said"),
    [
        ("lib", "packages: `tool-1` needs `lib>=1`, which nothing here provides"),
        ("x", "packages: `tool-1` needs `so:x`, which nothing here provides"),
        ("spare", "packages: the world needs `spare`, which nothing here provides"),
        ("tool", "packages: the world needs `tool`, which nothing here provides"),
    ],
)
def test_a_package_less_is_missed(missing: str, said: str) -> None:
    world, chosen = selected("tool spare")
    with pytest.raises(FormatError) as raised:
        again(world, [each for each in chosen if each.package.name != missing])
    assert str(raised.value) == said


def test_a_package_more_is_asked_for_by_nothing_or_forbidden() -> None:
    world, chosen = selected("tool")
    _, spare = selected("spare")
    with pytest.raises(FormatError, match=r"packages\[4\]: nothing asks for the package: `spare-1`"):
        again(world, [*chosen, *spare])
    _, enemy = selected("enemy")
    with pytest.raises(FormatError, match="`enemy-1` forbids `!tool`, and `tool-1` is locked"):
        again([*world, Dependency("enemy")], [*chosen, *enemy])
