"""Lock files: what is written is read back, and what is not written so is refused where it stands."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.locks import a_lock, leaves, packages
from witchery.canonical import encode_pretty
from witchery.errors import FormatError
from witchery.lock.decode import decode
from witchery.lock.document import document, encode
from witchery.lock.model import Lock
from witchery.value import replace


def reading(value: Any) -> Lock:
    return decode(encode_pretty(value))


@given(st.lists(packages(), min_size=1, max_size=6, unique_by=lambda each: each.name))
def test_what_is_written_is_read_back(found: list[Any]) -> None:
    lock = a_lock(found)
    assert decode(encode(lock)) == lock
    assert encode(decode(encode(lock))) == encode(lock)


def test_a_new_version_of_a_package_is_a_short_difference() -> None:
    """Seven lines of one package, and nothing else."""
    before = a_lock()
    arch = before.architectures[0]
    first = arch.packages[0]
    newer = replace(
        first, version="2.0-r0", url=first.url.replace(first.version, "2.0-r0"), size=first.size + 1
    )
    after = replace(before, architectures=(replace(arch, packages=(newer, *arch.packages[1:])),))
    old, new = encode(before).decode().splitlines(), encode(after).decode().splitlines()
    assert len(old) == len(new)
    differing = [line.split(":")[0].strip() for line, other in zip(old, new, strict=True) if line != other]
    assert differing == ['"size"', '"url"', '"version"']


WRONG: tuple[Any, ...] = (None, True, 1.5, -1, "", "sha256:0", "\x00", [], {}, [None], {"a": 1})


@pytest.mark.parametrize("value", WRONG, ids=repr)
def test_a_value_of_another_kind_is_refused_or_means_the_same(value: Any) -> None:
    """At every place, but for texts that may be anything."""
    whole = document(a_lock())
    for path in leaves(whole):
        edited = json.loads(json.dumps(whole))
        inside = edited
        for step in path[:-1]:
            inside = inside[step]
        if inside[path[-1]] == value:
            continue
        inside[path[-1]] = value
        field = next(step for step in reversed(path) if isinstance(step, str))
        free = (field == "origin" and value in ("", "sha256:0")) or (
            field == "depends" and value == "sha256:0"
        )
        if free or (value == "" and "packages" in path and field in ("key", "repository")):
            reading(edited)  # in order as far as the form goes: the package, or the application, will tell
            continue
        with pytest.raises(FormatError) as raised:
            reading(edited)
        assert field in str(raised.value)


def test_every_member_has_to_be_there_and_no_other() -> None:
    whole = document(a_lock())

    def objects(value: Any, path: str = "") -> Any:
        if isinstance(value, dict):
            yield path, value
            for name, each in value.items():
                yield from objects(each, f"{path}.{name}" if path else name)
        elif isinstance(value, list):
            for number, each in enumerate(value):
                yield from objects(each, f"{path}[{number}]")

    for path, found in list(objects(whole)):
        if path == "architectures":
            continue
        prefix = f"{path}." if path else ""
        found["surprise"] = 1
        with pytest.raises(FormatError, match="unknown") as raised:
            reading(whole)
        assert str(raised.value) == f"{prefix}surprise: unknown"
        del found["surprise"]
        for name in list(found):
            if name in ("payload", "stated"):
                continue
            kept = found.pop(name)
            with pytest.raises(FormatError) as raised:
                reading(whole)
            assert f"{prefix}{name}" in str(raised.value) or path.endswith("stated")
            found[name] = kept
    assert reading(whole) == a_lock()


def edit(change: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    whole: dict[str, Any] = json.loads(json.dumps(document(a_lock())))
    change(whole)
    return whole


def x86_64(whole: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = whole["architectures"]["x86_64"]
    return found


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda lock: lock.update(schema="dev.witchery.lock/2"), "schema: expected `dev.witchery.lock/1`"),
        (
            lambda lock: x86_64(lock)["packages"].reverse(),
            "architectures.x86_64.packages: changed by hand (a `name`, or the order)",
        ),
        (
            lambda lock: x86_64(lock)["packages"].pop(),
            "architectures.x86_64.packages: changed by hand (a `name`, or the order)",
        ),
        (lambda lock: x86_64(lock)["world"].append("extra"), "architectures.x86_64.world: changed by hand"),
        (lambda lock: x86_64(lock)["releases"].clear(), "architectures.x86_64.releases: changed by hand"),
        (lambda lock: x86_64(lock)["indexes"].clear(), "architectures.x86_64.indexes: changed by hand"),
        (lambda lock: x86_64(lock)["payload"].update(before=0), "x86_64.payload.before: changed by hand"),
        (
            lambda lock: lock["architectures"].update(amd64=x86_64(lock)),
            "architectures.amd64: expected Alpine's",
        ),
        (lambda lock: lock["architectures"].clear(), "architectures: expected 1 to 64 architectures, got 0"),
        (lambda lock: lock["keys"].append(lock["keys"][0]), "keys: expected in order, and none twice"),
        (
            lambda lock: x86_64(lock)["packages"].append(x86_64(lock)["packages"][0]),
            "architectures.x86_64.packages: a package stands twice",
        ),
        (
            lambda lock: x86_64(lock)["packages"][1].update(control="0-99"),
            "architectures.x86_64.packages[1].control: expected a range from 100",
        ),
        (
            lambda lock: x86_64(lock)["packages"][1].update(key="stranger"),
            "architectures.x86_64.packages[1].key: not listed in this lock: `stranger`",
        ),
        (
            lambda lock: x86_64(lock)["packages"][1].update(identity="Q1AAAA"),
            "architectures.x86_64.packages[1].identity: malformed package identity",
        ),
    ],
    ids=lambda value: "" if callable(value) else value.partition(": ")[0][-30:],
)
def test_an_edit_is_refused_where_it_was_made(change: Callable[[dict[str, Any]], None], said: str) -> None:
    with pytest.raises(FormatError) as raised:
        reading(edit(change))
    assert said in str(raised.value)


@given(st.binary(max_size=200))
def test_any_bytes_are_refused_as_what_they_are(data: bytes) -> None:
    with pytest.raises(FormatError):
        decode(data)
