"""Users and groups of an image."""

from collections.abc import Iterator

from witchery.config import values
from witchery.config.faults import Fault, repeated
from witchery.config.kinds import ListOf, Model, Record, setting
from witchery.value import frozen


@frozen(kw_only=True)
class User(Model):
    """A user: a line of `/etc/passwd`."""

    username: str = setting(values.ACCOUNT, "The login name.")
    uid: int = setting(values.ID, "The user's number.")
    gid: int | None = setting(values.ID, "The number of the user's group; `uid` if not given.", default=None)
    shell: str = setting(values.ABSOLUTE_PATH, "The login shell; it need not exist.", default="/bin/sh")
    homedir: str = setting(
        values.ABSOLUTE_PATH, "The home directory; `/home/` and the name if not given.", default=""
    )

    @property
    def group_id(self) -> int:
        """The number of the user's group."""
        return self.uid if self.gid is None else self.gid

    @property
    def home(self) -> str:
        """The home directory."""
        return self.homedir or f"/home/{self.username}"

    def faults(self) -> Iterator[Fault]:
        """A second root."""
        if self.uid == 0:
            yield Fault(("uid",), "uid 0 is root's, who is there already; to run as root write `run-as: 0`")


@frozen(kw_only=True)
class Group(Model):
    """A group: a line of `/etc/group`."""

    groupname: str = setting(values.ACCOUNT, "The group's name.")
    gid: int = setting(values.ID, "The group's number.")
    members: tuple[str, ...] = setting(
        ListOf(values.ACCOUNT), "Users who are in it besides those whose `gid` it is."
    )


@frozen(kw_only=True)
class Accounts(Model):
    """Users and groups, and who runs the entrypoint."""

    run_as: str = setting(
        values.ACCOUNT_OR_NUMBER,
        "The user that the container runs as, by name or number, with `:` and a group if wanted.",
        key="run-as",
        default="",
    )
    users: tuple[User, ...] = setting(ListOf(Record(User)), "Users to add.")
    groups: tuple[Group, ...] = setting(ListOf(Record(Group)), "Groups to add.")

    @property
    def named(self) -> bool:
        """True where the configuration says anything about accounts."""
        return bool(self.run_as or self.users or self.groups)

    def faults(self) -> Iterator[Fault]:
        """Names or numbers given to two."""
        yield from repeated("user name", "users", [user.username for user in self.users], "username")
        yield from repeated("uid", "users", [user.uid for user in self.users], "uid")
        yield from repeated("group name", "groups", [group.groupname for group in self.groups], "groupname")
        yield from repeated("gid", "groups", [group.gid for group in self.groups], "gid")
