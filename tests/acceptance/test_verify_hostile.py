"""Verifying what a stranger made on purpose: an answer or a clear error, within bounds of time and memory."""

import gzip
import json
import random
import shutil
from pathlib import Path
from typing import Any

import pytest

from support.built import Builder, packages
from support.command import Outcome, process
from support.fake_registry import INDEX, FakeRegistry
from support.memory import measured
from support.servers import Answer, Asked, Server
from support.shared import needs_shared
from support.tampering import EVIDENCE, HEAD, LAYER, MANIFEST, Tampered, encoded, with_file
from witchery.oci.document import MAX_DOCUMENT

pytestmark = [pytest.mark.peer, needs_shared]

MB = 1 << 20


@pytest.fixture(scope="module")
def layout(builder: Builder, boot_set: Path) -> Path:
    return builder("hostile-zlib", packages(boot_set, "zlib")).layout


@pytest.fixture
def image(layout: Path, tmp_path: Path) -> Tampered:
    return Tampered(layout, tmp_path / "image")


def verify(place: str, folder: Path) -> Outcome:
    shutil.rmtree(folder / "cache", ignore_errors=True)
    return process("verify", place, "--json", "--cache-dir", "cache", cwd=folder)


def refused(image: Tampered, said: str, status: int = 3) -> None:
    image.seal()
    done = verify(f"oci:{image.folder}", image.folder.parent)
    assert done.status == status, done.err
    assert said in done.err + done.out
    assert "Traceback" not in done.err


def test_a_top_layer_that_inflates_without_end(image: Tampered) -> None:
    bomb = gzip.compress(bytes(600 * MB), 9)
    descriptor = image.put(bomb, LAYER)
    image.manifest["layers"][-1] = descriptor
    image.document["layers"][-1]["digest"] = descriptor["digest"]
    refused(image, "refused as a trap")


def test_a_generated_file_of_100_megabytes_is_not_kept(image: Tampered) -> None:
    digest = image.put_layer(2, with_file(image.layer(2), "etc/big", random.Random("x").randbytes(100 * MB)))
    image.document["layers"][-1]["digest"] = digest
    image.seal()
    taken = measured("verify", f"oci:{image.folder}", "--cache-dir", "cache", cwd=image.folder.parent)
    assert taken.status == 1
    assert "larger than anything generated" in taken.said
    assert taken.peak < 120 * MB


def test_a_layer_that_is_no_tar(image: Tampered) -> None:
    descriptor = image.put(gzip.compress(b"x" * 5000), LAYER)
    image.manifest["layers"][-1] = descriptor
    image.document["layers"][-1]["digest"] = descriptor["digest"]
    refused(image, descriptor["digest"])


def test_more_layers_than_any_runtime_takes(image: Tampered) -> None:
    image.manifest["layers"] = image.manifest["layers"][:1] * 126
    image.config["rootfs"]["diff_ids"] = image.config["rootfs"]["diff_ids"][:1] * 126
    image.config.pop("history", None)
    refused(image, "more than 125 layers")


@pytest.mark.parametrize("document", [b"", b"[]", b"{}", b"[" * 100_000, b'{"schema":"x"}', b"\xff\xfe"])
def test_evidence_that_is_none(document: bytes, image: Tampered) -> None:
    image.seal()
    assert image.evidence is not None
    image.evidence["layers"][0] = image.put(document, EVIDENCE)
    artifact = image.put(encoded(image.evidence), MANIFEST)
    (listed,) = (image.folder / "referrers").iterdir()
    listed.write_bytes(encoded({"schemaVersion": 2, "manifests": [{**artifact, "artifactType": EVIDENCE}]}))
    done = verify(f"oci:{image.folder}", image.folder.parent)
    assert done.status == 3
    assert done.err.startswith("error: ")


def test_heads_of_more_bytes_than_evidence_may_have(image: Tampered) -> None:
    assert image.evidence is not None
    claimed: dict[str, Any] = {"mediaType": HEAD, "digest": "sha256:" + "1" * 64, "size": 1 << 40}
    image.evidence["layers"].append(claimed)
    refused(image, "bytes of heads")


def test_a_list_of_ten_thousand_pieces_of_evidence(layout: Path, tmp_path: Path) -> None:
    """Only the newest few are asked for, however many a registry lists."""
    image = Tampered(layout, tmp_path / "image")
    digest = image.seal()
    registry = FakeRegistry()
    blobs = {f"sha256:{path.name}": path.read_bytes() for path in (image.folder / "blobs/sha256").iterdir()}
    registry.blobs |= blobs
    registry.blobs["team/app:1"] = blobs[digest]
    registry.types = dict.fromkeys([*blobs, "team/app:1"], MANIFEST)
    entry = {"mediaType": MANIFEST, "size": 100, "artifactType": EVIDENCE}
    listed = [{**entry, "digest": f"sha256:{number:064x}"} for number in range(9_000)]
    (real,) = json.loads(next((image.folder / "referrers").iterdir()).read_bytes())["manifests"]

    def quirk(asked: Asked) -> Answer | None:
        if "/referrers/" in asked.path:
            index = encoded(
                {"schemaVersion": 2, "mediaType": INDEX, "manifests": [*listed[3:], real, *listed[:3]]}
            )
            assert len(index) < MAX_DOCUMENT
            return Answer(headers={"Content-Type": INDEX}, body=index)
        return None

    registry.quirk = quirk
    with Server(registry) as server:
        done = verify(f"docker://127.0.0.1:{server.port}/team/app:1", tmp_path)
        asked = [each for each in server.asked if "/manifests/sha256:0000" in each.path]
    assert len(asked) <= 4
    assert done.status == 0, done.err
