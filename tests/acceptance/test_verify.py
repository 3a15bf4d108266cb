"""Images verified back to Alpine's keys; and each way of changing one that must not go unnoticed."""

import gzip
import json
import shutil
import tarfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from support.built import TALL, Builder, BuiltImage, packages
from support.command import process
from support.packages import make_package
from support.registries import Proxy, Registry
from support.repositories import Simulator, key, package
from support.shared import SHARED, needs_shared
from support.tampering import HEAD, Tampered, edited, with_file

pytestmark = [pytest.mark.peer, needs_shared]

SERVICES = ("alpine-baselayout", "busybox", "busybox-suid", "chrony", "dhcpcd", "openrc", "wget")
ZEROS = "sha256:" + "0" * 64


@dataclass(frozen=True)
class Said:
    """What verifying an image came to."""

    status: int
    document: dict[str, Any]
    err: str

    @property
    def platform(self) -> dict[str, Any]:
        (found,) = self.document["platforms"]
        return found  # type: ignore[no-any-return]

    @property
    def rules(self) -> set[str]:
        return {each["rule"] for each in self.platform["problems"]}

    @property
    def standings(self) -> list[str]:
        return [each["standing"] for each in self.platform["layers"]]

    def problem(self, rule: str) -> str:
        """The one problem of a rule, in words."""
        (found,) = [each for each in self.platform["problems"] if each["rule"] == rule]
        return f"{found['message']} {found['subject']}"


def verify(place: str, folder: Path, *options: str | Path) -> Said:
    """Verifies an image with a cache that has nothing in it."""
    cache = folder / "verifying"
    shutil.rmtree(cache, ignore_errors=True)
    done = process("verify", place, "--json", "--cache-dir", cache.as_posix(), *options, cwd=folder)
    return Said(done.status, json.loads(done.out) if done.out else {}, done.err)


@pytest.fixture(scope="module")
def wget(builder: Builder, boot_set: Path) -> BuiltImage:
    config = packages(boot_set, "wget", "ca-certificates-bundle", entrypoint={"command": "/usr/bin/wget"})
    return builder("verify-wget", config)


@pytest.fixture(scope="module")
def origin(builder: Builder, boot_set: Path) -> BuiltImage:
    """An image some of whose layers are rewritten, since packages of one origin share them."""
    return builder("verify-origin", packages(boot_set, *SERVICES, layering="origin"))


@pytest.fixture
def image(wget: BuiltImage, tmp_path: Path) -> Tampered:
    """The wget image, to be changed."""
    return Tampered(wget.layout, tmp_path / "image")


def judged(image: Tampered, *options: str | Path) -> Said:
    """What verifying says of a changed image, which is refused."""
    image.seal()
    said = verify(f"oci:{image.folder}", image.folder.parent, *options)
    assert said.status == 1, said.err
    assert not said.document["verified"]
    return said


def test_the_wget_image_is_verified_from_a_registry_with_60_kilobytes(
    plain: Registry, wget: BuiltImage, tmp_path: Path
) -> None:
    """Measured on the wire, headers and all: nine layers of 3.8 MB are proven and not one is read."""
    pushed = process("push", f"oci:{wget.layout}", f"{plain.host}/verify/wget:1", cwd=tmp_path)
    assert pushed.status == 0, pushed.err
    with Proxy(plain.port) as wire:
        said = verify(f"docker://{wire.host}/verify/wget:1", tmp_path)
        assert wire.received < 60_000
    assert said.status == 0, said.err
    assert said.standings == ["signed"] * 9 + ["top"]
    assert [each["read"] for each in said.platform["layers"]] == [False] * 9 + [True]
    assert {each["key"] for each in said.platform["packages"]} == {
        "alpine-devel@lists.alpinelinux.org-6165ee59.rsa.pub"
    }
    assert "RSA over SHA-1" in said.platform["remarks"][0]
    recognised = {each["path"]: each["what"] for each in said.platform["layers"][-1]["files"]}
    assert recognised["lib/apk/db/installed"] == "database of 9 packages"
    assert recognised["etc/os-release"] == "release: Alpine 3.19.1"


def test_everything_can_be_read_and_checked(wget: BuiltImage, tmp_path: Path) -> None:
    said = verify(f"oci:{wget.layout}", tmp_path, "--full")
    assert said.status == 0, said.err
    assert all(each["read"] for each in said.platform["layers"])


