"""Pushing to and pulling from a real registry; other tools take what was pushed."""

import json
import random
import shutil
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from support.command import Outcome, process
from support.images import Made, image_of, layer_of, member, tar_of, wget_image
from support.memory import measured
from support.peers import Subject, call, need, podman_pulls, umoci
from support.registries import PASSWORD, USER, Proxy, Registry, registry
from support.shared import needs_shared
from witchery.arch import Arch
from witchery.build.registry.copying import open_source
from witchery.build.registry.pulling import pull
from witchery.build.registry.pushing import Pushed, push, source_of
from witchery.build.registry.registries import Registries
from witchery.digest import Digest
from witchery.errors import NetworkError
from witchery.oci import media
from witchery.oci.document import NOTHING
from witchery.oci.image import build as build_image
from witchery.oci.image_index import index_of
from witchery.oci.reference import Reference
from witchery.oci.transport import parse
from witchery.registry.upload import Effort
from witchery.repository.cache import Cache
from witchery.rootfs.content import BytesContent
from witchery.store import layout

pytestmark = [pytest.mark.peer, needs_shared]

WGET = ("/usr/bin/wget", "--version")
NAMES = ["wget", "ca-certificates-bundle"]
MB = 1 << 20


@pytest.fixture(scope="module", params=["plain", "passwords", "tokens"])
def kind(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """Each kind of registry: open to all; with TLS and passwords; with tokens."""
    folder = tmp_path_factory.mktemp(request.param)
    auth = {"passwords": "htpasswd", "tokens": "token"}.get(request.param, "")
    with registry(folder, tls=request.param == "passwords", auth=auth) as found:
        yield found


@pytest.fixture(scope="module")
def made(boot_set: Path) -> Made:
    """The wget example."""
    return wget_image(boot_set)


@pytest.fixture(scope="module")
def image(made: Made, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wget example as a layout."""
    folder = tmp_path_factory.mktemp("image") / "layout"
    layout.write(folder, made.image, made.contents, name=Reference.parse("witchery/test:latest"))
    return folder


def witchery(cwd: Path, *words: str | Path, **env: str) -> Outcome:
    """A command that succeeds, with a cache in the folder that it runs in."""
    done = process(*words, "--cache-dir", str(cwd / "cache"), cwd=cwd, env=env)
    assert done.status == 0, done.err
    return done


def reach(
    folder: Path, environ: Mapping[str, str] = NOTHING, *, chunk: int = MB, whole: bool = True
) -> Registries:
    """Registries as one command sees them, with a cache below `folder`."""
    effort = Effort(chunk=chunk, whole=whole, delays=(0.0, 0.0, 0.1, 0.1))
    return Registries(environ=environ, cache=Cache(folder / "cache"), effort=effort)


def pushed(made: Made, reference: str, registries: Registries) -> Pushed:
    """Pushes an image that was made here."""
    source, root = source_of(made.image, made.contents)
    return push(source, root, Reference.parse(reference), registries)


def blobs_of(folder: Path) -> dict[str, bytes]:
    """The blobs of a layout."""
    return {path.name: path.read_bytes() for path in folder.glob("blobs/*/*")}


def noise(seed: str, size: int) -> Made:
    """An image of one layer that does not compress."""
    data = random.Random(seed).randbytes(MB) * (size // MB)
    return image_of([layer_of(tar_of(member("noise", data)), compress=False)])


def test_what_is_pushed_is_pulled_and_copied_by_skopeo_byte_for_byte(
    kind: Registry, image: Path, made: Made, tmp_path: Path
) -> None:
    need("skopeo", root=False)
    login = kind.login(tmp_path / "docker")
    name = f"{kind.host}/team/app"
    done = witchery(tmp_path, "push", f"oci:{image}", f"{name}:1", **login)
    assert done.out == f"{name}@{made.image.digest}\n"
    back = witchery(tmp_path, "pull", f"{name}:1", "-o", "oci:back", **login)
    assert back.out == done.out
    assert blobs_of(tmp_path / "back") == blobs_of(image)
    options = ["--src-tls-verify=false", "--insecure-policy"]
    if kind.host and (kind.folder / "config.yml").read_text().count("auth:"):
        options.append(f"--src-creds={USER}:{PASSWORD}")
    call("skopeo", "copy", *options, f"docker://{name}:1", f"dir:{tmp_path}/skopeo")
    assert (tmp_path / "skopeo" / "manifest.json").read_bytes() == made.image.manifest.raw
    for layer in made.image.layers:
        assert (tmp_path / "skopeo" / layer.descriptor.digest.hex).stat().st_size == layer.descriptor.size


def test_certificates_are_taken_from_where_podman_and_docker_keep_them(image: Path, tmp_path: Path) -> None:
    with registry(tmp_path / "registry", tls=True) as found:
        done = process("push", f"oci:{image}", f"{found.host}/app:1", cwd=tmp_path)
        assert done.status == 5
        assert "certificate is not trusted" in done.err
        assert found.certificate is not None
        folder = tmp_path / ".config/containers/certs.d" / found.host
        folder.mkdir(parents=True)
        shutil.copy(found.certificate, folder / "ca.crt")
        witchery(tmp_path, "push", f"oci:{image}", f"{found.host}/app:1")


@pytest.mark.parametrize("auth", ["htpasswd", "token"])
def test_a_wrong_password_and_none_are_refused_and_never_shown(
    auth: str, image: Path, tmp_path: Path
) -> None:
    with registry(tmp_path / "registry", auth=auth) as found:
        wrong = found.login(tmp_path / "docker", password="wr0ng-s3cret")
        for env in (wrong, {}):
            done = process("push", f"oci:{image}", f"{found.host}/app:1", "-v", cwd=tmp_path, env=env)
            assert done.status == 5
            assert "401" in done.err
            assert "log in" in done.err
            assert "wr0ng" not in done.out + done.err
            assert not any(line.startswith(("PUT", "PATCH")) for line in found.asked)


def test_podman_and_umoci_run_what_was_pushed(plain: Registry, image: Path, tmp_path: Path) -> None:
    name = f"{plain.host}/run/app:1"
    witchery(tmp_path, "push", f"oci:{image}", name)
    (tmp_path / "podman").mkdir()
    assert podman_pulls(name, WGET, tmp_path / "podman").startswith("GNU Wget 1.21.4")
    witchery(tmp_path, "pull", name, "-o", "oci:back:back", "-o", "oci-archive:back.tar")
    subject = Subject(tmp_path / "back", "back", tmp_path / "back.tar")
    (tmp_path / "umoci").mkdir()
    assert umoci(subject, WGET, tmp_path / "umoci").startswith("GNU Wget 1.21.4")


def test_an_image_that_is_there_costs_one_question(plain: Registry, made: Made, tmp_path: Path) -> None:
    name = f"{plain.host}/least/same:1"
    with reach(tmp_path) as first:
        pushed(made, name, first)
    before = len(plain.asked)
    with Registries(environ={}, cache=Cache(tmp_path / "other"), plain_http=True) as again:
        done = pushed(made, name, again)
    assert done.size == 0
    assert plain.asked_since(before) == ["HEAD /v2/least/same/manifests/1 200"]


def test_another_tag_costs_a_manifest(plain: Registry, made: Made, tmp_path: Path) -> None:
    with reach(tmp_path) as registries:
        pushed(made, f"{plain.host}/least/tags:1", registries)
        before = len(plain.asked)
        done = pushed(made, f"{plain.host}/least/tags:2", registries)
    assert done.size == len(made.image.manifest.raw)
    assert [line.split()[0] for line in plain.asked_since(before)] == ["HEAD", "HEAD", "PUT"]


def test_a_change_of_one_layer_sends_that_layer_and_little_more(
    plain: Registry, boot_set: Path, tmp_path: Path
) -> None:
    """Measured on the wire: all that the client sends, headers included; and the questions counted."""
    before = wget_image(boot_set, [layer_of(tar_of(member("a", random.Random("1").randbytes(300_000))))])
    changed = layer_of(tar_of(member("a", random.Random("2").randbytes(300_000))))
    after = wget_image(boot_set, [changed])
    with Proxy(plain.port) as wire, reach(tmp_path) as registries:
        pushed(before, f"{wire.host}/least/change:1", registries)
        assert wire.sent > before.image.size
        asked, sent = len(plain.asked), wire.sent
        done = pushed(after, f"{wire.host}/least/change:1", registries)
        sent = wire.sent - sent
        questions = plain.asked_since(asked)
    assert {blob.digest for blob in done.uploaded} == {
        changed[0].descriptor.digest,
        after.image.manifest.config.digest,
    }
    assert sent <= changed[0].descriptor.size + 20_000
    assert len(questions) <= 2 + 3 * len(done.uploaded) + 1, questions


@pytest.mark.parametrize(
    ("evidence", "sbom", "most", "puts"),
    [("none", "none", 20_000, 4), ("full", "none", 30_000, 8), ("none", "spdx", 40_000, 7)],
)
def test_a_rebuild_with_one_package_more_sends_it_and_at_most_20_kb(
    evidence: str, sbom: str, most: int, puts: int, plain: Registry, boot_set: Path, tmp_path: Path
) -> None:
    """By the command: a build goes straight to the registry; all that it sends is measured on the wire.

    Evidence adds the head of the new package, a document, a manifest and the list that names it; a bill of
    materials adds itself, a manifest and the list. Provenance names every package anew, some 600 bytes for
    each, and is left out here.
    """
    config = {"build_repositories": [str(boot_set)], "packages": NAMES}
    with Proxy(plain.port) as wire:
        words = (
            "build",
            "app.json",
            "-o",
            f"docker://{wire.host}/least/built-{evidence}-{sbom}:1",
            "--evidence",
            evidence,
            "--no-provenance",
            "--sbom",
            sbom,
            "--json",
            "--arch",
            "x86_64",
        )
        (tmp_path / "app.json").write_text(json.dumps({"contents": config}))
        witchery(tmp_path, *words)
        before, sent = len(plain.asked), wire.sent
        (tmp_path / "app.json").write_text(json.dumps({"contents": config | {"packages": [*NAMES, "yaml"]}}))
        done = json.loads(witchery(tmp_path, *words).out)
        sent = wire.sent - sent
    (added,) = [
        each for each in done["layers"] if each["kind"] == "signed" and "yaml" in str(each["packages"])
    ]
    assert sent <= added["size"] + most
    # The layer, the top layer, the configuration, the manifest; the four of evidence; the three of a bill.
    assert len([line for line in plain.asked_since(before) if line.startswith("PUT")]) == puts


def test_layers_are_taken_over_from_another_repository(kind: Registry, made: Made, tmp_path: Path) -> None:
    environ = kind.login(tmp_path / "docker")
    with reach(tmp_path, environ) as registries:
        pushed(made, f"{kind.host}/mount/one:1", registries)
    with reach(tmp_path, environ) as registries:
        done = pushed(made, f"{kind.host}/mount/two:1", registries)
    assert not done.uploaded
    assert len(done.mounted) == len(made.image.blobs)


def test_what_is_no_longer_where_it_was_is_sent(plain: Registry, made: Made, tmp_path: Path) -> None:
    """The memory of where layers are is a hint: another registry with the same name knows nothing of it."""
    with reach(tmp_path) as registries:
        pushed(made, f"{plain.host}/gone/one:1", registries)
        shutil.rmtree(plain.folder / "data/docker/registry/v2/repositories/gone/one")
        done = pushed(made, f"{plain.host}/gone/two:1", registries)
    assert len(done.uploaded) == len(made.image.blobs)


def test_a_manifest_whose_layers_were_lost_is_pushed_with_its_layers(
    plain: Registry, made: Made, tmp_path: Path
) -> None:
    """What the image of before names is taken for there; where it is not, it is sent after all."""
    name = f"{plain.host}/lost/app:1"
    with reach(tmp_path) as registries:
        pushed(made, name, registries)
        shutil.rmtree(plain.folder / "data/docker/registry/v2/repositories/lost/app/_layers")
        changed = image_of([*((each, blob_of(made, each.descriptor.digest)) for each in made.image.layers)])
        done = pushed(changed, name, registries)
    assert len(done.uploaded) == len({blob.digest for blob in changed.image.blobs})


def blob_of(made: Made, digest: Digest) -> bytes:
    return b"".join(made.contents[digest].chunks())


def test_an_upload_goes_on_where_it_was_after_the_connection_was_cut(plain: Registry, tmp_path: Path) -> None:
    """Cut whenever a part begins, six times: no part is sent twice."""
    big = noise("cut", 24 * MB)
    parts = []

    def cuts(data: bytes, _: int) -> bool:
        parts.append(data.startswith(b"PATCH"))
        return data.startswith(b"PATCH") and sum(parts) % 2 == 0

    name = "cut/parts:1"
    with Proxy(plain.port, cuts) as wire, reach(tmp_path, chunk=4 * MB, whole=False) as registries:
        done = pushed(big, f"{wire.host}/{name}", registries)
        assert wire.cuts >= 6
        assert wire.sent < big.image.size + 100_000
    assert len(done.uploaded) == 2
    check_layers(big, f"{plain.host}/{name}", tmp_path)


def test_an_upload_that_is_cut_in_the_middle_arrives_whole(plain: Registry, tmp_path: Path) -> None:
    """This registry forgets an upload of which it got half a part, so that one begins anew."""
    big = noise("cut", 24 * MB)
    name = "cut/middle:1"
    with Proxy(plain.port, lambda _, sent: sent > 5 * MB and wire.cuts < 3) as wire:
        with reach(tmp_path, chunk=8 * MB) as registries:
            pushed(big, f"{wire.host}/{name}", registries)
        assert wire.cuts == 3
    check_layers(big, f"{plain.host}/{name}", tmp_path)


def check_layers(made: Made, reference: str, folder: Path) -> None:
    """Reads an image's layers from the registry: they verify themselves."""
    with reach(folder / "reader") as registries:
        source = pull(Reference.parse(reference), registries)
        assert source.image() == made.image
        for layer in made.image.layers:
            assert sum(map(len, source.blob(layer.descriptor).chunks())) == layer.descriptor.size


def test_a_download_goes_on_after_the_connection_was_cut(plain: Registry, tmp_path: Path) -> None:
    big = noise("cut down", 8 * MB)
    name = "cut/down:1"
    with reach(tmp_path / "up") as registries:
        pushed(big, f"{plain.host}/{name}", registries)
    with Proxy(plain.port, back=lambda _, got: got > 3 * MB and wire.cuts < 2) as wire:
        witchery(tmp_path, "pull", f"{wire.host}/{name}", "-o", "oci:back")
        assert wire.cuts == 2
    digest = big.image.layers[0].descriptor.digest
    assert (tmp_path / "back/blobs/sha256" / digest.hex).read_bytes() == blob_of(big, digest)


def test_fifty_pushes_at_once(plain: Registry, made: Made, tmp_path: Path) -> None:
    """With one cache, half of them to repositories of their own, half to the same tag."""

    def one(number: int) -> Pushed:
        repository = f"many/app{number}" if number % 2 else "many/same"
        with reach(tmp_path) as registries:
            return pushed(made, f"{plain.host}/{repository}:1", registries)

    with ThreadPoolExecutor(50) as pool:
        done = list(pool.map(one, range(50)))
    assert {each.reference.digest for each in done} == {made.image.digest}
    for repository in ("many/same", "many/app1", "many/app49"):
        check_layers(made, f"{plain.host}/{repository}:1", tmp_path)


def test_an_image_for_several_platforms_goes_whole_and_by_platform(plain: Registry, tmp_path: Path) -> None:
    need("skopeo", root=False)
    arches = ("x86_64", "aarch64", "armv7")
    images, contents = [], {}
    for name in arches:
        layer, blob = layer_of(tar_of(member(f"for-{name}", name.encode())))
        images.append(
            build_image([layer], arch=Arch.parse(name), execution=image_of([]).image.config.execution)
        )
        contents[layer.descriptor.digest] = BytesContent(blob)
    whole = index_of(images)
    layout.write(tmp_path / "layout", whole, contents, tag="1")
    name = f"{plain.host}/several/app"
    done = witchery(tmp_path, "push", "oci:layout", f"{name}:1")
    assert done.out == f"{name}@{whole.digest}\n"
    back = witchery(tmp_path, "pull", f"{name}:1", "-o", "oci:back")
    assert back.out == done.out
    assert blobs_of(tmp_path / "back") == blobs_of(tmp_path / "layout")
    options = ("--src-tls-verify=false", "--insecure-policy", "--all")
    call("skopeo", "copy", *options, f"docker://{name}:1", f"dir:{tmp_path}/skopeo")
    assert (tmp_path / "skopeo/manifest.json").read_bytes() == whole.index.raw
    one = witchery(tmp_path, "pull", f"{name}:1", "-o", "oci:one", "--arch", "arm64")
    assert one.out == f"{name}@{images[1].digest}\n"
    again = witchery(tmp_path, "copy", f"docker://{name}:1", f"docker://{plain.host}/several/copy:1")
    assert again.out == done.out
    assert "0 blobs, 6 taken over" in again.err


def test_images_in_dockers_types_pass_unchanged(plain: Registry, image: Path, tmp_path: Path) -> None:
    need("skopeo", root=False)
    name = f"{plain.host}/docker/types"
    options = ("--dest-tls-verify=false", "--insecure-policy", "--format", "v2s2")
    call("skopeo", "copy", *options, f"oci:{image}:latest", f"docker://{name}:1")
    done = witchery(tmp_path, "copy", f"docker://{name}:1", "oci:back", f"docker://{name}:2")
    with reach(tmp_path) as registries:
        opened = open_source(parse(f"docker://{name}:2"), registries)
    assert opened.root.media_type == media.DOCKER_MANIFEST
    assert done.out == f"{name}@{opened.root.digest}\n"


def test_run_and_scan_read_from_a_registry(plain: Registry, image: Path, tmp_path: Path) -> None:
    need("runc")
    name = f"docker://{plain.host}/run/directly:1"
    witchery(tmp_path, "push", f"oci:{image}", name)
    scanned = json.loads(witchery(tmp_path, "scan", name, "--json").out)
    assert scanned["name"] == "directly"
    words = ("run", name, "--runner", "runc", "--cache-dir", "cache", "--", "--version")
    ran = process(*words, cwd=tmp_path)
    assert ran.out.startswith("GNU Wget 1.21.4"), ran.err


def test_a_tag_that_is_not_there_is_an_error_that_says_so(plain: Registry, tmp_path: Path) -> None:
    with reach(tmp_path) as registries, pytest.raises(NetworkError, match="404 MANIFEST_UNKNOWN") as caught:
        pull(Reference.parse(f"{plain.host}/no/such:1"), registries)
    assert "check the tag" in caught.value.hints[0]


def test_a_large_layer_is_never_in_memory(plain: Registry, tmp_path: Path) -> None:
    """Pushing and pulling 300 MB takes no more than pushing and pulling little."""
    big = noise("large", 300 * MB)
    layout.write(tmp_path / "layout", big.image, big.contents, tag="1")
    del big
    name = f"{plain.host}/large/app:1"
    for words in (("push", "oci:layout", name), ("pull", name, "-o", "oci:back")):
        taken = measured(*words, "--cache-dir", "cache", cwd=tmp_path)
        assert taken.status == 0, taken.said
        assert taken.peak <= 80 * MB, f"{words[0]}: {taken.peak / MB:.1f} MB"
    shutil.rmtree(tmp_path)
