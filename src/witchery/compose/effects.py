"""The declared effects of composing: what is in an image besides the files of its packages.

No script of a package is ever run. What the scripts would have done is worked out from their text, the
configuration says the rest, and all of it comes as values: accounts, generated entries, and a report of every
script.
"""

from collections.abc import Sequence

from witchery.compose import base, certificates, scripts, services
from witchery.compose.conventions import GROUPS, HOMELESS, with_groups
from witchery.compose.draft import Draft
from witchery.compose.files import Files
from witchery.compose.part import Generated, Part
from witchery.compose.release import Release
from witchery.compose.script_state import Root
from witchery.compose.scripts import ScriptReport
from witchery.config.model import ImageConfig
from witchery.rootfs.accounts import Accounts, Group, User
from witchery.rootfs.entry import Kind
from witchery.value import frozen

_ORIGIN = "`accounts` in the configuration"


@frozen(kw_only=True)
class Effects:
    """What is added to the files of the packages.

    Attributes:
        accounts: The users and groups of the image; the numbers of names among the owners of files.
        generated: Entries that no package brings, or that replace what one brought, by path; times are 0.
        scripts: What became of each script of the packages.
        warnings: What a person should know, a sentence each.
    """

    accounts: Accounts
    generated: tuple[Generated, ...]
    scripts: tuple[ScriptReport, ...]
    warnings: tuple[str, ...]


def effects(
    parts: Sequence[Part], files: Files, config: ImageConfig, *, releases: Sequence[Release] = ()
) -> Effects:
    """Works out everything that is generated.

    Args:
        parts: The packages, in the order in which apk would install them.
        files: What they put where.
        config: The configuration, its defaults filled in.
        releases: The releases that the repositories belong to; see `witchery.compose.release.releases`.

    Raises:
        FormatError: if a file that has to be read is malformed.
        Refused: if accounts are at odds; the message names both sources.
    """
    draft = Draft(files)
    conventions = {} if draft.exists("etc/group") else GROUPS
    root = Root(draft, _configured(base.accounts(draft), config), conventions)
    if config.contents.scripts == "emulate":
        report = scripts.emulate(parts, files, root)
        warnings = [row.warning for row in report if row.warning]
    else:
        report, warnings = scripts.left_out(parts), []
    owners = {entry.gname for part in parts for entry in part.entries}
    root.accounts = with_groups(root.accounts, sorted(owners), conventions)
    generates = config.base.passwd and not draft.exists("etc/passwd")
    accounts = base.nonroot(root.accounts) if generates else root.accounts
    warnings += base.generate(draft, config.base, releases)
    warnings += certificates.generate(draft, parts, config.certificates)
    warnings += services.generate(draft, config.entrypoint)
    _write_accounts(draft, accounts, config)
    return Effects(accounts=accounts, generated=draft.generated(), scripts=report, warnings=tuple(warnings))


def _configured(accounts: Accounts, config: ImageConfig) -> Accounts:
    """With the groups and users of the configuration."""
    for group in config.accounts.groups:
        accounts = accounts.adding_group(Group(group.groupname, group.gid, group.members), _ORIGIN)
    for user in config.accounts.users:
        line = User(user.username, user.uid, user.group_id, user.username, user.home, user.shell)
        accounts = accounts.adding_user(line, _ORIGIN)
    return accounts


def _write_accounts(draft: Draft, accounts: Accounts, config: ImageConfig) -> None:
    """The account files where they changed, or are missing and not switched off; home directories."""
    shadow_gid = accounts.gid("shadow") or 0
    for path, text, wanted, gid in (
        ("etc/passwd", accounts.passwd, config.base.passwd, 0),
        ("etc/group", accounts.group, config.base.group, 0),
        ("etc/shadow", accounts.shadow, False, shadow_gid),
    ):
        if text is None:
            continue
        data = text.encode("utf-8", "surrogateescape")
        found = draft.read(path)
        if found is None and wanted:
            draft.file(path, data, why="accounts")
        elif found is not None and found != data:
            draft.rewrite(path, data, gid=gid, why="accounts")
    if not draft.exists("etc/passwd"):
        return
    if draft.files.entry("etc/passwd") is None and not draft.exists("root"):
        draft.directory("root", 0o700, why="home of `root`")
    names = [user.username for user in config.accounts.users]
    if accounts.users.get(base.NONROOT.name) == base.NONROOT and base.NONROOT.name not in names:
        names.append(base.NONROOT.name)
    for name in names:
        _home(draft, accounts.users[name])


def _home(draft: Draft, user: User) -> None:
    """The home of a user of the configuration, if it is to be one and is not there; theirs alone."""
    path = user.home
    if path in HOMELESS or path.startswith(("/proc/", "/dev/", "/sys/")):
        return
    if draft.leads_to(path) is None and not _is_link(draft, path):
        draft.directory(path, 0o700, uid=user.uid, gid=user.gid, why=f"home of `{user.name}`")


def _is_link(draft: Draft, path: str) -> bool:
    found = draft.entry(path)
    return found is not None and found.kind is Kind.SYMLINK
