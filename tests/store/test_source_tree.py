"""Reading an application from disk: it depends on nothing else, and nothing is lost in silence."""

import os
import shutil
import socket
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from witchery.errors import FormatError, StorageError
from witchery.payload.findings import Severity
from witchery.payload.tree import PayloadFile
from witchery.rootfs.entry import Entry, Kind
from witchery.store.source_tree import MAX_FILE, Modes, Owner, SourceTree, read_source

PROGRAM = b"#!/usr/bin/env python3\nprint('hello')\n"


def plant(folder: Path, mtime: int = 1_600_000_000) -> Path:
    """An application with everything that is allowed in one."""
    (folder / "bin").mkdir(parents=True)
    (folder / "lib" / "deep").mkdir(parents=True)
    (folder / "empty").mkdir()
    (folder / "bin" / "tool").write_bytes(PROGRAM)
    (folder / "bin" / "tool").chmod(0o744)
    (folder / "lib-more").write_bytes(b"sorts between `lib` and `lib/deep`")
    (folder / "lib" / "deep" / "münchen.txt").write_bytes(bytes(range(256)) * 2000)
    (folder / "current").symlink_to("bin//tool")
    (folder / "away").symlink_to("/usr/bin/env")
    (folder / ".hidden").write_bytes(b"kept")
    for each in folder.rglob("*"):
        os.utime(each, (mtime, mtime), follow_symlinks=False)
    return folder


def told(tree: SourceTree) -> list[tuple[Entry, bytes, bytes]]:
    return [(each.entry, b"".join(each.content.chunks()), each.head) for each in tree.files]


def by_path(tree: SourceTree) -> dict[str, PayloadFile]:
    return {each.path: each for each in tree.files}


def rules(tree: SourceTree) -> list[tuple[str, str, str]]:
    return [(each.rule, each.severity.value, each.path) for each in tree.findings]


def test_a_folder_comes_to_stand_below_app_with_everything_in_it_in_byte_order(tmp_path: Path) -> None:
    tree = read_source(plant(tmp_path / "dist"), mtime=42)
    assert [each.path for each in tree.files] == [
        "app",
        "app/.hidden",
        "app/away",
        "app/bin",
        "app/bin/tool",
        "app/current",
        "app/empty",
        "app/lib",
        "app/lib-more",
        "app/lib/deep",
        "app/lib/deep/münchen.txt",
    ]
    found = by_path(tree)
    assert {each.entry.mtime for each in tree.files} == {42}
    assert {(e.entry.uid, e.entry.gid, e.entry.uname, e.entry.gname) for e in tree.files} == {
        (0, 0, "root", "root")
    }
    assert found["app/bin/tool"].entry.mode == 0o755
    assert found["app/.hidden"].entry.mode == 0o644
    assert found["app/current"].entry.target == "bin//tool"
    assert found["app/away"].entry.target == "/usr/bin/env"
    assert found["app/bin/tool"].head == PROGRAM
    assert found["app/bin/tool"].origin == str(tmp_path / "dist" / "bin" / "tool")
    assert not tree.findings


def test_the_same_application_gives_the_same_from_any_folder_user_umask_and_time(tmp_path: Path) -> None:
    first = plant(tmp_path / "first", mtime=1_500_000_000)
    before = os.umask(0o077)
    try:
        second = plant(tmp_path / "elsewhere" / "second", mtime=1_700_000_000)
    finally:
        os.umask(before)
    (second / "linked").hardlink_to(second / "lib-more")
    (second / "lib-more").unlink()
    (second / "linked").rename(second / "lib-more")
    (second / "bin" / "tool").chmod(0o711)
    if os.geteuid() == 0:
        for each in (second, *second.rglob("*")):
            os.chown(each, 1234, 4321, follow_symlinks=False)
    assert stat.S_IMODE((first / "lib-more").stat().st_mode) != stat.S_IMODE(
        (second / "lib-more").stat().st_mode
    )
    assert told(read_source(first)) == told(read_source(second))


def test_hard_links_are_files_of_their_own(tmp_path: Path) -> None:
    (tmp_path / "b").write_bytes(b"one")
    (tmp_path / "a").hardlink_to(tmp_path / "b")
    found = by_path(read_source(tmp_path))
    assert [found[path].entry.kind for path in ("app/a", "app/b")] == [Kind.FILE, Kind.FILE]
    assert found["app/a"].read(10) == found["app/b"].read(10) == b"one"


