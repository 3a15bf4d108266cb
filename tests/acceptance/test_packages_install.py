"""Packages that the command makes are right when apk installs them, and all of them arrives."""

import os
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from support import peers
from support.command import process
from support.real_apk import RealApk
from support.shared import SHARED, needs_shared
from witchery.apk import archive
from witchery.arch import Arch
from witchery.build.packaging import Order, make_package
from witchery.cli import main
from witchery.keys import PrivateKey
from witchery.store.source_tree import Modes, Owner

pytestmark = [pytest.mark.peer, needs_shared]

TIME = 1_700_000_000
KEY = "me@example.org-1.rsa"
LONG = "/".join(["usr/share", *["a-rather-long-folder-name"] * 8, "f" * 200])
FILES = {
    "usr/bin/hello": (b"for all\n", 0o755),
    "usr/share/plain": (b"plain\n", 0o644),
    "usr/share/empty-file": (b"", 0o644),
    "usr/share/grüße/日本語": ("grüße\n".encode(), 0o644),
    "usr/share/a b'c\"d$e;f*g": (b"odd\n", 0o644),
    "usr/share/.hidden/.dot": (b"dot\n", 0o644),
    "usr/share/-dash": (b"-\n", 0o644),
    "usr/share/large": (bytes(range(256)) * 8200, 0o644),
    LONG: (b"long\n", 0o644),
}
LINKS = {
    "usr/bin/hi": "hello",
    "usr/share/far": "../" * 60 + "usr/share/plain",
    "usr/share/gruß": "grüße/日本語",
    "usr/share/folder": "grüße",
}

OWN = ("etc", "lib", "proc", "dev", "tmp", "var/cache", "var/log")
"""What apk makes of itself in a root."""


