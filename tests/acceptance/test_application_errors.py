"""What cannot become an image: each is refused before anything is written, with the way out.

Where the way out can be taken here, it is taken, and works.
"""

import shutil
import struct
import subprocess
import sys
import venv
from collections.abc import Callable
from pathlib import Path

import pytest

from support import real_applications
from support.peers import need
from support.shared import needs_shared, repository
from support.workbench import Workbench

pytestmark = [pytest.mark.peer, needs_shared]

PROGRAM_HEADERS, COUNT = 32, 56
"""Where an ELF header has the place and the number of program headers."""


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Workbench:
    """Builds from 195 official packages of 3.19."""
    need("musl-gcc", root=False)
    folder = tmp_path_factory.mktemp("bench")
    return Workbench(folder, repository("v3.19-x86_64", folder))


@pytest.fixture(scope="module")
def hello(bench: Workbench) -> bytes:
    return real_applications.hello(bench.folder / "c").read_bytes()


def test_a_program_for_glibc_is_refused_with_four_ways_to_one_for_musl(bench: Workbench) -> None:
    said = bench.refuse("/bin/ls")
    assert "error: app/ls: was made for glibc, and Alpine has musl" in said
    assert "it starts through /lib64/ld-linux-x86-64.so.2, wants GLIBC_2." in said
    for way in ("on Alpine", "`zig cc -target x86_64-linux-musl`", "`-static`", "`--allow-gcompat`"):
        assert way in said


def test_what_was_opted_in_for_is_said_to_be_missing_where_no_repository_has_it(bench: Workbench) -> None:
    said = bench.refuse("/bin/ls", "--allow-gcompat", status=4)
    assert "gcompat" in said
    assert "is needed by app/ls: " in said


def test_a_manylinux_wheel_is_refused_with_the_command_that_gets_the_right_one(bench: Workbench) -> None:
    said = bench.refuse(real_applications.manylinux(bench.folder / "wheel"))
    assert (
        "MarkupSafe 3.0.2 is a wheel for glibc (cp312-cp312-manylinux_2_17_x86_64), and Alpine has musl"
        in said
    )
    assert (
        "--platform musllinux_1_2_x86_64 --only-binary=:all: --python-version 3.12 markupsafe==3.0.2`" in said
    )


def test_a_library_that_no_rpath_reaches_is_refused_and_loads_when_told_where_to_look(
    bench: Workbench,
) -> None:
    need("runc")
    app = real_applications.answering(bench.folder / "lost", exports=("answer", "more"))
    said = bench.refuse(app)
    assert (
        "error: app/bin/answering: needs libanswer.so.1, which is at app/vendor/libanswer.so.1, but no RPATH"
        " reaches it [unreachable-library]" in said
    )
    (rpath,) = {line.split("'")[1] for line in said.splitlines() if "--set-rpath" in line}
    shutil.rmtree(app)
    app = real_applications.answering(bench.folder / "lost", exports=("answer", "more"), rpath=rpath)
    image = bench.build(app, "found")
    assert image.run().status == 0
    assert "its own libraries: app/vendor/libanswer.so.1" in image.screen


def test_a_symbol_that_a_library_lost_is_refused_as_the_loader_would(bench: Workbench) -> None:
    need("runc")
    app = real_applications.answering(bench.folder / "less", exports=("answer",), rpath="$ORIGIN/../vendor")
    said = bench.refuse(app)
    assert (
        "error: app/bin/answering: wants the symbol `more`, which nothing that is loaded with it has" in said
    )
    libraries = "`app/vendor/libanswer.so.1`, `lib/ld-musl-x86_64.so.1` of the package `musl`"
    assert f"hint: Loaded with it: {libraries}." in said
    assert "build the file against the libraries of this release" in said
    config = app.with_suffix(".json")
    config.write_text(
        '{"payload": [{"source": "answering"}], "scan": {"acknowledge": ['
        '{"rule": "unresolved-symbol", "path": "app/bin/answering"}]}}'
    )
    done = bench.build(config, "known").run()
    assert done.status == 127
    assert "Error relocating /app/bin/answering: more: symbol not found" in done.err


def test_a_virtual_environment_whose_python_stays_outside_is_refused(bench: Workbench) -> None:
    app = bench.folder / "with-venv"
    venv.create(app / "env", with_pip=False, symlinks=True)
    (app / "app.py").write_text("print(1)\n")
    said = bench.refuse(app)
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    assert "error: app/env/bin/python3" in said
    assert ": the Python of this virtual environment is not in the image" in said
    install = "`pip install --target site-packages --platform musllinux_1_2_x86_64 --only-binary=:all:"
    assert f"{install} --python-version {version} REQUIREMENTS`" in said
    assert "`ln -sfn /usr/bin/python3 env/bin/python3" in said