@pytest.mark.parametrize("layering", ["packages", "origin", "single"])
def test_rewritten_layers_are_held_against_their_packages(
    layering: str, builder: Builder, boot_set: Path, tmp_path: Path
) -> None:
    config = packages(boot_set, *SERVICES, layering=layering)
    built = builder(f"verify-{layering}", config) if layering != "origin" else None
    layout = built.layout if built else builder("verify-origin-2", config).layout
    said = verify(f"oci:{layout}", tmp_path)
    assert said.status == 0, said.err + json.dumps(said.document)
    assert ("derived" in said.standings) is (layering != "packages")
    assert "unexplained" not in said.standings


def test_a_hundred_packages_are_verified(builder: Builder, tmp_path: Path) -> None:
    """Of a set with a key of its own; more than the budget of layers, so that the small ones share one."""
    repository = SHARED / "alpine" / "v3.19-x86_64"
    layout = builder("verify-many", packages(repository, *TALL.split()), "-k", repository / "keys").layout
    said = verify(f"oci:{layout}", tmp_path, "-k", repository / "keys")
    assert said.status == 0, said.err + json.dumps(said.platform["problems"])
    assert len(said.platform["packages"]) > 100
    assert said.standings.count("derived") == 1


def test_files_that_a_link_moved_are_held_against_their_packages(tmp_path: Path) -> None:
    """Of merged folders: the evidence names the link, and the link has to be in the package that it names."""
    base = Simulator()
    base.add(make_package("base", files={"usr/bin/base": b"base"}, links={"bin": "usr/bin"}, key=key()))
    base.add(make_package("tool", files={"bin/tool": b"tool"}, key=key()))
    base.write(tmp_path / "base")
    (tmp_path / key().public.name).write_bytes(key().public.pem)
    contents = {
        "build_repositories": ["./base"],
        "keyring": [f"./{key().public.name}"],
        "packages": ["base", "tool"],
    }
    (tmp_path / "witchery.yaml").write_text(json.dumps({"contents": contents}))
    words = ("build", "witchery.yaml", "--arch", "x86_64", "-o", "oci:image", "--cache-dir", "cache")
    done = process(*words, cwd=tmp_path)
    assert done.status == 0, done.err
    trust = ("-k", tmp_path / key().public.name)
    said = verify("oci:image", tmp_path, *trust)
    assert said.status == 0, said.err + json.dumps(said.document)
    assert said.standings == ["signed", "derived", "top"]
    image = Tampered(tmp_path / "image", tmp_path / "changed")
    (layer,) = [each for each in image.document["layers"] if each.get("links")]
    assert layer["links"] == {"bin": 0}
    layer["links"] = {"bin": 1}
    said = judged(image, *trust)
    assert "names a link that `tool-1.0-r0` has not" in json.dumps(said.document)
    del layer["links"]
    assert judged(image, *trust).rules == {"file-missing", "file-unexplained"}


def test_folders_that_links_hide_are_no_matter(builder: Builder, tmp_path: Path) -> None:
    """In Alpine 3.13 `var/run` is a link in one package and a folder in another, for another architecture."""
    old = SHARED / "alpine" / "v3.13-aarch64"
    built = builder("verify-moved", packages(old, "alpine-base", "ppp-daemon"), arch="aarch64")
    said = verify(f"oci:{built.layout}", tmp_path)
    assert said.status == 0, said.err + json.dumps(said.document)
    assert "derived" in said.standings


def test_packages_of_version_3_are_held_against_what_their_keys_signed(tmp_path: Path) -> None:
    """Of OpenWrt: every one is rewritten, from files whose hashes stand in what is signed."""
    source = SHARED / "openwrt-v3"
    base = Simulator()
    base.add(package("libc"))  # what OpenWrt has in its system itself
    base.write(tmp_path / "base")
    keys = tmp_path / "keys"
    shutil.copytree(source / "keys", keys)
    (keys / key().public.name).write_bytes(key().public.pem)
    contents = {
        "build_repositories": [str(source / "noarch" / "packages.adb"), "./base"],
        "keyring": ["./keys"],
        "packages": ["wireless-regdb"],
    }
    (tmp_path / "witchery.yaml").write_text(json.dumps({"contents": contents}))
    words = ("build", "witchery.yaml", "--arch", "x86_64", "-o", "oci:image", "--cache-dir", "cache")
    done = process(*words, cwd=tmp_path)
    assert done.status == 0, done.err
    said = verify("oci:image", tmp_path, "-k", keys)
    assert said.status == 0, said.err + json.dumps(said.document)
    assert "derived" in said.standings
    assert verify("oci:image", tmp_path).status == 1, "nobody told it of that key"


