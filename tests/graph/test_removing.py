"""What leaves with a package, held against the solver: nobody may ask for it, and it solves again."""

import gzip
import json
import random
from functools import cache
from pathlib import Path

import pytest

from support.built import TALL
from support.indexes import real
from support.removing import solved_without
from support.shared import SHARED, needs_shared
from support.worlds import index
from witchery.apk.dependency import Dependency
from witchery.graph.dominance import Dominance
from witchery.graph.graph import Graph
from witchery.solver.solution import Solution
from witchery.solver.solver import solve
from witchery.solver.source import Source

pytestmark = [needs_shared, pytest.mark.conformance]

V319 = SHARED / "alpine" / "v3.19-x86_64"
ANSWERS = SHARED / "solver" / "alpine-3.19-main+community-x86_64.jsonl.gz"


@cache
def full() -> tuple[Source, ...]:
    """The 23,030 packages of 3.19."""
    paths = [V319 / "indexes" / name / "x86_64" / "APKINDEX.tar.gz" for name in ("main", "community")]
    return tuple(Source(str(path), real(path)) for path in paths)


def few(folder: Path = V319 / "x86_64") -> tuple[Source, ...]:
    """The packages of the 3.19 set."""
    return (Source.of(index(folder).values()),)


def solution(world: str, sources: tuple[Source, ...]) -> Solution:
    return solve([Dependency.parse(each) for each in world.split()], sources, "x86_64")


def check(found: Solution, names: list[str], sources: tuple[Source, ...]) -> None:
    of = Graph.of(found.world, [each.package for each in found])
    dominance = Dominance(of)
    for name in names:
        stays = frozenset(of.packages) - frozenset(dominance.held_by(name).names)
        assert solved_without(found, name, sources) == stays, name


def test_every_package_of_a_tall_image() -> None:
    found = solution(TALL, few())
    assert len(found) == 119
    check(found, [each.package.name for each in found], few())


def test_every_package_of_the_openssh_server() -> None:
    found = solution("openssh-server", few(SHARED / "alpine/v3.19.1-boot-x86_64/x86_64"))
    check(found, [each.package.name for each in found], few(SHARED / "alpine/v3.19.1-boot-x86_64/x86_64"))


def test_some_packages_of_worlds_of_the_whole_release() -> None:
    rng = random.Random(319)
    answers = [json.loads(line) for line in gzip.decompress(ANSWERS.read_bytes()).splitlines()]
    worlds = [each["world"] for each in answers if 10 < len(each.get("packages", ())) < 200]
    tried = 0
    for world in rng.sample(worlds, 10):
        found = solution(" ".join(world), full())
        names = [each.package.name for each in found]
        check(found, rng.sample(names, 6), full())
        tried += 6
    assert tried == 60


def test_conditions_that_hold_beside_a_dependency() -> None:
    """`qt6-qtmultimedia-ffmpeg` is asked for, and would come by itself: so it stays with what asks for it."""
    found = solution("qt6-qtmultimedia-dev netcf", full())
    of = Graph.of_solution(found)
    causes = {each.cause.value for each in of.reasons["qt6-qtmultimedia-ffmpeg"]}
    assert causes == {"depends", "install_if"}
    check(found, ["qt6-qtmultimedia-ffmpeg", "qt6-qtmultimedia", "qt6-qtmultimedia-dev"], full())
