"""Everything in an application that speaks of Python, gathered once."""

from collections.abc import Iterable
from typing import NamedTuple

from witchery.payload import programs
from witchery.payload.findings import Finding
from witchery.payload.python import archives as python_zip
from witchery.payload.python import venv, wheels
from witchery.payload.python.archives import Archive
from witchery.payload.python.tags import Extension, extension
from witchery.payload.python.venv import Interpreter, Venv
from witchery.payload.python.wheels import Distribution, Files
from witchery.payload.tree import Payload

MAIN = "__main__.py"
STARTS = ("app.py", "main.py", "manage.py", "wsgi.py", "asgi.py")
"""What the file that starts an application is mostly called."""
_NODE = "/node_modules/"  # has Python inside that only compiles addons


class Facts(NamedTuple):
    """What was found.

    Attributes:
        distributions: What is installed, by path.
        extensions: Compiled modules by path.
        venvs: Virtual environments.
        interpreters: Interpreters that the application brings.
        archives: Applications in one zip file.
        sources: Files at the top that Python runs.
        findings: What could not be read.
    """

    distributions: tuple[Distribution, ...]
    extensions: dict[str, Extension]
    venvs: tuple[Venv, ...]
    interpreters: tuple[Interpreter, ...]
    archives: tuple[Archive, ...]
    sources: tuple[str, ...]
    findings: tuple[Finding, ...]

    @property
    def is_application(self) -> bool:
        """Whether there is anything for an interpreter to run."""
        return bool(
            self.distributions or self.extensions or self.venvs or self.readable_archives or self.sources
        )

    @property
    def readable_archives(self) -> tuple[Archive, ...]:
        """The archives that could be looked into."""
        return tuple(each for each in self.archives if not each.fault)

    @property
    def everything(self) -> tuple[Distribution, ...]:
        """All distributions, those inside archives too."""
        return (*self.distributions, *(each for held in self.archives for each in held.distributions))


def gather(payload: Payload) -> Facts:
    """Looks at every name, and reads what the names promise."""
    paths = [each.path for each in payload if each.is_file and _NODE not in f"/{each.path}"]
    files = Files(dict.fromkeys(paths), payload.elves, lambda path, limit: payload.files[path].read(limit))
    found, findings = wheels.distributions(files)
    extensions = {path: made for path in paths if (made := extension(path.rpartition("/")[2]))}
    return Facts(
        distributions=found,
        extensions=extensions,
        venvs=tuple(venv.environments(payload)),
        interpreters=tuple(venv.interpreters(payload)),
        archives=tuple(python_zip.archives(payload)),
        sources=tuple(_sources(payload, paths, {each.site for each in found})),
        findings=findings,
    )


def _sources(payload: Payload, paths: Iterable[str], sites: set[str]) -> Iterable[str]:
    """The files at the top that start something: called so, like the application, or the only one."""
    top = programs.inside(payload, "")
    start = f"{top}/" if top else ""
    scripts = [
        path
        for path in paths
        if path.endswith(".py") and path == start + path.removeprefix(start).split("/")[0]
    ]
    known = (MAIN, *STARTS, f"{payload.name}.py", payload.name)
    named = [path for path in scripts if path.removeprefix(start) in known]
    others = {f"{start}package.json", f"{start}setup.py"} & payload.files.keys()
    alone = len(scripts) == 1 and not others and top not in sites  # there, it may be an installed module
    return named or (scripts if alone else [])
