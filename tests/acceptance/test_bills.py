"""Bills of materials of real images: valid, the same for everyone, understood by scanners."""

import json
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from support import real_applications
from support.bills import check_cyclonedx, check_spdx, purls
from support.built import Builder, BuiltImage, packages
from support.command import Outcome, process
from support.registries import Registry, registry
from support.scanners import Seen, syft, syft_convert, trivy, trivy_database, trivy_referrer, trivy_sbom
from support.shared import SHARED, needs_shared
from support.shared import repository as shared_repository
from support.workbench import Workbench
from witchery.repository.cache import Cache
from witchery.value import replace

pytestmark = [pytest.mark.peer, needs_shared]

MANY = [
    *("alpine-base", "openssh", "chrony", "dhcpcd", "wget", "ca-certificates-bundle", "doas", "tiny-cloud"),
    *("e2fsprogs-extra", "openssl", "sfdisk", "partx", "tzdata", "kbd-bkeymaps", "ppp-daemon", "ppp-chat"),
    *("ppp-radius", "ppp-pppoe", "wpa_supplicant", "iw", "bonding", "bridge"),
]
"""What comes to more than 60 packages."""
IMAGES: dict[str, list[str]] = {
    "wget": ["wget", "ca-certificates-bundle"],
    "openssh-server": ["openssh-server"],
    "many": MANY,
}
FIXED = {
    "openssl": {"CVE-2024-0001": "3.1.4-r6", "CVE-2024-0002": "3.1.4-r5"},
    "wget": {"CVE-2024-0003": "1.21.4-r1"},
    "openssh": {"CVE-2024-0004": "9.6_p1-r1"},
    "custom-ca-certs-1": {"CVE-2024-0005": "9"},
    "payload-esbuild": {"CVE-2024-0006": "9"},
}
"""Fixes that do not exist, by origin; the last two are for names that are not Alpine's."""

SBOM = {"formats": ["spdx", "cyclonedx"]}
SUFFIXES = {"spdx": ".spdx.json", "cyclonedx": ".cdx.json"}


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return trivy_database(tmp_path_factory.mktemp("trivy"), "3.19", FIXED)


@pytest.fixture(scope="module", params=IMAGES)
def image(request: pytest.FixtureRequest, builder: Builder, boot_set: Path) -> BuiltImage:
    config = packages(boot_set, *IMAGES[request.param], sbom=SBOM)
    return builder(f"billed-{request.param}", config)


def bill(image: BuiltImage, form: str, *options: str, source: str = "oci:layout") -> bytes:
    """What `witchery sbom` writes of a built image, byte for byte."""
    target = image.folder / f"bill{SUFFIXES[form]}"
    words = ["sbom", source, "--format", form, "--arch", "x86_64", "-o", str(target), *options]
    done = process(*words, "--cache-dir", str(image.folder.parent / "cache"), cwd=image.folder)
    assert done.status == 0, done.err
    return target.read_bytes()


def installed(image: BuiltImage) -> dict[str, str]:
    """The packages of an image but for its application."""
    return {name: version for name, version in image.packages.items() if not name.startswith("payload-")}


def test_both_formats_are_valid_and_list_exactly_the_packages(image: BuiltImage, tmp_path: Path) -> None:
    """With what each package's index says of it, and the digest of the file that was fetched."""
    spdx = check_spdx(bill(image, "spdx"), tmp_path)
    found = {each["name"]: each for each in spdx["packages"] if each["SPDXID"].startswith("SPDXRef-Package-")}
    assert {name: each["versionInfo"] for name, each in found.items()} == image.packages
    assert found.keys() == {name for name, purl in purls(spdx).items() if purl.startswith("pkg:apk/alpine/")}
    for each in found.values():
        assert each["supplier"] == "Organization: Alpine Linux"
        assert each["originator"].startswith("Person: ")
        assert each["licenseDeclared"] != "NOASSERTION"
        assert each["checksums"][0]["algorithm"] == "SHA256"
    cyclonedx = check_cyclonedx(bill(image, "cyclonedx"))
    listed = {each["name"]: each["version"] for each in cyclonedx["components"] if "purl" in each}
    assert listed == image.packages
    subject = next(each for each in spdx["packages"] if each["SPDXID"] == "SPDXRef-ContainerImage")
    assert subject["checksums"][0]["checksumValue"] == image.document["digest"].removeprefix("sha256:")


