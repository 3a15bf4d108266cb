"""Where data about vulnerabilities comes from, how old it may be, and that without it nothing is said."""

import gzip
import json
import os
import zipfile
from pathlib import Path

import pytest

from support import secdbs
from support.fetching import unreachable
from support.repositories import keyring
from support.sending import QUICK
from support.servers import Answer, Asked, Server, content
from support.shared import needs_shared
from witchery.build.vulns import data as vuln_data
from witchery.build.vulns import files as vuln_files
from witchery.build.vulns.data import Data
from witchery.errors import FormatError, NetworkError, StorageError
from witchery.net.client import Client
from witchery.repository.access import Access
from witchery.repository.cache import Cache
from witchery.vulns import osv

FIXES = {"curl": {"8.6.0-r0": ["CVE-2024-0853"]}}
DAY = 86400.0


class Mirror:
    """A mirror of secdb, and how often it was asked for what."""

    def __init__(self) -> None:
        self.documents = {
            f"/v3.22/{name}.json": json.dumps(
                secdbs.document(FIXES, release="v3.22", repository=name)
            ).encode()
            for name in ("main", "community")
        }
        self.asked: list[tuple[str, int]] = []

    def __call__(self, asked: Asked) -> Answer:
        data = self.documents.get(asked.path)
        answer = content(asked, data) if data is not None else Answer(status=404)
        self.asked.append((asked.path, answer.status))
        return answer


def access(cache: Path, client: Client | None = None, now: float = 1e9, *, offline: bool = False) -> Access:
    send = client.send if client else unreachable
    return Access(send=send, cache=Cache(cache), keys=keyring(), offline=offline, now=lambda: now)


def load(place: Path | str, tmp_path: Path, *releases: str, now: float = 1.7e9) -> Data:
    return vuln_data.load(access(tmp_path / "cache", now=now), releases or ("3.22",), str(place))


def test_a_mirror_is_asked_once_and_then_whether_anything_changed(tmp_path: Path) -> None:
    mirror = Mirror()
    with Server(mirror) as server, Client(QUICK) as client:
        first, found = (vuln_data.load(access(tmp_path, client), ["3.22"], server.url) for _ in range(2))
        assert [each.name for each in found.secdb] == ["secdb v3.22/main", "secdb v3.22/community"]
        assert first.secdb == found.secdb
        assert [status for _, status in mirror.asked] == [200, 200, 304, 304]
        offline = vuln_data.load(access(tmp_path, offline=True), ["3.22"], server.url)
    assert offline.secdb == found.secdb
    assert offline.sources[0].place == f"{server.url}/v3.22/main.json"


def test_without_network_and_cache_there_is_no_answer(tmp_path: Path) -> None:
    with pytest.raises(NetworkError) as caught:
        vuln_data.load(access(tmp_path, offline=True), ["3.22"])
    assert "https://secdb.alpinelinux.org/v3.22/main.json" in str(caught.value)
    assert any("--db" in hint for hint in caught.value.hints)


def test_a_release_that_the_server_does_not_know_is_an_error(tmp_path: Path) -> None:
    with Server(Mirror()) as server, Client(QUICK) as client, pytest.raises(NetworkError, match="404"):
        vuln_data.load(access(tmp_path, client), ["3.99"], server.url)


def test_the_data_of_another_release_is_not_taken_for_it(tmp_path: Path) -> None:
    mirror = Mirror()
    mirror.documents["/v3.21/main.json"] = mirror.documents["/v3.22/main.json"]
    refused = pytest.raises(FormatError, match=r"the data of another repository: secdb v3\.22/main")
    with Server(mirror) as server, Client(QUICK) as client, refused:
        vuln_data.load(access(tmp_path, client), ["3.21"], server.url)


def test_a_damaged_answer_is_refused_and_not_kept(tmp_path: Path) -> None:
    mirror = Mirror()
    good = mirror.documents["/v3.22/main.json"]
    with Server(mirror) as server, Client(QUICK) as client:
        mirror.documents["/v3.22/main.json"] = b"<html>busy</html>"
        with pytest.raises(FormatError):
            vuln_data.load(access(tmp_path, client), ["3.22"], server.url)
        mirror.documents["/v3.22/main.json"] = good
        assert vuln_data.load(access(tmp_path, client), ["3.22"], server.url).secdb


