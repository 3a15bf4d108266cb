"""Finding the signatures and attestations that are kept with an image, wherever it is.

They are artifacts about the image (bundles), or stand in a registry under tags that are made of its digest
(`.sig` and `.att`, cosign before its version 3). All of them are read within limits, and what cannot be read
is kept with its reason; see `witchery.attest.signatures.check` for what they are worth.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from witchery.attest import dsse, simple_signing
from witchery.attest.artifacts import CLASSIC
from witchery.attest.bundle import Bundle, is_bundle
from witchery.attest.dsse import Envelope
from witchery.attest.signatures import MAX_BLOB, MAX_CANDIDATES, Candidate, Form
from witchery.attest.simple_signing import MAX_LAYERS, MAX_PAYLOAD, SignedPayload
from witchery.build.registry.signature_tags import read_tag
from witchery.digest import Digest
from witchery.errors import FormatError, Refused
from witchery.oci.artifact import Artifact
from witchery.oci.descriptor import Descriptor
from witchery.oci.manifest import Manifest
from witchery.store.source import Artifacts

if TYPE_CHECKING:
    from witchery.build.registry.copying import Opened
    from witchery.build.registry.registries import Registries
    from witchery.rootfs.content import Content

Readable = SignedPayload | Bundle | Envelope


def find_signatures(
    opened: "Opened",
    registries: "Registries",
    *,
    digest: Digest | None = None,
    artifacts: Artifacts | None = None,
) -> tuple[Candidate, ...]:
    """What may be a signature of an image, or an attestation about it.

    Args:
        opened: The image.
        registries: How registries are reached.
        digest: The digest of the manifest that is meant; by default that of `opened.root`.
        artifacts: What `ImageSource.artifacts` gave for it, where that is known.

    Raises:
        Refused: if a list of signatures is malformed, or longer than what is judged.
        WorldError: if something cannot be had.
    """
    digest = digest or opened.root.digest
    if artifacts is None:
        artifacts = opened.source.artifacts(digest)
    found = [candidate for each in artifacts.found for candidate in _of_artifact(each)]
    found += [Candidate(form=Form.BUNDLE, place="", problem=str(each)) for each in artifacts.unreadable]
    for suffix in ("sig", "att"):
        name = simple_signing.tag(digest, suffix)
        for manifest in _tagged(opened, registries, digest, suffix):
            found += _layers(name, manifest, opened.source.blob)
    if len(found) > MAX_CANDIDATES:
        raise FormatError(f"more than {MAX_CANDIDATES} signatures: `{digest}`")
    return tuple(found)


def _of_artifact(artifact: Artifact) -> Iterator[Candidate]:
    """A bundle has one layer; an artifact of another kind is no signature."""
    manifest = artifact.manifest
    place = str(manifest.digest)
    if is_bundle(manifest.artifact_type):
        (layer, *more) = manifest.layers or (None,)
        if layer is None or more:
            problem = f"an artifact of one bundle, and it has {len(manifest.layers)} blobs"
            yield Candidate(form=Form.BUNDLE, place=place, problem=problem)
        else:
            yield _read(Form.BUNDLE, place, layer, artifact.contents[layer.digest], _bundle)
    elif manifest.artifact_type == CLASSIC:
        yield from _layers(place, manifest, lambda layer: artifact.contents[layer.digest])


def _tagged(opened: "Opened", registries: "Registries", digest: Digest, suffix: str) -> Iterator[Manifest]:
    """The manifests under a tag: in a registry, or beside the image where a tool has copied it."""
    if opened.origin is not None:
        session = registries.session(opened.origin)
        found = read_tag(session, digest, suffix, session.repository.scope("pull"))
        if found is not None:
            yield found
        return
    name = simple_signing.tag(digest, suffix)
    for entry in opened.source.index.manifests:
        if entry.tag == name or entry.tag.endswith(f":{name}"):
            yield Manifest.read(opened.source.document(entry))


def _layers(
    place: str, manifest: Manifest, content: "Callable[[Descriptor], Content]"
) -> Iterable[Candidate]:
    """Each layer is a signature of its own."""
    if len(manifest.layers) > MAX_LAYERS:
        raise FormatError(f"more than {MAX_LAYERS} signatures: `{place}`")
    for number, layer in enumerate(manifest.layers, 1):
        kind = layer.media_type.partition(";")[0].strip().lower()
        where = f"{place} ({number})"
        if kind == simple_signing.MEDIA_TYPE:
            yield _read(Form.CLASSIC, where, layer, content(layer), _classic)
        elif kind == dsse.MEDIA_TYPE:
            yield _read(Form.ENVELOPE, where, layer, content(layer), lambda _, data: Envelope.decode(data))


def _read(
    form: Form,
    place: str,
    layer: Descriptor,
    content: "Content",
    decode: Callable[[Descriptor, bytes], Readable],
) -> Candidate:
    limit = MAX_PAYLOAD if form is Form.CLASSIC else MAX_BLOB
    try:
        if layer.size > limit:
            raise FormatError(f"expected at most {limit} bytes: {layer.size}")
        return Candidate(form=form, place=place, content=decode(layer, b"".join(content.chunks())))
    except Refused as error:
        return Candidate(form=form, place=place, problem=str(error))


def _bundle(_: Descriptor, data: bytes) -> Bundle:
    return Bundle.decode(data)


def _classic(layer: Descriptor, data: bytes) -> SignedPayload:
    return SignedPayload.read(layer, data)
