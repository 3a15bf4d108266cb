"""Worlds that real apk installed from real packages, or refused."""

import re

import pytest

from support.indexes import real
from support.orders import as_in
from support.shared import SHARED, needs_shared
from support.worlds import SETS, World
from witchery.solver.attempt import attempt
from witchery.solver.catalogue import Catalogue
from witchery.solver.errors import Unsolvable
from witchery.solver.solver import solve
from witchery.solver.source import Source

pytestmark = [needs_shared, pytest.mark.conformance]

_INSTALLING = re.compile(r"\) Installing (\S+) \((\S+)\)")


def _worlds() -> list[World]:
    logs = [(each, path) for each in SETS for path in (SHARED / "alpine" / each / "expected").glob("*.log")]
    return [World(each, name) for each, name in sorted({(s, path.name.split(".")[0]) for s, path in logs})]


def _source(world: World) -> Source:
    path = SHARED / "alpine" / world.set / world.arch / "APKINDEX.tar.gz"
    return Source(str(path), real(path))


@pytest.mark.parametrize("world", _worlds(), ids=str)
def test_apk_installed_the_same_packages_in_the_same_order(world: World) -> None:
    installed = _INSTALLING.findall(world.log)
    if not installed:
        with pytest.raises(Unsolvable):
            solve(world.request, [_source(world)], world.arch)
        return
    rank = as_in([f"{name}={version}" for name, version in installed])
    solution = attempt(Catalogue([_source(world)], world.arch), world.request, rank)
    assert solution is not None
    assert [(each.package.name, each.package.version) for each in solution] == installed
    listed = world.expected / f"{world.name}.solution"
    if listed.exists():
        assert sorted(f"{each.package.name} {each.package.version}" for each in solution) == (
            listed.read_text().splitlines()
        )
