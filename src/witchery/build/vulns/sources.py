"""What is looked up of a subject: an image, a lock, an application or a configuration."""

from typing import TYPE_CHECKING

from witchery.build.images import plan_all
from witchery.build.locks.locked import LockUse
from witchery.build.subjects.image_subject import ImageSubject
from witchery.build.subjects.lock_subject import LockSubject
from witchery.build.subjects.open_root import OpenRoot
from witchery.build.subjects.source_subject import SourceSubject
from witchery.build.vulns import images as vuln_images
from witchery.build.vulns import inventory
from witchery.build.vulns.inventory import Inventory
from witchery.value import replace

if TYPE_CHECKING:
    from collections.abc import Sequence

    from witchery.build.request import Request
    from witchery.build.subjects.subject import Subject
    from witchery.build.workshop import Workshop
    from witchery.lock.model import Lock
    from witchery.payload.findings import Component


def looked_up(
    subject: "Subject",
    *,
    every: bool = False,
    release: str = "",
    lock: "Lock | None" = None,
    components: bool = False,
) -> tuple[Inventory, ...]:
    """What a subject is made of, to be looked up.

    Of a source nothing is fetched but indexes; a lock is taken as it is.

    Args:
        subject: The subject.
        every: Whether every architecture that is asked for, or that there is, is looked up; otherwise one.
        release: The branch of Alpine that an image is of; empty to go by what is in it.
        lock: What an image was built from.
        components: Whether it is found out what the application in an image is made of: all of it is
            unpacked and scanned.

    Raises:
        UsageError: if nothing says which packages are in it.
        WitcheryError: if it is unusable, or cannot be had.
    """
    match subject:
        case ImageSubject():
            found = []
            for opened in subject.every() if every else (subject.opened,):
                one = vuln_images.of_root(opened, subject.place, release=release, lock=lock)
                found.append(_with_components(one, opened) if components else one)
            return tuple(found)
        case LockSubject():
            listed = subject.every if every else (subject.locked,)
            return tuple(inventory.of_lock(subject.name, subject.lock, each) for each in listed)
        case SourceSubject():
            return _of_requests(subject.requests if every else (subject.request,), subject.workshop)


def _of_requests(requests: "Sequence[Request]", workshop: "Workshop") -> tuple[Inventory, ...]:
    """What a source comes to, for some architectures."""
    use = requests[0].lock
    if isinstance(use, LockUse):
        return tuple(
            replace(
                inventory.of_lock(each.name, use.lock, use.lock.find(each.arch)),
                components=_components(each),
            )
            for each in requests
        )
    plans = plan_all(requests, workshop, allow_skew=True)
    return tuple(
        replace(
            inventory.of_resolution(each.name, each.arch, planned.resolution),
            components=planned.application.report.components if planned.application else (),
        )
        for each, planned in zip(requests, plans, strict=True)
    )


def _components(request: "Request") -> "tuple[Component, ...]":
    if not request.payload:
        return ()
    from witchery.build.application import inspect

    return inspect(request)[1].components


def _with_components(inventory: Inventory, opened: OpenRoot) -> Inventory:
    """An image with what its application is made of.

    What packages bring is not the application's: a wheel in a package of Alpine's has Alpine's fixes.
    """
    from witchery.build.scanning import scan_root
    from witchery.payload.options import ScanOptions

    with scan_root(opened, inventory.arch, ScanOptions()) as scanned:
        found = tuple(each for each in scanned.report.components if each.path not in inventory.owned)
    return replace(inventory, components=found)
