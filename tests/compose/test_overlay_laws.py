"""Laws of composing, on packages that nobody would make."""

import hashlib
from itertools import product

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from support.packages import make_part
from support.unpacked import Root, blobs, unpack
from witchery.compose.composition import Composition, LayerKind, compose
from witchery.compose.node import GENERATED
from witchery.compose.part import Part
from witchery.compose.tree import merge
from witchery.config.model import Layering, PathRule
from witchery.errors import Refused
from witchery.oci.image import MAX_LAYERS
from witchery.rootfs.accounts import Accounts
from witchery.rootfs.entry import Kind
from witchery.value import replace

pytestmark = pytest.mark.property

ACCOUNTS = Accounts(
    passwd="root:x:0:0::/:/bin/sh\nweb:x:100:101::/:/bin/sh\n", group="root:x:0:\nweb:x:101:\n"
)
FOLDERS = ["", "d/", "e/", "d/e/", "usr/d/"]
PATHS = [folder + name for folder, name in product(FOLDERS, ["x", "y", "d", "e"])]
NAMES = ["a", "b", "c", "d"]
OWNERS = [("web", 70, "root", 0), ("root", 9, "web", 101), ("ghost", 7, "ghost", 7)]


@st.composite
def a_part(draw: st.DrawFn, name: str) -> Part:
    contents = draw(st.dictionaries(st.sampled_from(PATHS), st.binary(max_size=2), max_size=4))
    links = draw(
        st.dictionaries(
            st.sampled_from(PATHS),
            st.sampled_from(["usr/d", "/d", "../e", "x", ".", "/usr/../e"]),
            max_size=2,
        )
    )
    hard = draw(
        st.dictionaries(st.sampled_from(PATHS), st.sampled_from(sorted(contents) or ["x"]), max_size=2)
    )
    taken = [*contents, *links, *hard]
    assume(len(set(taken)) == len(taken))
    assume(not any(one.startswith(f"{other}/") for one in taken for other in taken))
    hard = hard if contents else {}
    return make_part(
        name,
        files=contents,
        links=links,
        hard_links=hard,
        folders=draw(
            st.lists(st.sampled_from(["d", "e", "d/e", "usr/d"]), max_size=2).map(
                lambda found: [f for f in found if not any(f == t or f.startswith(f"{t}/") for t in taken)]
            )
        ),
        modes=draw(
            st.dictionaries(st.sampled_from([*PATHS, "d", "e"]), st.sampled_from([0o600, 0o2755, 0o1777]))
        ),
        owners=draw(st.dictionaries(st.sampled_from([*PATHS, "d"]), st.sampled_from(OWNERS), max_size=2)),
        replaces=tuple(draw(st.lists(st.sampled_from(NAMES), unique=True, max_size=3))),
        replaces_priority=draw(st.sampled_from([None, 1, 2])),
        origin=draw(st.sampled_from(["", "o", "a"])),
    )


@st.composite
def some_parts(draw: st.DrawFn) -> list[Part]:
    names = draw(st.lists(st.sampled_from(NAMES), unique=True, min_size=1, max_size=4))
    return [draw(a_part(name)) for name in names]


rules = st.lists(
    st.one_of(
        st.builds(
            PathRule,
            path=st.sampled_from(PATHS),
            type=st.sampled_from(["permissions", "directory", "empty-file"]),
            permissions=st.sampled_from([0o600, 0o711]),
            uid=st.sampled_from([None, 3]),
        ),
        st.builds(
            PathRule,
            path=st.sampled_from(PATHS),
            type=st.sampled_from(["hardlink", "symlink"]),
            source=st.sampled_from(PATHS),
        ),
    ),
    max_size=2,
)


def composed(parts: list[Part], paths: list[PathRule], layering: Layering) -> Composition:
    return compose(merge(parts), world=[], arch="x86_64", accounts=ACCOUNTS, paths=paths, layering=layering)


def intended(composition: Composition) -> dict[str, tuple[str, int, str, object]]:
    """What the assembly says stands where, with contents looked up in the packages."""
    assembly = composition.assembly
    found: dict[str, tuple[str, int, str, object]] = {}
    for path, node in assembly.nodes.items():
        entry, content = node.entry, b""
        kind = {Kind.DIRECTORY: "d", Kind.SYMLINK: "l"}.get(entry.kind, "f")
        home = assembly.nodes[entry.target] if entry.kind is Kind.HARDLINK else node
        if kind == "f" and home.owner == GENERATED:
            content = b"".join(assembly.generated[home.entry.path].content.chunks())
        elif kind == "f":
            content = home.entry.checksum
        elif kind == "l":
            content = entry.target.encode()
        mode = 0o777 if kind == "l" else entry.mode
        found[path] = (kind, mode, f"{entry.uid}:{entry.gid}", content)
    return found


def shown(composition: Composition, root: Root) -> dict[str, tuple[str, int, str, object]]:
    found: dict[str, tuple[str, int, str, object]] = {}
    for path, inode in root.items():
        node = composition.assembly.nodes.get(path)
        entry = node.entry if node else None
        home = composition.assembly.nodes[entry.target] if entry and entry.kind is Kind.HARDLINK else node
        copied = inode.kind == "f" and home is not None and home.owner != GENERATED
        content = hashlib.sha1(inode.data).digest() if copied else inode.data
        found[path] = (inode.kind, inode.mode, inode.owner, content)
    return found


LAYERINGS = [
    Layering(),
    Layering(budget=2),
    replace(Layering(), strategy="origin", budget=2),
    replace(Layering(), strategy="single"),
]


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow]
)
@given(parts=some_parts(), paths=rules)
def test_layers_show_the_assembled_tree_however_they_are_divided(
    parts: list[Part], paths: list[PathRule]
) -> None:
    try:
        compositions = [composed(parts, paths, layering) for layering in LAYERINGS]
    except Refused:
        assume(False)
        raise
    for composition, layering in zip(compositions, LAYERINGS, strict=True):
        root = unpack(blobs(composition))
        expected = intended(composition)
        implied = {
            path: described for path, described in shown(composition, root).items() if path not in expected
        }
        assert all(described[:3] == ("d", 0o755, "0:0") for described in implied.values())
        assert {path: what for path, what in shown(composition, root).items() if path in expected} == expected
        assert len(composition.layers) <= min(layering.budget + 1, MAX_LAYERS)
        assert sum(layer.kind is LayerKind.TOP for layer in composition.layers) == (
            layering.strategy != "single"
        )


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow]
)
@given(parts=some_parts())
def test_a_package_without_conflicts_loses_nothing(parts: list[Part]) -> None:
    """Every path of every package is in the tree, is another's, or was a link to itself."""
    try:
        tree = merge(parts)
    except Refused:
        assume(False)
        raise
    for position in range(len(parts)):
        for entry, path in tree.placed(position):
            if not path:
                continue
            node = tree.nodes.get(path)
            if entry.path in tree.lost.get(position, {}):
                continue
            assert node is not None
            if entry.kind is not Kind.DIRECTORY:
                assert node.owner == position
    assert {path for path, node in tree.nodes.items() if node.owner >= len(parts)} == set()
