"""Users and groups as the three files of `etc` hold them: passwd(5), group(5), shadow(5).

The text of the files is kept as it is: what is added goes behind it, what is there stays byte for byte. A
name or a number is given once. Numbers that a caller does not know are the lowest that are free from 100 on,
as busybox's `adduser -S` and `addgroup -S` give them, so the same additions in the same order have the same
numbers everywhere.
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import NamedTuple, Self, TypeVar

from witchery.errors import FormatError, Refused
from witchery.value import field, frozen, replace

SYSTEM_IDS = range(100, 1000)
"""The numbers that a system account is given, as Alpine's busybox has it."""
ORDINARY_IDS = range(1000, 60001)
"""The numbers that any other account is given."""
MAX_ID = 2**32 - 2
"""The highest number of a user or group; the next one means "none" to chown(2)."""
MAX_FILE = 1 << 20
"""The longest account file that is read, in bytes."""


class User(NamedTuple):
    """A line of passwd(5), without the password, which is always `x`.

    Attributes:
        name: The login name.
        uid: Its number.
        gid: The number of its group.
        gecos: A comment, such as the full name.
        home: The home directory, absolute.
        shell: The login shell.
    """

    name: str
    uid: int
    gid: int
    gecos: str = ""
    home: str = "/"
    shell: str = "/sbin/nologin"

    def __str__(self) -> str:
        return f"{self.name}:x:{self.uid}:{self.gid}:{self.gecos}:{self.home}:{self.shell}"


class Group(NamedTuple):
    """A line of group(5).

    Attributes:
        name: The name.
        gid: Its number.
        members: The users in it besides those whose own group it is.
    """

    name: str
    gid: int
    members: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.name}:x:{self.gid}:{','.join(self.members)}"


