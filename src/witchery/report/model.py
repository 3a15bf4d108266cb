"""What is shown about an image: one value, whatever it was read from, and whatever it is shown as.

What is not known is `Absent` with a reason, never empty: no evidence, and no data about vulnerabilities, are
not the same as nothing found.
"""

from typing import Literal, NamedTuple

from witchery.errors import FormatError
from witchery.oci.config import Execution
from witchery.report.findings import Audit, Changes, Verification, Vulnerabilities
from witchery.value import frozen

WORLD = -1
"""The place of what was requested, where an edge names a package by its position."""
NOWHERE = -1
"""The position of no package, or of no layer."""

MAX_FILES = 200_000
"""How many files are shown; of more the largest, and the rest are counted."""
MAX_PATHS = 32 << 20
"""How many characters of paths are shown; what exceeds them is counted like what exceeds `MAX_FILES`."""
MAX_PACKAGES = 5_000
"""How many packages a report may be about; those of a large image are some hundred."""
MAX_HELD = 60
"""How many packages are named that would leave with another."""
MAX_SCRIPT = 1 << 16
"""How much of a script is shown, in characters."""

LAYER_KINDS = ("signed", "payload", "derived", "top", "other")
"""What layers can be; `other` where nothing says, as in images of others."""


@frozen
class Absent:
    """A part that is not there.

    Attributes:
        reason: Why, in a sentence without a final stop.
    """

    reason: str


_NOT_ASKED = Absent("nobody asked for it")


class Layer(NamedTuple):
    """A layer.

    Attributes:
        digest: Of the blob.
        size: Of the blob, in bytes.
        kind: One of `LAYER_KINDS`.
        reason: Why it is not as a distribution signed it; of an `other` what made it; or an empty string.
    """

    digest: str
    size: int
    kind: str
    reason: str = ""


class Package(NamedTuple):
    """A package.

    Attributes:
        name: Its name.
        version: Its version.
        origin: The source package.
        licence: As it states it.
        description: What it is, in a line.
        home: Where its home is.
        size: Bytes of its files.
        layer: The position of the layer with its files, or `NOWHERE`.
        requested: By which entries of the world it was requested.
        own: Whether it is the application.
        held: The positions of other packages that are there only because of it: the first `MAX_HELD`.
        held_count: How many these are in all.
        held_size: Bytes of its files, and of theirs.
        signer: The key that signed the package, or an empty string where that is not known.
    """

    name: str
    version: str
    origin: str = ""
    licence: str = ""
    description: str = ""
    home: str = ""
    size: int = 0
    layer: int = NOWHERE
    requested: tuple[str, ...] = ()
    own: bool = False
    held: tuple[int, ...] = ()
    held_count: int = 0
    held_size: int = 0
    signer: str = ""


class Edge(NamedTuple):
    """One package that asks for another, or is a condition for it.

    Attributes:
        source: The position of the one that asks; `WORLD` for what was requested.
        target: The position of the other.
        cause: `world`, `depends` or `install_if`.
        because: The dependencies: `so:libssl.so.3`.
    """

    source: int
    target: int
    cause: str
    because: tuple[str, ...]


class File(NamedTuple):
    """Something at a path, but for folders.

    Attributes:
        path: Without a leading slash.
        kind: `file`, `link`, `hardlink`, `device` or `fifo`.
        size: Its bytes; of a hard link 0, since it shares them.
        mode: Permission bits with setuid, setgid and sticky.
        uid: Numeric owner.
        gid: Numeric group.
        package: The position of the package that brings it, or `NOWHERE`.
        layer: The position of its layer, or `NOWHERE`.
        target: Where a link leads.
    """

    path: str
    kind: str
    size: int
    mode: int
    uid: int = 0
    gid: int = 0
    package: int = NOWHERE
    layer: int = NOWHERE
    target: str = ""


@frozen(kw_only=True)
class Files:
    """The files.

    Attributes:
        listed: The files, in order of their paths.
        omitted: How many more there are, all of them smaller.
        omitted_size: Their bytes.
    """

    listed: tuple[File, ...]
    omitted: int = 0
    omitted_size: int = 0

    @staticmethod
    def of(found: list[File], limit: int = MAX_FILES, paths: int = MAX_PATHS) -> "Files":
        """Some files: all, or of too many the largest."""
        ordered = sorted(found, key=lambda each: (-each.size, each.path))
        kept = 0
        for each in ordered[:limit]:
            paths -= len(each.path) + len(each.target)
            if paths < 0:
                break
            kept += 1
        listed, rest = sorted(ordered[:kept], key=lambda each: each.path), ordered[kept:]
        return Files(listed=tuple(listed), omitted=len(rest), omitted_size=sum(each.size for each in rest))


class Script(NamedTuple):
    """An install script of a package; none is ever run.

    Attributes:
        package: The position of the package.
        name: `post-install`, `trigger`, ...
        verdict: `emulated`, `irrelevant`, `not done`, or an empty string where nothing says.
        effects: What was done in its place.
        reason: Why it is irrelevant, or what of it was not done.
        text: The script.
    """

    package: int
    name: str
    verdict: str
    effects: tuple[str, ...] = ()
    reason: str = ""
    text: str = ""


@frozen(kw_only=True)
class Report:
    """Everything about an image.

    Attributes:
        name: What the user called it.
        kind: `image`, `source` or `lock`.
        arch: For which architecture.
        tool: The version of Witchery.
        digest: Of the manifest, or an empty string.
        created: When it says it was made, or an empty string.
        transfer: Bytes to transfer, or 0 where there is no image.
        execution: How it is started.
        notes: What one has to know to judge all this, a sentence each.
        layers: Its layers, the lowest first.
        packages: Its packages, in order of their names.
        edges: Who asks for whom.
        files: Its files.
        scripts: The scripts of its packages.
        audit: How hard it is to attack.
        vulnerabilities: What is known to be vulnerable.
        verification: What it rests on.
        changes: In what it differs from another.
    """

    name: str
    kind: Literal["image", "source", "lock"]
    arch: str
    tool: str
    digest: str = ""
    created: str = ""
    transfer: int = 0
    execution: Execution | Absent
    notes: tuple[str, ...] = ()
    layers: tuple[Layer, ...] | Absent
    packages: tuple[Package, ...]
    edges: tuple[Edge, ...]
    files: Files | Absent
    scripts: tuple[Script, ...] | Absent
    audit: Audit | Absent = _NOT_ASKED
    vulnerabilities: Vulnerabilities | Absent = _NOT_ASKED
    verification: Verification | Absent = _NOT_ASKED
    changes: Changes | Absent = _NOT_ASKED

    def __post_init__(self) -> None:
        """Checks that positions lead somewhere.

        Raises:
            FormatError: if one does not.
        """
        packages = range(NOWHERE, len(self.packages))
        layers = range(NOWHERE, 0 if isinstance(self.layers, Absent) else len(self.layers))
        files = () if isinstance(self.files, Absent) else self.files.listed
        scripts = () if isinstance(self.scripts, Absent) else self.scripts
        found = () if isinstance(self.vulnerabilities, Absent) else self.vulnerabilities.found
        if not (
            all(each.layer in layers for each in self.packages)
            and all(each in packages for package in self.packages for each in package.held)
            and all(each.source in packages and each.target in packages[1:] for each in self.edges)
            and all(each.package in packages and each.layer in layers for each in files)
            and all(each.package in packages for each in scripts)
            and all(each.package in packages for each in found)
        ):
            raise FormatError("a position in the report leads nowhere", where=[self.name])
