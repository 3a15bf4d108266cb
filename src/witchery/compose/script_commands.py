"""The commands that install scripts use and whose effect on a root is known: a table of functions.

Each takes the script's state and the arguments, does to the root what the command would do, and says whether
it succeeds; it raises `NotUnderstood` where it does not know.
"""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from witchery.compose import busybox, certificates
from witchery.compose.script_accounts import addgroup, adduser
from witchery.compose.script_state import Ended, NotUnderstood, State
from witchery.rootfs.entry import Entry, Kind

Action = Callable[[State, Sequence[str]], bool]

_PROGRAM_FOLDERS = ("usr/local/sbin", "usr/local/bin", "usr/sbin", "usr/bin", "sbin", "bin")
_WHY = "install script"


def _nothing(_state: State, _arguments: Sequence[str]) -> bool:
    return True


def _false(_state: State, _arguments: Sequence[str]) -> bool:
    return False


def _exit(_state: State, _arguments: Sequence[str]) -> bool:
    raise Ended


def _set(state: State, arguments: Sequence[str]) -> bool:
    for argument in arguments:
        if argument.startswith("-") and argument.strip("-eux") == "":
            state.errexit = state.errexit or "e" in argument
        elif argument == "+e":
            state.errexit = False
        else:
            raise NotUnderstood("unusual arguments")
    return True


def _getent(state: State, arguments: Sequence[str]) -> bool:
    if len(arguments) != 2 or arguments[0] not in {"passwd", "group"}:
        raise NotUnderstood("unusual arguments")
    if arguments[0] == "group":
        return state.root.expect(arguments[1])
    return arguments[1] in state.root.accounts.users


def _id(state: State, arguments: Sequence[str]) -> bool:
    names = [argument for argument in arguments if argument not in {"-u", "-g"}]
    if len(names) != 1 or names[0].startswith("-"):
        raise NotUnderstood("unusual arguments")
    return names[0] in state.root.accounts.users


def _command(state: State, arguments: Sequence[str]) -> bool:
    if len(arguments) != 2 or arguments[0] not in {"-v", "-V"} or "/" in arguments[1]:
        raise NotUnderstood("unusual arguments")
    return any(state.root.draft.leads_to(f"{folder}/{arguments[1]}") for folder in _PROGRAM_FOLDERS)


def _test(state: State, arguments: Sequence[str]) -> bool:
    words = list(arguments)
    negated = words[:1] == ["!"]
    if negated:
        del words[0]
    return _plain_test(state, words) is not negated


def _plain_test(state: State, words: list[str]) -> bool:
    match words:
        case ["-n", text] | [text]:
            return bool(text)
        case ["-z", text]:
            return not text
        case [("-h" | "-L"), path]:
            found = state.root.draft.entry(path)
            return found is not None and found.kind is Kind.SYMLINK
        case [("-e" | "-f" | "-d" | "-x" | "-r" | "-w" | "-s" | "-S") as operator, path]:
            return _is(operator, state.root.draft.leads_to(path))
        case [one, ("=" | "=="), other]:
            return one == other
        case [one, "!=", other]:
            return one != other
        case _:
            raise NotUnderstood("unusual test")


def _is(operator: str, found: Entry | None) -> bool:
    if found is None or operator == "-S":  # a socket is made by a running service
        return False
    file = found.kind in (Kind.FILE, Kind.HARDLINK)
    tests = {"-f": file, "-d": found.kind is Kind.DIRECTORY, "-s": found.size > 0 or not file}
    tests["-x"] = not file or bool(found.mode & 0o111)
    return tests.get(operator, True)


def _bracket(state: State, arguments: Sequence[str]) -> bool:
    if not arguments or arguments[-1] not in {"]", "]]"}:
        raise NotUnderstood("unusual test")
    return _test(state, arguments[:-1])


def _mkdir(state: State, arguments: Sequence[str]) -> bool:
    mode, paths, parents = _folder_options(arguments)
    draft = state.root.draft
    for path in paths:
        found = draft.leads_to(path)
        if found is not None and not (parents and found.kind is Kind.DIRECTORY):
            return False
        if found is None:
            draft.directory(path, 0o755 if mode is None else mode, why=_WHY)
            state.done.append(f"folder `{path}`")
    return True


def _folder_options(arguments: Sequence[str]) -> tuple[int | None, list[str], bool]:
    mode, parents = None, False
    pending, paths = list(reversed(arguments)), []
    while pending:
        argument = pending.pop()
        if argument in {"-p", "--parents"}:
            parents = True
        elif argument == "-m" and pending:
            mode = _mode(pending.pop())
        elif argument.startswith("-"):
            raise NotUnderstood(f"option `{argument[:20]}`")
        else:
            paths.append(argument)
    return mode, paths, parents


def _install(state: State, arguments: Sequence[str]) -> bool:
    """`install -d [-m MODE] [-o USER] [-g GROUP] FOLDER...`."""
    pending, paths = list(reversed(arguments)), []
    mode, user, group, folders = 0o755, "root", "root", False
    while pending:
        argument = pending.pop()
        if argument == "-d":
            folders = True
        elif argument[:2] in {"-m", "-o", "-g"} and (len(argument) > 2 or pending):
            value = argument[2:] or pending.pop()
            mode = _mode(value) if argument[1] == "m" else mode
            user = value if argument[1] == "o" else user
            group = value if argument[1] == "g" else group
        elif argument == "-dm" and pending:
            folders, mode = True, _mode(pending.pop())
        elif argument.startswith("-"):
            raise NotUnderstood(f"option `{argument[:20]}`")
        else:
            paths.append(argument)
    if not folders:
        raise NotUnderstood("installs files")
    uid, gid = _owner(state, f"{user}:{group}")
    for path in paths:
        state.root.draft.directory(path, mode, uid=uid or 0, gid=gid or 0, why=_WHY)
        state.done.append(f"folder `{path}`")
    return True


