"""Signatures of version 3 (apk-v3(5), "SIGNATURES").

    block  = u8 version 0, u8 hash 4 (SHA-512), 16 bytes key id, signature
    signed = u32 schema, the 18 bytes before the signature, SHA-512 of the ADB block

Keys are found by their id, not by the names of their files. The rules are those of `witchery.apk.signature`:
a signature by a known key never may fail, and one that verifies is enough. (apk 3 overlooks the failure where
untrusted input is allowed.)
"""

import hashlib
from collections.abc import Iterable, Sequence

from witchery.apk.signature import Signature, Trust, weighed
from witchery.errors import FormatError, TrustError
from witchery.keys import KEY_ID_SIZE, PublicKey

ALGORITHM = "v3-sha512"
"""The only algorithm, as `Signature.algorithm` names it: RSASSA-PKCS1-v1_5 or ECDSA, as the key is."""

_START = bytes((0, 4))  # version of the block, and SHA-512
_HEADER = len(_START) + KEY_ID_SIZE


def parse(block: bytes) -> Signature:
    """Reads the content of a signature block; the key is named by its id in hexadecimal.

    Raises:
        FormatError: if it is cut off.
    """
    if len(block) <= _HEADER:
        raise FormatError("truncated signature block")
    start, key_id, value = block[: len(_START)], block[len(_START) : _HEADER], block[_HEADER:]
    algorithm = ALGORITHM if start == _START else f"v3-{start.hex()}"
    return Signature(algorithm, key_id.hex(), value)


def verify(
    signatures: Sequence[Signature],
    schema: int,
    payload: bytes,
    keys: Iterable[PublicKey],
    *,
    allow_untrusted: bool,
) -> Trust:
    """Finds out whether a known key vouches for an ADB block.

    Args:
        signatures: All signatures that were found.
        schema: What the file is.
        payload: The content of its ADB block.
        keys: The trusted keys.
        allow_untrusted: Whether missing trust is acceptable.

    Raises:
        TrustError: if a known key's signature fails, or nobody known vouches and that is not allowed.
    """
    known: dict[str, PublicKey] = {}
    for key in keys if signatures else ():
        known.setdefault(key.key_id.hex(), key)
    digest = hashlib.sha512(payload).digest()

    def holds(signature: Signature, key: PublicKey) -> bool:
        signed = schema.to_bytes(4, "little") + _START + bytes.fromhex(signature.key_name) + digest
        return key.verifies(signature.value, "sha512", hashlib.sha512(signed).digest())

    trust = weighed(
        signatures, lambda each: known.get(each.key_name) if each.algorithm == ALGORITHM else None, holds
    )
    if not trust and not allow_untrusted:
        raise _missing(signatures, known)
    return trust


def _missing(signatures: Sequence[Signature], known: dict[str, PublicKey]) -> TrustError:
    """Says what is there instead of trust."""
    if not signatures:
        return TrustError("not signed", missing=True, hint="`--allow-untrusted` accepts it all the same")
    unknown = sorted({each.key_name for each in signatures if each.key_name not in known})
    if unknown:
        return TrustError(
            f"signed by an unknown key, of the id `{'`, `'.join(unknown)}`",
            missing=True,
            hint="if you trust it, add the key with `-k`; version 3 finds keys by their id, not their name",
        )
    algorithms = ", ".join(sorted({each.algorithm for each in signatures}))
    return TrustError(f"signed with an algorithm that is not accepted: {algorithms}", missing=True)
