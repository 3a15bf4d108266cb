"""The use case: any subject as a survey: an image in any place, a lock, an application or a configuration.

Layers are read as a stream, one after the other; nothing is unpacked, and of a file's bytes nothing is kept
but what a look into it has shown. What is not built yet is built, and goes nowhere.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from witchery.arch import Arch
from witchery.build.image import build
from witchery.build.subjects.image_subject import ImageSubject
from witchery.build.subjects.lock_subject import LockSubject
from witchery.build.subjects.open_root import OpenImage, OpenRoot
from witchery.build.subjects.source_subject import SourceSubject
from witchery.oci.image import Image
from witchery.rootfs.content import Content
from witchery.survey.files import Looking, SurveyedFile
from witchery.survey.survey import Survey, SurveyedLayer, SurveyedPackage, owners_of
from witchery.value import frozen, replace

if TYPE_CHECKING:
    from witchery.build.image import Built
    from witchery.build.subjects.subject import Subject
    from witchery.config.model import ImageConfig
    from witchery.digest import Digest
    from witchery.lock.model import LockedPackage


@frozen
class Surveyed:
    """A survey, and the configuration that it was made by.

    Attributes:
        survey: The survey.
        config: The configuration, where the subject has one.
    """

    survey: Survey
    config: "ImageConfig | None" = None


def survey(subject: "Subject", *, fetch: bool = True) -> Surveyed:
    """Looks at a subject.

    Args:
        subject: An image, a lock, an application or a configuration.
        fetch: Whether the packages of a lock are fetched; otherwise nothing is known but their names.

    Raises:
        UsageError: if it does not have what is looked at.
        Refused: if it is malformed.
        NoSolutionError: if what it asks for cannot be installed together.
        WorldError: if it cannot be had.
    """
    match subject:
        case ImageSubject():
            return Surveyed(_of_root(subject.opened, subject.arch))
        case LockSubject():
            return Surveyed(_locked(subject) if fetch else _listed(subject))
        case SourceSubject():
            found = _of_built(subject.name, subject.built)
            return Surveyed(
                replace(found, notes=(*subject.request.notes, *found.notes)), subject.built.config
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
    opened = OpenImage.of(name, image, contents)
    return _of_root(opened, opened.platform())


def _of_built(name: str, built: "Built") -> Survey:
    return of_image(name, built.image, built.contents)


def _listed(subject: LockSubject) -> Survey:
    """The packages of a lock, as far as it describes them."""
    locked = subject.locked
    packages = tuple(sorted(_of_lock(each, locked.arch) for each in locked.packages))
    return Survey(name=subject.name, arch=locked.arch, packages=packages)


def _locked(subject: LockSubject) -> Survey:
    """What a lock comes to: an image of its packages with nothing configured."""
    found = _of_built(subject.name, build(subject.request, subject.workshop))
    said = "what is in a lock is taken without a configuration: nothing is started, as nobody"
    return replace(found, execution=None, layers=(), digest="", notes=(*found.notes, said))


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


def _of_root(opened: OpenRoot, arch: Arch) -> Survey:
    tree, read = opened.look(Looking().look), opened.listed
    notes: tuple[str, ...] = ()
    layers: tuple[SurveyedLayer, ...] = ()
    if isinstance(opened, OpenImage):
        blobs = opened.image.layer_blobs
        layers = tuple(SurveyedLayer(each.digest, each.size) for each in blobs)
        execution = opened.image.config.execution
    else:
        execution = None
        notes = ("owners are those on this machine",)
    if not read.has_database:
        notes += ("no package database is in it, so nobody can tell its packages",)
    return Survey(
        name=opened.name,
        arch=arch,
        packages=tuple(sorted(SurveyedPackage.of(each.package) for each in read.packages)),
        files={
            path: SurveyedFile(each.entry, each.layer, each.look, each.first) for path, each in tree.items()
        },
        owners=owners_of(read.packages),
        layers=layers,
        execution=execution,
        digest=opened.digest,
        notes=notes,
    )
