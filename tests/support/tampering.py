"""Images that somebody has changed, with all digests made right again: what is left to find is the change."""

import gzip
import hashlib
import io
import json
import shutil
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

EVIDENCE = "application/vnd.witchery.evidence.v1+json"
HEAD = "application/vnd.witchery.apk.head.v1"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"


class Tampered:
    """A copy of a layout with one image, to be changed.

    Attributes:
        folder: The layout.
        manifest: The image's manifest.
        config: Its configuration.
        evidence: The manifest of its evidence, or None.
        document: The document in that.
    """

    def __init__(self, layout: Path, folder: Path) -> None:
        shutil.copytree(layout, folder)
        self.folder = folder
        (entry,) = json.loads((folder / "index.json").read_bytes())["manifests"]
        self.manifest: dict[str, Any] = json.loads(self.blob(entry["digest"]))
        self.config: dict[str, Any] = json.loads(self.blob(self.manifest["config"]["digest"]))
        listed = folder / "referrers" / f"{entry['digest'].replace(':', '-')}.json"
        (about,) = [e for e in json.loads(listed.read_bytes())["manifests"] if e["artifactType"] == EVIDENCE]
        self.evidence: dict[str, Any] | None = json.loads(self.blob(about["digest"]))
        assert self.evidence is not None
        self.document: dict[str, Any] = json.loads(self.blob(self.evidence["layers"][0]["digest"]))

    def blob(self, digest: str) -> bytes:
        return (self.folder / "blobs" / digest.replace(":", "/")).read_bytes()

    def put(self, data: bytes, media_type: str) -> dict[str, Any]:
        """Stores a blob, and gives its descriptor."""
        digest = hashlib.sha256(data).hexdigest()
        (self.folder / "blobs" / "sha256" / digest).write_bytes(data)
        return {"mediaType": media_type, "digest": f"sha256:{digest}", "size": len(data)}

    def layer(self, number: int) -> bytes:
        """The tar of a layer."""
        return gzip.decompress(self.blob(self.manifest["layers"][number]["digest"]))

    def put_layer(self, number: int, tar: bytes) -> str:
        """Puts a layer in the place of another; with `number` beyond the last, on top."""
        descriptor = self.put(gzip.compress(tar, mtime=0), LAYER)
        diff_id = f"sha256:{hashlib.sha256(tar).hexdigest()}"
        self.manifest["layers"][number : number + 1] = [descriptor]
        self.config["rootfs"]["diff_ids"][number : number + 1] = [diff_id]
        self.config.pop("history", None)
        digest: str = descriptor["digest"]
        return digest

    def seal(self) -> str:
        """Writes all of it, every digest made right; gives that of the image."""
        config = self.put(encoded(self.config), self.manifest["config"]["mediaType"])
        self.manifest["config"] = config
        image = self.put(encoded(self.manifest), MANIFEST)
        tag = {"org.opencontainers.image.ref.name": "latest"}
        index = {"schemaVersion": 2, "manifests": [{**image, "annotations": tag}]}
        (self.folder / "index.json").write_bytes(encoded(index))
        shutil.rmtree(self.folder / "referrers")
        digest: str = image["digest"]
        if self.evidence is not None:
            self.evidence["layers"][0] = self.put(encoded(self.document), EVIDENCE)
            if self.evidence["subject"]["digest"] != "sha256:" + "0" * 64:
                self.evidence["subject"] = image
            artifact = self.put(encoded(self.evidence), MANIFEST)
            (self.folder / "referrers").mkdir()
            listed = {"schemaVersion": 2, "manifests": [{**artifact, "artifactType": EVIDENCE}]}
            path = self.folder / "referrers" / f"{digest.replace(':', '-')}.json"
            path.write_bytes(encoded(listed))
        return digest


def encoded(document: Any) -> bytes:
    return json.dumps(document).encode()


def edited(tar: bytes, change: Callable[[tarfile.TarInfo, bytes], bytes | None]) -> bytes:
    """A tar whose members went through a function, which may change the header and gives the content."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as new:
        for info, content in _members(tar):
            data = change(info, content)
            if data is not None:
                info.size = len(data) if info.isreg() else 0
                info.pax_headers = {}
                new.addfile(info, io.BytesIO(data))
    return made.getvalue()


def with_file(tar: bytes, path: str, data: bytes, mode: int = 0o644) -> bytes:
    """A tar with one more file at its end; of nothing, one with this file."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as new:
        for info, content in _members(tar):
            new.addfile(info, io.BytesIO(content))
        added = tarfile.TarInfo(path)
        added.size, added.mode = len(data), mode
        new.addfile(added, io.BytesIO(data))
    return made.getvalue()


def _members(tar: bytes) -> Iterator[tuple[tarfile.TarInfo, bytes]]:
    if not tar:
        return
    with tarfile.open(fileobj=io.BytesIO(tar)) as archive:
        for info in archive.getmembers():
            content = archive.extractfile(info) if info.isreg() else None
            yield info, content.read() if content else b""
