"""Whether the architectures of an image agree in the versions of their packages.

Distributions build the architectures at different speeds, so that for hours an index is ahead of another.
apk does not look beyond one architecture; an image that says the same of all of them has to.
"""

from collections.abc import Iterator, Mapping, Sequence

from witchery.arch import Arch
from witchery.build.parts import Resolution
from witchery.errors import NoSolutionError
from witchery.value import frozen

_SHOWN = 12
"""How many packages an error names."""


@frozen(kw_only=True)
class Skew:
    """A package in different versions.

    Attributes:
        name: The package.
        versions: Its version on each architecture that has it.
        common: The versions that all of these could have, as far as their repositories go.
    """

    name: str
    versions: tuple[tuple[Arch, str], ...]
    common: tuple[str, ...] = ()

    def __str__(self) -> str:
        groups: dict[str, list[str]] = {}
        for arch, version in self.versions:
            groups.setdefault(version, []).append(arch.apk)
        said = ", ".join(f"{version} on {' '.join(archs)}" for version, archs in groups.items())
        return f"{self.name}: {said}"


def skews(resolutions: Mapping[Arch, Resolution]) -> tuple[Skew, ...]:
    """The packages that two architectures have in different versions, by name.

    A package that only some of them have is no skew: it may be needed nowhere else.
    """
    versions: dict[str, list[tuple[Arch, str]]] = {}
    for arch, resolution in resolutions.items():
        for selected in resolution.solution:
            versions.setdefault(selected.package.name, []).append((arch, selected.package.version))
    return tuple(
        Skew(name=name, versions=tuple(each), common=tuple(_common(name, each, resolutions)))
        for name, each in sorted(versions.items())
        if len({version for _, version in each}) > 1
    )


def _common(
    name: str, versions: Sequence[tuple[Arch, str]], resolutions: Mapping[Arch, Resolution]
) -> Iterator[str]:
    """The versions of a package that are in the repositories of every architecture concerned."""
    offered = [
        dict.fromkeys(
            package.version for each in resolutions[arch].indexes for package in each.index.named(name)
        )
        for arch, _ in versions
    ]
    return (version for version in offered[0] if all(version in each for each in offered))


def refuse(found: Sequence[Skew]) -> None:
    """Ends what would be different things under one name.

    Raises:
        NoSolutionError: if there is a skew; it names the packages, and who has which version.
    """
    if not found:
        return
    lines = [str(each) for each in found[:_SHOWN]]
    if len(found) > _SHOWN:
        lines.append(f"and {len(found) - _SHOWN} more")
    count = "a package" if len(found) == 1 else f"{len(found)} packages"
    verb = "differs" if len(found) == 1 else "differ"
    pins = " ".join(f"-p '{each.name}={each.common[0]}'" for each in found if each.common)
    hints = [f"versions that all of them have: `{pins}`"] if pins else []
    hints.append("to build all the same: `--allow-arch-skew`")
    head = f"{count} {verb} in version between the architectures"
    raise NoSolutionError("\n  ".join((head, *lines)), hint=hints)


def warning(found: Sequence[Skew]) -> str:
    """What to say of a skew that was allowed; empty where there is none."""
    if not found:
        return ""
    shown = "; ".join(map(str, found[:3])) + (f"; and {len(found) - 3} more" if len(found) > 3 else "")
    count = "1 package" if len(found) == 1 else f"{len(found)} packages"
    return f"the versions of {count} differ between the architectures: {shown}"