def test_only_the_source_itself_may_be_a_link_that_is_followed(tmp_path: Path) -> None:
    folder = plant(tmp_path / "dist")
    (folder / "folder-link").symlink_to(folder / "lib")
    (tmp_path / "latest").symlink_to("dist")
    tree = read_source(tmp_path / "latest")
    assert by_path(tree)["app/folder-link"].entry.kind is Kind.SYMLINK
    assert "app/folder-link/deep" not in by_path(tree)
    (tmp_path / "tool").symlink_to("dist/bin/tool")
    file = by_path(read_source(tmp_path / "tool"))["app/tool"]
    assert (file.entry.kind, file.read(100), file.origin) == (Kind.FILE, PROGRAM, str(tmp_path / "tool"))


@pytest.mark.parametrize(
    ("destination", "paths"),
    [
        ("", ["app", "app/tool"]),
        ("/opt/app/", ["opt", "opt/app", "opt/app/tool"]),
        ("/usr/bin/hello", ["usr", "usr/bin", "usr/bin/hello"]),
        ("/", ["tool"]),
    ],
)
def test_a_file_goes_below_a_folder_or_exactly_where_it_is_said(
    tmp_path: Path, destination: str, paths: list[str]
) -> None:
    (tmp_path / "tool").write_bytes(PROGRAM)
    (tmp_path / "tool").chmod(0o755)
    tree = read_source(tmp_path / "tool", destination=destination)
    assert [each.path for each in tree.files] == paths
    assert tree.files[-1].is_executable


def test_the_folders_above_a_destination_stay_root_s(tmp_path: Path) -> None:
    (tmp_path / "data").write_bytes(b"x")
    (tmp_path / "link").symlink_to("data")
    tree = read_source(tmp_path, destination="/srv/www", owner=Owner(1000, 0))
    assert [(e.path, e.entry.uid, e.entry.gid, e.entry.uname, e.entry.gname) for e in tree.files] == [
        ("srv", 0, 0, "root", "root"),
        ("srv/www", 1000, 0, "", "root"),
        ("srv/www/data", 1000, 0, "", "root"),
        ("srv/www/link", 1000, 0, "", "root"),
    ]


@pytest.mark.parametrize("destination", ["app", "/a/../b", "/a\nb", "/.wh.x/a", "/" + "a/" * 3000])
def test_a_destination_is_an_absolute_path_of_an_image(tmp_path: Path, destination: str) -> None:
    with pytest.raises(FormatError, match="not an absolute path"):
        read_source(tmp_path, destination=destination)


@pytest.mark.parametrize(
    ("modes", "expected"),
    [
        (Modes.NORMAL, {"app/open": 0o755, "app/open/file": 0o644, "app/open/run": 0o755}),
        (Modes.KEEP, {"app/open": 0o750, "app/open/file": 0o600, "app/open/run": 0o710}),
        (0o640, {"app/open": 0o755, "app/open/file": 0o640, "app/open/run": 0o640}),
    ],
)
def test_modes_are_normalised_kept_or_given(
    tmp_path: Path, modes: Modes | int, expected: dict[str, int]
) -> None:
    (tmp_path / "open").mkdir()
    for name, mode in (("file", 0o600), ("run", 0o710)):
        (tmp_path / "open" / name).touch()
        (tmp_path / "open" / name).chmod(mode)
    (tmp_path / "open").chmod(0o750)
    tree = read_source(tmp_path, modes=modes)
    assert {path: each.entry.mode for path, each in by_path(tree).items() if path != "app"} == expected
    assert not tree.findings


def test_a_setuid_bit_is_an_error_where_it_would_be_dropped_and_a_warning_where_it_is_kept(
    tmp_path: Path,
) -> None:
    for name, mode in (("suid", 0o4755), ("sgid", 0o2755), ("open", 0o666)):
        (tmp_path / name).touch()
        (tmp_path / name).chmod(mode)
    for name, mode in (("tmp", 0o1777), ("shared", 0o2775), ("all", 0o777)):
        (tmp_path / name).mkdir()
        (tmp_path / name).chmod(mode)
    normal, kept = read_source(tmp_path), read_source(tmp_path, modes=Modes.KEEP)
    assert rules(normal) == [
        ("setuid", "error", "app/sgid"),
        ("folder-mode", "note", "app/shared"),
        ("setuid", "error", "app/suid"),
        ("folder-mode", "warning", "app/tmp"),
    ]
    assert normal.findings[0].hints == ("`mode: keep` keeps it",)
    assert rules(kept) == [
        ("world-writable", "warning", "app/all"),
        ("world-writable", "warning", "app/open"),
        ("setuid", "warning", "app/sgid"),
        ("setuid", "warning", "app/suid"),
    ]
    assert by_path(kept)["app/suid"].entry.mode == 0o4755
    assert by_path(kept)["app/tmp"].entry.mode == 0o1777
    assert by_path(normal)["app/suid"].entry.mode == 0o755