def test_the_minimum_elements_are_there(builder: Builder, boot_set: Path, tmp_path: Path) -> None:
    """Those of NTIA (2021) and CISA (draft of 2025), for the image, its release and each of its packages."""
    vendor = {"org.opencontainers.image.vendor": "Example Ltd"}
    (tmp_path / "app").write_text("data")
    config = packages(boot_set, "wget", annotations=vendor, payload=str(tmp_path / "app"))
    image = builder("minimum", config, archive=False)
    spdx = check_spdx(bill(image, "spdx"), tmp_path)
    creation = spdx["creationInfo"]
    assert "Organization: Example Ltd" in creation["creators"]  # author
    assert any(each.startswith("Tool: witchery-") for each in creation["creators"])
    assert creation["created"].endswith("Z")
    assert "while the image was built" in creation["comment"]  # generation context
    related = {each["relatedSpdxElement"] for each in spdx["relationships"]}
    for each in spdx["packages"]:
        assert each["supplier"].startswith("Organization: "), each
        assert each["name"]
        assert each["versionInfo"]
        assert each["SPDXID"] in related
        if each["primaryPackagePurpose"] != "OPERATING-SYSTEM":
            assert purls(spdx)[each["name"]]
        if each["primaryPackagePurpose"] in ("INSTALL", "CONTAINER"):
            assert each["checksums"]
        if each["primaryPackagePurpose"] == "INSTALL":
            assert each["licenseDeclared"]


def test_checksums_are_those_of_the_files_and_layers_those_of_the_manifest(
    image: BuiltImage, boot_set: Path, tmp_path: Path
) -> None:
    import hashlib

    spdx = check_spdx(bill(image, "spdx"), tmp_path)
    layers = {each["digest"] for each in image.manifest["layers"]}
    standing = 0
    for each in spdx["packages"]:
        if not each["SPDXID"].startswith("SPDXRef-Package-"):
            continue
        file = boot_set / "x86_64" / f"{each['name']}-{each['versionInfo']}.apk"
        (checksum,) = each["checksums"]
        assert checksum["checksumValue"] == hashlib.sha256(file.read_bytes()).hexdigest()
        if "comment" in each:
            assert each["comment"].rpartition(" ")[2] in layers
            standing += 1
    assert standing >= len(layers) - 1  # the top layer is nobody's


def test_relationships_are_the_dependencies_that_were_solved(
    image: BuiltImage, boot_set: Path, tmp_path: Path
) -> None:
    """Each dependency of a package, as it states it, leads to the package that `show` says provides it."""
    done = process(
        "show", "witchery.yaml", "--json", "--packages", "--arch", "x86_64", "--cache-dir", "../cache",
        cwd=image.folder,
    )  # fmt: skip
    assert done.status == 0, done.err
    expected = {
        (other, each["name"], dependency)
        for each in json.loads(done.out)["packages"]
        for reason in each["reasons"]
        if reason["cause"] == "depends"
        for other in reason["packages"]
        for dependency in reason["dependencies"]
    }
    spdx = check_spdx(bill(image, "spdx"), tmp_path)
    names = {each["SPDXID"]: each["name"] for each in spdx["packages"]}
    found = {
        (names[each["spdxElementId"]], names[each["relatedSpdxElement"]], dependency)
        for each in spdx["relationships"]
        if each["relationshipType"] == "DEPENDS_ON" and each["spdxElementId"] != "SPDXRef-ContainerImage"
        for dependency in each["comment"].split(" ")
    }
    assert found == expected
    asked = {
        names[each["relatedSpdxElement"]]
        for each in spdx["relationships"]
        if each["relationshipType"] == "DEPENDS_ON" and each["spdxElementId"] == "SPDXRef-ContainerImage"
    }
    assert asked == set(json.loads((image.folder / "witchery.yaml").read_text())["contents"]["packages"])


