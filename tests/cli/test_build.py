"""`witchery build` as its user sees it: one line, the files, the exit status, and every refusal."""

import gzip
import json
import shutil
from pathlib import Path

import pytest

from support.command import Command, Outcome, process
from support.shared import SHARED, needs_shared
from witchery.apk import archive
from witchery.oci.image import Image
from witchery.store import layout

pytestmark = needs_shared

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


def built(folder: Path) -> Image:
    source = layout.read(folder)
    return source.image("", None)


def test_a_build_prints_the_image_by_digest_and_nothing_else(witchery: Command, wget: Path) -> None:
    done = witchery("build", wget, "-o", "oci:image")
    assert done.status == 0
    assert done.out == f"{built(Path('image')).digest}\n"
    named = witchery("build", wget, "example.org/wget:1.2", "other.tar")
    assert named.out == f"example.org/wget@{built(Path('image')).digest}\n"


def test_every_package_is_a_signed_layer(witchery: Command, wget: Path, boot_set: Path) -> None:
    """The blob of each layer is the data segment whose hash Alpine signed."""
    assert witchery("build", wget, "-o", "oci:image").status == 0
    image = built(Path("image"))
    digests = {}
    for path in (boot_set / "x86_64").glob("*.apk"):
        made = archive.read([path.read_bytes()], lambda _: None)
        digests[str(made.data)] = made.info
    signed = [digests.get(str(layer.descriptor.digest)) for layer in image.layers]
    assert [info.name for info in signed[:-1] if info] == [
        "ca-certificates-bundle",
        "musl",
        "libcrypto3",
        "libunistring",
        "libidn2",
        "pcre2",
        "libssl3",
        "zlib",
        "wget",
    ]
    assert signed[-1] is None
    for layer, info in zip(image.layers[:-1], signed[:-1], strict=True):
        assert info is not None
        annotations = layer.descriptor.annotations
        assert annotations["dev.witchery.layer.package"] == info.name
        assert annotations["dev.witchery.layer.version"] == info.version
        assert annotations["dev.witchery.layer.kind"] == "signed"


def test_json_says_everything_a_program_needs(witchery: Command, wget: Path) -> None:
    done = witchery("build", wget, "-o", "oci:image", "--json")
    found = json.loads(done.out)
    assert found["digest"] == str(built(Path("image")).digest)
    assert found["trusted"] is True
    assert [layer["kind"] for layer in found["layers"]] == ["signed"] * 9 + ["top"]
    assert len(found["packages"]) == 9


def test_the_example_of_the_project_builds_from_its_own_repository(witchery: Command) -> None:
    done = witchery(
        "build", EXAMPLES / "hello/witchery.yaml", "-o", "oci:hello", "--arch", "amd64", "--offline"
    )
    assert done.status == 0, done.err
    image = built(Path("hello"))
    assert image.config.execution.user == "65532"
    assert image.size < 10_000


def test_the_other_architecture_needs_no_emulation(witchery: Command) -> None:
    done = witchery("build", EXAMPLES / "hello/witchery.yaml", "-o", "oci:hello", "--arch", "arm64")
    assert done.status == 0, done.err
    assert built(Path("hello")).config.platform.architecture == "arm64"


def test_several_outputs_hold_the_same_image(witchery: Command, wget: Path) -> None:
    outputs = ["-o", "oci:a", "-o", "oci-archive:b.tar", "-o", "rootfs:c"]
    assert witchery("build", wget, *outputs).status == 0
    assert Path("c/usr/bin/wget").stat().st_mode & 0o111
    assert b"index.json" in Path("b.tar").read_bytes()


