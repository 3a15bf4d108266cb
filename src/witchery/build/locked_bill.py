"""The use case: what a lock pins, without the configuration that it was made for."""

from collections.abc import Sequence
from pathlib import Path

from witchery.arch import Arch
from witchery.build.bills import bill_of_packages
from witchery.build.image import collect, plan
from witchery.build.lock_files import read_lock
from witchery.build.locked import LockUse
from witchery.build.request import plain_request
from witchery.build.workshop import Workshop
from witchery.errors import UsageError
from witchery.repository.location import Repository
from witchery.sbom.bill import Bill
from witchery.value import replace


def locked_bill(
    path: Path,
    workshop: Workshop,
    arch: Arch,
    *,
    mirrors: Sequence[Repository] = (),
    files: bool = False,
) -> Bill:
    """A bill of the packages of a lock, which are fetched and checked.

    It names no image: that depends on the configuration, too.

    Args:
        path: The lock.
        workshop: Where.
        arch: For which architecture; another one if only that is locked.
        mirrors: Where to look for packages before the places that the lock names.
        files: Whether to list every file of every package.

    Raises:
        UsageError: if an application is locked, or a package that was a file.
        WitcheryError: as for a locked build.
    """
    lock = read_lock(path)
    listed = [each.arch for each in lock]
    chosen = listed[0] if len(listed) == 1 else arch
    locked = lock.of(chosen)
    if locked and (locked.payload or any(not each.repository for each in locked.packages)):
        raise UsageError(
            f"the lock alone does not have all that it pins: `{path}`",
            hint="name the source that it was made for: `witchery sbom SOURCE --locked`",
        )
    plain = plain_request(lock.demand.packages, (), (), chosen)
    contents = replace(
        plain.config.contents,
        shell=lock.demand.shell,
        build_repositories=lock.demand.repositories,  # by them it is known which paths are absolute
    )
    request = replace(
        plain,
        config=replace(plain.config, contents=contents),
        lock=LockUse(lock=lock, path=path, mirrors=tuple(mirrors)),
        unasked=True,
    )
    return bill_of_packages(collect(plan(request, workshop)), files=files)
