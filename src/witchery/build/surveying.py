"""The use case: any subject as a survey: an image in any place, a lock, an application or a configuration.

Layers are read as a stream, one after the other; nothing is unpacked, and of a file's bytes nothing is kept
but what a look into it has shown. What is not built yet is built, and goes nowhere.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from witchery.apk import installed as database
from witchery.apk.installed import InstalledPackage
from witchery.arch import Arch
from witchery.build import image_files
from witchery.build.opening import open_image
from witchery.build.scanning import is_image
from witchery.build.vuln_sources import LOCK_SUFFIX, read_lock
from witchery.errors import FormatError, UsageError, located
from witchery.oci import transport
from witchery.oci.image import Image
from witchery.rootfs.content import Content
from witchery.store import folder_tree, image_tree
from witchery.store.image_tree import Placed
from witchery.survey.files import Look, Looking, SurveyedFile
from witchery.survey.survey import DATABASES, Survey, SurveyedLayer, SurveyedPackage, owners_of
from witchery.value import frozen

if TYPE_CHECKING:
    from witchery.build.registries import Registries
    from witchery.build.request import Request
    from witchery.build.workshop import Workshop
    from witchery.config.model import ImageConfig
    from witchery.digest import Digest
    from witchery.lock.model import Lock


@frozen(kw_only=True)
class Means:
    """What it takes to look at a subject.

    Attributes:
        requests: Reads the subject as what is to be built.
        workshop: Where it is built.
        registries: How registries are reached.
        arch: The architecture to take, where there are several; None for the host's.
        host: The host's.
    """

    requests: "Callable[[], Sequence[Request]]"
    workshop: "Callable[[], Workshop]"
    registries: "Callable[[], Registries]"
    arch: Arch | None
    host: Arch


@frozen
class Surveyed:
    """A survey, and the configuration that it was made by.

    Attributes:
        survey: The survey.
        config: The configuration, where the subject has one.
    """

    survey: Survey
    config: "ImageConfig | None" = None


def survey(subject: str, means: Means) -> Surveyed:
    """Looks at a subject.

    Args:
        subject: An image in transport notation, a lock, an application or a configuration.
        means: What that takes.

    Raises:
        UsageError: if it is none of these.
        Refused: if it is malformed.
        NoSolutionError: if what it asks for cannot be installed together.
        WorldError: if it cannot be had.
    """
    if is_image(subject):
        with located(subject):
            return Surveyed(_stored(subject, means))
    if subject.endswith(LOCK_SUFFIX):
        return Surveyed(_locked(subject, read_lock(Path(subject)), means))
    return _built(subject, means)


def _stored(subject: str, means: Means) -> Survey:
    place = transport.parse(subject)
    registries = means.registries() if isinstance(place, transport.RegistryImage) else None
    found = open_image(place, means.arch or means.host, registries)
    if isinstance(found, Path):
        return _folder(subject, found, means)
    return of_image(subject, found.image, found.contents)


def _built(subject: str, means: Means) -> Surveyed:
    from witchery.build.image import build

    requests = means.requests()
    wanted = means.arch or means.host
    request = next((each for each in requests if each.arch == wanted), requests[0])
    built = build(request, means.workshop())
    found = of_image(subject, built.image, built.contents, others=len(requests) - 1)
    return Surveyed(found, built.config)


def _locked(subject: str, lock: "Lock", means: Means) -> Survey:
    """The packages of a lock; their files are not in it."""
    wanted = means.arch or means.host
    locked = lock.of(wanted) or next(iter(lock))
    if means.arch and locked.arch != means.arch:
        known = ", ".join(each.arch.apk for each in lock)
        raise UsageError(f"not locked for {means.arch}: the lock is for {known}")
    packages = (
        SurveyedPackage(
            name=each.name,
            version=each.version,
            arch=locked.arch.apk,
            origin=each.origin or each.name,
            size=each.size,
            identity=each.identity,
        )
        for each in locked.packages
    )
    return Survey(
        name=subject,
        arch=locked.arch,
        packages=tuple(sorted(packages)),
        notes=("a lock says which packages there are, not what is in them",),
    )


def of_image(name: str, image: Image, contents: "Mapping[Digest, Content]", *, others: int = 0) -> Survey:
    """An image.

    Args:
        name: What to call it.
        image: The image.
        contents: Its layers, by the digest of their blob.
        others: For how many more architectures it is there.

    Raises:
        FormatError: if a layer is malformed or too large.
        IntegrityError: if one is not what the image says.
    """
    tree = image_tree.read(image, contents, Looking().look)
    stored = image_files.read_files(
        image,
        lambda descriptor: contents[descriptor.digest],
        DATABASES,
        limit=database.MAX_SIZE,
        enough=bool,
    )
    installed = _installed(stored)
    arch = image.config.platform.arch or _arch_of(installed)
    notes = [f"{others} more architectures are not looked at: `--arch` chooses"] if others > 0 else []
    return Survey(
        name=name,
        arch=arch,
        packages=_packages(installed),
        files=_files(tree),
        owners=owners_of(installed or ()),
        layers=tuple(SurveyedLayer(each.descriptor.digest, each.descriptor.size) for each in image.layers),
        execution=image.config.execution,
        digest=str(image.digest),
        notes=(*notes, *_silent(installed)),
    )


def _folder(name: str, root: Path, means: Means) -> Survey:
    tree = folder_tree.read(root, Looking().look)
    installed = _installed(image_files.read_folder(root, DATABASES, limit=database.MAX_SIZE))
    return Survey(
        name=name,
        arch=means.arch or _arch_of(installed, means.host),
        packages=_packages(installed),
        files=_files(tree),
        owners=owners_of(installed or ()),
        notes=("owners are those on this machine", *_silent(installed)),
    )


def _files(tree: Mapping[str, Placed[Look]]) -> dict[str, SurveyedFile]:
    return {path: SurveyedFile(each.entry, each.layer, each.look, each.first) for path, each in tree.items()}


def _installed(files: Mapping[str, bytes]) -> tuple[InstalledPackage, ...] | None:
    """What the package database says; None where there is none."""
    stored = next((files[path] for path in DATABASES if path in files), None)
    if stored is None:
        return None
    with located("package database"):
        return database.parse(stored)


def _packages(installed: tuple[InstalledPackage, ...] | None) -> tuple[SurveyedPackage, ...]:
    return tuple(sorted(SurveyedPackage.of(each.package) for each in installed or ()))


def _silent(installed: tuple[InstalledPackage, ...] | None) -> tuple[str, ...]:
    if installed is not None:
        return ()
    return ("no package database is in it, so nobody can tell its packages",)


def _arch_of(installed: Sequence[InstalledPackage] | None, otherwise: Arch | None = None) -> Arch:
    """The architecture of packages, where nothing else says."""
    for each in installed or ():
        if each.package.arch not in ("", "noarch"):
            return Arch.parse(each.package.arch)
    if otherwise is None:
        raise FormatError("nothing says for which architecture it is")
    return otherwise