@pytest.mark.parametrize("form", SUFFIXES)
def test_trivy_finds_every_package_and_what_is_not_fixed_by_its_origin(
    image: BuiltImage, database: Path, form: str, tmp_path: Path
) -> None:
    """From the file it learns what it learns from the image itself."""
    document = tmp_path / f"image{SUFFIXES[form]}"
    document.write_bytes(bill(image, form))
    seen = trivy_sbom(document, tmp_path, database)
    itself = trivy(image.layout, tmp_path, database)
    assert seen.kind == form
    assert seen.packages == image.packages == itself.packages
    assert seen.distro == itself.distro == "alpine 3.19.1"
    assert seen.origins == itself.origins
    assert seen.findings == itself.findings
    assert seen.findings
    for name, version in image.packages.items():
        assert seen.purls[name].startswith(
            f"pkg:apk/alpine/{name}@{version}?arch=x86_64&distro=alpine-3.19.1"
        )


@pytest.mark.parametrize("form", SUFFIXES)
def test_syft_finds_every_package(image: BuiltImage, form: str, tmp_path: Path) -> None:
    """With the package URL that it gives it itself; from SPDX the origin, too."""
    document = tmp_path / f"image{SUFFIXES[form]}"
    document.write_bytes(bill(image, form))
    seen, itself = syft_convert(document, tmp_path), syft(f"oci-dir:{image.layout}", tmp_path)
    assert seen.packages == image.packages
    assert seen.purls == itself.purls
    assert seen.distro == "alpine 3.19.1"
    if form == "spdx":
        origins = {name: purl.partition("upstream=")[2] or name for name, purl in itself.purls.items()}
        assert seen.origins == origins


@pytest.mark.parametrize("form", SUFFIXES)
def test_the_one_beside_the_image_is_the_one_of_its_source_and_of_every_copy(
    image: BuiltImage, form: str
) -> None:
    beside = bill(image, form)
    assert bill(image, form, source="witchery.yaml") == beside
    assert bill(image, form, source="oci-archive:image.tar") == beside


@pytest.fixture(scope="module")
def images_registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    with registry(tmp_path_factory.mktemp("registry")) as running:
        yield running


def test_trivy_finds_the_one_beside_an_image_that_does_not_name_its_release(
    builder: Builder, boot_set: Path, database: Path, images_registry: Registry, tmp_path: Path
) -> None:
    """In a registry that knows nothing of referrers. In the image itself Trivy would find nothing at all."""
    image = builder("bare", packages(boot_set, "wget", base={"os-release": False}), archive=False)
    reference = f"{images_registry.host}/bare:1"
    done = process("copy", "oci:layout", f"docker://{reference}", "--cache-dir", "cache", cwd=image.folder)
    assert done.status == 0, done.err
    seen = trivy_referrer(reference, tmp_path, database)
    assert seen.kind == "spdx"
    assert seen.packages == image.packages
    assert seen.distro == "alpine 3.19.1"
    assert ("CVE-2024-0003", "wget") in seen.findings
    said = process(
        "sbom", f"docker://{reference}", "--arch", "x86_64", "--cache-dir", "cache", cwd=image.folder
    )
    assert said.out.encode() == bill(image, "spdx")


