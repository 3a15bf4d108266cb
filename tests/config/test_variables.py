# ruff: noqa: E501 - a table reads by its rows
"""`${NAME}`, in Witchery's files and in apko's."""

import pytest

from support.configs import config, loaded, problems


def test_a_variable_stands_for_a_part_of_any_value() -> None:
    found = config(
        "contents: {packages: ['nginx=${VERSION}-r0']}\nlayering: '${LAYERS}'\n"
        "accounts: {users: [{username: '${NAME}', uid: '${ID}'}]}\nbase: {tmp: '${NO}'}\n"
        "cmd: exec ${NAME}\nenvironment:\n  A: ${EMPTY}\n  B: a${EMPTY}${EMPTY}b\n",
        VERSION="1.24.0",
        LAYERS="single",
        NAME="www-data",
        ID="1000",
        NO="false",
        EMPTY="",
    )
    assert found.contents.packages == ("nginx=1.24.0-r0",)
    assert found.layering.strategy == "single"
    assert found.accounts.users[0].uid == 1000
    assert not found.base.tmp
    assert found.cmd == ("exec", "www-data")
    assert found.environment == {"A": "", "B": "ab"}


@pytest.mark.parametrize("hostile", ["[a, b]", "a\nb: c", "null", "*x", "# c", "!x", "${A}", "'"])
def test_whatever_a_variable_holds_stays_one_text(hostile: str) -> None:
    assert config("environment:\n  X: ${A}\n", A=hostile).environment == {"X": hostile}


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("$${A}", "${A}"),
        ("$$${A}", "$${A}"),
        ("a$${b", "a${b"),
        ("$A $$ $", "$A $$ $"),
        ("$${A}${A}", "${A}1"),
    ],
)
def test_two_dollars_stand_for_one(written: str, read: str) -> None:
    assert config(f'environment:\n  X: "{written}"\n', A="1").environment == {"X": read}


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("a${B}", "a.yaml:2:6: environment.X: undefined variable (give `--set B=VALUE`, or write `$${B}` for the text): `${B}`"),
        ("${B:-x}", "a.yaml:2:6: environment.X: a variable is written `${NAME}`, and a plain `${` is written `$${`: `${B:-x}`"),
        ("${}", "a.yaml:2:6: environment.X: a variable is written `${NAME}`, and a plain `${` is written `$${`: `${}`"),
        ("${A", "a.yaml:2:6: environment.X: a variable is written `${NAME}`, and a plain `${` is written `$${`: `${A`"),
    ],
)  # fmt: skip
def test_what_is_no_known_variable_is_a_problem(value: str, problem: str) -> None:
    assert problems(f"environment:\n  X: {value}\n", A="1") == (problem,)


def test_keys_hold_no_variables() -> None:
    assert problems("environment:\n  ${A}: x\n", A="B") == (
        "a.yaml:2:3: environment: expected a variable's name: `${A}`",
    )


def test_variables_cannot_make_a_text_without_end() -> None:
    (problem,) = problems("environment:\n  X: " + "${A}" * 2000, A="x" * 1000)
    assert problem.endswith("environment.X: variables have more than 1048576 characters in all")


def test_in_an_apko_file_they_are_literal_unless_some_are_given() -> None:
    text = "environment:\n  X: ${A} $${B} ${C:-d}\n"
    assert config(text, name="apko.yaml").environment == {"X": "${A} $${B} ${C:-d}"}
    assert config("environment:\n  X: ${A} $${B}\n", name="apko.yaml", A="1").environment == {"X": "1 ${B}"}


def test_a_variable_that_nothing_uses_is_noted() -> None:
    found = loaded("cmd: ${A}\n", variables={"A": "x", "UNUSED": "y"})
    assert found.notes == ("no value uses the variable `UNUSED`",)


def test_variables_hold_in_included_files_and_in_the_name_of_one() -> None:
    found = loaded("include: ${WHICH}.yaml\n", variables={"WHICH": "base", "A": "x"}, base="cmd: ${A}\n")
    assert found.config.cmd == ("x",)
