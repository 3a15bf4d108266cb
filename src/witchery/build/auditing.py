"""The use case: the audit of any subject."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from witchery.audit.audit import Audit, audit
from witchery.build.surveying import Means, survey
from witchery.config.audit import Waiver
from witchery.config.load import load
from witchery.errors import StorageError, UsageError
from witchery.store import atomic

MAX_CONFIG = 1 << 20
"""The largest configuration that waivers are read from, in bytes."""


def examine(subject: str, means: Means, *, waivers: Sequence[Waiver] | None, time: int) -> Audit:
    """Audits a subject.

    Args:
        subject: An image in transport notation, an application or a configuration.
        means: What it takes to look at it.
        waivers: What is let pass; None for what the subject's own configuration says.
        time: Now, in seconds since 1970; it decides about waivers.

    Raises:
        UsageError: if the files of the subject are not known.
        WitcheryError: as `surveying.survey`.
    """
    found = survey(subject, means)
    if found.survey.files is None:
        raise UsageError(
            f"a lock says which packages there are, and not what is in them: `{subject}`",
            hint="audit what is built from it: the configuration with `--locked`, or the image",
        )
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
