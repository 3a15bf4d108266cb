"""Whose packages are in a bill of materials: nobody's are Alpine's but those that Alpine's keys vouch for."""

import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest

from support.repositories import Simulator, key, package
from support.shared import SHARED, needs_shared
from witchery.build import bills
from witchery.build.bills import bill_of
from witchery.build.image import Built, build
from witchery.build.request import Wishes, read_request
from witchery.build.workshop import Workshop
from witchery.digest import Digest
from witchery.keys import PrivateKey
from witchery.sbom.bill import Bill
from witchery.solver.solution import Solution
from witchery.solver.source import Source
from witchery.value import replace

EXAMPLE = Path(__file__).resolve().parents[2] / "examples"
ALPINE_KEY = "alpine-devel@lists.alpinelinux.org-6165ee59.rsa.pub"


def built(
    folder: Path, config: str, *keys: PrivateKey, trusted: tuple[Path, ...] = (), untrusted: bool = False
) -> Built:
    """An image of a configuration, with some keys trusted."""
    for each in keys:
        (folder / each.public.name).write_bytes(each.public.pem)
    (folder / "witchery.yaml").write_text(config)
    workshop = Workshop(
        cache=folder / "cache",
        environ={},
        keys=(*trusted, *(folder / each.public.name for each in keys)),
        offline=True,
        allow_untrusted=untrusted,
    )
    return build(read_request(folder / "witchery.yaml", host="x86_64", wishes=Wishes()), workshop)


def purls(bill: Bill) -> Mapping[str, str]:
    return {each.name: each.purl(bill.distribution) for each in bill.items}


def contents(*packages: str, repositories: tuple[Path, ...]) -> str:
    listed = ", ".join(f'"{each}"' for each in repositories)
    return f"contents:\n  build_repositories: [{listed}]\n  packages: [{', '.join(packages)}]\n"


def private(folder: Path, *names: str, files: Mapping[str, bytes] | None = None) -> Path:
    """A repository of somebody's own, signed by `key()`."""
    simulator = Simulator()
    for name in names:
        simulator.add(package(name, files=dict(files) if files else None))
    return simulator.write(folder / "private")


@needs_shared
def test_a_package_called_like_alpine_s_beside_alpine_s_is_its_repository_s(
    boot_set: Path, tmp_path: Path
) -> None:
    own = private(tmp_path, "openssl-tools")
    bill = bill_of(built(tmp_path, contents("musl", "openssl-tools", repositories=(boot_set, own)), key()))
    assert bill.distribution is not None
    assert bill.distribution.qualifier == "alpine-3.19.1"
    assert purls(bill) == {
        "musl": "pkg:apk/alpine/musl@1.2.4_git20230717-r4?arch=x86_64&distro=alpine-3.19.1",
        "openssl-tools": "pkg:apk/local/openssl-tools@1.0-r0?arch=x86_64",
    }
    mine = next(each for each in bill.items if each.name == "openssl-tools")
    assert (mine.vendor.name, mine.location, mine.source) == ("", "", "local/openssl-tools")


@needs_shared
def test_alpine_s_package_is_alpine_s_wherever_it_comes_from(boot_set: Path, tmp_path: Path) -> None:
    """In a repository of somebody's own, whose index another key has signed; and as a file."""
    simulator = Simulator()
    simulator.add((boot_set / "x86_64/musl-1.2.4_git20230717-r4.apk").read_bytes())
    own = simulator.write(tmp_path / "own")
    shutil.copy(boot_set / "x86_64/zlib-1.3.1-r0.apk", tmp_path)
    bill = bill_of(built(tmp_path, contents("musl", "./zlib-1.3.1-r0.apk", repositories=(own,)), key()))
    assert purls(bill) == {
        "musl": "pkg:apk/alpine/musl@1.2.4_git20230717-r4?arch=x86_64",
        "zlib": "pkg:apk/alpine/zlib@1.3.1-r0?arch=x86_64",
    }
    assert bill.distribution is None  # no index and no package says which release this is


def test_a_key_that_is_only_called_like_alpine_s_makes_nothing_alpine_s(tmp_path: Path) -> None:
    impostor = PrivateKey.generate(ALPINE_KEY, 2048)
    simulator = Simulator(signer=impostor)
    simulator.add(package("musl", signer=impostor))
    own = simulator.write(tmp_path / "alpine" / "v3.19" / "main")
    bill = bill_of(built(tmp_path, contents("musl", repositories=(own,)), impostor))
    assert bill.distribution is not None
    assert bill.distribution.qualifier == "alpine-3.19"
    assert purls(bill) == {"musl": "pkg:apk/local/musl@1.0-r0?arch=x86_64"}


def test_untrusted_packages_are_nobody_s_and_the_bill_says_so(tmp_path: Path) -> None:
    simulator = Simulator(signer=None)
    simulator.add(package("musl"))
    own = simulator.write(tmp_path / "alpine" / "v3.19" / "main")
    made = built(tmp_path, contents("musl", repositories=(own,)), untrusted=True)
    bill = bill_of(made)
    assert purls(bill) == {"musl": "pkg:apk/local/musl@1.0-r0?arch=x86_64"}
    assert not bill.trusted
    for each in bills.documents(made, bills.FORMATS):
        assert b"trusted" in each.data or b"not everything" in each.data.lower()


