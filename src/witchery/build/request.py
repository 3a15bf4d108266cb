"""What is to be built: the configuration read, the command line added to it, every relative path resolved."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from witchery.arch import ALL, Arch
from witchery.config.accounts import Accounts
from witchery.config.dialect import Dialect, effective
from witchery.config.load import load
from witchery.config.model import Base, Entrypoint, ImageConfig
from witchery.config.payload import Acknowledged, Part, owner_numbers
from witchery.errors import UsageError, located
from witchery.payload.options import Acknowledgement, ScanOptions
from witchery.repository import releases
from witchery.repository.location import Repository, parse_line
from witchery.store import atomic
from witchery.value import field, frozen, replace

if TYPE_CHECKING:
    from witchery.build.locks.apko_locked import ApkoUse
    from witchery.build.locks.locked import LockUse
    from witchery.build.locks.updating import Update
    from witchery.build.vulns.condition import Condition

CONFIG_SUFFIXES = (".yaml", ".yml", ".json")
"""How the names of configurations end; any other source is an application."""
_EXTENSION = re.compile(r"\.[A-Za-z]+$")
_PLACE = re.compile(r"[-_.]?\{(?:arch|platform)\}")
MAX_CONFIG = 1 << 20
"""The longest configuration file, in bytes."""


@frozen(kw_only=True)
class PayloadSource:
    """A part of the application.

    Attributes:
        path: The file or folder that holds it.
        destination: Where it stands in the image; see `store.source_tree.read_source`.
        uid: Who owns it.
        gid: Which group owns it.
        mode: What becomes of permission bits: `normal`, `keep`, or the bits of all files.
        exclude: Patterns of what is left out; see `payload.exclude`.
        written: What `path` was made of, where that names the architecture; see `placed`.
    """

    path: Path
    destination: str = ""
    uid: int = 0
    gid: int = 0
    mode: str | int = "normal"
    exclude: tuple[str, ...] = ()
    written: str = ""


@frozen(kw_only=True)
class Request:
    """An image to build.

    Attributes:
        config: The configuration, its defaults filled in.
        name: What to call the image where nobody says: the stem of the file.
        arch: What it is to run on.
        world: What is requested, in the notation of `/etc/apk/world`; files of packages not among them.
        files: Files of packages to install.
        wished: What is added to the world as far as a repository offers it.
        repositories: Where to build from, in order of preference.
        keys: Files and folders of keys that the configuration trusts.
        key_urls: Keys that the configuration fetches.
        notes: What a person should know about defaults.
        hidden: Those of the repositories that the image is not to name.
        payload: The parts of the application.
        by_default: Whether the repositories are those of a release, since none was named.
        scan: What the application's author lets pass, or wants done.
        accept_suggestions: Whether what a scan only suggests is taken.
        unasked: Whether not even a release was named, so that a lock's repositories hold.
        lock: What it is built from, without solving anything.
        keeping: What is to stay as it is locked when it is solved for.
        condition: What the packages have to meet besides: no known vulnerability that is fixed.
    """

    config: ImageConfig
    name: str
    arch: Arch
    world: tuple[str, ...]
    files: tuple[Path, ...]
    repositories: tuple[Repository, ...]
    wished: tuple[str, ...] = ()
    keys: tuple[Path, ...]
    key_urls: tuple[str, ...]
    notes: tuple[str, ...]
    hidden: tuple[Repository, ...] = ()
    payload: tuple[PayloadSource, ...] = ()
    by_default: bool = False
    scan: ScanOptions = ScanOptions()
    accept_suggestions: bool = False
    unasked: bool = False
    lock: "LockUse | ApkoUse | None" = None
    keeping: "Update | None" = None
    condition: "Condition | None" = None


@frozen(kw_only=True)
class Wishes:
    """What the command line, and the user's own configuration, say besides the source.

    Attributes:
        archs: The architectures wanted, by any name, several in one with `,` between them, `host` for the
            host's; empty for what the source lists, or else for the host's.
        variables: Values of `${NAME}`.
        packages: More packages: names with constraints, or files that end in `.apk`.
        repositories: More repositories, relative to the current folder.
        release: The release whose repositories are built from where none is named.
        usual_release: The same, where neither the command line nor the source says.
        mirror: Where these are; empty for Alpine's own.
        entrypoint: The program to start and its arguments, in place of what the source says.
        allow_gcompat: Take programs made for glibc.
        rewrite_shebangs: Let scripts name their interpreter by its path.
        accept_suggestions: Take what is only suggested.
        acknowledged: Findings to let pass: rules and patterns of paths.
    """

    archs: Sequence[str] = ()
    variables: Mapping[str, str] = field(default_factory=dict)
    packages: Sequence[str] = ()
    repositories: Sequence[str] = ()
    release: str = ""
    usual_release: str = ""
    mirror: str = ""
    entrypoint: Sequence[str] = ()
    allow_gcompat: bool = False
    rewrite_shebangs: bool = False
    accept_suggestions: bool = False
    acknowledged: Sequence[tuple[str, str]] = ()


def read_requests(source: Path, *, host: str, wishes: Wishes) -> tuple[Request, ...]:
    """Reads a source, and adds what the command line says: a request for each architecture.

    They differ in the architecture and in the paths that name it, and stand in the order of `arch.ALL`,
    whatever the order in which they were asked for.

    Args:
        source: A configuration (see `CONFIG_SUFFIXES`), or else an application: a file or a folder. Paths in
            a configuration are relative to its folder, in apko's dialect to the current one. The paths of
            applications and of files of packages may name the architecture; see `placed`.
        host: The architecture of this machine, by any name.
        wishes: What the command line says.

    Raises:
        StorageError: if a file cannot be read.
        ConfigError: if the configuration is malformed.
        UsageError: if an architecture is unknown, the source is something else or is not there for one of
            them, or a rule is acknowledged that there is not.
    """
    read = _read(source, wishes)
    listed = parse_archs(wishes.archs, host) or read.config.archs or (Arch.parse(host),)
    requests = tuple(_request(read, wishes, arch) for arch in sorted(listed, key=ALL.index))
    _check_sources(requests)
    return requests


def read_request(source: Path, *, host: str, wishes: Wishes) -> Request:
    """The same where one architecture is looked at: the one asked for, else the host's if it is listed.

    Raises:
        WitcheryError: as `read_requests`.
        UsageError: if several are asked for.
    """
    read = _read(source, wishes)
    wanted, here = parse_archs(wishes.archs, host), Arch.parse(host)
    if len(wanted) > 1:
        raise UsageError(f"one architecture at a time is looked at: `--arch {','.join(wishes.archs)}`")
    listed = read.config.archs
    chosen = wanted[0] if wanted else here if here in listed or not listed else listed[0]
    if len(listed) > 1 and not wanted:
        names = ", ".join(each.apk for each in listed)
        read = read._replace(notes=(*read.notes, f"for {chosen}, of {names}; `--arch` chooses another"))
    request = _request(read, wishes, chosen)
    _check_sources((request,))
    return request


def parse_archs(words: Sequence[str], host: str) -> tuple[Arch, ...]:
    """The architectures that `--arch` names, each once, in the order of `arch.ALL`.

    Raises:
        UsageError: if one is unknown.
    """
    names = [name.strip() for word in words for name in word.split(",")]
    return tuple(sorted({Arch.parse(host if name == "host" else name) for name in names}, key=ALL.index))


def placed(path: str, arch: Arch) -> str:
    """A path with the architecture in it: `{arch}` is Alpine's name, `{platform}` OCI's without `linux/`.

    So `dist/{platform}/app` is `dist/arm64/app` for aarch64, and `dist/arm/v7/app` for armv7.
    """
    return path.replace("{arch}", arch.apk).replace("{platform}", arch.platform.removeprefix("linux/"))


def _request(read: "_Read", wishes: Wishes, arch: Arch) -> Request:
    config, folder = read.config, read.folder
    contents = config.contents
    named = [(line, folder) for line in contents.repositories]
    build = [(line, folder) for line in contents.build_repositories]
    more = [(line, Path()) for line in wishes.repositories]
    by_default = not named and not build and not more
    if by_default:
        release = wishes.release or config.release or wishes.usual_release or releases.DEFAULT_RELEASE
        mirror = wishes.mirror or releases.MIRROR
        named = [(line, Path()) for line in releases.repositories(release, mirror)]
    public = _repositories([*named, *more])
    files = [folder / placed(each, arch) for each in config.world if _is_file(each)]
    files += [Path(placed(each, arch)) for each in wishes.packages if _is_file(each)]
    keyring = [(each, "://" in each) for each in contents.keyring]
    return Request(
        config=config,
        name=read.name,
        arch=arch,
        world=tuple(each for each in (*config.world, *wishes.packages) if not _is_file(each)),
        files=tuple(files),
        repositories=_repositories([*named, *build, *more]),
        keys=tuple(folder / each for each, is_url in keyring if not is_url),
        key_urls=tuple(each for each, is_url in keyring if is_url),
        hidden=tuple(each for each in _repositories(build) if each not in public),
        notes=read.notes,
        payload=tuple(_part(folder, part, config.accounts, arch) for part in read.payload),
        by_default=by_default,
        scan=_scan_options(config),
        accept_suggestions=config.scan.accept_suggestions,
        unasked=by_default and not wishes.release and not config.release,
    )


def _check_sources(requests: Sequence[Request]) -> None:
    """Refuses a part of the application that names the architecture, and is not there for one of them.

    Raises:
        UsageError: if that is so.
    """
    missing: dict[str, list[tuple[Arch, Path]]] = {}
    for request in requests:
        for each in request.payload:
            if each.written and not each.path.exists():
                missing.setdefault(each.written, []).append((request.arch, each.path))
    for written, absent in missing.items():
        names = ", ".join(arch.apk for arch, _ in absent)
        arch, path = absent[0]
        other = placed("{platform}", arch)
        hint = f"expected `{path}`: `{{arch}}` is Alpine's name for it, `{{platform}}` OCI's, `{other}`"
        raise UsageError(f"no application for {names}: `{written}`", hint=hint)


class _Read(NamedTuple):
    """A source that was read."""

    config: ImageConfig
    name: str
    folder: Path
    notes: tuple[str, ...]
    payload: tuple[Part, ...]


def _read(source: Path, wishes: Wishes) -> _Read:
    read = _of_config(source, wishes) if source.suffix in CONFIG_SUFFIXES else _of_application(source)
    return read._replace(config=_wished(read.config, wishes))


def _of_config(source: Path, wishes: Wishes) -> _Read:
    loaded = load(str(source), lambda path: atomic.read(Path(path), MAX_CONFIG), wishes.variables)
    filled = effective(loaded.config, loaded.dialect)
    folder = Path() if loaded.dialect is Dialect.APKO else source.parent
    name = source.stem if source.stem not in ("witchery", "apko") else source.absolute().parent.name
    name = filled.config.name or name
    return _Read(filled.config, name, folder, (*loaded.notes, *filled.notes), filled.config.payload)


def _of_application(source: Path) -> _Read:
    if _is_file(str(source)):
        raise UsageError(
            f"a package is no source: `{source}`", hint="name it with `-p`, in an image of its own"
        )
    config = effective(ImageConfig(), Dialect.WITCHERY).config
    whole = source.absolute()
    names = (_PLACE.sub("", each.name).strip("-_.") for each in (whole, *whole.parents))
    name = whole.name if not _PLACE.search(whole.name) else next(filter(None, names), "app")
    if not source.is_dir():
        name = _EXTENSION.sub("", name) or name
    return _Read(config, name, Path(), (), (Part(source=str(source)),))


def _part(folder: Path, part: Part, accounts: Accounts, arch: Arch) -> PayloadSource:
    """A part of the application; that its owner is known, the configuration has checked."""
    uid, gid = owner_numbers(part.owner, accounts) or (0, 0)
    path = placed(part.source, arch)
    return PayloadSource(
        path=folder / path,
        destination=part.destination,
        uid=uid,
        gid=gid,
        mode=part.mode,
        exclude=part.exclude,
        written=part.source if path != part.source else "",
    )


def _wished(config: ImageConfig, wishes: Wishes) -> ImageConfig:
    """The configuration with what the command line says in its place."""
    scan = replace(
        config.scan,
        allow_gcompat=config.scan.allow_gcompat or wishes.allow_gcompat,
        rewrite_shebangs=config.scan.rewrite_shebangs or wishes.rewrite_shebangs,
        accept_suggestions=config.scan.accept_suggestions or wishes.accept_suggestions,
        acknowledge=(
            *config.scan.acknowledge,
            *(Acknowledged(rule=rule, path=path) for rule, path in wishes.acknowledged),
        ),
    )
    if not wishes.entrypoint:
        return replace(config, scan=scan)
    return replace(config, scan=scan, entrypoint=Entrypoint(command=tuple(wishes.entrypoint)), cmd=())


def _scan_options(config: ImageConfig) -> ScanOptions:
    return ScanOptions(
        allow_gcompat=config.scan.allow_gcompat,
        rewrite_shebangs=config.scan.rewrite_shebangs,
        library_path=tuple(filter(None, config.environment.get("LD_LIBRARY_PATH", "").split(":"))),
        acknowledged=tuple(Acknowledgement.checked(each.rule, each.path) for each in config.scan.acknowledge),
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
