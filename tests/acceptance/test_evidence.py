"""What stands beside an image: it travels with it, and gives back the packages that the image is made of."""

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from support.built import Builder, BuiltImage, packages
from support.command import Outcome, process
from support.packages import make_package
from support.registries import Registry
from support.repositories import Simulator, key
from support.shared import needs_shared

pytestmark = [pytest.mark.peer, needs_shared]

DOCUMENT = "application/vnd.witchery.evidence.v1+json"
HEAD = "application/vnd.witchery.apk.head.v1"
DATA = "application/vnd.witchery.apk.data.v1"
SERVICES = ("alpine-baselayout", "busybox", "busybox-suid", "chrony", "wget")


def referrers(layout: Path, subject: str) -> list[dict[str, Any]]:
    """What a layout lists about an image."""
    index = json.loads((layout / "referrers" / f"{subject.replace(':', '-')}.json").read_bytes())
    found: list[dict[str, Any]] = index["manifests"]
    return found


def evidence(layout: Path, subject: str) -> dict[str, Any]:
    """The manifest of the evidence about an image."""
    (entry,) = [each for each in referrers(layout, subject) if each["artifactType"] == DOCUMENT]
    found: dict[str, Any] = json.loads(blob(layout, entry["digest"]))
    return found


def blob(layout: Path, digest: str) -> bytes:
    """A blob, checked against its name."""
    data = (layout / "blobs" / digest.replace(":", "/")).read_bytes()
    assert f"sha256:{hashlib.sha256(data).hexdigest()}" == digest
    return data


def witchery(cwd: Path, *words: str | Path) -> Outcome:
    """A command, with a cache in the folder that it runs in."""
    return process(*words, "--cache-dir", str(cwd / "cache"), cwd=cwd)


@pytest.fixture(scope="module")
def wget(builder: Builder, boot_set: Path) -> BuiltImage:
    return builder("evidence-wget", packages(boot_set, "wget", "ca-certificates-bundle"))


def test_a_head_and_its_layer_are_the_file_that_the_distribution_published(
    wget: BuiltImage, boot_set: Path
) -> None:
    """Byte for byte, for every package of the image: nothing is lost of what Alpine signed."""
    found = evidence(wget.layout, wget.document["digest"])
    heads = [each["digest"] for each in found["layers"] if each["mediaType"] == HEAD]
    document = json.loads(blob(wget.layout, found["layers"][0]["digest"]))
    layers = [layer["digest"] for layer in wget.manifest["layers"]]
    names = [each["package"] for each in document["packages"]]
    assert len(names) == len(heads) == 9
    for name, head, layer in zip(names, heads, layers, strict=False):
        whole = blob(wget.layout, head) + blob(wget.layout, layer)
        assert whole == (boot_set / "x86_64" / f"{name}.apk").read_bytes()


def test_evidence_is_about_two_kilobytes_a_package(wget: BuiltImage) -> None:
    found = evidence(wget.layout, wget.document["digest"])
    assert found["subject"]["digest"] == wget.document["digest"]
    assert sum(each["size"] for each in found["layers"]) + len(json.dumps(found)) < 9 * 2_000


def test_two_builds_have_the_same_evidence(builder: Builder, boot_set: Path, wget: BuiltImage) -> None:
    again = builder("evidence-again", packages(boot_set, "wget", "ca-certificates-bundle"))
    digest = wget.document["digest"]
    assert referrers(again.layout, digest) == referrers(wget.layout, digest)


def test_what_is_about_an_image_goes_where_the_image_goes(
    plain: Registry, wget: BuiltImage, tmp_path: Path
) -> None:
    """From a layout to a registry, to another repository, into an archive, and back into a layout."""
    digest = wget.document["digest"]
    first, second = f"{plain.host}/travel/one:1", f"{plain.host}/travel/two:1"
    for words in (
        ("push", f"oci:{wget.layout}", first),
        ("copy", f"docker://{first}", f"docker://{second}"),
        ("pull", second, "-o", "oci-archive:image.tar"),
        ("copy", "oci-archive:image.tar", "oci:back"),
    ):
        done = witchery(tmp_path, *words)
        assert done.status == 0, done.err
    assert referrers(tmp_path / "back", digest) == referrers(wget.layout, digest)
    for entry in referrers(wget.layout, digest):
        manifest = json.loads(blob(tmp_path / "back", entry["digest"]))
        assert [blob(tmp_path / "back", each["digest"]) for each in manifest["layers"]]


def test_an_image_can_go_alone(plain: Registry, wget: BuiltImage, tmp_path: Path) -> None:
    name = f"{plain.host}/travel/alone:1"
    done = witchery(tmp_path, "push", f"oci:{wget.layout}", name, "--image-only", "--json")
    assert json.loads(done.out)["artifacts"] == []
    assert witchery(tmp_path, "pull", name, "-o", "oci:pulled").status == 0
    assert not (tmp_path / "pulled" / "referrers").exists()


def test_pushing_again_asks_for_the_image_and_for_the_list(
    plain: Registry, wget: BuiltImage, tmp_path: Path
) -> None:
    name = f"{plain.host}/travel/again:1"
    assert witchery(tmp_path, "push", f"oci:{wget.layout}", name).status == 0
    before = len(plain.asked)
    done = witchery(tmp_path, "push", f"oci:{wget.layout}", name)
    assert "the image is there already" in done.err
    tag = wget.document["digest"].replace(":", "-")
    assert plain.asked_since(before) == [
        "GET /v2/ 200",
        "HEAD /v2/travel/again/manifests/1 200",
        f"GET /v2/travel/again/referrers/{wget.document['digest']} 404",
        f"GET /v2/travel/again/manifests/{tag} 200",
    ]