def test_what_is_rejected_is_asked_for_at_alpine_and_missed_without_harm(tmp_path: Path) -> None:
    """Without it more is reported, so it is a warning."""
    cache = tmp_path / "cache"
    mirror = Mirror()
    with Server(mirror) as server, Client(QUICK) as client:
        vuln_data.load(access(cache, client), ["3.22"], server.url)
    found = _with_cached_secdb(cache, mirror)
    assert found.rejections == {}
    assert any(each.startswith("what Alpine has rejected is not known") for each in found.warnings)


def _with_cached_secdb(cache: Path, mirror: Mirror) -> Data:
    """Alpine's own server, as far as the cache has it."""
    from witchery.repository.cache import Document

    for path, data in mirror.documents.items():
        key = f"{vuln_data.SERVER}{path}"
        Cache(cache).keep_document(key, Document(url=key, etag="", modified="", fetched=0, data=data))
    return vuln_data.load(access(cache, offline=True), ["3.22"])


def test_a_folder_is_read_in_every_form(tmp_path: Path) -> None:
    text = json.dumps(secdbs.document(FIXES, release="v3.22"))
    for number, name in enumerate(
        ("v3.22/main.json", "3.22/main.json", "main.json", "main.yaml", "v3.22/main.yml")
    ):
        place = tmp_path / str(number)
        (place / name).parent.mkdir(parents=True)
        (place / name).write_text(text)
        found = load(place, tmp_path)
        assert [each.name for each in found.secdb] == ["secdb v3.22/main"]
        assert found.sources[0].place == str(place / name)
        assert "there is no data for v3.22/community: its packages are not checked" in found.warnings


@needs_shared
def test_the_real_data_is_read_as_a_folder(tmp_path: Path) -> None:
    found = load(secdbs.folder(), tmp_path, "3.8", "3.10")
    assert len(found.sources) == 4
    assert sum(each.count for each in found.secdb) > 3000


def test_a_folder_with_data_of_other_releases_is_no_data(tmp_path: Path) -> None:
    place = secdbs.write(tmp_path / "db", FIXES, release="v3.21")
    with pytest.raises(StorageError, match=r"no data for v3\.22 is in the folder"):
        load(place, tmp_path)
    (place / "main.json").write_text(json.dumps(secdbs.document(FIXES, release="v3.21")))
    with pytest.raises(StorageError, match=r"no data for v3\.22"):
        load(place, tmp_path)
    with pytest.raises(StorageError, match="expected a folder"):
        load(tmp_path / "nowhere", tmp_path)


def test_old_data_is_said_to_be_old(tmp_path: Path) -> None:
    place = secdbs.write(tmp_path / "db", FIXES, release="v3.22")
    for path in place.rglob("*.json"):
        os.utime(path, (1.7e9, 1.7e9))
    assert load(place, tmp_path, now=1.7e9 + 6 * DAY).warnings == ()
    warnings = load(place, tmp_path, now=1.7e9 + 40 * DAY).warnings
    assert len(warnings) == 2
    assert warnings[0].startswith("the data is 40 days old: newer fixes are not in it: secdb v3.22/main")


def test_a_release_without_support_is_said_to_have_none(tmp_path: Path) -> None:
    place = secdbs.write(tmp_path / "db", FIXES, release="v3.18")
    for path in place.rglob("*.json"):
        os.utime(path, (1.75e9, 1.75e9))  # 2025-06-15
    (warning,) = load(place, tmp_path, "3.18", now=1.75e9).warnings
    assert warning.startswith("Alpine 3.18 has had no security support since 2025-05-09")
    assert not load(secdbs.write(tmp_path / "edge", FIXES, release="edge"), tmp_path, "edge").warnings


def test_rejections_stand_beside_the_data_or_are_named(tmp_path: Path) -> None:
    place = secdbs.write(tmp_path / "db", FIXES, release="v3.22")
    (place / "security-rejections").mkdir()
    (place / "security-rejections/main.yaml").write_text("curl: [CVE-2024-0853]\n")
    assert load(place, tmp_path).rejections == {"curl": {"CVE-2024-0853"}}
    other = tmp_path / "other.json"
    other.write_text('{"zlib": ["CVE-2020-1111"]}')
    named = vuln_data.load(access(tmp_path), ["3.22"], str(place), [other])
    assert named.rejections == {"zlib": {"CVE-2020-1111"}}


WANTED = osv.Wanted(frozenset(("golang.org/x/net",)), frozenset(("CVE-2024-0853",)))
NET = json.dumps(
    {"id": "GO-2024-2687", "affected": [{"package": {"ecosystem": "Go", "name": "golang.org/x/net"}}]}
)


