"""Recognising what no package brings: the few files that composing generates, each by what must be in it.

Nothing that an image says of itself is believed here. A package database is recognised if it lists just the
packages whose heads are at hand, and so is a bill of materials; accounts if they are accounts, and nobody but
root is root; a list of certificates if a package of the image has each of them; a link to an applet by where
it points. All else is for whoever built the image to vouch for, and is named.
"""

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from witchery.apk import installed
from witchery.attest.evidence import Proof
from witchery.compose import base, certificates
from witchery.compose.release import Release
from witchery.digest import Digest
from witchery.errors import Refused
from witchery.keys import Keyring
from witchery.rootfs.accounts import Accounts
from witchery.rootfs.entry import Entry, Kind
from witchery.sbom.stated import FOLDER, SUFFIXES, Stated, stated
from witchery.value import frozen

MAX_FILE: Final = 16 << 20
"""The largest generated file that is looked into, in bytes: a package database of 50,000 files has 5 MB."""

_OS_RELEASE: Final = "etc/os-release"
_OS_RELEASE_TARGET: Final = "../usr/lib/os-release"
_KEYS: Final = "etc/apk/keys/"
_SHADOW: Final = "etc/shadow"
_APPLETS: Final = {
    "/bin/busybox": "busybox",
    "/bin/busybox-extras": "busybox-extras",
    "/bin/bbsuid": "busybox-suid",
}
_CERTIFICATE_LINK: Final = re.compile(
    r"(?:/usr(?:/local)?/share/ca-certificates/[^\0]+|ca-cert-[^/\0]+\.pem)"
)
_VERSION: Final = re.compile(rb"^VERSION_ID=([0-9][0-9a-z._]{0,30})$", re.MULTILINE)
_PEM: Final = re.compile(rb"-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----")
_LINE: Final = re.compile(r"[ -~]*")


@frozen(kw_only=True)
class Context:
    """What is known of the image that a file is in.

    Attributes:
        packages: Its packages.
        keys: The keys that are trusted.
        certificates: Gives the certificates that packages of the image have, as SHA-256 of each; asked for
            where the image has a bundle of its own.
    """

    packages: Sequence[Proof]
    keys: Keyring
    certificates: Callable[[], frozenset[str]]


def recognise(entry: Entry, data: bytes, context: Context) -> str:
    """What a generated file, folder or link is, in a few words.

    Args:
        entry: The file, folder or link.
        data: The content of a file.
        context: The image.

    Raises:
        Refused: if it is none that composing generates; it says why.
    """
    if entry.xattrs:
        raise Refused("has extended attributes, which nothing generated has")
    if entry.mode & 0o6000 and entry.kind is not Kind.DIRECTORY:
        raise Refused(f"has the mode {entry.mode:04o}, which nothing generated has")
    if entry.kind is Kind.DIRECTORY:
        return _folder(entry)
    if entry.kind is Kind.SYMLINK:
        return _link(entry, context)
    if entry.kind is not Kind.FILE:
        raise Refused("is neither a file, a folder nor a symbolic link")
    if entry.mode & 0o022 or entry.uid:
        raise Refused("can be written by others than root")
    return _file(entry, data, context)


def certificates_in(data: bytes) -> frozenset[str]:
    """The SHA-256 of every certificate in a PEM text, its white space not counted."""
    found = (b"".join(match.split()) for match in _PEM.findall(data))
    return frozenset(hashlib.sha256(each).hexdigest() for each in found)


def _folder(entry: Entry) -> str:
    if entry.mode & 0o002 and not entry.mode & 0o1000:
        raise Refused(f"a folder that anybody can write, and in which anybody can delete: {entry.mode:04o}")
    return "folder"


def _link(entry: Entry, context: Context) -> str:
    if entry.path == _OS_RELEASE and entry.target == _OS_RELEASE_TARGET:
        return "link to the release"
    package = _APPLETS.get(entry.target)
    if package and any(each.name == package for each in context.packages):
        return f"applet of {package}"
    if entry.parent == "etc/ssl/certs" and _CERTIFICATE_LINK.fullmatch(entry.target):
        return "link to a certificate"
    raise Refused(f"no link that composing makes, to `{entry.target[:80]}`")


def _file(entry: Entry, data: bytes, context: Context) -> str:
    known = _KNOWN.get(entry.path)
    if entry.path.startswith(_KEYS):
        known = _key
    elif entry.path.startswith(FOLDER) and entry.path.endswith(tuple(SUFFIXES.values())):
        known = _bill
    if known is None:
        raise Refused("no file that composing makes")
    return known(entry.path, data, context)


