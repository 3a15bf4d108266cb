"""`witchery vulns` as its user sees it: the table, the documents, the exit status, and every refusal."""

import json
from pathlib import Path
from typing import Any

import pytest

from support import secdbs
from support.command import Command
from support.repositories import Simulator, key, package
from support.shared import needs_shared
from witchery.arch import Arch
from witchery.build.vulns.data import Data
from witchery.build.vulns.examining import Examined
from witchery.build.vulns.inventory import Inventory
from witchery.cli import vuln_report
from witchery.vulns.finding import Finding

FIXES = {
    "curl": {"8.6.0-r0": ["CVE-2024-0853", "CVE-2023-52071"]},
    "openssl": {"3.1.4-r5": ["CVE-2023-6237"], "3.1.4-r6": ["CVE-2024-0727"]},
}
PACKAGES = [
    ("curl", "8.5.0-r0", "curl"),
    ("libcrypto3", "3.1.4-r5", "openssl"),
    ("libcurl", "8.5.0-r0", "curl"),
    ("libssl3", "3.1.4-r5", "openssl"),
    ("zlib", "1.3-r2", "zlib"),
]


@pytest.fixture
def db(tmp_path: Path) -> Path:
    return secdbs.write(tmp_path / "db", FIXES)


@pytest.fixture
def image(tmp_path: Path) -> str:
    secdbs.write_image(secdbs.image(PACKAGES), tmp_path / "image")
    return "oci:image"


def document(witchery: Command, *words: str | Path) -> Any:
    done = witchery("vulns", *words, "--json", "--arch", "amd64")
    assert done.status in (0, 1), done.err
    return json.loads(done.out)


def record(tmp_path: Path, **more: Any) -> Path:
    path = tmp_path / f"{more['id']}.json"
    path.write_text(json.dumps(more))
    return path


def test_packages_of_one_source_are_told_together(witchery: Command, image: str, db: Path) -> None:
    done = witchery("vulns", image, "--db", db)
    assert done.status == 0
    assert done.out == (
        "PACKAGE              INSTALLED  VULNERABILITY   FIXED IN  SEVERITY\n"
        "curl, libcurl        8.5.0-r0   CVE-2023-52071  8.6.0-r0  unknown\n"
        "                                CVE-2024-0853   8.6.0-r0  unknown\n"
        "libcrypto3, libssl3  3.1.4-r5   CVE-2024-0727   3.1.4-r6  unknown\n"
    )
    assert (
        "3 vulnerabilities; 5 packages looked up in secdb v3.19/main (4 fixes), secdb v3.19/community"
        in done.err
    )


def test_what_is_the_same_on_all_platforms_is_told_once() -> None:
    """And where it is not, the row says on which."""
    found = [
        Finding(id=name, package="curl", version="1-r0", fixed="2-r0", origin="curl", arch=arch)
        for name, archs in (("CVE-2020-1", ("x86_64", "aarch64")), ("CVE-2020-2", ("aarch64",)))
        for arch in archs
    ]
    inventories = tuple(
        Inventory(name="app", arch=Arch.parse(name), packages=()) for name in ("x86_64", "aarch64")
    )
    examined = Examined(
        inventories=inventories,
        data=Data(sources=(), rejections={}),
        findings=tuple(found),
        dismissed=(),
        unchecked=(),
        checked=2,
        components=0,
        warnings=(),
        time=0,
    )
    assert [row[:6] for row in vuln_report._rows(examined)] == [
        ("PACKAGE", "INSTALLED", "VULNERABILITY", "FIXED IN", "SEVERITY", "ARCH"),
        ("curl", "1-r0", "CVE-2020-1", "2-r0", "unknown", ""),
        ("", "", "CVE-2020-2", "2-r0", "unknown", "aarch64"),
    ]


def test_what_proves_nothing_is_said_not_to(witchery: Command, image: str, db: Path) -> None:
    done = witchery("vulns", image, "--db", db)
    assert "that 5 packages are Alpine's is what the image says of itself" in done.err
    clean = witchery("vulns", image, "--db", secdbs.write(db.parent / "clean", {}))
    assert clean.out == ""
    assert "0 vulnerabilities; 5 packages looked up" in clean.err
    assert "that nothing is found is no proof that nothing is there" in clean.err


