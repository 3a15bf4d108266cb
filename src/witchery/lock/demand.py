"""What of a request matters for a lock: whatever decides which packages an image is made of.

These matter, from the configuration and the command line together:

* `contents.packages` and `--package`, in any order; `s6`, where `entrypoint.type` brings it;
* `contents.repositories`, `contents.build_repositories`, `--repository` and the release, in their order,
  without credentials. Where nobody named a repository or a release, those of the lock hold;
* `contents.shell`;
* the files of packages, and the application with its needs: by what is in them, for each architecture.

Nothing else does: comments and order of keys, `include`, accounts, environment variables, entrypoint and
arguments, paths, volumes, ports, labels, annotations, certificates, layering, base files, the name, the
keyring. A change there gives another image of the same packages, and needs no new lock. Which keys are
trusted is checked by their fingerprints, and which architectures there are by asking for one that is not
locked.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from witchery import canonical
from witchery.digest import Digest
from witchery.lock.model import Demand


def members(demand: Demand) -> dict[str, Any]:
    """What matters as plain values."""
    return {
        "packages": list(demand.packages),
        "repositories": list(demand.repositories),
        "shell": demand.shell,
    }


def digest(demand: Demand) -> Digest:
    """The digest of what matters."""
    return Digest.sha256(canonical.encode(members(demand)))


def differences(locked: Demand, wanted: Demand) -> tuple[str, ...]:
    """How a request differs from what was locked, a sentence each, beginning with the place in the lock."""
    return tuple(_differences(locked, wanted))


def _differences(locked: Demand, wanted: Demand) -> Iterator[str]:
    yield from _sets("configuration.packages", "package", locked.packages, wanted.packages)
    yield from _sets("configuration.repositories", "repository", locked.repositories, wanted.repositories)
    same = set(locked.repositories) == set(wanted.repositories)
    if same and locked.repositories != wanted.repositories:
        yield "configuration.repositories: the same, in another order of preference"
    if locked.shell != wanted.shell:
        yield f"configuration.shell: `{locked.shell}` is locked, `{wanted.shell}` is asked for"


def _sets(place: str, what: str, locked: Sequence[str], wanted: Sequence[str]) -> Iterator[str]:
    for each in wanted:
        if each not in locked:
            yield f"{place}: the {what} is asked for, and not locked: `{each}`"
    for each in locked:
        if each not in wanted:
            yield f"{place}: the {what} is locked, and not asked for: `{each}`"
