"""Images for tests: from real packages, from tars made here, whole by default and breakable on purpose."""

import gzip
import hashlib
import io
import tarfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from witchery.arch import Arch
from witchery.digest import Digest
from witchery.oci import media
from witchery.oci.config import Execution, History
from witchery.oci.descriptor import Descriptor
from witchery.oci.image import Image, Layer, build
from witchery.rootfs.content import BytesContent, Content

X86_64 = Arch.parse("x86_64")

WGET_CLOSURE = (
    "musl",
    "libcrypto3",
    "libssl3",
    "zlib",
    "libunistring",
    "libidn2",
    "pcre2",
    "ca-certificates-bundle",
    "wget",
)
"""What `wget` and `ca-certificates-bundle` need, from the set of the 3.19.1 boot medium."""


@dataclass
class Made:
    """An image and the bytes of its layers."""

    image: Image
    contents: dict[Digest, Content] = field(default_factory=dict)


def member(name: str, data: bytes = b"", **attributes: Any) -> tuple[tarfile.TarInfo, bytes]:
    """A tar member; `type`, `linkname`, `mode`, `uid` and so on as in `tarfile.TarInfo`."""
    info = tarfile.TarInfo(name)
    info.size = len(data)
    info.mode = 0o644
    for key, value in attributes.items():
        setattr(info, key, value)
    return info, data


def folder(name: str, mode: int = 0o755, **attributes: Any) -> tuple[tarfile.TarInfo, bytes]:
    """A folder as a tar member."""
    return member(name, type=tarfile.DIRTYPE, mode=mode, **attributes)


def link(name: str, target: str) -> tuple[tarfile.TarInfo, bytes]:
    """A symbolic link as a tar member."""
    return member(name, type=tarfile.SYMTYPE, linkname=target, mode=0o777)


def hard_link(name: str, target: str) -> tuple[tarfile.TarInfo, bytes]:
    """A hard link as a tar member."""
    return member(name, type=tarfile.LNKTYPE, linkname=target)


def tar_of(*members: tuple[tarfile.TarInfo, bytes]) -> bytes:
    """A tar archive, written by another library than ours."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for info, data in members:
            archive.addfile(info, io.BytesIO(data))
    return stream.getvalue()


def layer_of(tar: bytes, *, comment: str = "", compress: bool = True) -> tuple[Layer, bytes]:
    """A layer that holds `tar`, and its blob."""
    blob = gzip.compress(tar, 6, mtime=0) if compress else tar
    media_type = media.LAYER_GZIP if compress else media.LAYER
    return Layer(Descriptor.of(media_type, blob), Digest.sha256(tar), History(comment=comment)), blob


def image_of(
    layers: Sequence[tuple[Layer, bytes]],
    execution: Execution | None = None,
    annotations: Mapping[str, str] | None = None,
) -> Made:
    """An image of the given layers."""
    image = build(
        [layer for layer, _ in layers],
        arch=X86_64,
        execution=execution or Execution(),
        created="2024-01-26T17:53:06Z",
        annotations=annotations or {},
    )
    return Made(image, {layer.descriptor.digest: BytesContent(blob) for layer, blob in layers})


def image_of_tars(*tars: bytes, execution: Execution | None = None) -> Made:
    """An image with a layer for each tar."""
    return image_of([layer_of(tar) for tar in tars], execution)


def data_segment(package: Path) -> bytes:
    """The third gzip stream of a v2 package, split off by zlib and not by our own code."""
    rest = package.read_bytes()
    segments = []
    while rest:
        inflate = zlib.decompressobj(31)
        inflate.decompress(rest)
        segments.append(rest[: len(rest) - len(inflate.unused_data)])
        rest = inflate.unused_data
    return segments[-1]


def package_layer(package: Path) -> tuple[Layer, bytes]:
    """The data segment of a package as a layer, untouched."""
    blob = data_segment(package)
    descriptor = Descriptor.of(media.LAYER_GZIP, blob, {"org.example.package": package.stem})
    diff_id = Digest("sha256", hashlib.sha256(gzip.decompress(blob)).hexdigest())
    return Layer(descriptor, diff_id, History(created_by=package.stem)), blob


def wget_image(repository: Path, extra: Sequence[tuple[Layer, bytes]] = ()) -> Made:
    """The wget example: one untouched package per layer, and `extra` layers above."""
    packages = [next(repository.glob(f"x86_64/{name}-[0-9]*.apk")) for name in WGET_CLOSURE]
    execution = Execution(
        entrypoint=("/usr/bin/wget",),
        cmd=("--help",),
        env=("PATH=/usr/sbin:/usr/bin:/sbin:/bin",),
        working_dir="/",
    )
    return image_of([*(package_layer(package) for package in packages), *extra], execution)