def test_an_application_is_listed_with_what_it_is_made_of(
    builder: Builder, boot_set: Path, database: Path, tmp_path: Path
) -> None:
    """A Go program beside packages of Alpine and of others: nothing of it is taken for Alpine's."""
    program = real_applications.esbuild(tmp_path / "esbuild")
    other = shared_repository("rsa256-melange", tmp_path)
    wanted = ("wget", "custom-ca-certs-1")
    config = packages(boot_set, *wanted, name="esbuild", payload=str(program), sbom=SBOM)
    config["contents"] |= {
        "build_repositories": [str(boot_set), str(other)],
        "keyring": [str(SHARED / "alpine/rsa256-melange/keys/melange.rsa.pub")],
    }
    image = builder("application", config)
    for form, suffix in SUFFIXES.items():
        document = tmp_path / f"application{suffix}"
        document.write_bytes(bill(image, form))
        seen = trivy_sbom(document, tmp_path, database)
        modules = {name for name, purl in seen.purls.items() if purl.startswith("pkg:golang/")}
        assert modules == {"stdlib", "golang.org/x/sys", "github.com/evanw/esbuild"}
        assert seen.packages.keys() - modules == installed(image).keys()
        assert seen.findings == {
            ("CVE-2024-0001", "libcrypto3"),
            ("CVE-2024-0001", "libssl3"),
            ("CVE-2024-0003", "wget"),
        }
        assert syft_convert(document, tmp_path).packages.keys() == seen.packages.keys() | {"payload-esbuild"}
    spdx = check_spdx(bill(image, "spdx"), tmp_path)
    check_cyclonedx(bill(image, "cyclonedx"))
    named = purls(spdx)
    assert named["custom-ca-certs-1"] == "pkg:apk/local/custom-ca-certs-1@1.0.0-r0?arch=x86_64"
    assert named["payload-esbuild"].startswith("pkg:generic/payload-esbuild@0-r0?checksum=sha256:")
    alpine = {name for name, purl in named.items() if purl.startswith("pkg:apk/alpine/")}
    assert alpine == installed(image).keys() - {"custom-ca-certs-1"}


def test_the_wheels_of_an_application_in_python_are_listed(database: Path, tmp_path: Path) -> None:
    """Flask and what it needs, with a CPython of its own, on packages that are not Alpine's."""
    bench = Workbench(tmp_path, shared_repository("v3.23-image-x86_64", tmp_path))
    app = real_applications.flask_application(tmp_path / "python")
    (app.parent / "web.yaml").write_text(
        json.dumps({"payload": [{"source": "web", "exclude": real_applications.EXCLUDED}]})
    )
    done = bench.try_to("sbom", app.parent / "web.yaml", "-o", tmp_path / "web.spdx.json")
    assert done.status == 0, done.err
    spdx = check_spdx((tmp_path / "web.spdx.json").read_bytes(), tmp_path)
    named = purls(spdx)
    wheels = {purl.partition("@")[0] for purl in named.values() if purl.startswith("pkg:pypi/")}
    expected = ("flask", "werkzeug", "jinja2", "click", "markupsafe", "pydantic-core")
    assert wheels >= {f"pkg:pypi/{name}" for name in expected}
    assert named["musl"].startswith("pkg:apk/local/musl@")
    assert not [purl for purl in named.values() if purl.startswith("pkg:apk/alpine/")]
    seen = trivy_sbom(tmp_path / "web.spdx.json", tmp_path, database)
    assert seen.packages.keys() == {
        name for name, purl in named.items() if not purl.startswith(("pkg:generic/", "pkg:oci/"))
    }
    assert syft_convert(tmp_path / "web.spdx.json", tmp_path).packages.keys() >= seen.packages.keys()


