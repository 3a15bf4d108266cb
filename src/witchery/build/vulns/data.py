"""Where data about vulnerabilities comes from: Alpine's server, a mirror of it, or files."""

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path

from witchery import canonical
from witchery.config import plain
from witchery.config.tree import Limits
from witchery.errors import FormatError, StorageError, WitcheryError, located
from witchery.http import Url
from witchery.repository.access import Access
from witchery.repository.documents import read_document
from witchery.store import atomic
from witchery.value import frozen
from witchery.vulns import rejections, secdb
from witchery.vulns.matching import COVERED
from witchery.vulns.rejections import Rejections
from witchery.vulns.release import EDGE, SUPPORTED_UNTIL
from witchery.vulns.secdb import Secdb

SERVER = "https://secdb.alpinelinux.org"
"""Where Alpine publishes its security database."""

REJECTIONS = "https://gitlab.alpinelinux.org/alpine/security/security-rejections/-/raw/master"
"""Where Alpine publishes what it has rejected."""

MAX_SIZE = 8 << 20
"""The longest document, in bytes; those of all releases are below 2 MiB."""
MAX_VALUES = 300_000
"""How many values a YAML document may hold."""
STALE = 7 * 86400.0
"""From which age on data is called old, in seconds."""

_SUFFIXES = (".json", ".yaml", ".yml")


@frozen(kw_only=True)
class Source:
    """A database, and where it is from.

    Attributes:
        secdb: The database.
        place: Its address or its file.
        date: When it was certainly the newest there is, or its file was written; seconds since 1970.
        modified: When the server says that it changed last, or an empty string.
    """

    secdb: Secdb
    place: str
    date: float
    modified: str = ""


@frozen(kw_only=True)
class Data:
    """What packages are looked up in.

    Attributes:
        sources: The databases.
        rejections: What Alpine has rejected.
        warnings: What is missing or old, a sentence each.
    """

    sources: tuple[Source, ...]
    rejections: Rejections
    warnings: tuple[str, ...] = ()

    @property
    def secdb(self) -> tuple[Secdb, ...]:
        """The databases alone."""
        return tuple(each.secdb for each in self.sources)


def load(access: Access, releases: Sequence[str], place: str = "", rejected: Sequence[Path] = ()) -> Data:
    """Fetches or reads the databases of some releases.

    Args:
        access: How servers are reached.
        releases: The branches of Alpine.
        place: A folder, or the URL of a mirror; empty for Alpine's own server. In a folder stand
            `main.json` and `community.json` (or `.yaml`), or a folder of them for each release, `v3.19`.
        rejected: Files of rejections, in place of Alpine's.

    Raises:
        NetworkError: if data cannot be fetched, or is not in the cache and the network is off.
        StorageError: if files cannot be read, or there are none of use.
        FormatError: if data is malformed.
    """
    if place and "://" not in place:
        sources, lacking = _from_folder(Path(place), releases)
    else:
        sources, lacking = _from_server(access, releases, place or SERVER), []
    warnings = [f"there is no data for {each}: its packages are not checked" for each in lacking]
    warnings += _ages(sources, releases, access.now())
    found, missed = _rejections(access, rejected, place)
    return Data(sources=sources, rejections=found, warnings=(*warnings, *missed))


def _from_server(access: Access, releases: Sequence[str], server: str) -> tuple[Source, ...]:
    sources = []
    for release in releases:
        for repository in COVERED:
            url = Url.parse(f"{server.rstrip('/')}/{_shown(release)}/{repository}.json")
            try:
                found = read_document(access, url, partial(decode_secdb, what=url.shown))
            except WitcheryError as error:
                error.hints = (
                    f"`--db DIR` takes the data from files: `{_shown(release)}/{repository}.json`",
                )
                raise error from error.__cause__
            if found.release != release or found.repository != repository:
                raise FormatError(f"the data of another repository: {found.name}", where=[url.shown])
            kept = access.cache.document(str(url))
            date, modified = (kept.fetched, kept.modified) if kept else (access.now(), "")
            sources.append(Source(secdb=found, place=url.shown, date=date, modified=modified))
    return tuple(sources)


