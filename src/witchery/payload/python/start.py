"""What of a Python application could be started, and what it wants in its environment.

Commands of distributions are started by what they call, not by their scripts: those name an interpreter by a
path of the machine that installed them.
"""

from collections.abc import Iterator

from witchery.payload import programs
from witchery.payload.findings import Program
from witchery.payload.python.facts import MAIN, Facts
from witchery.payload.python.needs import Runtime
from witchery.payload.python.venv import SYSTEM, Venv
from witchery.payload.python.wheels import Distribution, Script, normal
from witchery.payload.tree import Payload

_FIXED = {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONUNBUFFERED": "1", "LANG": "C.UTF-8"}


def environment(payload: Payload, facts: Facts, runtime: Runtime) -> dict[str, str]:
    """The variables that the application wants."""
    found = dict(_FIXED)
    if sites := _path(payload, facts):
        found["PYTHONPATH"] = ":".join(f"/{site}" for site in sites)
    folders = [f"/{each.prefix}/bin" for each in facts.venvs if each.python]
    if runtime.own is not None:
        folders.append("/" + runtime.own.path.rpartition("/")[0])
    if folders:
        found["PATH"] = ":".join([*dict.fromkeys(folders), programs.PATH])
    return found


def started(payload: Payload, facts: Facts, runtime: Runtime) -> tuple[Program, ...]:
    """What could be started; of two names for the same the one that is more likely meant."""
    python = _python(payload, facts, runtime)
    found: dict[tuple[str, ...], Program] = {}
    for each in (*_files(payload, facts, python), *_commands(payload, facts, python)):
        known = found.setdefault(each.argv, each)
        found[each.argv] = min(known, each, key=lambda program: program.rank)
    return tuple(found.values())


def _files(payload: Payload, facts: Facts, python: str) -> Iterator[Program]:
    """The application's own files and packages."""
    top = programs.inside(payload, "")
    for path in facts.sources:
        name = path.rpartition("/")[2]
        own = name.removesuffix(".py") == payload.name.removesuffix(".py")
        rank = 0 if name == MAIN else 1 if own else 2
        yield Program((python, f"/{path}"), "the application's own Python program", rank)
    for held in facts.readable_archives:
        name = held.path.rpartition("/")[2]
        own = payload.name in (name, name.rpartition(".")[0])
        rank = 1 if own else programs.rank(payload, held.path)
        yield Program((python, f"/{held.path}"), "a Python application in a zip file", rank)
    owned = top in {each.site for each in facts.distributions}
    for path in payload.files:
        folder, _, name = path.rpartition("/")
        above, _, module = folder.rpartition("/")
        if name == MAIN and above == top and folder != top and module.isidentifier():
            own = normal(module) == normal(payload.name)
            if own or not owned:
                yield Program((python, "-m", module), "the application's own Python package", 1 if own else 2)


def _commands(payload: Payload, facts: Facts, python: str) -> Iterator[Program]:
    """The commands of distributions."""
    wanted = frozenset[str]().union(*(each.requires for each in facts.distributions))
    for each in facts.distributions:
        for script in each.scripts:
            rank = _rank(payload, each, script, required=each.key in wanted)
            interpreter = _interpreter(facts, each) or python
            yield Program((interpreter, *_arguments(script)), f"`{script.name}` of {each}", rank)


def _arguments(script: Script) -> tuple[str, ...]:
    """How to call what a command calls; a module called `__main__` is one that can be started as such."""
    package, _, last = script.module.rpartition(".")
    if last == "__main__" and package:
        return ("-m", package)
    first = script.callable.partition(".")[0]
    return ("-c", f"import sys; from {script.module} import {first}; sys.exit({script.callable}())")


def _rank(payload: Payload, each: Distribution, script: Script, *, required: bool) -> int:
    """The application's own commands first: it was installed from its folder, or has the payload's name."""
    own = each.is_local or each.key == normal(payload.name)
    if required or not own:
        return 3
    named = normal(script.name) in (each.key, normal(payload.name))
    return 0 if named or len(each.scripts) == 1 else 1


def _python(payload: Payload, facts: Facts, runtime: Runtime) -> str:
    """The interpreter for what belongs to no distribution."""
    usable = [each for each in facts.venvs if each.python]
    if len(usable) == 1:
        return f"/{usable[0].python}"
    if runtime.own is None:
        return SYSTEM
    plain = runtime.own.path.rpartition(".")[0]  # python3 of python3.13
    return f"/{plain}" if payload.locate(plain) == runtime.own.path else f"/{runtime.own.path}"


def _interpreter(facts: Facts, each: Distribution) -> str:
    """That of the virtual environment which holds a distribution; empty where none does."""
    holder = _holder(facts, each.site)
    return f"/{holder.python}" if holder else ""


def _holder(facts: Facts, site: str) -> Venv | None:
    return next((each for each in facts.venvs if each.python and each.holds(site)), None)


def _path(payload: Payload, facts: Facts) -> list[str]:
    """The folders of distributions that no interpreter looks into by itself."""
    prefixes = tuple(f"{each.prefix}/lib/" if each.prefix else "lib/" for each in facts.interpreters)
    found = []
    for site in dict.fromkeys(each.site for each in facts.distributions):
        vendored = any(f"{folder}/__init__.py" in payload.files for folder in _above(site))
        if not vendored and not site.startswith(prefixes) and not _holder(facts, site):
            found.append(site)
    return found


def _above(folder: str) -> Iterator[str]:
    """A folder and all that hold it."""
    while folder:
        yield folder
        folder = folder.rpartition("/")[0]
