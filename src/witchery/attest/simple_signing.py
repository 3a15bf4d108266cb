"""cosign's signatures of before its version 3 (SIGNATURE_SPEC.md): a manifest under a tag, a layer for each.

A layer is the payload, in the form of containers-signature(5), which names the digest of an image; its
signature stands beside it as an annotation. The manifest stands under the tag `sha256-<hex>.sig`.
"""

import binascii
from base64 import b64decode, b64encode
from collections.abc import Iterable
from typing import Final, Self

from witchery import canonical
from witchery.digest import Digest
from witchery.errors import FormatError
from witchery.oci import media
from witchery.oci.descriptor import Descriptor
from witchery.oci.document import Fields
from witchery.oci.manifest import Manifest
from witchery.signing_keys import SigningKey
from witchery.value import frozen

MEDIA_TYPE: Final = "application/vnd.dev.cosign.simplesigning.v1+json"
"""What a payload is."""

SIGNATURE: Final = "dev.cosignproject.cosign/signature"
"""The annotation of a layer that holds its signature, as base64."""

CERTIFICATE: Final = "dev.sigstore.cosign/certificate"
"""The annotation that holds a certificate, where a signature was made without a key."""

TYPE: Final = "cosign container image signature"
"""What a payload says that it is."""

MAX_PAYLOAD: Final = 1 << 20
"""Bytes of the largest payload that is read; one is about 250."""

MAX_LAYERS: Final = 100
"""How many signatures under one tag are looked at."""

_MAX_SIGNATURE = 1 << 13


@frozen(kw_only=True)
class Payload:
    """What is signed.

    Attributes:
        digest: The image's manifest.
        reference: What its signer called it, or an empty string; cosign does not look at it.
    """

    digest: Digest
    reference: str = ""

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Reads a payload.

        Raises:
            FormatError: if it is malformed, too large, or says that it is something else.
        """
        if len(data) > MAX_PAYLOAD:
            raise FormatError(f"expected a payload of at most {MAX_PAYLOAD} bytes: {len(data)}")
        critical = Fields.decode(data).nested("critical")
        kind = critical.text("type")
        if kind != TYPE:
            raise FormatError(f"expected `{TYPE}`: `{kind[:80]}`", where=("critical", "type"))
        return cls(
            digest=critical.nested("image").digest("docker-manifest-digest"),
            reference=critical.nested("identity").text("docker-reference", ""),
        )

    def encode(self) -> bytes:
        """The payload as JSON; the same payload always gives the same bytes."""
        critical = {
            "identity": {"docker-reference": self.reference},
            "image": {"docker-manifest-digest": str(self.digest)},
            "type": TYPE,
        }
        return canonical.encode({"critical": critical, "optional": None})


@frozen
class SignedPayload:
    """A payload and a signature of it.

    Attributes:
        payload: The payload, as it is signed.
        signature: The signature.
        keyless: Whether a certificate goes with it, in the place of a key.
    """

    payload: bytes
    signature: bytes
    keyless: bool = False

    @classmethod
    def sign(cls, payload: Payload, key: SigningKey) -> Self:
        """Signs a payload."""
        data = payload.encode()
        return cls(data, key.sign(data))

    @classmethod
    def read(cls, layer: Descriptor, payload: bytes) -> Self:
        """Takes a layer of such a manifest, and its blob.

        Raises:
            FormatError: if it has no signature.
        """
        text = layer.annotations.get(SIGNATURE, "")
        try:
            signature = b64decode(text.encode("ascii"), validate=True) if len(text) < _MAX_SIGNATURE else b""
        except (binascii.Error, ValueError):
            signature = b""
        if not signature:
            raise FormatError(f"expected a signature as base64 in the annotation `{SIGNATURE}`")
        return cls(payload, signature, keyless=CERTIFICATE in layer.annotations)

    @property
    def layer(self) -> Descriptor:
        """The layer that holds it."""
        signature = b64encode(self.signature).decode()
        return Descriptor.of(MEDIA_TYPE, self.payload, {SIGNATURE: signature})


def tag(digest: Digest, suffix: str = "sig") -> str:
    """The tag under which the signatures of an image are; with `att` its attestations."""
    return f"{digest.algorithm}-{digest.hex}.{suffix}"


def image_manifest(layers: Iterable[Descriptor]) -> tuple[Manifest, bytes]:
    """The manifest of some signatures, and its configuration, which names them as an image's does."""
    layers = tuple(layers)
    config = canonical.encode(
        {
            "architecture": "",
            "config": {},
            "os": "",
            "rootfs": {"type": "layers", "diff_ids": [str(each.digest) for each in layers]},
        }
    )
    return Manifest.of(Descriptor.of(media.CONFIG, config), layers), config
