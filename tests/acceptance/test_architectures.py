"""Images for several architectures, before the tools that copy and run them.

Two come with the project; seven are real packages by a third party, whose few missing libraries are stood in
for; and official packages of two releases are as different as architectures get.
"""

import hashlib
import io
import json
import struct
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from support.command import process
from support.peers import JUDGES, Subject, call, need
from support.registries import registry
from support.repositories import Simulator, key
from support.shared import SHARED, needs_shared
from witchery.apk import writer
from witchery.apk.pkginfo import PackageInfo
from witchery.arch import Arch

pytestmark = [pytest.mark.peer, needs_shared]

NAME = "witchery/test:latest"
EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "hello" / "witchery.yaml"
SEVEN = ("x86_64", "aarch64", "armv7", "armhf", "x86", "ppc64le", "s390x")
THIRD_PARTY = SHARED / "alpine" / "thirdparty-multiarch-v3.12"
OLD = SHARED / "alpine" / "v3.13-aarch64"


@dataclass(frozen=True)
class Made:
    """An image for several platforms as the command left it: `layout`, `image.tar`, and what it said."""

    folder: Path
    document: Mapping[str, Any]
    said: str

    @property
    def layout(self) -> Path:
        return self.folder / "layout"

    @property
    def archive(self) -> Path:
        return self.folder / "image.tar"

    @property
    def rows(self) -> dict[str, Mapping[str, Any]]:
        """What was said of each architecture."""
        return {row["arch"]: row for row in self.document["platforms"]}

    def blob(self, digest: str) -> bytes:
        return (self.layout / "blobs" / digest.replace(":", "/")).read_bytes()


def build(folder: Path, source: Path, *options: str, archive: bool = True, **how: Any) -> Made:
    """Builds in a process of its own; fails the test if that fails."""
    folder.mkdir(parents=True, exist_ok=True)
    words = ["build", str(source), "-t", NAME, "-o", "oci:layout", "--json", *options]
    words += ["-o", "oci-archive:image.tar"] if archive else []
    words += [] if "--cache-dir" in options else ["--cache-dir", str(folder.parent / "cache")]
    done = process(*words, cwd=folder, **how)
    assert done.status == 0, done.err
    return Made(folder, json.loads(done.out), done.err)


def standing_in(root: Path) -> Path:
    """A repository of one package, which claims to be what the seven architectures do not have."""
    for arch in SEVEN:
        simulator = Simulator(arch=arch)
        provides = (f"so:libc.musl-{arch}.so.1=1", "so:libmnl.so.0=0.2.0")
        info = PackageInfo(name="stand-in", version="1-r0", arch=arch, build_time=1, provides=provides)
        simulator.add(writer.package(info, [], key=key()))
        simulator.write(root)
    (root / key().name).write_bytes(key().public.pem)
    return root


@pytest.fixture(scope="module")
def seven_source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """iptables for seven architectures, of both worlds' names, in no order."""
    folder = tmp_path_factory.mktemp("source")
    missing = standing_in(folder / "missing")
    contents = {
        "build_repositories": [str(THIRD_PARTY), str(missing)],
        "keyring": [str(THIRD_PARTY / "keys" / "zhangyoufu.rsa.pub"), str(missing / key().name)],
        "packages": ["iptables", "ip6tables", "iptables-doc"],
    }
    archs = ["s390x", "arm/v6", "amd64", "x86", "arm64", "armv7", "ppc64le"]
    (folder / "seven.yaml").write_text(json.dumps({"contents": contents, "archs": archs}))
    return folder / "seven.yaml"


@pytest.fixture(scope="module")
def seven(seven_source: Path, tmp_path_factory: pytest.TempPathFactory) -> Made:
    return build(tmp_path_factory.mktemp("seven") / "image", seven_source)


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """The example of the project for both architectures that it has."""
    return build(tmp_path_factory.mktemp("two") / "image", EXAMPLE, "--arch", "amd64,arm64")


