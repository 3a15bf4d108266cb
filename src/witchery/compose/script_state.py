"""What a script finds and leaves behind while it is read."""

from dataclasses import dataclass, field

from witchery.compose.draft import Draft
from witchery.rootfs.accounts import Accounts


class NotUnderstood(Exception):  # noqa: N818 - not an error: a finding about a command
    """A command whose effect is not known; the message says why, in a few words."""


class Ended(Exception):  # noqa: N818 - how `exit` gets out of nested lists
    """The script ends here."""


@dataclass(slots=True)
class Root:
    """The root that scripts work on, one after the other.

    Attributes:
        draft: Its files.
        accounts: Its users and groups.
    """

    draft: Draft
    accounts: Accounts


@dataclass(slots=True)
class State:
    """One script while it is read.

    Attributes:
        root: The root.
        origin: The script's name for messages: ``the script of `chrony```.
        variables: What its variables are known to hold.
        functions: The functions that it defines.
        errexit: Whether a command that fails ends it.
        done: What it did, in words.
        problems: What is not understood, each with its line.
    """

    root: Root
    origin: str
    variables: dict[str, str] = field(default_factory=dict)
    functions: set[str] = field(default_factory=set)
    errexit: bool = False
    done: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