@pytest.mark.parametrize(
    ("words", "status"),
    [
        ("any", 1),
        ("fixable", 1),
        ("kev", 0),
        ("CVE-2024-0727", 1),
        ("CVE-2023-6237", 0),
        ("critical", 1),
    ],
)
def test_the_exit_status_is_1_where_something_counts(
    witchery: Command, image: str, db: Path, words: str, status: int
) -> None:
    done = witchery("vulns", image, "--db", db, "--fail-on", words)
    assert done.status == status
    assert ("count for `--fail-on" in done.err) is bool(status)
    assert ("nobody says how bad 6 of the findings are, so they count" in done.err) is (words == "critical")


def test_published_severities_scores_and_the_catalogue_count(
    witchery: Command, image: str, db: Path, tmp_path: Path
) -> None:
    names = ("CVE-2024-0853", "CVE-2023-52071", "CVE-2024-0727")
    for name, word in zip(names, ("LOW", "MODERATE", "CRITICAL"), strict=True):
        record(tmp_path, id=name, summary=f"about {name}", database_specific={"severity": word})
    osv = [word for name in names for word in ("--osv", str(tmp_path / f"{name}.json"))]
    scores = tmp_path / "epss.csv"
    scores.write_text("#score_date:2026-01-05\ncve,epss,percentile\nCVE-2024-0727,0.01234,0.9\n")
    kev = tmp_path / "kev.json"
    kev.write_text('{"vulnerabilities": [{"cveID": "CVE-2024-0727", "dateAdded": "2024-02-01"}]}')
    done = witchery("vulns", image, "--db", db, *osv, "--epss", scores, "--kev", kev, "--fail-on", "kev")
    assert done.status == 1
    assert done.out.splitlines()[1:] == [
        "curl, libcurl        8.5.0-r0   CVE-2023-52071  8.6.0-r0  medium",
        "                                CVE-2024-0853   8.6.0-r0  low",
        "libcrypto3, libssl3  3.1.4-r5   CVE-2024-0727   3.1.4-r6  critical  1.2 %  exploited",
    ]
    found = document(witchery, image, "--db", db, *osv, "--fail-on", "high", "--epss", scores, "--kev", kev)
    assert found["failing"] == ["CVE-2024-0727"]
    (one, _) = (each for each in found["findings"] if each["id"] == "CVE-2024-0727")
    assert one["epss"] == {"probability": "0.01234", "percentile": "0.9", "date": "2026-01-05"}
    assert one["kev"] == {"added": "2024-02-01", "due": "", "ransomware": False}
    assert (one["severity"], one["summary"]) == ("critical", "about CVE-2024-0727")


