"""Indexes of repositories: fetched, and believed only after their signature was checked."""

import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from witchery.apk import index as apk_index
from witchery.apk import index_tables, signature
from witchery.apk.index import Index
from witchery.apk.package import NOARCH
from witchery.apk.signature import Trust
from witchery.arch import ALL, Arch
from witchery.codec import GzipReader
from witchery.digest import Digest
from witchery.errors import FormatError, StorageError, TrustError, WitcheryError
from witchery.repository.access import Access
from witchery.repository.documents import read_document
from witchery.repository.location import INDEX_NAME, INDEX_NAME_V3, Repository
from witchery.value import frozen, replace

_V3 = b"ADB"  # how every file of version 3 begins
_LARGE = 1 << 16  # bytes of an index, from which on it pays to keep what is looked up in it
_FORM = f"{index_tables.FORMAT}.{sys.implementation.cache_tag}"
_LOOKED_AT = 50  # packages, to find out what architecture an index is for


@frozen(kw_only=True)
class VerifiedIndex:
    """An index whose signature was checked.

    Attributes:
        repository: Where it is from, with the names of packages that the index gives.
        arch: What architecture it was fetched for.
        index: The packages.
        trust: The key that vouches for it; false where the user allowed it to be untrusted.
        digest: SHA-256 of the file.
    """

    repository: Repository
    arch: Arch
    index: Index
    trust: Trust
    digest: Digest


def fetch_index(access: Access, repository: Repository, arch: Arch) -> VerifiedIndex:
    """Fetches and checks the index of a repository.

    Raises:
        NetworkError: if it cannot be fetched, or is not in the cache and the network is off.
        StorageError: if a local one is not there.
        TrustError: if no known key signed it and that is not allowed, or a known key's signature fails.
        FormatError: if it is malformed, or for another architecture.
    """
    place = repository.index(arch)

    def check(data: bytes) -> VerifiedIndex:
        return _verified(access, repository, arch, data)

    try:
        return read_document(access, place, check)
    except TrustError as error:
        raise _with_keys(error, access) from error.__cause__
    except StorageError as error:
        if isinstance(place, Path) and isinstance(error.__cause__, FileNotFoundError):
            raise _missing(place) from None
        raise error from error.__cause__


def _verified(access: Access, repository: Repository, arch: Arch, data: bytes) -> VerifiedIndex:
    digest = Digest.sha256(data)
    try:
        is_v3 = data.startswith(_V3)
        trust, index, names = _read_v3(access, data) if is_v3 else _read_v2(access, data, digest)
        _check_arch(index, arch)
    except WitcheryError as error:
        place = repository.index(arch)
        raise error.at(str(place) if isinstance(place, Path) else place.shown) from error.__cause__
    return VerifiedIndex(
        repository=replace(repository, names=names) if names else repository,
        arch=arch,
        index=index,
        trust=trust,
        digest=digest,
    )


def _read_v2(access: Access, data: bytes, digest: Digest) -> tuple[Trust, Index, str]:
    signatures, signed = signature.split(data)
    trust = signature.verify(signatures, signed, access.keys, allow_untrusted=access.allow_untrusted)
    if len(data) < _LARGE:
        return trust, Index.read(_inflated(signed)), ""
    kept = access.cache.index(digest, _FORM)
    if kept is not None:
        with suppress(FormatError):  # of another Python, or of another Witchery: as if it were not there
            return trust, Index.read(_inflated(signed), kept), ""
    index = Index.read(_inflated(signed))
    with suppress(StorageError):  # then the next run is no faster than this one
        access.cache.keep_index(digest, _FORM, index.compiled())
    return trust, index, ""


def _read_v3(access: Access, data: bytes) -> tuple[Trust, Index, str]:
    from witchery.apk.adb import index as adb

    file = adb.parse(data)
    trust = file.trust(access.keys.values(), allow_untrusted=access.allow_untrusted)
    return trust, *adb.decode(file.payload)


def _inflated(signed: bytes) -> Iterator[bytes]:
    reader = GzipReader([signed])
    if reader.at_end():
        raise FormatError("ends after its signature: the index is truncated")
    left = apk_index.LIMIT
    while not reader.at_end():
        for piece in reader.member(lambda _: None, left):
            left -= len(piece)
            yield piece


def _check_arch(index: Index, arch: Arch) -> None:
    for package in index[:_LOOKED_AT]:
        if package.arch and package.arch != NOARCH:
            if package.arch != arch.apk:
                raise FormatError(f"an index for {package.arch}, expected one for {arch}")
            return


def _with_keys(error: TrustError, access: Access) -> TrustError:
    if error.missing:
        known = ", ".join(f"`{name}`" for name in sorted(access.keys)) or "none"
        error.hints = (*error.hints, f"known keys: {known}")
    return error


def _missing(place: Path) -> StorageError:
    """Says what is there instead of an index."""
    root = place.parent.parent
    found = [arch.apk for arch in ALL if _is_there(root / arch.apk / INDEX_NAME)]
    hint = "make one with `witchery index`"
    if place.name == INDEX_NAME and _is_there(place.with_name(INDEX_NAME_V3)):
        hint = f"it is one of apk version 3: name it with the word before it, `v3 {root}`"
    elif found:
        hint = f"the repository has indexes for {', '.join(found)}"
    elif _is_there(root / INDEX_NAME):
        hint = f"give the folder above, `{root.parent}`: architectures are found below it"
    return StorageError(f"the repository has no index: `{place}`", hint=hint)


def _is_there(file: Path) -> bool:
    """Whether a file is there, as far as we may look."""
    try:
        return file.is_file()
    except OSError:
        return False
