"""Reading a small file of one record: the user's configuration, a policy."""

from typing import Any

from witchery.config import tree
from witchery.config.decode import decode
from witchery.config.kinds import Record
from witchery.config.problems import Problems


def read(record: Record, data: bytes, file: str) -> Any:
    """The record; with all its defaults where the file is empty.

    Args:
        record: What is expected.
        data: The file.
        file: What errors call it.

    Raises:
        ConfigError: with every problem and its place.
    """
    problems = Problems()
    node = tree.parse(data, file, problems)
    found = record.type() if node is None else decode(record, node, "", problems)
    problems.raise_if_any()
    return found
