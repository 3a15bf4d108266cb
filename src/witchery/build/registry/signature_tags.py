"""The tag under which cosign, before its version 3, looks for the signatures of an image.

Only registries have it. On disk a signature of that form is an artifact about the image, of the type that
cosign gave it in its trial of artifacts; pushing turns it into a layer under the tag. A layout has no such
tag: tools that expect one image in it refuse it where another stands beside.
"""

from collections.abc import Iterable, Iterator, Sequence

from witchery.attest.artifacts import CLASSIC
from witchery.attest.simple_signing import MAX_LAYERS, SIGNATURE, image_manifest, tag
from witchery.build.registry.pushing import Pushed, push
from witchery.build.registry.registries import Registries
from witchery.build.registry.session import Session
from witchery.digest import Digest
from witchery.errors import FormatError, NetworkError, Refused, located
from witchery.oci.artifact import Artifact
from witchery.oci.descriptor import Descriptor
from witchery.oci.document import MAX_DOCUMENT
from witchery.oci.manifest import Index, Manifest
from witchery.oci.reference import Reference
from witchery.registry import manifests
from witchery.store.source import ImageSource
from witchery.value import replace

_NOT_FOUND = 404
_TRIES = 5


def apart(artifacts: Iterable[Artifact]) -> tuple[tuple[Artifact, ...], tuple[Artifact, ...]]:
    """Artifacts that stay such in a registry, and those that go under the tag."""
    artifacts = tuple(artifacts)
    tagged = tuple(each for each in artifacts if each.manifest.artifact_type == CLASSIC)
    return tuple(each for each in artifacts if each not in tagged), tagged


def read_tag(session: Session, digest: Digest, suffix: str, scope: str) -> Manifest | None:
    """The manifest under such a tag; None where there is none.

    Raises:
        FormatError: if it is malformed.
        NetworkError: if it cannot be had.
    """
    which = tag(digest, suffix)
    shown = session.repository.shown(which)
    response = session.send(manifests.get(session.repository, which), scope)
    if response.status == _NOT_FOUND:
        response.close()
        return None
    session.expect(response, (200,), f"cannot look for signatures: `{shown}`")
    with located(shown):
        return Manifest.read(response.read(MAX_DOCUMENT))


def carried(
    source: ImageSource, subject: Descriptor, origin: Reference, registries: Registries
) -> Iterator[Artifact]:
    """The signatures under the tag of an image in a registry, as artifacts about it, to be taken elsewhere.

    Raises:
        FormatError: if the manifest under the tag is malformed, or has too many.
        NetworkError: if it cannot be had.
    """
    session = registries.session(origin)
    known = read_tag(session, subject.digest, "sig", session.repository.scope("pull"))
    if known is None:
        return
    if len(known.layers) > MAX_LAYERS:
        name = session.repository.shown(tag(subject.digest))
        raise FormatError(f"more than {MAX_LAYERS} signatures: `{name}`")
    for layer in known.layers:
        yield Artifact.of(subject, CLASSIC, [(layer, source.blob(layer))])


def add(artifacts: Sequence[Artifact], target: Reference, registries: Registries) -> tuple[Pushed, ...]:
    """Brings signatures under the tag of their image; those that are there stay.

    Returns:
        What was sent.

    Raises:
        Refused: if what is there is malformed, or there are too many.
        NetworkError: if the registry cannot be reached, or does not take one.
    """
    sent: list[Pushed] = []
    for subject in dict.fromkeys(each.subject for each in artifacts):
        layers = [each for one in artifacts if one.subject == subject for each in _layers(one)]
        sent += _add(subject, layers, target, registries)
    return tuple(sent)


def _layers(one: Artifact) -> Iterator[tuple[Descriptor, bytes]]:
    for layer in one.manifest.layers:
        yield layer, b"".join(one.contents[layer.digest].chunks())


def _add(
    subject: Digest, layers: Sequence[tuple[Descriptor, bytes]], target: Reference, registries: Registries
) -> Iterator[Pushed]:
    session = registries.session(target)
    scope = session.repository.scope("pull", "push")
    blobs = {layer.digest: data for layer, data in layers}
    for _ in range(_TRIES):
        known = read_tag(session, subject, "sig", scope)
        present = known.layers if known else ()
        there = {_key(each) for each in present}
        missing = [layer for layer, _ in layers if _key(layer) not in there]
        if not missing:
            return
        if len(present) + len(missing) > MAX_LAYERS:
            raise Refused(f"more than {MAX_LAYERS} signatures: `{session.repository.shown(tag(subject))}`")
        manifest, config = image_manifest((*present, *missing))
        blobs[manifest.config.digest] = config
        reference = replace(target, tag=tag(subject), digest=None)
        yield push(_source(manifest, blobs), manifest.descriptor, reference, registries)
    raise NetworkError(
        f"others change the signatures of an image all the time: `{session.repository.shown(tag(subject))}`",
        hint="try again later",
    )


def _key(layer: Descriptor) -> tuple[Digest, str]:
    """What tells two signatures apart: two keys may have signed one payload."""
    return layer.digest, layer.annotations.get(SIGNATURE, "")


def _source(manifest: Manifest, blobs: dict[Digest, bytes]) -> ImageSource:
    def read(descriptor: Descriptor) -> Iterator[bytes]:
        if descriptor.digest == manifest.digest:
            return iter((manifest.raw,))
        data = blobs.get(descriptor.digest)
        if data is None:
            raise FormatError(f"the registry has lost a signature that it lists: `{descriptor.digest}`")
        return iter((data,))

    return ImageSource(Index.of([manifest.descriptor]), read)
