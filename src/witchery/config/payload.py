"""The application of an image: its parts, and what its scan is to let pass."""

from collections.abc import Iterator

from witchery.config import values
from witchery.config.accounts import Accounts
from witchery.config.faults import Fault
from witchery.config.kinds import Flag, ListOf, Mode, Model, Record, setting
from witchery.value import frozen

ROOT = "root"
NONROOT = "nonroot"
NONROOT_ID = 65532
"""The user whom distroless images run as, by convention."""


@frozen(kw_only=True)
class Part(Model):
    """Files of the application: a file or a folder, and where it goes."""

    source: str = setting(
        values.LOCAL_FILE,
        "The file or folder. `{arch}` in it stands for Alpine's name of each architecture, such as `aarch64`,"
        " and `{platform}` for OCI's, such as `arm64` or `arm/v7`.",
    )
    destination: str = setting(
        values.DESTINATION,
        "Where it goes. A folder's content goes below it; so does a file, under its own name, unless the"
        " path is given and does not end with `/`: then the file goes exactly there. `/app` if not given.",
        default="",
    )
    owner: str = setting(
        values.ACCOUNT_OR_NUMBER,
        "Who owns the files: `root`, a user of `accounts` or a number, with `:` and a group if wanted."
        " Without one the group is the user's, and for a number the same number.",
        default=ROOT,
    )
    mode: str | int = setting(
        Mode("`normal`, `keep` or octal permissions such as `0o644`", words=("normal", "keep")),
        "`normal`: 0755 for folders and whatever may be executed, 0644 for other files, so that a checkout"
        " or an umask changes nothing; `keep`: permissions as they are; octal ones are those of every file.",
        default="normal",
    )
    exclude: tuple[str, ...] = setting(
        ListOf(values.PATTERN),
        "What is left out: a name at any depth (`*.pyc`), a path from the source on if a `/` stands in it"
        " (`/build`, `docs/*.md`), folders alone with a `/` at the end; `**` is any number of folders.",
    )


@frozen(kw_only=True)
class Acknowledged(Model):
    """A finding about the application that its author knows of; it is neither told nor an obstacle."""

    rule: str = setting(values.RULE, "The finding's rule, such as `token`.")
    path: str = setting(
        values.GLOB,
        "The files meant, in the image: `*` stands for any characters, `/` included. All of them if not"
        " given, which is enough for warnings; an error is acknowledged only where something is named.",
        default="",
    )


@frozen(kw_only=True)
class Scan(Model):
    """What the scan of the application lets pass or does."""

    allow_gcompat: bool = setting(
        Flag(),
        "Whether to take programs made for glibc, with the package `gcompat` to run them; it is no glibc,"
        " and what it lacks shows when the program runs.",
        key="allow-gcompat",
        default=False,
    )
    rewrite_shebangs: bool = setting(
        Flag(),
        "Whether scripts name their interpreter by its path instead of through `/usr/bin/env`, which then"
        " need not be in the image.",
        key="rewrite-shebangs",
        default=False,
    )
    accept_suggestions: bool = setting(
        Flag(),
        "Whether packages that the application probably needs are added, not only those that it needs.",
        key="accept-suggestions",
        default=False,
    )
    acknowledge: tuple[Acknowledged, ...] = setting(
        ListOf(Record(Acknowledged, short="rule")), "Findings that are known. A rule alone will do."
    )


def owner_numbers(owner: str, accounts: Accounts) -> tuple[int, int] | None:
    """The numbers of a part's owner and group; None if a name is nobody's.

    Args:
        owner: The part's `owner`.
        accounts: Who is in the image besides root.
    """
    user, _, group = owner.partition(":")
    users = {ROOT: (0, 0)} | {each.username: (each.uid, each.group_id) for each in accounts.users}
    groups = {ROOT: 0} | {each.groupname: each.gid for each in accounts.groups}
    if not accounts.named:
        users.setdefault(NONROOT, (NONROOT_ID, NONROOT_ID))
        groups.setdefault(NONROOT, NONROOT_ID)
    found = (int(user), int(user)) if user.isdigit() else users.get(user)
    if found is None or not group:
        return found
    number = int(group) if group.isdigit() else groups.get(group)
    return None if number is None else (found[0], number)


def owner_faults(parts: tuple[Part, ...], accounts: Accounts) -> Iterator[Fault]:
    """Owners that nobody knows, or whose number is none."""
    for position, part in enumerate(parts):
        found = owner_numbers(part.owner, accounts)
        if found is None:
            message = f"nobody of that name is in `accounts`: `{part.owner}`"
        elif max(found) > values.MAX_ID:
            message = f"a number of an owner goes to {values.MAX_ID}: `{part.owner}`"
        else:
            continue
        yield Fault(("payload", position, "owner"), message)