def test_another_layer_in_place_of_one(image: Tampered) -> None:
    digest = image.put_layer(3, with_file(image.layer(3), "usr/lib/evil.so", b"evil"))
    said = judged(image)
    assert said.rules == {"layer-unexplained", "layer-missing"}
    assert digest in said.problem("layer-unexplained")
    assert "libunistring-1.1-r2" in said.problem("layer-missing")
    assert said.standings[3] == "unexplained"


def test_layers_in_another_order(image: Tampered) -> None:
    for each in (image.manifest["layers"], image.config["rootfs"]["diff_ids"]):
        each[1], each[2] = each[2], each[1]
    assert judged(image).rules == {"layer-order"}


def test_one_layer_twice(image: Tampered) -> None:
    """Alpine signed it; but on top of others it could bring back what they replace."""
    image.manifest["layers"].append(image.manifest["layers"][0])
    image.config["rootfs"]["diff_ids"].append(image.config["rootfs"]["diff_ids"][0])
    image.config.pop("history")
    assert judged(image).rules == {"layer-added"}


def test_a_package_that_is_listed_and_has_no_layer(image: Tampered) -> None:
    """Its head stays in the evidence, and the database lists it; its files are gone."""
    del image.manifest["layers"][3]
    del image.config["rootfs"]["diff_ids"][3]
    image.config.pop("history")
    del image.document["layers"][3]
    said = judged(image)
    assert said.rules == {"package-absent"}
    assert "libunistring-1.1-r2" in said.problem("package-absent")


@pytest.mark.parametrize("at", ["signature", "control"])
def test_an_altered_segment_of_evidence(at: str, image: Tampered) -> None:
    """The evidence itself is put right again, so that only what is signed can tell."""
    assert image.evidence is not None
    number = next(n for n, each in enumerate(image.evidence["layers"]) if each["mediaType"] == HEAD)
    head = image.blob(image.evidence["layers"][number]["digest"])
    cut = _signature_size(head)
    signature, control = _member(head[:cut]), _member(head[cut:])
    if at == "signature":
        signature = edited(signature, lambda _, data: data[:-1] + bytes([data[-1] ^ 1]))
    else:
        control = edited(control, lambda _, data: data.replace(b"pkgdesc = ", b"pkgdesc = x"))
    image.evidence["layers"][number] = image.put(
        gzip.compress(signature, mtime=0) + gzip.compress(control, mtime=0), HEAD
    )
    said = judged(image)
    assert "signature-bad" in said.rules
    assert "bad signature by the known key" in said.problem("signature-bad")


def test_a_segment_that_is_not_what_its_name_says_is_refused(image: Tampered, tmp_path: Path) -> None:
    assert image.evidence is not None
    image.seal()
    digest = image.evidence["layers"][2]["digest"]
    path = image.folder / "blobs" / digest.replace(":", "/")
    path.write_bytes(path.read_bytes()[:-4] + b"\0\0\0\0")
    said = verify(f"oci:{image.folder}", tmp_path)
    assert said.status == 3
    assert digest in said.err


def test_evidence_of_another_image(image: Tampered, origin: BuiltImage, tmp_path: Path) -> None:
    """Listed for this one, with its own subject, and with ours."""
    other = Tampered(origin.layout, tmp_path / "other")
    assert image.evidence is not None
    assert other.evidence is not None
    for each in other.evidence["layers"]:
        image.put(other.blob(each["digest"]), each["mediaType"])
    image.evidence, image.document = other.evidence, other.document
    said = judged(image)
    assert {"layer-missing", "layer-unexplained"} <= said.rules
    image = Tampered(image.folder, tmp_path / "third")
    assert image.evidence is not None
    image.evidence["subject"]["digest"] = ZEROS
    said = judged(image)
    assert said.rules == {"no-evidence"}
    assert "about another one" in said.problem("no-evidence")


