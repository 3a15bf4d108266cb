"""The packages of images: where they are read, and what shows that they are Alpine's."""

import json
import tarfile
from io import BytesIO
from pathlib import Path

import pytest

from support import secdbs, subjects
from support.built import Builder, packages
from support.command import process
from support.fake_registry import FakeRegistry
from support.fetching import unreachable
from support.images import X86_64, Made, folder, image_of_tars, link, member, tar_of
from support.repositories import Simulator, key, keyring, package
from support.sending import QUICK
from support.servers import Server
from support.shared import needs_shared
from witchery.arch import Arch
from witchery.build import image_files
from witchery.build.locks.files import read_lock
from witchery.build.registry.pushing import push, source_of
from witchery.build.registry.registries import Registries
from witchery.build.vulns import inventory as inventories
from witchery.build.vulns.examining import Sources, examine
from witchery.build.vulns.inventory import Inventory
from witchery.build.vulns.sources import looked_up
from witchery.errors import FormatError, IntegrityError, UsageError
from witchery.lock.model import Lock
from witchery.oci.descriptor import Descriptor
from witchery.oci.reference import Reference
from witchery.payload.findings import Component
from witchery.repository.access import Access
from witchery.repository.cache import Cache
from witchery.rootfs.content import BytesContent, Content
from witchery.store.source import Blob
from witchery.vulns.matching import Standing

DB = "lib/apk/db/installed"
CURL = ("libcurl", "8.5.0-r0", "curl")


NONE = Registries(environ={}, cache=Cache(Path("/nonexistent")))
"""The registries of a machine that reaches none, and has no cache."""


def of_image(
    text: str, arch: Arch | None, registries: Registries, *, release: str = "", lock: Lock | None = None
) -> tuple[Inventory, ...]:
    return looked_up(subjects.image(text, registries, arch), every=True, release=release, lock=lock)


def of_lock(path: Path) -> tuple[Inventory, ...]:
    return looked_up(subjects.lock(path, NONE), every=True)


def subject(made: Made, tmp_path: Path) -> Inventory:
    layout = secdbs.write_image(made, tmp_path / "image")
    (found,) = of_image(f"oci:{layout}", None, NONE)
    return found


def files(made: Made, *wanted: str, read: list[int] | None = None) -> dict[str, bytes]:
    """Files of an image; `read` is told the sizes of the layers that had to be read."""

    def blob(descriptor: Descriptor) -> Content:
        if read is not None:
            read.append(descriptor.size)
        return made.contents[descriptor.digest]

    return image_files.read_files(
        made.image, blob, wanted, limit=100, enough=lambda found: set(wanted) <= set(found)
    )


def test_the_highest_layer_counts_and_no_more_are_read_than_needed() -> None:
    made = image_of_tars(
        tar_of(member("a", b"low"), member("b", b"low")),
        tar_of(member("a", b"middle")),
        tar_of(member("a", b"top")),
    )
    read: list[int] = []
    assert files(made, "a", read=read) == {"a": b"top"}
    assert len(read) == 1
    assert files(made, "a", "b") == {"a": b"top", "b": b"low"}
    assert files(made, "a", "b", "c") == {"a": b"top", "b": b"low"}


@pytest.mark.parametrize(
    "top",
    [
        tar_of(member("lib/.wh.a")),
        tar_of(member(".wh.lib")),
        tar_of(folder("lib"), member("lib/.wh..wh..opq")),
        tar_of(member(".wh..wh..opq")),
        tar_of(link("lib/a", "/elsewhere")),
        tar_of(link("lib", "usr/lib")),
        tar_of(folder("lib/a")),
    ],
    ids=["whiteout", "of its folder", "opaque", "opaque root", "a link", "a link for its folder", "a folder"],
)
def test_what_a_higher_layer_removed_or_replaced_is_gone(top: bytes) -> None:
    assert files(image_of_tars(tar_of(member("lib/a", b"low")), top), "lib/a") == {}


def test_a_whiteout_of_another_name_removes_nothing() -> None:
    low, top = tar_of(member("lib/a", b"low")), tar_of(member("lib/.wh.ab"), member("li/.wh..wh..opq"))
    assert files(image_of_tars(low, top), "lib/a") == {"lib/a": b"low"}


