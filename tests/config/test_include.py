# ruff: noqa: E501 - a table reads by its rows
"""`include:`: rules of merging, chains, circles."""

import pytest

from support.configs import config, loaded, reader
from witchery.config.load import load
from witchery.config.model import ImageConfig
from witchery.errors import ConfigError, StorageError


def joined(top: str, base: str) -> ImageConfig:
    """What `top` and `base` give together."""
    return loaded(f"include: base.yaml\n{top}\n", base=base).config


GIVEN = {
    "''": (
        "cmd: a",
        "work-dir: /a",
        "stop-signal: SIGINT",
        "vcs-url: a@1",
        "format: tar",
        "layering: single",
    ),
    "[]": (
        "cmd: [a]",
        "archs: [amd64]",
        "paths: [{path: a, type: directory}]",
        "ports: [1]",
        "volumes: [/a]",
    ),
    "{}": (
        "entrypoint: {command: a}",
        "certificates: {providers: [a]}",
        "contents: {packages: [a], shell: forbid}",
        "environment: {A: b}",
        "labels: {A: b}",
        "annotations: {A: b}",
        "accounts: {run-as: a}",
        "base: {tmp: false}",
        "layering: {strategy: origin}",
    ),
}
"""What an included file says, by the empty value of its shape."""


@pytest.mark.parametrize(("empty", "given"), [(empty, given) for empty in GIVEN for given in GIVEN[empty]])
def test_what_only_the_included_file_says_holds(empty: str, given: str) -> None:
    key = given.partition(":")[0]
    assert joined("", given) == config(given)
    assert joined(f"{key}:", given) == config(given)
    if given != "layering: single":
        assert joined(f"{key}: {empty}", given) == config(given)


@pytest.mark.parametrize(
    ("top", "base", "both"),
    [
        # One value: the including file's.
        ("cmd: a", "cmd: b", "cmd: a"),
        ("work-dir: /a", "work-dir: /b", "work-dir: /a"),
        ("vcs-url: a@1", "vcs-url: b@2", "vcs-url: a@1"),
        ("accounts: {run-as: a}", "accounts: {run-as: b}", "accounts: {run-as: a}"),
        ("contents: {shell: allow}", "contents: {shell: forbid}", "contents: {shell: allow}"),
        # As a whole.
        ("entrypoint: {command: a}", "entrypoint: {shell-fragment: b}", "entrypoint: {command: a}"),
        ("archs: [amd64]", "archs: [arm64]", "archs: [amd64]"),
        ("layering: single", "layering: {strategy: origin, budget: 5}", "layering: single"),
        ("layering: {budget: 7}", "layering: {strategy: origin, budget: 5}", "layering: {budget: 7}"),
        ("certificates: {providers: [a]}", "certificates: {providers: [b]}", "certificates: {providers: [a]}"),
        ("cmd: [a]", "cmd: [b, c]", "cmd: [a]"),
        # One after the other, the base first, and nothing is taken for a duplicate.
        ("contents: {packages: [a, b]}", "contents: {packages: [b, c]}", "contents: {packages: [b, c, a, b]}"),
        ("volumes: [/a]", "volumes: [/b]", "volumes: [/b, /a]"),
        ("ports: [1]", "ports: [2]", "ports: [2, 1]"),
        ("paths: [{path: a, type: directory}]", "paths: [{path: b, type: directory}]", "paths: [{path: b, type: directory}, {path: a, type: directory}]"),
        ("accounts: {users: [{username: a, uid: 1}]}", "accounts: {users: [{username: b, uid: 2}]}", "accounts: {users: [{username: b, uid: 2}, {username: a, uid: 1}]}"),
        # Key by key.
        ("environment: {A: 1, B: }", "environment: {B: 2, C: 2}", "environment: {B: , C: 2, A: 1}"),
        ("labels: {A: 1}", "labels: {A: 2, C: 2}", "labels: {A: 1, C: 2}"),
        ("annotations: {A: 1}", "annotations: {A: 2, C: 2}", "annotations: {A: 1, C: 2}"),
        ("base: {tmp: true}", "base: {tmp: false, group: false}", "base: {tmp: true, group: false}"),
    ],
)  # fmt: skip
def test_what_both_files_say(top: str, base: str, both: str) -> None:
    assert joined(top, base) == config(both)