def test_no_evidence(image: Tampered) -> None:
    image.evidence = None
    said = judged(image)
    assert said.rules == {"no-evidence"}
    assert set(said.standings) == {"unexplained"}


def test_a_key_that_is_not_trusted(wget: BuiltImage, tmp_path: Path) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text("keys: [somebody@example.org-1.rsa.pub]\n")
    said = verify(f"oci:{wget.layout}", tmp_path, "--policy", policy)
    assert said.status == 1
    assert said.rules == {"key-unknown"}
    assert said.standings == ["unexplained"] * 9 + ["top"]
    policy.write_text("keys: [alpine-devel@lists.alpinelinux.org-6165ee59.rsa.pub]\n")
    assert verify(f"oci:{wget.layout}", tmp_path, "--policy", policy).status == 0


def test_an_extra_layer_on_top(image: Tampered) -> None:
    image.put_layer(10, with_file(b"", "usr/bin/wget", b"#!/bin/evil\n", 0o755))
    said = judged(image)
    assert said.rules == {"layer-unexplained"}
    assert said.standings[-1] == "unexplained"


def test_an_extra_layer_that_the_evidence_calls_derived(image: Tampered) -> None:
    """Whoever forges the evidence too, still has to say from which package the file is."""
    digest = image.put_layer(10, with_file(b"", "usr/bin/wget", b"#!/bin/evil\n", 0o755))
    image.document["layers"].append({"kind": "derived", "digest": digest, "packages": []})
    said = judged(image)
    assert said.rules == {"file-unexplained"}
    assert "usr/bin/wget" in said.problem("file-unexplained")


def test_an_extra_layer_that_the_evidence_calls_an_application(image: Tampered, wget: BuiltImage) -> None:
    """Nobody vouches for an application, so it has to be allowed."""
    assert image.evidence is not None
    tar = with_file(b"", "usr/bin/wget", b"#!/bin/evil\n", 0o755)
    digest = image.put_layer(10, tar)
    pkginfo = f"pkgname = mine\npkgver = 0-r0\nsize = 1\narch = noarch\ndatahash = {digest[7:]}\n".encode()
    head = gzip.compress(with_file(b"", ".PKGINFO", pkginfo), mtime=0)
    image.evidence["layers"].append(image.put(head, HEAD))
    image.document["packages"].append({"package": "mine-0-r0", "own": True})
    image.document["layers"].append({"kind": "payload", "packages": [9]})
    said = judged(image)
    assert {"payload", "file-unexplained"} <= said.rules
    assert said.standings[-1] == "payload"


Change = Callable[[bytes], bytes]
TOPS: dict[str, tuple[Change, str]] = {
    "an extra file": (
        lambda tar: with_file(tar, "usr/bin/extra", b"x", 0o755),
        "no file that composing makes",
    ),
    "a file of a package": (lambda tar: with_file(tar, "usr/bin/wget", b"x"), "no file that composing makes"),
    "another root": (
        lambda tar: edited(
            tar, lambda info, data: data + b"evil:x:0:0::/:/bin/sh\n" if info.name == "etc/passwd" else data
        ),
        "gives the rights of root to `evil`",
    ),
    "another release": (
        lambda tar: edited(
            tar,
            lambda info, data: data.replace(b"alpine", b"alpina") if info.name == "etc/os-release" else data,
        ),
        "is not what Alpine's release says",
    ),
    "a package that is not there": (
        lambda tar: edited(
            tar,
            lambda info, data: (
                data.replace(b"P:zlib\n", b"P:zlob\n") if info.name.endswith("installed") else data
            ),
        ),
        "lists a package that the evidence has not",
    ),
    "an older package": (
        lambda tar: edited(
            tar,
            lambda info, data: (
                data.replace(b"V:1.3.1-r0", b"V:1.3.1-r9") if info.name.endswith("installed") else data
            ),
        ),
        "and the image has another",
    ),
    "a deleted file": (lambda tar: with_file(tar, "usr/bin/.wh.wget", b""), "takes away a file"),
    "a setuid file": (
        lambda tar: with_file(tar, "etc/shells", b"/bin/sh\n", 0o4755),
        "which nothing generated has",
    ),
    "a certificate of nobody": (
        lambda tar: with_file(
            tar,
            "etc/ssl/certs/ca-certificates.crt",
            b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        ),
        "trusts 1 certificates that no package",
    ),
}


