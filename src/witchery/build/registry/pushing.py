"""The use case: an image into a registry.

Least bytes: nothing is sent that the repository has. Whether it has it is found out with few questions. An
image that is there under its tag costs one; what the tag's image of before is made of is there too; the rest
is asked for one by one, taken over from another repository of the registry that had it, or sent.
"""

import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import suppress

from witchery.build.parallel import StoppedError, in_parallel
from witchery.build.registry.registries import Registries
from witchery.build.registry.session import Session
from witchery.digest import Digest
from witchery.errors import FormatError, NetworkError, Refused, UsageError, located
from witchery.http import Request, Response
from witchery.oci import media
from witchery.oci.artifact import Artifact
from witchery.oci.descriptor import Descriptor
from witchery.oci.document import MAX_DOCUMENT
from witchery.oci.image_index import AnyImage
from witchery.oci.manifest import Index, Manifest
from witchery.oci.reference import Reference
from witchery.registry import blobs, manifests
from witchery.registry.refusal import Refusal
from witchery.registry.upload import Pause, RefusedError, Uploaded, upload
from witchery.rootfs.content import Content
from witchery.store.source import MAX_NESTING, ImageSource, content_of
from witchery.value import frozen, replace

MAX_MANIFESTS = 64 << 20
"""Bytes of all manifests that an image for several platforms may come to, nested ones included."""

_MOUNT_FROM = 2
_MISSING = frozenset({"MANIFEST_BLOB_UNKNOWN", "BLOB_UNKNOWN", "MANIFEST_UNKNOWN"})


@frozen(kw_only=True)
class Pushed:
    """What pushing came to.

    Attributes:
        reference: The image, by digest.
        uploaded: The blobs that were sent.
        mounted: The blobs that the registry took over from another repository.
        present: How many blobs were there.
        manifests: The manifests that were sent.
        listed: Whether the registry said that it lists what was sent by its subject; of an artifact.
        attached: The artifacts about the image that were sent with it.
        replaced: The manifests that had its tag, or were in the index that had it.
    """

    reference: Reference
    uploaded: tuple[Descriptor, ...] = ()
    mounted: tuple[Descriptor, ...] = ()
    present: int = 0
    manifests: tuple[Descriptor, ...] = ()
    listed: bool = False
    attached: tuple["Pushed", ...] = ()
    replaced: tuple[Digest, ...] = ()

    @property
    def size(self) -> int:
        """Bytes of blobs and manifests that were sent, without those of artifacts about it."""
        return sum(each.size for each in (*self.uploaded, *self.manifests))


@frozen
class _Node:
    """A manifest or an index that is to be pushed, with its bytes."""

    descriptor: Descriptor
    raw: bytes
    children: tuple["_Node", ...] = ()
    blobs: tuple[Descriptor, ...] = ()


def push(
    source: ImageSource,
    root: Descriptor,
    target: Reference,
    registries: Registries,
    *,
    origin: Reference | None = None,
    assumed: Collection[Digest] = (),
) -> Pushed:
    """Brings an image into a registry.

    Args:
        source: Where it is.
        root: Its manifest, or its index with all that is in it.
        target: Where to; by tag, or by a digest that has to be the image's.
        registries: How registries are reached.
        origin: The repository that it comes from, where that is one.
        assumed: Blobs that the repository has, since manifests in it name them.

    Raises:
        UsageError: if `target` names another digest.
        Refused: if the image is malformed or damaged.
        NetworkError: if the registry cannot be reached, or does not take it.
        StorageError: if the image cannot be read.
    """
    target = target.tagged()
    if target.digest is not None and target.digest != root.digest:
        raise UsageError(f"the image is `{root.digest}`, and cannot be pushed as: `{target}`")
    pushing = _Push(registries, registries.session(target), source, origin)
    pushing.assumed.update(assumed)
    pushing.image(root, target)
    return Pushed(
        reference=replace(target, tag="", digest=root.digest),
        uploaded=tuple(pushing.uploaded),
        mounted=tuple(pushing.mounted),
        present=pushing.present,
        manifests=tuple(pushing.manifests),
        listed=pushing.listed,
        replaced=tuple(pushing.replaced),
    )