def test_a_file_that_is_too_large_or_a_layer_that_is_another_is_refused() -> None:
    with pytest.raises(FormatError, match="larger than 100 bytes"):
        files(image_of_tars(tar_of(member("a", b"x" * 101))), "a")
    made, other = image_of_tars(tar_of(member("a", b"1"))), image_of_tars(tar_of(member("a", b"2")))
    ((digest, _),) = made.contents.items()
    made.contents[digest] = next(iter(other.contents.values()))
    with pytest.raises(IntegrityError):
        image_files.read_files(
            made.image,
            lambda each: _verified(each, made.contents[each.digest]),
            ["a"],
            limit=100,
            enough=lambda _: True,
        )


def _verified(descriptor: Descriptor, content: Content) -> Content:
    return Blob(descriptor, content.chunks)


def test_packages_come_from_the_database_and_the_release_from_os_release(tmp_path: Path) -> None:
    found = subject(secdbs.image([CURL]), tmp_path)
    (curl,) = found.packages
    assert (curl.name, curl.version, curl.origin, curl.arch) == (*CURL, "x86_64")
    assert (curl.release, curl.distro, curl.standing) == ("3.19", "3.19.1", Standing.STATED)
    assert found.unproven == ("libcurl",)
    assert found.digest.startswith("sha256:")


def test_an_image_of_another_distribution_has_no_packages_of_alpines(tmp_path: Path) -> None:
    """Wolfi's packages are apk packages of the same names."""
    found = subject(secdbs.image([CURL], "20230201", "wolfi"), tmp_path)
    assert [(each.standing, each.why) for each in found.packages] == [
        (Standing.FOREIGN, "the image is of `wolfi`")
    ]
    assert found.releases == ()


def test_the_application_is_not_alpines(tmp_path: Path) -> None:
    found = subject(secdbs.image([("payload-app", "0-r0", "")]), tmp_path)
    assert found.packages[0].why == "the application"
    assert found.packages[0].standing is Standing.FOREIGN


def test_packages_of_your_own_are_named_by_patterns(tmp_path: Path) -> None:
    made = secdbs.image([CURL, ("acme-tool", "1-r0", "acme"), ("acme-libs", "1-r0", "acme")])
    found = subject(made, tmp_path).with_own(["acme-*", "nothing"])
    assert {each.name: each.standing for each in found.packages} == {
        "libcurl": Standing.STATED,
        "acme-tool": Standing.FOREIGN,
        "acme-libs": Standing.FOREIGN,
    }


def test_a_release_that_is_given_takes_the_place_of_one_that_is_not_there(tmp_path: Path) -> None:
    assert subject(secdbs.image([CURL], ""), tmp_path).releases == ()
    layout = tmp_path / "image"
    (found,) = of_image(f"oci:{layout}", X86_64, NONE, release="v3.20")
    assert found.releases == ("3.20",)


def test_an_image_without_a_package_database_cannot_be_looked_up(tmp_path: Path) -> None:
    made = image_of_tars(tar_of(member("etc/os-release", b"ID=alpine\n")))
    with pytest.raises(UsageError, match="no package database"):
        subject(made, tmp_path)


