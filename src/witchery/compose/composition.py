"""An image as layers: `compose` is where everything in this room comes together."""

from collections.abc import Iterable, Sequence
from enum import Enum
from typing import Final, NamedTuple

from witchery.apk.dependency import Dependency
from witchery.compose import database, plan, rules
from witchery.compose.assembly import Assembler, Assembly
from witchery.compose.layer import Recipe
from witchery.compose.notes import Note
from witchery.compose.owners import Names, Owners
from witchery.compose.part import Generated, Part
from witchery.compose.reasons import Because
from witchery.compose.recipes import Recipes
from witchery.compose.tree import Tree
from witchery.config.model import Layering, PathRule
from witchery.digest import Digest
from witchery.value import frozen

ANNOTATION: Final = "dev.witchery.layer."
"""How the names of layer annotations begin."""


class LayerKind(Enum):
    """Where the bytes of a layer come from."""

    SIGNED = "signed"
    PAYLOAD = "payload"
    DERIVED = "derived"
    TOP = "top"


@frozen
class Signed:
    """A package's data segment as it is.

    Attributes:
        part: The package.
    """

    part: Part

    @property
    def kind(self) -> LayerKind:
        """`LayerKind.SIGNED`; `LayerKind.PAYLOAD` for the application, which no distribution signed."""
        return LayerKind.PAYLOAD if self.part.own else LayerKind.SIGNED

    @property
    def parts(self) -> tuple[Part, ...]:
        """The package."""
        return (self.part,)

    @property
    def reasons(self) -> tuple[Because, ...]:
        """None: nothing was rewritten."""
        return ()

    @property
    def digest(self) -> Digest:
        """Digest of the blob: what the package's signature covers."""
        return self.part.archive.data

    @property
    def size(self) -> int:
        """Size of the blob, in bytes."""
        return self.part.archive.data_size

    @property
    def diff_id(self) -> Digest:
        """Digest of the tar."""
        return self.part.archive.diff_id


@frozen
class Derived:
    """A layer that has to be written.

    Attributes:
        kind: `LayerKind.DERIVED` or `LayerKind.TOP`.
        parts: The packages in it, in the order of installation.
        reasons: Why it is not signed.
        recipe: What is in it; writes it, and names what it will write.
    """

    kind: LayerKind
    parts: tuple[Part, ...]
    reasons: tuple[Because, ...]
    recipe: Recipe


LayerPlan = Signed | Derived


class Row(NamedTuple):
    """A layer in words, for `--explain-layers`.

    Attributes:
        kind: `signed`, `payload`, `derived` or `top`.
        packages: The packages in it, as `name-version`.
        digest: Digest of the blob where it is known beforehand, else empty.
        size: Its size in bytes where that is known, else 0.
        reasons: Why it is not signed, a sentence each.
    """

    kind: str
    packages: tuple[str, ...]
    digest: str
    size: int
    reasons: tuple[str, ...]


@frozen(kw_only=True)
class Composition:
    """An image as layers.

    Attributes:
        layers: The layers, the lowest first.
        assembly: What stands where, and why.
        created: The time of what was generated, in seconds since 1970.
    """

    layers: tuple[LayerPlan, ...]
    assembly: Assembly
    created: int

    @property
    def notes(self) -> tuple[Note, ...]:
        """Remarks; those with `is_warning` concern the author of the image."""
        return self.assembly.notes

    def explain(self) -> tuple[Row, ...]:
        """Every layer in words, the lowest first."""
        return tuple(
            Row(
                layer.kind.value,
                tuple(str(part) for part in layer.parts),
                str(layer.digest) if isinstance(layer, Signed) else "",
                layer.size if isinstance(layer, Signed) else 0,
                tuple(str(reason) for reason in layer.reasons),
            )
            for layer in self.layers
        )


def compose(
    tree: Tree,
    *,
    world: Iterable[Dependency],
    arch: str,
    accounts: Names,
    generated: Iterable[Generated] = (),
    paths: Sequence[PathRule] = (),
    layering: Layering | None = None,
    created: int | None = None,
) -> Composition:
    """Divides an image into layers.

    Args:
        tree: The files of its packages; see `witchery.compose.tree.merge`.
        world: What was asked for, not what came of it; the image's `etc/apk/world`.
        arch: Alpine's name of the architecture; the image's `etc/apk/arch`.
        accounts: Users and groups, for the owners of files.
        generated: Files that no package brings; a later one takes the place of an earlier one. An entry
            without a time gets `created`.
        paths: The user's rules, applied after all else.
        layering: How packages become layers; by default one each.
        created: Time of what is generated, in seconds since 1970; by default that of the newest package.

    Raises:
        Refused: if something generated, or a rule, does not fit what is there.
    """
    if created is None:
        created = newest(tree.parts)
    layering = layering or Layering()
    owners = Owners(accounts)
    assembler = Assembler(tree, created)
    assembler.settle_owners(owners)
    for each in (*database.files(tree, world, arch, owners), *generated):
        assembler.place(each)
    rules.apply(assembler, paths)
    assembly = assembler.finish()
    layers = _layers(assembly, layering, created)
    return Composition(layers=layers, assembly=assembly, created=created)


def newest(parts: Iterable[Part]) -> int:
    """When the newest of some packages was built, in seconds since 1970."""
    return max((part.package.build_time for part in parts), default=0)


def annotations(layer: LayerPlan) -> dict[str, str]:
    """What the descriptor of a layer says of it."""
    said = {"kind": layer.kind.value}
    if len(layer.parts) == 1:
        said |= {"package": layer.parts[0].name, "version": layer.parts[0].package.version}
    elif layer.parts:
        said["packages"] = " ".join(str(part) for part in layer.parts)
    if layer.reasons:
        said["reason"] = "; ".join(str(reason) for reason in layer.reasons)
    return {ANNOTATION + name: text for name, text in said.items()}


def created_by(layer: LayerPlan) -> str:
    """What the history of an image says of a layer, in one line."""
    match layer.parts:
        case ():
            what = "generated files"
        case (part,):
            what = str(part)
        case parts:
            what = f"{len(parts)} packages"
    return f"witchery: {what} ({layer.kind.value})"


def _layers(assembly: Assembly, layering: Layering, created: int) -> tuple[LayerPlan, ...]:
    parts = assembly.tree.parts
    recipes = Recipes(assembly, created)
    groups = plan.groups(assembly, layering.strategy, layering.budget)
    if layering.strategy == "single":
        members = groups[0].parts if groups else ()
        reasons = groups[0].reasons if groups else ()
        flat = recipes.of(members, with_top=True)
        return (Derived(LayerKind.DERIVED, tuple(parts[each] for each in members), reasons, flat),)
    layers: list[LayerPlan] = []
    for group in groups:
        if not group.reasons:
            layers.append(Signed(parts[group.parts[0]]))
            continue
        recipe = recipes.of(group.parts)
        if not recipe.empty:
            members = tuple(sorted(group.parts))
            layers.append(
                Derived(LayerKind.DERIVED, tuple(parts[each] for each in members), group.reasons, recipe)
            )
    top = recipes.of((), with_top=True)
    return tuple(layers) if top.empty else (*layers, Derived(LayerKind.TOP, (), (), top))