def test_a_program_for_another_machine_is_refused_and_builds_for_that_machine(bench: Workbench) -> None:
    program = real_applications.esbuild(bench.folder / "arm", "linux-arm64")
    said = bench.refuse(program)
    assert "error: app/esbuild: is for aarch64, and the image is for x86_64 [foreign-architecture]" in said
    assert "Or build the image for it: `--arch aarch64`." in said
    arm = Workbench(bench.folder, repository("v3.13-aarch64", bench.folder), "aarch64")
    assert arm.build(program, "arm-image").config["architecture"] == "arm64"


def _truncated(data: bytes) -> bytes:
    return data[: len(data) // 4]


def _counted(data: bytes) -> bytes:
    """As many program headers as the field can say."""
    return data[:COUNT] + b"\xff\xff" + data[COUNT + 2 :]


def _without(data: bytes) -> bytes:
    """No program headers where there should be some."""
    return data[:PROGRAM_HEADERS] + bytes(8) + data[PROGRAM_HEADERS + 8 :]


def _beyond(data: bytes) -> bytes:
    """Program headers behind the end, where adding their size overflows 64 bits."""
    return data[:PROGRAM_HEADERS] + struct.pack("<Q", 2**64 - 64) + data[PROGRAM_HEADERS + 8 :]


@pytest.mark.parametrize(
    "hostile", [_truncated, _counted, _without, _beyond], ids=lambda each: each.__name__.strip("_")
)
def test_a_damaged_or_hostile_program_is_refused_and_nothing_else_happens(
    hostile: Callable[[bytes], bytes], hello: bytes, bench: Workbench, tmp_path: Path
) -> None:
    program = real_applications.put(tmp_path / "program", hostile(hello), 0o755)
    said = bench.refuse(program)
    assert said.startswith("error: app/program: damaged ELF file: ")
    assert "hint: Copy or build it again." in said
    assert "Traceback" not in said


def test_libraries_that_need_each_other_are_no_reason(bench: Workbench) -> None:
    need("runc")
    app = bench.folder / "circle"
    one, two = app / "lib/libone.so", app / "lib/libtwo.so"
    declared = "int one(void); int two(void);\n"
    library = ("-shared", "-fPIC", "-Wl,-rpath,$ORIGIN")
    real_applications.compiled(
        two, f"{declared}int two(void) {{ return 2; }}", *library, "-Wl,-soname,libtwo.so"
    )
    code = f"{declared}int one(void) {{ return two() - 1; }}"
    real_applications.compiled(one, code, *library, "-Wl,-soname,libone.so", str(two))
    code = f"{declared}int two(void) {{ return 2; }} int three(void) {{ return one(); }}"
    real_applications.compiled(two, code, *library, "-Wl,-soname,libtwo.so", str(one))
    code = f"{declared}int main(void) {{ return one() - 1; }}"
    real_applications.compiled(app / "circle", code, "-Wl,-rpath,$ORIGIN/lib", str(one))
    image = bench.build(app, "circle-image")
    assert image.run().status == 0
    assert image.linked()["app/lib/libtwo.so"]["objects"]


def test_a_program_that_is_not_in_the_image_is_refused_with_those_that_are(bench: Workbench) -> None:
    program = real_applications.hello(bench.folder / "named")
    for wrong in ("helo", "/app/bin/hello", "/bin/sh"):
        said = bench.refuse(program, "--entrypoint", wrong)
        assert f"error: the program to start is not in the image: `{wrong}` [no-such-program]" in said
        assert "There is `/app/hello`." in said
        assert f"`-p cmd:{wrong.rpartition('/')[2]}`" in said
    for right in ("hello", "./hello", "/app/hello"):
        image = bench.build(program, f"named-{len(right)}", "--entrypoint", right)
        assert image.config["config"]["Entrypoint"] == ["/app/hello"]


def test_several_reasons_are_told_at_once(bench: Workbench, hello: bytes) -> None:
    app = bench.folder / "several"
    real_applications.put(app / "hello", hello, 0o755)
    real_applications.put(app / "bin/cut", hello[:3000], 0o755)
    real_applications.put(app / "bin/ls", Path("/bin/ls").read_bytes(), 0o755)
    subprocess.run(["openssl", "genrsa", "-out", app / "server.key", "2048"], check=True, capture_output=True)
    said = bench.refuse(app)
    errors = [line for line in said.splitlines() if line.startswith("error: ")]
    assert {line.rpartition(" ")[2] for line in errors} == {"[damaged-elf]", "[glibc]", "[private-key]"}