def _socket(path: Path) -> None:
    here = Path.cwd()
    os.chdir(path.parent)  # the name of a socket has at most 108 bytes
    try:
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(path.name)
    finally:
        os.chdir(here)


@pytest.mark.parametrize(
    ("name", "make", "rule", "message"),
    [
        ("run.sock", _socket, "special-file", "a socket cannot be part of an image"),
        ("queue", os.mkfifo, "special-file", "a pipe cannot be part of an image"),
        ("a\nb", Path.touch, "file-name", r"a control character: 'a\nb'"),
        ("a\x7f", Path.mkdir, "file-name", r"a control character: 'a\x7f'"),
        ("caf\udce9", Path.touch, "file-name", r"a name that is not UTF-8: 'caf\udce9'"),
        (".wh.old", Path.touch, "file-name", "which deletes files in an image: '.wh.old'"),
        ("link", lambda path: path.symlink_to("a\x1bb"), "file-name", r"in a link to 'a\x1bb'"),
        ("huge", lambda path: os.truncate(_touched(path), MAX_FILE), "file-size", "8589934592 bytes"),
    ],
    ids=["socket", "pipe", "newline", "delete", "latin1", "whiteout", "link", "huge"],
)
def test_what_cannot_be_in_an_image_is_an_error_and_the_rest_is_read(
    tmp_path: Path, name: str, make: Callable[[Path], None], rule: str, message: str
) -> None:
    make(tmp_path / name)
    (tmp_path / "good").touch()
    tree = read_source(tmp_path)
    (finding,) = tree.findings
    assert (finding.rule, finding.severity) == (rule, Severity.ERROR)
    assert message in finding.message
    assert str(finding).isprintable()
    assert [each.path for each in tree.files] == ["app", "app/good"]


def _touched(path: Path) -> Path:
    path.touch()
    return path


def test_all_errors_are_told_at_once(tmp_path: Path) -> None:
    for name in ("one", "two"):
        os.mkfifo(tmp_path / name)
    (tmp_path / ".wh.x").touch()
    assert [each.rule for each in read_source(tmp_path).findings] == [
        "file-name",
        "special-file",
        "special-file",
    ]


def test_a_dotfile_at_the_top_of_the_image_is_an_error_since_apk_would_skip_it(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"A=b")
    (tmp_path / ".config").mkdir()
    (tmp_path / ".config" / "x").touch()
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / ".keep").touch()
    tree = read_source(tmp_path, destination="/")
    assert rules(tree) == [("top-level-dotfile", "error", ".config"), ("top-level-dotfile", "error", ".env")]
    assert [each.path for each in tree.files] == ["etc", "etc/.keep"]
    assert not read_source(tmp_path).findings
    single = read_source(tmp_path / ".env", destination="/")
    assert (rules(single), single.files) == ([("top-level-dotfile", "error", ".env")], ())


def test_a_path_that_is_too_long_for_apk_is_an_error(tmp_path: Path) -> None:
    here = Path.cwd()
    os.chdir(tmp_path)
    try:
        Path("f" * 250).touch()
        tree = read_source(Path(), destination="/" + "/".join(["d" * 240] * 16))
    finally:
        os.chdir(here)
    assert [each.rule for each in tree.findings] == ["file-name"]
    assert "more than 4085 bytes" in tree.findings[0].message


def test_a_file_with_capabilities_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "ping").write_bytes(b"\x7fELF")
    try:
        os.setxattr(
            tmp_path / "ping",
            "security.capability",
            bytes.fromhex("0100000200200000000000000000000000000000"),
        )
    except OSError:
        os.setxattr(tmp_path / "ping", "user.comment", b"ignored")
        assert not read_source(tmp_path).findings
        return
    assert rules(read_source(tmp_path)) == [("file-capability", "error", "app/ping")]