def test_the_document_says_all_that_a_program_needs(
    witchery: Command, image: str, db: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    found = document(witchery, image, "--db", db)
    assert found["schema"] == "dev.witchery.vulns/1"
    assert found["time"] == "2023-11-14T22:13:20Z"
    (subject,) = found["subjects"]
    assert subject["name"] == "oci:image"
    assert subject["releases"] == ["3.19"]
    assert subject["unproven"] == [name for name, *_ in PACKAGES]
    assert [each["name"] for each in found["databases"]] == ["secdb v3.19/main", "secdb v3.19/community"]
    assert found["checked"] == 5
    assert found["findings"][0] == {
        "id": "CVE-2023-52071",
        "aliases": [],
        "package": "curl",
        "version": "8.5.0-r0",
        "fixed": "8.6.0-r0",
        "origin": "curl",
        "arch": "x86_64",
        "purl": "pkg:apk/alpine/curl@8.5.0-r0?arch=x86_64&distro=3.19.1",
        "path": "",
        "source": "secdb v3.19/main",
        "evidence": "the image's package database says so",
        "remark": "",
        "severity": "unknown",
        "summary": "",
    }
    again = witchery("vulns", image, "--db", db, "--json", "--arch", "amd64")
    assert json.loads(again.out) == found


def test_vex_dismisses_and_says_why(witchery: Command, image: str, db: Path, tmp_path: Path) -> None:
    judged = tmp_path / "judged.json"
    judged.write_text(json.dumps(secdbs.vex("CVE-2024-0727", "pkg:apk/alpine/libssl3")))
    found = document(witchery, image, "--db", db, "--vex", judged)
    assert [(each["id"], each["package"], each["status"], each["by"]) for each in found["dismissed"]] == [
        ("CVE-2024-0727", "libssl3", "not_affected", "judged.json")
    ]
    done = witchery("vulns", image, "--db", db, "--vex", judged, "-v")
    assert (
        "dismissed: CVE-2024-0727 in libssl3: not_affected, vulnerable_code_not_in_execute_path" in done.err
    )
    assert "1 finding dismissed" in witchery("vulns", image, "--db", db, "--vex", judged).err


def test_other_forms_hold_the_same_findings(
    witchery: Command, image: str, db: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    expected = {(each["id"], each["package"]) for each in document(witchery, image, "--db", db)["findings"]}
    sarif = json.loads(witchery("vulns", image, "--db", db, "--sarif").out)
    results = sarif["runs"][0]["results"]
    assert {
        (each["ruleId"], each["locations"][0]["logicalLocations"][0]["name"]) for each in results
    } == expected
    done = witchery("vulns", image, "--db", db, "--openvex", "--author", "security@example.org")
    vex = json.loads(done.out)
    assert (vex["author"], vex["timestamp"]) == ("security@example.org", "2023-11-14T22:13:20Z")
    assert len(vex["statements"]) == len(expected)
    assert (
        witchery("vulns", image, "--db", db, "--openvex", "--author", "security@example.org").out == done.out
    )


def test_your_own_packages_are_named(witchery: Command, image: str, db: Path) -> None:
    done = witchery("vulns", image, "--db", db, "--own", "*curl", "--fail-on", "CVE-2024-0853")
    assert done.status == 0
    assert "not looked up, not Alpine's: said to be your own: curl, libcurl" in done.err


def test_without_data_there_is_no_answer(witchery: Command, image: str, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for words, said in ((("--offline",), "not in the cache"), (("--db", "empty"), "no data for v3.19")):
        done = witchery("vulns", image, *words)
        assert (done.status, done.out) == (5, "")
        assert said in done.err


def test_an_unknown_release_is_asked_for(witchery: Command, tmp_path: Path, db: Path) -> None:
    secdbs.write_image(secdbs.image(PACKAGES, ""), tmp_path / "unknown")
    done = witchery("vulns", "oci:unknown", "--db", db)
    assert (done.status, done.out) == (2, "")
    assert "nothing says of which release of Alpine the packages are" in done.err
    assert witchery("vulns", "oci:unknown", "--db", db, "--release", "v3.19", "--fail-on", "any").status == 1


def test_edge_is_told_by_the_version_that_it_states(witchery: Command, tmp_path: Path) -> None:
    secdbs.write_image(secdbs.image(PACKAGES, "3.23.0_alpha20250612"), tmp_path / "edge")
    place = secdbs.write(tmp_path / "edge-db", FIXES, release="edge")
    done = witchery("vulns", "oci:edge", "--db", place)
    assert "secdb edge/main" in done.err
    assert "CVE-2024-0853" in done.out


def test_an_image_of_another_distribution_is_not_looked_up(
    witchery: Command, tmp_path: Path, db: Path
) -> None:
    secdbs.write_image(secdbs.image(PACKAGES, "20230201", "wolfi"), tmp_path / "wolfi")
    done = witchery("vulns", "oci:wolfi", "--db", db)
    assert (done.status, done.out) == (0, "")
    assert "not looked up, not Alpine's: the image is of `wolfi`: curl, libcrypto3" in done.err
    assert "0 vulnerabilities; nothing was looked up" in done.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--fail-on", "hgih"), "nothing to fail on: `hgih`"),
        (("--vex", "missing.json"), "missing.json"),
        (("--sarif", "--openvex"), "not allowed with"),
        (("--lock", "missing.lock.json"), "missing.lock.json"),
        (("--release", "newest"), "--release"),
    ],
)
def test_wrong_use_is_refused(
    witchery: Command, image: str, db: Path, words: tuple[str, ...], said: str
) -> None:
    done = witchery("vulns", image, "--db", db, *words)
    assert done.status in (2, 3, 5)
    assert said in done.err


def test_data_for_a_condition_without_the_condition_is_refused(
    witchery: Command, wget: Path, db: Path
) -> None:
    done = witchery("build", wget, "--db", db)
    assert done.status == 2
    assert "--no-fixable-vulns" in done.err


def test_names_from_strangers_do_not_reach_the_terminal_raw(witchery: Command, tmp_path: Path) -> None:
    """A package database may hold escape sequences."""
    secdbs.write_image(secdbs.image([("cu\x1b[31mrl", "1-r0", "curl")]), tmp_path / "odd")
    done = witchery("vulns", "oci:odd", "--db", secdbs.write(tmp_path / "db", FIXES))
    assert "CVE-2024-0853" in done.out
    assert "\x1b" not in done.out + done.err


@needs_shared
def test_image_lock_and_source_agree(witchery: Command, wget: Path, tmp_path: Path) -> None:
    """Whatever is looked up; keys, lock and evidence prove whose the packages are."""
    fixes = {"openssl": {"3.1.4-r6": ["CVE-2024-0727"]}, "wget": {"1.21.4-r1": ["CVE-2024-38428"]}}
    place = secdbs.write(tmp_path / "db", fixes)
    assert witchery("build", wget, "-o", "oci:app", "--arch", "amd64").status == 0
    assert witchery("lock", wget, "--arch", "amd64").status == 0
    lock = "witchery.lock.json"
    subjects = (("oci:app",), ("oci:app", "--lock", lock), (lock,), (wget,), (wget, "--locked"))
    found = [document(witchery, *words, "--db", place) for words in subjects]
    sets = [{(each["id"], each["package"], each["fixed"]) for each in one["findings"]} for one in found]
    assert sets[0] == {
        ("CVE-2024-0727", "libcrypto3", "3.1.4-r6"),
        ("CVE-2024-0727", "libssl3", "3.1.4-r6"),
        ("CVE-2024-38428", "wget", "1.21.4-r1"),
    }
    assert sets == [sets[0]] * 5
    assert all(one["subjects"][0]["unproven"] == [] for one in found)
    assert {each["evidence"].partition("`")[0] for one in found for each in one["findings"]} == {
        "signed by ",
        "listed by an index that ",
    }


@needs_shared
def test_a_condition_that_cannot_be_met_ends_a_build_with_4(
    witchery: Command, wget: Path, tmp_path: Path
) -> None:
    place = secdbs.write(tmp_path / "db", {"wget": {"1.21.4-r1": ["CVE-2024-38428"]}})
    words = ("--no-fixable-vulns", "--db", place, "--arch", "amd64")
    for command in ("build", "lock"):
        done = witchery(command, wget, *words)
        assert done.status == 4
        assert (
            "apk would have taken wget-1.21.4-r0; 1.21.4-r1 fixes CVE-2024-38428; no repository has it"
            in done.err
        )
    assert not Path("witchery.lock.json").exists()
    clean = secdbs.write(tmp_path / "clean", {"wget": {"1.21.4-r0": ["CVE-2024-38428"]}})
    assert witchery("build", wget, "--no-fixable-vulns", "--db", clean, "--arch", "amd64").status == 0


def minimist(tmp_path: Path) -> Path:
    affected = {
        "package": {"ecosystem": "npm", "name": "minimist"},
        "ranges": [{"type": "SEMVER", "events": [{"introduced": "0"}, {"fixed": "1.2.6"}]}],
    }
    rated = [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}]
    return record(
        tmp_path,
        id="GHSA-xvch-5gv4-984h",
        aliases=["CVE-2021-44906"],
        summary="Prototype Pollution in minimist",
        severity=rated,
        affected=[affected],
    )


