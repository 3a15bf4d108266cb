"""Audits of three real images, with answers that were checked by hand, and of a stock Alpine.

By hand means: unpacked, and asked with `find -perm /6000`, `find ! -type d | wc -l`, `readelf` and `ls`.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from support import schemas
from support.built import Builder, BuiltImage
from support.command import process
from support.questions import KEYS, WORLDS, ask, build
from support.shared import needs_shared
from witchery.audit import baseline

pytestmark = needs_shared

Audits = dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def images(builder: Builder) -> dict[str, BuiltImage]:
    return {name: build(builder, name) for name in WORLDS}


@pytest.fixture(scope="module")
def audits(images: dict[str, BuiltImage]) -> Audits:
    return {name: ask(each.folder, "audit", "oci:layout") for name, each in images.items()}


def lines(audit: dict[str, Any]) -> list[tuple[str, int, int]]:
    return [(each["rule"], each["found"], each["points"]) for each in audit["lines"]]


def test_wget_is_hardened_and_offers_wget(audits: Audits) -> None:
    audit = audits["wget"]
    assert audit["score"] == 95
    assert lines(audit) == [("network-client", 1, 5)]
    assert audit["findings"] == [
        {
            "rule": "network-client",
            "severity": "low",
            "path": "usr/bin/wget",
            "package": "wget",
            "evidence": "wget",
        }
    ]
    surface = audit["surface"]
    assert (surface["packages"], surface["files"], surface["bytes"]) == (8, 37, 8_830_161)
    assert (surface["programs"], surface["libraries"], surface["scripts"]) == (1, 13, 2)
    assert [each["path"] for each in audit["files"] if each["stack_protector"] != "yes"] == [
        "usr/lib/engines-3/capi.so"
    ]


def test_openssh_has_nothing_that_costs_points(audits: Audits) -> None:
    audit = audits["openssh"]
    assert audit["score"] == 100
    assert lines(audit) == [("network-server", 1, 0)]
    assert audit["findings"][0]["path"] == "usr/sbin/sshd"
    assert (audit["surface"]["packages"], audit["surface"]["files"]) == (6, 28)


def test_a_hundred_packages_bring_what_a_system_brings(audits: Audits) -> None:
    audit = audits["tall"]
    assert lines(audit) == [
        ("setuid", 3, 15),
        ("shell", 1, 10),
        ("package-manager", 1, 10),
        ("privilege-tool", 3, 5),
        ("interpreter", 1, 3),
        ("network-client", 5, 5),
        ("not-stripped", 3, 0),
        ("network-server", 2, 0),  # ntpd of openntpd, and sshd
    ]
    assert audit["score"] == 100 - 15 - 10 - 10 - 5 - 3 - 5
    setuid = {each["path"]: each["evidence"] for each in audit["findings"] if each["rule"] == "setuid"}
    assert setuid == {
        "bin/bbsuid": "mode 4111, owner 0",
        "bin/mount": "mode 4755, owner 0",
        "usr/bin/doas": "mode 4755, owner 0",
    }
    surface = audit["surface"]
    assert (surface["packages"], surface["files"], surface["bytes"]) == (119, 1168, 36_855_803)
    assert (surface["setuid"], surface["world_writable"], surface["shells"]) == (3, 0, 3)
    assert (
        surface["network_clients"] == 10
    )  # nc nslookup ping ping6 sendmail ssl_client traceroute(6) wget whois


def test_no_item_of_musl_is_ever_said_to_be_missing_that_musl_has_not(audits: Audits) -> None:
    """FORTIFY leaves no trace on musl, so the answer is n/a for every file; PIE is n/a for libraries."""
    files = [each for audit in audits.values() for each in audit["files"]]
    assert len(files) > 200
    assert {each["fortify"] for each in files} == {"n/a"}
    assert {each["pie"] for each in files if each["kind"] == "library"} == {"n/a"}
    assert {each["relro"] for each in files if each["kind"] != "other"} == {"full"}


def test_the_stock_alpine_is_what_it_is_said_to_be(builder: Builder) -> None:
    """The numbers that come with Witchery, measured anew on the image that they are of."""
    stock = build(builder, "stock", world=" ".join(baseline.WORLD), accounts={"run-as": "root"})
    audit = ask(stock.folder, "audit", "oci:layout")
    assert len(stock.packages) == 15
    assert audit["surface"] == audit["stock"]["surface"] == dict(baseline.SURFACE._asdict())
    assert audit["score"] == audit["stock"]["score"] == baseline.SCORE
    assert lines(audit) == [
        ("shell", 1, 10),
        ("package-manager", 1, 10),
        ("privilege-tool", 1, 5),
        ("runs-as-root", 1, 10),
        ("interpreter", 1, 3),
        ("network-client", 2, 5),
        ("not-stripped", 3, 0),
        ("network-server", 1, 0),
    ]


def test_every_way_to_name_an_image_gives_the_same_audit(
    images: dict[str, BuiltImage], audits: Audits, tmp_path: Path
) -> None:
    """A layout, archives, an unpacked folder, the configuration, its lock."""
    made = images["wget"]
    for place in ("oci-archive:image.tar", "docker-archive:docker.tar", "rootfs:rootfs"):
        done = process("copy", f"oci:{made.layout}", place, cwd=tmp_path)
        assert done.status == 0, done.err
    config = tmp_path / "witchery.yaml"
    config.write_text((made.folder / "witchery.yaml").read_text())
    build_options = ("-k", KEYS, "--arch", "x86_64", "--cache-dir", made.folder.parent / "cache")
    locked = process("lock", "witchery.yaml", *map(str, build_options), cwd=tmp_path)
    assert locked.status == 0, locked.err
    expected = audits["wget"]
    for subject in ("oci-archive:image.tar", "docker-archive:docker.tar"):
        found = ask(tmp_path, "audit", subject)
        assert {**found, "name": ""} | {"digest": ""} == {**expected, "name": "", "digest": ""}, subject
    for subject in ("witchery.yaml", "witchery.lock.json"):
        found = ask(tmp_path, "audit", subject, *build_options)
        for key in ("score", "findings", "surface", "files"):
            assert found[key] == expected[key], (subject, key)
    found = ask(tmp_path, "audit", "rootfs:rootfs")
    for key in ("score", "findings", "surface", "files"):
        assert found[key] == expected[key], key


def test_waivers_of_the_configuration_hold_for_what_is_built_from_it(builder: Builder) -> None:
    waiver = {"rule": "network-client", "package": "wget", "reason": "it is one", "expires": "2027-01-31"}
    made = build(builder, "waived", world="wget", audit={"waivers": [waiver]})
    options = (
        "-k",
        str(KEYS),
        "--arch",
        "x86_64",
        "--cache-dir",
        str(made.folder.parent / "cache"),
        "--json",
    )

    def audit(*words: str, day: str) -> dict[str, Any]:
        env = {"SOURCE_DATE_EPOCH": str(_seconds(day))}
        done = process("audit", *words, *options, cwd=made.folder, env=env)
        document = schemas.check(done.out)
        return document | {"status": done.status}

    for words in (("witchery.yaml",), ("oci:layout", "--waivers", "witchery.yaml")):
        before = audit(*words, "--fail-on", "any", "--fail-on", "100", day="2027-01-31")
        assert (before["score"], before["status"], before["findings"]) == (100, 0, [])
        assert [(each["rule"], each["reason"]) for each in before["waived"]] == [
            ("network-client", "it is one")
        ]
        after = audit(*words, "--fail-on", "any", day="2027-02-01")
        assert (after["score"], after["status"], after["waived"]) == (95, 1, [])
        assert {each["rule"] for each in after["findings"]} == {"network-client", "expired-waiver"}
    assert audit("oci:layout", day="2027-01-31")["score"] == 95, "an image alone has no waivers"


def _seconds(day: str) -> int:
    done = subprocess.run(["date", "-u", "-d", day, "+%s"], capture_output=True, text=True, check=True)
    return int(done.stdout)


def test_a_warm_build_loads_nothing_of_it(images: dict[str, BuiltImage]) -> None:
    """Rooms that only answer questions cost a build nothing."""
    script = (
        "import sys; from witchery.cli import main; status = main(sys.argv[1:]);"
        "print(*(m for m in sys.modules if m.startswith('witchery.')), file=sys.stderr); sys.exit(status)"
    )
    made = images["wget"]
    words = ["build", "witchery.yaml", "-o", "oci:again", "-k", str(KEYS), "--arch", "x86_64", "-q"]
    words += ["--cache-dir", str(made.folder.parent / "cache")]
    env = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", script, *words],
        cwd=made.folder,
        env=env,
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = {name.split(".")[1] for name in done.stderr.split()}
    assert "compose" in loaded
    assert not loaded & {"audit", "diff", "survey", "sarif"}


def test_sarif_has_every_finding(images: dict[str, BuiltImage], audits: Audits) -> None:
    done = process("audit", "oci:layout", "--sarif", cwd=images["tall"].folder)
    (run,) = json.loads(done.out)["runs"]
    audit = audits["tall"]
    assert [each["ruleId"] for each in run["results"]] == [each["rule"] for each in audit["findings"]]
    names = [each["id"] for each in run["tool"]["driver"]["rules"]]
    assert sorted(names) == sorted({each["rule"] for each in audit["findings"]})
    assert all(names[each["ruleIndex"]] == each["ruleId"] for each in run["results"])
