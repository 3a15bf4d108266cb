"""Dead Simple Signing Envelopes: a payload, its type, and signatures (DSSE, protocol.md and envelope.md)."""

import binascii
from base64 import b64decode, b64encode
from collections.abc import Sequence
from typing import Any, Final, Self

from witchery import canonical
from witchery.errors import FormatError
from witchery.oci.document import Fields
from witchery.signing_keys import SigningKey, VerifyingKey
from witchery.value import frozen

MEDIA_TYPE: Final = "application/vnd.dsse.envelope.v1+json"
"""What an envelope is as a blob of its own, as in cosign's attestations of before its version 3."""

MAX_SIGNATURES: Final = 32
"""How many signatures an envelope may have: each is tried with each key."""


@frozen
class Signature:
    """One signature.

    Attributes:
        value: The bytes.
        key_id: What its maker calls the key; nothing vouches for it.
    """

    value: bytes
    key_id: str = ""


@frozen(kw_only=True)
class Envelope:
    """A payload with its signatures.

    Attributes:
        payload_type: The type of the payload.
        payload: The payload.
        signatures: At least one.
    """

    payload_type: str
    payload: bytes
    signatures: tuple[Signature, ...]

    @classmethod
    def sign(cls, payload_type: str, payload: bytes, keys: Sequence[SigningKey]) -> Self:
        """Signs a payload with each of some keys; key IDs are the hints of the keys."""
        message = pae(payload_type, payload)
        signatures = tuple(Signature(key.sign(message), key.public.hint) for key in keys)
        return cls(payload_type=payload_type, payload=payload, signatures=signatures)

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Reads an envelope.

        Raises:
            FormatError: if it is malformed, too large, or has no signature or too many.
        """
        return cls.read(Fields.decode(data))

    @classmethod
    def read(cls, fields: Fields) -> Self:
        """Reads an envelope that is part of a document.

        Raises:
            FormatError: as `decode`.
        """
        signatures = fields.objects("signatures", _signature)
        if not 1 <= len(signatures) <= MAX_SIGNATURES:
            raise FormatError(f"expected 1 to {MAX_SIGNATURES} signatures: {len(signatures)}")
        return cls(
            payload_type=fields.text("payloadType"),
            payload=base64_of(fields, "payload"),
            signatures=signatures,
        )

    def document(self) -> dict[str, Any]:
        """The JSON object."""
        return {
            "payloadType": self.payload_type,
            "payload": b64encode(self.payload).decode(),
            "signatures": [
                {"keyid": each.key_id, "sig": b64encode(each.value).decode()} for each in self.signatures
            ],
        }

    def encode(self) -> bytes:
        """The envelope as JSON."""
        return canonical.encode(self.document())

    def verified_by(self, key: VerifyingKey) -> bool:
        """Whether one of the signatures is the key's. Key IDs are not looked at: nothing vouches for them."""
        message = pae(self.payload_type, self.payload)
        return any(key.verifies(each.value, message) for each in self.signatures)


def pae(payload_type: str, payload: bytes) -> bytes:
    """What is signed: the pre-authentication encoding, in which neither part can pass for the other."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)


def base64_of(fields: Fields, name: str) -> bytes:
    """A member that is base64, by either alphabet (protocol.md: verifiers take both).

    Raises:
        FormatError: if it is not there, or anything else.
    """
    text = fields.text(name)
    try:
        data = text.encode("ascii")
        return b64decode(data, altchars=b"-_" if b"-" in data or b"_" in data else None, validate=True)
    except (binascii.Error, ValueError):
        raise FormatError("expected base64", where=(name,)) from None


def _signature(fields: Fields) -> Signature:
    return Signature(base64_of(fields, "sig"), fields.text("keyid", ""))
