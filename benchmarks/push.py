"""How fast an image is pushed to a registry on loopback, against skopeo; memory.

    make bench          (needs docker-registry and skopeo, and quiet)

Each push finds an empty registry; the two run in turn, in the same minute, as whole processes.
"""

import hashlib
import random
import shutil
import statistics
import sys
import tempfile
import zlib
from itertools import chain
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from warm import WITCHERY, Run, line, run

from support.images import X86_64
from support.memory import measured
from support.registries import Registry, registry
from witchery.digest import Digest
from witchery.oci import media
from witchery.oci.config import Execution
from witchery.oci.descriptor import Descriptor
from witchery.oci.image import Layer, build
from witchery.rootfs.content import Content
from witchery.store import layout
from witchery.store.blobs import BlobStore

RUNS = 7
MB = 1 << 20


def noise_layer(store: BlobStore, seed: str, size: int) -> Layer:
    """A layer of one file of noise, stored rather than compressed: the network is measured, not zlib."""
    block = random.Random(seed).randbytes(MB)
    deflate = zlib.compressobj(0, zlib.DEFLATED, 31)
    plain = hashlib.sha256()
    header = _header(seed, size)
    with store.writing() as blob:
        blocks = (bytes([n & 255, n >> 8]) + block[2:] for n in range(size // MB))
        for piece in chain([header], blocks, [bytes(1024)]):
            plain.update(piece)
            blob.write(deflate.compress(piece))
        blob.write(deflate.flush())
    descriptor = Descriptor(media_type=media.LAYER_GZIP, digest=blob.digest, size=blob.size)
    return Layer(descriptor, Digest("sha256", plain.hexdigest()))


def _header(name: str, size: int) -> bytes:
    import tarfile

    info = tarfile.TarInfo(name)
    info.size = size
    return info.tobuf()


def image(folder: Path, name: str, count: int, size: int) -> Path:
    """A layout with an image of `count` layers of `size` bytes."""
    store = BlobStore(folder / f"{name}-blobs")
    layers = [noise_layer(store, f"{name}-{number}", size) for number in range(count)]
    contents: dict[Digest, Content] = {
        each.descriptor.digest: store.content(each.descriptor.digest) for each in layers
    }
    made = build(layers, arch=X86_64, execution=Execution())
    layout.write(folder / name, made, contents, tag="1")
    shutil.rmtree(store.root)
    return folder / name


def pushes(found: Registry, source: Path, folder: Path) -> tuple[Run, Run]:
    """Ours and skopeo's, each in turn into an empty registry; the medians."""
    target = f"{found.host}/bench/app:1"
    ours = [WITCHERY, "push", f"oci:{source}:1", target, "-q", "--cache-dir", folder / "cache"]
    theirs = ["skopeo", "copy", "-q", "--insecure-policy", "--dest-tls-verify=false"]
    rounds: tuple[list[Run], list[Run]] = ([], [])
    for number in range(RUNS + 1):
        for taken, command in zip(
            rounds, (ours, [*theirs, f"oci:{source}:1", f"docker://{target}"]), strict=True
        ):
            for left in (found.folder / "data", folder / "cache"):
                shutil.rmtree(left, ignore_errors=True)
            done = run(command)
            if number:
                taken.append(done)
    mine, other = (Run(statistics.median(each.seconds for each in runs), 0) for runs in rounds)
    return mine, other


def main() -> None:
    """Runs everything."""
    with tempfile.TemporaryDirectory() as text, registry(Path(text) / "registry") as found:
        folder = Path(text)
        for name, count, size in (("large", 4, 64 * MB), ("many", 40, MB)):
            source = image(folder, name, count, size)
            mine, theirs = pushes(found, source, folder)
            what = f"push of {count} layers of {size // MB} MB"
            line(what, f"{mine.seconds * 1000:.0f} ms", "")
            line("skopeo copy of the same", f"{theirs.seconds * 1000:.0f} ms", "")
            line("throughput, as a multiple of skopeo's", f"{theirs.seconds / mine.seconds:.2f}", "1.0")
            shutil.rmtree(source)
        source = image(folder, "huge", 1, 1024 * MB)
        target = f"{found.host}/bench/huge:1"
        taken = measured("push", f"oci:{source}:1", target, "-q", "--cache-dir", "cache", cwd=folder)
        if taken.status:
            sys.exit(taken.said)
        line("peak memory of pushing 1 GB", f"{taken.peak / MB:.0f} MB", "64 MB")


if __name__ == "__main__":
    main()