def test_what_the_application_is_made_of_is_looked_up_in_osv(witchery: Command, tmp_path: Path) -> None:
    """In a source and in its image; not what a package brings, which has the distribution's fixes."""
    module = '{"name": "minimist", "version": "1.2.0"}'
    folder = tmp_path / "app" / "node_modules" / "minimist"
    folder.mkdir(parents=True)
    (folder / "package.json").write_text(module)
    (tmp_path / "app" / "package.json").write_text('{"name": "app", "version": "1.0.0"}')
    simulator = Simulator()
    simulator.add(package("nodejs"))
    simulator.add(package("npm", files={"usr/lib/node_modules/minimist/package.json": module.encode()}))
    repository = simulator.write(tmp_path / "repository")
    (tmp_path / key().public.name).write_bytes(key().public.pem)
    words = ("app", "-X", repository, "-k", key().public.name, "-p", "npm", "--arch", "amd64")
    assert witchery("build", *words, "-o", "oci:made", "--evidence", "none").status == 0
    db = secdbs.write(tmp_path / "db", {})
    osv = ("--osv", minimist(tmp_path), "--db", db)
    for subject in (("oci:made", "--arch", "amd64", "--release", "v3.19"), words):
        done = witchery("vulns", *subject, *osv, "--json", "--fail-on", "high")
        assert done.status == 1, done.err
        (found,) = json.loads(done.out)["findings"]
        assert (found["id"], found["version"], found["fixed"]) == ("CVE-2021-44906", "1.2.0", "1.2.6")
        assert found["path"] == "app/node_modules/minimist/package.json"
        assert (found["severity"], found["purl"]) == ("critical", "pkg:npm/minimist@1.2.0")
    silent = witchery("vulns", *words, "--db", db)
    assert "components of the application are not looked up: `--osv` gives data" in silent.err