@pytest.mark.parametrize("data", [b"X", b"P:a\nV:1\n\n", b"\x00" * 10, b"R:file\n"])
def test_a_malformed_database_is_refused(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(FormatError, match="package database"):
        subject(image_of_tars(tar_of(member(DB, data))), tmp_path)


def test_a_root_file_system_is_looked_up_too(tmp_path: Path) -> None:
    made = secdbs.image([CURL])
    content = next(iter(made.contents.values()))
    assert isinstance(content, BytesContent)
    with tarfile.open(fileobj=BytesIO(content.data)) as archive:
        archive.extractall(tmp_path / "root", filter="data")
    (found,) = of_image(f"rootfs:{tmp_path / 'root'}", None, NONE)
    assert [(each.name, each.arch) for each in found.packages] == [("libcurl", "x86_64")]
    (tmp_path / "root" / DB).unlink()
    (tmp_path / "root" / DB).symlink_to("/etc/passwd")
    with pytest.raises(UsageError, match="no package database"):
        of_image(f"rootfs:{tmp_path / 'root'}", None, NONE)


@pytest.fixture(scope="module")
def builder(tmp_path_factory: pytest.TempPathFactory) -> Builder:
    return Builder(tmp_path_factory.mktemp("built"))


@needs_shared
def test_evidence_beside_an_image_proves_its_packages(builder: Builder, boot_set: Path) -> None:
    """And without it the same image only says so; the table of packages is the same."""
    built = builder("proven", packages(boot_set, "wget"))
    bare = builder("bare", packages(boot_set, "wget"), "--evidence", "none")
    ((proven,), (stated,)) = (of_image(f"oci:{each.layout}", X86_64, NONE) for each in (built, bare))
    assert proven.unproven == ()
    assert {each.why for each in proven.packages} == {
        "signed by `alpine-devel@lists.alpinelinux.org-6165ee59.rsa.pub`"
    }
    assert set(stated.unproven) == {each.name for each in proven.packages} == set(built.packages)
    assert proven.digest == stated.digest


@needs_shared
def test_a_lock_proves_what_is_in_it(builder: Builder, boot_set: Path) -> None:
    built = builder("locked", packages(boot_set, "wget"), "--evidence", "none")
    done = process("lock", "witchery.yaml", "--arch", "x86_64", "--cache-dir", "../cache", cwd=built.folder)
    assert done.status == 0, done.err
    path = built.folder / "witchery.lock.json"
    (found,) = of_image(f"oci:{built.layout}", X86_64, NONE, lock=read_lock(path))
    assert found.unproven == ()
    (locked,) = of_lock(path)
    assert {(each.name, each.version, each.standing) for each in found.packages} == {
        (each.name, each.version, each.standing) for each in locked.packages
    }
    other = secdbs.write_image(secdbs.image([CURL]), built.folder / "other")
    (added,) = of_image(f"oci:{other}", X86_64, NONE, lock=read_lock(path))
    assert added.unproven == ("libcurl",), (
        "what is not in the lock was added by somebody, and may be Alpine's"
    )


@needs_shared
def test_a_package_that_is_not_signed_by_alpine_is_not_its(builder: Builder, tmp_path: Path) -> None:
    """grype#827: a package `curl` of your own, in a repository of your own; evidence and lock agree."""
    simulator = Simulator()
    simulator.add(package("curl", "1.0-r0"))
    simulator.write(tmp_path / "own")
    key_file = tmp_path / key().public.name
    key_file.write_bytes(key().public.pem)
    config = packages(tmp_path / "own", "curl")
    built = builder("own", config, "-k", key_file)
    ((found,),) = (each.packages for each in of_image(f"oci:{built.layout}", X86_64, NONE))
    assert (found.standing, found.why) == (Standing.FOREIGN, "no key of Alpine's signed it")
    done = process(
        *("lock", "witchery.yaml", "--arch", "x86_64", "--cache-dir", "../cache", "-k", str(key_file)),
        cwd=built.folder,
    )
    assert done.status == 0, done.err
    ((locked,),) = (each.packages for each in of_lock(built.folder / "witchery.lock.json"))
    assert (locked.standing, locked.why) == (Standing.FOREIGN, "no key of Alpine's vouches for it")


HELLO = Path(__file__).resolve().parents[2] / "examples/hello/witchery.yaml"


def test_every_platform_of_an_image_is_looked_up(tmp_path: Path) -> None:
    done = process(
        *("build", str(HELLO), "--arch", "amd64,arm64", "-o", "oci:both", "--cache-dir", "cache"),
        cwd=tmp_path,
    )
    assert done.status == 0, done.err
    both = of_image(f"oci:{tmp_path / 'both'}", None, NONE)
    assert [each.arch.apk for each in both] == ["x86_64", "aarch64"]
    assert [{package.arch for package in each.packages} for each in both] == [{"x86_64"}, {"aarch64"}]
    assert len({each.digest for each in both}) == 2
    (one,) = of_image(f"oci:{tmp_path / 'both'}", X86_64, NONE)
    assert one == both[0]


@pytest.mark.parametrize(
    ("location", "stated", "found"),
    [
        ("https://dl-cdn.alpinelinux.org/alpine/v3.19/main", "3.19.1", ("3.19", "main", "3.19.1")),
        ("https://dl-cdn.alpinelinux.org/alpine/v3.19/main", None, ("3.19", "main", "")),
        ("https://dl-cdn.alpinelinux.org/alpine/edge/testing", "3.19.1", ("edge", "testing", "")),
        ("/srv/boot-medium", "3.19.1", ("3.19", "", "3.19.1")),
        ("/srv/boot-medium", "", ("edge", "", "")),
        ("/srv/boot-medium", None, ("", "", "")),
        ("/srv/v3.19/apks", "3.19.1", ("3.19", "", "3.19.1")),
    ],
)
def test_a_package_is_of_the_release_of_its_repository(
    location: str, stated: str | None, found: tuple[str, str, str]
) -> None:
    """What the address says; else what all repositories together do, where they agree."""
    placed = inventories._placed(secdbs.package("a", "1-r0", release=""), location, stated)
    assert (placed.release, placed.repository, placed.distro) == found


def test_of_an_image_in_a_registry_only_the_layer_with_the_database_is_fetched(tmp_path: Path) -> None:
    """Nothing proves its packages here; with evidence its heads are fetched besides, about 2 kB a package."""
    big = tar_of(member("usr/bin/app", bytes(range(256)) * 4000))
    top = tar_of(
        member(DB, secdbs.database([CURL])), member("etc/os-release", b"ID=alpine\nVERSION_ID=3.19.1\n")
    )
    made = image_of_tars(big, top)
    registries = Registries(environ={}, cache=Cache(tmp_path / "cache"), settings=QUICK)
    with Server(FakeRegistry()) as server:
        reference = Reference.parse(f"{server.url.removeprefix('http://')}/team/app:1")
        push(*source_of(made.image, made.contents), reference, registries)
        before = len(server.asked)
        (found,) = of_image(f"docker://{reference}", None, registries)
        fetched = [asked.path for asked in server.asked[before:] if asked.method == "GET"]
    assert [each.name for each in found.packages] == ["libcurl"]
    assert found.names[1] == f"pkg:oci/app@{found.digest}"
    low, high = (str(layer.descriptor.digest) for layer in made.image.layers)
    assert any(path.endswith(high) for path in fetched)
    assert not any(path.endswith(low) for path in fetched)


def test_a_statement_about_one_platform_settles_nothing_on_another(tmp_path: Path) -> None:
    """VEX by the digest of an image; and what is found of an application is found on each platform."""
    names = ("x86_64", "aarch64")
    component = Component("pkg:npm/minimist@1.2.0", "minimist", "1.2.0", "app/package.json", "npm")
    subjects = [
        Inventory(
            name="app",
            arch=Arch.parse(name),
            packages=(secdbs.package("curl", "8.5.0-r0", arch=name),),
            components=(component,),
            names=(f"sha256:{name}",),
        )
        for name in names
    ]
    db = secdbs.write(tmp_path / "db", {"curl": {"8.6.0-r0": ["CVE-2024-0853"]}})
    judged, record = tmp_path / "judged.json", tmp_path / "record.json"
    judged.write_text(json.dumps(secdbs.vex("CVE-2024-0853", "sha256:aarch64")))
    affected = {"package": {"ecosystem": "npm", "name": "minimist"}, "versions": ["1.2.0"]}
    record.write_text(json.dumps({"id": "GHSA-xvch-5gv4-984h", "affected": [affected]}))
    access = Access(send=unreachable, cache=Cache(tmp_path / "cache"), keys=keyring())
    found = examine(subjects, access, Sources(db=str(db), vex=(judged,), osv=(record,)))
    assert {(each.id, each.arch) for each in found.findings} == {
        ("CVE-2024-0853", "x86_64"),
        ("GHSA-xvch-5gv4-984h", "x86_64"),
        ("GHSA-xvch-5gv4-984h", "aarch64"),
    }
    assert [(each.finding.arch, each.status) for each in found.dismissed] == [("aarch64", "not_affected")]
    assert (found.checked, found.components) == (2, 1)
