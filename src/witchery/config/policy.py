"""What an image has to be, beyond being verified: the policy of `witchery verify --policy`.

keys: [alpine-devel@lists.alpinelinux.org-6165ee59.rsa.pub]
derived: 0
forbid: [busybox, "*-dev"]
max-age: 90
payload: signed
"""

from witchery.config import single, values
from witchery.config.kinds import Choice, ListOf, Model, Number, Record, Text, setting
from witchery.value import frozen

UNLIMITED = 1000
"""More layers than an image has."""

_KEY = Text("the file name or the fingerprint of a key", r"\S+")
_PACKAGES = Text("a pattern of package names such as `*-dev`", r"[A-Za-z0-9._+*?\[\]!-]+")


@frozen(kw_only=True)
class Policy(Model):
    """What an image has to be."""

    keys: tuple[str, ...] = setting(
        ListOf(_KEY),
        "The keys that count, by file name or fingerprint; all that are trusted where none is named.",
    )
    derived: int = setting(
        Number("a number of layers", 0, UNLIMITED), "How many layers may be rewritten.", default=UNLIMITED
    )
    forbid: tuple[str, ...] = setting(ListOf(_PACKAGES), "Packages that must not be there, as patterns.")
    max_age: int = setting(
        Number("a number of days", 0, 36_500),
        "How many days ago the newest package may have been built, by what its distribution signed;"
        " 0 for any time.",
        key="max-age",
        default=0,
    )
    payload: str = setting(
        Choice(("signed", "allow", "forbid")),
        "The application, which no distribution signs: `signed` needs a signature of the image"
        " (`--signature`), `allow` does not, `forbid` refuses it.",
        default="signed",
    )
    files: tuple[str, ...] = setting(
        ListOf(values.GLOB),
        "Files that may be there though nothing explains them: what the configuration of the image makes.",
    )


_POLICY = Record(Policy)


def parse(data: bytes, file: str) -> Policy:
    """Reads a policy.

    Args:
        data: The file.
        file: What errors call it.

    Raises:
        ConfigError: with every problem and its place.
    """
    found: Policy = single.read(_POLICY, data, file)
    return found
