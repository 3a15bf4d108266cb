"""What differs between real images, with answers that were checked by hand and by other tools."""

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from support import secdbs
from support.built import Builder, BuiltImage
from support.command import process
from support.questions import KEYS, WORLDS, ask, build
from support.shared import SHARED, needs_shared

pytestmark = needs_shared

NEWER = SHARED / "alpine/v3.23-image-x86_64"
CRYPTO = "libcrypto3 libssl3 zlib musl"


@pytest.fixture(scope="module")
def images(builder: Builder) -> dict[str, BuiltImage]:
    found = {name: build(builder, f"diff-{name}", world=world) for name, world in WORLDS.items()}
    found["old"] = build(builder, "diff-old", world=CRYPTO)
    found["new"] = build(builder, "diff-new", world=CRYPTO, repository=NEWER)
    return found


def place(image: BuiltImage) -> str:
    return f"oci:{image.layout}"


def diff(images: Mapping[str, BuiltImage], before: str, after: str, *words: str) -> dict[str, Any]:
    return ask(images[before].folder, "diff", place(images[before]), place(images[after]), *words)


def moves(found: dict[str, Any]) -> list[tuple[str, str, str, str]]:
    return [
        (
            each["kind"],
            each["name"],
            (each["before"] or {}).get("version", ""),
            (each["after"] or {}).get("version", ""),
        )
        for each in found["packages"]
    ]


def test_wget_against_openssh(images: dict[str, BuiltImage]) -> None:
    found = diff(images, "wget", "openssh")
    assert moves(found) == [
        ("gone", "libidn2", "2.3.4-r4", ""),
        ("gone", "libssl3", "3.1.4-r5", ""),
        ("gone", "libunistring", "1.1-r2", ""),
        ("added", "openssh-keygen", "", "9.6_p1-r0"),
        ("added", "openssh-server", "", "9.6_p1-r0"),
        ("added", "openssh-server-common", "", "9.6_p1-r0"),
        ("gone", "pcre2", "10.42-r2", ""),
        ("gone", "wget", "1.21.4-r0", ""),
    ]
    assert found["licences"] == {
        "changed": [],
        "added": ["SSH-OpenSSH"],
        "gone": [
            "BSD-3-Clause",
            "GPL-2.0-or-later OR LGPL-3.0-or-later",
            "GPL-3.0-or-later WITH OpenSSL-Exception",
        ],
    }
    assert (found["config"], found["abi"], found["different"]) == ([], [], True)
    assert found["vulnerabilities"] is None


@pytest.mark.parametrize(("before", "after"), [("wget", "openssh"), ("openssh", "tall"), ("old", "new")])
def test_layers_are_those_that_the_manifests_do_not_share(
    before: str, after: str, images: dict[str, BuiltImage]
) -> None:
    found = diff(images, before, after, "--only", "layers")["layers"]
    known = {each["digest"] for each in images[before].manifest["layers"]}
    layers = images[after].manifest["layers"]
    pulled = [each["size"] for each in layers if each["digest"] not in known]
    assert found == {"shared": len(layers) - len(pulled), "pulled": len(pulled), "bytes": sum(pulled)}
    assert found["pulled"] > 0


@pytest.mark.parametrize(("before", "after"), [("wget", "openssh"), ("old", "new"), ("openssh", "tall")])
def test_files_differ_where_find_and_sha256sum_say_so(
    before: str, after: str, images: dict[str, BuiltImage], tmp_path: Path
) -> None:
    """Unpacked, listed by other programs, and their lists compared."""
    lists = []
    for name in (before, after):
        done = process("copy", place(images[name]), f"rootfs:{tmp_path / name}", cwd=tmp_path)
        assert done.status == 0, done.err
        lists.append(_listed(tmp_path / name))
    old, new = lists
    found = diff(images, before, after, "--only", "files")["files"]
    by_kind = {
        kind: {each["path"] for each in found if each["kind"] == kind}
        for kind in ("added", "gone", "changed")
    }
    assert by_kind == {
        "added": new.keys() - old.keys(),
        "gone": old.keys() - new.keys(),
        "changed": {path for path in old.keys() & new.keys() if old[path] != new[path]},
    }


def _listed(root: Path) -> dict[str, str]:
    script = (
        r"find . -mindepth 1 -type l -printf '%P\t%y %l\n' -o -mindepth 1 -type d -printf '%P\t%y %m\n';"
        r"find . -type f -printf '%P\t%y %m ' -exec sha256sum {} \; | sed 's/  .*//'"
    )
    done = subprocess.run(["sh", "-c", script], cwd=root, capture_output=True, text=True, check=True)
    return dict(line.split("\t", 1) for line in done.stdout.splitlines())


def test_an_upgrade_of_openssl_breaks_nothing_on_musl(images: dict[str, BuiltImage]) -> None:
    """3.1.4 to 3.5.8: see tests/diff/test_abi.py for what nm says."""
    found = diff(images, "old", "new", "--only", "packages,abi")
    assert moves(found) == [
        ("moved", "libcrypto3", "3.1.4-r5", "3.5.8-r0"),
        ("moved", "libssl3", "3.1.4-r5", "3.5.8-r0"),
        ("moved", "musl", "1.2.4_git20230717-r4", "1.2.5-r23"),
        ("moved", "zlib", "1.3.1-r0", "1.3.2-r0"),
    ]
    abi = {each["soname"]: each for each in found["abi"]}
    assert {name: (each["breaks"], each["added"], len(each["moved"])) for name, each in abi.items()} == {
        "libc.musl-x86_64.so.1": (False, 5, 0),
        "libcrypto.so.3": (False, 484, 2),
        "libssl.so.3": (False, 86, 0),
        "libz.so.1": (False, 7, 0),
    }
    assert abi["libcrypto.so.3"]["users"][-2:] == ["usr/lib/libssl.so.3", "usr/lib/ossl-modules/legacy.so"]