@frozen(kw_only=True)
class Accounts:
    """The users and groups of an image; made by `read`, grown by `adding_user` and its like.

    Attributes:
        passwd: The text of `etc/passwd`.
        group: The text of `etc/group`.
        shadow: The text of `etc/shadow`, or None where there is no such file.
        origins: Who asked for an account, by `user NAME` and `group NAME`.
        users: The users by name.
        groups: The groups by name.
    """

    passwd: str = ""
    group: str = ""
    shadow: str | None = None
    origins: Mapping[str, str] = field(default_factory=dict)
    users: Mapping[str, User] = field(default_factory=dict)
    groups: Mapping[str, Group] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Reads the text.

        Raises:
            FormatError: if a line is not what the file is made of.
        """
        users = [_user(line, number) for number, line in _lines(self.passwd)]
        groups = [_group(line, number) for number, line in _lines(self.group)]
        object.__setattr__(self, "users", _first(users))
        object.__setattr__(self, "groups", _first(groups))

    @classmethod
    def read(cls, passwd: bytes, group: bytes, shadow: bytes | None = None, *, origin: str = "") -> Self:
        """The accounts in the files of a package or an image.

        Of lines with the same name the first holds, as in the C library.

        Raises:
            FormatError: naming the file and the line, if one is malformed.
        """
        read = cls(
            passwd=_text(passwd, "etc/passwd"),
            group=_text(group, "etc/group"),
            shadow=None if shadow is None else _text(shadow, "etc/shadow"),
        )
        names = [f"user {name}" for name in read.users] + [f"group {name}" for name in read.groups]
        return replace(read, origins=MappingProxyType(dict.fromkeys(names, origin)))

    def uid(self, name: str) -> int | None:
        """The number of a user, or None where there is no such user."""
        return self.users[name].uid if name in self.users else None

    def gid(self, name: str) -> int | None:
        """The number of a group, or None where there is no such group."""
        return self.groups[name].gid if name in self.groups else None

    def user_with(self, uid: int) -> User | None:
        """The first user with this number, if there is one."""
        return next((user for user in self.users.values() if user.uid == uid), None)

    def group_with(self, gid: int) -> Group | None:
        """The first group with this number, if there is one."""
        return next((group for group in self.groups.values() if group.gid == gid), None)

    def free_uid(self, among: range = SYSTEM_IDS) -> int:
        """The number that the next user gets.

        Raises:
            Refused: if all are taken.
        """
        return _free({user.uid for user in self.users.values()}, among, "user")

    def free_gid(self, among: range = SYSTEM_IDS, besides: Iterable[int] = ()) -> int:
        """The number that the next group gets; never one of `besides`.

        Raises:
            Refused: if all are taken.
        """
        return _free({*besides, *(group.gid for group in self.groups.values())}, among, "group")

    def adding_user(self, user: User, origin: str) -> Self:
        """With a user, and a line in `etc/shadow` that lets nobody in, if there is that file.

        A user who is there with the same name and number stays as they are.

        Raises:
            FormatError: if a value cannot stand in the file.
            Refused: naming both who asked, if the name has another number or the number another name.
        """
        _check(user.name, user.gecos, user.home, user.shell, where=f"user {user.name}")
        there = self.users.get(user.name)
        if there is not None and there.uid == user.uid:
            return self
        there = there or self.user_with(user.uid)
        if there is not None:
            raise self._clash(user, origin, there)
        shadow = self.shadow
        if shadow is not None and not any(line.startswith(f"{user.name}:") for _, line in _lines(shadow)):
            shadow = _appended(shadow, f"{user.name}:!::0:99999:7:::")
        return replace(
            self,
            passwd=_appended(self.passwd, str(user)),
            shadow=shadow,
            origins={**self.origins, f"user {user.name}": origin},
        )

    def adding_group(self, group: Group, origin: str) -> Self:
        """With a group; of one that is there with the same name and number, with its members added.

        Raises:
            FormatError: if a value cannot stand in the file.
            Refused: naming both who asked, if the name has another number or the number another name.
        """
        _check(group.name, *group.members, where=f"group {group.name}")
        there = self.groups.get(group.name)
        if there is not None and there.gid == group.gid:
            grown = self
            for member in group.members:
                grown = grown.adding_member(member, group.name)
            return grown
        there = there or self.group_with(group.gid)
        if there is not None:
            raise self._clash(group, origin, there)
        return replace(
            self,
            group=_appended(self.group, str(group)),
            origins={**self.origins, f"group {group.name}": origin},
        )

    def adding_member(self, user: str, group: str) -> Self:
        """With a user in one more group; nothing changes where they are in it already.

        Raises:
            FormatError: if the name cannot stand in the file.
            Refused: if there is no such group.
        """
        _check(user, where=f"group {group}")
        if group not in self.groups:
            raise Refused(f"no such group: `{group}`")
        if user in self.groups[group].members:
            return self
        lines = self.group.split("\n")
        index = next(i for i, line in enumerate(lines) if line.startswith(f"{group}:"))
        lines[index] += f"{'' if lines[index].endswith(':') else ','}{user}"
        return replace(self, group="\n".join(lines))

    def origin(self, kind: str, name: str) -> str:
        """Who asked for the `user` or `group` of this name."""
        return self.origins.get(f"{kind} {name}") or "the image"

    def _clash(self, wanted: User | Group, origin: str, there: User | Group) -> Refused:
        kind = "user" if isinstance(wanted, User) else "group"
        return Refused(
            f"{kind} `{wanted.name}` with number {_number(wanted)}, as {origin} has it, is at odds with"
            f" `{there.name}` with number {_number(there)}, as {self.origin(kind, there.name)} has it",
            hint=f"give the {kind} a free number under `accounts`, or leave one of the two out",
        )


_Account = TypeVar("_Account", User, Group)


def _first(accounts: list[_Account]) -> Mapping[str, _Account]:
    """By name, in the order of the file; of two with one name the first."""
    found: dict[str, _Account] = {}
    for account in accounts:
        found.setdefault(account.name, account)
    return MappingProxyType(found)


def _number(account: User | Group) -> int:
    return account.uid if isinstance(account, User) else account.gid


def _text(data: bytes, path: str) -> str:
    if len(data) > MAX_FILE:
        raise FormatError(f"more than {MAX_FILE} bytes", where=[path])
    return data.decode("utf-8", "surrogateescape")


def _lines(text: str) -> list[tuple[int, str]]:
    return [(number, line) for number, line in enumerate(text.split("\n"), 1) if line]


def _appended(text: str, line: str) -> str:
    return f"{text}{'' if not text or text.endswith(chr(10)) else chr(10)}{line}\n"


def _user(line: str, number: int) -> User:
    fields = line.split(":")
    if len(fields) != 7 or not fields[0]:
        raise FormatError(f"expected seven fields: `{line[:80]}`", where=["etc/passwd", f"line {number}"])
    where = f"etc/passwd: line {number}"
    return User(fields[0], _id(fields[2], where), _id(fields[3], where), *fields[4:])


def _group(line: str, number: int) -> Group:
    fields = line.split(":")
    if len(fields) != 4 or not fields[0]:
        raise FormatError(f"expected four fields: `{line[:80]}`", where=["etc/group", f"line {number}"])
    members = tuple(member for member in fields[3].split(",") if member)
    return Group(fields[0], _id(fields[2], f"etc/group: line {number}"), members)


def _id(text: str, where: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 10 and int(text) <= MAX_ID):
        raise FormatError(f"not the number of a user or group: `{text[:40]}`", where=[where])
    return int(text)


def _check(*values: str, where: str) -> None:
    for value in values:
        if any(character in value for character in ":\n\r\0"):
            raise FormatError(
                f"a colon or line break cannot stand in an account file: {value!r}", where=[where]
            )


def _free(taken: set[int], among: range, kind: str) -> int:
    for number in among:
        if number not in taken:
            return number
    raise Refused(f"no number from {among[0]} to {among[-1]} is left for a {kind}")