REFUSALS = [
    (("build", "missing.yaml"), 5, "no such file"),
    (("build", "wget.yaml", "--arch", "sparc"), 2, "unknown architecture: `sparc`"),
    (("build", "wget.yaml", "--arch", "aarch64"), 5, "has no index"),
    (("build", "wget.yaml", "-p", "wgot"), 4, "wgot"),
    (("build", "wget.yaml", "-p", "!wget"), 4, "wget"),
    (("build", "wget.yaml", "-p", "wget>2"), 4, "wget"),
    (("build", "wget.yaml", "-p", "=x"), 3, "not a valid world dependency"),
    (("build", "wget.yaml", "-o", "ftp:x"), 2, "x"),
    (("build", "wget.yaml", "-o", f"docker://example.org/x@sha256:{64 * '0'}"), 2, "by tag"),
    (("build", "wget.yaml", "-o", "oci:x", "-o", "oci:x"), 2, "same place"),
    (("build", "wget.yaml", "-t", "Not A Name"), 2, "Not A Name"),
    (("build", "wget.yaml", "-X", "https://127.0.0.1:9/alpine", "--offline"), 5, "offline"),
    (("build", "wget.yaml", "--set", "A"), 2, "expected `--set NAME=VALUE`"),
    (("build", "wget.yaml", "-k", "nowhere.pub"), 5, "nowhere.pub"),
    (("build",), 2, "SOURCE"),
    (("brew", "x"), 2, "brew"),
]


@pytest.mark.parametrize(("arguments", "status", "words"), REFUSALS, ids=lambda value: str(value)[:40])
def test_a_refusal_has_its_status_and_says_why(
    witchery: Command, wget: Path, arguments: tuple[str, ...], status: int, words: str
) -> None:
    wget.rename("wget.yaml")
    before = {path.name for path in Path().iterdir()}
    done = witchery(*arguments, cache=len(arguments) > 1 and arguments[0] == "build")
    assert (done.status, done.out) == (status, ""), done.err
    assert words in done.err
    assert {path.name for path in Path().iterdir()} - {"cache"} == before, "nothing half-written"


def test_a_typo_in_the_configuration_is_shown_with_its_place(witchery: Command, wget: Path) -> None:
    wget.write_text(wget.read_text().replace("packages:", "pakages:"))
    done = witchery("build", wget)
    assert done.status == 3
    assert "witchery.yaml:3:3" in done.err
    assert "did you mean `packages`" in done.err


def spoilt(boot_set: Path, folder: Path) -> Path:
    """A repository whose packages and index may be changed."""
    target = folder / "spoilt"
    shutil.copytree(boot_set, target)
    return target


def over(wget: Path, boot_set: Path, repository: Path) -> None:
    wget.write_text(wget.read_text().replace(str(boot_set), str(repository)))


def refused(done: Outcome, words: str) -> None:
    assert done.status == 3, done.err
    assert words in done.err
    assert done.out == ""
    assert not Path("witchery.oci").exists()


@pytest.mark.parametrize("part", ["signature", "control", "data"])
def test_one_flipped_byte_in_any_segment_of_a_package_is_refused(
    witchery: Command, wget: Path, boot_set: Path, tmp_path: Path, part: str
) -> None:
    repository = spoilt(boot_set, tmp_path)
    over(wget, boot_set, repository)
    package = repository / "x86_64/wget-1.21.4-r0.apk"
    data = bytearray(package.read_bytes())
    made = archive.read([bytes(data)], lambda _: None)
    signature, control = len(made.signature_segment), len(made.control_segment)
    at = {
        "signature": signature // 2,
        "control": signature + control // 2,
        "data": signature + control + 1000,
    }
    data[at[part]] ^= 1
    package.chmod(0o644)
    package.write_bytes(data)
    refused(witchery("build", wget, "-o", "oci:witchery.oci"), "wget-1.21.4-r0.apk")
    refused(witchery("build", wget, "-o", "oci:witchery.oci", "--allow-untrusted"), "wget-1.21.4-r0.apk")