class _Push:
    """One image on its way into one repository."""

    def __init__(
        self, registries: Registries, session: Session, source: ImageSource, origin: Reference | None
    ) -> None:
        self._registries = registries
        self._session = session
        self._repository = session.repository
        self._scopes = (self._repository.scope("pull", "push"),)
        self._source = source
        self._origin = origin
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self.uploaded: list[Descriptor] = []
        self.mounted: list[Descriptor] = []
        self.manifests: list[Descriptor] = []
        self.listed = False
        self.replaced: list[Digest] = []
        self.assumed: set[Digest] = set()
        self._documents = 0
        self._present: set[Digest] = set()

    @property
    def present(self) -> int:
        """How many blobs did not have to be brought."""
        brought = {blob.digest for blob in (*self.uploaded, *self.mounted)}
        return len(self._present - brought)

    def image(self, root: Descriptor, target: Reference) -> None:
        """Pushes an image and all that it is made of."""
        which = target.tag or root.digest
        there = self._head(which)
        if there == root.digest:
            return
        node = self._read(root, MAX_NESTING)
        if there is None and target.tag and self._head(root.digest) == root.digest:
            self._put(node, which)
            return
        if there is not None:
            self.assumed |= self._wantedof(which, node)
        wanted = [child for child in _descendants(node) if not self._is_there(child)]
        missing = {blob.digest: blob for each in (*wanted, node) for blob in each.blobs if _travels(blob)}
        self._ensure(blob for blob in missing.values() if blob.digest not in self.assumed)
        self._present.update(digest for digest in missing if digest in self.assumed)
        # A registry may have lost what its manifests name; and some lose sight of a blob for the moment in
        # which another client sends it too (distribution 2.8 does).
        for seconds in (*self._registries.effort.delays, None):
            try:
                self._put_all(wanted, node, which)
            except _BlobUnknownError as error:
                if seconds is None:
                    self._session.refuse(error.refusal, f"a manifest was not taken: `{self._shown(which)}`")
                if seconds:
                    self._registries.pause(
                        self._repository.base, seconds, "a blob is unknown to the registry"
                    )
                self._ensure(missing.values())
            else:
                return

    def _put_all(self, wanted: list[_Node], node: _Node, which: str | Digest) -> None:
        for child in wanted:
            self._put(child, child.descriptor.digest)
        self._put(node, which)

    def _put(self, node: _Node, which: str | Digest) -> None:
        request = manifests.put(self._repository, which, node.descriptor.media_type, node.raw)
        response = self._session.send(request, *self._scopes)
        if not manifests.is_taken(response):
            refusal = Refusal.of(response)
            if _MISSING.intersection(refusal.codes):
                raise _BlobUnknownError(refusal)
            self._session.refuse(refusal, f"a manifest was not taken: `{self._shown(which)}`")
        response.close()
        manifests.check_taken(response, node.raw, self._shown(which))
        self.listed = bool(response.headers.get("OCI-Subject"))
        if node.descriptor not in self.manifests:
            self.manifests.append(node.descriptor)

    def _head(self, which: str | Digest) -> Digest | None:
        """Which manifest is there, if one is."""
        request = manifests.head(self._repository, which)
        response = self._session.send(request, *self._scopes)
        if response.status == 404:
            response.close()
            return None
        what = f"cannot look for a manifest: `{self._shown(which)}`"
        self._session.expect(response, (200,), what).close()
        stated = manifests.stated_digest(response)
        if stated is not None:
            return stated
        descriptor, _ = fetch_manifest(self._session, which, *self._scopes)
        return descriptor.digest

    def _is_there(self, node: _Node) -> bool:
        return self._head(node.descriptor.digest) == node.descriptor.digest

    def _wantedof(self, which: str | Digest, node: _Node) -> set[Digest]:
        """What the repository's image of before is made of: what a manifest names, its repository holds."""
        found: set[Digest] = set()
        with suppress(Refused, NetworkError):  # then they are asked for one by one
            before, raw = fetch_manifest(self._session, which, *self._scopes)
            new = {child.descriptor.digest for child in _descendants(node)}
            documents = [(before, raw)]
            if before.media_type in media.INDEXES:
                entries = [entry for entry in Index.read(raw).manifests if entry.digest not in new]
                documents = [
                    fetch_manifest(self._session, entry.digest, *self._scopes)
                    for entry in entries[: len(new) + 1]
                ]
            for descriptor, data in documents:
                if descriptor.media_type in media.MANIFESTS:
                    self.replaced.append(descriptor.digest)
                    manifest = Manifest.read(data)
                    found.update(blob.digest for blob in (manifest.config, *manifest.layers))
        return found

    def _read(self, descriptor: Descriptor, depth: int) -> _Node:
        """A manifest with all below it, read and verified."""
        if not depth:
            raise FormatError(f"more than {MAX_NESTING} indexes inside each other")
        raw = self._source.document(descriptor)
        self._documents += len(raw)
        if self._documents > MAX_MANIFESTS:
            raise FormatError(f"more than {MAX_MANIFESTS} bytes of manifests: `{descriptor.digest}`")
        if descriptor.media_type in media.INDEXES:
            entries = Index.read(raw).manifests
            return _Node(descriptor, raw, tuple(self._read(entry, depth - 1) for entry in entries))
        if descriptor.media_type not in media.MANIFESTS:
            raise FormatError(f"an index that names something else than manifests: `{descriptor.media_type}`")
        with located(str(descriptor.digest)):
            manifest = Manifest.read(raw)
        return _Node(descriptor, raw, (), (*manifest.layers, manifest.config))

    def _ensure(self, wanted: Iterable[Descriptor]) -> None:
        """Sees to it that the repository has these blobs."""
        in_parallel(self._blob, list(wanted), self._registries.parallel, self._stopped)

    def _blob(self, blob: Descriptor) -> None:
        response = self._session.send(blobs.head(self._repository, blob.digest), *self._scopes)
        if response.status != 200:
            what = f"cannot look for a blob: `{self._shown(blob.digest)}`"
            self._session.expect(response, (404,), what).close()
            done = self._upload(blob)
            with self._lock:
                (self.mounted if done.mounted else self.uploaded).append(blob)
        else:
            response.close()
            with self._lock:
                self._present.add(blob.digest)
        self._registries.remember(self._repository, blob.digest)

    def _upload(self, blob: Descriptor) -> Uploaded:
        sources = list(self._registries.known_sources(self._repository, blob.digest))
        if self._origin is not None and self._origin.registry == self._repository.reference.registry:
            sources.insert(0, self._origin.repository)
        names = tuple(dict.fromkeys(each for each in sources if each != self._repository.name))[:_MOUNT_FROM]
        reporter = self._registries.reporter
        task = f"{blob.digest} to {self._session.registry}"
        content = _Watched(self._source.blob(blob), self._stopped, lambda n: reporter.advanced(task, n))
        reporter.started(task, blob.size)
        conversation = upload(self._repository, blob, content, sources=names, effort=self._registries.effort)
        outcome: Response | NetworkError | None = None
        try:
            while True:
                step = conversation.send(outcome)
                if isinstance(step, Pause):
                    self._registries.pause(self._repository.base, step.seconds, step.reason)
                    outcome = None
                else:
                    outcome = self._answer(step)
        except StopIteration as end:
            done: Uploaded = end.value
            return done
        except RefusedError as error:
            self._session.refuse(error.refusal, f"a blob was not taken: `{self._shown(blob.digest)}`")
        finally:
            reporter.finished(task)

    def _answer(self, request: Request) -> Response | NetworkError:
        try:
            return self._session.send(request, *self._scopes_of(request))
        except NetworkError as error:
            return error

    def _scopes_of(self, request: Request) -> tuple[str, ...]:
        """A mount needs to be allowed to read elsewhere, too."""
        mark, _, source = request.url.target.partition("&from=")
        if not source or "?mount=" not in mark:
            return self._scopes
        return (*self._scopes, self._repository.sibling(source).scope("pull"))

    def _shown(self, which: str | Digest) -> str:
        return self._repository.shown(which)


