"""The use case: the audit of any subject."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from witchery.audit.audit import Audit, audit
from witchery.build.surveying import survey
from witchery.config.audit import Waiver
from witchery.config.load import load
from witchery.errors import StorageError
from witchery.store import atomic

if TYPE_CHECKING:
    from witchery.build.subjects.subject import Subject

MAX_CONFIG = 1 << 20
"""The largest configuration that waivers are read from, in bytes."""


def examine(subject: "Subject", *, waivers: Sequence[Waiver] | None, time: int) -> Audit:
    """Audits a subject.

    Args:
        subject: An image, a lock, an application or a configuration.
        waivers: What is let pass; None for what the subject's own configuration says.
        time: Now, in seconds since 1970; it decides about waivers.

    Raises:
        WitcheryError: as `surveying.survey`.
    """
    found = survey(subject)
    if waivers is None:
        waivers = found.config.audit.waivers if found.config else ()
    return audit(found.survey, waivers, datetime.fromtimestamp(time, UTC).date())


def read_waivers(path: Path, variables: Mapping[str, str]) -> tuple[Waiver, ...]:
    """The waivers of a configuration; nothing else of it counts.

    Args:
        path: Its file.
        variables: Values of `${NAME}` in it.

    Raises:
        ConfigError: with every problem and its place, if it is none.
        StorageError: if it cannot be read.
    """

    def read(name: str) -> bytes:
        place = path.parent / name
        if not place.is_file():
            raise StorageError(f"no such file: `{place}`")
        return atomic.read(place, MAX_CONFIG)

    return load(path.name, read, variables).config.audit.waivers
