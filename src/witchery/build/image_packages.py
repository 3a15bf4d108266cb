"""Packages out of images: a layer is a package's data segment, and evidence has what stands before it.

What is found goes through the same checks as a package that is fetched from a repository, into the cache, and
is taken from there by whoever asks for it. So an image anywhere is as good as a mirror of its packages.
"""

import threading
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import chain

from witchery.apk import archive as archives
from witchery.arch import Arch
from witchery.attest.evidence import Evidence, Proof
from witchery.build.evidence import evidence_about, images_of
from witchery.build.parallel import StoppedError, in_parallel
from witchery.build.registry.copying import open_source
from witchery.build.registry.registries import Registries
from witchery.errors import IntegrityError, Refused, UsageError, located
from witchery.oci.descriptor import Descriptor
from witchery.oci.image import Image
from witchery.oci.transport import Transport
from witchery.store.source import ImageSource


def take(place: Transport, wanted: Mapping[Arch, Collection[bytes]], registries: Registries) -> int:
    """Brings packages of an image into the cache, as far as it has them.

    Args:
        place: The image, for one platform or several.
        wanted: The identities of packages, by architecture.
        registries: How registries are reached; their cache is filled.

    Returns:
        How many packages were taken.

    Raises:
        UsageError: if there is no image, or no evidence beside it.
        Refused: if the image is malformed, or a package in it is not what its evidence says.
        WorldError: if it cannot be read.
    """
    cache = registries.cache
    with located(str(place)):
        opened = open_source(place, registries)
        count = 0
        for image in images_of(opened.source, opened.root):
            arch = image.config.platform.arch
            missing = (
                {each for each in wanted.get(arch, ()) if cache.package(each) is None} if arch else set()
            )
            if not missing:
                continue
            found = next(evidence_about(opened, image, registries), None)
            if found is None:
                raise UsageError(
                    "no evidence is kept beside the image, so its packages cannot be told from their files",
                    hint="`witchery build` keeps it, and `witchery copy` brings it along; or name a mirror",
                )
            count += _Taking(opened.source, image, registries).all(found.evidence, missing)
        return count


class _Taking:
    """Takes packages out of one image."""

    def __init__(self, source: ImageSource, image: Image, registries: Registries) -> None:
        self._source = source
        self._registries = registries
        self._stopped = threading.Event()
        self._layers = {layer.descriptor.digest: layer.descriptor for layer in image.layers}

    def all(self, evidence: Evidence, missing: Collection[bytes]) -> int:
        """Takes all that are missing, some at a time; how many there were."""
        found: dict[Descriptor, list[tuple[Proof, bytes]]] = {}  # empty packages may share a data segment
        for proof in evidence.packages:
            identity = next((each for each in missing if proof.head.is_named(each)), None)
            data = self._data(proof)
            if identity is not None and data is not None:
                found.setdefault(data, []).append((proof, identity))
        in_parallel(
            lambda data: self._each(data, found[data]),
            list(found),
            self._registries.parallel,
            self._stopped,
        )
        return sum(map(len, found.values()))

    def _each(self, data: Descriptor, found: Sequence[tuple[Proof, bytes]]) -> None:
        for proof, identity in found:
            self._one(data, proof, identity)

    def _data(self, proof: Proof) -> Descriptor | None:
        """Where the data segment of a package is, if it is anywhere."""
        datahash = proof.head.datahash
        return proof.data or (self._layers.get(datahash) if datahash else None)

    def _one(self, data: Descriptor, proof: Proof, identity: bytes) -> None:
        cache, reporter = self._registries.cache, self._registries.reporter
        task = str(proof)

        def chunks() -> Iterator[bytes]:
            for chunk in self._source.blob(data).chunks():
                if self._stopped.is_set():
                    raise StoppedError
                reporter.advanced(task, len(chunk))
                yield chunk

        head = (proof.blob,) if proof.head.form == 2 else ()
        reporter.started(task, data.size)
        try:
            with located(task, Refused), cache.blobs.writing() as blob:
                archive = archives.read(chain(head, chunks()), blob.write)
                if not archive.is_named(identity):
                    raise IntegrityError("another package than its evidence says")
            cache.keep_package(identity, archive)
        finally:
            reporter.finished(task)
