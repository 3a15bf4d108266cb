"""What does not load, in words, and what would help.

Rules of the findings:

- `unresolved-library`: an object needs a library that the loader does not find, or cannot load.
- `unresolved-symbol`: an object wants a symbol that nothing has which is loaded with it.
- `link-limit`: an object loads more than any real one.
- `unproven`: linking fails, and in files for another libc: whether they run is another question.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol

from witchery.apk.index import Index
from witchery.elf.file import Elf
from witchery.loader.loading import Missing
from witchery.loader.proof import Broken, Linked, Problem, Proof, Verdict
from witchery.loader.search import is_libc
from witchery.loader.symbols import Names, Unresolved
from witchery.payload.findings import Finding, Severity

_SHOWN = 4
"""How many symbols of one object, or places of one library, are named; more are counted."""

_HOSTS = {
    "Python": ("Py", "_Py"),
    "Node": ("napi_", "_ZN2v8", "_ZN4node"),
    "PHP": ("zend_", "php_"),
    "Ruby": ("rb_",),
    "Perl": ("Perl_", "PL_"),
    "Lua": ("lua_", "luaL_"),
}
"""How the names begin that programs have for their plugins."""
_RELEASE_HINT = (
    "If a library lost it, or has it only later: build the file against the libraries of this"
    " release, or the image from another release: `--release`."
)


class Places(Protocol):
    """Where files are in an image, for hints."""

    def named(self, name: str) -> tuple[str, ...]:
        """The paths of all files and links of a name, in order."""
        ...

    def owner(self, path: str) -> str:
        """The name of the package that brings a file; empty where none does."""
        ...

    def libraries(self) -> Iterable[str]:
        """The real paths of libraries that may have what others lack, the likeliest first."""
        ...

    def elf(self, path: str) -> Elf | None:
        """The ELF file at a real path, or None where it is something else."""
        ...


def findings(
    proof: Proof, places: Places | None = None, indexes: Sequence[Index] = ()
) -> tuple[Finding, ...]:
    """The findings of a proof; what several objects meet is told once.

    Args:
        proof: The objects, linked.
        places: Where files are in the image, to tell where something is that is missing.
        indexes: The indexes that were searched, to name packages that would help.
    """
    return tuple(_Findings(places, indexes).of(proof))


class _Findings:
    """Findings in the making."""

    def __init__(self, places: Places | None, indexes: Sequence[Index]) -> None:
        self._places = places
        self._indexes = indexes
        self._exports: dict[str, frozenset[str]] = {}

    def of(self, proof: Proof) -> Iterator[Finding]:
        """The findings of a proof; what several objects meet is told once."""
        if unproven := [linked.path for linked in proof if linked.verdict is Verdict.UNPROVEN]:
            message = f"made for another libc than musl, so not proven to load: {_several(unproven)}"
            yield Finding("unproven", Severity.NOTE, "", message)
        told: set[Problem] = set()
        for linked in proof.failing:
            symbols: dict[str, list[str]] = {}
            for problem in linked.problems:
                if problem in told:
                    continue
                told.add(problem)
                if isinstance(problem, Unresolved):
                    symbols.setdefault(problem.path, []).append(problem.symbol)
                elif isinstance(problem, Missing):
                    yield self._library(problem, linked)
                else:
                    yield _limit(problem)
            for path, names in symbols.items():
                yield self._symbols(path, names, linked)

    def _library(self, missing: Missing, linked: Linked) -> Finding:
        name = missing.name
        where = () if self._places is None or "/" in name else self._places.named(name)
        hints: tuple[str, ...] = ()
        if missing.found is not None:
            what = f"`{missing.found}` is found for it and cannot be loaded: {missing.reason}"
        elif where:
            what = f"it is at {_several(where)}, where nothing looks for it"
            hints = (_run_path_hint(missing.path, where[0]),)
        else:
            what = "it is not in the image"
        packages = self._providers(name)
        if packages and not where:
            hints = (*hints, f"Add the package that provides it: `-p {packages[0]}`.", *_choice(packages))
        elif not hints:
            hints = ("No package of the repositories provides it: bring it with the application.",)
        message = f"needs `{name}`{_for(missing.path, linked)}, and {what}"
        return Finding("unresolved-library", Severity.ERROR, missing.path, message, hints)

    def _symbols(self, path: str, names: list[str], linked: Linked) -> Finding:
        what = f"symbol {_several(names)}" if len(names) == 1 else f"{len(names)} symbols {_several(names)}"
        among = f"nothing that is loaded with it has{_for(path, linked)}"
        if linked.host:
            among += f"; `{linked.host}` has others that it wants"
        hints = tuple(self._homes(names, linked))
        if not hints:
            hints = (*self._host_hint(path, names, linked), *self._company(path, linked), _RELEASE_HINT)
        return Finding("unresolved-symbol", Severity.ERROR, path, f"wants the {what}, which {among}", hints)

    def _company(self, path: str, linked: Linked) -> Iterator[str]:
        """What is loaded with an object, and may have had a symbol; the application's own comes first."""
        owners = {each: self._places.owner(each) if self._places else "" for each in linked.objects}
        others = [
            f"`{each}` of the package `{owner}`" if owner else f"`{each}`"
            for each, owner in sorted(owners.items(), key=lambda pair: bool(pair[1]))
            if each not in (path, linked.host)
        ]
        more = [f"{len(others) - _SHOWN} more"] if len(others) > _SHOWN else []
        if others:
            yield f"Loaded with it: {', '.join([*others[:_SHOWN], *more])}."

    def _host_hint(self, path: str, names: Iterable[str], linked: Linked) -> tuple[str, ...]:
        """Which program a plugin is for, told by how a name begins."""
        elf = self._places.elf(path) if self._places else None
        if linked.host or path != linked.path or (elf is not None and elf.interpreter is not None):
            return ()
        for program, prefixes in _HOSTS.items():
            if any(name.startswith(prefixes) for name in names):
                return (f"It is a plugin of {program}: add the program that loads it.",)
        return ("If it is a plugin: add the program that loads it.",)

    def _homes(self, names: Iterable[str], linked: Linked) -> Iterator[str]:
        """Which libraries of the image have symbols and are not loaded."""
        rest = set(names)
        for path in () if self._places is None else self._places.libraries():
            if not rest:
                return
            if found := rest & self._exported(path) if path not in linked.objects else None:
                rest -= found
                package = self._places.owner(path) if self._places else ""
                whose = f" of the package `{package}`" if package else ""
                has = f"has {_several(sorted(found))}, and is not loaded"
                yield f"`{path}`{whose} {has}: link the file with it, or load it first."

    def _exported(self, path: str) -> frozenset[str]:
        if path not in self._exports:
            elf = self._places.elf(path) if self._places else None
            self._exports[path] = frozenset() if elf is None else Names.of(elf).exports
        return self._exports[path]

    def _providers(self, name: str) -> list[str]:
        """The packages that provide a library, without their versions."""
        if is_libc(name) or "/ld-musl-" in name:
            return ["musl"]
        found: dict[str, None] = {}
        for index in self._indexes:
            for package in index.providing(f"so:{name}"):
                if package.offers(f"so:{name}"):
                    found[package.name] = None
        return sorted(found)


