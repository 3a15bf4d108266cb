"""Packages: from the cache, or fetched, checked and kept.

The chain that is checked, wherever the bytes come from:

* the control segment, or the ADB block of version 3, against the identity in the (verified) index;
* the data segment against the data hash in the control segment, every file against its checksum;
* the package's own signature where a known key made one: it never may fail. A package of an index needs none.

A package given as a file has no index: its own signature takes the place of it.
"""

import threading
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, suppress
from pathlib import Path
from queue import Empty, SimpleQueue

from witchery.apk import archive as archives
from witchery.apk.archive import Archive
from witchery.apk.package import Package
from witchery.apk.signature import Trust
from witchery.arch import Arch
from witchery.codec import CHUNK
from witchery.errors import (
    IntegrityError,
    NetworkError,
    Refused,
    StorageError,
    TrustError,
    WitcheryError,
    located,
)
from witchery.http import Request, Url
from witchery.repository.access import Access
from witchery.repository.documents import unexpected
from witchery.repository.location import Repository
from witchery.store import atomic
from witchery.value import frozen, replace

JOBS = 6
"""How many packages are fetched at once."""
MAX_PACKAGE = 4 << 30
"""The longest package file, in bytes."""
_PATIENCE = 1.0  # seconds that threads get to clean up after a failure
_SLACK = 1 << 16  # a package may be signed again after it was indexed

_SHOWN = 8
_MIRROR = "the mirror may be in the middle of an update: try again later, or use another one"


@frozen(kw_only=True)
class Wanted:
    """A package to fetch.

    Attributes:
        package: The package as an index describes it.
        arch: The architecture of that index.
        repositories: Whose indexes list it, in order of preference; local ones are tried first.
    """

    package: Package
    arch: Arch
    repositories: tuple[Repository, ...]


@frozen(kw_only=True)
class Fetched:
    """A package whose bytes were checked, with its data segment in the cache.

    Attributes:
        archive: The package.
        trust: The known key that signed the package itself; false where none did.
        source: Where it came from: a URL without credentials, a path, or `cache`.
    """

    archive: Archive
    trust: Trust
    source: str


class StoppedError(Exception):
    """A download that is given up because its result is no longer wanted."""


def fetch_packages(access: Access, wanted: Sequence[Wanted], *, jobs: int = JOBS) -> tuple[Fetched, ...]:
    """Fetches packages, several at once, and returns them in the order in which they were asked for.

    Raises:
        NetworkError: if one cannot be fetched, or is not in the cache and the network is off.
        StorageError: if a local one is not there, or the cache cannot be written.
        FormatError: if one is malformed.
        IntegrityError: if one is not what the index promises.
        TrustError: if a known key's signature fails.
    """
    found = [_cached(access, each) for each in wanted]
    missing = [position for position, each in enumerate(found) if each is None]
    if missing:
        _refuse_absent([wanted[position] for position in missing])
        fetched = _fetch_all(access, [wanted[position] for position in missing], jobs)
        for position, each in zip(missing, fetched, strict=True):
            found[position] = each
    return tuple(each for each in found if each is not None)


def _refuse_absent(wanted: Sequence[Wanted]) -> None:
    """Says of several local packages at once that they are not there; of one its own fetching says it.

    Those that nothing needs come first: what they need stands before them in a solution.
    """
    absent = [each for each in reversed(wanted) if _is_absent(each)]
    if len(absent) < 2:
        return
    names = [f"`{each.package.filename}`" for each in absent[:_SHOWN]]
    more = f" and {len(absent) - _SHOWN} more" if len(absent) > _SHOWN else ""
    raise StorageError(
        f"{len(absent)} packages are not where their repository has to have them: {', '.join(names)}{more}",
        where=[str(absent[0].repositories[0].location)],
    )


def _is_absent(wanted: Wanted) -> bool:
    """Whether a package can only come from folders, and is in none of them."""
    places = [each.package(wanted.package, wanted.arch) for each in wanted.repositories]
    return bool(places) and not any(not isinstance(place, Path) or place.exists() for place in places)


def read_package(access: Access, path: Path) -> Fetched:
    """Reads a package file that stands in no index, and trusts it by its own signature.

    Raises:
        StorageError: if it cannot be read, or the cache cannot be written.
        FormatError: if it is malformed.
        IntegrityError: if its data is not what its control segment promises.
        TrustError: if no known key signed it and that is not allowed, or a known key's signature fails.
    """
    chunks = _file_chunks(path)
    with located(str(path), Refused), closing(chunks), access.cache.blobs.writing() as blob:
        archive = archives.read(chunks, blob.write)
        trust = _own_trust(access, archive, allow_untrusted=access.allow_untrusted)
    access.cache.keep_package(archive.identity, archive)
    return Fetched(archive=archive, trust=trust, source=str(path))


