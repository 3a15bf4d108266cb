"""Signatures of apk v2: which key vouches for which bytes (apk-v2(5), "SIGNATURE SEGMENT").

The rules, all of them here:

* A signature is a file `.SIGN.<algorithm>.<key file name>` in the first segment; keys are found by name.
* RSA (SHA-1), RSA256 and RSA512 count, by an RSA key. DSA does not: no key of that kind is trusted.
* A signature by a known key that does not verify is fatal, whatever else there is or is allowed.
* One signature by a known key that verifies is enough.
* With none, trust is missing: an error, unless the user allows untrusted input.

Nothing here reads files: the caller brings the bytes.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence

from witchery.codec import GzipReader
from witchery.errors import FormatError, TrustError
from witchery.keys import PublicKey
from witchery.rootfs import tar
from witchery.value import frozen

HASHES = {"RSA": "sha1", "RSA256": "sha256", "RSA512": "sha512"}
"""Signature algorithms by their names in `.SIGN.` files, and the hash each signs."""

MAX_SEGMENT = 1 << 20
"""How much a signature segment may inflate to, in bytes."""
MAX_SIGNATURE = 1 << 16
"""The longest signature, in bytes; apk skips longer ones."""
_PREFIX = ".SIGN."


@frozen
class Signature:
    """One signature.

    Attributes:
        algorithm: `RSA`, `RSA256`, `RSA512`, or a name that is not supported.
        key_name: File name of the public key.
        value: The signature.
    """

    algorithm: str
    key_name: str
    value: bytes


@frozen
class Trust:
    """Why some bytes are trusted; false where nobody known vouches for them.

    Attributes:
        key: The key whose signature verified, or None.
        algorithm: The algorithm of that signature, or an empty string.
    """

    key: PublicKey | None = None
    algorithm: str = ""

    def __bool__(self) -> bool:
        return self.key is not None


UNTRUSTED = Trust()
"""Nobody known vouches, and the user allowed it."""


def is_signature(name: str) -> bool:
    """Whether a file of a first segment is a signature."""
    return name.startswith(_PREFIX)


def parse(members: Sequence[tuple[str, bytes]]) -> tuple[Signature, ...]:
    """Reads the files of a signature segment, given as names and contents.

    Raises:
        FormatError: if one is no signature.
    """
    found = []
    for name, value in members:
        algorithm, dot, key_name = name.removeprefix(_PREFIX).partition(".")
        if not is_signature(name) or not dot or not key_name or "/" in key_name:
            raise FormatError(f"not a signature: `{name}`")
        if len(value) <= MAX_SIGNATURE:
            found.append(Signature(algorithm, key_name, value))
    return tuple(found)


def verify(
    signatures: Sequence[Signature], signed: bytes, keys: Mapping[str, PublicKey], *, allow_untrusted: bool
) -> Trust:
    """Finds out whether a known key vouches for `signed`.

    Args:
        signatures: All signatures that were found.
        signed: The bytes that they cover.
        keys: The trusted keys, by file name.
        allow_untrusted: Whether missing trust is acceptable.

    Raises:
        TrustError: if a known key's signature fails, or nobody known vouches and that is not allowed.
    """

    def known(signature: Signature) -> PublicKey | None:
        key = keys.get(signature.key_name)
        return key if key and key.is_rsa and signature.algorithm in HASHES else None

    def holds(signature: Signature, key: PublicKey) -> bool:
        hash_name = HASHES[signature.algorithm]
        return key.verifies(signature.value, hash_name, hashlib.new(hash_name, signed).digest())

    trust = weighed(signatures, known, holds)
    if not trust and not allow_untrusted:
        raise _missing(signatures, keys)
    return trust


def weighed(
    signatures: Sequence[Signature],
    known: Callable[[Signature], PublicKey | None],
    holds: Callable[[Signature, PublicKey], bool],
) -> Trust:
    """The rule of both versions of apk: no signature by a known key may fail, and one that holds is enough.

    Args:
        signatures: All signatures that were found.
        known: The known key that a signature claims to be by; None where it is passed over.
        holds: Whether a signature verifies with that key.

    Raises:
        TrustError: if a known key's signature fails.
    """
    trust = UNTRUSTED
    for signature in signatures:
        key = known(signature)
        if key is None:
            continue
        if not holds(signature, key):
            raise TrustError(
                f"bad signature by the known key `{key.name}`",
                missing=False,
                hint="it was altered or damaged after it was signed: fetch it anew from a source you trust",
            )
        trust = trust or Trust(key, signature.algorithm)
    return trust


def _missing(signatures: Sequence[Signature], keys: Mapping[str, PublicKey]) -> TrustError:
    """Says what is there instead of trust."""
    if not signatures:
        return TrustError("not signed", missing=True, hint="`--allow-untrusted` accepts it all the same")
    unknown = sorted({s.key_name for s in signatures if s.key_name not in keys})
    if unknown:
        return TrustError(
            f"signed by an unknown key: `{'`, `'.join(unknown)}`",
            missing=True,
            hint=f"if you trust it, add the key with `-k {unknown[0]}`",
        )
    algorithms = ", ".join(sorted({s.algorithm for s in signatures}))
    return TrustError(
        f"signed with an algorithm that is not accepted: {algorithms}",
        missing=True,
        hint=f"accepted are {', '.join(HASHES)}",
    )


def split(data: bytes) -> tuple[tuple[Signature, ...], bytes]:
    """Splits an index file into its signatures and the bytes that they cover: all that follows them.

    Raises:
        FormatError: if the first gzip member is malformed.
    """
    reader = GzipReader([data])
    names = []
    for member in tar.read(reader.member(lambda _: None, MAX_SEGMENT)):
        if not is_signature(member.entry.path):
            return (), data
        names.append((member.entry.path, b"".join(member.content)))
    return parse(names), data[reader.offset :]
