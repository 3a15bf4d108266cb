"""Making a key pair."""

import re
from pathlib import Path

from witchery.errors import UsageError
from witchery.keys import PrivateKey
from witchery.store import atomic
from witchery.value import frozen

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9@._+-]*")
_SECRET = 0o600


@frozen
class KeyPair:
    """A new key pair on disk.

    Attributes:
        private: The private key's file.
        public: The public key's file.
        fingerprint: See `witchery.keys.PublicKey.fingerprint`.
    """

    private: Path
    public: Path
    fingerprint: str


def make_key(path: Path, bits: int, *, replace: bool) -> KeyPair:
    """Makes an RSA key; the public half lies beside it, with `.pub` at the end of its name.

    Raises:
        UsageError: if there is such a file and `replace` is not set, or the name cannot name a signature.
        StorageError: if the system refuses.
    """
    public = path.with_name(path.name + ".pub")
    if not _NAME.fullmatch(path.name):
        raise UsageError(f"a key is named by letters, digits and `@._+-`: `{path.name}`")
    for file in (path, public):
        if file.exists() and not replace:
            raise UsageError(f"there is such a file: `{file}`", hint="`--force` overwrites it")
    key = PrivateKey.generate(public.name, bits)
    atomic.write(path, key.pem, _SECRET)
    atomic.write(public, key.public.pem)
    return KeyPair(path, public, key.public.fingerprint)


def read_private_key(path: Path) -> PrivateKey:
    """Reads a private key; its signatures carry the name of `<path>.pub`.

    Raises:
        StorageError: if it cannot be read.
        FormatError: if it is not an unencrypted RSA key.
    """
    return PrivateKey.parse(path.name + ".pub", atomic.read(path, 1 << 16))
