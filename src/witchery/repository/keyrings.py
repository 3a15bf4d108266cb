"""The trusted keys: Alpine's, which come with Witchery, and the user's own."""

from collections.abc import Sequence
from pathlib import Path

import witchery
from witchery.arch import Arch
from witchery.errors import UsageError, located
from witchery.http import Url
from witchery.keys import Keyring, PublicKey
from witchery.repository.access import Access
from witchery.repository.documents import read_document
from witchery.store import atomic

MAX_KEY = 1 << 16
"""The longest key file, in bytes."""
_SUFFIX = ".pub"
_OTHER_SUFFIX = ".pem"  # what OpenWrt calls its keys; a private key may be called so, too
_PUBLIC = b"-----BEGIN PUBLIC KEY-----"


def embedded_keys(arch: Arch | None = None) -> tuple[PublicKey, ...]:
    """The keys with which Alpine signs, of every release; of one architecture, or of all."""
    folder = Path(witchery.__file__).parent / "data" / "keys"
    if arch is not None:
        folder /= arch.apk
    return tuple(PublicKey(path.name, path.read_bytes()) for path in sorted(folder.rglob(f"*{_SUFFIX}")))


def read_keys(path: Path) -> tuple[PublicKey, ...]:
    """Reads a key file, or of a folder every `*.pub` file and every public key among the `*.pem` files.

    Raises:
        StorageError: if it cannot be read.
        FormatError: if a file is not a public key; it says which.
        UsageError: if a folder holds no keys.
    """
    with atomic.storing(path):
        is_folder = path.is_dir()
        files = [each for each in sorted(path.iterdir()) if _is_key(each)] if is_folder else [path]
    if not files:
        raise UsageError(f"no key (`*{_SUFFIX}`) in the folder: `{path}`")
    found = []
    for file in files:
        with located(str(file.parent)):
            found.append(PublicKey.parse(file.name, atomic.read(file, MAX_KEY)))
    return tuple(found)


def _is_key(file: Path) -> bool:
    if file.suffix != _OTHER_SUFFIX:
        return file.suffix == _SUFFIX
    return file.is_file() and _PUBLIC in atomic.read(file, MAX_KEY)


def fetch_key(access: Access, url: Url) -> PublicKey:
    """Fetches a key; its name is the last part of the URL.

    Nothing vouches for it but the connection, so the URL has to be `https`.

    Raises:
        UsageError: if it is not.
        NetworkError: if it cannot be fetched.
        FormatError: if it is not a public key.
    """
    if url.scheme != "https":
        raise UsageError(f"a key is fetched by https only: `{url.shown}`")
    name = url.target.partition("?")[0].rpartition("/")[2]
    with located(url.shown):
        return read_document(access, url, lambda data: PublicKey.parse(name, data[: MAX_KEY + 1]))


def keyring(own: Sequence[PublicKey], *, arch: Arch | None = None, embedded: bool = True) -> Keyring:
    """The user's keys, and Alpine's after them; of two with the same name the first counts.

    Args:
        own: The user's keys.
        arch: Whose keys of Alpine's to trust; None for those of all architectures.
        embedded: False to trust none of Alpine's.
    """
    return Keyring((*own, *(embedded_keys(arch) if embedded else ())))
