"""Why three real images hold what they do: answers checked by hand once, and the reasoning beside them.

What packages depend on is in the index of their repository (`tar -xzOf APKINDEX.tar.gz APKINDEX`); the lines
that an expectation follows from are quoted.
"""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from support import schemas
from support.built import TALL, Builder, BuiltImage, packages
from support.command import Outcome, process
from support.shared import SHARED, needs_shared
from support.shared import repository as shared_repository

pytestmark = needs_shared

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def wget(builder: Builder, boot_set: Path) -> BuiltImage:
    return builder("why-wget", packages(boot_set, "wget", "ca-certificates-bundle"))


@pytest.fixture(scope="module")
def server(builder: Builder, boot_set: Path) -> BuiltImage:
    return builder("why-server", packages(boot_set, "openssh-server"))


@pytest.fixture(scope="module")
def tall(builder: Builder, tmp_path_factory: pytest.TempPathFactory) -> BuiltImage:
    repository = shared_repository("v3.19-x86_64", tmp_path_factory.mktemp("sets"))
    keys = SHARED / "alpine" / "v3.19-x86_64" / "keys"
    return builder("why-tall", packages(repository, *TALL.split()), "-k", keys)


def run(image: BuiltImage, verb: str, *words: str) -> Outcome:
    return process(verb, *words, cwd=image.folder)


def ask(image: BuiltImage, *words: str, verb: str = "why") -> Any:
    """The document, valid by its schema."""
    done = run(image, verb, *words, "oci:layout", "--json")
    assert done.status == 0, done.err
    return schemas.check(done.out)


def ways(answer: Any) -> list[str]:
    return [" ".join(step["package"] for step in path) for path in answer["paths"]]


def test_why_wget_brings_unicode(wget: BuiltImage) -> None:
    """wget: `D:... so:libidn2.so.0 ...`; libidn2: `D:so:libc... so:libunistring.so.5`; nobody else does.

    So libidn2 (I:212992) holds libunistring (I:1703936): 1,916,928 bytes leave with it.
    """
    (unistring,) = ask(wget, "libunistring")["packages"]
    assert ways(unistring) == ["wget libidn2 libunistring"]
    assert [step["dependencies"] for step in unistring["paths"][0]] == [
        ["wget"],
        ["so:libidn2.so.0"],
        ["so:libunistring.so.5"],
    ]
    assert unistring["kept_by"] == ["libidn2", "wget"]
    (idn,) = ask(wget, "libidn2")["packages"]
    assert idn["retained"] == {"packages": ["libidn2", "libunistring"], "size": 212992 + 1703936}


def test_why_wget_has_openssl_twice(wget: BuiltImage) -> None:
    """wget asks for both libraries itself, and libssl3 (`D:... so:libcrypto.so.3`) for the other: two ways.

    So libcrypto3 does not leave with libssl3, but with wget, as all does but the certificates, which were
    requested.
    """
    (crypto,) = ask(wget, "libcrypto.so.3")["packages"]
    assert ways(crypto) == ["wget libcrypto3", "wget libssl3 libcrypto3"]
    assert crypto["kept_by"] == ["wget"]
    (ssl,) = ask(wget, "libssl3")["packages"]
    assert ssl["retained"]["packages"] == ["libssl3"]
    (program,) = ask(wget, "/usr/bin/wget")["packages"]
    assert program["retained"]["packages"] == sorted(wget.packages.keys() - {"ca-certificates-bundle"})


def test_wget_has_no_shell(wget: BuiltImage) -> None:
    done = run(wget, "why", "shell", "oci:layout")
    assert (done.status, done.out) == (1, "")


def test_why_the_server_has_its_libraries(server: BuiltImage) -> None:
    """openssh-server: `D:openssh-keygen=9.6_p1-r0 openssh-server-common=9.6_p1-r0 ... so:libcrypto.so.3 ...`.

    And openssh-keygen: `D:libcrypto3>=3.1.0 so:libc... so:libcrypto.so.3`.
    Everything hangs on the one package that was requested: 6 packages of 6,963,200 bytes together.
    """
    (crypto,) = ask(server, "libcrypto3")["packages"]
    assert ways(crypto) == ["openssh-server libcrypto3", "openssh-server openssh-keygen libcrypto3"]
    assert crypto["paths"][1][-1]["dependencies"] == ["libcrypto3>=3.1.0", "so:libcrypto.so.3"]
    (daemon,) = ask(server, "cmd:sshd")["packages"]
    sizes = 987136 + 569344 + 20480 + 4608000 + 110592 + 667648
    assert daemon["retained"] == {"packages": sorted(server.packages), "size": sizes}
    assert [each["name"] for each in ask(server, "/usr/bin/ssh-keygen")["packages"]] == ["openssh-keygen"]