def test_swapped_data_of_two_packages_is_refused(
    witchery: Command, wget: Path, boot_set: Path, tmp_path: Path
) -> None:
    repository = spoilt(boot_set, tmp_path)
    over(wget, boot_set, repository)
    one, other = repository / "x86_64/wget-1.21.4-r0.apk", repository / "x86_64/zlib-1.3.1-r0.apk"
    head = len(one.read_bytes()) - archive.read([one.read_bytes()], lambda _: None).data_size
    tail = len(other.read_bytes()) - archive.read([other.read_bytes()], lambda _: None).data_size
    mixed = one.read_bytes()[:head] + other.read_bytes()[tail:]
    one.chmod(0o644)
    one.write_bytes(mixed)
    refused(witchery("build", wget, "-o", "oci:witchery.oci"), "expected sha256:")


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda data: data[:2000], "bad signature by the known key"),
        (lambda data: data[:200], "truncated"),
        (lambda data: b"", "truncated"),
        (
            lambda data: data[:-1000] + bytes([data[-1000] ^ 1]) + data[-999:],
            "bad signature by the known key",
        ),
        (lambda data: gzip.compress(b"x" * 5000), "APKINDEX.tar.gz"),
    ],
)
def test_a_spoilt_index_is_refused(
    witchery: Command, wget: Path, boot_set: Path, tmp_path: Path, spoil: object, words: str
) -> None:
    repository = spoilt(boot_set, tmp_path)
    over(wget, boot_set, repository)
    index = repository / "x86_64/APKINDEX.tar.gz"
    data = spoil(index.read_bytes())  # type: ignore[operator]
    index.chmod(0o644)
    index.write_bytes(data)
    refused(witchery("build", wget, "-o", "oci:witchery.oci"), words)


def test_an_index_of_an_unknown_key_is_refused_unless_that_is_allowed(witchery: Command) -> None:
    config = Path("stranger.yaml")
    repository = SHARED / "alpine/v3.19-x86_64"
    config.write_text(f"contents:\n  repositories: [{repository}]\n  packages: [musl]\n")
    done = witchery("build", config, "-o", "oci:witchery.oci", "--arch", "x86_64")
    refused(done, "signed by an unknown key: `repository-test.rsa.pub`")
    assert "-k repository-test.rsa.pub" in done.err
    allowed = witchery("build", config, "-o", "oci:image", "--arch", "x86_64", "--allow-untrusted", "--json")
    assert allowed.status == 0, allowed.err
    assert json.loads(allowed.out)["trusted"] is False
    assert "warning" in allowed.err
    trusting = witchery(
        "build", config, "-o", "oci:image", "--arch", "x86_64", "-k", repository / "keys", "--json"
    )
    assert json.loads(trusting.out)["trusted"] is True


def test_an_image_says_of_itself_that_it_is_untrusted(witchery: Command) -> None:
    repository = SHARED / "alpine/v3.19-x86_64"
    config = Path("stranger.yaml")
    config.write_text(f"contents:\n  repositories: [{repository}]\n  packages: [musl]\n")
    common = ("build", config, "--arch", "x86_64")
    assert witchery(*common, "-o", "oci:a", "--allow-untrusted").status == 0
    assert witchery(*common, "-o", "oci:b", "-k", repository / "keys").status == 0
    assert built(Path("a")).manifest.annotations["dev.witchery.untrusted"] == "true"
    assert "dev.witchery.untrusted" not in built(Path("b")).manifest.annotations


def test_the_digest_is_the_same_everywhere(tmp_path: Path, wget: Path, boot_set: Path) -> None:
    """Another folder, user, umask, time zone, locale, hash seed; a warm cache and a cold one; file:// too."""
    variants: list[tuple[str, dict[str, str], int, int | None, str]] = [
        ("plain", {}, 0o022, None, str(boot_set)),
        ("warm", {}, 0o022, None, str(boot_set)),
        ("zone", {"TZ": "Pacific/Kiritimati", "LANG": "tr_TR.UTF-8"}, 0o077, None, f"file://{boot_set}"),
        ("seed", {"PYTHONHASHSEED": "42", "LC_ALL": "C"}, 0, None, f"file://{boot_set}"),
        ("user", {"PYTHONHASHSEED": "7"}, 0o027, 1000, str(boot_set)),
    ]
    digests = {}
    for name, env, umask, user, repository in variants:
        folder = tmp_path / name
        folder.mkdir()
        (folder / "app.yaml").write_text(wget.read_text().replace(str(boot_set), repository))
        cache = tmp_path / ("plain" if name == "warm" else name) / "cache"
        done = process(
            "build", "app.yaml", "-o", "oci:image", "--arch", "x86_64", "--cache-dir", cache,
            cwd=folder, env=env, umask=umask, user=user,
        )  # fmt: skip
        assert done.status == 0, done.err
        digests[name] = done.out
    assert len(set(digests.values())) == 1, digests
