"""`witchery scan` and the application's side of `witchery build`, as their user sees them."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from support.command import Command, process
from support.elf_files import ElfFile, Sym
from support.shared import needs_shared
from witchery.store import layout

pytestmark = needs_shared

MUSL = "/lib/ld-musl-x86_64.so.1"


def program(
    path: Path,
    needed: Sequence[str] = ("libz.so.1", "libc.musl-x86_64.so.1"),
    rodata: bytes = b"",
    imports: Sequence[str] = (),
) -> Path:
    """A program for musl that could be started, if it had any code."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(
        ElfFile(
            interpreter=MUSL,
            needed=needed,
            symbols=[Sym(name) for name in imports],
            sections={".rodata": rodata},
        )
        .build()
        .data
    )
    path.chmod(0o755)
    return path


def document(witchery: Command, *words: str | Path) -> Any:
    done = witchery(*words, "--json")
    assert done.status == 0, done.err
    return json.loads(done.out)


def test_a_file_is_told_with_its_needs_and_why(witchery: Command) -> None:
    done = witchery("scan", program(Path("dist/hello")))
    assert done.status == 0
    assert done.err.splitlines()[:5] == [
        "hello: dynamic musl program",
        "├─ so:libc.musl-x86_64.so.1",
        "│     app/hello: needs libc.musl-x86_64.so.1",
        "└─ so:libz.so.1",
        "      app/hello: needs libz.so.1",
    ]
    assert done.out == ""


def test_a_program_gets_the_same_as_a_person(witchery: Command) -> None:
    found = document(witchery, "scan", program(Path("dist/hello")))
    assert found["schema"] == "dev.witchery.scan/1"
    assert found["needs"] == [
        {
            "dependency": "so:libc.musl-x86_64.so.1",
            "evidence": [{"path": "app/hello", "what": "needs libc.musl-x86_64.so.1"}],
        },
        {"dependency": "so:libz.so.1", "evidence": [{"path": "app/hello", "what": "needs libz.so.1"}]},
    ]
    assert found["programs"][0]["argv"] == ["/app/hello"]


def test_an_error_makes_the_answer_no(witchery: Command) -> None:
    Path("dist").mkdir()
    Path("dist/ls").write_bytes(Path("/bin/ls").read_bytes())
    Path("dist/ls").chmod(0o755)
    done = witchery("scan", "dist")
    assert done.status == 1
    assert "made for glibc" in done.err
    assert witchery("scan", "dist", "--acknowledge", "glibc:/app/ls").status == 0
    unknown = witchery("scan", "dist", "--acknowledge", "glib")
    assert unknown.status == 2
    assert "did you mean `glibc`?" in unknown.err


def test_a_package_is_scanned_as_it_would_be_installed(witchery: Command, boot_set: Path) -> None:
    found = document(witchery, "scan", boot_set / "x86_64/wget-1.21.4-r0.apk")
    assert found["name"] == "wget"
    assert {need["dependency"] for need in found["needs"]} == {
        "so:libc.musl-x86_64.so.1",
        "so:libcrypto.so.3",
        "so:libidn2.so.0",
        "so:libpcre2-8.so.0",
        "so:libssl.so.3",
        "so:libz.so.1",
    }
    assert found["needs"][0]["evidence"][0]["path"] == "usr/bin/wget"


@pytest.mark.parametrize("form", ["oci:image", "image.tar", "rootfs:tree", "image"])
def test_an_image_is_scanned_and_linked_in_every_form(witchery: Command, wget: Path, form: str) -> None:
    output = "oci:image" if form == "image" else form
    assert witchery("build", wget, "-o", output).status == 0
    found = document(witchery, "scan", form)
    needed = {need["dependency"] for need in found["needs"]}
    assert needed == {"cmd:env", "cmd:perl"}, "two scripts of openssl; every library is there"
    linked = {each["path"]: each for each in found["linked"]}
    assert linked["usr/bin/wget"]["verdict"] == "loads"
    assert linked["usr/bin/wget"]["objects"][1:3] == [
        "usr/lib/libpcre2-8.so.0.11.2",
        "usr/lib/libidn2.so.0.3.8",
    ]
    assert all(each["verdict"] != "does not load" for each in found["linked"])


def test_an_image_that_lacks_a_library_says_so(witchery: Command, wget: Path) -> None:
    assert witchery("build", wget, "-o", "rootfs:tree").status == 0
    Path("tree/lib/libz.so.1").unlink()
    done = witchery("scan", "rootfs:tree")
    assert done.status == 1
    assert "usr/bin/wget: needs `libz.so.1`" in done.err