def _limit(problem: Broken) -> Finding:
    return Finding("link-limit", Severity.ERROR, problem.path, f"cannot be linked: {problem.reason}")


def _for(path: str, linked: Linked) -> str:
    """For which object of the application another object is loaded."""
    return "" if path == linked.path else f" (loaded for `{linked.path}`)"


def _several(names: Sequence[str]) -> str:
    shown = ", ".join(f"`{name}`" for name in names[:_SHOWN])
    return shown if len(names) <= _SHOWN else f"{shown} and {len(names) - _SHOWN} more"


def _choice(packages: Sequence[str]) -> tuple[str, ...]:
    return () if len(packages) < 2 else (f"So do {_several(packages[1:])}.",)


def _run_path_hint(path: str, library: str) -> str:
    """How an object comes to look where a library is."""
    here, there = path.split("/")[:-1], library.split("/")[:-1]
    shared = next(
        (at for at, (one, other) in enumerate(zip(here, there, strict=False)) if one != other),
        min(len(here), len(there)),
    )
    relative = "/".join([".."] * (len(here) - shared) + there[shared:])
    folder = f"$ORIGIN/{relative}" if relative else "$ORIGIN"
    return f"Let it look there: link it with `-Wl,-rpath,'{folder}'`, or `patchelf --set-rpath '{folder}'`."
