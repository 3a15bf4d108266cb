"""Layers unpacked in memory as the image specification says (layer.md), by other code than the writer's.

Strict where runtimes differ: a path that stands twice in a layer, an entry below a symbolic link, a hard link
to another layer, a global header are errors here.
"""

import gzip
import hashlib
import io
import tarfile
from collections.abc import Iterable
from dataclasses import dataclass, field

from witchery.compose.composition import Composition, Signed


@dataclass
class Inode:
    """A file, folder or link.

    Attributes:
        kind: `f`, `d` or `l`.
        mode: Permission bits.
        owner: `uid:gid`.
        mtime: Modification time.
        data: Content, or a link's target.
        names: How many paths lead to it.
    """

    kind: str
    mode: int = 0o755
    owner: str = "0:0"
    mtime: int = 0
    data: bytes = b""
    names: int = field(default=1, compare=False)


Root = dict[str, Inode]


def blobs(composition: Composition) -> list[bytes]:
    """Every layer as it would be stored, the lowest first."""
    stored = []
    for layer in composition.layers:
        if isinstance(layer, Signed):
            data = b"".join(layer.part.data.chunks())
            assert hashlib.sha256(data).hexdigest() == layer.part.archive.info.datahash == layer.digest.hex
            stored.append(data)
        else:
            out = bytearray()
            written = layer.recipe.write(out.extend)
            assert written.size == len(out)
            assert written.digest.hex == hashlib.sha256(out).hexdigest()
            assert written.diff_id.hex == hashlib.sha256(gzip.decompress(out)).hexdigest()
            stored.append(bytes(out))
    return stored


def unpack(layers: Iterable[bytes]) -> Root:
    """The tree that the layers make."""
    root: Root = {}
    for layer in layers:
        _apply(root, layer)
    return root


def tree_of(composition: Composition) -> Root:
    """The tree of an image, by way of its layers."""
    return unpack(blobs(composition))


def _apply(root: Root, layer: bytes) -> None:
    own: dict[str, Inode] = {}
    with tarfile.open(fileobj=io.BytesIO(gzip.decompress(layer))) as archive:
        assert not archive.pax_headers, "global header"
        for member in archive:
            path = member.name.rstrip("/")
            assert path not in own, f"stands twice: {path}"
            assert not path.startswith(("/", "./", "../")), path
            assert ".wh." not in path, f"whiteout: {path}"
            _parents(root, path)
            own[path] = inode = _inode(archive, member, own)
            old = root.get(path)
            if old is not None:
                old.names -= 1
            if old is not None and old.kind == "d" and inode.kind != "d":
                for below in [each for each in root if each.startswith(f"{path}/")]:
                    del root[below]
            root[path] = inode


def _parents(root: Root, path: str) -> None:
    parent = path.rpartition("/")[0]
    while parent:
        assert root.setdefault(parent, Inode("d")).kind == "d", f"{path} is below a {root[parent].kind}"
        parent = parent.rpartition("/")[0]


def _inode(archive: tarfile.TarFile, member: tarfile.TarInfo, own: dict[str, Inode]) -> Inode:
    owner = f"{member.uid}:{member.gid}"
    if member.islnk():
        linked = own[member.linkname]
        assert (linked.kind, linked.mode, linked.owner) == ("f", member.mode, owner), member.name
        linked.names += 1
        return linked
    if member.isdir():
        return Inode("d", member.mode, owner, int(member.mtime))
    if member.issym():
        return Inode("l", 0o777, owner, int(member.mtime), member.linkname.encode())
    assert member.isreg(), member.name
    content = archive.extractfile(member)
    assert content is not None
    return Inode("f", member.mode, owner, int(member.mtime), content.read())