def fill(folder: Path) -> Path:
    """The folder to package."""
    for path, (content, mode) in FILES.items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
        file.chmod(mode)
    for path, target in LINKS.items():
        (folder / path).symlink_to(target)
    (folder / "var/lib/hello/empty").mkdir(parents=True)
    return folder


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a private key, and below `public` the half that apk is given."""
    folder = tmp_path_factory.mktemp("keys")
    key = PrivateKey.generate(f"{KEY}.pub", 2048)
    (folder / KEY).write_bytes(key.pem)
    (folder / "public").mkdir()
    (folder / "public" / key.name).write_bytes(key.public.pem)
    return folder


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return fill(tmp_path / "dist")


def package(source: Path, keys: Path, output: Path, *more: str | Path) -> Path:
    words = ["package", source, "-n", "hello", "-v", "1.2.3", "-r", "4", "--sign-key", keys / KEY]
    assert main([str(word) for word in (*words, "-o", output, "-q", *more)]) == 0
    return output / "hello-1.2.3-r4.apk"


def index(folder: Path, keys: Path, cache: Path) -> None:
    words = ["index", folder, "--sign-key", keys / KEY, "-q", "--cache-dir", cache]
    assert main([str(word) for word in words]) == 0


def install(apk: RealApk, keys: Path, folder: Path, *what: str | Path) -> Path:
    """Installs something into an empty root; the keys are all that apk trusts."""
    root = folder / f"root-{apk.version}"
    shutil.copytree(keys / "public", folder / "trusted", dirs_exist_ok=True)
    options = ("--keys-dir", folder / "trusted", "--root", root, "--arch", "x86_64", "--no-network")
    done = apk.run(*options, "add", "--initdb", "--no-cache", "--no-scripts", *what, folder=folder)
    assert "WARNING" not in done.stderr + done.stdout
    assert "ERROR" not in done.stderr + done.stdout
    return root


def found(root: Path) -> dict[str, tuple[int, int, int, bytes | str | None]]:
    """What apk wrote, without what is its own: mode, owner, and content or target of each entry."""
    entries: dict[str, tuple[int, int, int, bytes | str | None]] = {}
    for path in sorted(root.rglob("*")):
        name = str(path.relative_to(root))
        if name.startswith(OWN):
            continue
        status = path.lstat()
        content: bytes | str | None = None
        if path.is_symlink():
            content = str(path.readlink())
        elif path.is_file():
            content = path.read_bytes()
        entries[name] = (stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid, content)
    return entries


def everything(uid: int = 0, gid: int = 0) -> dict[str, tuple[int, int, int, bytes | str | None]]:
    expected: dict[str, tuple[int, int, int, bytes | str | None]] = {
        path: (mode, uid, gid, content) for path, (content, mode) in FILES.items()
    }
    expected |= {path: (0o777, uid, gid, target) for path, target in LINKS.items()}
    for path in [*expected, "var/lib/hello/empty/-"]:
        for above in list(Path(path).parents)[:-1]:
            expected[str(above)] = (0o755, uid, gid, None)
    return expected


def test_a_signed_package_installs_from_a_repository_and_all_of_it_arrives(
    real_apk: RealApk, source: Path, keys: Path, tmp_path: Path
) -> None:
    """Signed with RSA256 alone; the index is made by `witchery index`."""
    peers.need("bwrap")
    made = package(source, keys, tmp_path / "r/x86_64")
    index(tmp_path / "r/x86_64", keys, tmp_path / "cache")
    root = install(real_apk, keys, tmp_path, "-X", tmp_path / "r", "hello")
    assert found(root) == everything()
    assert [s.algorithm for s in archive.read([made.read_bytes()], lambda _: None).signatures] == ["RSA256"]
    audit = real_apk.run("--root", root, "audit", "--system", "--check-permissions", folder=tmp_path)
    assert audit.stdout == ""


def test_with_a_sha1_signature_it_installs_as_a_local_file(
    real_apk: RealApk, source: Path, keys: Path, tmp_path: Path
) -> None:
    peers.need("bwrap")
    made = package(source, keys, tmp_path / "out", "--sign-compat")
    root = install(real_apk, keys, tmp_path, made)
    assert found(root) == everything()


def test_owners_and_modes_that_are_kept_arrive(real_apk: RealApk, keys: Path, tmp_path: Path) -> None:
    peers.need("bwrap")
    source = tmp_path / "dist"
    (source / "srv/data").mkdir(parents=True)
    (source / "srv/data").chmod(0o1770)
    (source / "srv/data/file").write_bytes(b"x")
    (source / "srv/data/file").chmod(0o640)
    (source / "srv/data/link").symlink_to("file")
    made = make_package(
        Order(
            source=source,
            name="hello",
            version="1",
            host=Arch.parse("x86_64"),
            owner=Owner(65532, 70000),
            modes=Modes.KEEP,
            key=keys / KEY,
            compatible=True,
            output=tmp_path / "out",
        )
    )
    entries = found(install(real_apk, keys, tmp_path, made.path))
    assert entries["srv/data"][:3] == (0o1770, 65532, 70000)
    assert entries["srv/data/file"] == (0o640, 65532, 70000, b"x")
    assert entries["srv/data/link"] == (0o777, 65532, 70000, "file")


def test_apk_says_of_it_what_it_was_told(real_apk: RealApk, source: Path, keys: Path, tmp_path: Path) -> None:
    peers.need("bwrap")
    more = ("-d", "Greets: grüßt", "-l", "MIT OR Apache-2.0", "-u", "https://example.org/", "--provides")
    made = package(source, keys, tmp_path / "out", "--sign-compat", *more)
    root = install(real_apk, keys, tmp_path, made)
    said = real_apk.run("--root", root, "info", "--all", "hello", folder=tmp_path).stdout
    for expected in ("Greets: grüßt", "MIT OR Apache-2.0", "https://example.org/", "cmd:hello=1.2.3-r4"):
        assert expected in said
    assert "hello-1.2.3-r4 provides:\ncmd:hello=1.2.3-r4\ncmd:hi=1.2.3-r4\n" in said
    assert LONG in said
    assert "installed size:\n2 MiB" in said or "installed size:\n2050 KiB" in said


def test_a_package_of_folders_alone_is_no_virtual_one(real_apk: RealApk, keys: Path, tmp_path: Path) -> None:
    """Apk extracts nothing from a package of size 0, and says nothing."""
    peers.need("bwrap")
    (tmp_path / "dist/srv/www").mkdir(parents=True)
    made = package(tmp_path / "dist", keys, tmp_path / "out", "--sign-compat")
    assert (install(real_apk, keys, tmp_path, made) / "srv/www").is_dir()


def test_a_program_gets_the_library_it_needs_from_the_repository_and_runs(
    real_apk: RealApk, boot_set: Path, keys: Path, tmp_path: Path
) -> None:
    """Linked against a stand-in for zlib, since there is no zlib of Alpine's to link against here."""
    peers.need("bwrap", "musl-gcc")
    (tmp_path / "z.c").write_text('const char *zlibVersion(void) { return "stand-in"; }\n')
    (tmp_path / "hello.c").write_text(
        "#include <stdio.h>\nextern const char *zlibVersion(void);\n"
        "int main(void) { puts(zlibVersion()); return 0; }\n"
    )
    program = tmp_path / "dist/usr/bin/hello"
    program.parent.mkdir(parents=True)
    for command in (
        "musl-gcc -shared -fPIC -Wl,-soname,libz.so.1 -o libz.so z.c",
        f"musl-gcc -o {program} hello.c libz.so",
    ):
        subprocess.run(command.split(), cwd=tmp_path, check=True)
    made = package(tmp_path / "dist", keys, tmp_path / "out", "--sign-compat")
    info = archive.read([made.read_bytes()], lambda _: None).info
    assert (info.arch, info.depends) == ("x86_64", ("so:libc.musl-x86_64.so.1", "so:libz.so.1"))
    shutil.copytree(boot_set, tmp_path / "boot", symlinks=True)
    shutil.copytree(SHARED / "alpine/v3.19-x86_64/keys", tmp_path / "trusted")
    root = install(real_apk, keys, tmp_path, "-X", tmp_path / "boot", made)
    done = subprocess.run(["bwrap", "--bind", root, "/", "/usr/bin/hello"], capture_output=True, check=True)
    assert done.stdout == b"1.3.1\n"


