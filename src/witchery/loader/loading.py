"""What musl's loader would load for a program, a library or a plugin, and in which order.

What an object needs is loaded breadth first: first all that the program needs, then all that the first of
these needs. A name that was searched for is not searched for again, and a file is loaded once, whatever it is
called. A plugin is loaded into a running program: what that has loaded is there already, and its run path is
asked last. Observed with musl 1.2.3 and 1.2.4.
"""

from collections import deque
from collections.abc import Iterator
from typing import NamedTuple

from witchery.elf.file import Elf
from witchery.elf.header import EM_386, EM_AARCH64, EM_ARM, EM_PPC64, EM_S390, EM_X86_64, Header
from witchery.errors import FormatError
from witchery.loader import search
from witchery.loader.root import Root
from witchery.loader.search import DEFAULT_PATH, Found
from witchery.value import field, frozen

MAX_OBJECTS = 4096
"""How many objects one program may load."""
MAX_FOLDERS = 256
"""How many different folders the run paths may name that hold for one object."""
MAX_STEPS = 1 << 16
"""How many needed names one program may have in all, and folders to be asked for them."""

_LIBC_NAMES = {
    (EM_X86_64, 64): "x86_64",
    (EM_X86_64, 32): "x32",
    (EM_386, 32): "i386",
    (EM_AARCH64, 64): "aarch64",
    (EM_ARM, 32): "armhf",
    (EM_PPC64, 64): "powerpc64le",
    (EM_S390, 64): "s390x",
    (243, 64): "riscv64",
    (258, 64): "loongarch64",
}


class Object(NamedTuple):
    """A file that the loader loads.

    Attributes:
        path: Its real path.
        name: Its path as the loader has it.
        elf: The file.
        loaded_by: The real path of what first needed it; None for what is loaded to begin with.
    """

    path: str
    name: str
    elf: Elf
    loaded_by: str | None


class Missing(NamedTuple):
    """A library that the loader does not get.

    Attributes:
        path: The real path of the object that needs it.
        name: Its name, as needed.
        found: The real path of the file that was taken for it and cannot be loaded; None where there is none.
        reason: Why that cannot be loaded.
    """

    path: str
    name: str
    found: str | None = None
    reason: str = ""


@frozen(kw_only=True)
class Loading:
    """What is in memory once the loader is done.

    Attributes:
        objects: In the order in which symbols are looked up: the host's first, then what was loaded.
        missing: What it does not get.
        hosted: How many of the objects, from the first on, belong to the host.
        steps: How many names, and folders for them, were looked at: what it cost.
    """

    objects: tuple[Object, ...]
    missing: tuple[Missing, ...] = ()
    hosted: int = 0
    steps: int = field(default=0, repr=False, compare=False)

    @property
    def start(self) -> Object:
        """The object that the loading began with."""
        return self.objects[self.hosted]

    @property
    def loaded(self) -> tuple[Object, ...]:
        """The objects that the host did not have."""
        return self.objects[self.hosted :]

    def __iter__(self) -> Iterator[Object]:
        return iter(self.objects)


def libc_path(header: Header) -> str | None:
    """Where musl is in an image for a machine, which is both its libc and its loader."""
    name = _LIBC_NAMES.get((header.machine, header.bits))
    return None if name is None else f"lib/ld-musl-{name}.so.1"


def load(
    path: str,
    root: Root,
    *,
    host: Loading | None = None,
    default_path: tuple[str, ...] = DEFAULT_PATH,
) -> Loading:
    """What the loader would load for one object.

    Args:
        path: The path of a program, library or plugin.
        root: The image.
        host: The program that it is loaded into, with all that this has loaded.
        default_path: Where libraries are looked for at last.

    Raises:
        FormatError: if there is no ELF file at the path, or a limit is exceeded.
    """
    real = root.locate(path)
    elf = None if real is None else root.elf(real)
    if real is None or elf is None:
        raise FormatError(f"no ELF file: `{path}`")
    loader = _Loader(root, default_path, host)
    name = path.lstrip("/") if elf.interpreter is None else real
    loader.start(Object(real, name, elf, None))
    while loader.queue:
        loader.load_needs(*loader.queue.popleft())
    hosted = 0 if host is None else len(host.objects)
    if host is not None and loader.objects[hosted:] == []:
        raise FormatError(f"loaded already by its host: `{path}`")
    return Loading(
        objects=tuple(loader.objects), missing=tuple(loader.missing), hosted=hosted, steps=loader.steps
    )


