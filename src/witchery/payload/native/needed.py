"""The libraries that the application's files need: its own, the C library, and those that packages provide.

A library that the loader finds in the application is private, and nobody's affair. A name of libc's is the C
library. What is nowhere in the application becomes a dependency `so:NAME`.

Rules, all errors: `unreachable-library` (the application has it, but nothing leads the loader there),
`unloadable-library` (what the loader takes for it cannot be loaded), `library-name` (no package can have such
a name), `library-path` (a library is wanted by a path where there is none), `library-limit` (there are too
many to follow); a note: `load-order` (found only if something else was loaded before).
"""

from collections.abc import Iterator, Mapping

from witchery.elf.file import Elf
from witchery.elf.glibc import is_loader
from witchery.loader.loading import Loading, Missing
from witchery.payload.findings import Evidence, Finding, Need, Report, Severity
from witchery.payload.native import libc, sonames
from witchery.payload.native.loads import Loads
from witchery.payload.tree import Payload

_LED_THERE = frozenset({"libjvm.so"})
"""Libraries that are found by other means: Java's launcher sets `LD_LIBRARY_PATH` and starts itself again."""
_LIBRARIES = ("/lib/", "/usr/lib/", "/usr/local/lib/")


def inspect(payload: Payload, elves: Mapping[str, Elf], loads: Loads) -> Report:
    """What the given files of the application need.

    Args:
        payload: The application.
        elves: Those of its ELF files that are for its architecture.
        loads: What they load.
    """
    return _Trace(payload, elves, loads).report()


class _Trace:
    """The needs while they are collected.

    Attributes:
        needs: Evidence by dependency.
        findings: What is wrong.
    """

    def __init__(self, payload: Payload, elves: Mapping[str, Elf], loads: Loads) -> None:
        self._payload = payload
        self._elves = elves
        self._loads = loads
        self._own = sonames.by_name(payload, frozenset(payload.elves.keys() - elves.keys()))
        self.needs: dict[str, dict[Evidence, None]] = {}
        self.findings: dict[Finding, None] = {}

    def report(self) -> Report:
        """Everything about the needed libraries."""
        self._libc()
        loads = self._loads
        for path, reason in loads.refused.items():
            self._error("library-limit", path, reason)
        for found in loads.programs.values():
            for each in found.missing:
                self._missing(each, found)
        preloaded = _by_search(loads)
        for found in loads.plugins.values():
            for each in found.missing:
                if each.name in preloaded and each.name in self._own and each.found is None:
                    message = (
                        f"needs {each.name}, which it finds only after `{preloaded[each.name]}` was loaded"
                    )
                    self.findings[Finding("load-order", Severity.NOTE, each.path, message)] = None
                else:
                    self._missing(each, found)
        return Report(
            needs=tuple(Need(name, tuple(shown)) for name, shown in self.needs.items()),
            findings=tuple(self.findings),
            private=tuple(dict.fromkeys(_private(loads))),
        )

    def _libc(self) -> None:
        if libc.is_own(self._payload):
            return
        for path, elf in self._elves.items():
            if name := next(filter(libc.is_libc, elf.needed), None):
                self._need(libc.dependency(self._payload.arch), path, f"needs {name}")
            elif libc.is_musl(elf) and self._payload.locate(elf.interpreter or "") is None:
                self._need(libc.dependency(self._payload.arch), path, f"starts through {elf.interpreter}")

    def _need(self, dependency: str, path: str, what: str) -> None:
        self.needs.setdefault(dependency, {})[Evidence(path, what)] = None

    def _missing(self, missing: Missing, found: Loading) -> None:
        """A library that the loader does not find in the application."""
        path, name = missing.path, missing.name
        if libc.is_libc(name) or is_loader(name) or name == found.start.elf.interpreter:
            return  # spoken of elsewhere
        if missing.found is not None:
            message = f"needs {name}, and the loader takes `{missing.found}` for it: {missing.reason}"
            self._error("unloadable-library", path, message)
        elif "/" in name:
            self._wanted_by_path(path, name)
        elif not sonames.is_name(name):
            self._error(
                "library-name", path, f"needs a library of a name that no package has: `{name[:80]!r}`"
            )
        elif name not in self._own:
            self._need(f"so:{name}", path, f"needs {name}")
        elif name not in _LED_THERE:
            self._unreachable(path, name)

    def _wanted_by_path(self, path: str, name: str) -> None:
        base = name.rpartition("/")[2]
        if name.startswith(_LIBRARIES) and sonames.is_name(base):
            self._need(f"so:{base}", path, f"needs {name}")
        else:
            hint = f"Let it name the library alone: `patchelf --replace-needed {name} {base} {path}`."
            self._error("library-path", path, f"needs a library by its path, `{name[:80]}`", hint)

    def _unreachable(self, path: str, name: str) -> None:
        place = min(self._own[name], key=lambda each: (len(_relative(path, each)), each))
        message = f"needs {name}, which is at {place}, but no RPATH reaches it"
        elf = self._payload.elf(path)
        change = "--add-rpath" if elf and elf.dynamic and any(elf.dynamic.search_path) else "--set-rpath"
        folder = place.rpartition("/")[0]
        self._error(
            "unreachable-library",
            path,
            message,
            f"Let it look there: `patchelf {change} '{_relative(path, place)}' {path.rpartition('/')[2]}`.",
            f"Or set `LD_LIBRARY_PATH=/{folder}` in `environment`.",
            f"Or take Alpine's, `-p so:{name}`, and acknowledge `unreachable-library`.",
        )

    def _error(self, rule: str, path: str, message: str, *hints: str) -> None:
        self.findings[Finding(rule, Severity.ERROR, path, message, hints)] = None


def _relative(path: str, library: str) -> str:
    """The run path by which a file finds a library: `$ORIGIN/../lib`."""
    here, there = path.split("/")[:-1], library.split("/")[:-1]
    common = 0
    while common < min(len(here), len(there)) and here[common] == there[common]:
        common += 1
    return "/".join(["$ORIGIN", *[".."] * (len(here) - common), *there[common:]])


def _by_search(loads: Loads) -> dict[str, str]:
    """What plugins have loaded by its name, and what loads it: such a name is not searched for again."""
    found: dict[str, str] = {}
    for path, each in loads.plugins.items():
        for loaded in each.loaded:
            if loaded.loaded_by is not None:
                found.setdefault(loaded.name.rpartition("/")[2], path)
    return found


def _private(loads: Loads) -> Iterator[tuple[str, str]]:
    for found in (*loads.programs.values(), *loads.plugins.values()):
        for each in found.loaded:
            if each.loaded_by is not None:
                yield each.path, each.loaded_by
