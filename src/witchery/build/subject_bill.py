"""The use case: the bill of materials of any subject."""

from typing import TYPE_CHECKING

from witchery.build.bills import Document, bill_of_packages, documents, encoded
from witchery.build.image import collect, plan
from witchery.build.stored_bills import stored_bill
from witchery.build.subjects.image_subject import ImageSubject
from witchery.build.subjects.lock_subject import LockSubject
from witchery.build.subjects.source_subject import SourceSubject
from witchery.errors import UsageError

if TYPE_CHECKING:
    from witchery.build.subjects.subject import Subject


def bill_of(subject: "Subject", form: str, *, files: bool = False) -> Document:
    """The bill of materials of a subject.

    Of an image it is the one that is kept beside it. Of a source it is that of the image that it comes to. Of
    a lock it names packages and no image, which depends on the configuration, too.

    Args:
        subject: The subject.
        form: One of `bills.FORMATS`.
        files: Whether to list every file of every package.

    Raises:
        UsageError: if an image has none beside it, or a lock alone does not have all that it pins.
        WitcheryError: if the subject is unusable, or cannot be had.
    """
    match subject:
        case ImageSubject():
            if files:
                raise UsageError(
                    "what is kept beside an image is written as it is",
                    hint="`--files` goes with a source of an image",
                )
            return stored_bill(subject, form)
        case LockSubject():
            gathered = collect(plan(subject.request, subject.workshop))
            return encoded(bill_of_packages(gathered, files=files), form)
        case SourceSubject():
            (document,) = documents(subject.built, [form], files=files or None)
            return document
