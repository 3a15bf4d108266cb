"""Writing layers: what is read, how often, and how much of it is in memory."""

import gzip
import tracemalloc
from collections.abc import Iterator
from dataclasses import dataclass

from support.packages import make_package, part_of
from witchery.compose.composition import Composition, compose
from witchery.compose.layer import numeric
from witchery.compose.part import Part
from witchery.compose.tree import merge
from witchery.config.model import Layering, PathRule
from witchery.rootfs.accounts import Accounts
from witchery.rootfs.content import Content
from witchery.rootfs.entry import Entry, Kind


@dataclass
class Counted:
    """A content that comes in pieces, as from a disk, and counts how often it is read."""

    inner: Content
    begun: int = 0
    ended: int = 0

    @property
    def size(self) -> int:
        return self.inner.size

    def chunks(self) -> Iterator[bytes]:
        self.begun += 1
        for chunk in self.inner.chunks():
            for start in range(0, len(chunk), 1 << 16):
                yield chunk[start : start + (1 << 16)]
        self.ended += 1


def counted(*packages: bytes) -> tuple[tuple[Part, ...], list[Counted]]:
    parts = [part_of(package) for package in packages]
    contents = [Counted(part.data) for part in parts]
    return tuple(Part(p.package, p.archive, c) for p, c in zip(parts, contents, strict=True)), contents


def flat(parts: tuple[Part, ...], *rules: PathRule) -> Composition:
    return compose(
        merge(parts),
        world=[],
        arch="x86_64",
        accounts=Accounts(),
        paths=rules,
        layering=Layering(strategy="single"),
    )


def write(composition: Composition) -> int:
    """The size of all layers that have to be written."""
    return sum(
        layer.recipe.write(lambda _: None).size for layer in composition.layers if hasattr(layer, "recipe")
    )


def test_each_package_is_read_once_and_to_its_end() -> None:
    """To its end, so that a content that checks itself has done so."""
    parts, contents = counted(
        make_package("a", files={"x": b"1" * 100_000}, hard_links={"y": "x"}),
        make_package("b", files={"z": b"2"}),
    )
    write(flat(parts))
    assert [(each.begun, each.ended) for each in contents] == [(1, 1), (1, 1)]


def test_signed_layers_are_not_read_at_all() -> None:
    parts, contents = counted(make_package("a", files={"x": b"1"}))
    write(compose(merge(parts), world=[], arch="x86_64", accounts=Accounts()))
    assert contents[0].begun == 0


def test_a_package_of_which_nothing_shows_is_not_read() -> None:
    parts, contents = counted(
        make_package("a", files={"x": b"1"}), make_package("b", files={"x": b"2"}, replaces=("a",))
    )
    write(flat(parts))
    assert [each.begun for each in contents] == [0, 1]


def test_memory_does_not_grow_with_the_size_of_files() -> None:
    """84 MB of files, of which a few pieces are in memory at once."""
    files = {f"f{number}": gzip.compress(bytes([number])) * 1_000_000 for number in range(4)}
    parts, _ = counted(
        *(make_package(f"p{number}", files={path: files[path]}) for number, path in enumerate(files))
    )
    assert sum(part.archive.data_unpacked for part in parts) > 80 << 20
    del files
    composition = flat(parts)
    tracemalloc.start()
    try:
        write(composition)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 4 << 20


def test_owners_are_numbers_and_only_root_has_a_name() -> None:
    entry = numeric(Entry("x", Kind.FILE, uid=7, gid=0, uname="web", gname="web"))
    assert (entry.uname, entry.gname) == ("", "root")
