"""Small indexes and worlds made at random, dense enough that most rules of the solver come into play."""

import random

from support.indexes import source
from witchery.apk.dependency import Dependency
from witchery.solver.source import Source

_VIRTUAL = ["v", "w"]


class _Maker:
    def __init__(self, rng: random.Random, *, conditions: bool) -> None:
        self.rng = rng
        self.conditions = conditions
        self.names = list("abcdef"[: rng.randint(3, 6)])

    def dependency(self, conflicts: float, versions: float) -> str:
        rng = self.rng
        text = ("!" if rng.random() < conflicts else "") + rng.choice(self.names * 2 + _VIRTUAL)
        if rng.random() < versions:
            text += rng.choice(["=", "<", ">", "<=", ">=", "~"]) + rng.choice("123")
        return text

    def package(self, name: str, version: str) -> str:
        rng = self.rng
        fields = []
        if depends := [self.dependency(0.1, 0.4) for _ in range(rng.choice([0, 0, 1, 1, 2, 3]))]:
            fields.append("D:" + " ".join(depends))
        if provides := [
            rng.choice(_VIRTUAL + self.names) + rng.choice(["", "=1", "=2"])
            for _ in range(rng.choice([0, 0, 0, 1, 1, 2]))
        ]:
            fields.append("p:" + " ".join(provides))
        if self.conditions and rng.random() < 0.2:
            others = [each for each in self.names if each != name]
            conditions = [rng.choice(others) for _ in range(rng.choice([1, 2]))]
            fields.append("i:" + " ".join(conditions))
        if priority := rng.choice([0, 0, 0, 1, 2]):
            fields.append(f"k:{priority}")
        return f"{name}-{version} {'|'.join(fields)}"

    def index(self) -> str:
        rng = self.rng
        return "\n".join(
            self.package(name, version)
            for name in self.names
            for version in rng.sample("123", rng.choice([1, 1, 1, 2, 3]))
            if rng.random() > 0.1
        )


def random_world(
    rng: random.Random, *, conditions: bool = True, tags: bool = True
) -> tuple[list[Source], list[Dependency]]:
    """One or two repositories, the second one maybe tagged, and one to three entries on different names."""
    maker = _Maker(rng, conditions=conditions)
    tag = rng.choice(["", "edge"]) if tags else ""
    sources = [source(maker.index())]
    if tag or rng.random() < 0.3:
        sources.append(source(maker.index(), tag))
    world = {}
    for _ in range(rng.randint(1, 3)):
        entry = Dependency.parse(maker.dependency(0.1, 0.3))
        tagged = tag if rng.random() < 0.5 else ""
        world[entry.name] = Dependency(entry.name, entry.conflict, entry.operator, entry.version, tagged)
    return sources, list(world.values())
