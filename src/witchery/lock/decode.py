"""Reading a lock file, strictly: what is not exactly as it is written is refused, and the field is named."""

import re
from collections.abc import Mapping
from typing import Literal

from witchery import canonical
from witchery.apk import identity as identities
from witchery.apk import version as versions
from witchery.arch import Arch
from witchery.errors import FormatError, UsageError
from witchery.lock import demand as demands
from witchery.lock.document import index_members, release_members, sealed
from witchery.lock.model import (
    SCHEMA,
    Demand,
    Lock,
    LockedArch,
    LockedIndex,
    LockedKey,
    LockedPackage,
    LockedPayload,
    LockedRelease,
)
from witchery.lock.reader import Node
from witchery.lock.seal import broken

MAX_FILE = 64 << 20
"""The largest lock file, in bytes."""
MAX_PACKAGES = 20_000
"""How many packages an architecture may have."""
_MAX_LIST = 10_000
_MAX_ARCHES = 64

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._+-]*")
_ENTRY = re.compile(r"[^\s\x00-\x1f\x7f]+")
_LINE = re.compile(r"[^\s\x00-\x1f\x7f]\S*(?: \S+)*")
_PLACE = re.compile(r"[^\x00-\x20\x7f][^\x00-\x1f\x7f]*")
_KEY = re.compile(r"[^\x00-\x1f\x7f/]*")
_FINGERPRINT = re.compile(r"SHA256:[0-9a-f]{64}")
_RANGE = re.compile(r"(0|[1-9][0-9]{0,11})-(0|[1-9][0-9]{0,11})")
_SHELL = re.compile("allow|forbid")
_LETTER = re.compile("[A-Za-z]")
_BY_HAND = (
    "a lock is written by `witchery lock`; `witchery lock SOURCE --update` writes it anew and moves nothing"
)


def decode(data: bytes) -> Lock:
    """Reads a lock file.

    Raises:
        FormatError: if it is malformed, or was changed by hand where that shows; it names the field.
    """
    if len(data) > MAX_FILE:
        raise FormatError(f"larger than the limit of {MAX_FILE} bytes")
    root = Node(canonical.decode(data))
    if isinstance(root.value, dict) and root.value.get("schema", SCHEMA) != SCHEMA:
        raise Node(root.value["schema"], "schema").refuse(f"expected `{SCHEMA}`: another format or version")
    found = root.members(("schema", "compatibility", "configuration", "keys", "architectures"))
    keys = tuple(_key(each) for each in found["keys"].items(_MAX_LIST))
    _check_order(found["keys"], [each.name for each in keys])
    arches = [_arch(name, each) for name, each in found["architectures"].named()]
    if not 0 < len(arches) <= _MAX_ARCHES:
        raise found["architectures"].refuse(f"expected 1 to {_MAX_ARCHES} architectures, got {len(arches)}")
    lock = Lock(
        compatibility=found["compatibility"].number(least=1, most=1 << 20),
        demand=_demand(found["configuration"]),
        keys=keys,
        architectures=tuple(sorted(arches, key=lambda each: each.arch.apk)),
    )
    _check_together(lock)
    return lock


def _demand(node: Node) -> Demand:
    found = node.members(("digest", "packages", "repositories", "seal", "shell"))
    demand = Demand(
        packages=found["packages"].texts(_MAX_LIST, _ENTRY, "a dependency"),
        repositories=found["repositories"].texts(_MAX_LIST, _LINE, "a repository"),
        shell=found["shell"].text(_SHELL, "`allow` or `forbid`"),
    )
    _check_order(found["packages"], demand.packages)
    _check_seal(node, found["seal"], demands.members(demand))
    stated = found["digest"].digest()
    if stated != demands.digest(demand):
        raise found["digest"].refuse("not the digest of what stands beside it: changed by hand", _BY_HAND)
    return demand


def _key(node: Node) -> LockedKey:
    found = node.members(("name", "fingerprint"))
    name = found["name"].text(_KEY, "the file name of a key")
    if not name:
        raise found["name"].refuse("expected the file name of a key: ``")
    return LockedKey(name, found["fingerprint"].text(_FINGERPRINT, "`SHA256:` and 64 hexadecimal digits"))


