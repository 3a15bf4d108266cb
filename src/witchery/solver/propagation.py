"""The conclusions from what is known: what is excluded, what is required, which conditions hold.

A constraint excludes options at once. What follows for others is found when their names are reconsidered,
which happens only to names that something requires or whose `install_if` may hold.
"""

from collections import deque

from witchery.apk.dependency import Dependency
from witchery.solver.state import Name, Option, State


class Propagation:
    """Constraints and their consequences.

    Attributes:
        state: What is known.
        undecided: The names that have to be decided, with no order.
        errors: What went wrong, as pairs of the package or name and the words for it. With one there is no
            solution.
    """

    def __init__(self, state: State) -> None:
        self.state = state
        self.undecided: dict[str, Name] = {}
        self.errors: list[tuple[str, str]] = []
        self._dirty: deque[Name] = deque()

    def require(self, dependency: Dependency, asking: Option | None) -> None:
        """Makes a dependency of a package, or of the world (`asking` is None), a constraint."""
        name = self.state.name(dependency.name)
        if name.decided:
            if not self.state.agrees(dependency, name, asking):
                self.errors.append((dependency.name, f"does not agree with `{dependency}`"))
            return
        if not dependency.conflict:
            name.requirements += 1
        agreement = self.state.catalogue.agreement(dependency)
        for (option, _version), agrees in zip(name.offers, agreement, strict=True):
            if not agrees and not (dependency.conflict and option is asking):
                option.conflicts += 1
                self.exclude(option, str(dependency))
            else:
                self._allow_tags(option, dependency, asking)
        self._requirements_changed(name)

    def decide(self, name: Name, position: int | None) -> None:
        """Settles who provides a name (`position` in its offers), or that nobody does."""
        if name.decided:
            both_unversioned = (
                position is not None
                and name.chosen is not None
                and not name.offers[position][1]
                and not name.offers[name.chosen][1]
            )
            if not both_unversioned:
                self.errors.append((name.name, "is provided twice"))
            return
        name.decided = True
        name.chosen = position
        self.undecided.pop(name.name, None)
        chosen, chosen_version = name.offers[position] if position is not None else (None, None)
        for option, version in name.offers:
            if option is not chosen and not (chosen_version == "" == version):
                self.exclude(
                    option, f"`{name.name}` is provided by {chosen.candidate.package if chosen else ''}"
                )
        self._dependency_changed(name.name)
        self._condition_changed(name.name)

    def exclude(self, option: Option, why: str) -> None:
        """Takes a package out of consideration."""
        if not option.selectable:
            return
        option.selectable = False
        option.excluded_by = why
        for provided, _version in option.candidate.names:
            self._dependency_changed(provided)
            self._condition_changed(provided)

    def settle(self) -> None:
        """Draws conclusions until there is none left."""
        while self._dirty:
            name = self._dirty.popleft()
            name.queued = False
            if not name.decided:
                self._reconsider(name)

    def apply_dependencies(self, option: Option) -> None:
        """Makes constraints of all dependencies of a package, once."""
        if not option.applied:
            option.applied = True
            for dependency in self.state.depends(option):
                self.require(dependency, option)

    def _allow_tags(self, option: Option, dependency: Dependency, asking: Option | None) -> None:
        if asking is not None:
            option.allow(asking.tags)
        else:
            option.allow({dependency.tag})
            option.tag_preferred = dependency.tag in option.candidate.tags

    def _requirements_changed(self, name: Name) -> None:
        self._list_undecided(name)
        self._condition_changed(name.name)
        self._queue(name)

    def _list_undecided(self, name: Name) -> None:
        if name.requirements or name.triggered:
            self.undecided[name.name] = name
        else:
            self.undecided.pop(name.name, None)

    def _dependency_changed(self, name: str) -> None:
        self.state.changed.add(name)
        for dependent in self.state.watchers.get(name, ()):
            dependent.recheck_dependencies = True
            self._queue(dependent)

    def _condition_changed(self, name: str) -> None:
        state = self.state
        for each in state.catalogue.conditioned_on(name):
            if each in state.discovery.ranks and (each in state.names or state.may_hold(each)):
                conditioned = state.name(each)
                if not conditioned.untriggerable:
                    conditioned.recheck_conditions = True
                    self._queue(conditioned)

    def _queue(self, name: Name) -> None:
        if not name.queued and not name.decided and (name.requirements or name.recheck_conditions):
            if not name.watching:
                self.state.watch(name)
            name.queued = True
            self._dirty.append(name)

    def _reconsider(self, name: Name) -> None:
        """Looks again at all options of a name, and at what follows from those that are left."""
        recheck_dependencies, name.recheck_dependencies = name.recheck_dependencies, False
        recheck_conditions, name.recheck_conditions = name.recheck_conditions, False
        left: list[tuple[Option, str]] = []
        name.triggered, name.untriggerable = False, True
        for option, version in name.offers:
            option.merged = False
            if recheck_dependencies and option.selectable:
                self._recheck_dependencies(option)
            if not option.selectable:
                continue
            if recheck_conditions:
                self._recheck_conditions(option)
            name.triggered = name.triggered or option.triggered
            name.untriggerable = name.untriggerable and option.untriggerable
            if name.requirements:
                option.merged = True
                left.append((option, version))
        name.open = len(left) > 1 or any(not option.tag_allowed for option, _version in left)
        name.automatic = self._is_automatic(name, left)
        self._list_undecided(name)
        if len(left) == 1:
            self.apply_dependencies(left[0][0])
        elif left:
            self._require_what_is_common([option for option, _version in left])
        if left:
            self._exclude_what_is_alone(name, [option for option, _version in left])
        name.settled = not name.open and self.state.is_settled(name)

    def _is_automatic(self, name: Name, left: list[tuple[Option, str]]) -> bool:
        offers = left or [(option, version) for option, version in name.offers if option.triggered]
        return any(self.can_be_taken(option, version) for option, version in offers)

    def can_be_taken(self, option: Option, version: str) -> bool:
        """Says whether an offer can be taken without asking.

        An unversioned one only if its package has a priority, or is required by its own name.
        """
        package = option.candidate.package
        return bool(version or package.provider_priority or self.state.name(package.name).requirements)

    def _recheck_dependencies(self, option: Option) -> None:
        for dependency in self.state.depends(option):
            if not self._can_be_met(dependency, option):
                self.exclude(option, f"nothing is left for its dependency `{dependency}`")
                return

    def _can_be_met(self, dependency: Dependency, asking: Option) -> bool:
        name = self.state.name(dependency.name)
        if name.decided:
            return self.state.agrees(dependency, name, asking)
        if dependency.conflict and (not name.requirements or not name.offers):
            return True
        agreement = self.state.catalogue.agreement(dependency)
        return any(
            option.selectable and (agrees or (dependency.conflict and option is asking))
            for (option, _version), agrees in zip(name.offers, agreement, strict=True)
        )

    def _recheck_conditions(self, option: Option) -> None:
        """Finds out whether the `install_if` of a package holds by now."""
        conditions = option.candidate.package.install_if
        if not option.triggered and not option.untriggerable:
            option.triggered = True
            for condition in conditions:
                name = self.state.name(condition.name)
                if not name.decided:
                    if not condition.conflict or name.requirements or self._speaks_of(condition, option):
                        option.triggered = False
                elif not self.state.agrees(condition, name, None):
                    option.triggered = False
                    option.untriggerable = True
                    break
        if option.triggered:
            for condition in conditions:
                provider = self.state.name(condition.name).provider
                if provider is not None:
                    option.allow(provider.tags)

    @staticmethod
    def _speaks_of(condition: Dependency, option: Option) -> bool:
        return condition.name == option.candidate.package.name

    def _require_what_is_common(self, options: list[Option]) -> None:
        """What all options depend on is required, whichever is taken; the versions stay open."""
        common = set.intersection(
            *({each.name for each in self.state.depends(option) if not each.conflict} for option in options)
        )
        for dependency in self.state.depends(options[0]):
            if dependency.name in common and not dependency.conflict:
                name = self.state.name(dependency.name)
                if not name.requirements:
                    name.requirements = 1
                    self._requirements_changed(name)
                    for option, _version in name.offers:
                        option.allow(options[0].tags)

    def _exclude_what_is_alone(self, name: Name, options: list[Option]) -> None:
        """A name that all options provide too is taken by one of them: nobody else can have it."""
        common = set.intersection(*({provided for provided, _version in o.candidate.names} for o in options))
        unversioned = {
            provided for option in options for provided, version in option.candidate.names if not version
        }
        for provided in dict.fromkeys(each for each, _version in options[0].candidate.names):
            if provided not in common or provided == name.name:
                continue
            for option, version in self.state.name(provided).offers:
                counts = version or provided not in unversioned
                if counts and all(each != name.name for each, _version in option.candidate.names):
                    self.exclude(option, f"`{provided}` is provided by all that provide `{name.name}`")