def test_why_a_tall_image_has_certificates(tall: BuiltImage) -> None:
    """apk-tools: `D:musl>=... ca-certificates-bundle ...`; libretls: `D:ca-certificates-bundle so:...`.

    alpine-base (requested) depends on apk-tools, openntpd (requested) on `so:libtls.so.8` of libretls. So no
    single package keeps them.
    """
    (bundle,) = ask(tall, "ca-certificates-bundle")["packages"]
    assert ways(bundle) == [
        "alpine-base apk-tools ca-certificates-bundle",
        "openntpd libretls ca-certificates-bundle",
    ]
    assert (bundle["kept_by"], bundle["remarks"]) == ([], [])


def test_why_a_tall_image_has_a_client_for_tls(tall: BuiltImage) -> None:
    """ssl_client: `i:busybox=1.36.1-r15 libssl3`: it comes along where both are, and nothing depends on it.

    It leaves with busybox as well as with libssl3, and is below neither in the tree of dominators.
    """
    (client,) = ask(tall, "ssl_client")["packages"]
    assert [each["topic"] for each in client["remarks"]] == ["condition-only"]
    assert ways(client)[:2] == ["alpine-base busybox ssl_client", "wget libssl3 ssl_client"]
    for name in ("busybox", "libssl3"):
        (keeper,) = ask(tall, name)["packages"]
        assert keeper["retained"]["packages"] == sorted([name, "ssl_client"])


def test_why_a_tall_image_has_a_daemon_for_wireless_networks(tall: BuiltImage) -> None:
    """ifupdown-ng-wifi: `D:wpa_supplicant` and `i:ifupdown-ng wpa_supplicant`: which is no way to the latter.

    Only wpa_supplicant needs dbus-libs, libnl3 and pcsc-lite-libs; wpa_supplicant-openrc has
    `i:openrc wpa_supplicant=2.10-r9`.
    """
    (daemon,) = ask(tall, "wpa_supplicant")["packages"]
    assert ways(daemon) == ["ifupdown-ng-wifi wpa_supplicant"]
    assert daemon["retained"]["packages"] == [
        "dbus-libs",
        "libnl3",
        "pcsc-lite-libs",
        "wpa_supplicant",
        "wpa_supplicant-openrc",
    ]


def test_why_a_tall_image_has_a_shell(tall: BuiltImage) -> None:
    """busybox has `bin/busybox`, busybox-binsh `bin/sh`; `bin/ash` is a link that the build made."""
    found = ask(tall, "shell")
    assert [(each["name"], each["matched"]) for each in found["packages"]] == [
        ("busybox", "has /bin/busybox"),
        ("busybox-binsh", "has /bin/sh"),
    ]
    assert found["generated"] == ["/bin/ash"]
    assert found["together"]["packages"] == ["busybox", "busybox-binsh", "ssl_client"]


def test_certificates_that_are_there_by_accident_are_marked(builder: Builder, boot_set: Path) -> None:
    """The case of 2021, with packages of 3.19: wget does not ask for certificates, apk-tools happens to.

    libcrypto.so.3 looks at /etc/ssl/cert.pem, and neither it nor libssl3 nor wget depends on
    ca-certificates-bundle; in this set apk-tools and libretls do.
    """
    image = builder("why-accident", packages(boot_set, "wget", "apk-tools"))
    (bundle,) = ask(image, "ca-certificates-bundle")["packages"]
    assert bundle["kept_by"] == ["apk-tools"]
    (remark,) = bundle["remarks"]
    assert remark["topic"] == "unstated-use"
    assert {each["package"] for each in remark["uses"]} == {"libcrypto3", "libssl3", "wget"}
    plain = run(image, "why", "ca-certificates-bundle", "oci:layout").out
    assert "3 packages seem to use it and do not ask for it; it is there only because of `apk-tools`" in plain
    assert "`libcrypto3` (lib/libcrypto.so.3: mentions /etc/ssl/cert" in plain
    requested = builder("why-stated", packages(boot_set, "wget", "apk-tools", "ca-certificates-bundle"))
    assert ask(requested, "ca-certificates-bundle")["packages"][0]["remarks"] == []