@pytest.mark.parametrize("what", TOPS)
def test_a_changed_top_layer(what: str, image: Tampered) -> None:
    """With evidence that names the new layer: only its content can tell."""
    change, reason = TOPS[what]
    digest = image.put_layer(9, change(image.layer(9)))
    image.document["layers"][9]["digest"] = digest
    said = judged(image)
    assert said.rules == {"file-unexplained"}
    assert reason in said.problem("file-unexplained")
    assert said.standings[9] == "unexplained"


@pytest.mark.parametrize(
    ("name", "value"),
    [("Entrypoint", ["/bin/sh"]), ("User", "0"), ("Env", ["LD_PRELOAD=/evil.so"]), ("Cmd", ["--evil"])],
)
def test_a_changed_configuration(name: str, value: Any, image: Tampered) -> None:
    image.config["config"][name] = value
    said = judged(image)
    assert said.rules == {"configuration-changed"}
    assert name in said.problem("configuration-changed")


def test_a_diff_id_of_something_else_is_found_by_reading(image: Tampered, tmp_path: Path) -> None:
    """A runtime that has unpacked something under this name would take that."""
    image.config["rootfs"]["diff_ids"][0] = ZEROS
    said = judged(image, "--full")
    assert said.rules == {"diff-id"}
    quick = verify(f"oci:{image.folder}", tmp_path)
    assert any("were not read" in remark for remark in quick.platform["remarks"])


def _derived(origin: BuiltImage, folder: Path) -> tuple[Tampered, int]:
    image = Tampered(origin.layout, folder)
    number = next(n for n, kind in enumerate(origin.kinds) if kind == "derived")
    return image, number


def _content(info: tarfile.TarInfo, data: bytes) -> bytes | None:
    return data + b"x"


def _mode(info: tarfile.TarInfo, data: bytes) -> bytes | None:
    info.mode = 0o4777
    return data


def _owner(info: tarfile.TarInfo, data: bytes) -> bytes | None:
    info.uid = 1234
    return data


def _link(info: tarfile.TarInfo, data: bytes) -> bytes | None:
    info.linkname = "/evil"
    return data


def _nothing(info: tarfile.TarInfo, data: bytes) -> bytes | None:
    return None