def test_another_distribution_s_packages_are_those_of_the_repository_with_its_os_release(
    tmp_path: Path,
) -> None:
    own = private(tmp_path, "tool")
    keys = (EXAMPLE / "repository/keys",)
    config = contents("hello", "tool", repositories=(EXAMPLE / "repository", own))
    bill = bill_of(built(tmp_path, config, key(), trusted=keys))
    theirs = "?arch=x86_64&distro=witchery-example-1&upstream=witchery-examples"
    assert purls(bill) == {
        "base-files": f"pkg:apk/witchery-example/base-files@1-r0{theirs}",
        "hello": f"pkg:apk/witchery-example/hello@1.0-r0{theirs}",
        "tool": "pkg:apk/local/tool@1.0-r0?arch=x86_64",
    }
    assert {each.vendor.name for each in bill.items} == {"Witchery example", ""}


def test_an_os_release_behind_links_is_found(tmp_path: Path) -> None:
    files = {"usr/lib/os-release": b"NAME='Some Linux'\nID=\"some\"\nVERSION_ID=7\n"}
    own = private(tmp_path, "base", files=files)
    bill = bill_of(built(tmp_path, contents("base", repositories=(own,)), key()))
    assert bill.distribution is not None
    assert (bill.distribution.id, bill.distribution.version, bill.distribution.name) == (
        "some",
        "7",
        "Some Linux",
    )
    assert purls(bill) == {"base": "pkg:apk/some/base@1.0-r0?arch=x86_64&distro=some-7"}


def moved(image: Built, location: str) -> Built:
    """The image as if its packages had come from somewhere else."""
    resolution = image.gathered.resolution
    indexes = tuple(
        replace(each, repository=replace(each.repository, location=location)) for each in resolution.indexes
    )
    selected = tuple(
        replace(each, source=Source(location, each.source.index, each.source.tag))
        for each in resolution.solution
    )
    solution = Solution(resolution.solution.world, resolution.solution.arch, selected)
    return replace(
        image,
        gathered=replace(image.gathered, resolution=replace(resolution, indexes=indexes, solution=solution)),
    )


@pytest.mark.parametrize(
    ("location", "namespace", "address"),
    [
        (
            "https://packages.example.org/alpine",
            "packages.example.org",
            "https://packages.example.org/alpine/x86_64/tool-1.0-r0.apk",
        ),
        (
            "https://packages.example.org:8443/${APK_ARCH}/alpine",
            "packages.example.org:8443",
            "https://packages.example.org:8443/x86_64/alpine/x86_64/tool-1.0-r0.apk",
        ),
        ("http://127.0.0.1:8080/alpine", "local", ""),
        ("http://mirror/alpine", "local", ""),
    ],
)
def test_a_package_from_the_network_is_its_host_s(
    location: str, namespace: str, address: str, tmp_path: Path
) -> None:
    """Where the host has a name that means the same everywhere."""
    image = built(tmp_path, contents("tool", repositories=(private(tmp_path, "tool"),)), key())
    (item,) = bill_of(moved(image, location)).items
    assert (item.vendor.namespace, item.location) == (namespace, address)


def test_a_token_in_an_address_goes_nowhere(tmp_path: Path) -> None:
    image = built(tmp_path, contents("tool", repositories=(private(tmp_path, "tool"),)), key())
    image = moved(image, "https://packages.example.org/APKINDEX.tar.gz?token=s3cret")
    resolution = image.gathered.resolution
    indexes = tuple(
        replace(each, repository=replace(each.repository, is_index=True)) for each in resolution.indexes
    )
    image = replace(image, gathered=replace(image.gathered, resolution=replace(resolution, indexes=indexes)))
    for each in bills.documents(image, bills.FORMATS):
        assert b"https://packages.example.org/tool-1.0-r0.apk" in each.data
        assert b"s3cret" not in each.data


@needs_shared
def test_a_package_of_version_3_is_listed_with_the_digest_of_its_file(tmp_path: Path) -> None:
    (file,) = (SHARED / "openwrt-v3/noarch").glob("wireless-regdb-*.apk")
    shutil.copy(file, tmp_path)
    config = contents(f"./{file.name}", repositories=(private(tmp_path, "libc"),))
    bill = bill_of(built(tmp_path, config, key(), untrusted=True), files=True)
    item = next(each for each in bill.items if each.name == "wireless-regdb")
    assert item.form == 3
    assert item.file == item.data == Digest.sha256(file.read_bytes())
    assert item.purl(None).startswith("pkg:apk/local/wireless-regdb@")
    assert {each.algorithm for each in item.files} == {"SHA256"}
    assert [edge.name for edge in item.needs] == ["libc"]


def test_nobody_is_asked_for_bills_of_no_format(tmp_path: Path) -> None:
    image = built(tmp_path, contents("tool", repositories=(private(tmp_path, "tool"),)), key())
    assert bills.documents(image, ()) == ()