def test_the_answers_in_the_recipes_are_real_ones(builder: Builder, boot_set: Path) -> None:
    """Line by line, of the same packages."""
    image = builder("why-recipe", packages(boot_set, "wget", "apk-tools"))
    page = (ROOT / "docs/how-to/recipes.md").read_text()
    shown = re.findall(r"^\$ (witchery why (\S+) oci:app)\n((?:[^$`\n].*\n|  .*\n)+)", page, re.MULTILINE)
    assert [name for _, name, _ in shown] == ["libunistring", "ca-certificates-bundle"]
    for _, name, answer in shown:
        assert run(image, "why", name, "oci:layout").out == answer


@pytest.mark.parametrize(("name", "count"), [("wget", 9), ("server", 6), ("tall", 119)])
def test_the_tree_has_every_package_and_hangs_together(
    request: pytest.FixtureRequest, name: str, count: int
) -> None:
    image: BuiltImage = request.getfixturevalue(name)
    found = ask(image, verb="tree")
    assert {each["name"] for each in found["packages"]} == image.packages.keys()
    assert len(found["packages"]) == count
    sizes = {each["name"]: each["size"] for each in found["packages"]}
    below: dict[str, int] = dict(sizes)
    kept = {each["name"]: each["kept_by"] for each in found["packages"]}
    for each, size in sizes.items():
        above = kept[each]
        while above:
            below[above] += size
            above = kept[above]
    retained = {each["name"]: each["retained_size"] for each in found["packages"]}
    assert all(below[each] <= retained[each] for each in sizes)
    if name != "tall":  # there are no conditions, so the tree of dominators says it all
        assert below == retained


def test_inspecting_agrees_with_the_layers_themselves(tall: BuiltImage) -> None:
    """Sizes, kinds and rights, held against the build's own words and against `tar`."""
    found = ask(tall, verb="inspect")
    assert [each["kind"] for each in found["layers"]] == tall.kinds
    assert [each["size"] for each in found["layers"]] == [each["size"] for each in tall.manifest["layers"]]
    assert [each["path"] for each in found["privileged_files"]] == [
        "/bin/bbsuid",
        "/bin/mount",
        "/usr/bin/doas",
    ]
    assert found["largest_files"][0]["path"] == "/usr/lib/libc.a"
    assert found["unknown"] == []
    for at, layer in enumerate(found["layers"][:3]):
        blob = tall.layout / "blobs" / layer["digest"].replace(":", "/")
        listed = subprocess.run(
            ["tar", "--list", "--verbose", "-zf", blob], capture_output=True, text=True, check=True
        )
        files = [line for line in listed.stdout.splitlines() if not line.startswith("d")]
        assert layer["files"] == len(files), at


SMALL = {"wget": (9, 41), "server": (6, 28)}
"""Signed layers; and files, counted with `find ! -type d` in the unpacked images."""


@pytest.mark.parametrize("name", SMALL)
def test_inspecting_a_small_image(name: str, request: pytest.FixtureRequest) -> None:
    image: BuiltImage = request.getfixturevalue(name)
    signed, files = SMALL[name]
    found = ask(image, verb="inspect")
    assert [each["kind"] for each in found["layers"]] == ["signed"] * signed + ["top"]
    assert found["files"] == files
    assert found["largest_files"][0]["path"] == "/lib/libcrypto.so.3"
    assert found["privileged_files"] == []
    assert {each["name"]: each["version"] for each in found["packages"]} == image.packages


def test_layers_in_common_are_named(wget: BuiltImage, server: BuiltImage) -> None:
    """Both images have musl, libcrypto3 and zlib: the same packages of one repository, so the same layers."""
    done = run(server, "inspect", "oci:layout", "--with", f"oci:{wget.layout}", "--json")
    found = schemas.check(done.out)
    shared = [each["packages"] for each in found["layers"] if each["shared_with"]]
    assert shared == [["musl"], ["libcrypto3"], ["zlib"]]