@pytest.mark.parametrize("where", ["beside", "inside"])
def test_a_bill_with_files_lists_those_of_the_packages(
    builder: Builder, boot_set: Path, where: str, tmp_path: Path
) -> None:
    """Inside the image, too, where scanners find it without counting anything twice."""
    sbom: dict[str, Any] = {
        "files": True,
        "formats": ["spdx", "cyclonedx"],
        "in-image": ["spdx", "cyclonedx"],
    }
    image = builder(f"files-{where}", packages(boot_set, "wget", name="tool", sbom=sbom), rootfs=True)
    inside = image.rootfs / "var/lib/db/sbom"
    assert {each.name for each in inside.iterdir()} == {"tool.spdx.json", "tool.cdx.json"}
    spdx = check_spdx(
        bill(image, "spdx") if where == "beside" else (inside / "tool.spdx.json").read_bytes(), tmp_path
    )
    check_cyclonedx(
        bill(image, "cyclonedx") if where == "beside" else (inside / "tool.cdx.json").read_bytes()
    )
    import hashlib

    files = {each["fileName"]: each["checksums"][0]["checksumValue"] for each in spdx["files"]}
    assert "./usr/bin/wget" in files
    for path, checksum in files.items():
        found = image.rootfs / path
        assert hashlib.sha1(found.read_bytes()).hexdigest() == checksum, path
    assert bill(image, "spdx", source="witchery.yaml") == bill(image, "spdx")
    text = json.dumps(spdx)
    assert (image.document["digest"].removeprefix("sha256:") in text) == (where == "beside")
    assert syft(f"oci-dir:{image.layout}", tmp_path).packages == image.packages


def test_an_image_with_bills_in_it_is_verified(builder: Builder, boot_set: Path) -> None:
    """They are among the few files that its top layer may have."""
    config = packages(boot_set, "wget", sbom={"in-image": ["spdx", "cyclonedx"]})
    image = builder("verified", config, archive=False)
    done = process("verify", "oci:layout", "--json", "--cache-dir", "cache", cwd=image.folder)
    assert done.status == 0, done.err
    assert "bill of materials: 8 packages" in done.out


def test_trivy_counts_nothing_twice_with_a_bill_in_the_image(
    builder: Builder, boot_set: Path, database: Path, tmp_path: Path
) -> None:
    config = packages(boot_set, "wget", sbom={"in-image": ["spdx", "cyclonedx"]})
    image = builder("counted", config, archive=False)
    assert trivy(image.layout, tmp_path, database).packages == image.packages


VARIATIONS: dict[str, Mapping[str, Any]] = {
    "again": {},
    "another time zone": {"env": {"TZ": "Asia/Kathmandu", "LC_ALL": "tr_TR.UTF-8"}},
    "another hash seed": {"env": {"PYTHONHASHSEED": "77"}},
    "another user and umask": {"umask": 0o077, "user": 4711},
}


@pytest.mark.parametrize("name", VARIATIONS)
def test_the_same_source_gives_the_same_bytes(boot_set: Path, name: str, tmp_path: Path) -> None:
    """With two caches, in two folders, from configurations of two names."""
    written = []
    for number, how in enumerate(({}, VARIATIONS[name])):
        folder = tmp_path / f"folder-{number}"
        folder.mkdir()
        folder.chmod(0o777)
        file = folder / f"config{number}.yaml"
        file.write_text(json.dumps(packages(boot_set, "wget", "openssh-server")))
        for form in SUFFIXES:
            words = ["sbom", file.name, "--format", form, "--files", "--arch", "x86_64"]
            done = process(*words, "--cache-dir", "cache", cwd=folder, **how)
            assert done.status == 0, done.err
            written.append(done.out)
    assert written[:2] == written[2:]


def test_a_cache_that_kept_no_digests_of_files_gives_the_same_bytes(boot_set: Path, tmp_path: Path) -> None:
    """What an older Witchery has kept of packages is completed once, from the bytes that are there."""
    (tmp_path / "witchery.yaml").write_text(json.dumps(packages(boot_set, "wget")))
    before = _sbom(tmp_path).out
    cache = Cache(tmp_path / "cache")
    records = {
        path: cache.package(bytes.fromhex(path.name)) for path in (tmp_path / "cache/packages").rglob("*/*")
    }
    for path, archive in records.items():
        assert archive is not None
        cache.keep_package(bytes.fromhex(path.name), replace(archive, file=None))
    assert _sbom(tmp_path, "--offline").out == before
    assert {path: cache.package(bytes.fromhex(path.name)) for path in records} == records


