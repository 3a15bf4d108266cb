"""What is to be built: the configuration read, the command line added to it, every relative path resolved."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from witchery.arch import Arch
from witchery.config.dialect import Dialect, effective
from witchery.config.load import load
from witchery.config.model import Base, ImageConfig
from witchery.errors import UsageError, located
from witchery.repository.location import Repository, parse_line
from witchery.store import atomic
from witchery.value import frozen

MAX_CONFIG = 1 << 20
"""The longest configuration file, in bytes."""


@frozen(kw_only=True)
class Request:
    """An image to build.

    Attributes:
        config: The configuration, its defaults filled in.
        name: What to call the image where nobody says: the stem of the file.
        arch: What it is to run on.
        world: What is requested, in the notation of `/etc/apk/world`; files of packages not among them.
        files: Files of packages to install.
        repositories: Where to build from, in order of preference.
        hidden: Those of them that the image is not to name.
        keys: Files and folders of keys that the configuration trusts.
        key_urls: Keys that the configuration fetches.
        notes: What a person should know about defaults.
    """

    config: ImageConfig
    name: str
    arch: Arch
    world: tuple[str, ...]
    files: tuple[Path, ...]
    repositories: tuple[Repository, ...]
    keys: tuple[Path, ...]
    key_urls: tuple[str, ...]
    notes: tuple[str, ...]
    hidden: tuple[Repository, ...] = ()


def read_request(
    source: Path,
    *,
    host: str,
    arch: str = "",
    variables: Mapping[str, str] | None = None,
    packages: Sequence[str] = (),
    repositories: Sequence[str] = (),
) -> Request:
    """Reads a configuration and adds what the command line says.

    Args:
        source: The file. Paths in it are relative to its folder, in apko's dialect to the current one.
        host: The architecture of this machine, by any name.
        arch: The architecture wanted; empty for the host's where the configuration lists it or lists none.
        variables: Values of `${NAME}`.
        packages: More packages: names with constraints, or files that end in `.apk`.
        repositories: More repositories, relative to the current folder.

    Raises:
        StorageError: if a file cannot be read.
        ConfigError: if the configuration is malformed.
        UsageError: if the architecture is unknown or not listed.
    """
    loaded = load(str(source), lambda path: atomic.read(Path(path), MAX_CONFIG), variables or {})
    filled = effective(loaded.config, loaded.dialect)
    folder = Path() if loaded.dialect is Dialect.APKO else source.parent
    contents = filled.config.contents
    named = [(line, folder) for line in contents.repositories]
    build = [(line, folder) for line in contents.build_repositories]
    more = [(line, Path()) for line in repositories]
    public = _repositories([*named, *more])
    files = [folder / each for each in filled.config.world if _is_file(each)]
    files += [Path(each) for each in packages if _is_file(each)]
    keyring = [(each, "://" in each) for each in contents.keyring]
    chosen, note = _arch(filled.config, host, arch)
    return Request(
        config=filled.config,
        name=source.stem if source.stem not in ("witchery", "apko") else source.absolute().parent.name,
        arch=chosen,
        world=tuple(each for each in (*filled.config.world, *packages) if not _is_file(each)),
        files=tuple(files),
        repositories=_repositories([*named, *build, *more]),
        keys=tuple(folder / each for each, is_url in keyring if not is_url),
        key_urls=tuple(each for each, is_url in keyring if is_url),
        hidden=tuple(each for each in _repositories(build) if each not in public),
        notes=(*loaded.notes, *filled.notes, *note),
    )


def plain_request(
    dependencies: Sequence[str], files: Sequence[Path], repositories: Sequence[str], arch: Arch
) -> Request:
    """A request for packages alone: nothing is generated, and nobody is named to run anything.

    Raises:
        FormatError: if a repository is malformed.
    """
    base = Base(passwd=False, group=False, nsswitch=False, os_release=False, tmp=False, mount_points=False)
    return Request(
        config=ImageConfig(base=base),
        name="",
        arch=arch,
        world=tuple(dependencies),
        files=tuple(files),
        repositories=_repositories([(line, Path()) for line in repositories]),
        keys=(),
        key_urls=(),
        notes=(),
    )


def _is_file(package: str) -> bool:
    return package.endswith(".apk")


def _repositories(lines: Sequence[tuple[str, Path]]) -> tuple[Repository, ...]:
    found: list[Repository] = []
    for line, folder in lines:
        with located("repository"):
            found += parse_line(line, folder=folder)
    return tuple(dict.fromkeys(found))


def _arch(config: ImageConfig, host: str, wanted: str) -> tuple[Arch, tuple[str, ...]]:
    """The architecture to build for, and what to say about it."""
    if wanted:
        return Arch.parse(wanted if wanted != "host" else host), ()
    here = Arch.parse(host)
    if not config.archs or (len(config.archs) == 1 and here in config.archs):
        return here, ()
    chosen = here if here in config.archs else config.archs[0]
    listed = ", ".join(arch.apk for arch in config.archs)
    note = f"built for {chosen} only, of {listed}: images for several architectures are not made yet"
    return chosen, (note,) if len(config.archs) > 1 else ()


def parse_variables(assignments: Sequence[str]) -> dict[str, str]:
    """Reads `NAME=VALUE` words.

    Raises:
        UsageError: if one is anything else, or a name is given twice.
    """
    variables: dict[str, str] = {}
    for assignment in assignments:
        name, equals, value = assignment.partition("=")
        if not equals or not name.isidentifier():
            raise UsageError(f"expected `--set NAME=VALUE`: `{assignment}`")
        if name in variables:
            raise UsageError(f"given twice: `--set {name}`")
        variables[name] = value
    return variables