class _Loader:
    """A loading in the making.

    Attributes:
        objects: What is loaded.
        missing: What is not.
        queue: The objects whose needs are not looked at yet, each with the folders of the run paths that hold
            for it: its own, then those of what loaded it.
        steps: How many names, and folders for them, were looked at.
    """

    def __init__(self, root: Root, default_path: tuple[str, ...], host: Loading | None) -> None:
        self._root = root
        self._default_path = default_path
        self.objects = [] if host is None else list(host.objects)
        self.missing: list[Missing] = []
        self.queue: deque[tuple[Object, tuple[str, ...]]] = deque()
        self._by_path = {each.path: each for each in self.objects}
        self._by_name = {each.name.rpartition("/")[2] for each in self.objects if each.loaded_by is not None}
        self.steps = 0
        self._inherited: tuple[str, ...] = ()
        self._libc: str | None = None
        self._header = None if host is None else host.objects[0].elf.header
        if host is not None:
            program = host.objects[0]
            self._inherited = self._folders(program, ())
            self._libc = _libc_of(program.elf)

    def start(self, each: Object) -> None:
        """Loads the first object."""
        if each.path in self._by_path:
            return
        if self._header is None:
            self._header, self._libc = each.elf.header, _libc_of(each.elf)
        self._add(each, self._inherited)
        if each.elf.interpreter is not None:
            self._load_libc(each, each.elf.interpreter, listed=False)

    def load_needs(self, owner: Object, folders: tuple[str, ...]) -> None:
        """Loads what an object needs and is not there yet."""
        for name in owner.elf.needed:
            self._count()
            if search.is_libc(name):
                self._load_libc(owner, name)
            elif name not in self._by_name:
                self._load(owner, name, folders)

    def _load(self, owner: Object, name: str, folders: tuple[str, ...]) -> None:
        self._count(len(folders))
        found = search.find(name, (folders,), self._root, self._default_path)
        if found is None:
            self.missing.append(Missing(owner.path, name))
            return
        if "/" not in name:
            self._by_name.add(name)
        if found.path in self._by_path or found.path == self._libc_file():
            if found.path not in self._by_path:
                self._load_libc(owner, name)
            return
        elf = self._root.elf(found.path)
        problem = self._problem(elf)
        if elf is None or problem:
            self.missing.append(Missing(owner.path, name, found.path, problem))
            return
        self._add(_object(found, elf, owner), folders)

    def _problem(self, elf: Elf | None) -> str:
        """Why a file cannot be loaded; empty where it can."""
        if elf is None:
            return "it is no ELF file that can be read"
        if not elf.header.loadable or elf.dynamic is None:
            return "it is no shared library"
        wanted, got = self._header, elf.header
        if wanted and (wanted.machine, wanted.bits, wanted.little) != (got.machine, got.bits, got.little):
            return f"it is for {got.machine_name} ({got.bits} bits)"
        return ""

    def _add(self, each: Object, inherited: tuple[str, ...]) -> None:
        if len(self.objects) >= MAX_OBJECTS:
            raise FormatError(f"more than {MAX_OBJECTS} objects are loaded", where=[self.objects[0].path])
        self.objects.append(each)
        self._by_path[each.path] = each
        self.queue.append((each, self._folders(each, inherited)))

    def _folders(self, each: Object, inherited: tuple[str, ...]) -> tuple[str, ...]:
        """The folders of an object's own run path and of those it inherits, each where it is asked first."""
        own = search.runpath(each.elf, each.name)
        if not own:
            return inherited
        folders = tuple(dict.fromkeys((*own, *inherited)))
        if len(folders) > MAX_FOLDERS:
            raise FormatError(f"run paths of more than {MAX_FOLDERS} folders", where=[each.path])
        return folders

    def _count(self, more: int = 1) -> None:
        self.steps += more
        if self.steps > MAX_STEPS:
            where = [self.objects[0].path]
            raise FormatError(f"more than {MAX_STEPS} places to look for libraries", where=where)

    def _libc_file(self) -> str | None:
        return None if self._libc is None else self._root.locate(self._libc)

    def _load_libc(self, owner: Object, name: str, *, listed: bool = True) -> None:
        """Puts libc where its name was first met, or notes once that there is none.

        Args:
            owner: What needs it.
            name: By which name.
            listed: False to look only whether there is an interpreter.
        """
        path = self._libc_file()
        elf = None if path is None else self._root.elf(path)
        if path is None or elf is None:
            if not any(search.is_libc(each.name) or "/ld-" in each.name for each in self.missing):
                self.missing.append(Missing(owner.path, name))
        elif listed and path not in self._by_path:
            self._add(Object(path, path, elf, owner.path), ())


def _object(found: Found, elf: Elf, owner: Object) -> Object:
    return Object(found.path, found.name, elf, owner.path)


def _libc_of(elf: Elf) -> str | None:
    """Where musl is for an object: what it names as its interpreter, or else the usual place."""
    named = elf.interpreter
    if named is not None and "ld-musl-" in named:
        return named
    return libc_path(elf.header)
