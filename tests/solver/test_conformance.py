"""The solver, held against what real apk answered to 15,374 worlds."""

import gzip
import json
from functools import cache
from typing import Any

import pytest

from support.indexes import real
from support.orders import as_in
from support.shared import SHARED, needs_shared
from witchery.apk.dependency import Dependency
from witchery.solver.attempt import attempt
from witchery.solver.catalogue import Catalogue
from witchery.solver.solution import Solution
from witchery.solver.source import Source

pytestmark = [needs_shared, pytest.mark.conformance]

_V319 = SHARED / "alpine" / "v3.19-x86_64" / "indexes"
_SOLVER = SHARED / "solver"
_RELEASES = {
    "alpine-3.16-main-x86_64": [_SOLVER / "alpine-3.16-main-x86_64.APKINDEX.tar.gz"],
    "alpine-3.17-main-aarch64": [_SOLVER / "alpine-3.17-main-aarch64.APKINDEX.tar.gz"],
    "alpine-3.19-main+community-x86_64": [
        _V319 / repository / "x86_64" / "APKINDEX.tar.gz" for repository in ("main", "community")
    ],
}

_REPLAYED = {
    "alpine-3.16-main-x86_64": 51,
    "alpine-3.17-main-aarch64": 26,
    "alpine-3.19-main+community-x86_64": 29,
}
"""In how many worlds packages are triggered at once, and apk's hash table orders them unlike the index."""


@cache
def _catalogue(release: str) -> Catalogue:
    sources = [Source(str(path), real(path)) for path in _RELEASES[release]]
    return Catalogue(sources, release.rpartition("-")[2])


def _answers(release: str) -> list[dict[str, Any]]:
    lines = gzip.decompress((_SOLVER / f"{release}.jsonl.gz").read_bytes()).splitlines()
    return [json.loads(line) for line in lines]


def _in_words(solution: Solution) -> list[str]:
    return [f"{each.package.name}={each.package.version}" for each in solution]


@pytest.mark.parametrize("release", _RELEASES)
def test_every_answer_of_apk_is_ours(release: str) -> None:
    """Same refusals, same packages, same versions, same order.

    Only what one package triggers at once has no order in apk. A world where such packages come in another
    order is solved again with exactly these, and nothing else, in the order of apk; then the whole order must
    be apk's.
    """
    wrong, replayed = [], 0
    for answer in _answers(release):
        world = [Dependency.parse(entry) for entry in answer["world"]]
        solution = attempt(_catalogue(release), world)
        if solution is None or "error" in answer:
            if (solution is None) != ("error" in answer):
                wrong.append(answer)
        elif _in_words(solution) != answer["packages"]:
            again = attempt(_catalogue(release), world, as_in(answer["packages"]))
            replayed += 1
            if again is None or _in_words(again) != answer["packages"]:
                wrong.append(answer)
    assert wrong == []
    assert replayed == _REPLAYED[release]
