"""Laws of every solution, on worlds and indexes made at random."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.random_worlds import random_world
from witchery.apk.dependency import Dependency
from witchery.solver.attempt import attempt
from witchery.solver.catalogue import Catalogue
from witchery.solver.complete import find_any
from witchery.solver.errors import Unsolvable
from witchery.solver.solution import Solution
from witchery.solver.solver import solve_in

pytestmark = pytest.mark.property

_seeds = st.integers(0, 1 << 32)


def _met(dependency: Dependency, asking: str, solution: Solution) -> bool:
    offers = [
        dependency.is_satisfied_by(version, each.package.identity)
        for each in solution
        for version in each.package.offers(dependency.name)
        if not (dependency.conflict and each.package.name == asking)
    ]
    return all(offers) if dependency.conflict else any(offers)


@given(_seeds)
def test_a_solution_satisfies_its_world_and_every_dependency(seed: int) -> None:
    sources, world = random_world(random.Random(seed))
    solution = attempt(Catalogue(sources, "x86_64"), world)
    if solution is not None:
        assert all(_met(entry, "", solution) for entry in world)
        for each in solution:
            assert each.package.problem == ""
            assert all(_met(dependency, each.package.name, solution) for dependency in each.package.depends)


@given(_seeds)
def test_a_name_has_one_owner_and_every_package_a_reason(seed: int) -> None:
    sources, world = random_world(random.Random(seed))
    solution = attempt(Catalogue(sources, "x86_64"), world)
    if solution is not None:
        names = [each.package.name for each in solution]
        assert len(names) == len(set(names))
        assert all(each.reasons for each in solution)
        assert all(each.tag in {"", *(entry.tag for entry in world)} for each in solution)


@given(_seeds)
def test_the_order_of_the_world_does_not_matter(seed: int) -> None:
    sources, world = random_world(random.Random(seed))
    catalogue = Catalogue(sources, "x86_64")
    assert attempt(catalogue, world) == attempt(catalogue, list(reversed(world)))


@given(_seeds)
def test_a_catalogue_can_be_shared(seed: int) -> None:
    sources, world = random_world(random.Random(seed))
    catalogue = Catalogue(sources, "x86_64")
    for entry in world:
        attempt(catalogue, [entry])
    assert attempt(catalogue, world) == attempt(Catalogue(sources, "x86_64"), world)


@given(_seeds)
def test_a_refusal_explains_itself_and_its_advice_works(seed: int) -> None:
    sources, world = random_world(random.Random(seed))
    catalogue = Catalogue(sources, "x86_64")
    if attempt(catalogue, world) is not None:
        return
    with pytest.raises(Unsolvable) as caught:
        solve_in(catalogue, world)
    error = caught.value
    assert error.constraints
    if error.alternative is not None:
        added = [Dependency.parse(line) for line in error.additions]
        assert solve_in(catalogue, [*world, *added]) == error.alternative


@given(_seeds)
def test_the_complete_search_finds_one_wherever_apk_does(seed: int) -> None:
    sources, world = random_world(random.Random(seed), conditions=False)
    catalogue = Catalogue(sources, "x86_64")
    if attempt(catalogue, world) is not None:
        assert find_any(catalogue, world) is not None