def test_osv_records_are_read_from_files_folders_and_archives(tmp_path: Path) -> None:
    (tmp_path / "records/deep").mkdir(parents=True)
    (tmp_path / "records/deep/net.json").write_text(NET)
    (tmp_path / "records/other.json").write_text('{"id": "X-1"}')
    (tmp_path / "records/README").write_text("not a record")
    with zipfile.ZipFile(tmp_path / "all.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("GO-2024-2687.json", NET)
        archive.writestr("X-1.json", '{"id": "X-1"}')
        archive.writestr("notes.txt", "not a record")
    for place in ("records", "records/deep/net.json", "all.zip"):
        found = vuln_files.read_osv([tmp_path / place], WANTED)
        assert [each.id for each in found.found] == ["GO-2024-2687"]
        assert found.problems == ()


def test_one_malformed_record_does_not_hide_the_others(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        archive.writestr("a.json", '{"aliases": ["CVE-2024-0853"]}')
        archive.writestr("b.json", NET)
        archive.writestr("c.json", '{"id": 5, "aliases": ["CVE-2024-0853"]}')
    found = vuln_files.read_osv([tmp_path / "all.zip"], WANTED)
    assert [each.id for each in found.found] == ["GO-2024-2687"]
    assert found.problems[0].endswith("a.json: missing member: `id`, and 1 more")


def test_archives_that_are_traps_or_none_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bomb = tmp_path / "bomb.zip"
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.json", b" " * (64 << 20))
    assert bomb.stat().st_size < 100_000
    with pytest.raises(FormatError, match="longer than"):
        vuln_files.read_osv([bomb], WANTED)
    (tmp_path / "none.zip").write_bytes(b"PK\x03\x04 nothing")
    with pytest.raises(FormatError, match="not an archive"):
        vuln_files.read_osv([tmp_path / "none.zip"], WANTED)
    with zipfile.ZipFile(tmp_path / "many.zip", "w") as archive:
        for number in range(20):
            archive.writestr(f"{number}.json", "{}")
    monkeypatch.setattr(vuln_files, "MAX_RECORDS", 10)
    with pytest.raises(FormatError, match="more than 10 records"):
        vuln_files.read_osv([tmp_path / "many.zip"], WANTED)
    with pytest.raises(StorageError):
        vuln_files.read_osv([tmp_path / "nowhere.json"], WANTED)
    (tmp_path / "empty").mkdir()
    with pytest.raises(StorageError, match="no OSV record"):
        vuln_files.read_osv([tmp_path / "empty"], WANTED)


def test_scores_and_catalogues_are_read_as_they_are_published(tmp_path: Path) -> None:
    scores = tmp_path / "epss.csv.gz"
    scores.write_bytes(
        gzip.compress(b"#score_date:2026-01-05T00:00:00Z\ncve,epss,percentile\nCVE-2024-0853,0.5,0.9\n")
    )
    assert vuln_files.read_epss(scores, {"CVE-2024-0853"})["CVE-2024-0853"].probability == "0.5"
    catalogue = tmp_path / "kev.json"
    catalogue.write_text('{"vulnerabilities": [{"cveID": "CVE-2024-0853", "dateAdded": "2026-01-01"}]}')
    table = tmp_path / "kev.csv"
    table.write_text("cveID,dateAdded\nCVE-2024-0853,2026-01-01\n")
    assert vuln_files.read_kev(catalogue) == vuln_files.read_kev(table)
    for path in (scores, catalogue):
        path.write_bytes(b"\xff\xff")
        with pytest.raises(FormatError) as caught:
            (vuln_files.read_kev if path is catalogue else lambda p: vuln_files.read_epss(p, ()))(path)
        assert str(path) in str(caught.value)


def test_gzip_that_is_a_trap_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vuln_files, "MAX_FILE", 1 << 20)
    trap = tmp_path / "epss.csv.gz"
    trap.write_bytes(gzip.compress(b"x" * (16 << 20)))
    with pytest.raises(FormatError):
        vuln_files.read_epss(trap, ())


def test_an_error_in_a_vex_document_names_the_file(tmp_path: Path) -> None:
    path = tmp_path / "team.json"
    path.write_text(json.dumps(secdbs.vex("CVE-2024-0853", "x", status="harmless")))
    with pytest.raises(FormatError) as caught:
        vuln_files.read_vex([path])
    assert str(caught.value).startswith(f"{path}: statements[0]: status: ")
