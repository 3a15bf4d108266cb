"""Dependencies: their grammar in a world and in an index, and what satisfies them."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from witchery.apk.dependency import Dependency, DependencyError, Provide


@pytest.mark.parametrize(
    ("text", "dependency"),
    [
        ("nginx", Dependency("nginx")),
        ("!nginx", Dependency("nginx", conflict=True)),
        ("nginx@edge", Dependency("nginx", tag="edge")),
        ("nginx@edge>=1.24", Dependency("nginx", operator=">=", version="1.24", tag="edge")),
        ("so:libc.musl-x86_64.so.1", Dependency("so:libc.musl-x86_64.so.1")),
        ("cmd:[=1.0", Dependency("cmd:[", operator="=", version="1.0")),
        ("/bin/sh", Dependency("/bin/sh")),
        ("pc:gtk+-3.0>=3.24", Dependency("pc:gtk+-3.0", operator=">=", version="3.24")),
        ("py3~=3.11", Dependency("py3", operator="~", version="3.11")),
        ("py3=~3.11", Dependency("py3", operator="~", version="3.11")),
        ("py3=<3.11", Dependency("py3", operator="<=", version="3.11")),
        ("a><Q1abc=", Dependency("a", operator="><", version="Q1abc=")),
    ],
)
def test_a_world_entry_is_read_with_its_operator_in_one_form(text: str, dependency: Dependency) -> None:
    assert Dependency.parse(text) == dependency


@pytest.mark.parametrize(
    "text",
    [
        "",
        "!",
        "a=",
        "a=v1",
        "a=1@edge",
        "a b",
        " a",
        "a= 1",
        "a><",
        "a=1=2",
        "a>=1.0_foo",
        "=1",
        "a@",
        "a<=>1",
        "a\n",
    ],
)
def test_what_is_no_world_entry_is_refused_and_quoted(text: str) -> None:
    with pytest.raises(DependencyError, match="not a valid world dependency") as caught:
        Dependency.parse(text)
    assert text in caught.value.message


def test_a_tag_is_for_worlds_only() -> None:
    with pytest.raises(DependencyError):
        Dependency.parse_record("a@edge")


@pytest.mark.parametrize(
    ("text", "satisfying", "failing"),
    [
        ("a", ["1", ""], []),
        ("a=1.0", ["1.0"], ["1.0-r0", "1", ""]),
        ("a<5", ["4", ""], ["5", "6"]),
        ("a<=5", ["5", ""], ["5.0"]),
        ("a>0", ["1"], ["", "0"]),
        ("a>=5", ["5", "5-r0"], ["4", ""]),
        ("a~3.6", ["3.6.0_pre1", "3.6"], ["3.60", "3", ""]),
        ("a<~5", ["5.1", "4", ""], ["6"]),
        ("a>~5", ["5.1", "6"], ["4", ""]),
        ("!a", [], ["1", ""]),
        ("!a<2", ["2"], ["1", ""]),
    ],
)
def test_an_unversioned_provide_is_below_every_version(
    text: str, satisfying: list[str], failing: list[str]
) -> None:
    dependency = Dependency.parse(text)
    assert [v for v in satisfying if not dependency.is_satisfied_by(v)] == []
    assert [v for v in failing if dependency.is_satisfied_by(v)] == []


def test_an_identity_is_compared_by_its_bytes() -> None:
    dependency = Dependency.parse("a><Q1AAAAAAAAAAAAAAAAAAAAAAAAAAA=")
    hexadecimal = Dependency.parse("a><X1" + "00" * 20)
    assert dependency.is_satisfied_by("1", bytes(20))
    assert hexadecimal.is_satisfied_by("1", bytes(20))
    assert not dependency.is_satisfied_by("1", b"x" * 20)
    assert not Dependency.parse("a><nonsense").is_satisfied_by("1", bytes(20))


def test_a_provide_keeps_an_odd_version_and_any_operator_is_an_equals_sign() -> None:
    assert Provide.parse("pc:librtmp=v2.4") == Provide("pc:librtmp", "v2.4")
    assert Provide.parse("v>2") == Provide("v", "2")
    assert Provide.parse("v") == Provide("v", "")


_names = st.from_regex(r"\A[a-z0-9][a-z0-9._+-]{0,8}(:[a-z/.\[]{1,5})?\Z")
_operators = st.sampled_from(["=", "<", "<=", ">", ">=", "~", "<~", ">~"])
_versions = st.from_regex(r"\A[0-9]{1,2}(\.[0-9]{1,2}){0,2}(-r[0-9])?\Z")


@pytest.mark.property
@given(_names, st.booleans(), st.sampled_from(["", "edge"]), st.none() | st.tuples(_operators, _versions))
def test_a_dependency_is_read_back_from_its_text(
    name: str, conflict: bool, tag: str, constraint: tuple[str, str] | None
) -> None:
    operator, version = constraint or ("", "")
    dependency = Dependency(name, conflict, operator, version, tag)
    assert Dependency.parse(str(dependency)) == dependency


@pytest.mark.property
@given(_names, st.tuples(_operators, _versions), _versions)
def test_a_conflict_is_satisfied_exactly_where_the_dependency_is_not(
    name: str, constraint: tuple[str, str], offered: str
) -> None:
    operator, version = constraint
    wanted = Dependency(name, operator=operator, version=version)
    unwanted = Dependency(name, conflict=True, operator=operator, version=version)
    assert wanted.is_satisfied_by(offered) is not unwanted.is_satisfied_by(offered)


@pytest.mark.property
@given(st.text(max_size=12))
def test_any_text_is_read_or_refused(text: str) -> None:
    for parse in (Dependency.parse, Dependency.parse_record):
        with suppress(DependencyError):
            assert parse(text).name in text