def _from_folder(folder: Path, releases: Sequence[str]) -> tuple[tuple[Source, ...], list[str]]:
    """The databases in a folder, and what it has not."""
    with atomic.storing(folder):
        if not folder.is_dir():
            raise StorageError(f"expected a folder with `main.json` and `community.json`: `{folder}`")
    sources: list[Source] = []
    lacking: list[str] = []
    for release in releases:
        for repository in COVERED:
            path = _file(folder, release, repository)
            source = _read_source(path) if path else None
            if source is not None and source.secdb.release == release:
                sources.append(source)
            else:
                lacking.append(f"{_shown(release)}/{repository}")
    if not sources and releases:
        wanted = " and ".join(f"`{_shown(each)}/main.json`" for each in releases)
        raise StorageError(
            f"no data for {', '.join(map(_shown, releases))} is in the folder: `{folder}`",
            hint=f"expected {wanted}, or `main.json` of that release; {SERVER} has them",
        )
    return tuple(sources), lacking


def _file(folder: Path, release: str, repository: str) -> Path | None:
    places = [
        where / f"{repository}{suffix}"
        for where in (folder / _shown(release), folder / release, folder)
        for suffix in _SUFFIXES
    ]
    return next((each for each in places if each.is_file()), None)


def _read_source(path: Path) -> Source:
    data = atomic.read(path, MAX_SIZE)
    with atomic.storing(path):
        date = path.stat().st_mtime
    return Source(secdb=decode_secdb(data, str(path)), place=str(path), date=date)


def decode_secdb(data: bytes, what: str) -> Secdb:
    """Reads a database, JSON or YAML.

    Raises:
        FormatError: if it is neither, malformed, or exceeds a limit.
    """
    if len(data) > MAX_SIZE:
        raise FormatError(f"longer than {MAX_SIZE} bytes", where=[what])
    is_json = data.lstrip()[:1] in (b"{", b"[") and not what.endswith(_SUFFIXES[1:])
    document = canonical.decode(data, what) if is_json else _yaml(data, what)
    with located(what):
        return secdb.read(document)


def _yaml(data: bytes, what: str) -> object:
    return plain.read(data, what, Limits(MAX_SIZE, MAX_VALUES, "a database"))


def _rejections(access: Access, files: Sequence[Path], place: str) -> tuple[Rejections, list[str]]:
    """What Alpine has rejected; that it cannot be had is no error, since without it more is reported."""
    if not files and place and "://" not in place:
        folder = Path(place, "security-rejections")
        files = sorted(each for suffix in _SUFFIXES for each in folder.glob(f"*{suffix}"))
    if files or place:
        return rejections.together(map(_read_rejections, files)), []
    found = []
    for repository in COVERED:
        url = Url.parse(f"{REJECTIONS}/{repository}.yaml")
        try:
            found.append(read_document(access, url, partial(decode_rejections, what=url.shown)))
        except WitcheryError as error:
            return rejections.together(found), [f"what Alpine has rejected is not known: {error}"]
    return rejections.together(found), []


def _read_rejections(path: Path) -> Rejections:
    return decode_rejections(atomic.read(path, MAX_SIZE), str(path))


def decode_rejections(data: bytes, what: str) -> Rejections:
    """Reads rejections; JSON is YAML, too.

    Raises:
        FormatError: if they are malformed, or exceed a limit.
    """
    document = _yaml(data, what)
    with located(what):
        return rejections.read(document)


def _ages(sources: Iterable[Source], releases: Iterable[str], now: float) -> Iterator[str]:
    """What is old about the data."""
    from datetime import UTC, datetime

    for each in sources:
        age = now - each.date
        if age > STALE:
            days = f"{age / 86400:.0f} days old"
            yield f"the data is {days}: newer fixes are not in it: {each.secdb.name} ({each.place})"
    today = datetime.fromtimestamp(now, UTC).date().isoformat()
    for release in releases:
        end = SUPPORTED_UNTIL.get(release)
        if end and end < today:
            yield (
                f"Alpine {release} has had no security support since {end}: what became known later is fixed"
                " in newer releases only, and is not in its data"
            )


def _shown(release: str) -> str:
    return release if release == EDGE else f"v{release}"
