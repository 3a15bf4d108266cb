"""`witchery package` and `witchery-buildapk`: what they write, what they say, and what they refuse."""

import os
import subprocess
from pathlib import Path

import pytest

from support.command import Command
from support.elf_files import ElfFile
from witchery import canonical
from witchery.apk import archive
from witchery.apk.archive import Archive
from witchery.build.abuild_key import named_key
from witchery.cli import buildapk
from witchery.keys import PrivateKey

STATIC = ElfFile(type=2, machine=183, dynamic=False).build().data


@pytest.fixture
def dist(tmp_path: Path) -> Path:
    """A folder with a text and a program."""
    folder = tmp_path / "dist"
    (folder / "usr/share").mkdir(parents=True)
    (folder / "usr/share/hello.txt").write_text("hello\n")
    (folder / "usr/bin").mkdir()
    (folder / "usr/bin/hello").write_bytes(STATIC)
    (folder / "usr/bin/hello").chmod(0o755)
    return folder


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    path = tmp_path / "me@example.org-1.rsa"
    path.write_bytes(PrivateKey.generate("me@example.org-1.rsa.pub", 2048).pem)
    return path


def read(path: Path) -> Archive:
    return archive.read([path.read_bytes()], lambda _: None)


def git(folder: Path, *arguments: str, time: int = 1_700_000_000) -> None:
    who = {f"GIT_{role}_{what}": "a@b" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    when = {"GIT_AUTHOR_DATE": f"{time} +0000", "GIT_COMMITTER_DATE": f"{time} +0000"}
    command = ["git", "-C", str(folder), "-c", "commit.gpgsign=false", *arguments]
    subprocess.run(command, env=os.environ | who | when, check=True, capture_output=True)


@pytest.fixture
def checkout(dist: Path) -> Path:
    """The folder as a work tree of git, one commit after the tag `v1.2.3`."""
    git(dist, "init", "-q")
    git(dist, "add", ".")
    git(dist, "commit", "-qm", "one")
    git(dist, "tag", "v1.2.3")
    (dist / "usr/share/more").write_text("more\n")
    git(dist, "add", ".")
    git(dist, "commit", "-qm", "two", time=1_700_000_100)
    return dist


def test_one_line_on_standard_output_is_the_package(witchery: Command, dist: Path, key_file: Path) -> None:
    said = witchery(
        *("package", dist, "-n", "hello", "-v", "1.2.3", "-r", "4", "-d", "Greets", "-l", "MIT"),
        *("-m", "Me <me@example.org>", "-u", "https://example.org/", "--depend", "tzdata", "--provides"),
        *("--sign-key", key_file, "-o", "out"),
    )
    assert (said.status, said.out) == (0, "out/hello-1.2.3-r4.apk\n")
    made = read(Path("out/hello-1.2.3-r4.apk"))
    info = made.info
    assert (info.name, info.version, info.arch) == ("hello", "1.2.3-r4", "aarch64")
    assert (info.description, info.license, info.maintainer) == ("Greets", "MIT", "Me <me@example.org>")
    assert (info.url, info.origin, info.build_time) == ("https://example.org/", "hello", 0)
    assert (info.depends, info.provides) == (("tzdata",), ("cmd:hello=1.2.3-r4",))
    assert [(s.key_name, s.algorithm) for s in made.signatures] == [("me@example.org-1.rsa.pub", "RSA256")]
    assert not list(Path("out").glob(".*"))
    assert "unsigned" not in said.err


def test_json_says_the_same(witchery: Command, dist: Path) -> None:
    said = witchery("package", dist, "-n", "hello", "-v", "1", "--json", "--root", "/opt/hello")
    document = canonical.decode(said.out.encode(), "output")
    made = read(Path(document["package"]))
    assert document["schema"] == "dev.witchery.package/1"
    assert (document["size"], document["data"]) == (made.size, str(made.data))
    assert document["size"] == Path("hello-1-r0.apk").stat().st_size
    assert {entry.path for entry in made.entries} >= {"opt", "opt/hello", "opt/hello/usr/bin/hello"}


def test_an_unsigned_package_is_warned_of_and_the_way_out_is_named(witchery: Command, dist: Path) -> None:
    said = witchery("package", dist, "-n", "hello")
    assert said.status == 0
    assert "warning: the package is unsigned: apk refuses it" in said.err
    assert "witchery keygen" in said.err
    assert not read(Path("hello-0-r0.apk")).signatures


def test_for_old_apk_the_sha1_signature_stands_first(witchery: Command, dist: Path, key_file: Path) -> None:
    assert witchery("package", dist, "-n", "hello", "--sign-key", key_file, "--sign-compat").status == 0
    assert [s.algorithm for s in read(Path("hello-0-r0.apk")).signatures] == ["RSA", "RSA256"]
    assert witchery("package", dist, "-n", "hello", "--sign-compat").status == 2


def test_version_time_and_commit_are_those_of_git(witchery: Command, checkout: Path) -> None:
    said = witchery("package", checkout, "-n", "hello", "--exclude", "/.git")
    assert said.out == "hello-1.2.3_p1-r0.apk\n"
    info = read(Path("hello-1.2.3_p1-r0.apk")).info
    head = subprocess.check_output(["git", "-C", checkout, "rev-parse", "HEAD"], text=True).strip()
    assert (info.commit, info.build_time) == (head, 1_700_000_100)
    (checkout / "usr/share/more").write_text("changed\n")
    assert witchery("package", checkout, "-n", "hello", "--exclude", "/.git").out == (
        "hello-1.2.3_p1_git-r0.apk\n"
    )
    assert read(Path("hello-1.2.3_p1_git-r0.apk")).info.commit == f"{head}-dirty"


def test_a_commit_without_tags_gives_its_day(witchery: Command, dist: Path) -> None:
    git(dist, "init", "-q")
    git(dist, "add", ".")
    git(dist, "commit", "-qm", "one")
    said = witchery("package", dist / "usr", "-n", "hello", "--root", "/usr")
    assert said.out == "hello-0_git20231114-r0.apk\n"


def test_the_source_date_decides_times_and_where_git_is_silent_the_version(
    witchery: Command, dist: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1600000000")
    assert witchery("package", dist, "-n", "hello").out == "hello-1600000000-r0.apk\n"
    made = read(Path("hello-1600000000-r0.apk"))
    assert made.info.build_time == 1_600_000_000
    assert {entry.mtime for entry in made.entries} == {1_600_000_000}


def test_without_any_source_of_a_version_it_is_0_and_that_is_said(witchery: Command, dist: Path) -> None:
    said = witchery("package", dist, "-n", "hello")
    assert said.out == "hello-0-r0.apk\n"
    assert "note: version 0: no `-v`, no commit, no `SOURCE_DATE_EPOCH`" in said.err


@pytest.mark.parametrize(
    ("wrong", "status", "said"),
    [
        (("-v", "1.2-r3"), 2, "not a version that apk can order: `1.2-r3`"),
        (("-v", "v1"), 2, "not a version that apk can order: `v1`"),
        (("-n", "-x"), 2, "expected one argument"),
        (("-n", "a/b"), 3, "not a name for a package: `a/b`"),
        (("-d", "a\nprovides = sudo"), 3, "description: control character"),
        (("--depend", "hello"), 3, "cannot depend on itself: `hello`"),
        (("--arch", "vax"), 2, "unknown architecture: `vax`"),
        (("--root", "/../x"), 3, "not an absolute path of an image"),
        (("-r", "x"), 2, "a number such as 0"),
        (("-o", "dist/out"), 2, "in the folder that it is made of"),
        (("--sign-key", "missing.rsa"), 5, "missing.rsa: no such file"),
    ],
)
def test_a_wrong_value_ends_with_nothing_written(
    witchery: Command, dist: Path, wrong: tuple[str, ...], status: int, said: str
) -> None:
    before = sorted(Path().rglob("*"))
    outcome = witchery("package", dist, "-n", "hello", *wrong)
    assert (outcome.status, outcome.out) == (status, "")
    assert said in outcome.err
    assert sorted(Path().rglob("*")) == before


def test_every_odd_thing_is_named_with_the_way_out_and_nothing_is_written(
    witchery: Command, dist: Path
) -> None:
    """All of them at once: what 2021 dropped, or took over, in silence."""
    (dist / ".env").write_text("x\n")
    (dist / "usr/share/a\nb").write_text("x\n")
    os.mkfifo(dist / "usr/share/pipe")
    (dist / "usr/bin/su").write_bytes(STATIC)
    (dist / "usr/bin/su").chmod(0o4755)
    said = witchery("package", dist, "-n", "hello", "-o", "out")
    assert (said.status, said.out) == (3, "")
    for rule in ("top-level-dotfile", "file-name", "special-file", "setuid"):
        assert f"[{rule}]" in said.err
    assert said.err.count("error:") == said.err.count("hint:") == 4
    assert not Path("out").exists()


def test_an_empty_folder_is_no_package(witchery: Command, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    said = witchery("package", "empty", "-n", "hello", "-o", "out")
    assert (said.status, said.out) == (3, "")
    assert "there is nothing to package" in said.err
    assert not Path("out").exists()


def test_a_repository_that_git_refuses_to_read_is_not_passed_over(
    witchery: Command, dist: Path, tmp_path: Path
) -> None:
    (dist / ".git").write_text("gitdir: nowhere\n")
    said = witchery("package", dist, "-n", "hello", "--exclude", "/.git")
    assert "note: version 0: no `-v`, no commit (fatal: not a git repository: " in said.err


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ('PACKAGER_PRIVKEY="/home/me/.abuild/me.rsa"', "/home/me/.abuild/me.rsa"),
        ('PACKAGER_PRIVKEY="$HOME/.abuild/me.rsa"', "HOME/.abuild/me.rsa"),
        ("export PACKAGER_PRIVKEY='/k/a b.rsa'  # mine", "/k/a b.rsa"),
        ("PACKAGER_PRIVKEY=/a.rsa\nPACKAGER_PRIVKEY=~/b.rsa", "HOME/b.rsa"),
        ("#PACKAGER_PRIVKEY=/a.rsa", ""),
        ('PACKAGER_PRIVKEY="$(touch /tmp/x)"', ""),
        ('PACKAGER_PRIVKEY="`id`"', ""),
        ('PACKAGER_PRIVKEY="$HOME/$OTHER"', ""),
        ("PACKAGER_PRIVKEY=", ""),
    ],
)
def test_the_key_of_abuild_is_found_without_running_its_configuration(
    tmp_path: Path, line: str, expected: str
) -> None:
    (tmp_path / ".abuild").mkdir()
    (tmp_path / ".abuild/abuild.conf").write_text(f"# mine\n{line}\n")
    assert str(named_key(tmp_path) or "") == expected.replace("HOME", str(tmp_path))


def test_under_its_old_name_it_takes_the_options_of_2021(
    witchery: Command, dist: Path, key_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Into a file or a folder, signed with the key that abuild would take; the version is the source date."""
    home = Path("home")
    (home / ".abuild").mkdir(parents=True)
    (home / ".abuild/abuild.conf").write_text(f'PACKAGER_PRIVKEY="{key_file}"\n')
    monkeypatch.setenv("HOME", str(home.resolve()))
    words = ["-n", "hello", "-v", "1.2", "-r", "3", "-d", "Greets", "-l", "MIT", "-m", "Me"]
    assert buildapk.main([*words, str(dist), "mine.apk"]) == 0
    made = read(Path("mine.apk"))
    assert (made.info.version, made.info.description) == ("1.2-r3", "Greets")
    assert [s.key_name for s in made.signatures] == ["me@example.org-1.rsa.pub"]

    Path("packages").mkdir()
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1600000000")
    assert buildapk.main(["-n", "hello", str(dist), "packages"]) == 0
    plain = read(Path("packages/hello-1600000000-r0.apk")).info
    assert (plain.description, plain.license) == ("package generated with witchery-buildapk", "Unspecified")
    assert buildapk.main(["-n", "hello", str(dist)]) == 2


def test_a_finding_that_is_acknowledged_where_it_is_passes(witchery: Command, dist: Path) -> None:
    (dist / ".env").write_text("x\n")
    acknowledge = ("package", dist, "-n", "hello", "--acknowledge")
    assert witchery(*acknowledge, "top-level-dotfile:/.other").status == 3
    assert witchery(*acknowledge, "top-level-dotfile:/.env").status == 0
    assert ".env" not in {entry.path for entry in read(Path("hello-0-r0.apk")).entries}
    assert witchery(*acknowledge, ":x").status == 2
