"""The use case: any subject as a survey: an image in any place, a lock, an application or a configuration.

Layers are read as a stream, one after the other; nothing is unpacked, and of a file's bytes nothing is kept
but what a look into it has shown. What is not built yet is built, and goes nowhere.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Literal

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
from witchery.value import frozen, replace

if TYPE_CHECKING:
    from witchery.build.registries import Registries
    from witchery.build.request import Request
    from witchery.build.workshop import Workshop
    from witchery.config.model import ImageConfig
    from witchery.digest import Digest
    from witchery.lock.model import Lock, LockedArch, LockedPackage


@frozen(kw_only=True)
class Means:
    """What it takes to look at a subject.

    Attributes:
        request: Reads a subject as what is to be built, for one architecture.
        workshop: Where it is built.
        registries: How registries are reached, for as long as the block lasts.
        arch: The architecture to take, where there are several; None for the host's.
        host: The host's.
        fetch: Whether the packages of a lock are fetched; otherwise nothing is known but their names.
    """

    request: "Callable[[str], Request]"
    workshop: "Callable[[], Workshop]"
    registries: "Callable[[], AbstractContextManager[Registries]]"
    arch: Arch | None
    host: Arch
    fetch: bool = True


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
        with located(subject):
            return _locked(subject, means)
    return _built(subject, means.request(subject), means)


def _stored(subject: str, means: Means) -> Survey:
    place = transport.parse(subject)
    with ExitStack() as stack:
        registries = None
        if isinstance(place, transport.RegistryImage):
            registries = stack.enter_context(means.registries())
        found = open_image(place, means.arch or means.host, registries)
        if isinstance(found, Path):
            return _folder(subject, found, means)
        return of_image(subject, found.image, found.contents)


def _built(subject: str, request: "Request", means: Means) -> Surveyed:
    from witchery.build.image import build

    built = build(request, means.workshop())
    found = of_image(subject, built.image, built.contents)
    return Surveyed(replace(found, notes=(*request.notes, *found.notes)), built.config)


def _locked(subject: str, means: Means) -> Surveyed:
    """What a lock comes to: its packages alone, or an image of them with nothing configured."""
    path = Path(subject)
    lock = read_lock(path)
    locked = lock.of(means.arch or means.host) or next(iter(lock))
    if means.arch and locked.arch != means.arch:
        known = ", ".join(each.arch.apk for each in lock)
        raise UsageError(f"not locked for {means.arch}: the lock is for {known}")
    if not means.fetch:
        packages = tuple(sorted(_of_lock(each, locked.arch) for each in locked.packages))
        return Surveyed(Survey(name=subject, arch=locked.arch, packages=packages))
    if locked.payload or not all(each.repository for each in locked.packages):
        raise UsageError(
            f"the lock has packages that no repository has, such as that of an application: `{subject}`",
            hint="name the configuration, with `--locked`, or the image",
        )
    found = _built(subject, _request_of(path, lock, locked), means).survey
    said = "what is in a lock is taken without a configuration: nothing is started, as nobody"
    return Surveyed(replace(found, execution=None, layers=(), digest="", notes=(*found.notes, said)))


def _request_of(path: Path, lock: "Lock", locked: "LockedArch") -> "Request":
    from witchery.build.locked import LockUse
    from witchery.build.request import Request
    from witchery.config.model import Contents, ImageConfig

    shell: Literal["allow", "forbid"] = "forbid" if lock.demand.shell == "forbid" else "allow"
    demand = lock.demand
    contents = Contents(packages=demand.packages, build_repositories=demand.repositories, shell=shell)
    return Request(
        config=ImageConfig(contents=contents),
        name=path.name,
        arch=locked.arch,
        world=locked.world,
        files=(),
        repositories=(),
        keys=(),
        key_urls=(),
        notes=(),
        unasked=True,
        lock=LockUse(lock=lock, path=path),
    )


def _of_lock(package: "LockedPackage", arch: Arch) -> SurveyedPackage:
    return SurveyedPackage(
        name=package.name,
        version=package.version,
        arch=package.arch or arch.apk,
        origin=package.origin or package.name,
        size=package.size,
        installed_size=package.installed_size,
        identity=package.identity,
    )


def of_image(name: str, image: Image, contents: "Mapping[Digest, Content]") -> Survey:
    """An image.

    Args:
        name: What to call it.
        image: The image.
        contents: Its layers, by the digest of their blob.

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
    return Survey(
        name=name,
        arch=arch,
        packages=_packages(installed),
        files=_files(tree),
        owners=owners_of(installed or ()),
        layers=tuple(SurveyedLayer(each.descriptor.digest, each.descriptor.size) for each in image.layers),
        execution=image.config.execution,
        digest=str(image.digest),
        notes=_silent(installed),
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
