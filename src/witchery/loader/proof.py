"""Will it load? Objects of an image are linked on paper, without running anything.

Programs come first, with all that they load. Of the libraries that none of them loads, those come next that
no other needs: plugins, and libraries kept for others. What these load is as good as it is there. A plugin
may leave symbols and libraries to the program that loads it, so the programs of the image are tried as its
host, one by one, until one satisfies it. Some plugins build on others of their folder, which the host has to
open before them (`RTLD_GLOBAL`).

What is not proven: objects made for another libc (`Verdict.UNPROVEN`), what a program opens by itself while
it runs, models of thread-local storage, relative search paths.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from enum import Enum
from itertools import chain
from typing import NamedTuple

from witchery.arch import Arch
from witchery.elf.file import Elf
from witchery.errors import FormatError
from witchery.loader import loading as loadings
from witchery.loader.loading import Loading, Missing, load
from witchery.loader.root import Root
from witchery.loader.search import DEFAULT_PATH
from witchery.loader.symbols import Known, Unresolved, names, unresolved
from witchery.value import frozen

MAX_STEPS = 1 << 21
"""How many objects may be loaded and places looked at in one proof, counted again in every loading."""


class Verdict(Enum):
    """What linking an object on paper came to."""

    LOADS = "loads"
    HOSTED = "loads into a program"
    NOTHING = "nothing to link"
    FOREIGN = "for another architecture"
    UNPROVEN = "made for another libc, not proven"
    FAILS = "does not load"


class Broken(NamedTuple):
    """An object whose loading exceeds a limit.

    Attributes:
        path: Its real path.
        reason: Which limit.
    """

    path: str
    reason: str


Problem = Missing | Unresolved | Broken


class Linked(NamedTuple):
    """One object, linked.

    Attributes:
        path: Its real path.
        verdict: What linking it came to.
        host: The program that a plugin loads into, or an empty string.
        objects: The real paths of all that is loaded with it, itself first, in the order of lookup; for a
            library that is loaded by what was asked for, only itself.
        after: The plugins that the host has to open before this one.
        problems: Why it does not load, in whichever of its objects. Where a library is missing, symbols are
            not looked up: most would be missing with it.
    """

    path: str
    verdict: Verdict
    host: str = ""
    objects: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()


@frozen
class Proof:
    """What linking some objects came to.

    Attributes:
        linked: Each of them, in the order of their paths.
    """

    linked: tuple[Linked, ...]

    @property
    def holds(self) -> bool:
        """Whether nothing is known not to load."""
        return not any(each.verdict is Verdict.FAILS for each in self.linked)

    @property
    def failing(self) -> tuple[Linked, ...]:
        """What does not load."""
        return tuple(each for each in self.linked if each.verdict is Verdict.FAILS)

    def __iter__(self) -> Iterator[Linked]:
        return iter(self.linked)

    def of(self, path: str) -> Linked | None:
        """What linking one object came to."""
        return next((each for each in self.linked if each.path == path), None)


def prove(
    root: Root,
    paths: Iterable[str],
    *,
    hosts: Callable[[str], Iterable[str]] | None = None,
    unproven: Callable[[Elf], bool] | None = None,
    arch: Arch | None = None,
    default_path: tuple[str, ...] = DEFAULT_PATH,
) -> Proof:
    """Links objects.

    Args:
        root: The image.
        paths: The objects: ELF files of any kind. What is none is passed over.
        hosts: For a plugin, the programs of the image that could load it, the likeliest first. The programs
            among `paths` are tried before them.
        unproven: Whether a file was made for another libc: where linking such a file fails, nothing is said
            about it than that.
        arch: What the image is to run on. Files for something else are not linked.
        default_path: Where libraries are looked for at last.
    """
    return _Prover(root, hosts, unproven, arch, default_path).proof(paths)


def likelier_first(programs: Iterable[str], plugin: str) -> list[str]:
    """Programs by how likely they load a plugin: first those whose names are part of its path.

    `usr/bin/python3.12` is for `app/lib/python3.12/...`, `usr/bin/node` for `app/addon.node`.
    """

    def stem(program: str) -> str:
        return program.rpartition("/")[2].rstrip("0123456789.-")

    return sorted(programs, key=lambda program: len(stem(program)) < 2 or stem(program) not in plugin)


class _Prover:
    """A proof in the making."""

    def __init__(
        self,
        root: Root,
        hosts: Callable[[str], Iterable[str]] | None,
        unproven: Callable[[Elf], bool] | None,
        arch: Arch | None,
        default_path: tuple[str, ...],
    ) -> None:
        self._root = root
        self._hosts = hosts
        self._unproven = unproven
        self._arch = arch
        self._default_path = default_path
        self._known: Known = {}
        self._programs: list[str] = []
        self._loaded: dict[str, Loading] = {}
        self._folders: dict[str, list[str]] = {}
        self._judged: dict[str, tuple[Problem, ...]] = {}
        self._steps = 0

    def proof(self, paths: Iterable[str]) -> Proof:
        """Links each of some objects."""
        done: dict[str, Linked] = {}
        libraries: dict[str, Elf] = {}
        for path in dict.fromkeys(filter(None, map(self._root.locate, sorted(paths)))):
            elf = self._root.elf(path)
            if elf is None:
                continue
            if verdict := self._passed_over(elf):
                done[path] = Linked(path, verdict)
            elif elf.interpreter is not None:
                self._programs.append(path)
                done[path] = self._alone(path)
            else:
                libraries[path] = elf
                self._folders.setdefault(path.rpartition("/")[0], []).append(path)
        for each in done.values():
            self._judge(each)
        for path in self._outermost_first(libraries):
            own = self._judged.get(path)
            done[path] = self._library(path) if own is None else self._inner(path, own)
            self._judge(done[path])
        while changed := [better for each in done.values() if (better := self._after(each, done))]:
            done.update((each.path, each) for each in changed)
        return Proof(tuple(done[path] for path in sorted(done)))

    def _passed_over(self, elf: Elf) -> Verdict | None:
        """The verdict for what no loader of the image loads."""
        if not elf.header.loadable or elf.dynamic is None or elf.is_static:
            return Verdict.NOTHING
        if self._arch is not None and not elf.fits(self._arch):
            return Verdict.FOREIGN
        if elf.interpreter is not None and "ld-musl-" not in elf.interpreter:
            return Verdict.UNPROVEN
        return None

    def _loading(self, path: str) -> Loading:
        """An object with all that it loads.

        Raises:
            FormatError: if it exceeds a limit.
        """
        if path not in self._loaded:
            self._loaded[path] = self._load(path)
        return self._loaded[path]

    def _load(self, path: str, host: Loading | None = None) -> Loading:
        try:
            self._count(0, path)
            loading = load(path, self._root, host=host, default_path=self._default_path)
        except FormatError:
            self._steps += loadings.MAX_STEPS
            raise
        self._count(loading.steps + len(loading.loaded), path)
        return loading

    def _count(self, more: int, path: str) -> None:
        self._steps += more
        if self._steps > MAX_STEPS:
            raise FormatError(f"more than {MAX_STEPS} places to look for libraries in all", where=[path])

    def _alone(self, path: str) -> Linked:
        """An object linked by itself."""
        try:
            loading = self._loading(path)
        except FormatError as error:
            return Linked(path, Verdict.FAILS, problems=(Broken(path, error.message),))
        return self._linked(path, loading)

    def _linked(self, path: str, loading: Loading, host: str = "") -> Linked:
        problems = loading.missing or unresolved(loading, self._known)
        verdict = Verdict.HOSTED if host else Verdict.LOADS
        if problems:
            verdict = Verdict.UNPROVEN if self._excused(loading, problems) else Verdict.FAILS
        return Linked(path, verdict, host, tuple(each.path for each in loading.loaded), (), problems)

    def _excused(self, loading: Loading, problems: Sequence[Problem]) -> bool:
        """Whether every object that has a problem was made for another libc."""
        elves = {each.path: each.elf for each in loading.objects}
        unproven = self._unproven
        return unproven is not None and all(
            unproven(elves[path]) for path in {each.path for each in problems}
        )

    def _outermost_first(self, libraries: Mapping[str, Elf]) -> list[str]:
        """Libraries that no other one loads, then the rest, which may need each other in a circle."""
        inner = set(self._judged)
        for path in libraries.keys() - inner:
            try:
                inner.update(each.path for each in self._loading(path).loaded[1:])
            except FormatError:
                continue  # told when its turn comes
        return sorted(libraries, key=lambda path: (path in inner, path))

    def _judge(self, linked: Linked) -> None:
        """Notes which problems each loaded object has itself, where it has fewest."""
        own: dict[str, tuple[Problem, ...]] = {}
        for problem in linked.problems:
            own[problem.path] = (*own.get(problem.path, ()), problem)
        for path in linked.objects:
            found, known = own.get(path, ()), self._judged.get(path)
            if known is None or len(found) < len(known):
                self._judged[path] = found

    def _inner(self, path: str, problems: tuple[Problem, ...]) -> Linked:
        """A library that something loads: it is as good as it is there."""
        elf = self._root.elf(path)
        verdict = Verdict.FAILS if problems else Verdict.LOADS
        if problems and elf is not None and self._unproven is not None and self._unproven(elf):
            verdict = Verdict.UNPROVEN
        return Linked(path, verdict, objects=(path,), problems=problems)

    def _library(self, path: str) -> Linked:
        """A library or plugin, by itself or in the first program that has what it lacks.

        Where none has all of it, what is told is what the program lacks that has the most.
        """
        alone = self._alone(path)
        if not alone.problems or any(isinstance(each, Broken) for each in alone.problems):
            return alone
        lacking = frozenset(each.symbol for each in alone.problems if isinstance(each, Unresolved))
        best, fewest = alone, len(lacking)
        for host in self._candidates(path):
            rest = self._lacking(host, lacking)
            if rest and len(rest) >= fewest:
                continue
            hosted = self._hosted(path, host)
            if hosted is not None and not hosted.problems:
                return hosted
            if hosted is not None and rest:
                best, fewest = hosted, len(rest)
        return best

    def _candidates(self, path: str) -> Iterator[Loading]:
        """The programs that could load a plugin, each with all that it loads."""
        own = likelier_first(self._programs, path)
        hosts = () if self._hosts is None else self._hosts(path)
        tried: set[str] = set()
        for host in chain(own, hosts):
            if host in tried:
                continue
            tried.add(host)
            real = self._root.locate(host)
            elf = None if real is None else self._root.elf(real)
            if real is None or elf is None or elf.interpreter is None or self._passed_over(elf):
                continue
            try:
                loading = self._loading(real)
                self._count(len(loading.objects), path)
            except FormatError:
                continue
            if not loading.missing:
                yield loading

    def _lacking(self, host: Loading, symbols: frozenset[str]) -> frozenset[str]:
        """Which of some symbols a program with all that it loads has not."""
        for each in host.objects:
            if not symbols:
                break
            symbols -= names(each.path, each.elf, self._known).exports
        return symbols

    def _hosted(self, path: str, host: Loading) -> Linked | None:
        """A plugin linked in a program; None where that has it already, or a limit is exceeded."""
        try:
            return self._linked(path, self._load(path, host), host.start.path)
        except FormatError:
            return None

    def _after(self, plugin: Linked, done: Mapping[str, Linked]) -> Linked | None:
        """A plugin that fails in its host, where plugins of its folder have all that it lacks."""
        lacking = {each.symbol for each in plugin.problems if isinstance(each, Unresolved)}
        if not plugin.host or plugin.verdict is not Verdict.FAILS or len(lacking) < len(plugin.problems):
            return None
        after: list[str] = []
        for path in self._folders.get(plugin.path.rpartition("/")[0], ()):
            other = done[path]
            if other.verdict in (Verdict.HOSTED, Verdict.LOADS) and other.host in ("", plugin.host):
                elf = self._root.elf(path)
                exports = names(path, elf, self._known).exports if elf else frozenset()
                if not lacking.isdisjoint(exports):
                    lacking -= exports
                    after.append(path)
        if lacking:
            return None
        return plugin._replace(verdict=Verdict.HOSTED, after=tuple(after), problems=())
