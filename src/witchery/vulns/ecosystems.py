"""Where components of applications come from: what OSV calls it, and how versions are ordered there."""

import re
from collections.abc import Callable, Mapping

from witchery.value import frozen
from witchery.vulns import orders
from witchery.vulns.orders import Order
from witchery.vulns.purls import Purl


def _same(name: str) -> str:
    return name


def _python(name: str) -> str:
    """One name for all spellings (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _maven(name: str) -> str:
    """`group/artifact` of a package URL is `group:artifact` in OSV."""
    return name.replace("/", ":")


@frozen
class Ecosystem:
    """One of them.

    Attributes:
        name: What OSV calls it.
        normalised: Makes one name of all spellings of it.
        order: The order of its versions; None where it is not known here, and only lists of versions count.
    """

    name: str
    normalised: Callable[[str], str] = _same
    order: Order | None = None


BY_PURL: Mapping[str, Ecosystem] = {
    "golang": Ecosystem("Go", str.lower, orders.semver),
    "npm": Ecosystem("npm", _same, orders.semver),
    "pypi": Ecosystem("PyPI", _python, orders.pep440),
    "cargo": Ecosystem("crates.io", _same, orders.semver),
    "maven": Ecosystem("Maven", _maven, orders.maven),
    "gem": Ecosystem("RubyGems", _same, orders.gem),
    "nuget": Ecosystem("NuGet", str.lower, orders.nuget),
    "composer": Ecosystem("Packagist", str.lower),
}
"""The ecosystems by the type of their package URLs."""


def of(purl: Purl) -> Ecosystem | None:
    """The ecosystem of a package URL; None where OSV has none for it."""
    return BY_PURL.get(purl.kind)


def named(name: str) -> Ecosystem | None:
    """The ecosystem that OSV calls so."""
    return next((each for each in BY_PURL.values() if each.name == name), None)
