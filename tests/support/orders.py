"""Replaying apk's order where it is arbitrary."""

from collections.abc import Callable, Sequence

from witchery.solver.state import Name


def as_in(order: Sequence[str]) -> Callable[[Sequence[Name]], Sequence[Name]]:
    """Puts names that are triggered at once into the order in which apk installed their packages."""
    positions = {package: position for position, package in enumerate(order)}

    def position(name: Name) -> int:
        if name.provider is None:
            return -1
        package = name.provider.candidate.package
        return positions.get(f"{package.name}={package.version}", -1)

    return lambda names: sorted(names, key=position)