class _BlobUnknownError(Exception):
    """The registry misses something that a manifest names."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.status)
        self.refusal = refusal


@frozen
class _Watched:
    """A content that tells how far it was read, and stops where something else failed."""

    content: Content
    stopped: threading.Event
    advanced: Callable[[int], None]

    @property
    def size(self) -> int:
        return self.content.size

    def chunks(self) -> Iterator[bytes]:
        for chunk in self.content.chunks():
            if self.stopped.is_set():
                raise StoppedError
            yield chunk
            self.advanced(len(chunk))


def fetch_manifest(session: Session, which: str | Digest, *scopes: str) -> tuple[Descriptor, bytes]:
    """A manifest with its bytes, verified as far as its name allows.

    Raises:
        IntegrityError: if it is not what was asked for.
        NetworkError: if it cannot be had.
    """
    shown = session.repository.shown(which)
    response = session.send(manifests.get(session.repository, which), *scopes)
    session.expect(response, (200,), f"no such image, or not for us: `{shown}`")
    raw = response.read(MAX_DOCUMENT)
    return manifests.received(response, raw, which, shown), raw


def _descendants(node: _Node) -> list[_Node]:
    """What is below a node, children before their parents, each once."""
    found: dict[Digest, _Node] = {}
    for child in node.children:
        for each in (*_descendants(child), child):
            found.setdefault(each.descriptor.digest, each)
    return list(found.values())


def _travels(blob: Descriptor) -> bool:
    """False for layers that may not be distributed, and stay where their URLs say."""
    return not (blob.urls and ("nondistributable" in blob.media_type or ".foreign." in blob.media_type))


def source_of_artifact(artifact: Artifact) -> tuple[ImageSource, Descriptor]:
    """An artifact as something that can be pushed: a source, and its manifest in it."""
    manifest = artifact.manifest

    def read(descriptor: Descriptor) -> Iterator[bytes]:
        if descriptor.digest == manifest.digest:
            return iter((manifest.raw,))
        return content_of(descriptor.digest, artifact.contents).chunks()

    return ImageSource(Index.of([manifest.descriptor]), read), manifest.descriptor


def source_of(image: AnyImage, contents: Mapping[Digest, Content]) -> tuple[ImageSource, Descriptor]:
    """An image that was made here as one that can be pushed: a source, and its manifest in it."""
    documents = {descriptor.digest: raw for descriptor, raw in image.documents}

    def read(descriptor: Descriptor) -> Iterator[bytes]:
        known = documents.get(descriptor.digest)
        return content_of(descriptor.digest, contents).chunks() if known is None else iter((known,))

    return ImageSource(Index.of([image.descriptor]), read), image.descriptor
