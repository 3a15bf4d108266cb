"""Files of data about vulnerabilities, as their publishers hand them out: OSV, EPSS, KEV, OpenVEX."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from witchery import canonical, codec
from witchery.errors import FormatError, Refused, StorageError, located
from witchery.store import atomic
from witchery.vulns import epss, kev, osv, vex
from witchery.vulns.finding import Exploited, Likelihood
from witchery.vulns.osv import Record, Wanted
from witchery.vulns.vex import Statement

MAX_FILE = 256 << 20
"""The longest file that is read whole, in bytes, inflated."""
MAX_RECORDS = 2_000_000
"""How many records are looked at."""
MAX_TOTAL = 64 << 30
"""How many bytes they may have together, inflated."""

_GZIP = b"\x1f\x8b"


class Records(NamedTuple):
    """What was found among OSV records.

    Attributes:
        found: Those that matter.
        problems: What could not be read, a sentence each.
    """

    found: tuple[Record, ...]
    problems: tuple[str, ...]


def read_osv(paths: Sequence[Path], wanted: Wanted) -> Records:
    """Reads OSV records: files, folders of files, or archives such as `all.zip`.

    A record that is malformed is told of and passed over, so that one of hundreds of thousands does not make
    the others useless.

    Raises:
        StorageError: if something cannot be read.
        FormatError: if an archive is malformed, or a limit is exceeded.
    """
    found: list[Record] = []
    bad: list[str] = []
    count = size = 0
    for path in paths:
        for name, data in _documents(path):
            count, size = count + 1, size + len(data)
            if count > MAX_RECORDS or size > MAX_TOTAL:
                raise FormatError(
                    f"more than {MAX_RECORDS} records, or {MAX_TOTAL} bytes of them", where=[name]
                )
            if not wanted.may_be_in(data):
                continue
            try:
                found.append(osv.read(data))
            except Refused as error:
                bad.append(f"{name}: {error}")
        if not count:
            raise StorageError(f"no OSV record (`*.json`) is there: `{path}`")
    more = f", and {len(bad) - 1} more" if len(bad) > 1 else ""
    problems = (f"an OSV record cannot be read: {bad[0]}{more}",) if bad else ()
    return Records(tuple(found), problems)


def _documents(path: Path) -> Iterator[tuple[str, bytes]]:
    with atomic.storing(path):
        is_folder = path.is_dir()
        files = sorted(path.rglob("*.json")) if is_folder else [path]
    for file in files:
        if file.suffix == ".zip":
            yield from _members(file)
        else:
            yield str(file), atomic.read(file, osv.MAX_RECORD)


def _members(path: Path) -> Iterator[tuple[str, bytes]]:
    """The records in a zip archive; those of npm hold more members than `payload.zips` reads."""
    from zipfile import BadZipFile, ZipFile

    try:
        with atomic.storing(path), ZipFile(path) as archive:
            for member in archive.infolist():
                if not member.filename.endswith(".json"):
                    continue
                name = f"{path}: {member.filename}"
                with archive.open(member) as file:
                    data = file.read(osv.MAX_RECORD + 1)
                if len(data) > osv.MAX_RECORD:
                    raise FormatError(f"longer than {osv.MAX_RECORD} bytes", where=[name])
                yield name, data
    except (BadZipFile, NotImplementedError, RuntimeError, EOFError, ValueError) as error:
        raise FormatError(f"not an archive that can be read: {error}", where=[str(path)]) from error


def read_epss(path: Path, wanted: Collection[str]) -> Mapping[str, Likelihood]:
    """The scores of some vulnerabilities, from a file of EPSS (`.csv` or `.csv.gz`).

    Raises:
        StorageError: if it cannot be read.
        FormatError: if it is malformed.
    """
    with located(str(path), Refused):
        text = _text(_unpacked(path))
        return epss.read(text.splitlines(), wanted)


def read_kev(path: Path) -> Mapping[str, Exploited]:
    """CISA's catalogue, from a file.

    Raises:
        StorageError: if it cannot be read.
        FormatError: if it is malformed.
    """
    with located(str(path), Refused):
        data = _unpacked(path)
        return kev.read(canonical.decode(data)) if data.lstrip()[:1] == b"{" else kev.read_csv(_text(data))


def read_vex(paths: Sequence[Path]) -> tuple[Statement, ...]:
    """The statements of OpenVEX documents.

    Raises:
        StorageError: if one cannot be read.
        FormatError: if one is malformed.
    """
    found: list[Statement] = []
    for path in paths:
        with located(str(path), Refused):
            found += vex.read(canonical.decode(_unpacked(path)), path.name)
    return tuple(found)


def _unpacked(path: Path) -> bytes:
    data = atomic.read(path, MAX_FILE)
    return codec.gunzip(data, MAX_FILE) if data.startswith(_GZIP) else data


def _text(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise FormatError(f"expected UTF-8 at byte {error.start}") from None
