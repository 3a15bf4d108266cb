"""What a script finds and leaves behind while it is read."""

from collections.abc import Mapping

from witchery.compose.conventions import with_groups
from witchery.compose.draft import Draft
from witchery.rootfs.accounts import Accounts


class NotUnderstood(Exception):  # noqa: N818 - not an error: a finding about a command
    """A command whose effect is not known; the message says why, in a few words."""


class Ended(Exception):  # noqa: N818 - how `exit` gets out of nested lists
    """The script ends here."""


class Root:
    """The root that scripts work on, one after the other.

    Attributes:
        draft: Its files.
        accounts: Its users and groups.
        conventions: Groups with fixed numbers that are there as soon as they are spoken of.
    """

    def __init__(self, draft: Draft, accounts: Accounts, conventions: Mapping[str, int]) -> None:
        self.draft = draft
        self.accounts = accounts
        self.conventions = conventions

    def expect(self, group: str) -> bool:
        """Whether there is a group, by now."""
        self.accounts = with_groups(self.accounts, [group], self.conventions)
        return group in self.accounts.groups


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

    def __init__(self, root: Root, origin: str) -> None:
        self.root = root
        self.origin = origin
        self.variables: dict[str, str] = {}
        self.functions: set[str] = set()
        self.errexit = False
        self.done: list[str] = []
        self.problems: list[str] = []
