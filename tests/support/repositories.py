"""Small repositories, made and signed on demand; every part can be broken on purpose."""

from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from witchery.apk import archive, writer
from witchery.apk.pkginfo import PackageInfo
from witchery.keys import Keyring, PrivateKey
from witchery.rootfs.content import BytesContent
from witchery.rootfs.entry import file


@cache
def key(name: str = "test@example.org-1.rsa.pub") -> PrivateKey:
    """A private key of that name, the same for the whole test run; short, since making one takes long."""
    return PrivateKey.generate(name, 2048)


def keyring(*keys: PrivateKey) -> Keyring:
    """The public halves; without arguments that of `key()`."""
    return Keyring(each.public for each in keys or (key(),))


def package(
    name: str,
    version: str = "1.0-r0",
    *,
    files: dict[str, bytes] | None = None,
    arch: str = "x86_64",
    depends: tuple[str, ...] = (),
    signer: PrivateKey | None = None,
) -> bytes:
    """A package; by default it holds one file that names it, and is signed by `key()`."""
    contents = {f"usr/share/{name}": f"{name} {version}\n".encode()} if files is None else files
    return writer.package(
        PackageInfo(name=name, version=version, arch=arch, build_time=1700000000, depends=depends),
        [(file(path, len(data)), BytesContent(data)) for path, data in contents.items()],
        key=signer or key(),
    )


@dataclass
class Simulator:
    """A repository in memory: file names and bytes of packages, and an index that is made of them.

    Attributes:
        packages: Package files by name.
        signer: Signs the index; None leaves it unsigned.
        arch: The architecture folder.
    """

    packages: dict[str, bytes] = field(default_factory=dict)
    signer: PrivateKey | None = field(default_factory=key)
    arch: str = "x86_64"

    def add(self, data: bytes) -> None:
        """Adds a package."""
        read = archive.read([data], lambda _: None)
        self.packages[read.file_name] = data

    def index(self) -> bytes:
        """The index of the packages as they are now."""
        archives = [archive.read([data], lambda _: None) for data in self.packages.values()]
        return writer.index([writer.stanza(each, self.arch) for each in archives], key=self.signer)

    def write(self, root: Path) -> Path:
        """Writes the repository to a folder; its index is made now, so break packages afterwards."""
        folder = root / self.arch
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "APKINDEX.tar.gz").write_bytes(self.index())
        for name, data in self.packages.items():
            (folder / name).write_bytes(data)
        return root


def three(root: Path) -> Path:
    """A repository of three packages, `one`, `two` and `three`, in a folder."""
    simulator = Simulator()
    for name in ("one", "two", "three"):
        simulator.add(package(name, files={f"usr/bin/{name}": name.encode() * 50_000}))
    return simulator.write(root)
