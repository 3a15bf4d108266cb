"""The use case: what a lock pins, without the configuration that it was made for."""

from witchery.build.bills import bill_of_packages
from witchery.build.image import collect, plan
from witchery.build.lock_subject import LockSubject
from witchery.sbom.bill import Bill


def locked_bill(subject: LockSubject, *, files: bool = False) -> Bill:
    """A bill of the packages of a lock, which are fetched and checked.

    It names no image: that depends on the configuration, too.

    Args:
        subject: The lock.
        files: Whether to list every file of every package.

    Raises:
        UsageError: if an application is locked, or a package that was a file.
        WitcheryError: as for a locked build.
    """
    return bill_of_packages(collect(plan(subject.request, subject.workshop)), files=files)
