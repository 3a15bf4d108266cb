"""`adduser` and `addgroup` as Alpine's busybox has them, on accounts that are values.

    addgroup [-S] [-g GID] GROUP        addgroup USER GROUP        adduser USER GROUP
    adduser [-S] [-D] [-H] [-h HOME] [-g GECOS] [-s SHELL] [-G GROUP] [-u UID] USER

A name that is there already makes them fail and changes nothing: so an account that the configuration
declares wins over the one that a script wants. A number that is somebody else's is an error, not a failure
that goes unseen.
"""

from collections.abc import Sequence

from witchery.compose.conventions import HOMELESS
from witchery.compose.script_state import NotUnderstood, Root, State
from witchery.rootfs.accounts import ORDINARY_IDS, SYSTEM_IDS, Group, User
from witchery.rootfs.entry import Kind

_NOGROUP = Group("nogroup", 65533)
"""The group of a system user for whom none is named."""
_ROOT = ("root", "0")
_LONG_GROUP = {"--system": "-S", "--gid": "-g"}
_LONG_USER = {
    "--system": "-S",
    "--disabled-password": "-D",
    "--no-create-home": "-H",
    "--home": "-h",
    "--gecos": "-g",
    "--shell": "-s",
    "--ingroup": "-G",
    "--uid": "-u",
}


def addgroup(state: State, arguments: Sequence[str]) -> bool:
    """Adds a group, or a user to a group; false where it is there, or the group is not."""
    options, names = _options(arguments, "S", "g", _LONG_GROUP)
    root = state.root
    if len(names) == 2 and not options:
        return _member(state, names[0], names[1])
    if len(names) != 1:
        raise NotUnderstood("unusual arguments")
    if root.expect(names[0]):
        return False
    fixed = root.conventions.values()
    gid = _number(options["-g"]) if "-g" in options else root.accounts.free_gid(_range(options), fixed)
    root.accounts = root.accounts.adding_group(Group(names[0], gid), state.origin)
    state.done.append(f"group `{names[0]}` ({gid})")
    return True


def adduser(state: State, arguments: Sequence[str]) -> bool:
    """Adds a user with a home, or a user to a group; false where they are there, or the group is not."""
    options, names = _options(arguments, "SDH", "hgsGuk", _LONG_USER)
    root = state.root
    if len(names) == 2 and not options:
        return _member(state, names[0], names[1])
    if len(names) != 1:
        raise NotUnderstood("unusual arguments")
    name = names[0]
    if name in root.accounts.users or ("-G" in options and not root.expect(options["-G"])):
        return False
    uid = _number(options["-u"]) if "-u" in options else root.accounts.free_uid(_range(options))
    group = _group_of(root, name, uid, options, state.origin)
    system = "-S" in options
    user = User(
        name,
        uid,
        group.gid,
        options.get("-g", "Linux User,,,"),
        options.get("-h", f"/home/{name}"),
        options.get("-s", "/bin/false" if system else "/bin/sh"),
    )
    root.accounts = root.accounts.adding_user(user, state.origin)
    if "-G" in options or system:
        root.accounts = root.accounts.adding_member(name, group.name)
    state.done.append(f"user `{name}` ({uid}:{group.gid})")
    if "-H" not in options:
        _home(state, user)
    return True


def _member(state: State, user: str, group: str) -> bool:
    if user not in state.root.accounts.users or not state.root.expect(group):
        return False
    state.root.accounts = state.root.accounts.adding_member(user, group)
    state.done.append(f"user `{user}` in group `{group}`")
    return True


def _group_of(root: Root, name: str, uid: int, options: dict[str, str], origin: str) -> Group:
    if "-G" in options:
        return root.accounts.groups[options["-G"]]
    group = _NOGROUP if "-S" in options else Group(name, uid)
    if not root.expect(group.name):
        root.accounts = root.accounts.adding_group(group, origin)
    return root.accounts.groups[group.name]


def _home(state: State, user: User) -> None:
    """Makes the home, or gives one that a package brings as root's to the user.

    A new home has the mode that busybox gives it (2755). One that a package brings keeps the mode that the
    package declares, where apk would let busybox's win; an owner other than root that it declares stays too.
    """
    draft, why = state.root.draft, f"home of `{user.name}`"
    if (user.home.rstrip("/") or "/") in HOMELESS or not user.home.startswith("/"):
        return
    found = draft.leads_to(user.home)
    if found is None and draft.entry(user.home) is None:
        draft.directory(user.home, 0o2755, uid=user.uid, gid=user.gid, why=why)
        state.done.append(f"folder `{user.home}`")
    elif found is not None and found.kind is Kind.DIRECTORY and (found.uname or str(found.uid)) in _ROOT:
        draft.directory(found.path, found.mode, uid=user.uid, gid=user.gid, why=why)
        state.done.append(f"owner of `{user.home}`")


def _range(options: dict[str, str]) -> range:
    return SYSTEM_IDS if "-S" in options else ORDINARY_IDS


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 9):
        raise NotUnderstood(f"not a number: `{text[:20]}`")
    return int(text)


def _options(
    arguments: Sequence[str], flags: str, valued: str, long: dict[str, str]
) -> tuple[dict[str, str], list[str]]:
    """The options by their short form, and what is none; short options may be joined to each other."""
    options: dict[str, str] = {}
    names: list[str] = []
    pending = list(reversed(arguments))
    while pending:
        argument = pending.pop()
        if argument == "--":
            names += reversed(pending)
            break
        if argument.startswith("--"):
            name, equals, value = argument.partition("=")
            if name not in long:
                raise NotUnderstood(f"unknown option `{name[:40]}`")
            argument = long[name]
            pending += [value] if equals else []
        if not argument.startswith("-") or argument == "-":
            names.append(argument)
            continue
        letter, rest = argument[1:2], argument[2:]
        if letter in flags:
            options[f"-{letter}"] = ""
            pending += [f"-{rest}"] if rest else []
        elif letter in valued and (rest or pending):
            options[f"-{letter}"] = rest or pending.pop()
        else:
            raise NotUnderstood(f"unknown option `-{letter}`")
    return options, names
