"""What a build takes in memory: little, whatever the size of the image.

The bound is that of the requirement: 64 MB for the wget example, and no more than that plus the
largest single file for an image of 400 MB.
"""

import gzip
import hashlib
import io
import json
import random
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.built import packages
from support.memory import measured
from support.repositories import key
from support.shared import needs_shared
from witchery.apk import archive, writer
from witchery.apk.pkginfo import PackageInfo
from witchery.rootfs.entry import file
from witchery.rootfs.tar_writer import TarWriter
from witchery.value import replace

MB = 1 << 20
BASE = 64 * MB
LARGEST = 20 * MB
NAMES = ("big0", "big1", "big2", "big3")
FILES = 5


def big_package(name: str, path: Path) -> str:
    """Writes a package of 100 MB, of files that do not compress; returns its lines of the index."""
    noise = random.Random(name).randbytes(MB)
    tar = io.BytesIO()
    writing = TarWriter(tar.write, checksums=True)
    for number in range(FILES):
        content = b"".join(bytes([number, each]) + noise[2:] for each in range(LARGEST // MB))
        entry = file(f"usr-{name}-{number}", LARGEST)._replace(checksum=hashlib.sha1(content).digest())
        writing.add(entry, [content])
    writing.close()
    data = gzip.compress(tar.getbuffer(), 0, mtime=0)  # stored: it is about size, not about compression
    info = PackageInfo(name=name, version="1.0-r0", arch="x86_64", build_time=1700000000)
    info = replace(info, datahash=hashlib.sha256(data).hexdigest(), installed_size=LARGEST * FILES)
    control = writer.control_segment(info)
    path.write_bytes(writer.signature_segment(control, key(), info.build_time) + control + data)
    with path.open("rb") as stream:
        return writer.stanza(archive.read(iter(lambda: stream.read(MB), b""), lambda _: None))


@pytest.fixture(scope="module")
def big(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A repository of four packages of 100 MB, of five files each."""
    root = tmp_path_factory.mktemp("big")
    folder = root / "x86_64"
    folder.mkdir()
    stanzas = [big_package(name, folder / f"{name}-1.0-r0.apk") for name in NAMES]
    (folder / "APKINDEX.tar.gz").write_bytes(writer.index(stanzas, key=key()))
    (root / "keys").mkdir()
    (root / "keys" / key().name).write_bytes(key().public.pem)
    yield root
    shutil.rmtree(root)


@needs_shared
def test_the_wget_example_takes_at_most_64_megabytes(boot_set: Path, tmp_path: Path) -> None:
    """Cold and warm, to a layout and an archive."""
    config = packages(boot_set, "wget", "ca-certificates-bundle")
    (tmp_path / "a.json").write_text(json.dumps(config))
    for name in ("cold", "warm"):
        taken = measured(
            "build", "a.json", "-o", f"oci:{name}", "-o", f"oci-archive:{name}.tar", "--arch", "x86_64",
            "--cache-dir", "cache", cwd=tmp_path,
        )  # fmt: skip
        assert taken.status == 0, taken.said
        assert taken.peak <= BASE, f"{name}: {taken.peak / MB:.1f} MB"


@pytest.mark.parametrize("layering", ["packages", "single"])
def test_a_big_image_takes_no_more_than_its_largest_file_on_top(
    big: Path, layering: str, tmp_path: Path
) -> None:
    """400 MB in four packages, as signed layers and as one that is written; every kind of output."""
    (tmp_path / "a.json").write_text(json.dumps(packages(big, *NAMES, layering=layering)))
    taken = measured(
        "build", "a.json", "-o", "oci:image", "-o", "oci-archive:image.tar", "-o", "rootfs:root",
        "--arch", "x86_64", "-k", big / "keys", "--cache-dir", "cache", cwd=tmp_path,
    )  # fmt: skip
    assert taken.status == 0, taken.said
    assert (tmp_path / "image.tar").stat().st_size > 395 * MB
    shutil.rmtree(tmp_path)  # pytest keeps what is left for a while, and this is much
    assert taken.peak <= BASE + LARGEST, f"{taken.peak / MB:.1f} MB"
