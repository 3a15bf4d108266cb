"""The use case: artifacts about an image, brought to where it is, and read from there."""

from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress

from witchery.attest import evidence
from witchery.build.registry import signature_tags
from witchery.build.registry.pulling import list_artifacts
from witchery.build.registry.pushing import Pushed, fetch_manifest, push, source_of_artifact
from witchery.build.registry.registries import Registries
from witchery.build.registry.session import Session
from witchery.digest import Digest
from witchery.errors import FormatError, NetworkError, Refused
from witchery.oci import media
from witchery.oci.artifact import Artifact, by_subject, tag_of, with_artifacts
from witchery.oci.descriptor import Descriptor
from witchery.oci.manifest import Index, Manifest
from witchery.oci.reference import Reference
from witchery.registry import manifests
from witchery.registry.refusal import Refusal
from witchery.store.source import MAX_NESTING, ImageSource
from witchery.value import replace

_TRIES = 5
_MAX_BEFORE = 16
_MANY_BLOBS = frozenset({evidence.DOCUMENT})
"""The types of artifacts that are made of so many blobs that it pays to look at those of before."""


def attach(
    artifacts: Sequence[Artifact], target: Reference, registries: Registries, image: Pushed | None = None
) -> tuple[Pushed, ...]:
    """Brings artifacts to the image that they are about, in a registry; what is there already stays.

    Signatures of cosign's older form go under their tag, see `signature_tags`.

    Args:
        artifacts: The artifacts.
        target: The repository.
        registries: How registries are reached.
        image: How the image came to the registry just now: what is about the one before is much the same.

    Returns:
        What was sent, an entry for each artifact that was not there.

    Raises:
        Refused: if an artifact is malformed or damaged, or the registry's list is.
        NetworkError: if the registry cannot be reached, or does not take one.
    """
    session = registries.session(target)
    scope = session.repository.scope("pull", "push")
    fresh = bool(image and image.manifests)
    artifacts, tagged = signature_tags.apart(artifacts)
    assumed = _of_before(image.replaced, session, scope) if image and artifacts else set[Digest]()
    done = list(signature_tags.add(tagged, target, registries))
    for subject, about in by_subject(artifacts).items():
        known, kept = (None, False) if fresh else list_artifacts(session, subject, scope)
        present = {entry.digest for entry in known.manifests} if known else set[Digest]()
        missing = [each for each in about if each.manifest.digest not in present]
        sent = [_push(each, target, registries, assumed) for each in missing]
        done += sent
        if missing and not kept and not all(each.listed for each in sent):
            _list(session, subject, missing, scope)
    return tuple(done)


def _push(
    artifact: Artifact, target: Reference, registries: Registries, assumed: Collection[Digest]
) -> Pushed:
    source, root = source_of_artifact(artifact)
    named = replace(target, tag="", digest=root.digest)
    return push(source, root, named, registries, assumed=assumed)


def _of_before(replaced: Sequence[Digest], session: Session, scope: str) -> set[Digest]:
    """What the artifacts are made of that are about an image of before."""
    found: set[Digest] = set()
    with suppress(Refused, NetworkError):  # then blobs are asked for one by one
        for subject in replaced[:_MAX_BEFORE]:
            index, _ = list_artifacts(session, subject, scope)
            for entry in index.manifests[-_MAX_BEFORE:]:
                if entry.artifact_type in _MANY_BLOBS:
                    _, raw = fetch_manifest(session, entry.digest, scope)
                    manifest = Manifest.read(raw)
                    found.update(blob.digest for blob in (manifest.config, *manifest.layers))
    return found


def _list(session: Session, subject: Digest, artifacts: Sequence[Artifact], scope: str) -> None:
    """Brings the list itself, under its tag, and sees that no other client's list took its place."""
    tag = tag_of(subject)
    shown = session.repository.shown(tag)
    for _ in range(_TRIES):
        known, kept = list_artifacts(session, subject, scope)
        wanted = with_artifacts(known, artifacts)
        if kept or wanted.raw == known.raw:
            return
        request = manifests.put(session.repository, tag, media.INDEX, wanted.raw)
        response = session.send(request, scope)
        if not manifests.is_taken(response):
            refusal = Refusal.of(response)
            session.refuse(
                refusal,
                f"the list of what is said about an image was not taken: `{shown}`",
            )
        response.close()
    raise NetworkError(
        f"others change the list of what is said about an image all the time: `{shown}`",
        hint="try again later",
    )


def artifacts_of(
    source: ImageSource, root: Descriptor, registries: Registries, origin: Reference | None = None
) -> Iterator[Artifact]:
    """The artifacts about an image, and about each of its platforms.

    What is listed and cannot be read is left behind, with a warning.

    Args:
        source: Where the image is.
        root: Its manifest or its index.
        registries: How registries are reached.
        origin: The repository, where it is in a registry and the signatures under its tag are wanted, too.

    Raises:
        Refused: if the image or a list is malformed.
        WorldError: if one cannot be had.
    """
    for subject in _manifests(source, root, MAX_NESTING):
        found, unreadable = source.artifacts(subject.digest)
        yield from found
        for error in unreadable:
            registries.reporter.warned(f"listed as about the image, and left behind: {error}")
        if origin is not None:
            yield from signature_tags.carried(source, subject, origin, registries)


def _manifests(source: ImageSource, root: Descriptor, depth: int) -> Iterator[Descriptor]:
    """A manifest; or an index and all in it."""
    if not depth:
        raise FormatError(f"more than {MAX_NESTING} indexes inside each other")
    yield root
    if root.media_type in media.INDEXES:
        for entry in Index.read(source.document(root)).manifests:
            yield from _manifests(source, entry, depth - 1)
