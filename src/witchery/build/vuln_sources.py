"""The subjects that are looked up, from what a command line names: an image, a lock, or a source."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from witchery.arch import Arch
from witchery.build import lock_files, vuln_subjects
from witchery.build.images import plan_all
from witchery.build.locked import LockUse
from witchery.build.request import Request
from witchery.build.vuln_subjects import Subject
from witchery.build.workshop import Workshop
from witchery.errors import UsageError
from witchery.lock.model import Lock
from witchery.payload.options import ScanOptions
from witchery.value import replace

if TYPE_CHECKING:
    from witchery.build.registries import Registries
    from witchery.payload.findings import Component

LOCK_SUFFIX = ".lock.json"
"""How the names of lock files end."""


def read_lock(path: Path) -> Lock:
    """Reads a lock file of Witchery.

    Raises:
        UsageError: if it is apko's, which does not say what packages were built from.
        WitcheryError: if it cannot be read.
    """
    found = lock_files.read_any(path)
    if isinstance(found, Lock):
        return found
    raise UsageError(
        f"a lock of apko does not say from which source each package was built: `{path}`",
        hint="`witchery lock apko.yaml` writes one that does",
    )


def of_lock(path: Path, archs: Sequence[Arch] = ()) -> tuple[Subject, ...]:
    """What a lock holds, for each architecture.

    Args:
        path: Its file.
        archs: Only these; none for all.

    Raises:
        UsageError: if one of them is not locked.
        WitcheryError: if the lock is unusable.
    """
    lock = read_lock(path)
    missing = [each.apk for each in archs if lock.of(each) is None]
    if missing:
        known = ", ".join(each.arch.apk for each in lock)
        raise UsageError(f"not locked for {', '.join(missing)}: the lock is for {known}")
    wanted = [each for each in lock if not archs or each.arch in archs]
    return tuple(vuln_subjects.of_lock(str(path), lock, each) for each in wanted)


def of_requests(requests: Sequence[Request], workshop: Workshop) -> tuple[Subject, ...]:
    """What a source comes to: solved, and nothing fetched but indexes; a lock is taken as it is.

    Raises:
        WitcheryError: as `witchery.build.images.build_all`.
    """
    if isinstance(requests[0].lock, LockUse):
        subjects = of_lock(requests[0].lock.path, [each.arch for each in requests])
        by_arch = {each.arch: each for each in subjects}
        return tuple(
            replace(by_arch[each.arch], name=each.name, components=_components(each)) for each in requests
        )
    plans = plan_all(requests, workshop, allow_skew=True)
    return tuple(
        replace(
            vuln_subjects.of_resolution(each.name, each.arch, planned.resolution),
            components=planned.application.report.components if planned.application else (),
        )
        for each, planned in zip(requests, plans, strict=True)
    )


def _components(request: Request) -> "tuple[Component, ...]":
    if not request.payload:
        return ()
    from witchery.build.application import inspect

    return inspect(request)[1].components


def with_components(subject: Subject, registries: "Registries") -> Subject:
    """An image with what its application is made of: the whole image is unpacked and scanned.

    What packages bring is not the application's: a wheel in a package of Alpine's has Alpine's fixes.

    Raises:
        WitcheryError: as `witchery.build.scanning.scanning`.
    """
    from witchery.build.scanning import scanning

    def no_request() -> Request:
        raise UsageError(f"no image: `{subject.name}`")

    arch = subject.arch
    with scanning(
        subject.name, no_request, ScanOptions(), host=arch, arch=arch, registries=lambda: registries
    ) as scanned:
        found = tuple(each for each in scanned.report.components if each.path not in subject.owned)
    return replace(subject, components=found)