def test_an_included_file_may_include_another_relative_to_itself() -> None:
    files = {
        "a/top.yaml": "include: ../b/middle.yaml\ncontents: {packages: [top]}\n",
        "b/middle.yaml": "include: ./c/base.yaml\ncontents: {packages: [middle]}\n",
        "b/c/base.yaml": "contents: {packages: [base]}\n",
    }
    found = load("a/top.yaml", reader(files))
    assert found.config.contents.packages == ("base", "middle", "top")
    assert list(found.files) == ["a/top.yaml", "b/middle.yaml", "b/c/base.yaml"]
    assert found.files["b/c/base.yaml"] == b"contents: {packages: [base]}\n"


def problems(top: str, **included: str) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as caught:
        loaded(top, name="top.yaml", variables=None, **included)
    return caught.value.problems


def test_a_circle_is_named() -> None:
    assert problems("include: a.yaml", a="include: b.yaml", b="include: ./top.yaml") == (
        "b.yaml:1:10: include: the files include each other in a circle: top.yaml → a.yaml → b.yaml → top.yaml",
    )
    assert "a circle: top.yaml → top.yaml" in problems("include: top.yaml")[0]


def test_a_chain_has_an_end() -> None:
    chain = {f"a{i}": f"include: a{i + 1}.yaml" for i in range(30)}
    assert "more than 16 files include one another" in problems("include: a0.yaml", **chain)[0]


@pytest.mark.parametrize("name", ["https://example.org/a.yaml", "git://example.org/a"])
def test_only_local_files_are_included(name: str) -> None:
    assert problems(f"include: {name}") == (
        f"top.yaml:1:10: include: only a local file can be included: `{name}`",
    )


def test_a_file_that_cannot_be_read_is_named_with_the_place_that_wants_it() -> None:
    with pytest.raises(StorageError, match=r"^top\.yaml:2:10: include: no such file: `gone\.yaml`$"):
        loaded("\ninclude: gone.yaml\n", name="top.yaml")


def test_problems_of_all_files_are_reported_in_their_own_places() -> None:
    found = problems(
        "include: base.yaml\ncmd: {}\ncontents: {packages: [a b]}\naccounts: {users: [{username: a, uid: 1}]}\n",
        base="\nporst: [1]\ncontents: {packages: [c d]}\naccounts: {users: [{username: a, uid: 2}]}\n",
    )
    assert found == (
        "base.yaml:2:1: unknown key: `porst`; did you mean `ports`?",
        "base.yaml:3:23: contents.packages[0]: expected a package such as `nginx`, `python3~3.12` or `!bash`: `c d`",
        "top.yaml:2:6: cmd: expected a command line: a text or a list of words, found a mapping",
        "top.yaml:3:23: contents.packages[1]: expected a package such as `nginx`, `python3~3.12` or `!bash`: `a b`",
        "top.yaml:4:31: accounts.users[1].username: the user name is given twice, here and in `users[0]`: `a`",
    )


@pytest.mark.parametrize(
    ("top", "base", "place"),
    [
        ("contents: {packages: [a]}", "contents: [a]", "base.yaml:1:11: contents"),
        ("contents: [a]", "contents: {packages: [a]}", "top.yaml:2:11: contents"),
        ("ports: [1]", "ports: x", "base.yaml:1:8: ports"),
        ("ports: x", "ports: [1]", "top.yaml:2:8: ports"),
        ("environment: {A: b}", "environment: x", "base.yaml:1:14: environment"),
        ("environment: x", "environment: {A: b}", "top.yaml:2:14: environment"),
    ],
)
def test_a_value_of_the_wrong_shape_in_either_file_is_found(top: str, base: str, place: str) -> None:
    (problem,) = problems(f"include: base.yaml\n{top}", base=base)
    assert problem.startswith(f"{place}: expected a ")


@pytest.mark.parametrize("base", ["", "# nothing\n"])
def test_an_included_file_that_is_empty_is_refused(base: str) -> None:
    assert problems("include: base.yaml", base=base) == ("base.yaml:1:1: the file is empty",)


def test_an_include_that_is_no_name_is_refused() -> None:
    assert problems("include: [a.yaml]") == (
        "top.yaml:1:10: include: expected the path of a file, found a list",
    )


def test_an_empty_include_includes_nothing() -> None:
    assert loaded("include:\ncmd: a\n").config == config("cmd: a")
