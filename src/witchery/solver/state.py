"""What is known about names and packages while one world is being solved."""

from collections.abc import Sequence

from witchery.apk.dependency import Dependency
from witchery.solver.catalogue import Candidate, Catalogue
from witchery.solver.discovery import Discovery


class Option:
    """A candidate in the course of one search.

    Attributes:
        candidate: The package.
        selectable: False once something excludes it.
        excluded_by: What excluded it first, in words.
        conflicts: How many constraints it does not agree with.
        merged: True while it is among the candidates of the name that was considered last.
        tags: The tags it may be taken from.
        tag_allowed: True if one of its sources has an allowed tag.
        tag_preferred: True if one of its sources has the tag that its world entry asks for.
        triggered: True once its `install_if` holds.
        untriggerable: True if its `install_if` can no longer hold, or if it has none.
        applied: True once its own dependencies are constraints.
    """

    __slots__ = (
        *("applied", "candidate", "conflicts", "excluded_by", "merged", "selectable"),
        *("tag_allowed", "tag_preferred", "tags", "triggered", "untriggerable"),
    )

    def __init__(self, candidate: Candidate) -> None:
        self.candidate = candidate
        self.selectable = not candidate.problem
        self.excluded_by = candidate.problem
        self.conflicts = 0
        self.merged = False
        self.tags = {""}
        self.tag_allowed = self.tag_preferred = "" in candidate.tags
        self.triggered = False
        self.untriggerable = not candidate.package.install_if
        self.applied = False

    def allow(self, tags: set[str]) -> None:
        """Allows further tags."""
        if not tags <= self.tags:
            self.tags |= tags
            self.tag_allowed = self.tag_allowed or not self.tags.isdisjoint(self.candidate.tags)


class Name:
    """A name in the course of one search.

    Attributes:
        name: The name.
        offers: Who provides it, and in what version.
        rank: Its place in the order of discovery: the lower, the earlier it is decided.
        requirements: How many dependencies ask for it.
        requested: True if the world does.
        concrete: True if a package has it for its own.
        decided: True once it is known who provides it, or that nobody does.
        chosen: The position in `offers` of who provides it, or None.
        watching: True once it is told of changes of what its options depend on.
        triggered: True if some option is here because its `install_if` holds.
        untriggerable: True if no option can be here for that reason.
        recheck_dependencies: True if something that its options depend on has changed.
        recheck_conditions: True if something that their `install_if` speaks of has changed.
        queued: True while it waits to be reconsidered.
        open: True if there is more than one way to decide it.
        automatic: True if one of its options can be taken without being asked for by name.
        settled: True if all names that depend on it are decided.
    """

    __slots__ = (
        *("automatic", "chosen", "concrete", "decided", "name", "offers", "open", "queued", "rank"),
        *("recheck_conditions", "recheck_dependencies", "requested", "requirements", "settled"),
        *("triggered", "untriggerable", "watching"),
    )

    def __init__(self, name: str, offers: Sequence[tuple[Option, str]], rank: int) -> None:
        self.name = name
        self.offers = offers
        self.rank = rank
        self.requirements = 0
        self.requested = False
        self.concrete = any(option.candidate.package.name == name for option, _ in offers)
        self.decided = False
        self.chosen: int | None = None
        self.triggered = False
        self.untriggerable = all(option.untriggerable for option, _ in offers)
        self.watching = False
        self.recheck_dependencies = self.recheck_conditions = False
        self.queued = False
        self.open = True
        self.automatic = False
        self.settled = False

    @property
    def provider(self) -> Option | None:
        """Who was chosen to provide it."""
        return None if self.chosen is None else self.offers[self.chosen][0]


class State:
    """All names and options that one world can reach.

    Attributes:
        catalogue: What there is.
        discovery: What the world can reach.
        names: The names met so far.
        changed: The names of which something is no longer as it was in the beginning.
        watchers: The names to be told of changes of a name, since their options depend on it.
        ignored: Dependencies that are taken for met, as pairs of package and dependency (to find out what
            matters).
    """

    def __init__(
        self,
        catalogue: Catalogue,
        discovery: Discovery,
        ignored: frozenset[tuple[str, Dependency]] = frozenset(),
    ) -> None:
        self.catalogue = catalogue
        self.discovery = discovery
        self.names: dict[str, Name] = {}
        self.changed: set[str] = set()
        self.watchers: dict[str, list[Name]] = {}
        self.ignored = ignored
        self._options: dict[Candidate, Option] = {}

    def name(self, name: str) -> Name:
        """The state of a name."""
        found = self.names.get(name)
        if found is None:
            options = self._options
            offers = []
            for candidate, version in self.catalogue.offers(name):
                option = options.get(candidate)
                if option is None:
                    option = options[candidate] = Option(candidate)
                offers.append((option, version))
            found = self.names[name] = Name(name, offers, self.discovery.ranks.get(name, 0))
        return found

    def depends(self, option: Option) -> Sequence[Dependency]:
        """The dependencies of a package that count."""
        package = option.candidate.package
        if not self.ignored:
            return package.depends
        return [each for each in package.depends if (str(package), each) not in self.ignored]

    def agrees(self, dependency: Dependency, name: Name, asking: Option | None) -> bool:
        """Says whether what was decided about a name agrees with a dependency on it.

        A package never conflicts with itself.
        """
        if name.chosen is None:
            return dependency.conflict
        if self.catalogue.agreement(dependency)[name.chosen]:
            return True
        return dependency.conflict and name.offers[name.chosen][0] is asking

    def watch(self, name: Name) -> None:
        """Lets a name be told of changes from now on, and tells it of those that were."""
        name.watching = True
        for option, _version in name.offers:
            for dependency in self.depends(option):
                self.watchers.setdefault(dependency.name, []).append(name)
                if dependency.name in self.changed:
                    name.recheck_dependencies = True

    def is_settled(self, name: Name) -> bool:
        """Says whether all names whose packages depend on a name are decided.

        All packages count, also those that the world cannot reach, and whose names are therefore never
        decided.
        """
        names = self.names
        for package in self.catalogue.depending_on(name.name):
            for provided in (package.name, *(each for each, _version in package.provides)):
                other = names.get(provided)
                if other is None or not other.decided:
                    return False
        return True

    def may_hold(self, name: str) -> bool:
        """Says whether the `install_if` of some package of a name might hold, judged by what is decided."""
        names = self.names
        for candidate, _version in self.catalogue.offers(name):
            conditions = candidate.package.install_if
            if conditions and all(
                condition.conflict or ((other := names.get(condition.name)) is not None and other.decided)
                for condition in conditions
            ):
                return True
        return False

    def conditioned_on(self, name: Name) -> list[Name]:
        """The names met so far that an `install_if` on `name` may have brought."""
        names = self.names
        return [names[each] for each in self.catalogue.conditioned_on(name.name) if each in names]