def test_a_locked_build_has_the_same_bill(boot_set: Path, tmp_path: Path) -> None:
    (tmp_path / "witchery.yaml").write_text(json.dumps(packages(boot_set, "wget")))
    plain = _sbom(tmp_path)
    done = process("lock", "witchery.yaml", "--arch", "x86_64", "--cache-dir", "cache", cwd=tmp_path)
    assert done.status == 0, done.err
    assert _sbom(tmp_path, "--locked").out == plain.out
    shutil.rmtree(tmp_path / "cache")
    assert _sbom(tmp_path, "--locked").out == plain.out


def test_a_lock_alone_lists_its_packages_and_no_image(boot_set: Path, tmp_path: Path) -> None:
    config = packages(boot_set, "wget", base={"tmp": False}, contents={"shell": "forbid"})
    (tmp_path / "witchery.yaml").write_text(json.dumps(config))
    whole = check_spdx(_sbom(tmp_path).out.encode(), tmp_path)
    done = process("lock", "witchery.yaml", "--arch", "x86_64", "--cache-dir", "cache", cwd=tmp_path)
    assert done.status == 0, done.err
    done = process("sbom", "witchery.lock.json", "--cache-dir", "other", cwd=tmp_path)
    assert done.status == 0, done.err
    alone = check_spdx(done.out.encode(), tmp_path)
    assert {name: purl for name, purl in purls(whole).items() if "pkg:oci" not in purl} == purls(alone)
    kinds = [
        {each["relationshipType"]: each.get("comment") for each in d["relationships"]} for d in (whole, alone)
    ]
    assert kinds[0] == kinds[1]


def test_a_lock_with_an_application_asks_for_its_source(boot_set: Path, tmp_path: Path) -> None:
    (tmp_path / "app.sh").write_text("data")
    config = packages(boot_set, "musl", payload="./app.sh")
    (tmp_path / "witchery.yaml").write_text(json.dumps(config))
    done = process("lock", "witchery.yaml", "--arch", "x86_64", "--cache-dir", "cache", cwd=tmp_path)
    assert done.status == 0, done.err
    done = process("sbom", "witchery.lock.json", "--cache-dir", "cache", cwd=tmp_path)
    assert (done.status, done.out) == (2, "")
    assert "name the source that it was made for, with `--locked`" in done.err


def _sbom(folder: Path, *options: str) -> Outcome:
    words = ["sbom", "witchery.yaml", "--arch", "x86_64", "--cache-dir", "cache", *options]
    done = process(*words, cwd=folder)
    assert done.status == 0, done.err
    return done


def test_what_is_not_there_is_said_with_a_way_out(builder: Builder, boot_set: Path) -> None:
    image = builder("one-format", packages(boot_set, "wget"), archive=False)
    words = ["sbom", "oci:layout", "--arch", "x86_64", "--cache-dir", "cache"]
    done = process(*words, "--format", "cyclonedx", cwd=image.folder)
    assert (done.status, done.out) == (2, "")
    assert "no bill of materials is kept beside the image as cyclonedx" in done.err
    assert "--format spdx" in done.err
    none = builder("no-format", packages(boot_set, "wget"), "--sbom", "none", archive=False)
    done = process(*words, cwd=none.folder)
    assert (done.status, done.out) == (2, "")
    assert "witchery build --sbom spdx" in done.err
    done = process(*words, "--files", cwd=image.folder)
    assert done.status == 2


def test_seen_is_not_satisfied_by_anything(tmp_path: Path, database: Path) -> None:
    """The judges can say no: without the operating system's identifier Trivy finds nothing."""
    from support.bills import a_bill, an_item
    from witchery.sbom import spdx

    document = json.loads(spdx.encode(a_bill(an_item("wget", version="1.21.4-r0"))))
    file = tmp_path / "x.spdx.json"
    file.write_text(json.dumps(document))
    seen: Seen = trivy_sbom(file, tmp_path, database)
    assert seen.findings == {("CVE-2024-0003", "wget")}
    file.write_text(json.dumps(document).replace("built package from: wget", "built package from: other"))
    assert trivy_sbom(file, tmp_path, database).findings == frozenset()
