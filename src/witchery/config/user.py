"""The user's own configuration: what holds for all images where nothing else is said.

A YAML file with two keys, both optional:

    release: v3.22
    mirror: https://mirror.example.org/alpine
"""

import re

from witchery.config import single, values
from witchery.config.kinds import Model, Record, Text, setting
from witchery.errors import FormatError
from witchery.value import frozen


@frozen(kw_only=True)
class UserConfig(Model):
    """What a user prefers; empty texts where nothing is preferred."""

    release: str = setting(values.RELEASE, "The release of Alpine to build from.", default="")
    mirror: str = setting(values.MIRROR, "Where Alpine's releases are fetched from.", default="")


_USER = Record(UserConfig)


def parse(data: bytes, file: str) -> UserConfig:
    """Reads the file.

    Args:
        data: Its bytes.
        file: What errors call it.

    Raises:
        ConfigError: with every problem and its place.
    """
    found: UserConfig = single.read(_USER, data, file)
    return found


def release(text: str) -> str:
    """A release as people write it (`3.22`), in its one form (`v3.22`).

    Raises:
        FormatError: if it is none.
    """
    return _checked(values.RELEASE, text)


def mirror(text: str) -> str:
    """A mirror, without a slash at its end.

    Raises:
        FormatError: if it is none.
    """
    return _checked(values.MIRROR, text)


def _checked(kind: Text, text: str) -> str:
    if not re.fullmatch(kind.pattern, text):
        raise FormatError(f"expected {kind.what}: `{values.redacted(text)}`")
    return str(kind.parse(text))