CHANGES = {
    "content": (_content, "file-changed"),
    "link": (_link, "file-changed"),
    "mode": (_mode, "mode-changed"),
    "owner": (_owner, "mode-changed"),
    "gone": (_nothing, "file-missing"),
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_changed_file_of_a_rewritten_layer(what: str, origin: BuiltImage, tmp_path: Path) -> None:
    image, number = _derived(origin, tmp_path / "image")
    change, rule = CHANGES[what]
    old = image.manifest["layers"][number]["digest"]
    seen: list[str] = []

    def once(info: tarfile.TarInfo, data: bytes) -> bytes | None:
        if seen or not (info.issym() if what == "link" else info.isreg()):
            return data
        seen.append(info.name)
        return change(info, data)

    new = image.put_layer(number, edited(image.layer(number), once))
    for each in image.document["layers"]:
        if each.get("digest") == old:
            each["digest"] = new
    said = judged(image)
    assert said.rules == {rule}
    assert seen[0] in said.problem(rule)
    assert said.standings[number] == "unexplained"


def test_packages_that_the_evidence_does_not_hold_are_had_elsewhere(
    boot_set: Path, origin: BuiltImage, tmp_path: Path
) -> None:
    """Heads alone do not judge a rewritten layer; a mirror, or another image, has its packages."""
    (tmp_path / "witchery.yaml").write_text(json.dumps(packages(boot_set, *SERVICES, layering="origin")))
    words = ("--evidence", "heads", "--cache-dir", "cache", "--arch", "x86_64", "-o", "oci:heads")
    done = process("build", "witchery.yaml", *words, cwd=tmp_path)
    assert done.status == 0, done.err
    said = verify("oci:heads", tmp_path)
    assert said.status == 1
    assert said.rules == {"package-missing"}
    assert verify("oci:heads", tmp_path, "--from", boot_set).status == 0
    assert verify("oci:heads", tmp_path, "--from", f"oci:{origin.layout}").status == 0


def test_what_a_configuration_makes_is_named_and_can_be_allowed(
    builder: Builder, boot_set: Path, tmp_path: Path
) -> None:
    rule = {"path": "/bin/bbsuid", "type": "permissions", "permissions": "0o4711"}
    built = builder("verify-rule", packages(boot_set, "busybox-suid", paths=[rule]))
    said = verify(f"oci:{built.layout}", tmp_path)
    assert said.status == 1
    assert said.rules == {"mode-changed"}
    (tmp_path / "policy.yaml").write_text("files: [/bin/bbsuid]\n")
    assert verify(f"oci:{built.layout}", tmp_path, "--policy", tmp_path / "policy.yaml").status == 0


POLICIES = {
    "policy-derived": "derived: 0\n",
    "policy-forbidden": "forbid: [busy*]\n",
    "policy-age": "max-age: 30\n",
}


@pytest.mark.parametrize("rule", POLICIES)
def test_a_policy(rule: str, origin: BuiltImage, tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text(POLICIES[rule])
    said = verify(f"oci:{origin.layout}", tmp_path, "--policy", tmp_path / "policy.yaml")
    assert said.status == 1
    assert said.rules == {rule}


def test_a_policy_with_a_mistake_names_the_line(wget: BuiltImage, tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text("derived: none\n")
    said = verify(f"oci:{wget.layout}", tmp_path, "--policy", tmp_path / "policy.yaml")
    assert said.status == 3
    assert "policy.yaml:1:10" in said.err


def test_an_application_is_for_whoever_built_it(builder: Builder, tmp_path: Path) -> None:
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "data.txt").write_text("hello\n")
    built = process(
        *("build", "app", "-o", "oci:built", "--cache-dir", "cache"),
        cwd=tmp_path,
    )
    assert built.status == 0, built.err
    said = verify("oci:built", tmp_path)
    assert said.status == 1
    assert said.rules == {"payload"}
    assert "payload" in said.standings
    assert verify("oci:built", tmp_path, "--allow-payload").status == 0


def test_an_image_is_held_against_a_lock(boot_set: Path, tmp_path: Path) -> None:
    """The lock pins by SHA-256 what Alpine's signature covers by SHA-1."""
    (tmp_path / "witchery.yaml").write_text(json.dumps(packages(boot_set, "wget")))
    words = ("--cache-dir", "cache", "--arch", "x86_64")
    for line in (("lock", "witchery.yaml"), ("build", "witchery.yaml", "--locked", "-o", "oci:image")):
        done = process(*line, *words, cwd=tmp_path)
        assert done.status == 0, done.err
    assert verify("oci:image", tmp_path, "--lock", "witchery.lock.json").status == 0
    (tmp_path / "witchery.yaml").write_text(json.dumps(packages(boot_set, "zlib")))
    assert process("build", "witchery.yaml", "-o", "oci:other", *words, cwd=tmp_path).status == 0
    said = verify("oci:other", tmp_path, "--lock", "witchery.lock.json")
    assert said.status == 1
    assert said.rules == {"lock-differs"}


def test_every_platform_has_its_own_verdict(tmp_path: Path) -> None:
    examples = Path(__file__).resolve().parents[2] / "examples" / "repository"
    key = examples / "keys/witchery-example-2.rsa.pub"
    config = packages(examples, "hello", contents={"keyring": [str(key)]})
    (tmp_path / "witchery.yaml").write_text(json.dumps(config))
    done = process(
        *("build", "witchery.yaml", "--arch", "amd64,arm64", "-o", "oci:both", "--cache-dir", "cache"),
        cwd=tmp_path,
    )
    assert done.status == 0, done.err
    said = verify("oci:both", tmp_path, "-k", key)
    assert said.status == 0, said.err
    assert [each["platform"] for each in said.document["platforms"]] == ["linux/amd64", "linux/arm64"]
    assert verify("oci:both", tmp_path).status == 1, "nobody told it of that key"


def _signature_size(head: bytes) -> int:
    import zlib

    inflate = zlib.decompressobj(31)
    inflate.decompress(head)
    return len(head) - len(inflate.unused_data)


def _member(data: bytes) -> bytes:
    return gzip.decompress(data)