def test_the_same_folder_gives_the_same_bytes_from_anywhere(keys: Path, tmp_path: Path) -> None:
    """Another path, user, umask, time, order on disk, and links between equal files."""
    made = []
    for at, (umask, user) in enumerate(((0o022, None), (0o077, 1234))):
        folder = tmp_path / f"somewhere-{at}" / ("deep" * at)
        folder.mkdir(parents=True)
        shutil.copy(keys / KEY, folder / KEY)
        source = fill(folder / "dist")
        if at:
            for path in sorted(source.rglob("*"), reverse=True):
                os.utime(path, (at * 10**9, at * 10**9), follow_symlinks=False)
            shutil.copy(source / "usr/share/plain", folder / "copy")
            (source / "usr/share/plain").unlink()
            os.link(folder / "copy", source / "usr/share/plain")
            for path in source.rglob("*"):
                if path.is_dir():
                    path.chmod(0o700)
        said = process(
            *("package", "dist", "-n", "hello", "-v", "1", "--sign-key", KEY),
            cwd=folder,
            env={
                "SOURCE_DATE_EPOCH": str(TIME),
                "TZ": ["UTC", "Asia/Tokyo"][at],
                "LC_ALL": ["C", "C.UTF-8"][at],
            },
            umask=umask,
            user=user,
        )
        assert (said.status, said.out) == (0, "hello-1-r0.apk\n"), said.err
        made.append((folder / "hello-1-r0.apk").read_bytes())
    assert made[0] == made[1]