class Project:
    """A configuration with a lock, whose repository is gone when it is built again."""

    def __init__(self, folder: Path, repository: Path, config: dict[str, Any], *arch: str) -> None:
        self.folder = folder
        self.arch = arch or ("--arch", "x86_64")
        shutil.copytree(repository, folder / "repository")
        config["contents"]["build_repositories"] = ["./repository"]
        (folder / "witchery.yaml").write_text(json.dumps(config))
        locked = witchery(folder, "lock", "witchery.yaml", *self.arch)
        assert locked.status == 0, locked.err
        built = witchery(folder, "build", "witchery.yaml", "--locked", "-o", "oci:image", *self.arch)
        assert built.status == 0, built.err
        self.digest = built.out.strip()
        shutil.rmtree(folder / "repository")
        shutil.rmtree(folder / "cache")

    def again(self, place: str, *words: str) -> Outcome:
        """Builds it from the packages of an image alone, with nothing in the cache."""
        shutil.rmtree(self.folder / "cache", ignore_errors=True)
        options = ("--locked", "--from", place, "-o", "oci:again", *self.arch, *words)
        return witchery(self.folder, "build", "witchery.yaml", *options)


def test_a_lock_is_built_again_from_a_registry_when_its_repository_is_gone(
    plain: Registry, boot_set: Path, tmp_path: Path
) -> None:
    project = Project(tmp_path, boot_set, packages(boot_set, "wget", "alpine-base"))
    name = f"{plain.host}/from/wget:1"
    assert witchery(tmp_path, "push", "oci:image", name).status == 0
    done = project.again(f"docker://{name}")
    assert done.status == 0, done.err
    assert done.out.strip() == project.digest
    locked = json.loads((tmp_path / "witchery.lock.json").read_text())["architectures"]["x86_64"]
    count = len(locked["packages"])
    assert f"{count} packages from docker://" in done.err, "also those that have no files, and no layer"
    assert project.again("oci:image", "--offline").out.strip() == project.digest


@pytest.mark.parametrize("layering", ["packages", "single"])
def test_rewritten_packages_are_had_from_the_evidence(
    layering: str, plain: Registry, boot_set: Path, tmp_path: Path
) -> None:
    """Their layers are not what the distribution signed, so their data segments stand beside the image."""
    rule = {"path": "/bin/bbsuid", "type": "permissions", "permissions": "0o4711"}
    config = packages(boot_set, *SERVICES, paths=[rule], layering=layering, accounts={"run-as": 0})
    project = Project(tmp_path, boot_set, config)
    name = f"{plain.host}/from/{layering}:1"
    assert witchery(tmp_path, "push", "oci:image", name).status == 0
    done = project.again(f"docker://{name}")
    assert done.status == 0, done.err
    assert done.out.strip() == project.digest


def test_the_heads_alone_do_not_give_back_what_was_rewritten(boot_set: Path, tmp_path: Path) -> None:
    """The build says which package is missing, and what keeps it."""
    config = packages(boot_set, "wget", layering="single")
    project = Project(tmp_path, boot_set, config)
    found = evidence(tmp_path / "image", project.digest)
    assert {each["mediaType"] for each in found["layers"]} == {DOCUMENT, HEAD, DATA}
    kept = witchery(tmp_path, "copy", "oci:image", "oci:bare", "--image-only")
    assert kept.status == 0
    done = project.again("oci:bare")
    assert done.status == 2
    assert "no evidence is kept beside the image" in done.err


def test_several_architectures_are_had_from_one_image(tmp_path: Path) -> None:
    repository = Path(__file__).resolve().parents[2] / "examples" / "repository"
    keys = {"keyring": ["./witchery-example-2.rsa.pub"]}
    shutil.copy(repository / "keys/witchery-example-2.rsa.pub", tmp_path)
    config = packages(repository, "hello", contents=keys)
    project = Project(tmp_path, repository, config, "--arch", "amd64,arm64")
    done = project.again("oci:image", "--offline")
    assert done.status == 0, done.err
    assert done.out.strip() == project.digest


def test_packages_with_the_same_data_segment_are_all_had(tmp_path: Path) -> None:
    """Packages without files may be alike but for their heads."""
    base = Simulator()
    base.add(make_package("one", key=key(), depends=("two", "three")))
    base.add(make_package("two", key=key()))
    base.add(make_package("three", key=key()))
    base.write(tmp_path / "made")
    (tmp_path / key().public.name).write_bytes(key().public.pem)
    config = packages(tmp_path / "made", "one", contents={"keyring": [f"./{key().public.name}"]})
    project = Project(tmp_path, tmp_path / "made", config)
    done = project.again("oci:image", "--offline")
    assert done.status == 0, done.err
    assert done.out.strip() == project.digest
    assert "3 packages from oci:image" in done.err


def test_an_altered_layer_is_no_package(boot_set: Path, tmp_path: Path) -> None:
    """The image is refused where a blob is not what its name says; nothing reaches the cache."""
    project = Project(tmp_path, boot_set, packages(boot_set, "wget"))
    manifest = json.loads(blob(tmp_path / "image", project.digest))
    path = tmp_path / "image" / "blobs" / manifest["layers"][0]["digest"].replace(":", "/")
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    done = project.again("oci:image")
    assert done.status == 3, done.err
    assert not list((tmp_path / "again").glob("blobs/*/*"))
