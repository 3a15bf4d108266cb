"""Every error that Witchery raises on purpose.

    WitcheryError
    ├── UsageError          2  the command line asks for something impossible
    ├── Refused             3  an input was read and is not acceptable
    │   ├── FormatError        malformed: it does not follow its format
    │   ├── ConfigError        malformed configuration; carries every problem with its place in the file
    │   ├── ApplicationError   an application that cannot become an image; carries every reason
    │   ├── IntegrityError     a digest, checksum or length does not match
    │   └── TrustError         no known key vouches for it, or a known key's signature fails
    ├── NoSolutionError     4  the requested packages cannot be installed together
    └── WorldError          5  something outside failed
        ├── NetworkError       a server did not answer, or not with what was asked for
        └── StorageError       a file could not be read or written

An error is data. It says *what* went wrong (`message`), *where* (`where`, outermost place first; it grows
while the error climbs, see `at`) and what to do next (`hints`). The library never prints and never exits;
`cli` renders. Each class names its exit status.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import ClassVar, Self


class WitcheryError(Exception):
    """Base of all errors with a message for a person.

    Attributes:
        message: What is wrong: lower case, no final stop, the offending thing last.
        where: Places from the outermost to the innermost, such as `("musl.apk", "control", "byte 512")`.
        hints: What to do next, one sentence each.
    """

    exit_status: ClassVar[int] = 5

    def __init__(self, message: str, *, where: Sequence[str] = (), hint: str | Sequence[str] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.where = tuple(where)
        self.hints = (hint,) if isinstance(hint, str) else tuple(hint)

    def at(self, place: str) -> Self:
        """The same error, seen from one place further out."""
        self.where = (place, *self.where)
        return self

    def __str__(self) -> str:
        return ": ".join((*self.where, self.message))

    @property
    def complaints(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """Each problem in one text, with what to do about it; most errors have one."""
        return ((str(self), self.hints),)


class UsageError(WitcheryError):
    """The command line asks for something that cannot be done."""

    exit_status = 2


class Refused(WitcheryError):  # noqa: N818 - the word for it: an input that is turned away
    """An input was read and is not acceptable."""

    exit_status = 3


class FormatError(Refused):
    """Bytes that do not follow their format, or exceed a limit set for it."""


class IntegrityError(Refused):
    """A digest, checksum or length that does not match what was promised."""


class TrustError(Refused):
    """Nothing trusted vouches for an input, or a trusted key's signature does not verify.

    Attributes:
        missing: True where trust is only absent (unsigned, unknown key), which `--allow-untrusted` accepts;
            False where a known key's signature fails, which nothing accepts.
    """

    def __init__(
        self, message: str, *, missing: bool, where: Sequence[str] = (), hint: str | Sequence[str] = ()
    ) -> None:
        super().__init__(message, where=where, hint=hint)
        self.missing = missing


class ConfigError(Refused):
    """A configuration that cannot be used; all its problems at once, one line of text each."""

    def __init__(self, problems: Sequence[str], *, hint: str | Sequence[str] = ()) -> None:
        super().__init__("\n".join(problems), hint=hint)
        self.problems = tuple(problems)

    @property
    def complaints(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """Each problem; the hints are about the last, or about them all."""
        return (*((each, ()) for each in self.problems[:-1]), (self.problems[-1], self.hints))


class ApplicationError(Refused):
    """An application that cannot become an image; every reason at once, each with what to do about it."""

    def __init__(self, reasons: Sequence[tuple[str, Sequence[str]]]) -> None:
        super().__init__("\n".join(reason for reason, _ in reasons))
        self.reasons = tuple((reason, tuple(hints)) for reason, hints in reasons)

    @property
    def complaints(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """The reasons; hints that several have, one after the other, are given once, with the last."""
        following = (*(hints for _, hints in self.reasons[1:]), ())
        return tuple(
            (reason, () if hints == after else hints)
            for (reason, hints), after in zip(self.reasons, following, strict=True)
        )


class NoSolutionError(WitcheryError):
    """The requested packages cannot be installed together."""

    exit_status = 4


class WorldError(WitcheryError):
    """Something outside Witchery failed."""

    exit_status = 5


class NetworkError(WorldError):
    """A server did not answer, or not with what was asked for.

    Attributes:
        absent: True where it answered that what was asked for is not there.
    """

    def __init__(
        self,
        message: str,
        *,
        absent: bool = False,
        where: Sequence[str] = (),
        hint: str | Sequence[str] = (),
    ) -> None:
        super().__init__(message, where=where, hint=hint)
        self.absent = absent


class StorageError(WorldError):
    """A file could not be read or written."""


@contextmanager
def located(place: str, only: type[WitcheryError] = WitcheryError) -> Iterator[None]:
    """Adds `place` to the Witchery errors that climb through the block.

    Args:
        place: Where in what is being read.
        only: The kind of errors to add it to; `Refused` where bytes are read from something that may itself
            fail, and has a place of its own.
    """
    try:
        yield
    except only as error:
        raise error.at(place) from error.__cause__
