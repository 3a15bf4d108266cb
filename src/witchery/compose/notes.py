"""What composing has to say about an image that it did not refuse."""

from enum import Enum
from typing import NamedTuple


class Topic(Enum):
    """What a note is about."""

    UNKNOWN_OWNER = "unknown owner"
    SAME_FILE = "same file in two packages"
    SELF_LINK = "link to itself"


class Note(NamedTuple):
    """A remark.

    Attributes:
        topic: What it is about.
        package: The package that it concerns, as `name-version`.
        path: The path that it concerns, or the first of several.
        text: The remark: lower case, no final stop.
    """

    topic: Topic
    package: str
    path: str
    text: str

    @property
    def is_warning(self) -> bool:
        """True where the image may not be what its author expects."""
        return self.topic is Topic.UNKNOWN_OWNER

    def __str__(self) -> str:
        return f"{self.package}: {self.text}: `{self.path}`"
