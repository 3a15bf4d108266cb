"""The use case: from a request to an image, and the contents of its layers."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import TYPE_CHECKING

from witchery.build.parts import Gathered, LocalPackage, Resolution, gather, resolve
from witchery.build.request import Request
from witchery.build.workshop import Workshop
from witchery.compose import apk_files, shell, tree
from witchery.compose.composition import (
    Composition,
    Derived,
    LayerKind,
    LayerPlan,
    Signed,
    annotations,
    compose,
    created_by,
)
from witchery.compose.effects import Effects, effects
from witchery.compose.files import Files
from witchery.compose.layer import Written
from witchery.compose.part import Generated, Part
from witchery.config.model import ImageConfig
from witchery.digest import Digest
from witchery.errors import WitcheryError
from witchery.oci import media
from witchery.oci.config import Execution, History, rfc3339
from witchery.oci.descriptor import Descriptor
from witchery.oci.image import Image, Layer
from witchery.oci.image import build as build_image
from witchery.repository.access import Access
from witchery.repository.cache import Cache
from witchery.repository.cache import Layer as CachedLayer
from witchery.repository.keyrings import embedded_keys
from witchery.rootfs.content import BytesContent, Content
from witchery.value import frozen

if TYPE_CHECKING:
    from witchery.build.application import Application
    from witchery.payload.findings import Finding

AUTHOR = "witchery"
_TITLE = "org.opencontainers.image."


@frozen(kw_only=True)
class Built:
    """An image that was composed, not yet delivered anywhere.

    Attributes:
        image: Manifest, configuration and layers.
        contents: The bytes of its layers, by the digest of their blob; they check themselves.
        gathered: Its packages, and how they were chosen.
        composition: Its layers, and why each is what it is.
        effects: What is in it besides the packages' files.
        config: Its configuration, with what the application brings.
        application: What it was built for, where that is no package.
        findings: What the proof on paper that the application loads has to remark.
    """

    image: Image
    contents: Mapping[Digest, Content]
    gathered: Gathered
    composition: Composition
    effects: Effects
    config: ImageConfig
    application: "Application | None" = None
    findings: "tuple[Finding, ...]" = ()

    @property
    def parts(self) -> tuple[Part, ...]:
        """Its packages, in apk's order."""
        return self.gathered.parts

    @property
    def providers(self) -> Mapping[str, str]:
        """The package that meets each dependency of the application, as `name-version`."""
        own = {each.package.name for each in self.gathered.resolution.local if each.own}
        return {
            str(dependency): str(selected.package)
            for selected in self.gathered.resolution.solution
            for reason in selected.reasons
            if own.intersection(reason.packages)
            for dependency in reason.dependencies
        }

    @property
    def trusted(self) -> bool:
        """Whether a known key vouches for everything in it."""
        return self.gathered.trusted

    @property
    def warnings(self) -> tuple[str, ...]:
        """What may not be what was meant, a sentence each."""
        untrusted = () if self.trusted else ("not everything in the image is signed by a known key",)
        remarks = tuple(str(note) for note in self.composition.notes if note.is_warning)
        return (*untrusted, *self.effects.warnings, *remarks)

    @property
    def notes(self) -> tuple[str, ...]:
        """What is good to know, a sentence each."""
        remarks = tuple(str(note) for note in self.composition.notes if not note.is_warning)
        shell_note = shell.note(self.parts, self.gathered.resolution.world)
        return (*([shell_note] if shell_note else []), *remarks)


@frozen(kw_only=True)
class Planned:
    """An image that is solved for, and of which nothing is fetched yet but indexes.

    Attributes:
        request: What is to be built.
        access: How repositories are reached.
        application: What it is for, where that is no package.
        config: Its configuration, with what the application brings.
        resolution: Its packages.
        gathered: The same with the packages themselves, where it is built from a lock.
    """

    request: Request
    access: Access
    application: "Application | None"
    config: ImageConfig
    resolution: Resolution
    gathered: Gathered | None = None


def build(request: Request, workshop: Workshop) -> Built:
    """Builds an image.

    Raises:
        NoSolutionError: if its packages cannot be installed together.
        Refused: if an input is malformed or untrusted.
        WorldError: if the network or the disk fails.
    """
    return complete(plan(request, workshop), workshop)


def plan(request: Request, workshop: Workshop) -> Planned:
    """Reads the application and solves; nothing is fetched but indexes.

    Raises:
        WitcheryError: as `build`.
    """
    lock = request.lock
    request = lock.adjusted(request) if lock else request
    access = workshop.access(request.keys, request.key_urls, request.arch)
    application = _application(request, access, workshop)
    config = application.configured(request.config) if application else request.config
    if lock and request.condition:
        request.condition.check_lock(request, access)
    with _explained(application):
        asked = _asked(request, access, application)
        gathered = lock.gather(*asked) if lock else None
        resolution = gathered.resolution if gathered else resolve(*asked)
    return Planned(
        request=request,
        access=access,
        application=application,
        config=config,
        resolution=resolution,
        gathered=gathered,
    )


def collect(planned: Planned) -> Gathered:
    """Fetches the packages of an image, and checks them.

    Raises:
        WitcheryError: as `build`.
    """
    if planned.gathered:
        return planned.gathered
    with _explained(planned.application):
        asked = _asked(planned.request, planned.access, planned.application)
        return gather(*asked, resolution=planned.resolution)


