"""Makes the repository of examples from `sources`: three packages, two architectures, one throw-away key.

Run it again, and everything but the signatures is the same, byte for byte; the private key is never written.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "sources"))

import hello

from witchery.apk import archive, writer
from witchery.apk.pkginfo import PackageInfo
from witchery.keys import PrivateKey
from witchery.rootfs.content import BytesContent, Content
from witchery.rootfs.entry import Entry, file, symlink

HERE = Path(__file__).parent
ARCHES = ("x86_64", "aarch64")
TIME = 1_760_000_000
KEY_NAME = "witchery-example-2.rsa.pub"
COMMON = {"license": "Apache-2.0", "origin": "witchery-examples", "build_time": TIME}

Files = list[tuple[Entry, Content]]


def base_files() -> tuple[PackageInfo, Files]:
    """Two files of `/etc`."""
    info = PackageInfo(name="base-files", version="1-r0", arch="noarch", description="Base files", **COMMON)
    files: Files = []
    for path in sorted((HERE / "sources/base-files").rglob("*")):
        if path.is_file():
            data = path.read_bytes()
            name = str(path.relative_to(HERE / "sources/base-files"))
            files.append((file(name, len(data), mtime=TIME), BytesContent(data)))
    return info, files


def certificates() -> tuple[PackageInfo, Files]:
    """A bundle with one certificate that nobody uses."""
    info = PackageInfo(
        name="example-certificates",
        version="1-r0",
        arch="noarch",
        description="A certificate bundle of one",
        **COMMON,
    )
    data = (HERE / "sources/example-ca.pem").read_bytes()
    return info, [
        (file("etc/ssl/certs/ca-certificates.crt", len(data), mtime=TIME), BytesContent(data)),
        (symlink("etc/ssl/cert.pem", "certs/ca-certificates.crt", mtime=TIME), BytesContent(b"")),
    ]


def greeting(arch: str) -> tuple[PackageInfo, Files]:
    """The program, which wants the base files."""
    info = PackageInfo(
        name="hello",
        version="1.0-r0",
        arch=arch,
        description="A program that greets",
        depends=("base-files",),
        provides=("cmd:hello=1.0-r0",),
        **COMMON,
    )
    data = hello.executable(arch)
    return info, [(file("usr/bin/hello", len(data), 0o755, mtime=TIME), BytesContent(data))]


def packages(arch: str) -> list[tuple[PackageInfo, Files]]:
    """What the repository holds for an architecture."""
    return [base_files(), certificates(), greeting(arch)]


def main() -> None:
    """Writes the repository beside this file."""
    key = PrivateKey.generate(KEY_NAME)
    (HERE / "keys").mkdir(exist_ok=True)
    (HERE / "keys" / KEY_NAME).write_bytes(key.public.pem)
    for arch in ARCHES:
        folder = HERE / arch
        folder.mkdir(exist_ok=True)
        stanzas = []
        for info, files in packages(arch):
            data = writer.package(info, files, key=key)
            made = archive.read([data], lambda _: None)
            (folder / made.file_name).write_bytes(data)
            stanzas.append(writer.stanza(made, arch))
        index = writer.index(stanzas, description="witchery examples", mtime=TIME, key=key)
        (folder / "APKINDEX.tar.gz").write_bytes(index)


if __name__ == "__main__":
    main()