def test_a_configuration_is_scanned_for_its_application(witchery: Command, wget: Path) -> None:
    program(Path("dist/hello"))
    Path("app.yaml").write_text("payload: ./dist\n")
    assert document(witchery, "scan", "app.yaml")["programs"][0]["argv"] == ["/app/hello"]
    refused = witchery("scan", wget)
    assert refused.status == 2
    assert "names no application" in refused.err


def test_an_image_says_which_package_meets_which_need(witchery: Command, boot_set: Path) -> None:
    hello = program(Path("dist/hello"))
    found = document(witchery, "build", hello, "-X", boot_set, "-o", "oci:image")
    assert {need["dependency"]: need["package"] for need in found["application"]["needs"]} == {
        "so:libc.musl-x86_64.so.1": "musl-1.2.4_git20230717-r4",
        "so:libz.so.1": "zlib-1.3.1-r0",
    }
    assert found["application"]["package"] == "payload-hello-0-r0"
    assert found["entrypoint"] == ["/app/hello"]
    assert [layer["kind"] for layer in found["layers"]] == ["signed", "signed", "payload", "top"]
    image = layout.read(Path("image")).image("", None)
    execution = image.config.execution
    assert (execution.entrypoint, execution.working_dir, execution.user) == (("/app/hello",), "/app", "65532")


def test_suggestions_are_taken_only_when_that_is_asked_for(witchery: Command, boot_set: Path) -> None:
    hello = program(Path("dist/hello"), rodata=b"/etc/ssl/certs\0libnever.so.1\0", imports=["dlopen"])
    build = ("build", hello, "-X", boot_set, "-o", "oci:image")
    shy = witchery(*build)
    assert "may need ca-certificates-bundle" in shy.err
    assert "ca-certificates-bundle" not in json.loads(witchery(*build, "--json").out)["packages"]
    bold = witchery(*build, "--accept-suggestions")
    assert bold.status == 0, bold.err
    assert "added as suggested: ca-certificates-bundle" in bold.err
    assert "suggested, but in no repository: so:libnever.so.1" in bold.err
    assert "may need ca-certificates-bundle" not in bold.err
    given = witchery(*build, "-p", "ca-certificates-bundle")
    assert "may need ca-certificates-bundle" not in given.err, "it is there"


def test_what_needs_no_package_needs_no_network(tmp_path: Path) -> None:
    """Nobody named a repository, and nothing is wanted of one."""
    static = tmp_path / "dist/static"
    static.parent.mkdir()
    static.write_bytes(ElfFile(dynamic=False, type=2).build().data)
    static.chmod(0o755)
    done = process("build", static, "-o", "oci:image", "--arch", "x86_64", "--offline", cwd=tmp_path)
    assert done.status == 0, done.err
    assert "needs no package" in done.err


def test_without_a_repository_those_of_the_release_are_asked(witchery: Command) -> None:
    hello = program(Path("dist/hello"))
    done = witchery("build", hello, "--release", "3.20", "--offline", "-o", "oci:image")
    assert done.status == 5
    assert "/v3.20/main/x86_64/APKINDEX.tar.gz" in done.err
    assert not Path("image").exists()


def test_a_user_prefers_a_release_and_a_mirror(tmp_path: Path) -> None:
    config = tmp_path / "xdg/witchery/config.yaml"
    config.parent.mkdir(parents=True)
    config.write_text("release: v3.21\nmirror: https://mirror.example.org/alpine\n")
    program(tmp_path / "dist/hello")
    words = ("build", "dist/hello", "--arch", "x86_64", "--offline", "-o", "oci:image")
    done = process(*words, cwd=tmp_path, env={"XDG_CONFIG_HOME": str(tmp_path / "xdg")})
    assert "https://mirror.example.org/alpine/v3.21/main" in done.err
    done = process(
        *words, cwd=tmp_path, env={"XDG_CONFIG_HOME": str(tmp_path / "xdg"), "WITCHERY_RELEASE": "edge"}
    )
    assert "https://mirror.example.org/alpine/edge/main" in done.err


def test_files_in_a_folder_that_is_taken_whole_keep_their_place(witchery: Command, boot_set: Path) -> None:
    program(Path("dist/bin/hello"), needed=())
    Path("dist/data").mkdir()
    Path("dist/data/x.txt").write_text("text")
    Path("dist/.hidden").write_text("kept")
    Path("dist/link").symlink_to("data/x.txt")
    done = witchery("build", "dist", "-X", boot_set, "-o", "rootfs:tree")
    assert done.status == 0, done.err
    assert Path("tree/app/data/x.txt").read_text() == "text"
    assert Path("tree/app/.hidden").read_text() == "kept"
    assert Path("tree/app/link").readlink() == Path("data/x.txt")


def test_an_empty_folder_is_no_application(witchery: Command) -> None:
    Path("dist").mkdir()
    done = witchery("build", "dist", "--offline")
    assert done.status == 2
    assert "there is no file in the application: `dist`" in done.err
