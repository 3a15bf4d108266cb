"""Will it load? All ELF files of an application, or of an image, are linked on paper with what is there."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from witchery.apk.index import Index
from witchery.arch import Arch
from witchery.build import linking
from witchery.build.image_root import ImageRoot
from witchery.build.parts import Gathered
from witchery.compose.assembly import Assembly
from witchery.compose.composition import Composition
from witchery.elf import glibc
from witchery.elf.file import Elf
from witchery.loader.loading import libc_path
from witchery.loader.proof import Proof, likelier_first, prove
from witchery.loader.search import DEFAULT_PATH, path_file
from witchery.payload.findings import Finding
from witchery.payload.tree import Payload

MAX_PATH_FILE = 1 << 16
"""The largest `/etc/ld-musl-ARCH.path` that is read, in bytes."""
MAX_HOSTS = 512
"""How many programs of the image are tried as hosts of plugins."""


class Proven(NamedTuple):
    """What linking an application on paper came to.

    Attributes:
        proof: Each of its ELF files, linked.
        findings: What does not load, and what would help.
    """

    proof: Proof
    findings: tuple[Finding, ...]


def prove_image(payload: Payload, composition: Composition, gathered: Gathered) -> tuple[Finding, ...]:
    """Links the application of an image on paper: its own ELF files, with all that they load.

    Returns:
        What does not load.

    Raises:
        IntegrityError: if a package changed since it was checked.
        FormatError: if `/etc/ld-musl-ARCH.path` is too large.
    """
    indexes = [each.index for each in gathered.resolution.indexes]
    return link_image(composition.assembly, payload.elves, payload.arch, indexes).findings


def link_image(
    assembly: Assembly, elves: Mapping[str, Elf], arch: Arch, indexes: Sequence[Index] = ()
) -> Proven:
    """Links the application of an image on paper.

    Args:
        assembly: What stands where in the image.
        elves: The application's ELF files by their paths in its package.
        arch: What the image is to run on.
        indexes: The indexes that were searched, to name packages that would help.

    Raises:
        IntegrityError: if a package changed since it was checked.
        FormatError: if `/etc/ld-musl-ARCH.path` is too large.
    """
    root = ImageRoot(assembly, elves)
    proof = prove(
        root,
        root.own_elves(),
        hosts=lambda plugin: _hosts(root, plugin),
        unproven=_is_for_glibc,
        arch=arch,
        default_path=_default_path(root.text, elves.values(), arch),
    )
    return Proven(proof, linking.findings(proof, root, indexes))


def prove_root(payload: Payload) -> Proof:
    """Links everything in an image on paper; its files are given as an application at the top.

    Raises:
        FormatError: if `/etc/ld-musl-ARCH.path` is too large.
        StorageError: if that cannot be read.
    """

    def text(path: str, limit: int) -> str | None:
        real = payload.locate(path)
        file = None if real is None else payload.files[real]
        is_file = file is not None and file.is_file
        return file.read(limit).decode("utf-8", "surrogateescape") if file and is_file else None

    return prove(
        payload,
        payload.elves,
        unproven=_is_for_glibc,
        arch=payload.arch,
        default_path=_default_path(text, payload.elves.values(), payload.arch),
    )


def _is_for_glibc(elf: Elf) -> bool:
    return glibc.proof(elf) is not None


def _default_path(
    text: Callable[[str, int], str | None], elves: Iterable[Elf], arch: Arch
) -> tuple[str, ...]:
    """Where the image's loader looks at last."""
    fitting = next((each for each in elves if each.fits(arch)), None)
    libc = None if fitting is None else libc_path(fitting.header)
    if libc is None:
        return DEFAULT_PATH
    name = libc.rpartition("/")[2].removesuffix(".so.1")
    found = text(f"etc/{name}.path", MAX_PATH_FILE)
    return DEFAULT_PATH if found is None else path_file(found)


def _hosts(root: ImageRoot, plugin: str) -> Iterator[str]:
    """The image's programs that could load a plugin, the likeliest first; a package's are read at once."""
    programs = likelier_first(root.programs(), plugin)[:MAX_HOSTS]
    seen: set[str] = set()
    for path in programs:
        package = root.owner(path)
        if package not in seen:
            seen.add(package)
            root.fetch(each for each in programs if root.owner(each) == package)
        yield path
