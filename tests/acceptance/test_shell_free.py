"""Images that are to have no shell: what can do without one runs, what cannot is refused by name."""

import json
from pathlib import Path

import pytest

from support.built import Builder, BuiltImage, packages
from support.command import process
from support.manifests import of_folder
from support.peers import JUDGES, DisagreementError
from support.real_apk import RealApk
from support.shared import needs_shared

pytestmark = [pytest.mark.peer, needs_shared]

FORBID = {"shell": "forbid"}


@pytest.fixture(scope="module")
def chrony(builder: Builder, boot_set: Path) -> BuiltImage:
    """chrony's install script asks for a shell, and nothing else in it does."""
    config = packages(boot_set, "alpine-baselayout-data", "chrony", contents=FORBID)
    return builder("chrony", config, "--script-report", rootfs=True)


@pytest.mark.parametrize("peer", ["umoci", "podman", "containerd"])
def test_it_runs(chrony: BuiltImage, peer: str, tmp_path: Path) -> None:
    said = JUDGES[peer](chrony.subject, ("/usr/sbin/chronyd", "--version"), tmp_path)
    assert said.startswith("chronyd (chrony) version 4.5 ")


def test_no_shell_can_be_started_in_it(chrony: BuiltImage, tmp_path: Path) -> None:
    with pytest.raises(DisagreementError, match="/bin/sh"):
        JUDGES["umoci"](chrony.subject, ("/bin/sh", "-c", "true"), tmp_path)


def test_no_package_and_no_file_is_a_shell(chrony: BuiltImage) -> None:
    assert not {"busybox", "busybox-binsh", "dash", "bash"} & set(chrony.packages)
    names = {path.rpartition("/")[2] for path in of_folder(chrony.rootfs)}
    assert not {"sh", "ash", "bash", "busybox"} & names
    scripts = [
        path for path in chrony.rootfs.rglob("*") if path.is_file() and path.read_bytes().startswith(b"#!")
    ]
    # p11-kit has a script for a shell, and does not ask for one; apk would not install one for it either.
    assert [path.name for path in scripts] == ["trust-extract-compat"]


def test_what_the_install_script_does_is_there(chrony: BuiltImage) -> None:
    """The script never ran: its user, group and owners are declared, with the numbers that adduser gives."""
    users = (chrony.rootfs / "etc/passwd").read_text().splitlines()
    assert "chrony:x:100:101:chrony:/var/log/chrony:/sbin/nologin" in users
    lines = of_folder(chrony.rootfs)
    assert lines["var/lib/chrony"].startswith("d 755 100:101 ")
    assert lines["var/log/chrony"].startswith("d 2750 100:101 ")
    assert lines["etc/chrony"].startswith("d 755 100:101 ")


def test_the_drop_is_told_in_the_report_the_document_and_the_annotations(
    chrony: BuiltImage, tmp_path: Path
) -> None:
    assert chrony.document["shell_dropped"] == ["chrony-4.5-r0"]
    assert chrony.manifest["annotations"]["dev.witchery.shell.dropped"] == "chrony-4.5-r0"
    config = chrony.folder / "witchery.yaml"
    cache = chrony.folder.parent / "cache"
    words = ["build", str(config), "-o", "oci:image", "--arch", "x86_64", "--cache-dir", str(cache)]
    report = process(*words, "--script-report", cwd=tmp_path).err
    assert "`chrony-4.5-r0` is taken without `/bin/sh`" in report
    assert "pre-install  emulated" in report


def test_real_apk_finds_the_database_consistent(real_apk: RealApk, chrony: BuiltImage) -> None:
    """The dropped dependency is not in the database either: apk has nothing to add or to fix."""
    root = chrony.rootfs
    for words in (
        ("add", "--simulate"),
        ("fix", "--simulate"),
        ("audit", "--system"),
        ("info", "-R", "chrony"),
    ):
        done = real_apk.run("--root", root, "--no-network", *words, folder=root)
        assert done.stderr == ""
        assert "/bin/sh" not in done.stdout
        assert words[0] not in {"add", "fix"} or done.stdout.startswith("OK: ")
        assert words[0] != "audit" or done.stdout == ""


def test_the_layer_of_a_package_that_lost_its_shell_is_still_the_signed_one(chrony: BuiltImage) -> None:
    """Only the dependency is dropped; not a byte of the package changes."""
    kinds = {layer["packages"][0]: layer["kind"] for layer in chrony.document["layers"] if layer["packages"]}
    assert kinds["chrony-4.5-r0"] == "signed"


@pytest.mark.parametrize(
    ("package", "because"),
    [
        (
            "dhcpcd",
            ["`dhcpcd-10.0.5-r0` depends on `/bin/sh`", "`/usr/lib/dhcpcd/dhcpcd-run-hooks`", "#!/bin/sh"],
        ),
        ("openrc", ["`openrc-0.52.1-r2` depends on `/bin/sh`"]),
        ("busybox", ["`/bin/busybox`", "it is requested as `busybox`"]),
        ("alpine-base", ["`alpine-base-3.19.1-r0` depends on `busybox`"]),
    ],
)
def test_what_needs_a_shell_is_refused_by_name(
    boot_set: Path, tmp_path: Path, package: str, because: list[str]
) -> None:
    (tmp_path / "a.yaml").write_text(json.dumps(packages(boot_set, package, contents=FORBID)))
    done = process(
        "build", "a.yaml", "-o", "oci:image", "--arch", "x86_64", "--cache-dir", "cache", cwd=tmp_path
    )
    assert (done.status, done.out) == (4, "")
    assert [each for each in because if each not in done.err] == [], done.err
    assert "contents.shell: allow" in done.err
    assert not (tmp_path / "image").exists()


def test_where_a_shell_is_allowed_a_note_names_who_brings_it(builder: Builder, boot_set: Path) -> None:
    image = builder("with-shell", packages(boot_set, "chrony"), archive=False)
    (note,) = [each for each in image.document["notes"] if "shell" in each]
    assert "`/bin/sh` of `busybox-binsh`" in note
    assert "`chrony-4.5-r0` depends on `/bin/sh`" in note
    assert "busybox" in image.packages
