"""The use case: an image out of a registry. Everything is verified; blobs arrive in the cache, and stay."""

import threading
from collections.abc import Iterable, Iterator

from witchery.build.parallel import in_parallel
from witchery.build.registry.pushing import fetch_manifest
from witchery.build.registry.registries import Registries
from witchery.build.registry.session import Session
from witchery.digest import Digest
from witchery.errors import located
from witchery.oci import media
from witchery.oci.artifact import tag_of
from witchery.oci.descriptor import REF_NAME, Descriptor
from witchery.oci.document import MAX_DOCUMENT
from witchery.oci.manifest import EMPTY_INDEX, Index
from witchery.oci.reference import Reference
from witchery.registry import blobs, manifests, referrers
from witchery.rootfs.content import Content
from witchery.store.source import ImageSource, verified
from witchery.value import replace

_MAX_REFUSAL = 1 << 16
_NOT_FOUND = 404


def pull(reference: Reference, registries: Registries) -> ImageSource:
    """Opens an image in a registry; its layers are fetched when they are read, see `keep`.

    The one entry of its index is the manifest or the index that `reference` names.

    Raises:
        IntegrityError: if the registry's answer is not what was asked for.
        NetworkError: if it cannot be had.
    """
    reference = reference.tagged()
    session = registries.session(reference)
    scope = session.repository.scope("pull")
    root, raw = fetch_manifest(session, reference.digest or reference.tag, scope)
    documents = {root.digest: raw}

    def read(descriptor: Descriptor) -> Iterator[bytes]:
        known = documents.get(descriptor.digest)
        if known is None and descriptor.media_type in media.MANIFESTS | media.INDEXES:
            _, known = fetch_manifest(session, descriptor.digest, scope)
            documents[descriptor.digest] = known
        if known is not None:
            yield known
        elif descriptor.digest.algorithm == "sha256" and registries.cache.blobs.size(descriptor.digest):
            yield from registries.cache.blobs.content(descriptor.digest).chunks()
        else:
            yield from _blob(session, descriptor, scope)

    named = replace(root, annotations={REF_NAME: reference.tag}) if reference.tag else root
    return ImageSource(Index.of([named]), read, lambda subject: list_artifacts(session, subject, scope)[0])


def list_artifacts(session: Session, subject: Digest, *scopes: str) -> tuple[Index, bool]:
    """The artifacts about a manifest in a registry, and whether the registry keeps the list itself.

    Raises:
        FormatError: if the list is malformed.
        NetworkError: if it cannot be had.
    """
    shown = session.repository.shown(subject)
    what = f"cannot list what is said about an image: `{shown}`"
    if session.lists_referrers is not False:
        response = session.send(referrers.get(session.repository, subject), *scopes)
        if referrers.is_kept(response):
            session.lists_referrers = True
            with located(f"referrers of {shown}"):
                return referrers.read(response.read(MAX_DOCUMENT)), True
        if not referrers.is_unknown(response):
            session.expect(response, (), what)
        response.close()
        session.lists_referrers = False
    response = session.send(manifests.get(session.repository, tag_of(subject)), *scopes)
    if response.status == _NOT_FOUND:
        response.close()
        return EMPTY_INDEX, False
    session.expect(response, (200,), what)
    with located(f"referrers of {shown}"):
        return referrers.read(response.read(MAX_DOCUMENT)), False


def keep(source: ImageSource, wanted: Iterable[Descriptor], registries: Registries) -> dict[Digest, Content]:
    """Fetches blobs of a pulled image into the cache, some at a time.

    Returns:
        Their contents, which verify themselves.

    Raises:
        IntegrityError: if a blob is not what its descriptor says.
        NetworkError: if it cannot be had.
        StorageError: if the cache cannot be written.
    """
    blobs_by_digest = {each.digest: each for each in wanted}
    store = registries.cache.blobs
    stopped = threading.Event()

    def fetch(blob: Descriptor) -> None:
        task = str(blob.digest)
        registries.reporter.started(task, blob.size)
        try:
            with store.writing() as writer:
                for chunk in verified(source.read(blob), blob):
                    if stopped.is_set():
                        return
                    writer.write(chunk)
                    registries.reporter.advanced(task, len(chunk))
        finally:
            registries.reporter.finished(task)

    missing = [
        each
        for each in blobs_by_digest.values()
        if each.digest.algorithm == "sha256" and store.size(each.digest) != each.size
    ]
    in_parallel(fetch, missing, registries.parallel, stopped)
    return {
        digest: store.content(digest) if digest.algorithm == "sha256" else source.blob(each)
        for digest, each in blobs_by_digest.items()
    }


def _blob(session: Session, blob: Descriptor, scope: str) -> Iterator[bytes]:
    request = replace(blobs.get(session.repository, blob), max_length=max(blob.size, _MAX_REFUSAL))
    response = session.send(request, scope)
    shown = session.repository.shown(blob.digest)
    with session.expect(response, (200,), f"a blob cannot be had: `{shown}`"):
        yield from response.body
