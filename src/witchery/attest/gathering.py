"""Evidence of an image that was just composed."""

from collections.abc import Mapping

from witchery.arch import Arch
from witchery.attest.evidence import DATA, Evidence, Proof, ProvenLayer
from witchery.compose.composition import Composition, Derived, LayerPlan
from witchery.compose.layer import Recipe
from witchery.compose.part import Part
from witchery.compose.tree import Tree
from witchery.digest import Digest
from witchery.oci.artifact import Artifact
from witchery.oci.descriptor import Descriptor
from witchery.oci.image import Image, Layer
from witchery.rootfs.content import Content
from witchery.rootfs.entry import Kind
from witchery.value import replace

_SMALL = 4096  # bytes of a data segment without files: it comes along, to show that it has none


def evidence_of(image: Image, composition: Composition, arch: Arch, *, with_data: bool = True) -> Artifact:
    """The evidence of an image.

    Args:
        image: The image.
        composition: What its layers are made of, in the same order.
        arch: What it runs on.
        with_data: Whether the data segments of packages in derived layers come along. With them the image
            can be verified, and built again, from its registry alone; without them from wherever else the
            packages are.
    """
    parts = composition.assembly.tree.parts
    positions = {part.name: number for number, part in enumerate(parts)}
    layers = tuple(
        _layer(plan, layer, positions, composition.assembly.tree)
        for plan, layer in zip(composition.layers, image.layers, strict=True)
    )
    placed = {part.name for plan in composition.layers for part in plan.parts}
    rewritten = [plan for plan in composition.layers if isinstance(plan, Derived)]
    derived = {part.name for plan in rewritten for part in plan.parts}
    proofs = []
    contents: dict[Digest, Content] = {}
    for part in parts:
        proof = Proof(head=part.archive.head, own=part.own)
        is_small = part.name not in placed and part.archive.data_size <= _SMALL
        if is_small or (with_data and part.name in derived):
            data = Descriptor(media_type=DATA, digest=part.archive.data, size=part.archive.data_size)
            proof, contents[data.digest] = replace(proof, data=data), part.data
        proofs.append(proof)
    evidence = Evidence(arch=arch, execution=image.config.execution, packages=tuple(proofs), layers=layers)
    return evidence.artifact(image.manifest.descriptor, contents)


def _layer(plan: LayerPlan, layer: Layer, positions: Mapping[str, int], tree: Tree) -> ProvenLayer:
    found = ProvenLayer(
        digest=layer.descriptor.digest,
        kind=plan.kind.value,
        packages=tuple(positions[part.name] for part in plan.parts),
    )
    if not isinstance(plan, Derived):
        return found
    recipe = plan.recipe
    taken = {copy.part.name: copy.entries for copy in recipe.copies}
    missing = {positions[part.name]: _missing(part, taken.get(part.name, {})) for part in plan.parts}
    return replace(
        found,
        links=_links(recipe, tree),
        missing={position: paths for position, paths in missing.items() if paths},
    )


def _links(recipe: Recipe, tree: Tree) -> dict[str, int]:
    """The links that lie on the way to files that stand elsewhere than in their packages."""
    folders: set[str] = set()
    for copy in recipe.copies:
        for source, entry in copy.entries.items():
            parent = source.rpartition("/")[0]
            while source != entry.path and parent and parent not in folders:
                folders.add(parent)
                parent = parent.rpartition("/")[0]
    return {path: tree.nodes[path].owner for path in sorted(folders) if path in tree.links.targets}


def _missing(part: Part, taken: Mapping[str, object]) -> tuple[str, ...]:
    """The paths of a package that its layer leaves out."""
    return tuple(
        entry.path for entry in part.entries if entry.kind is not Kind.DIRECTORY and entry.path not in taken
    )
