"""What the application's own programs, libraries and plugins would load of its own files.

A program's loading is what the loader will do. A plugin (a shared object that no program of the application
needs: a Python extension, an addon for Node) is loaded by something else, perhaps into one of these programs:
it is tried alone, and where that misses a library, with each program as its host.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from witchery.elf.file import Elf
from witchery.errors import FormatError
from witchery.loader import loading, search
from witchery.loader.loading import Loading
from witchery.payload.tree import Payload

MAX_HOSTS = 16
"""How many programs a plugin is tried in."""


class Loads(NamedTuple):
    """What is loaded.

    Attributes:
        programs: By the path of a program.
        plugins: By the path of a shared object that no program loads.
        refused: What has too many libraries to follow, with the reason, by path.
    """

    programs: Mapping[str, Loading]
    plugins: Mapping[str, Loading]
    refused: Mapping[str, str]


def follow(payload: Payload, elves: Mapping[str, Elf], library_path: tuple[str, ...] = ()) -> Loads:
    """Loads everything on paper.

    Args:
        payload: The application.
        elves: Those of its ELF files that are for its architecture.
        library_path: Folders of the image that `LD_LIBRARY_PATH` will name.
    """
    refused: dict[str, str] = {}
    default_path = (*(each.strip("/") for each in library_path), *search.DEFAULT_PATH)

    def load(path: str, host: Loading | None) -> Loading | None:
        try:
            return loading.load(path, payload, host=host, default_path=default_path)
        except FormatError as error:
            if host is None:
                refused[path] = error.message
            return None

    programs = _loaded(load, [path for path, elf in elves.items() if elf.is_executable])
    inside = {each.path for found in programs.values() for each in found}
    wanted = {name for elf in elves.values() for name in elf.needed}
    others = [path for path, elf in elves.items() if path not in inside and not elf.is_executable]
    tops = [path for path in others if path.rpartition("/")[2] not in wanted]
    plugins = _loaded(load, tops)
    inside |= {each.path for found in plugins.values() for each in found}
    plugins |= _loaded(load, [path for path in others if path not in inside])
    for path, found in plugins.items():
        if any(not search.is_libc(each.name) for each in found.missing):
            plugins[path] = _best(load, path, found, list(programs.values())[:MAX_HOSTS])
    return Loads(programs, plugins, refused)


_Load = Callable[[str, Loading | None], Loading | None]


def _loaded(load: _Load, paths: Iterable[str]) -> dict[str, Loading]:
    found = {path: load(path, None) for path in paths}
    return {path: each for path, each in found.items() if each is not None}


def _best(load: _Load, path: str, alone: Loading, hosts: Iterable[Loading]) -> Loading:
    """The loading of a plugin that misses least: alone, or in one of the programs."""
    best = alone
    for host in hosts:
        hosted = load(path, host)
        if hosted is not None and len(hosted.missing) < len(best.missing):
            best = hosted
    return best