@pytest.fixture(scope="module")
def uneven_source(boot_set: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Official packages of 3.19 for x86_64, and of 3.13 for aarch64."""
    folder = tmp_path_factory.mktemp("source")
    repository = folder / "repository"
    repository.mkdir()
    (repository / "x86_64").symlink_to(boot_set / "x86_64")
    (repository / "aarch64").symlink_to(OLD / "aarch64")
    contents = {"build_repositories": [str(repository)], "packages": ["busybox", "openssh-server"]}
    (folder / "uneven.yaml").write_text(json.dumps({"contents": contents, "archs": ["amd64", "arm64"]}))
    return folder / "uneven.yaml"


@pytest.fixture(scope="module")
def uneven(uneven_source: Path, tmp_path_factory: pytest.TempPathFactory) -> Made:
    return build(tmp_path_factory.mktemp("uneven") / "image", uneven_source, "--allow-arch-skew")


def blobs(layout: Path) -> dict[str, bytes]:
    """Every blob of a layout, checked against its name."""
    found = {path.name: path.read_bytes() for path in (layout / "blobs" / "sha256").iterdir()}
    assert all(hashlib.sha256(data).hexdigest() == name for name, data in found.items())
    return found


def image_blobs(layout: Path) -> dict[str, bytes]:
    """Those that images are made of, without what is said about them."""
    found = blobs(layout)
    for listed in layout.glob("referrers/*.json"):
        for entry in json.loads(listed.read_bytes())["manifests"]:
            artifact = json.loads(found.pop(entry["digest"].removeprefix("sha256:")))
            for each in (*artifact["layers"], artifact["config"]):
                found.pop(each["digest"].removeprefix("sha256:"), None)
    return found


@pytest.mark.parametrize("form", ["oci", "oci-archive"])
@pytest.mark.parametrize("which", ["two", "seven", "uneven"])
def test_skopeo_copies_every_platform_byte_for_byte(
    which: str, form: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """The copy has every blob of ours and no other, and one index under the same digest."""
    need("skopeo", root=False)
    made: Made = request.getfixturevalue(which)
    source = made.layout if form == "oci" else made.archive
    call(
        "skopeo",
        "copy",
        "--all",
        "--insecure-policy",
        f"{form}:{source}:latest",
        f"oci:{tmp_path}/copy:latest",
    )
    assert blobs(tmp_path / "copy") == image_blobs(made.layout)
    (entry,) = json.loads((tmp_path / "copy" / "index.json").read_bytes())["manifests"]
    assert entry["digest"] == made.document["digest"]


@pytest.mark.parametrize("arch", SEVEN)
def test_each_of_seven_platforms_is_the_image_built_alone(
    seven: Made, seven_source: Path, arch: str, tmp_path: Path
) -> None:
    alone = build(tmp_path / "alone", seven_source, "--arch", arch, archive=False)
    row = seven.rows[arch]
    assert alone.document["digest"] == row["digest"]
    assert alone.blob(row["digest"]) == seven.blob(row["digest"])
    assert {path.name for path in (alone.layout / "blobs" / "sha256").iterdir()} <= blobs(seven.layout).keys()


@pytest.mark.parametrize("arch", SEVEN)
def test_a_tool_that_wants_a_platform_gets_its_programs(seven: Made, arch: str, tmp_path: Path) -> None:
    """Asked for by OCI's words, skopeo finds the manifest; iptables in it is for that machine."""
    need("skopeo", root=False)
    known = Arch.parse(arch)
    chosen = ["--override-os", "linux", "--override-arch", known.oci]
    chosen += ["--override-variant", known.variant] if known.variant else []
    target = f"dir:{tmp_path}/copy"
    call("skopeo", *chosen, "copy", "--insecure-policy", f"oci:{seven.layout}:latest", target)
    manifest = (tmp_path / "copy" / "manifest.json").read_bytes()
    assert f"sha256:{hashlib.sha256(manifest).hexdigest()}" == seven.rows[arch]["digest"]
    (digest,) = (
        layer["digest"] for layer in seven.rows[arch]["layers"] if layer["packages"] == ["iptables-1.8.5-r2"]
    )
    with tarfile.open(fileobj=io.BytesIO(seven.blob(digest))) as layer:
        program = layer.extractfile("sbin/xtables-legacy-multi")
        assert program is not None
        head = program.read(20)
    order = "<" if head[5] == 1 else ">"
    assert struct.unpack(f"{order}H", head[18:20])[0] == known.elf_machine


def test_the_index_says_what_an_index_has_to(seven: Made) -> None:
    """Its entries are the manifests with platform and size, in an order that no option changes."""
    index = json.loads(seven.blob(seven.document["digest"]))
    assert index["mediaType"] == "application/vnd.oci.image.index.v1+json"
    created = []
    for entry, arch in zip(index["manifests"], SEVEN, strict=True):
        known = Arch.parse(arch)
        variant = {"variant": known.variant} if known.variant else {}
        assert entry["platform"] == {"os": "linux", "architecture": known.oci} | variant
        raw = seven.blob(entry["digest"])
        assert (entry["size"], entry["mediaType"]) == (len(raw), json.loads(raw)["mediaType"])
        created.append(json.loads(raw)["annotations"]["org.opencontainers.image.created"])
    assert index["annotations"]["org.opencontainers.image.created"] == max(created)


def test_a_registry_takes_the_index_and_gives_every_platform_back(seven: Made, tmp_path: Path) -> None:
    """skopeo copies all of it out, and our own pull finds the same."""
    need("skopeo", root=False)
    with registry(tmp_path / "registry") as found:
        name = f"{found.host}/team/seven:1"
        words = ["push", f"oci:{seven.layout}", name, "--cache-dir", str(tmp_path / "cache")]
        pushed = process(*words, cwd=tmp_path)
        assert pushed.status == 0, pushed.err
        call(
            *("skopeo", "copy", "--all", "--insecure-policy", "--src-tls-verify=false"),
            *(f"docker://{name}", f"oci:{tmp_path}/copy:latest"),
        )
        words = ["pull", name, "-o", f"oci:{tmp_path}/pulled", "--cache-dir", str(tmp_path / "cache")]
        pulled = process(*words, cwd=tmp_path)
    assert pulled.status == 0, pulled.err
    assert pulled.out == pushed.out
    assert pulled.out.endswith(f"@{seven.document['digest']}\n")
    assert blobs(tmp_path / "copy") == image_blobs(seven.layout)
    assert blobs(tmp_path / "pulled") == blobs(seven.layout), "with what is said about each platform"


@pytest.mark.parametrize("peer", ["podman", "containerd"])
def test_engines_run_the_platform_of_the_host(two: Made, peer: str, tmp_path: Path) -> None:
    """From an archive with two platforms, without being told which."""
    said = JUDGES[peer](Subject(two.layout, "latest", two.archive), ["/usr/bin/hello"], tmp_path)
    assert said == "Hello from an image that holds nothing else.\n"


def test_umoci_runs_what_skopeo_chose_for_the_host(uneven: Made, tmp_path: Path) -> None:
    """umoci itself takes no index in an index."""
    need("skopeo", "umoci", "runc")
    call("skopeo", "copy", "--insecure-policy", f"oci:{uneven.layout}:latest", f"oci:{tmp_path}/one:latest")
    said = JUDGES["umoci"](
        Subject(tmp_path / "one", "latest", uneven.archive), ["/bin/busybox", "id"], tmp_path
    )
    assert "uid=65532" in said


def test_our_own_run_takes_the_platform_of_the_host(two: Made) -> None:
    need("runc")
    for source in (f"oci:{two.layout}", str(two.archive)):
        done = process("run", "--runner", "runc", source, cwd=two.folder)
        assert (done.status, done.out) == (0, "Hello from an image that holds nothing else.\n"), done.err
    none = process("run", f"oci:{two.layout}", "--arch", "s390x", cwd=two.folder)
    assert none.status == 3
    assert "no image is for linux/s390x" in none.err


def test_official_packages_of_two_releases_are_refused_and_then_built_as_alone(
    uneven: Made, uneven_source: Path, tmp_path: Path
) -> None:
    """The error names each package with both versions; what is allowed is what each would be alone."""
    words = ("build", str(uneven_source), "-o", "oci:refused", "--cache-dir", str(tmp_path / "cache"))
    refused = process(*words, cwd=tmp_path)
    assert refused.status == 4
    assert "busybox: 1.36.1-r15 on x86_64, 1.32.1-r5 on aarch64\n" in refused.err
    assert "zlib: 1.3.1-r0 on x86_64, 1.2.11-r3 on aarch64\n" in refused.err
    assert not (tmp_path / "refused").exists()
    assert {"name": "musl", "versions": {"x86_64": "1.2.4_git20230717-r4", "aarch64": "1.2.2-r0"}} in (
        uneven.document["skew"]
    )
    for arch, row in uneven.rows.items():
        alone = build(tmp_path / arch, uneven_source, "--arch", arch, archive=False)
        assert alone.document["digest"] == row["digest"]


def test_the_same_index_comes_of_other_surroundings(seven: Made, seven_source: Path, tmp_path: Path) -> None:
    """Another order of words, cache, time zone, umask, locale and hash seed: the same bytes."""
    env = {"TZ": "Pacific/Kiritimati", "PYTHONHASHSEED": "7", "LC_ALL": "C"}
    order = ",".join(reversed(SEVEN))
    again = build(tmp_path / "again", seven_source, "--arch", order, env=env, umask=0o077)
    assert again.document["digest"] == seven.document["digest"]
    assert again.archive.read_bytes() == seven.archive.read_bytes()
    assert blobs(again.layout) == blobs(seven.layout)
