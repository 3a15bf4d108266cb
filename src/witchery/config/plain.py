"""YAML that is no configuration: plain texts, lists and mappings, and nothing guessed from how a text looks.

`1.10` stays `1.10`, and `0` a text, as in JSON with strings everywhere; what is empty or `null` is None.
"""

from witchery.config import tree
from witchery.config.problems import Problems
from witchery.config.tree import Limits, Node
from witchery.errors import ConfigError, FormatError


def read(data: bytes, file: str, limits: Limits) -> object:
    """Reads a file.

    Args:
        data: Its bytes.
        file: Its name, for errors.
        limits: How much it may hold.

    Raises:
        FormatError: if it is not YAML, holds something that JSON could not, or exceeds a limit.
    """
    problems = Problems()
    try:
        node = tree.parse(data, file, problems, limits)
        problems.raise_if_any()
    except ConfigError as error:
        raise FormatError(error.problems[0], hint=error.hints) from None
    return None if node is None else _plain(node)


def _plain(node: Node) -> object:
    match node:
        case tree.Scalar():
            return None if node.null else node.text
        case tree.Sequence():
            return [_plain(each) for each in node.items]
        case _:
            return {name: _plain(entry.value) for name, entry in node.entries.items()}