def complete(planned: Planned, workshop: Workshop) -> Built:
    """Fetches the packages of an image, checks them, and composes it.

    Raises:
        WitcheryError: as `build`.
    """
    request, access, application = planned.request, planned.access, planned.application
    config = planned.config
    gathered = collect(planned)
    resolution, parts = gathered.resolution, gathered.parts
    merged = tree.merge(parts)
    done = effects(parts, Files(merged), config, releases=resolution.releases)
    generated = (*done.generated, *_apk_files(request, parts, access))
    created = workshop.source_date
    if config.sbom.in_image:
        from witchery.build import bills

        generated += bills.in_image(
            gathered, merged, generated, config=config, application=application, created=created
        )
    composition = compose(
        merged,
        world=resolution.world,
        arch=request.arch.apk,
        accounts=done.accounts,
        generated=generated,
        paths=config.paths,
        layering=config.layering,
        created=created,
    )
    findings = application.proven(composition, gathered, config) if application else ()
    writer = _LayerWriter(access.cache)
    layers = tuple(writer.layer(each, composition.created) for each in composition.layers)
    image = build_image(
        layers,
        arch=request.arch,
        execution=_execution(config, done),
        created=rfc3339(composition.created),
        author=AUTHOR,
        annotations=_annotations(config, composition.created, gathered),
    )
    return Built(
        image=image,
        contents=MappingProxyType(writer.contents),
        gathered=gathered,
        composition=composition,
        effects=done,
        config=config,
        application=application,
        findings=findings,
    )


def _application(request: Request, access: Access, workshop: Workshop) -> "Application | None":
    if not request.payload:
        return None
    from witchery.build.application import prepare

    return prepare(request, access, mtime=workshop.source_date or 0)


def _asked(
    request: Request, access: Access, application: "Application | None"
) -> tuple[Request, Access, tuple[LocalPackage, ...]]:
    """What is to be solved for: the request, and the application in it."""
    if application is None:
        return request, access, ()
    return application.asking(request), access, (application.package,)


@contextmanager
def _explained(application: "Application | None") -> Iterator[None]:
    """Adds the evidence for the application's needs to errors about packages."""
    try:
        yield
    except WitcheryError as error:
        raise application.explained(error) if application else error from error.__cause__


def _apk_files(request: Request, parts: tuple[Part, ...], access: Access) -> tuple[Generated, ...]:
    """What `apk` needs where it is in the image; the keys that come with Witchery are in `alpine-keys`."""
    contents = request.config.contents
    shipped = {key.name for key in embedded_keys(request.arch)}
    return apk_files.generate(
        parts,
        repositories=[
            str(each) for each in request.repositories if not each.is_local and each not in request.hidden
        ],
        keys=[key for name, key in access.keys.items() if name not in shipped],
        runtime_repositories=contents.runtime_repositories,
        runtime_keys=contents.runtime_keyring,
    )


class _LayerWriter:
    """Turns plans into layers; what has to be written goes into the cache, and is found there again."""

    def __init__(self, cache: Cache) -> None:
        self._cache = cache
        self.contents: dict[Digest, Content] = {}

    def layer(self, plan: LayerPlan, created: int) -> Layer:
        """The layer of a plan."""
        if isinstance(plan, Signed):
            self.contents[plan.digest] = plan.part.data
            done = Written(plan.digest, plan.size, plan.diff_id)
        elif plan.kind is LayerKind.TOP:
            data = bytearray()
            done = plan.recipe.write(data.extend)
            self.contents[done.digest] = BytesContent(bytes(data))
        else:
            done = self._known(plan) or self._write(plan)
            self.contents[done.digest] = self._cache.blobs.content(done.digest)
        descriptor = Descriptor(
            media_type=media.LAYER_GZIP, digest=done.digest, size=done.size, annotations=annotations(plan)
        )
        history = History(created=rfc3339(created), created_by=created_by(plan), author=AUTHOR)
        return Layer(descriptor, done.diff_id, history)

    def _known(self, plan: Derived) -> Written | None:
        """What the same recipe gave before, where the cache still has it."""
        record = self._cache.layer(plan.recipe.key())
        return Written(record.digest, record.size, record.diff_id) if record else None

    def _write(self, plan: Derived) -> Written:
        with self._cache.blobs.writing() as blob:
            done = plan.recipe.write(blob.write)
        self._cache.keep_layer(
            plan.recipe.key(), CachedLayer(digest=done.digest, size=done.size, diff_id=done.diff_id)
        )
        return done


def _execution(config: ImageConfig, done: Effects) -> Execution:
    """How a runtime starts the image."""
    return Execution(
        user=_user(config.accounts.run_as, done),
        env=tuple(f"{name}={value}" for name, value in sorted(config.environment.items())),
        entrypoint=config.entrypoint.argv,
        cmd=config.cmd,
        working_dir=config.work_dir,
        ports=tuple(config.ports),
        volumes=tuple(config.volumes),
        stop_signal=config.stop_signal,
        labels={**config.annotations, **config.labels},
    )


def _user(run_as: str, done: Effects) -> str:
    """A user by number, so that whoever forbids root can tell without looking into the image."""
    name, colon, group = run_as.partition(":")
    uid = done.accounts.uid(name)
    gid = done.accounts.gid(group) if group else None
    user = name if uid is None else str(uid)
    return f"{user}{colon}{group if gid is None else gid}"


def _annotations(config: ImageConfig, created: int, gathered: Gathered) -> dict[str, str]:
    """The manifest's annotations: those that follow from the configuration, and the author's."""
    source, revision = config.source_and_revision
    dropped = " ".join(str(each.package) for each in gathered.verdicts if not each.needed)
    known = {
        f"{_TITLE}created": rfc3339(created),
        f"{_TITLE}source": source,
        f"{_TITLE}revision": revision,
        "dev.witchery.shell.dropped": dropped,
        "dev.witchery.untrusted": "" if gathered.trusted else "true",
    }
    return {name: text for name, text in known.items() if text} | dict(config.annotations)
