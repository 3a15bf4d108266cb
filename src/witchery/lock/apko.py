"""The lock files of apko (`apko.lock.json`, version `v1`), as far as they say which packages are meant.

    {"version": "v1", "config": {...},
     "contents": {"packages": [{"name", "version", "architecture", "url", "checksum": "Q1...",
        "signature": {"range": "bytes=0-646", "checksum": "sha1-<base64>"},
        "control": {...}, "data": {"range": "bytes=1629-2929", "checksum": "sha256-<base64>"}}, ...]}}

The packages of all architectures stand in one list. What the lock of Witchery has and this one has not (diff
IDs, keys, releases, the order for the world that is asked for) follows from the packages once they are there.
The digest of the configuration's bytes, which apko compares, is not looked at: a new comment is no change.
"""

import binascii
import re

from witchery import canonical
from witchery.apk import identity as identities
from witchery.apk import version as versions
from witchery.arch import Arch
from witchery.errors import FormatError, UsageError
from witchery.lock.decode import MAX_FILE, MAX_PACKAGES
from witchery.lock.reader import Node
from witchery.value import frozen

_VERSION = re.compile("v1")
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._+-]*")
_PLACE = re.compile(r"[^\x00-\x20\x7f]+")
_RANGE = re.compile(r"bytes=(0|[1-9][0-9]{0,11})-(0|[1-9][0-9]{0,11})")
_SIZES = {"sha1": 20, "sha256": 32}


@frozen
class ApkoSegment:
    """A segment of a package file.

    Attributes:
        begin: Where it begins, in bytes.
        end: Where the next one begins.
        hash_name: `sha1` or `sha256`.
        checksum: The hash of its bytes.
    """

    begin: int
    end: int
    hash_name: str
    checksum: bytes


@frozen(kw_only=True)
class ApkoPackage:
    """A package of such a lock.

    Attributes:
        name: Its name.
        version: Its version.
        arch: For which architecture it is locked.
        url: Where its file is.
        identity: SHA-1 of its control segment.
        signature: The segment with its signatures; None where it is unsigned.
        control: The segment that is signed.
        data: The segment with the files.
        place: Where it stands in the lock.
    """

    name: str
    version: str
    arch: Arch
    url: str
    identity: bytes
    signature: ApkoSegment | None
    control: ApkoSegment
    data: ApkoSegment
    place: str

    @property
    def size(self) -> int:
        """Bytes of the package file."""
        return self.data.end


def is_apko(data: bytes) -> bool:
    """Whether a file looks like one of these."""
    try:
        document = canonical.decode(data)
    except FormatError:
        return False
    return isinstance(document, dict) and "schema" not in document and "contents" in document


def decode(data: bytes) -> tuple[ApkoPackage, ...]:
    """Reads the packages of all architectures, in their order.

    Raises:
        FormatError: if the file is malformed; it names the field.
    """
    if len(data) > MAX_FILE:
        raise FormatError(f"larger than the limit of {MAX_FILE} bytes")
    root = _some(Node(canonical.decode(data)), "version", "contents")
    root["version"].text(_VERSION, "`v1`")
    packages = _some(root["contents"], "packages")["packages"]
    return tuple(_package(each) for each in packages.items(MAX_PACKAGES))


def _some(node: Node, *names: str) -> dict[str, Node]:
    """Some members of an object; what else is in it is apko's affair."""
    present = dict(node.named())
    return {name: present[name] if name in present else node.members(names)[name] for name in names}


def _package(node: Node) -> ApkoPackage:
    names = ("name", "version", "architecture", "url", "checksum", "signature", "control", "data")
    found = _some(node, *names)
    version = found["version"].text(_NAME, "a version")
    if not versions.is_valid(version):
        raise found["version"].refuse(f"not a version that apk can order: `{version}`")
    signature = _segment(found["signature"], 0) if _is_signed(found["signature"]) else None
    control = _segment(found["control"], signature.end if signature else 0)
    return ApkoPackage(
        name=found["name"].text(_NAME, "the name of a package"),
        version=version,
        arch=_arch(found["architecture"]),
        url=found["url"].text(_PLACE, "a URL"),
        identity=_identity(found["checksum"]),
        signature=signature,
        control=control,
        data=_segment(found["data"], control.end),
        place=node.path,
    )


def _arch(node: Node) -> Arch:
    try:
        return Arch.parse(node.text())
    except UsageError as error:
        raise node.refuse(error.message) from None


def _identity(node: Node) -> bytes:
    try:
        identity = identities.decode(node.text())
    except FormatError as error:
        raise node.refuse(error.message) from None
    if identities.encode(identity) != node.value:
        raise node.refuse(f"expected `{identities.encode(identity)}`: `{node.value}`")
    return identity


def _is_signed(node: Node) -> bool:
    return bool(_some(node, "range")["range"].value)


def _segment(node: Node, begin: int) -> ApkoSegment:
    found = _some(node, "range", "checksum")
    match = _RANGE.fullmatch(found["range"].text())
    if match is None or int(match[1]) != begin or int(match[2]) <= begin:
        raise found["range"].refuse(f"expected a range such as `bytes={begin}-...`: `{found['range'].value}`")
    hash_name, _, encoded = found["checksum"].text().partition("-")
    try:
        checksum = binascii.a2b_base64(encoded)
    except binascii.Error:
        checksum = b""
    canonical_form = binascii.b2a_base64(checksum, newline=False).decode()
    if len(checksum) != _SIZES.get(hash_name) or canonical_form != encoded:
        raise found["checksum"].refuse(
            f"expected `sha1-` or `sha256-` and base64: `{found['checksum'].value}`"
        )
    return ApkoSegment(begin, int(match[2]) + 1, hash_name, checksum)
