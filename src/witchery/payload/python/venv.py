"""Interpreters of Python inside an application, and virtual environments (PEP 405).

A virtual environment has no interpreter of its own: `bin/python` is a link to the one that made it, or a copy
that still looks for its standard library where `home` in `pyvenv.cfg` points. Such a link is of use where it
leads into the application, or to `/usr/bin/python3`, where Alpine's package has it.

Rules: `venv-outside` (error: its Python is not in the image), `venv-shebang` (warning: its scripts cannot be
started by their names).
"""

import re
from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

from witchery.errors import FormatError, Refused
from witchery.payload.classify import FileKind
from witchery.payload.findings import Finding, Severity
from witchery.payload.python.tags import Version, dotted, machine
from witchery.payload.tree import Payload

CONFIG = "pyvenv.cfg"
SYSTEM = "/usr/bin/python3"
"""Where Alpine's package `python3` has its interpreter."""
MAX_ENVIRONMENTS = 64
"""How many environments of an application are looked at."""
_CONFIG_LIMIT = 1 << 16
_INTERPRETER = re.compile(r"(?:(?P<prefix>.*)/)?bin/python3\.(?P<minor>[0-9]{1,2})")
_SYSTEM = re.compile(r"usr/bin/python(?:3(?:\.[0-9]{1,2})?)?")
_VERSION = re.compile(r"3\.([0-9]{1,2})(?:[.a-z+].*)?")
_NAMES = ("python3", "python")


class Interpreter(NamedTuple):
    """A Python that the application brings along.

    Attributes:
        path: The program.
        prefix: The folder above its `bin` and `lib`.
        version: Its version.
    """

    path: str
    prefix: str
    version: Version


class Venv(NamedTuple):
    """A virtual environment.

    Attributes:
        prefix: Its folder.
        config: Its `pyvenv.cfg`.
        version: Of the Python that made it; None where it does not say.
        home: The folder of that Python, as written.
        python: Its interpreter, the name by which it can be started; empty where that leads nowhere.
        lead: Where the interpreter really is, in the image.
    """

    prefix: str
    config: str
    version: Version | None
    home: str
    python: str
    lead: str

    def holds(self, path: str) -> bool:
        """Whether a path lies inside it."""
        return path.startswith(f"{self.prefix}/")


def interpreters(payload: Payload) -> Iterator[Interpreter]:
    """The interpreters that the application brings, each with its standard library."""
    for path in payload.elves:
        found = _INTERPRETER.fullmatch(path)
        if found and has_library(payload, found["prefix"] or "", (3, int(found["minor"]))):
            yield Interpreter(path, found["prefix"] or "", (3, int(found["minor"])))


def has_library(payload: Payload, prefix: str, version: Version) -> bool:
    """Whether Python's standard library stands below a folder."""
    start = f"{prefix}/lib/python" if prefix else "lib/python"
    library = start + dotted(version)
    known = [f"{library}/{name}" for name in ("os.py", "os.pyc", "encodings/__init__.py")]
    return any(path in payload.files for path in (*known, f"{start}3{version[1]}.zip"))


def environments(payload: Payload) -> Iterator[Venv]:
    """The virtual environments of the application."""
    configs = (each for each in payload if each.name == CONFIG and each.is_file)
    for each in islice(configs, MAX_ENVIRONMENTS):
        try:
            text = each.read(_CONFIG_LIMIT).decode(errors="replace")
        except FormatError:
            continue
        yield _venv(payload, each.path, text)


def findings(payload: Payload, venv: Venv) -> Iterator[Finding]:
    """What is wrong with one."""
    broken = None if venv.python else next(_pythons(payload, venv.prefix), None)
    if broken is not None:
        yield _outside(payload, venv, _leaving(payload, broken))
    shebangs = dict(_shebangs(payload, venv))
    if shebangs:
        path, interpreter = next(iter(shebangs.items()))
        count = "a script" if len(shebangs) == 1 else f"{len(shebangs)} scripts"
        yield Finding(
            "venv-shebang",
            Severity.WARNING,
            path,
            f"{count} of the virtual environment cannot be started by name: no `{interpreter}` in the image",
            (
                "Start the module instead, `python3 -m MODULE`, as the programs found here do.",
                f"Or create the environment at the path that it has in the image: `/{venv.prefix}`.",
            ),
        )