def _chown(state: State, arguments: Sequence[str]) -> bool:
    owner, paths = _two(arguments)
    uid, gid = _owner(state, owner)
    return _each(state, paths, uid, gid, None)


def _chgrp(state: State, arguments: Sequence[str]) -> bool:
    group, paths = _two(arguments)
    _, gid = _owner(state, f":{group}")
    return _each(state, paths, None, gid, None)


def _chmod(state: State, arguments: Sequence[str]) -> bool:
    mode, paths = _two(arguments)
    return _each(state, paths, None, None, _mode(mode))


def _two(arguments: Sequence[str]) -> tuple[str, Sequence[str]]:
    if len(arguments) < 2 or any(argument.startswith("-") for argument in arguments):
        raise NotUnderstood("unusual arguments")
    return arguments[0], arguments[1:]


def _owner(state: State, text: str) -> tuple[int | None, int | None]:
    user, _, group = text.replace(".", ":", 1).partition(":") if ":" not in text else text.partition(":")
    if group:
        state.root.expect(group)
    accounts = state.root.accounts
    uid = int(user) if user.isdigit() else accounts.uid(user)
    gid = int(group) if group.isdigit() else accounts.gid(group)
    if (user and uid is None) or (group and gid is None):
        raise NotUnderstood(f"no such user or group: `{text[:60]}`")
    return uid, gid


def _each(state: State, paths: Sequence[str], uid: int | None, gid: int | None, mode: int | None) -> bool:
    """Gives what stands at some paths another owner or mode, where it is not what it has."""
    draft, accounts = state.root.draft, state.root.accounts
    for path in paths:
        found = draft.leads_to(path)
        if found is None:
            return False
        there = (
            accounts.uid(found.uname) if found.uname else found.uid,
            accounts.gid(found.gname) if found.gname else found.gid,
            found.mode,
        )
        wanted = (
            uid if uid is not None else there[0],
            gid if gid is not None else there[1],
            mode if mode is not None else there[2],
        )
        if wanted == there:
            continue
        owner = {"uid": wanted[0] or 0, "gid": wanted[1] or 0}
        data = b"" if found.kind is Kind.DIRECTORY else draft.read(found.path)
        if data is None:
            raise NotUnderstood(f"neither a file nor a folder: `{path}`")
        if found.kind is Kind.DIRECTORY:
            draft.directory(found.path, wanted[2], **owner, why=_WHY)
        else:
            draft.file(found.path, data, wanted[2], **owner, why=_WHY)
        state.done.append(f"owner and mode of `{path}`")
    return True


def _mode(text: str) -> int:
    if not text or len(text) > 5 or text.strip("01234567"):
        raise NotUnderstood(f"mode `{text[:20]}`")
    return int(text, 8) & 0o7777


def _add_shell(state: State, arguments: Sequence[str]) -> bool:
    draft = state.root.draft
    listed = draft.read("etc/shells") or b""
    lines = listed.decode("utf-8", "surrogateescape").split("\n")
    missing = [shell for shell in arguments if shell.startswith("/") and shell not in lines]
    if missing:
        text = listed + b"".join(f"{shell}\n".encode() for shell in missing)
        draft.rewrite("etc/shells", text, why=_WHY)
        state.done += [f"`{shell}` in `/etc/shells`" for shell in missing]
    return True


def _busybox(state: State, arguments: Sequence[str]) -> bool:
    return _install_links(state, "busybox", arguments)


def _busybox_extras(state: State, arguments: Sequence[str]) -> bool:
    return _install_links(state, "busybox-extras", arguments)


def _install_links(state: State, name: str, arguments: Sequence[str]) -> bool:
    if list(arguments) != ["--install", "-s"]:
        raise NotUnderstood("unusual arguments")
    made = busybox.install(state.root.draft, name)
    if made is None:
        raise NotUnderstood(f"the package lists no applets in `{busybox.LISTS}/{name}`: no links are made")
    if made:
        state.done.append(f"{made} links to `/bin/{name}`")
    return True


def _bbsuid(state: State, arguments: Sequence[str]) -> bool:
    if list(arguments) != ["--install"]:
        raise NotUnderstood("unusual arguments")
    made = busybox.install_suid(state.root.draft)
    if made:
        state.done.append(f"{made} links to `/bin/bbsuid`")
    return True


def _update_ca_certificates(state: State, arguments: Sequence[str]) -> bool:
    if arguments:
        raise NotUnderstood("unusual arguments")
    state.done += certificates.update(state.root.draft)
    return True


COMMANDS: Mapping[str, Action] = MappingProxyType(
    {
        ":": _nothing,
        "true": _nothing,
        "echo": _nothing,
        "printf": _nothing,
        "cat": _nothing,
        "false": _false,
        "exit": _exit,
        "return": _exit,
        "set": _set,
        "test": _test,
        "[": _bracket,
        "[[": _bracket,
        "getent": _getent,
        "id": _id,
        "command": _command,
        "addgroup": addgroup,
        "adduser": adduser,
        "mkdir": _mkdir,
        "install": _install,
        "chown": _chown,
        "chgrp": _chgrp,
        "chmod": _chmod,
        "add-shell": _add_shell,
        "busybox": _busybox,
        "busybox-extras": _busybox_extras,
        "bbsuid": _bbsuid,
        "update-ca-certificates": _update_ca_certificates,
    }
)
"""What a command does, by its name without a folder."""

PRINTING = frozenset(("echo", "printf", "cat"))
"""Commands that do nothing but write to where their output goes."""