def _arch(name: str, node: Node) -> LockedArch:
    try:
        arch = Arch.parse(name)
    except UsageError as error:
        raise node.refuse(error.message) from None
    if arch.apk != name:
        raise node.refuse(f"expected Alpine's name, `{arch.apk}`")
    found = node.members(("world", "indexes", "releases", "packages", "seal"), ("payload",))
    packages = tuple(_package(each) for each in found["packages"].items(MAX_PACKAGES))
    locked = LockedArch(
        arch=arch,
        world=found["world"].texts(_MAX_LIST, _ENTRY, "a dependency"),
        indexes=tuple(_index(each) for each in found["indexes"].items(_MAX_LIST)),
        releases=tuple(_release(each) for each in found["releases"].items(_MAX_LIST)),
        packages=packages,
        payload=_payload(found["payload"], len(packages)) if "payload" in found else None,
    )
    names = locked.order
    for number, package in enumerate(names):
        if package in names[:number]:
            raise found["packages"].refuse(f"a package stands twice: `{package}`", _BY_HAND)
    _check_seal(node, found["seal"], sealed(locked))
    return locked


def _index(node: Node) -> LockedIndex:
    found = node.members(("repository", "digest", "key", "description", "seal"), ("names",))
    index = LockedIndex(
        repository=found["repository"].text(_LINE, "a repository"),
        digest=found["digest"].digest(),
        key=found["key"].text(_KEY, "the file name of a key"),
        description=found["description"].text(),
        names=found["names"].text(_PLACE, "how files are called") if "names" in found else "",
    )
    _check_seal(node, found["seal"], index_members(index))
    return index


def _release(node: Node) -> LockedRelease:
    found = node.members(("version", "evidence", "seal"))
    release = LockedRelease(found["version"].text(), found["evidence"].text())
    _check_seal(node, found["seal"], release_members(release))
    return release


def _payload(node: Node, packages: int) -> LockedPayload:
    found = node.members(("name", "before", "diff_id", "depends"))
    return LockedPayload(
        name=found["name"].text(_NAME, "the name of a package"),
        before=found["before"].number(most=packages),
        diff_id=found["diff_id"].digest(),
        depends=found["depends"].texts(_MAX_LIST, _ENTRY, "a dependency"),
    )


_PACKAGE = (
    *("name", "version", "repository", "url", "size", "identity", "signature", "control", "control_digest"),
    *("datahash", "diff_id", "installed_size", "origin", "key"),
)


def _package(node: Node) -> LockedPackage:
    found = node.members(_PACKAGE, ("arch", "format", "stated"))
    version = found["version"].text(_NAME, "a version")
    if not versions.is_valid(version):
        raise found["version"].refuse(f"not a version that apk can order: `{version}`")
    size = found["size"].number(least=1)
    form, signature_end, control_end = _segments(found, size)
    arch = found["arch"].text(_NAME, "an architecture") if "arch" in found else ""
    if bool(arch) != (form == 3):
        raise found.get("arch", node).refuse("`arch` and `format` stand in packages of version 3, both")
    name, url = (
        found["name"].text(_NAME, "the name of a package"),
        found["url"].text(_PLACE, "a URL or a path"),
    )
    repository = _or_nothing(found["repository"], "a repository")
    file_name = f"{name}-{version}.apk"
    if repository and form == 2 and url.rpartition("/")[2] != file_name:
        raise node.refuse(f"`name`, `version` and `url` do not go together: `{url}` is not `{file_name}`")
    return LockedPackage(
        name=name,
        version=version,
        repository=repository,
        url=url,
        size=size,
        identity=_identity(found["identity"]),
        signature_size=signature_end,
        control_size=control_end - signature_end,
        control=found["control_digest"].digest(),
        datahash=found["datahash"].digest(),
        diff_id=found["diff_id"].digest(),
        installed_size=found["installed_size"].number(most=1 << 62),
        origin=found["origin"].text(),
        key=found["key"].text(_KEY, "the file name of a key"),
        stated=_stated(found["stated"]) if "stated" in found else {},
        form=form,
        arch=arch,
    )


