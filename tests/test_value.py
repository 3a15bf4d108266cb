"""Values: what `dataclasses` promises of frozen, slotted classes holds of ours, held against the original."""

import copy
import dataclasses
import pickle
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from witchery.value import field, fields, frozen, replace


@frozen
class Point:
    """Two numbers, the second never negative."""

    x: int
    y: int = 0

    def __post_init__(self) -> None:
        if self.y < 0:
            raise ValueError("below zero")

    @property
    def sum(self) -> int:
        return self.x + self.y


@dataclasses.dataclass(frozen=True, slots=True)
class Original:
    x: int
    y: int = 0


@frozen(kw_only=True, order=True)
class Named:
    name: str
    tags: tuple[str, ...] = ()
    notes: Mapping[str, str] = field(default_factory=dict)
    secret: str = field(default="", repr=False, compare=False)


arguments = st.one_of(
    st.tuples(),
    st.tuples(st.integers(0, 3)),
    st.tuples(st.integers(0, 3), st.integers(0, 3)),
    st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(0, 3)),
)
keywords = st.dictionaries(st.sampled_from(["x", "y", "z"]), st.integers(0, 3))


def outcome(
    cls: type[Any], args: tuple[int, ...], kwargs: dict[str, int]
) -> tuple[int, int] | type[Exception]:
    try:
        made = cls(*args, **kwargs)
    except TypeError as error:
        return type(error)
    return made.x, made.y


@given(arguments, keywords)
def test_arguments_mean_what_they_mean_to_a_dataclass(args: tuple[int, ...], kwargs: dict[str, int]) -> None:
    assert outcome(Point, args, kwargs) == outcome(Original, args, kwargs)


@given(st.integers(0, 3), st.integers(0, 3), st.integers(0, 3), st.integers(0, 3))
def test_values_are_equal_and_hash_alike_exactly_if_their_fields_do(a: int, b: int, c: int, d: int) -> None:
    assert (Point(a, b) == Point(c, d)) is ((a, b) == (c, d))
    assert len({Point(a, b), Point(c, d)}) == len({(a, b), (c, d)})


def test_values_of_different_classes_are_not_equal() -> None:
    other: object = Original(1, 2)
    assert Point(1, 2) != other


def test_a_value_is_printed_as_it_is_made() -> None:
    assert repr(Point(1)) == "Point(x=1, y=0)"
    assert repr(Named(name="n", secret="s")) == "Named(name='n', tags=(), notes={})"


def test_a_value_cannot_change_and_has_no_room_for_more() -> None:
    point = Point(1)
    for name in ("x", "z"):
        with pytest.raises(AttributeError):
            setattr(point, name, 2)
    with pytest.raises(AttributeError):
        del point.x
    assert not hasattr(point, "__dict__")


def test_a_value_is_checked_at_birth_and_when_it_is_replaced() -> None:
    assert replace(Point(1, 2), x=5) == Point(5, 2)
    with pytest.raises(ValueError, match="below zero"):
        Point(1, -1)
    with pytest.raises(ValueError, match="below zero"):
        replace(Point(1), y=-1)
    with pytest.raises(TypeError, match="no field `z`"):
        replace(Point(1), z=1)


def test_defaults_made_by_a_function_are_not_shared() -> None:
    assert Named(name="a").notes is not Named(name="b").notes


def test_fields_that_do_not_compare_do_not_count() -> None:
    assert Named(name="a", secret="1") == Named(name="a", secret="2")
    assert hash(Named(name="a", secret="1")) == hash(Named(name="a", secret="2"))


def test_a_mapping_counts_in_the_hash_by_its_items() -> None:
    one = Named(name="a", notes=MappingProxyType({"x": "1", "y": "2"}))
    assert hash(one) == hash(Named(name="a", notes={"y": "2", "x": "1"}))


def test_values_are_ordered_by_their_fields_where_that_is_asked_for() -> None:
    assert min(Named(name="b"), Named(name="a")).name == "a"
    assert Named(name="a") <= Named(name="a", tags=("x",))
    assert Named(name="b") > Named(name="a") >= Named(name="a")
    with pytest.raises(TypeError):
        assert Named(name="a") < 1  # type: ignore[operator]


def test_values_match_patterns_and_name_their_fields() -> None:
    match Point(1, 2):
        case Point(x, y):
            assert (x, y) == (1, 2)
    assert [each.name for each in fields(Named)] == ["name", "tags", "notes", "secret"]
    assert Point(1, 2).sum == 3


def test_values_can_be_copied() -> None:
    point = Point(1, 2)
    assert copy.copy(point) == point == copy.deepcopy(point) == pickle.loads(pickle.dumps(point))
