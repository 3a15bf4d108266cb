"""Taste: which name is decided next, and which of its options is preferred."""

from witchery.apk import version as versions
from witchery.solver.propagation import Propagation
from witchery.solver.state import Name, Option


def next_name(propagation: Propagation) -> Name | None:
    """The name to decide next, or None if all are decided.

    Names without a choice whose dependents are all decided come first. The others wait as long as they can,
    since a package that is selected meanwhile may provide them: first the names that have an option which can
    be taken unasked, before those that are only triggered; requested names before others, and names of
    packages before those that are only provided; at last by the order of discovery.
    """
    return min(propagation.undecided.values(), key=_urgency, default=None)


def _urgency(name: Name) -> tuple[bool, bool, bool, bool, bool, int]:
    return (
        name.open or not name.settled,
        not name.automatic,
        not name.requirements,
        not name.requested,
        not name.concrete,
        name.rank,
    )


def choose(propagation: Propagation, name: Name) -> int | None:
    """The position of the best offer of a name, or None if none can be taken."""
    best = None
    for position, (option, version) in enumerate(name.offers):
        if not name.requirements and not _is_triggered(propagation, option):
            continue
        if not propagation.can_be_taken(option, version):
            continue
        if best is None or _is_better((option, version), name.offers[best]):
            best = position
    return best


def _is_triggered(propagation: Propagation, option: Option) -> bool:
    if not option.triggered or not option.tag_allowed:
        return False
    state = propagation.state
    for condition in option.candidate.package.install_if:
        name = state.name(condition.name)
        if condition.conflict and name.decided and not state.agrees(condition, name, None):
            return False
    return True


def _is_better(one: tuple[Option, str], other: tuple[Option, str]) -> bool:
    """Says whether an offer is preferred to an earlier one; of equal offers the earlier one is."""
    (option, version), (rival, rival_version) = one, other
    merits, rival_merits = _merits(option), _merits(rival)
    if merits != rival_merits:
        return merits > rival_merits
    order, rival_order = versions.order(version), versions.order(rival_version)
    if order != rival_order:
        return order > rival_order
    package, rival_package = option.candidate.package, rival.candidate.package
    if package.name == rival_package.name:
        by_version = versions.compare(package.version, rival_package.version)
        if by_version:
            return by_version > 0
    if package.provider_priority != rival_package.provider_priority:
        return package.provider_priority > rival_package.provider_priority
    return option.candidate.sources[0] < rival.candidate.sources[0]


def _merits(option: Option) -> tuple[bool, bool, int, bool, bool]:
    return option.selectable, option.merged, -option.conflicts, option.tag_allowed, option.tag_preferred
