"""Asking for manifests and giving them (distribution-spec, "Pulling manifests", "Pushing Manifests")."""

import hashlib
from typing import Final

from witchery import canonical
from witchery.digest import Digest
from witchery.errors import FormatError, IntegrityError, NetworkError
from witchery.http import Headers, Request, Response
from witchery.oci import media
from witchery.oci.descriptor import Descriptor
from witchery.oci.document import MAX_DOCUMENT
from witchery.registry.place import Repository
from witchery.rootfs.content import BytesContent

ACCEPT: Final = f"{media.MANIFEST}, {media.INDEX}, {media.DOCKER_MANIFEST}, {media.DOCKER_INDEX}"
"""What may be answered; without it a registry gives OCI's types as not there."""

_OK: Final = 200
_TAKEN: Final = (200, 201, 202)


def head(repository: Repository, which: str | Digest) -> Request:
    """Whether a manifest is there, and which."""
    return Request(method="HEAD", url=repository.manifest(which), headers=Headers.of({"Accept": ACCEPT}))


def get(repository: Repository, which: str | Digest) -> Request:
    """A manifest."""
    return Request(
        url=repository.manifest(which),
        headers=Headers.of({"Accept": ACCEPT}),
        max_length=MAX_DOCUMENT,
    )


def put(repository: Repository, which: str | Digest, media_type: str, raw: bytes) -> Request:
    """Gives a manifest, under a tag or its digest.

    Raises:
        FormatError: if it is larger than registries take.
    """
    if len(raw) > MAX_DOCUMENT:
        raise FormatError(f"registries take manifests of at most {MAX_DOCUMENT} bytes: {len(raw)}")
    return Request(
        method="PUT",
        url=repository.manifest(which),
        headers=Headers.of({"Content-Type": media_type}),
        body=BytesContent(raw),
    )


def stated_digest(response: Response) -> Digest | None:
    """What the registry says the manifest's digest is; None where it says nothing that can be read."""
    try:
        return Digest.parse(response.headers.get("Docker-Content-Digest"))
    except FormatError:
        return None


def received(response: Response, raw: bytes, which: str | Digest, shown: str) -> Descriptor:
    """The descriptor of a manifest that arrived.

    Args:
        response: The answer that it came with.
        raw: The bytes.
        which: What was asked for.
        shown: The same, for a person.

    Raises:
        IntegrityError: if the bytes are not those that were asked for, or that the registry says they are.
        NetworkError: if they are no manifest.
    """
    stated = stated_digest(response)
    for expected in (which, stated):
        if isinstance(expected, Digest) and _digest(raw, expected.algorithm) != expected:
            found = _digest(raw, expected.algorithm)
            raise IntegrityError(f"expected the manifest `{expected}`, got `{found}`: `{shown}`")
    media_type = _media_type(response, raw, shown)
    name = which if isinstance(which, Digest) else Digest.sha256(raw)
    return Descriptor(media_type=media_type, digest=name, size=len(raw))


def check_taken(response: Response, raw: bytes, shown: str) -> None:
    """Checks what a registry says of a manifest that it took.

    Raises:
        IntegrityError: if it took something else.
    """
    stated = stated_digest(response)
    if stated is not None and stated != _digest(raw, stated.algorithm):
        raise IntegrityError(f"the registry says that it took `{stated}`, which was not sent: `{shown}`")


def is_taken(response: Response) -> bool:
    """True where a registry took a manifest."""
    return response.status in _TAKEN


def _digest(raw: bytes, algorithm: str) -> Digest:
    return Digest(algorithm, hashlib.new(algorithm, raw).hexdigest())


def _media_type(response: Response, raw: bytes, shown: str) -> str:
    """What a manifest is: its own word counts, since the digest covers it, then the registry's."""
    try:
        fields = canonical.decode(raw)
    except FormatError:
        fields = None
    kind = response.headers.get("Content-Type").partition(";")[0].strip()
    if not isinstance(fields, dict):
        raise NetworkError(
            f"the server's answer is no manifest, but `{kind[:80]}`: `{shown}`",
            hint="is this the address of a registry?",
        )
    own = fields.get("mediaType")
    found = own if isinstance(own, str) and own else kind
    if found in media.MANIFESTS | media.INDEXES:
        return found
    if "manifests" in fields:
        return media.INDEX
    if "layers" in fields and "config" in fields:
        return media.MANIFEST
    raise NetworkError(
        f"not a manifest that can be read, but `{found[:80]}`: `{shown}`",
        hint="images of Docker's first schema are not supported: push the image again with a newer tool"
        if fields.get("schemaVersion") == 1
        else (),
    )
