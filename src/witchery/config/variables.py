"""Variables: `${NAME}` in any value, never in a key; `$${` stands for a plain `${`.

They are replaced in the tree, after YAML is parsed: whatever a variable holds, it stays one text and cannot
become a list, a key or a comment.
"""

import re
from collections.abc import Mapping

from witchery.config import tree
from witchery.config.problems import Problems, below

# Compiled at first use.
_USE = r"\$\$\{|\$\{([^}]*)(\}?)"
_NAME = r"[A-Za-z_][A-Za-z0-9_]*"
MAX_VALUES = 1 << 20
"""How many characters the values of variables may have in all the places where they are used."""


class Substitution:
    """Replaces variables in trees.

    Attributes:
        used: The names that were found.
    """

    def __init__(self, variables: Mapping[str, str], problems: Problems) -> None:
        self._variables = variables
        self._problems = problems
        self._left = MAX_VALUES
        self.used: set[str] = set()

    def apply(self, node: tree.Node, path: str = "") -> tree.Node:
        """The tree with all variables replaced."""
        match node:
            case tree.Scalar():
                return self._scalar(node, path) if "${" in node.text else node
            case tree.Sequence(place, items):
                replaced = (self.apply(item, below(path, i)) for i, item in enumerate(items))
                return tree.Sequence(place, tuple(replaced))
            case _:
                return tree.Mapping(node.place, {key: self._entry(key, node, path) for key in node.entries})

    def _entry(self, key: str, node: tree.Mapping, path: str) -> tree.Entry:
        place, value = node.entries[key]
        return tree.Entry(place, self.apply(value, below(path, key)))

    def _scalar(self, node: tree.Scalar, path: str) -> tree.Scalar:
        def value(use: re.Match[str]) -> str:
            return self._value(use, node, path)

        return node._replace(text=re.sub(_USE, value, node.text), plain=True)

    def _value(self, use: re.Match[str], node: tree.Scalar, path: str) -> str:
        name, closed = use[1], use[2]
        if name is None:
            return "${"
        if not closed or not re.fullmatch(_NAME, name):
            message = f"a variable is written `${{NAME}}`, and a plain `${{` is written `$${{`: `{use[0]}`"
            self._problems.add(node.place, path, message)
            return use[0]
        self.used.add(name)
        if name not in self._variables:
            advice = f"give `--set {name}=VALUE`, or write `$${{{name}}}` for the text"
            self._problems.add(node.place, path, f"undefined variable ({advice}): `{use[0]}`")
        found = self._variables.get(name, use[0])
        self._left -= len(found)
        if self._left >= 0:
            return found
        self._problems.add(node.place, path, f"variables have more than {MAX_VALUES} characters in all")
        return ""


def escaped(text: str) -> str:
    """The text as it is written where variables are replaced."""
    return text.replace("${", "$${")
