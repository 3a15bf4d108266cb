"""YAML, before the schema has a say."""

import pytest

from support.configs import config, problems
from witchery.config import tree
from witchery.config.problems import Place, Problems
from witchery.errors import ConfigError

START = "contents:\n  packages: [wget]\n"


def refused(data: bytes | str) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        tree.parse(data.encode() if isinstance(data, str) else data, "a.yaml", Problems())
    return caught.value


def parsed(text: str) -> tree.Node | None:
    found = Problems()
    node = tree.parse(text.encode(), "a.yaml", found)
    found.raise_if_any()
    return node


@pytest.mark.parametrize("text", ["", "\n", "# nothing\n", "---\n", "~", "--- null\n...\n", "\ufeff"])
def test_a_file_that_holds_nothing(text: str) -> None:
    assert parsed(text) is None


def test_a_scalar_is_the_text_that_was_written_and_knows_its_place_and_quotes() -> None:
    root = parsed("a: 1:30\nb: [0o755, 'on', ~]\n")
    assert isinstance(root, tree.Mapping)
    assert root.entries["a"].value == tree.Scalar(Place("a.yaml", 1, 4), "1:30", plain=True, null=False)
    items = root.entries["b"].value
    assert isinstance(items, tree.Sequence)
    assert items.items == (
        tree.Scalar(Place("a.yaml", 2, 5), "0o755", plain=True, null=False),
        tree.Scalar(Place("a.yaml", 2, 12), "on", plain=False, null=False),
        tree.Scalar(Place("a.yaml", 2, 18), "~", plain=True, null=True),
    )


@pytest.mark.parametrize(
    ("data", "place", "message", "hint"),
    [
        ("contents:\n\tpackages: []\n", "a.yaml:2:1", "not YAML: ", "a tab cannot indent YAML; use spaces"),
        ("a:\n  - @edge x\n", "a.yaml:2:5", "not YAML: ", "a text that begins with `@` is written in quotes"),
        ("a: `x`\n", "a.yaml:1:4", "not YAML: ", "a text that begins with a backtick is written in quotes"),
        ("a: %x\n", "a.yaml:1:4", "not YAML: ", "a text that begins with `%` is written in quotes"),
        ("a: b: c\n", "a.yaml:1:5", "not YAML: ", "a text that contains `: ` is written in quotes"),
        (
            "a: {b: ${X}}\n",
            "a.yaml:1:9",
            "not YAML: ",
            "inside `{}` and `[]`, a text with `${NAME}` is written",
        ),
        ("a: [\n", "a.yaml:2:1", "not YAML: ", ""),
        ("a: 'x", "a.yaml:1:6", "not YAML: ", ""),
        ("%YAML 3.0\n--- a\n", "a.yaml:1:1", "not YAML: ", ""),
        ("a: 1\n---\nb: 2\n", "a.yaml:2:1", "a configuration is one document, and here a second begins", ""),
        ("a: *b\n", "a.yaml:1:4", "no value before this is anchored as `&b`", ""),
        ("a: &a [*a]\n", "a.yaml:1:8", "no value before this is anchored as `&a`", ""),
        (
            b"a: \xff\n",
            "a.yaml:1:4",
            "a configuration is UTF-8, and this byte is not",
            "save the file as UTF-8",
        ),
        ("a: 1\n".encode("utf-16"), "a.yaml:1:1", "a configuration is UTF-8", "save the file as UTF-8"),
        ("a: 1\nb: \x07\n", "a.yaml:2:4", "YAML holds no such character: U+0007", ""),
        ("a: \x00", "a.yaml:1:4", "YAML holds no such character: U+0000", ""),
        ("a: " + "[" * 30, "a.yaml:1:28", "values are nested more than 24 deep", ""),
        ("#" * (1 << 20) + "\n", "a.yaml:1:1", "a configuration holds at most 1048576 bytes", ""),
    ],
)
def test_what_is_not_acceptable_yaml_has_a_place_and_often_a_hint(
    data: bytes | str, place: str, message: str, hint: str
) -> None:
    error = refused(data)
    assert len(error.problems) == 1
    assert error.problems[0].startswith(f"{place}: {message}")
    assert " ".join(error.hints).startswith(hint)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "environment:\n  A: 1\n  B: 2\n  A: 3\n",
            "a.yaml:4:3: environment: the key is given twice, first in line 2: `A`",
        ),
        ("? [a]\n: b\n", "a.yaml:1:3: a key is a plain text"),
        (
            "cmd: !bash\n",
            (
                "a.yaml:1:6: cmd: this is a YAML tag; a text that begins with `!` is written in quotes: "
                '`"!bash"`'
            ),
        ),
        ("cmd: !!binary aGk=\n", "a.yaml:1:6: cmd: this is a YAML tag"),
        ("contents: !!python/object:os.system {}\n", "a.yaml:1:11: contents: this is a YAML tag"),
        ('cmd: "a\\0"\n', "a.yaml:1:6: cmd: a text must not hold the character U+0000"),
        ("environment:\n  <<: 3\n", "a.yaml:2:3: environment: `<<` merges a mapping, or a list of them"),
    ],
)
def test_problems_that_can_be_passed_over(text: str, expected: str) -> None:
    assert problems(text)[0].startswith(expected)


def test_the_core_tags_say_nothing_new() -> None:
    found = config("cmd: !!seq [!!str sleep, !!int 5]\nbase: !!map {tmp: !!bool false}\n")
    assert found.cmd == ("sleep", "5")
    assert not found.base.tmp


def test_merge_keys_give_way_to_what_is_written_and_to_earlier_ones() -> None:
    found = config(
        "labels: &one {a: 1, b: 1}\nannotations: &two {b: 2, c: 2}\n"
        "environment:\n  <<: [*one, *two]\n  a: 0\n  '<<': kept\n".replace("  '<<': kept\n", "")
    )
    assert found.environment == {"a": "0", "b": "1", "c": "2"}


def test_an_alias_bomb_is_refused_before_it_is_built() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 12)]
    assert "at most 20000 values, with aliases expanded" in refused("\n".join(lines)).message


def test_aliases_do_not_nest_deeper_than_brackets_may() -> None:
    lines = ["a0: &a0 [x]"] + [f"a{i}: &a{i} {{b: *a{i - 1}}}" for i in range(1, 60)]
    assert "nested more than 24 deep" in refused("\n".join(lines)).message


def test_many_values_are_refused() -> None:
    assert "at most 20000 values" in refused("a: [" + "x, " * 20_001 + "]").message


def test_a_long_key_is_refused() -> None:
    assert "a key is longer than 1024 characters" in refused("? " + "x" * 2000 + "\n: 1\n").message


def test_problems_stand_in_the_order_of_the_file_and_have_an_end() -> None:
    found = problems("\n".join(f"unknown{i}: 1" for i in range(150)))
    assert found[0].startswith("a.yaml:1:1: unknown key: `unknown0`")
    assert found[99].startswith("a.yaml:100:1:")
    assert found[100:] == ("and 50 more problems",)


def test_a_file_of_a_library_without_libyaml_reads_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    import yaml

    with_c = parsed(START)
    monkeypatch.delattr(yaml, "CBaseLoader")
    assert parsed(START) == with_c
    assert " ".join(refused("contents:\n\tpackages: []\n").hints) == "a tab cannot indent YAML; use spaces"
