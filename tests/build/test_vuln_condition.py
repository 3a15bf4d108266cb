"""`--no-fixable-vulns`: a condition of the solution, in a repository whose key counts as Alpine's."""

import json
from pathlib import Path

import pytest

from support import secdbs
from support.repositories import Simulator, key
from witchery.apk import writer
from witchery.apk.package import Package
from witchery.apk.pkginfo import PackageInfo
from witchery.build.image import build, plan
from witchery.build.locks import files as lock_files
from witchery.build.locks.locked import LockUse
from witchery.build.locks.locking import make_lock
from witchery.build.locks.updating import Update
from witchery.build.parts import Resolution, resolve
from witchery.build.request import Request, Wishes, read_request
from witchery.build.vulns import inventory as inventories
from witchery.build.vulns.condition import Condition
from witchery.build.vulns.examining import Sources
from witchery.build.workshop import Workshop
from witchery.errors import NetworkError, NoSolutionError, UsageError
from witchery.net.reporter import Reporter
from witchery.rootfs.content import BytesContent
from witchery.rootfs.entry import file
from witchery.value import replace


class Heard(Reporter):
    """Remembers warnings."""

    def __init__(self) -> None:
        self.warnings: list[str] = []

    def warned(self, message: str) -> None:
        self.warnings.append(message)