def _segments(found: Mapping[str, Node], size: int) -> tuple[Literal[2, 3], int, int]:
    """The version of a package's format, and where its first two segments end; version 3 has none."""
    if "format" in found:
        found["format"].number(least=3, most=3)
        for name in ("signature", "control"):
            if found[name].text():
                raise found[name].refuse(f"a package of version 3 has no segments: `{found[name].value}`")
        return 3, 0, 0
    signed = found["signature"].text()
    signature_end = _range(found["signature"], 0, size) if signed else 0
    return 2, signature_end, _range(found["control"], signature_end, size)


def _or_nothing(node: Node, expected: str) -> str:
    return node.text(_LINE, expected) if node.value != "" else ""


def _identity(node: Node) -> bytes:
    text = node.text()
    try:
        identity = identities.decode(text)
    except FormatError as error:
        raise node.refuse(error.message) from None
    if identities.encode(identity) != text:
        raise node.refuse(f"expected `{identities.encode(identity)}`: `{text}`")
    return identity


def _range(node: Node, begin: int, size: int) -> int:
    """Where a segment ends that begins where it has to; something has to follow it."""
    match = _RANGE.fullmatch(node.text())
    if match is None:
        raise node.refuse(f"expected a range of bytes such as `{begin}-1628`: `{node.value}`")
    first, last = int(match[1]), int(match[2])
    if first != begin or not first < last < size - 1:
        raise node.refuse(
            f"expected a range from {begin}, behind any `signature`, to less than {size - 1}, as `size`"
            f" has it: `{node.value}`"
        )
    return last + 1


def _stated(node: Node) -> dict[str, str]:
    found = dict(node.named())
    seal = found.pop("seal", None)
    if seal is None:
        raise Node(None, f"{node.path}.seal").refuse("missing")
    lines = {}
    for letter, value in found.items():
        if not _LETTER.fullmatch(letter):
            raise value.refuse("unknown")
        lines[letter] = value.text()
    _check_seal(node, seal, lines)
    return lines


def _check_seal(node: Node, stated: Node, members: Mapping[str, object]) -> None:
    """The seal counts last: all that has a check of its own was checked before."""
    name = broken(stated.text(), members)
    if name is not None:
        place = Node(None, f"{node.path}.{name}") if name else stated
        what = " (a `name`, or the order)" if name == "packages" and "indexes" in members else ""
        raise place.refuse(f"changed by hand{what}: it does not go with the seal beside it", _BY_HAND)


def _check_order(node: Node, names: "list[str] | tuple[str, ...]") -> None:
    if list(names) != sorted(set(names)):
        raise node.refuse("expected in order, and none twice", _BY_HAND)


def _check_together(lock: Lock) -> None:
    """Whatever names a key or a repository names one that stands in the lock, and none stands for nothing."""
    known = {key.name for key in lock.keys}
    used = {each.key for arch in lock for each in arch.indexes}
    used |= {each.key for arch in lock for each in arch.packages}
    for number, each in enumerate(lock.keys):
        if each.name not in used:
            place = f"keys[{number}].name"
            raise FormatError(
                f"vouches for nothing in this lock: `{each.name}`", where=[place], hint=_BY_HAND
            )
    for arch in lock.architectures:
        place = f"architectures.{arch.arch.apk}"
        lines = {index.repository for index in arch.indexes}
        for number, index in enumerate(arch.indexes):
            if index.repository not in lock.demand.repositories:
                _refuse_reference(f"{place}.indexes[{number}].repository", index.repository)
        for number, package in enumerate(arch.packages):
            if package.repository and package.repository not in lines:
                _refuse_reference(f"{place}.packages[{number}].repository", package.repository)
        vouched = [(f"{place}.indexes[{n}].key", index.key) for n, index in enumerate(arch.indexes)]
        vouched += [(f"{place}.packages[{n}].key", package.key) for n, package in enumerate(arch.packages)]
        for where, key in vouched:
            if key and key not in known:
                _refuse_reference(where, key)


def _refuse_reference(place: str, named: str) -> None:
    raise FormatError(f"not listed in this lock: `{named}`", where=[place], hint=_BY_HAND)
