"""Locks made of nothing: well formed, of packages that do not exist."""

from collections.abc import Iterator, Sequence
from typing import Any

from hypothesis import strategies as st

from witchery.arch import Arch
from witchery.digest import Digest
from witchery.lock.model import (
    COMPATIBILITY,
    Demand,
    Lock,
    LockedArch,
    LockedIndex,
    LockedKey,
    LockedPackage,
    LockedPayload,
    LockedRelease,
)

REPOSITORY = "https://example.test/v3.19/main"
KEY = LockedKey("a@example.test-1.rsa.pub", "SHA256:" + "ab" * 32)


def locked(name: str, version: str = "1.0-r0", **more: Any) -> LockedPackage:
    """A package that is locked, with sizes and digests that follow from its name."""
    made: dict[str, Any] = {
        "name": name,
        "version": version,
        "repository": REPOSITORY,
        "url": f"{REPOSITORY}/x86_64/{name}-{version}.apk",
        "size": 5000,
        "identity": Digest.sha256(name.encode()).hex.encode()[:20],
        "signature_size": 100,
        "control_size": 200,
        "control": Digest.sha256(f"control {name}".encode()),
        "datahash": Digest.sha256(f"data {name}".encode()),
        "diff_id": Digest.sha256(f"tar {name}".encode()),
        "installed_size": 12345,
        "origin": name,
        "key": KEY.name,
    }
    return LockedPackage(**(made | more))


def a_lock(packages: Sequence[LockedPackage] = ()) -> Lock:
    """A lock for one architecture, with something of everything."""
    found = tuple(packages) or (locked("one"), locked("two", stated={"D": "one"}))
    arch = LockedArch(
        arch=Arch.parse("x86_64"),
        world=("one", "two>1"),
        indexes=(
            LockedIndex(
                repository=REPOSITORY,
                digest=Digest.sha256(b"index"),
                key=KEY.name,
                description="v3.19.1-5-gabc",
            ),
        ),
        releases=(LockedRelease("3.19.1", "the index `v3.19.1-5-gabc`"),),
        packages=found,
        payload=LockedPayload(
            name="payload-app", before=1, diff_id=Digest.sha256(b"app"), depends=("so:libc.musl-x86_64.so.1",)
        ),
    )
    demand = Demand(packages=("one", "two>1"), repositories=(REPOSITORY,))
    return Lock(compatibility=COMPATIBILITY, demand=demand, keys=(KEY,), architectures=(arch,))


def packages() -> st.SearchStrategy[LockedPackage]:
    """Locked packages of all kinds of names, sizes and segments."""
    names = st.from_regex(r"[a-z0-9_][a-z0-9._+-]{0,20}", fullmatch=True)
    versions = st.from_regex(r"[0-9]{1,3}(\.[0-9]{1,3}){0,3}[a-z]?-r[0-9]{1,2}", fullmatch=True)

    def make(
        name: str, version: str, signature: int, control: int, data: int, identity: bytes
    ) -> LockedPackage:
        size = signature + control + data
        sizes = {"signature_size": signature, "control_size": control, "size": size, "identity": identity}
        return locked(name, version, **sizes)

    signatures = st.one_of(st.just(0), st.integers(2, 10_000))
    identities = st.one_of(st.binary(min_size=20, max_size=20), st.binary(min_size=32, max_size=32))
    return st.builds(
        make, names, versions, signatures, st.integers(2, 10_000), st.integers(2, 1 << 32), identities
    )


def leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The paths to every text and number of a document."""
    if isinstance(value, dict):
        for name, each in value.items():
            yield from leaves(each, (*path, name))
    elif isinstance(value, list):
        for number, each in enumerate(value):
            yield from leaves(each, (*path, number))
    else:
        yield path