def _cached(access: Access, wanted: Wanted) -> Fetched | None:
    archive = access.cache.package(wanted.package.identity)
    if archive is None or not archive.is_named(wanted.package.identity):
        return None
    if archive.file is None:  # kept by a Witchery that did not ask
        data = access.cache.blobs.content(archive.data)
        archive = replace(archive, file=archive.file_digest(data.chunks()))
        access.cache.keep_package(wanted.package.identity, archive)
    with located(wanted.package.filename):
        trust = _own_trust(access, archive, allow_untrusted=True)
    return Fetched(archive=archive, trust=trust, source="cache")


def _fetch_all(access: Access, wanted: Sequence[Wanted], jobs: int) -> list[Fetched]:
    """Downloads in threads; the first failure ends them all.

    The threads are daemons: one that waits for a server that says nothing does not hold up an error, nor an
    interrupt by the user.
    """
    stop = threading.Event()
    todo: SimpleQueue[int] = SimpleQueue()
    done: SimpleQueue[tuple[int, Fetched | Exception]] = SimpleQueue()
    for position in range(len(wanted)):
        todo.put(position)

    def work() -> None:
        with suppress(Empty):
            while not stop.is_set():
                position = todo.get_nowait()
                try:
                    done.put((position, _fetch(access, wanted[position], stop)))
                except Exception as error:  # noqa: BLE001 - raised again where it is waited for
                    done.put((position, error))

    count = max(1, min(jobs, len(wanted)))
    threads = [threading.Thread(target=work, daemon=True) for _ in range(count)]
    try:
        for thread in threads:
            thread.start()
        found: dict[int, Fetched] = {}
        while len(found) < len(wanted):
            position, outcome = done.get()
            if isinstance(outcome, Exception):
                raise outcome
            found[position] = outcome
    finally:
        stop.set()
        for thread in threads:
            thread.join(_PATIENCE / count)
    return [found[position] for position in range(len(wanted))]


def _fetch(access: Access, wanted: Wanted, stop: threading.Event) -> Fetched:
    """One package, from the first repository that has it as the index describes it."""
    failure: WitcheryError | None = None
    for repository in sorted(wanted.repositories, key=lambda each: not each.is_local):
        if access.offline and not repository.is_local:
            continue
        try:
            return _fetch_from(access, wanted, repository, stop)
        except WitcheryError as error:
            if len(wanted.repositories) > 1:
                access.reporter.warned(str(error))
            failure = failure or error
    if failure is not None:
        raise failure
    raise NetworkError(
        f"not in the cache, and the network is off: `{wanted.package}`",
        hint="run once without `--offline`, on this machine or where the cache comes from",
    )


def _fetch_from(access: Access, wanted: Wanted, repository: Repository, stop: threading.Event) -> Fetched:
    package = wanted.package
    place = repository.package(package, wanted.arch)
    source = str(place) if isinstance(place, Path) else place.shown
    chunks = _file_chunks(place) if isinstance(place, Path) else _downloaded(access, place, package)
    task = str(package)
    access.reporter.started(task, package.size or None)
    try:
        with closing(chunks), access.cache.blobs.writing() as blob:
            archive = archives.read(_watched(chunks, access, task, stop), blob.write)
            _check_identity(archive, package)
            trust = _own_trust(access, archive, allow_untrusted=True)
        access.cache.keep_package(package.identity, archive)
    except Refused as error:
        raise error.at(source) from error.__cause__
    finally:
        access.reporter.finished(task)
    return Fetched(archive=archive, trust=trust, source=source)


def _downloaded(access: Access, place: Url, package: Package) -> Generator[bytes, None, None]:
    limit = min(package.size + _SLACK, MAX_PACKAGE) if package.size else MAX_PACKAGE
    with access.send(Request(url=place, max_length=limit)) as response:
        if response.status != 200:
            error = unexpected(response, place)
            if response.status == 404:
                error.hints = (f"the index lists this package, but its file is not there: {_MIRROR}",)
            raise error
        yield from response.body


def _file_chunks(path: Path) -> Generator[bytes, None, None]:
    with atomic.storing(path), path.open("rb") as file:
        while chunk := file.read(CHUNK):
            yield chunk


def _watched(chunks: Iterator[bytes], access: Access, task: str, stop: threading.Event) -> Iterator[bytes]:
    for chunk in chunks:
        if stop.is_set():
            raise StoppedError
        access.reporter.advanced(task, len(chunk))
        yield chunk


def _check_identity(archive: Archive, package: Package) -> None:
    if not archive.is_named(package.identity):
        what = "control segment" if archive.form == 2 else "ADB block"
        raise IntegrityError(
            f"the {what} is not the one that the index promises for `{package}`:"
            f" expected {package.identity.hex()}, got {archive.identity.hex()}",
            hint=_MIRROR,
        )
    if (archive.info.name, archive.info.version) != (package.name, package.version):
        raise IntegrityError(
            f"the package says it is `{archive.info.name}-{archive.info.version}`, the index says `{package}`"
        )


def _own_trust(access: Access, archive: Archive, *, allow_untrusted: bool) -> Trust:
    try:
        return archive.trust(access.keys, allow_untrusted=allow_untrusted)
    except TrustError as error:
        if error.missing:
            known = ", ".join(f"`{name}`" for name in sorted(access.keys)) or "none"
            error.hints = (*error.hints, f"known keys: {known}")
        raise
