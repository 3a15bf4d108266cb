"""What is known about names and packages while one world is being solved."""

from collections.abc import Sequence

from witchery.apk.dependency import Dependency
from witchery.solver.catalogue import Candidate, Catalogue


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
        seen: True once its dependencies were discovered.
    """

    __slots__ = (
        *("applied", "candidate", "conflicts", "excluded_by", "merged", "seen", "selectable"),
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
        self.seen = False

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
        dependents: The options that depend on it.
        conditioned: The names whose `install_if` speaks of it.
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
        *("automatic", "chosen", "concrete", "conditioned", "decided", "dependents", "discovered", "name"),
        *("offers", "open", "queued", "rank", "recheck_conditions", "recheck_dependencies", "requested"),
        *("requirements", "settled", "triggered", "untriggerable"),
    )

    def __init__(self, name: str, offers: Sequence[tuple[Option, str]]) -> None:
        self.name = name
        self.offers = offers
        self.rank = 0
        self.requirements = 0
        self.requested = False
        self.concrete = any(option.candidate.package.name == name for option, _ in offers)
        self.discovered = False
        self.decided = False
        self.chosen: int | None = None
        self.dependents: list[Option] = []
        self.conditioned: list[Name] = []
        self.triggered = False
        self.untriggerable = True
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
        names: The names met so far.
        ignored: Dependencies that are taken for met, as pairs of package and dependency (to find out what
            matters).
    """

    def __init__(
        self, catalogue: Catalogue, ignored: frozenset[tuple[str, Dependency]] = frozenset()
    ) -> None:
        self.catalogue = catalogue
        self.names: dict[str, Name] = {}
        self.ignored = ignored
        self._options: dict[Candidate, Option] = {}
        self._discovered = 0

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
            found = self.names[name] = Name(name, offers)
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

    def discover(self, name: str) -> Name:
        """Finds everything that a name may need or trigger, depth first, and ranks the names.

        A name is ranked after all that it leads to, and the higher rank is decided earlier: so packages come
        before what they depend on and what they provide.
        """
        found = self.name(name)
        if found.discovered:
            return found
        found.discovered = True
        for option, _version in found.offers:
            if not option.seen:
                option.seen = True
                self._discover_package(option)
        found.untriggerable = all(option.untriggerable for option, _version in found.offers)
        self._discover_conditioned(found)
        self._discovered -= 1
        found.rank = self._discovered
        return found

    def _discover_package(self, option: Option) -> None:
        candidate = option.candidate
        for dependency in self.depends(option):
            self.discover(dependency.name).dependents.append(option)
        for provided in candidate.package.provides:
            self.discover(provided.name)
        own = candidate.package.name
        if self.catalogue.conditioned_on(own):
            self._discover_conditioned(self.name(own))

    def _discover_conditioned(self, name: Name) -> None:
        if not name.conditioned:
            name.conditioned = [self.name(each) for each in self.catalogue.conditioned_on(name.name)]
            for conditioned in name.conditioned:
                self.discover(conditioned.name)
