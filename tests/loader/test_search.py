"""Where a library is looked for: run paths, `$ORIGIN`, the default path."""

import pytest

from support.elf_roots import library, world
from witchery.elf.file import read
from witchery.loader.search import DEFAULT_PATH, Found, find, is_libc, path_file, runpath


@pytest.mark.parametrize(
    ("name", "own"),
    [
        ("libc.so", True),
        ("libc.musl-x86_64.so.1", True),
        ("libm.so.6", True),
        ("libpthread.so.0", True),
        ("libxnet.so", True),
        ("libcrypto.so.3", False),
        ("libc", False),
        ("libmagic.so.1", False),
        ("xlibc.so", False),
    ],
)
def test_musl_answers_to_the_names_of_libc(name: str, own: bool) -> None:
    assert is_libc(name) is own


@pytest.mark.parametrize(
    ("text", "folders"),
    [
        ("/opt/lib:/usr/lib", ("opt/lib", "usr/lib")),
        ("$ORIGIN/../lib", ("app/bin/../lib",)),
        ("${ORIGIN}/lib:$ORIGIN", ("app/bin/lib", "app/bin")),
        (":/opt/lib::", ("opt/lib",)),
        ("/opt/lib\n/srv", ("opt/lib", "srv")),
        ("lib:./lib: /opt", ()),
        ("$ORIGINAL", ("app/binAL",)),
        ("$LIB:/opt/lib", ()),
        ("/opt/lib:$PLATFORM/$ORIGIN", ()),
        ("$$ORIGIN", ()),
        ("", ()),
        ("/", ("",)),
    ],
)
def test_a_run_path_gives_absolute_folders_or_nothing_where_a_variable_is_unknown(
    text: str, folders: tuple[str, ...]
) -> None:
    for tag in ("rpath", "runpath"):
        elf = read(library(**{tag: text}).build().data)
        assert runpath(elf, "app/bin/hello") == folders


def test_the_newer_run_path_holds_where_there_are_both_and_the_origin_of_the_top_is_empty() -> None:
    elf = read(library(rpath="/old", runpath="/new:$ORIGIN/lib:$ORIGIN").build().data)
    assert runpath(elf, "hello") == ("new", "lib")


def test_a_path_file_is_split_at_colons_and_lines_and_may_leave_nothing() -> None:
    assert path_file("/lib:/opt/lib\n\n/srv/lib\n") == ("lib", "opt/lib", "srv/lib")
    assert path_file("") == ()


def test_run_paths_are_asked_from_the_nearest_on_and_the_default_path_last() -> None:
    places = ("own/libx.so", "above/libx.so", "lib/libx.so", "usr/local/lib/libx.so", "usr/lib/libx.so")
    for count in range(len(places)):
        root = world(dict.fromkeys(places[count:], b""))
        found = find("libx.so", [("own",), ("above",)], root)
        assert found == Found(places[count], places[count])
    assert find("libx.so", [("own",)], world({})) is None
    assert DEFAULT_PATH == ("lib", "usr/local/lib", "usr/lib")


def test_the_path_as_searched_is_kept_beside_the_real_one() -> None:
    root = world({"opt/real/libx.so.1": b""}, {"usr/lib/libx.so": "/opt/real/libx.so.1", "app/up": ".."})
    assert find("libx.so", [], root) == Found("usr/lib/libx.so", "opt/real/libx.so.1")
    through = find("libx.so", [("app/up/usr/lib/../lib",)], root)
    assert through == Found("app/up/usr/lib/../lib/libx.so", "opt/real/libx.so.1")


def test_a_name_with_a_slash_is_a_path_and_a_relative_one_leads_nowhere() -> None:
    root = world({"opt/libx.so": b"", "lib/opt/libx.so": b""})
    assert find("/opt/libx.so", [("lib",)], root) == Found("opt/libx.so", "opt/libx.so")
    assert find("opt/libx.so", [("lib",)], root) is None
    assert find("./libx.so", [("opt",)], root) is None


def test_names_and_paths_that_are_too_long_for_musl_are_not_found() -> None:
    deep = "d" * 250
    fits, beyond = f"{deep}/{deep[1:]}/d", f"{deep}/{deep}/d"
    assert len(f"/{fits}/libx.so") == 511  # the longest that musl 1.2.4 was seen to open
    places = (f"{fits}/libx.so", f"{beyond}/libx.so", "lib/" + "n" * 255, "lib/" + "n" * 256)
    root = world(dict.fromkeys(places, b""))
    assert find("libx.so", [(fits,)], root) is not None
    assert find("libx.so", [(beyond,)], root) is None
    assert find("n" * 255, [], root) is not None
    assert find("n" * 256, [], root) is None
    assert find("", [], root) is None
    assert find("/" + "../" * 1400 + "lib/" + "n" * 255, [], root) is None
