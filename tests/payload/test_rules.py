"""The list of rules is whole: every rule in the code stands in it, and nothing else."""

import ast
from collections.abc import Iterator
from pathlib import Path

import witchery
from witchery.payload.rules import GROUPS, NAMES

SOURCE = Path(witchery.__file__).parent
MODULES = [
    *(SOURCE / "payload").rglob("*.py"),
    SOURCE / "build/linking.py",
    SOURCE / "build/starting.py",
    SOURCE / "store/source_tree.py",
]


def literals(path: Path) -> Iterator[str]:
    """Every text in a module that is not a docstring."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def first_arguments(path: Path) -> Iterator[str]:
    """What findings are made with, where the rule is written there."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("Finding", "findings.Finding"):
            given = [*node.args[:1], *(each.value for each in node.keywords if each.arg == "rule")]
            yield from (
                each.value for each in given if isinstance(each, ast.Constant) and isinstance(each.value, str)
            )


def test_every_rule_of_a_finding_is_listed() -> None:
    used = {rule for path in MODULES for rule in first_arguments(path)}
    assert used
    assert used <= NAMES


def test_every_listed_rule_is_somewhere_in_the_code() -> None:
    written = {text for path in MODULES if path.name != "rules.py" for text in literals(path)}
    assert written >= NAMES


def test_no_rule_is_listed_twice() -> None:
    assert len(NAMES) == sum(len(rules) for _, rules in GROUPS)