class Bench:
    """A repository of `v3.22/main` in a folder, a secdb, and requests for packages of it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.heard = Heard()
        self.simulator = Simulator()
        (root / key().public.name).write_bytes(key().public.pem)

    def add(self, name: str, version: str, *depends: str, **more: object) -> None:
        known = {"arch": "x86_64", "origin": name.removesuffix("-libs"), "depends": depends} | more
        info = PackageInfo(name=name, version=version, **known)  # type: ignore[arg-type]
        path, data = f"usr/share/{name}", f"{name} {version}".encode()
        self.simulator.add(writer.package(info, [(file(path, len(data)), BytesContent(data))], key=key()))

    @property
    def workshop(self) -> Workshop:
        return Workshop(
            cache=self.root / "cache",
            environ={},
            keys=(self.root / key().public.name,),
            offline=True,
            reporter=self.heard,
        )

    def request(self, *world: str, fixes: secdbs.Fixes | None = None, **sources: object) -> Request:
        """A request for packages; with `fixes` the condition is made."""
        place = self.root / "v3.22" / "main"
        self.simulator.write(place)
        config = self.root / "witchery.yaml"
        contents = {"repositories": [str(place)], "packages": list(world)}
        config.write_text(json.dumps({"contents": contents}))
        request = read_request(config, host="x86_64", wishes=Wishes())
        if fixes is None:
            return request
        db = self.root / f"db{len(list(self.root.glob('db*')))}"
        secdbs.write(db, fixes, release="v3.22")
        return replace(request, condition=Condition(Sources(db=str(db), **sources)))  # type: ignore[arg-type]

    def resolved(self, request: Request) -> Resolution:
        return plan(request, self.workshop).resolution


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    fingerprint = key().public.fingerprint
    monkeypatch.setattr(inventories, "alpine_keys", lambda: frozenset((fingerprint,)))
    return Bench(tmp_path)


def names(resolution: Resolution) -> list[str]:
    return [str(each.package) for each in resolution.solution]


def test_without_findings_nothing_changes(bench: Bench) -> None:
    bench.add("curl", "8.6.0-r0")
    plain = bench.resolved(bench.request("curl"))
    found = bench.resolved(bench.request("curl", fixes={"curl": {"8.6.0-r0": ["CVE-2024-0853"]}}))
    assert names(found) == names(plain) == ["curl-8.6.0-r0"]
    assert bench.heard.warnings == []


def test_the_answer_is_apks_among_what_is_left(bench: Bench) -> None:
    """Two packages provide what is asked for, apk prefers one of them, and that one has a finding."""
    bench.add("openssl-a", "1.2-r3", provides=("tls=1",), provider_priority=20)
    bench.add("openssl-b", "1.0-r0", provides=("tls=1",), provider_priority=10)
    bench.add("app", "1-r0", "tls")
    fixes = {"openssl-a": {"1.2-r5": ["CVE-2024-0727"]}}
    assert "openssl-a-1.2-r3" in names(bench.resolved(bench.request("app")))
    request = bench.request("app", fixes=fixes)
    found = bench.resolved(request)
    assert set(names(found)) == {"openssl-b-1.0-r0", "app-1-r0"}
    assert [str(each) for each in found.world] == ["app"], "what is forbidden is no part of the image's world"
    assert found.solution.world == found.world
    assert {str(d) for each in found.solution for reason in each.reasons for d in reason.dependencies} == {
        "app",
        "tls",
    }


def test_what_is_taken_instead_is_looked_up_too(bench: Bench) -> None:
    """The second choice has a finding of its own, the third has none."""
    for priority, name in enumerate(("c", "b", "a")):
        bench.add(name, "1-r0", provides=("tls=1",), provider_priority=10 + priority)
    fixes = {"a": {"2-r0": ["CVE-2020-1111"]}, "b": {"1-r1": ["CVE-2020-2222"]}}
    assert names(bench.resolved(bench.request("tls", fixes=fixes))) == ["c-1-r0"]


def test_where_no_repository_has_the_fix_the_error_says_what_apk_would_have_taken(bench: Bench) -> None:
    bench.add("openssl", "1.2-r3")
    bench.add("openssl-libs", "1.2-r3")
    fixes = {"openssl": {"1.2-r4": ["CVE-2024-0001"], "1.2-r5": ["CVE-2024-0727"]}}
    with pytest.raises(NoSolutionError) as caught:
        bench.resolved(bench.request("openssl", "openssl-libs", fixes=fixes))
    assert caught.value.exit_status == 4
    assert str(caught.value) == (
        "known vulnerabilities would be in the image that are fixed:\n"
        "  apk would have taken openssl-1.2-r3; 1.2-r5 fixes CVE-2024-0001, CVE-2024-0727;"
        " no repository has it\n"
        "  apk would have taken openssl-libs-1.2-r3; 1.2-r5 fixes CVE-2024-0001, CVE-2024-0727;"
        " no repository has it"
    )


def test_where_the_fix_cannot_be_taken_the_error_says_which_constraints_collide(bench: Bench) -> None:
    bench.add("openssl", "1.2-r3")
    bench.add("openssl", "1.2-r6")
    bench.add("app", "1-r0", "openssl=1.2-r3")
    with pytest.raises(NoSolutionError) as caught:
        bench.resolved(bench.request("app", fixes={"openssl": {"1.2-r5": ["CVE-2024-0727"]}}))
    said = str(caught.value)
    assert "apk would have taken openssl-1.2-r3; 1.2-r5 fixes CVE-2024-0727" in said
    assert "main` has 1.2-r6" in said
    assert "and with the fixes it cannot be solved" in said
    assert "openssl=1.2-r3" in said


def test_a_package_that_is_amended_where_no_shell_may_be_is_alpines_still(bench: Bench) -> None:
    """It is solved with in place of the one that the index lists, and keeps its identity."""
    bench.add("curl", "8.5.0-r0", "busybox")
    bench.add("busybox", "1-r0")
    request = bench.request("curl", fixes={"curl": {"8.6.0-r0": ["CVE-2024-0853"]}})
    access = bench.workshop.access(request.keys, request.key_urls, request.arch)
    plain = replace(request, condition=None)
    listed = resolve(plain, access).solution.named("curl")
    assert listed is not None
    stanza = "\n".join(line for line in listed.package.stanza.split("\n") if not line.startswith("D:"))
    amended = [Package.parse(stanza)]
    assert names(resolve(plain, access, instead=amended)) == ["curl-8.5.0-r0"]
    with pytest.raises(NoSolutionError, match=r"8\.6\.0-r0 fixes CVE-2024-0853"):
        resolve(request, access, instead=amended)


def test_vex_lets_a_finding_pass(bench: Bench) -> None:
    bench.add("openssl", "1.2-r3")
    judged = bench.root / "judged.json"
    judged.write_text(json.dumps(secdbs.vex("CVE-2024-0727", "pkg:apk/alpine/openssl")))
    fixes = {"openssl": {"1.2-r5": ["CVE-2024-0727"]}}
    assert names(bench.resolved(bench.request("openssl", fixes=fixes, vex=(judged,)))) == ["openssl-1.2-r3"]


def test_packages_that_are_not_alpines_are_no_part_of_it_and_are_named(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inventories, "alpine_keys", frozenset)
    bench.add("openssl", "1.2-r3")
    bench.resolved(bench.request("openssl", fixes={"openssl": {"1.2-r5": ["CVE-2024-0727"]}}))
    (warning,) = bench.heard.warnings
    assert warning.startswith(
        "not looked up for vulnerabilities, not Alpine's: no key of Alpine's signed the index"
    )
    assert warning.endswith(": openssl")


def test_without_data_there_is_no_image(bench: Bench) -> None:
    bench.add("openssl", "1.2-r3")
    request = replace(bench.request("openssl"), condition=Condition(Sources()))
    with pytest.raises(NetworkError, match="not in the cache"):
        bench.resolved(request)


def test_an_image_under_the_condition_is_the_same_image(bench: Bench) -> None:
    bench.add("curl", "8.6.0-r0")
    fixes = {"curl": {"8.6.0-r0": ["CVE-2024-0853"]}}
    images = [
        build(request, bench.workshop).image
        for request in (bench.request("curl"), bench.request("curl", fixes=fixes))
    ]
    assert images[0].digest == images[1].digest


def locked(bench: Bench, *world: str) -> tuple[Path, LockUse]:
    path = bench.root / "witchery.lock.json"
    lock = make_lock([bench.request(*world)], bench.workshop, path).lock
    lock_files.write_lock(path, lock)
    return path, LockUse(lock=lock, path=path)


def test_a_lock_with_a_finding_is_refused_before_anything_is_fetched(bench: Bench) -> None:
    bench.add("openssl", "1.2-r3")
    path, use = locked(bench, "openssl")
    fixes = {"openssl": {"1.2-r5": ["CVE-2024-0727"]}}
    with pytest.raises(NoSolutionError) as caught:
        bench.resolved(replace(bench.request("openssl", fixes=fixes), lock=use))
    assert str(caught.value).startswith(f"{path}: known vulnerabilities")
    assert "the lock has openssl-1.2-r3; 1.2-r5 fixes CVE-2024-0727" in str(caught.value)
    assert caught.value.hints[0] == "it is locked: `witchery lock SOURCE --update openssl` moves it"
    clean = {"openssl": {"1.2-r3": ["CVE-2024-0727"]}}
    assert names(bench.resolved(replace(bench.request("openssl", fixes=clean), lock=use))) == [
        "openssl-1.2-r3"
    ]


def test_an_update_keeps_what_is_locked_and_says_what_has_to_move(bench: Bench) -> None:
    bench.add("openssl", "1.2-r3")
    bench.add("curl", "1-r0")
    path, use = locked(bench, "openssl", "curl")
    bench.add("openssl", "1.2-r5")
    fixes = {"openssl": {"1.2-r5": ["CVE-2024-0727"]}}
    request = bench.request("openssl", "curl", fixes=fixes)
    keeping = Update(lock=use.lock, path=path, moving=("curl",))
    with pytest.raises(NoSolutionError) as caught:
        bench.resolved(replace(request, keeping=keeping))
    assert "`witchery lock SOURCE --update openssl` moves it" in caught.value.hints[0]
    moving = replace(keeping, moving=("openssl",))
    assert "openssl-1.2-r5" in names(bench.resolved(replace(request, keeping=moving)))


def test_a_lock_of_apko_does_not_say_enough(bench: Bench) -> None:
    from witchery.build.locks.apko_locked import ApkoUse

    bench.add("openssl", "1.2-r3")
    request = replace(
        bench.request("openssl", fixes={}), lock=ApkoUse(packages=(), path=Path("apko.lock.json"))
    )
    with pytest.raises(UsageError, match="cannot be looked up"):
        bench.resolved(request)