def _venv(payload: Payload, config: str, text: str) -> Venv:
    pairs = (line.partition("=") for line in text.splitlines()[:200])
    said = {key.strip().lower(): value.strip() for key, _, value in pairs}
    prefix = config.rpartition("/")[0]
    found = _VERSION.fullmatch(said.get("version", said.get("version_info", "")))
    version = (3, int(found[1])) if found else None
    home = said.get("home", "")[:4096]
    made = Venv(prefix, config, version, home, "", "")
    for path in _pythons(payload, prefix):
        lead = _lead(payload, path)
        if _SYSTEM.fullmatch(lead) or _starts(payload, made, lead):
            return made._replace(python=path, lead=lead)
    return made


def _pythons(payload: Payload, prefix: str) -> Iterator[str]:
    """The interpreters in an environment's folder of programs, the best name first."""
    for name in _NAMES:
        if f"{prefix}/bin/{name}" in payload.files:
            yield f"{prefix}/bin/{name}"


def _lead(payload: Payload, path: str) -> str:
    try:
        return payload.links.follow(path)
    except Refused:
        return ""


def _starts(payload: Payload, venv: Venv, lead: str) -> bool:
    """Whether an interpreter inside the application finds its standard library."""
    if lead not in payload.elves:
        return False
    if not lead.startswith(f"{venv.prefix}/"):
        return True
    # A copy: it looks for its library beside `home`.
    if venv.home in ("/usr/bin", "/usr/bin/"):
        return True
    above = venv.home.strip("/").rpartition("/")[0]
    return venv.version is not None and any(
        has_library(payload, prefix, venv.version) for prefix in (venv.prefix, above)
    )


def _leaving(payload: Payload, path: str) -> str:
    """The last link inside the application on the way from a path out of it."""
    for _ in range(8):
        entry = payload.files[path].entry
        if not entry.target or entry.target.startswith("/"):
            return path
        try:
            ahead = payload.links.beside(path, entry.target)
        except Refused:
            return path
        if ahead not in payload.files:
            return path
        path = ahead
    return path


def _outside(payload: Payload, venv: Venv, path: str) -> Finding:
    target = payload.files[path].entry.target
    wrong = f"leads to `{target}`" if target else f"is a copy that looks for its library in `{venv.home}`"
    version = dotted(venv.version or (3,))
    options = f"--platform musllinux_1_2_{machine(payload.arch)} --only-binary=:all:"
    if venv.version:
        options += f" --python-version {version}"
    return Finding(
        "venv-outside",
        Severity.ERROR,
        path,
        f"the Python of this virtual environment is not in the image: it {wrong}",
        (
            (
                "Install the packages beside the application instead: "
                f"`pip install --target site-packages {options} REQUIREMENTS`."
            ),
            (
                f"Or let it use Alpine's Python, if that is {version}: "
                f"`ln -sfn {SYSTEM} {_relative(payload, path)}`, and `home = /usr/bin` in {CONFIG}."
            ),
            "`python3 -m venv --copies` does not help: a copy still needs the library of where it was made.",
        ),
    )


def _relative(payload: Payload, path: str) -> str:
    return path.removeprefix(f"{payload.root}/")


def _shebangs(payload: Payload, venv: Venv) -> Iterator[tuple[str, str]]:
    """Scripts that name an interpreter which is not there."""
    start = f"{venv.prefix}/bin/"
    for each in payload.below(f"{venv.prefix}/bin"):
        if each.kind is not FileKind.SCRIPT or "/" in each.path[len(start) :]:
            continue
        words = each.head[2:256].partition(b"\n")[0].decode(errors="replace").split()
        known = ("/usr/bin/", "/bin/")
        if words and "python" in words[0] and not words[0].startswith(known):
            lead = _lead(payload, words[0])
            if lead not in payload.files and not _SYSTEM.fullmatch(lead):
                yield each.path, words[0]
