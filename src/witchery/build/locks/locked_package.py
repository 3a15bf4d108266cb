"""A package of a lock beside the package itself: what to fetch, what to compare, what an index said of it."""

from collections.abc import Mapping, Sequence

from witchery.apk import identity as identities
from witchery.apk import writer
from witchery.apk.archive import Archive
from witchery.apk.package import NOARCH, Package
from witchery.arch import Arch
from witchery.digest import Digest
from witchery.errors import IntegrityError, located
from witchery.lock.model import LockedPackage
from witchery.repository.access import Access
from witchery.repository.location import Repository
from witchery.repository.packages import Fetched
from witchery.value import replace

V3_FOLDER = "v3"
"""The folder of a mirror for packages of apk version 3, which an index of version 2 cannot list."""

_STATED = "AISTULomtckDpi"
"""The lines of an index that reach an image: by its package database, or by deciding what is installed."""


def stub(package: LockedPackage) -> Package:
    """As much of a package as fetching it needs."""
    lines = (
        f"C:{identities.encode(package.identity)}",
        f"P:{package.name}",
        f"V:{package.version}",
        f"S:{package.size}",
        f"A:{package.arch}",
    )
    return Package.parse("\n".join(lines))


def check(package: LockedPackage, fetched: Fetched, access: Access, arch: Arch, place: str) -> None:
    """Holds a package against its lock, field by field.

    Args:
        package: What the lock says.
        fetched: What was fetched.
        access: Which keys are trusted.
        arch: For which architecture it is locked.
        place: Where it stands in the lock, for errors.

    Raises:
        IntegrityError: naming the field in which they differ.
        TrustError: if its own signature is not that of the key that is locked.
    """
    archive = fetched.archive
    described = restated(archive, arch, package.stated, package.identity)
    signature_size, control_size = segments(archive)
    facts: tuple[tuple[str, object, object], ...] = (
        ("name", package.name, described.name),
        ("version", package.version, described.version),
        ("format", package.form, archive.form),
        ("identity", True, archive.is_named(package.identity)),
        ("control_digest", package.control, Digest.sha256(archive.control_segment)),
        ("size", package.size, archive.size),
        ("signature", package.signature_size, signature_size),
        ("control", package.control_size, control_size),
        ("datahash", package.datahash, archive.data),
        ("diff_id", package.diff_id, archive.diff_id),
        ("installed_size", package.installed_size, described.installed_size),
        ("origin", package.origin, described.origin),
        ("arch", package.arch, own_arch(archive, described)),
    )
    for name, expected, got in facts:
        if expected != got:
            message = f"the package is another: expected {expected}, got {got}"
            raise IntegrityError(message, where=[f"{place}.{name}"])
    with located(f"{place}.key"):
        _check_key(package, fetched, access)


def own_arch(archive: Archive, described: Package) -> str:
    """The architecture by which a repository of version 3 may sort a package; nothing in version 2."""
    return (described.arch or NOARCH) if archive.form == 3 else ""


def segments(archive: Archive) -> tuple[int, int]:
    """The sizes of the first two segments of a package file; version 3 has none."""
    if archive.form == 3:
        return 0, 0
    return len(archive.signature_segment), len(archive.control_segment)


def _check_key(package: LockedPackage, fetched: Fetched, access: Access) -> None:
    archive, known = fetched.archive, fetched.trust.key
    if not package.key and known is not None:
        raise IntegrityError(f"signed by a known key, which the lock does not name: `{known.name}`")
    key = access.keys.get(package.key)
    if key is None:
        archive.trust({}, allow_untrusted=access.allow_untrusted)
    elif not archive.trust({key.name: key}, allow_untrusted=True):
        raise IntegrityError(f"the package is not signed by this key: `{key.name}`")


def differing(stated: Package, archive: Archive, arch: Arch) -> Mapping[str, str]:
    """The lines in which an index says something else of a package than the package itself."""
    own = _lines(writer.stanza(archive, arch.apk))
    listed = _lines(stated.stanza)
    return {
        letter: listed.get(letter, "")
        for letter in _STATED
        if listed.get(letter, "") != own.get(letter, "") and not (letter == "A" and not listed.get("A"))
    }


def restated(archive: Archive, arch: Arch, stated: Mapping[str, str], identity: bytes) -> Package:
    """The package as its index describes it, from what it says itself and the lines that differ."""
    lines = _lines(writer.stanza(archive, arch.apk)) | dict(stated) | {"C": identities.encode(identity)}
    return Package.parse("\n".join(f"{letter}:{text}" for letter, text in lines.items()))


def _lines(stanza: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for line in stanza.rstrip("\n").split("\n"):
        letter, text = line[:1], line[2:]
        found[letter] = f"{found[letter]} {text}" if letter in found and letter in "Dpi" else text
    return found


def mirrors_for(package: LockedPackage, mirrors: Sequence[Repository]) -> tuple[Repository, ...]:
    """The mirrors as repositories that may hold a package; those of version 3 have a folder of their own."""
    if package.form == 2:
        return tuple(mirrors)
    return tuple(replace(each, location=f"{each.location}/{V3_FOLDER}") for each in mirrors)