def _database(_: str, data: bytes, context: Context) -> str:
    """A database of just the packages at hand; what it says of their files is not looked at."""
    listed = [each.package for each in installed.parse(data)]
    known = {each.name: each for each in context.packages}
    for package in listed:
        proof = known.pop(package.name, None)
        if proof is None:
            raise Refused(f"lists a package that the evidence has not, or has once: `{package}`")
        if package.version != proof.head.info.version or not proof.head.is_named(package.identity):
            raise Refused(f"lists `{package}`, and the image has another `{proof}`")
    if known:
        raise Refused(f"does not list `{next(iter(known.values()))}`")
    return f"database of {len(listed)} packages"


def _accounts(path: str, data: bytes, _: Context) -> str:
    found = Accounts.read(
        data if path == "etc/passwd" else b"",
        data if path == "etc/group" else b"",
        data if path == _SHADOW else None,
    )
    roots = [name for name, user in found.users.items() if user.uid == 0 and name != "root"]
    if roots:
        raise Refused(f"gives the rights of root to `{', '.join(roots)}`")
    if path == "etc/passwd":
        return f"accounts: {', '.join(found.users)}"[:200]
    return f"groups: {len(found.groups)}" if path == "etc/group" else "passwords"


def _release(_: str, data: bytes, _context: Context) -> str:
    match = _VERSION.search(data)
    version = match[1].decode() if match else ""
    if data != Release(version, "").os_release():
        raise Refused("is not what Alpine's release says of itself")
    return f"release: Alpine {version or 'edge'}"


def _bundle(_: str, data: bytes, context: Context) -> str:
    found = certificates_in(data)
    unknown = found - context.certificates()
    if unknown:
        raise Refused(f"trusts {len(unknown)} certificates that no package of the image has")
    if not _is_only_certificates(data):
        raise Refused("holds something besides certificates")
    return f"certificates of packages: {len(found)}"


def _is_only_certificates(data: bytes) -> bool:
    return not any(line and not line.startswith(b"#") for line in _PEM.sub(b"", data).split(b"\n"))


def _key(path: str, data: bytes, context: Context) -> str:
    known = context.keys.get(path.removeprefix(_KEYS))
    if known is None or known.pem.strip() != data.strip():
        raise Refused("a key for apk that is not among the keys that are trusted here")
    return "a trusted key, for apk"


def _bill(path: str, data: bytes, context: Context) -> str:
    """A bill of materials of just the packages at hand; what else it says of them is not looked at."""
    listed = stated(path, data)
    known = {
        Stated(each.name, each.head.info.version, str(Digest.sha256(each.head.control_segment)))
        for each in context.packages
    }
    if other := listed - known:
        raise Refused(f"lists a package that the evidence has not: `{min(other).name[:80]}`")
    if missing := known - listed:
        raise Refused(f"does not list `{min(missing).name}`")
    return f"bill of materials: {len(listed)} packages"


def _switch(_: str, data: bytes, _context: Context) -> str:
    if data != base.NSSWITCH:
        raise Refused("is not the one that composing makes")
    return "name service switch"


def _world(_: str, data: bytes, _context: Context) -> str:
    return f"what was asked for: {', '.join(_lines(data))[:60]}"


def _arch(_: str, data: bytes, _context: Context) -> str:
    return f"the architecture: {', '.join(_lines(data))[:60]}"


def _repositories(_: str, data: bytes, _context: Context) -> str:
    return f"repositories: {', '.join(_lines(data))[:200]}"


def _shells(_: str, data: bytes, _context: Context) -> str:
    if not all(line.startswith(("/", "#")) for line in _lines(data)):
        raise Refused("is no list of shells")
    return "list of shells"


def _lines(data: bytes) -> list[str]:
    """The lines of a plain text.

    Raises:
        Refused: if it is none.
    """
    try:
        lines = [line for line in data.decode("ascii").split("\n") if line]
    except UnicodeDecodeError:
        raise Refused("is no plain text") from None
    if not all(_LINE.fullmatch(line) for line in lines):
        raise Refused("is no plain text")
    return lines


_KNOWN: Final[Mapping[str, Callable[[str, bytes, Context], str]]] = {
    "lib/apk/db/installed": _database,
    "usr/lib/apk/db/installed": _database,
    "etc/passwd": _accounts,
    "etc/group": _accounts,
    _SHADOW: _accounts,
    "etc/nsswitch.conf": _switch,
    _OS_RELEASE: _release,
    "etc/apk/world": _world,
    "etc/apk/arch": _arch,
    "etc/apk/repositories": _repositories,
    "etc/shells": _shells,
    **dict.fromkeys(certificates.BUNDLES, _bundle),
}