@pytest.mark.parametrize(
    ("pattern", "left"),
    [
        ("*.pyc", ["a", "a/tests", "a/tests/t.py", "build", "build/x", "m.py", "tests"]),
        ("build", ["a", "a/m.pyc", "a/tests", "a/tests/t.py", "m.py", "tests"]),
        ("/tests", ["a", "a/m.pyc", "a/tests", "a/tests/t.py", "build", "build/x", "m.py"]),
        ("tests/", ["a", "a/m.pyc", "build", "build/x", "m.py", "tests"]),
        ("a/*", ["a", "build", "build/x", "m.py", "tests"]),
        ("**/t.py", ["a", "a/m.pyc", "a/tests", "build", "build/x", "m.py", "tests"]),
        ("a/**/t.py", ["a", "a/m.pyc", "a/tests", "build", "build/x", "m.py", "tests"]),
        ("a/**", ["a", "build", "build/x", "m.py", "tests"]),
        ("**", []),
        ("?.py", ["a", "a/m.pyc", "a/tests", "build", "build/x", "tests"]),
    ],
)
def test_patterns_leave_out_what_they_say(tmp_path: Path, pattern: str, left: list[str]) -> None:
    for name in ("a/tests/t.py", "a/m.pyc", "build/x", "m.py", "tests"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    tree = read_source(tmp_path, exclude=[pattern])
    assert [each.path.removeprefix("app/") for each in tree.files if each.path != "app"] == left


def test_what_is_left_out_is_not_looked_at(tmp_path: Path) -> None:
    (tmp_path / "cache").mkdir()
    os.mkfifo(tmp_path / "cache" / "pipe")
    assert not read_source(tmp_path, exclude=["cache/"]).findings


@pytest.mark.parametrize("pattern", ["!keep", "", "/", "../x", "a/../b", "x" * 2000])
def test_a_pattern_that_means_nothing_is_refused(tmp_path: Path, pattern: str) -> None:
    with pytest.raises(FormatError, match="pattern"):
        read_source(tmp_path, exclude=[pattern])


def test_a_pattern_of_many_stars_takes_no_time(tmp_path: Path) -> None:
    (tmp_path / ("a" * 200)).touch()
    tree = read_source(tmp_path, exclude=["*a" * 100 + "b", "/".join(["**", "a*"] * 100)])
    assert len(tree.files) == 2


def _grown(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"more")


def _rewritten(path: Path) -> None:
    path.write_bytes(b"y" * 1000)
    os.utime(path, ns=(1, 1))


def _replaced(path: Path) -> None:
    kept = path.stat()
    other = path.with_name("other")
    other.write_bytes(b"z" * 1000)
    os.utime(other, ns=(kept.st_atime_ns, kept.st_mtime_ns))
    other.replace(path)


def _linked(path: Path) -> None:
    shutil.move(path, path.with_name("moved"))
    path.symlink_to("moved")


@pytest.mark.parametrize("change", [_grown, _rewritten, _replaced, _linked, Path.unlink])
def test_a_file_that_changed_since_it_was_found_is_not_read(
    tmp_path: Path, change: Callable[[Path], None]
) -> None:
    (tmp_path / "data").write_bytes(b"x" * 1000)
    file = by_path(read_source(tmp_path))["app/data"]
    assert file.content.read_at(990, 100) == b"x" * 10
    assert file.content.read_at(2000, 5) == b""
    change(tmp_path / "data")
    with pytest.raises(StorageError, match="data"):
        b"".join(file.content.chunks())
    with pytest.raises(StorageError, match="data"):
        file.content.read_at(0, 1)


def test_a_file_that_grows_while_it_is_read_is_noticed(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(b"x" * 600_000)
    pieces = by_path(read_source(tmp_path))["app/log"].content.chunks()
    next(pieces)
    _grown(tmp_path / "log")
    with pytest.raises(StorageError, match="changed while it was read"):
        list(pieces)


def test_reading_keeps_no_file_open(tmp_path: Path) -> None:
    for number in range(50):
        (tmp_path / str(number)).write_bytes(b"x")
    before = len(list(Path("/proc/self/fd").iterdir()))
    tree = read_source(tmp_path)
    assert len(tree.files) == 51
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_what_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="missing: no such file"):
        read_source(tmp_path / "missing")


def _bury(folder: Path, name: str) -> None:
    """A file so deep down that its path is too long for the system, whoever asks."""
    here = os.open(folder, os.O_RDONLY)
    for _ in range(19):
        os.mkdir(name * 210, dir_fd=here)
        below = os.open(name * 210, os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(os.open("file", os.O_CREAT | os.O_WRONLY, dir_fd=here))
    os.close(here)


def test_what_cannot_be_read_is_named_all_of_it(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * (4090 - 19 * 211 - len(str(tmp_path))))
    deep.mkdir()
    for name in "ab":
        _bury(deep, name)
    with pytest.raises(StorageError) as caught:
        read_source(deep)
    assert "/aaaa" in str(caught.value)
    assert "file name too long" in str(caught.value)
    assert "/bbbb" in caught.value.hints[0]
