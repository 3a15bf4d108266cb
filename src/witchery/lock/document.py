"""A lock as JSON: sorted members, two spaces of indentation, so that a difference in git is short."""

from typing import Any

from witchery import canonical
from witchery.apk import identity
from witchery.lock.model import (
    SCHEMA,
    Demand,
    Lock,
    LockedArch,
    LockedIndex,
    LockedPackage,
    LockedPayload,
    LockedRelease,
)
from witchery.lock.seal import seal


def encode(lock: Lock) -> bytes:
    """The file."""
    return canonical.encode_pretty(document(lock))


def document(lock: Lock) -> dict[str, Any]:
    """The lock as plain values."""
    return {
        "schema": SCHEMA,
        "compatibility": lock.compatibility,
        "configuration": demand_document(lock.demand),
        "keys": [{"name": each.name, "fingerprint": each.fingerprint} for each in lock.keys],
        "architectures": {each.arch.apk: arch_document(each) for each in lock.architectures},
    }


def demand_document(demand: Demand) -> dict[str, Any]:
    """What was asked for, with its digest."""
    from witchery.lock.demand import digest, members

    found = members(demand)
    return {**found, "digest": str(digest(demand)), "seal": seal(found)}


def arch_document(locked: LockedArch) -> dict[str, Any]:
    """What is locked for one architecture."""
    found: dict[str, Any] = {
        "world": list(locked.world),
        "indexes": [index_document(each) for each in locked.indexes],
        "releases": [release_document(each) for each in locked.releases],
        "packages": [package_document(each) for each in locked.packages],
        "seal": seal(sealed(locked)),
    }
    if locked.payload:
        found["payload"] = payload_document(locked.payload)
    return found


def sealed(locked: LockedArch) -> dict[str, Any]:
    """What of an architecture nothing but its marks can check."""
    return {
        "indexes": [each.repository for each in locked.indexes],
        "packages": [each.name for each in locked.packages],
        "payload.before": locked.payload.before if locked.payload else None,
        "releases": [[each.version, each.evidence] for each in locked.releases],
        "world": list(locked.world),
    }


def index_document(index: LockedIndex) -> dict[str, Any]:
    """One index, with its marks."""
    members = index_members(index)
    return {**members, "seal": seal(members)}


def index_members(index: LockedIndex) -> dict[str, Any]:
    """One index, without them."""
    found = {
        "repository": index.repository,
        "digest": str(index.digest),
        "key": index.key,
        "description": index.description,
    }
    return found | {"names": index.names} if index.names else found


def release_document(release: LockedRelease) -> dict[str, Any]:
    """One release, with its marks."""
    members = release_members(release)
    return {**members, "seal": seal(members)}


def release_members(release: LockedRelease) -> dict[str, Any]:
    """One release, without them."""
    return {"version": release.version, "evidence": release.evidence}


def package_document(package: LockedPackage) -> dict[str, Any]:
    """One package."""
    end = package.signature_size + package.control_size
    found: dict[str, Any] = {
        "name": package.name,
        "version": package.version,
        "repository": package.repository,
        "url": package.url,
        "size": package.size,
        "identity": identity.encode(package.identity),
        "signature": f"0-{package.signature_size - 1}" if package.signature_size else "",
        "control": f"{package.signature_size}-{end - 1}" if package.control_size else "",
        "control_digest": str(package.control),
        "datahash": str(package.datahash),
        "diff_id": str(package.diff_id),
        "installed_size": package.installed_size,
        "origin": package.origin,
        "key": package.key,
    }
    if package.form == 3:
        found |= {"format": 3, "arch": package.arch}
    if package.stated:
        found["stated"] = {**package.stated, "seal": seal(package.stated)}
    return found


def payload_document(payload: LockedPayload) -> dict[str, Any]:
    """The application."""
    return {
        "name": payload.name,
        "before": payload.before,
        "diff_id": str(payload.diff_id),
        "depends": list(payload.depends),
    }
