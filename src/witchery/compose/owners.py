"""Owners by name: the name in a package is the identity, the number only what its build machine used.

As apk does it (apk-v2(5), "DATA SEGMENT"): the name's number in the image, else 0 for `root`, else the number
in the package.
"""

from typing import NamedTuple, Protocol

from witchery.rootfs.entry import Entry


class Names(Protocol):
    """Users and groups of an image; see `witchery.rootfs.accounts`."""

    def uid(self, name: str) -> int | None:
        """The number of a user, or None where there is no such user."""
        ...

    def gid(self, name: str) -> int | None:
        """The number of a group, or None where there is no such group."""
        ...


class Owned(NamedTuple):
    """An entry's owner in numbers.

    Attributes:
        uid: The user.
        gid: The group.
        unknown: Names that stand for nothing in the image, such as `user chrony`.
    """

    uid: int
    gid: int
    unknown: tuple[str, ...] = ()


class Owners:
    """Finds the owners of entries."""

    def __init__(self, names: Names) -> None:
        self._names = names
        self._known: dict[tuple[str, int, str, int], Owned] = {}

    def of(self, entry: Entry) -> Owned:
        """The numbers for an entry."""
        key = (entry.uname, entry.uid, entry.gname, entry.gid)
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = self._resolved(*key)
        return found

    def numbers(self, entry: Entry) -> tuple[int, int]:
        """Only the user and the group."""
        owned = self.of(entry)
        return owned.uid, owned.gid

    def _resolved(self, uname: str, uid: int, gname: str, gid: int) -> Owned:
        user = _number(uname, uid, self._names.uid(uname) if uname else None)
        group = _number(gname, gid, self._names.gid(gname) if gname else None)
        unknown = [f"user {uname}"] if uname and user is None else []
        unknown += [f"group {gname}"] if gname and group is None else []
        return Owned(uid if user is None else user, gid if group is None else group, tuple(unknown))


def _number(name: str, stated: int, known: int | None) -> int | None:
    """The number of a name; None where it is unknown."""
    if known is not None:
        return known
    return 0 if name == "root" else None if name else stated
