"""All that differs between two subjects, as far as it was asked for and is known of both."""

from collections.abc import Collection, Sequence
from typing import NamedTuple

from witchery.diff import abi, files, settings
from witchery.diff.abi import LibraryChange
from witchery.diff.files import FileChange
from witchery.diff.settings import SettingChange
from witchery.lock import changes
from witchery.lock.changes import Change, Held
from witchery.survey.survey import Survey, SurveyedPackage
from witchery.value import frozen

PACKAGES, LICENCES, FILES, CONFIG, LAYERS, ABI, VULNS = PARTS = (
    "packages",
    "licences",
    "files",
    "config",
    "layers",
    "abi",
    "vulns",
)
"""What can be compared."""


class LicenceChange(NamedTuple):
    """A package whose licence is another.

    Attributes:
        name: The package.
        before: As it was.
        after: As it is.
    """

    name: str
    before: str
    after: str


class Licences(NamedTuple):
    """How licences differ.

    Attributes:
        changed: Packages that both have, under another licence.
        added: Licences that no package of the first has.
        gone: Licences that no package of the second has.
    """

    changed: tuple[LicenceChange, ...]
    added: tuple[str, ...]
    gone: tuple[str, ...]


class Layers(NamedTuple):
    """What whoever has the first has to pull for the second.

    Attributes:
        shared: How many layers of the second the first has, too.
        pulled: How many it has not.
        bytes: How many bytes these have.
    """

    shared: int
    pulled: int
    bytes: int


class Vulnerability(NamedTuple):
    """A vulnerability that only one of the two has.

    Attributes:
        id: Its name.
        package: What has it.
        version: The version that is there.
        fixed: The first version without it, or an empty string.
        severity: How bad it is.
    """

    id: str
    package: str
    version: str
    fixed: str
    severity: str


class Vulnerabilities(NamedTuple):
    """How known vulnerabilities differ.

    Attributes:
        fixed: Those that only the first has.
        introduced: Those that only the second has.
        unknown: Those that one has, in packages that the data says nothing about in the other.
        common: How many both have.
        warnings: What a person has to know to judge the result, a sentence each.
    """

    fixed: tuple[Vulnerability, ...]
    introduced: tuple[Vulnerability, ...]
    unknown: tuple[Vulnerability, ...]
    common: int
    warnings: tuple[str, ...] = ()


@frozen(kw_only=True)
class Difference:
    """What differs. A part is None where it was not asked for, or not known of both.

    Attributes:
        before: The first.
        after: The second.
        packages: Packages: added, gone, moved, or built anew.
        licences: Licences.
        files: Files.
        config: How they are started.
        layers: Layers.
        abi: Libraries whose interface differs.
        vulns: Known vulnerabilities.
    """

    before: Survey
    after: Survey
    packages: tuple[Change, ...] | None = None
    licences: Licences | None = None
    files: tuple[FileChange, ...] | None = None
    config: tuple[SettingChange, ...] | None = None
    layers: Layers | None = None
    abi: tuple[LibraryChange, ...] | None = None
    vulns: Vulnerabilities | None = None

    def __bool__(self) -> bool:
        """Whether anything differs that was compared."""
        licences, vulns = self.licences, self.vulns
        return bool(
            self.packages
            or self.files
            or self.config
            or self.abi
            or (licences and (licences.changed or licences.added or licences.gone))
            or (self.layers and self.layers.pulled)
            or (vulns and (vulns.fixed or vulns.introduced or vulns.unknown))
        )


def compared(
    before: Survey, after: Survey, parts: Collection[str], vulns: Vulnerabilities | None = None
) -> Difference:
    """Holds two surveys against each other.

    Args:
        before: The first.
        after: The second.
        parts: What of them, of `PARTS`.
        vulns: How known vulnerabilities differ, where that was looked up.
    """
    old, new = before.files, after.files
    both = old is not None and new is not None
    return Difference(
        before=before,
        after=after,
        packages=_packages(before, after) if PACKAGES in parts else None,
        licences=_licences(before, after) if LICENCES in parts and both else None,
        files=files.compared(old, new) if FILES in parts and old is not None and new is not None else None,
        config=(
            settings.compared(before.execution, after.execution)
            if CONFIG in parts and before.execution and after.execution
            else None
        ),
        layers=_layers(before, after) if LAYERS in parts and before.layers and after.layers else None,
        abi=abi.compared(old, new) if ABI in parts and old is not None and new is not None else None,
        vulns=vulns,
    )


def _packages(before: Survey, after: Survey) -> tuple[Change, ...]:
    return changes.compared(_held(before.packages), _held(after.packages))


def _held(packages: Sequence[SurveyedPackage]) -> dict[str, Held]:
    return {each.name: Held(each.version, each.size, each.identity, each.installed_size) for each in packages}


def _licences(before: Survey, after: Survey) -> Licences:
    old = {each.name: " ".join(each.licence.split()) for each in before.packages}
    new = {each.name: " ".join(each.licence.split()) for each in after.packages}
    return Licences(
        changed=tuple(
            LicenceChange(name, old[name], new[name])
            for name in sorted(old.keys() & new.keys())
            if old[name] != new[name]
        ),
        added=tuple(sorted({*new.values()} - {*old.values()} - {""})),
        gone=tuple(sorted({*old.values()} - {*new.values()} - {""})),
    )


def _layers(before: Survey, after: Survey) -> Layers:
    known = {each.digest for each in before.layers}
    own = {each.digest: each.size for each in after.layers}
    pulled = [size for digest, size in own.items() if digest not in known]
    return Layers(len(own) - len(pulled), len(pulled), sum(pulled))
