"""The values of a lock file."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Literal

from witchery.arch import Arch
from witchery.digest import Digest
from witchery.errors import UsageError
from witchery.value import field, frozen

SCHEMA = "dev.witchery.lock/1"
"""The name of the format."""

COMPATIBILITY = 1
"""Which bytes a lock gives: raised whenever the same lock would come to another image digest than before."""

FILE_NAME = "witchery.lock.json"
"""What a lock file is called where nobody says otherwise."""


@frozen(kw_only=True)
class Demand:
    """What of a request decides which packages an image is made of; see `witchery.lock.demand`.

    Attributes:
        packages: The world that was asked for, sorted.
        repositories: Where packages may come from, in order of preference, as lines of
            `/etc/apk/repositories` without credentials; folders relative to the lock file.
        shell: `allow` or `forbid`.
    """

    packages: tuple[str, ...]
    repositories: tuple[str, ...]
    shell: str = "allow"


@frozen
class LockedKey:
    """A public key that vouched for something.

    Attributes:
        name: Its file name.
        fingerprint: See `witchery.keys.PublicKey.fingerprint`.
    """

    name: str
    fingerprint: str


@frozen(kw_only=True)
class LockedIndex:
    """An index that was searched.

    Attributes:
        repository: The line of its repository.
        digest: SHA-256 of the file.
        key: The name of the key that vouched for it, or an empty string.
        description: What it calls itself.
        names: How it says that the files of packages are called (apk version 3), or an empty string.
    """

    repository: str
    digest: Digest
    key: str
    description: str
    names: str = ""


@frozen
class LockedRelease:
    """A release of Alpine that the repositories belong to.

    Attributes:
        version: `3.19.1`; empty for `edge`.
        evidence: What says so.
    """

    version: str
    evidence: str


@frozen(kw_only=True)
class LockedPackage:
    """A package, by all that is known of it.

    Attributes:
        name: Its name.
        version: Its version.
        repository: The line of the repository that it came from; empty for a file.
        url: Where it was: a URL without credentials, or a path relative to the lock file.
        size: Bytes of the package file.
        identity: The hash of its control segment that the index states: 20 bytes of SHA-1, or 32.
        signature_size: Bytes of the signature segment, with which the file begins; 0 if it is unsigned, and
            in version 3, which has no such segments.
        control_size: Bytes of the control segment, which follows; 0 in version 3. The rest is the data
            segment.
        control: SHA-256 of the control segment; in version 3 of the ADB block.
        datahash: SHA-256 of the data segment: the digest of its layer; in version 3 of the whole file.
        diff_id: SHA-256 of the data segment inflated; in version 3 the same as `datahash`.
        installed_size: Bytes of its files together.
        origin: The source package.
        key: The name of the key that signed the package itself, or an empty string.
        stated: Lines of the index, by their letters, that say something else than the package itself.
        form: The version of the package's format.
        arch: In version 3, the package's own architecture: repositories may sort by it.
    """

    name: str
    version: str
    repository: str
    url: str
    size: int
    identity: bytes
    signature_size: int
    control_size: int
    control: Digest
    datahash: Digest
    diff_id: Digest
    installed_size: int
    origin: str
    key: str
    stated: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    form: Literal[2, 3] = 2
    arch: str = ""

    @property
    def file_name(self) -> str:
        """The name of its file in a repository."""
        return f"{self.name}-{self.version}.apk"

    def __str__(self) -> str:
        return f"{self.name}-{self.version}"


@frozen(kw_only=True)
class LockedPayload:
    """The application.

    Attributes:
        name: What its package is called.
        before: How many of the packages are installed before it.
        diff_id: SHA-256 of its files as a tar.
        depends: What it needs.
    """

    name: str
    before: int
    diff_id: Digest
    depends: tuple[str, ...]


@frozen(kw_only=True)
class LockedArch:
    """What is locked for one architecture.

    Attributes:
        arch: The architecture.
        world: All that was asked for, but for the application itself; sorted.
        indexes: The indexes that were searched.
        releases: The releases that these belong to.
        packages: In the order of installation.
        payload: The application, where there is one.
    """

    arch: Arch
    world: tuple[str, ...]
    indexes: tuple[LockedIndex, ...]
    releases: tuple[LockedRelease, ...]
    packages: tuple[LockedPackage, ...]
    payload: LockedPayload | None = None

    @property
    def order(self) -> tuple[str, ...]:
        """The names of all packages in the order of installation, the application's among them."""
        names = [each.name for each in self.packages]
        if self.payload:
            names.insert(self.payload.before, self.payload.name)
        return tuple(names)

    def named(self, name: str) -> LockedPackage | None:
        """The package called `name`."""
        return next((each for each in self.packages if each.name == name), None)


@frozen(kw_only=True)
class Lock:
    """A lock file.

    Attributes:
        compatibility: See `COMPATIBILITY`; of the Witchery that made it.
        demand: What was asked for.
        keys: The keys that vouched for indexes and packages, sorted by name.
        architectures: Sorted by the name of the architecture.
    """

    compatibility: int
    demand: Demand
    keys: tuple[LockedKey, ...]
    architectures: tuple[LockedArch, ...]

    def __iter__(self) -> Iterator[LockedArch]:
        return iter(self.architectures)

    def of(self, arch: Arch) -> LockedArch | None:
        """What is locked for an architecture."""
        return next((each for each in self.architectures if each.arch == arch), None)

    def find(self, arch: Arch, *, hint: str = "choose with `--arch`") -> LockedArch:
        """The same, where it has to be locked.

        Raises:
            UsageError: if it is not; the hint says what to do then.
        """
        found = self.of(arch)
        if found is None:
            known = ", ".join(each.arch.apk for each in self)
            raise UsageError(f"not locked for {arch}: the lock is for {known}", hint=hint)
        return found