def test_vulnerabilities_that_are_fixed_and_introduced(images: dict[str, BuiltImage], tmp_path: Path) -> None:
    secdbs.write(tmp_path, {"openssl": {"3.1.4-r6": ["CVE-2024-0727"]}, "zlib": {"1.4-r0": ["CVE-2030-1"]}})
    fixes = {"openssl": {"3.5.9-r0": ["CVE-2026-1"]}, "zlib": {"1.4-r0": ["CVE-2030-1"]}}
    secdbs.write(tmp_path, fixes, release="v3.23")
    bare = tmp_path / "bare"
    done = process("copy", place(images["new"]), f"oci:{bare}", "--image-only", cwd=tmp_path)
    assert done.status == 0, done.err
    words = ("--db", tmp_path, "--only", "vulns")
    found = ask(tmp_path, "diff", place(images["old"]), f"oci:{bare}", *words)
    told = {
        kind: [(each["id"], each["package"], each["fixed"]) for each in found["vulnerabilities"][kind]]
        for kind in ("fixed", "introduced")
    }
    assert told == {
        "fixed": [("CVE-2024-0727", "libcrypto3", "3.1.4-r6"), ("CVE-2024-0727", "libssl3", "3.1.4-r6")],
        "introduced": [("CVE-2026-1", "libcrypto3", "3.5.9-r0"), ("CVE-2026-1", "libssl3", "3.5.9-r0")],
    }
    assert (found["vulnerabilities"]["common"], found["vulnerabilities"]["unknown"]) == (1, [])
    assert found["packages"] is None
    other = ask(tmp_path, "diff", place(images["old"]), place(images["new"]), *words)["vulnerabilities"]
    assert (other["fixed"], other["introduced"]) == ([], []), "evidence shows that they are not Alpine's"
    assert {each["package"] for each in other["unknown"]} == {"libcrypto3", "libssl3", "zlib"}


def test_a_configuration_against_the_image_that_it_was(builder: Builder) -> None:
    """What a rebuild would change: who runs it, how it is started, one mode; and nothing of its packages."""
    made = build(builder, "before", world="wget", entrypoint={"command": "/usr/bin/wget"})
    config = json.loads((made.folder / "witchery.yaml").read_text())
    config["entrypoint"] = {"command": "/usr/bin/wget --quiet"}
    config["accounts"] = {"run-as": "root"}
    config["paths"] = [{"path": "/usr/bin/wget", "type": "permissions", "permissions": "0o700"}]
    (made.folder / "after.yaml").write_text(json.dumps(config))
    options = ("-k", KEYS, "--arch", "x86_64", "--cache-dir", made.folder.parent / "cache")
    same = ask(made.folder, "diff", "oci:layout", "witchery.yaml", *options, "--exit-code")
    assert (same["different"], same["layers"]["pulled"]) == (False, 0)
    found = ask(made.folder, "diff", "oci:layout", "after.yaml", *options, "--exit-code", status=1)
    assert found["packages"] == found["abi"] == []
    assert [(each["name"], each["before"], each["after"]) for each in found["config"]] == [
        ("user", "65532", "0"),
        ("entrypoint", '["/usr/bin/wget"]', '["/usr/bin/wget","--quiet"]'),
    ]
    modes = {each["path"]: each["what"] for each in found["files"]}
    assert modes["usr/bin/wget"] == ["mode"]


def test_locks_are_compared_without_fetching_and_with(builder: Builder, tmp_path: Path) -> None:
    made = build(builder, "locked", world="wget")
    options = ("-k", str(KEYS), "--arch", "x86_64", "--cache-dir", str(made.folder.parent / "cache"))
    (tmp_path / "old.yaml").write_text((made.folder / "witchery.yaml").read_text())
    (tmp_path / "new.yaml").write_text((tmp_path / "old.yaml").read_text().replace('"wget"', '"zlib"'))
    for name in ("old", "new"):
        done = process("lock", f"{name}.yaml", "-o", f"{name}.lock.json", *options, cwd=tmp_path)
        assert done.status == 0, done.err
    plain = ask(tmp_path, "diff", "old.lock.json", "new.lock.json", "--arch", "x86_64")
    assert {each["name"] for each in plain["packages"]} == {
        *("libcrypto3", "libidn2", "libssl3", "libunistring", "pcre2", "wget", "ca-certificates-bundle"),
    } - {"ca-certificates-bundle"}
    assert plain["files"] is None
    mixed = ask(tmp_path, "diff", "old.lock.json", place(made), "--arch", "x86_64", "--exit-code")
    assert (mixed["packages"], mixed["files"], mixed["config"]) == ([], None, None)
    whole = ask(tmp_path, "diff", "old.lock.json", "new.lock.json", *options, "--only", "files,packages")
    assert whole["packages"] == plain["packages"]
    assert "usr/bin/wget" in {each["path"] for each in whole["files"] if each["kind"] == "gone"}
