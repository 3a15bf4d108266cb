"""The configuration as values, and the one table that everything about its schema is derived from.

Each field names its key, the kind of its value, what it means and what holds when it is not given (see
`witchery.config.kinds.setting`). The keys are those of apko's schema; keys marked `own` are Witchery's.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal, Self

from witchery.arch import Arch
from witchery.config import values
from witchery.config.accounts import Accounts
from witchery.config.audit import Auditing
from witchery.config.bills import Bills
from witchery.config.faults import Fault, repeated
from witchery.config.kinds import Choice, Flag, ListOf, MapOf, Mode, Model, Record, Words, setting
from witchery.config.payload import Part, Scan, owner_faults
from witchery.value import frozen, replace


@frozen(kw_only=True)
class RuntimeKey(Model):
    """A public key that the image trusts when `apk` runs inside it."""

    name: str = setting(values.KEY_NAME, "File name under `/etc/apk/keys`.")
    content: str = setting(values.PUBLIC_KEY, "The key in PEM form.")


@frozen(kw_only=True)
class Contents(Model):
    """Where packages come from and which are wanted."""

    repositories: tuple[str, ...] = setting(
        ListOf(values.REPOSITORY),
        "Repositories to build from: a URL, a path, or `@tag` before either. Where `apk` is in the image, its"
        " `/etc/apk/repositories` names the URLs.",
    )
    build_repositories: tuple[str, ...] = setting(
        ListOf(values.REPOSITORY), "Repositories to build from, unknown to the image."
    )
    runtime_repositories: tuple[str, ...] = setting(
        ListOf(values.REPOSITORY),
        "Repositories that only the image names; nothing is built from them.",
    )
    keyring: tuple[str, ...] = setting(
        ListOf(values.KEY_LOCATION),
        "Public keys to trust besides Alpine's release keys, which come with Witchery: paths or URLs."
        " Where `apk` is in the image, they are in its `/etc/apk/keys` as well.",
    )
    runtime_keyring: tuple[RuntimeKey, ...] = setting(
        ListOf(Record(RuntimeKey)), "Keys that only the image trusts; nothing is built with them."
    )
    packages: tuple[str, ...] = setting(
        ListOf(values.PACKAGE),
        "The world: what to install, each in the notation of `/etc/apk/world`: `name`, `name=1.2-r0`,"
        " `name<2`, `name~1.2`, `name@tag`, `!name`; or the path of a package file, which ends in `.apk`.",
    )
    shell: Literal["allow", "forbid"] = setting(
        Choice(("allow", "forbid")),
        "`forbid` builds an image without a shell: packages whose install script alone wanted one are taken"
        " without it, and where something really needs a shell the build fails and names it.",
        default="allow",
        own=True,
    )
    scripts: Literal["emulate", "none"] = setting(
        Choice(("emulate", "none")),
        "`emulate` does what the packages' install scripts would do, as far as their text says it: users,"
        " groups, links of busybox, certificate bundles. Scripts are never run. `none` leaves it all out.",
        default="emulate",
        own=True,
    )

    def faults(self) -> Iterator[Fault]:
        """Keys that would overwrite each other in `/etc/apk/keys`."""
        names = [location.rstrip("/").rpartition("/")[2] for location in self.keyring]
        yield from repeated("file name of a key", "keyring", names)
        yield from repeated(
            "file name of a key", "runtime_keyring", [key.name for key in self.runtime_keyring], "name"
        )


@frozen(kw_only=True)
class Entrypoint(Model):
    """What the container runs."""

    type: Literal["", "service-bundle"] = setting(
        Choice(("service-bundle",)),
        "`service-bundle` runs `services` under s6 and adds the package `s6`.",
        default="",
    )
    command: tuple[str, ...] = setting(Words(), "The program and its arguments.")
    shell_fragment: str = setting(
        values.SCRIPT, "A script that `/bin/sh -c` runs.", key="shell-fragment", default=""
    )
    services: Mapping[str, str] = setting(
        MapOf(values.SERVICE, values.COMMAND),
        "Names and command lines of the services of a `service-bundle`.",
    )

    @property
    def argv(self) -> tuple[str, ...]:
        """The entrypoint of the image's configuration; empty where there is none."""
        if self.type == "service-bundle":
            return ("/bin/s6-svscan", "/sv")
        return ("/bin/sh", "-c", self.shell_fragment) if self.shell_fragment else self.command

    def faults(self) -> Iterator[Fault]:
        """Two programs to run at once, or services that nothing would start."""
        if self.command and self.shell_fragment:
            yield Fault(("shell-fragment",), "`command` and `shell-fragment` cannot both be the entrypoint")
        if self.services and not self.type:
            yield Fault(("services",), "services run only under `type: service-bundle`")


@frozen(kw_only=True)
class PathRule(Model):
    """Something to create in the image, or to change about what packages brought. Rules apply in order."""

    path: str = setting(values.IMAGE_PATH, "Where in the image.")
    type: Literal["directory", "empty-file", "hardlink", "symlink", "permissions"] = setting(
        Choice(("directory", "empty-file", "hardlink", "symlink", "permissions")),
        "What to create; `permissions` creates nothing and changes owner and permissions of what is there.",
    )
    uid: int | None = setting(
        values.ID, "The owner's number; 0 for something new, unchanged for `permissions`.", default=None
    )
    gid: int | None = setting(
        values.ID, "The group's number; 0 for something new, unchanged for `permissions`.", default=None
    )
    permissions: int | None = setting(
        Mode(),
        "Permission bits, always octal (`0o755`, `0755` and `755` are the same). If not given: 0755 for a"
        " directory, 0644 for an empty file, unchanged for `permissions`. Links have none of their own.",
        default=None,
    )
    source: str = setting(
        values.LINK_SOURCE,
        "What a `symlink` or `hardlink` leads to; required for these, and only for these.",
        default="",
    )
    recursive: bool = setting(
        Flag(), "Whether everything below a directory gets the same owner and permissions.", default=False
    )

    @property
    def mode(self) -> int | None:
        """The permission bits to set, or None to leave them alone."""
        if self.permissions is not None and not self.is_link:
            return self.permissions
        return {"directory": 0o755, "empty-file": 0o644}.get(self.type)

    @property
    def is_link(self) -> bool:
        """True for links of either type."""
        return self.type in {"hardlink", "symlink"}

    def faults(self) -> Iterator[Fault]:
        """Links to nowhere, and rules that say nothing."""
        if self.is_link and not self.source:
            yield Fault((), f"a {self.type} needs a `source`: `{self.path}`")
        if self.source and not self.is_link:
            yield Fault(("source",), f"only links have a `source`, and the type is `{self.type}`")
        if self.type == "hardlink" and ".." in self.source.split("/"):
            yield Fault(("source",), f"a path must not contain `..`: `{self.source}`")
        if self.recursive and self.type not in {"directory", "permissions"}:
            yield Fault(("recursive",), f"nothing is below a `{self.type}`")
        if self.type == "permissions" and self.permissions is self.uid is self.gid is None:
            yield Fault((), f"the rule changes nothing: give `permissions`, `uid` or `gid` for `{self.path}`")


@frozen(kw_only=True)
class Layering(Model):
    """How packages become layers."""

    strategy: Literal["packages", "origin", "single"] = setting(
        Choice(("packages", "origin", "single")),
        "`packages`: a layer per package, the bytes that Alpine signed wherever it is safe; `origin`:"
        " packages of one source share a layer, as with apko; `single`: one layer. The word alone will do:"
        " `layering: single`.",
        default="packages",
    )
    budget: int = setting(
        values.BUDGET, "At most this many layers of packages; small ones share a layer beyond it.", default=60
    )


@frozen(kw_only=True)
class Certificate(Model):
    """A certificate authority to trust."""

    name: str = setting(values.CERTIFICATE_NAME, "A name for its file.")
    content: str = setting(values.CERTIFICATE, "One certificate in PEM form.")


@frozen(kw_only=True)
class Certificates(Model):
    """Certificate authorities that the image trusts besides those of its packages' bundle."""

    additional: tuple[Certificate, ...] = setting(ListOf(Record(Certificate)), "Certificates to add.")
    providers: tuple[str, ...] = setting(
        ListOf(values.PROVIDED),
        "Names that packages provide; the certificates these packages have under"
        " `/usr/local/share/ca-certificates` are added.",
    )

    def faults(self) -> Iterator[Fault]:
        """Certificates that would share a name."""
        yield from repeated("certificate", "additional", [each.name for each in self.additional], "name")


@frozen(kw_only=True)
class Base(Model):
    """Files that are generated where no package brings them; each can be switched off."""

    passwd: bool = setting(Flag(), "`/etc/passwd` with root and the users of `accounts`.", default=True)
    group: bool = setting(Flag(), "`/etc/group` with root and the groups of `accounts`.", default=True)
    nsswitch: bool = setting(Flag(), "`/etc/nsswitch.conf`: names from files, then DNS.", default=True)
    os_release: bool = setting(
        Flag(), "`/etc/os-release`, by which scanners know the distribution.", key="os-release", default=True
    )
    tmp: bool = setting(Flag(), "`/tmp`, writable for all (1777).", default=True)
    mount_points: bool = setting(
        Flag(), "The directories that runtimes mount on, such as `/proc`.", key="mount-points", default=True
    )


@frozen(kw_only=True)
class ImageConfig(Model):
    """An image as its author describes it."""

    include: str = setting(
        values.LOCAL_FILE,
        "Another configuration to start from: a file, relative to this one. What stands here is added to it"
        " or wins over it.",
        default="",
    )
    contents: Contents = setting(
        Record(
            Contents,
            refused={
                "baseimage": "not supported: an image is made of packages alone, so that each of its bytes"
                " can be checked back to a signature; name the packages that the base image holds"
            },
        ),
        "Packages and their sources.",
    )
    name: str = setting(
        values.APPLICATION,
        "What the application is called; otherwise like its file or folder.",
        default="",
        own=True,
    )
    payload: tuple[Part, ...] = setting(
        ListOf(Record(Part, short="source"), short=True),
        "The application: files that no package holds, scanned for what they need and made a package of"
        " their own. A path alone will do: `payload: ./dist`.",
        own=True,
    )
    scan: Scan = setting(Record(Scan), "What the scan of the application lets pass or does.", own=True)
    release: str = setting(
        values.RELEASE,
        "The release of Alpine whose repositories `main` and `community` are built from where no repository"
        " is named.",
        default="",
        own=True,
    )
    entrypoint: Entrypoint = setting(Record(Entrypoint), "What the container runs.", whole=True)
    cmd: tuple[str, ...] = setting(
        Words(),
        "Arguments for the entrypoint that a user of the image may replace.",
        whole=True,
    )
    work_dir: str = setting(
        values.ABSOLUTE_PATH, "The directory that the entrypoint starts in.", key="work-dir", default=""
    )
    stop_signal: str = setting(
        values.SIGNAL, "The signal that asks the container to stop.", key="stop-signal", default=""
    )
    accounts: Accounts = setting(
        Record(Accounts),
        "Users, groups, and who runs the entrypoint. Where nothing is said the image runs as `nonroot`"
        " (65532); a plain `apko.yaml` keeps apko's default, root.",
    )
    environment: Mapping[str, str] = setting(
        MapOf(values.VARIABLE, values.ANY),
        "Environment variables, besides `PATH` and `SSL_CERT_FILE`, which are always set unless given here.",
    )
    archs: tuple[Arch, ...] = setting(
        ListOf(values.ARCHITECTURE),
        "Architectures to build for, by Alpine's or OCI's names; this machine's if not given. Several make"
        " one image for all of them.",
        whole=True,
    )
    paths: tuple[PathRule, ...] = setting(
        ListOf(Record(PathRule)),
        "Directories, files, links and permissions to set after the packages.",
    )
    volumes: tuple[str, ...] = setting(ListOf(values.ABSOLUTE_PATH), "Paths that are volumes.")
    ports: tuple[str, ...] = setting(
        ListOf(values.PORT), "Ports that the container listens on: `8080`, `53/udp`.", own=True
    )
    labels: Mapping[str, str] = setting(
        MapOf(values.METADATA_KEY, values.ANY), "Labels of the image's configuration only.", own=True
    )
    annotations: Mapping[str, str] = setting(
        MapOf(values.METADATA_KEY, values.ANY), "Annotations of manifest and index; they are labels too."
    )
    vcs_url: str = setting(
        values.VCS_URL,
        "Where the source is, and its revision after `@`: `https://example.org/app@1f0c…`.",
        key="vcs-url",
        default="",
    )
    base: Base = setting(Record(Base), "Generated files that can be switched off.", own=True)
    sbom: Bills = setting(Record(Bills), "Bills of materials: what the image consists of.", own=True)
    audit: Auditing = setting(Record(Auditing), "What `witchery audit` lets pass.", own=True)
    layering: Layering = setting(
        Record(Layering, short="strategy"), "How packages become layers.", whole=True
    )
    certificates: Certificates = setting(Record(Certificates), "Certificate authorities to add.", whole=True)
    format: Literal["tar"] = setting(
        Choice(
            ("tar",),
            refused={
                "erofs": "not supported: layers are tar streams, because the bytes that Alpine signed are; no"
                " distribution signs EROFS images"
            },
        ),
        "The form of the layers; only `tar`.",
        default="tar",
    )

    @property
    def world(self) -> tuple[str, ...]:
        """The packages asked for, those that the entrypoint's type brings included."""
        packages = self.contents.packages
        return (*packages, "s6") if self.entrypoint.type and "s6" not in packages else packages

    @property
    def source_and_revision(self) -> tuple[str, str]:
        """The two halves of `vcs-url`; the revision is empty where none is given."""
        source, _, revision = self.vcs_url.rpartition("@")
        if source and "/" not in revision and ":" not in revision:
            return source, revision
        return self.vcs_url, ""

    def to_document(self) -> dict[str, Any]:
        """What differs from the defaults, as plain lists and mappings; credentials in URLs are left out."""
        from witchery.config.encode import document

        return document(self)

    def to_yaml(self) -> str:
        """The document as YAML, which gives the same configuration again but for credentials."""
        from witchery.config.encode import to_yaml

        return to_yaml(self)

    def adding(
        self,
        *,
        packages: Iterable[str] = (),
        repositories: Iterable[str] = (),
        keyring: Iterable[str] = (),
    ) -> Self:
        """The configuration with what the command line adds, each after what the file says."""
        contents = replace(
            self.contents,
            packages=(*self.contents.packages, *packages),
            repositories=(*self.contents.repositories, *repositories),
            keyring=(*self.contents.keyring, *keyring),
        )
        return replace(self, contents=contents)

    def faults(self) -> Iterator[Fault]:
        """A shell that is forbidden and needed, owners that nobody knows, architectures given twice."""
        if self.contents.shell == "forbid" and self.entrypoint.shell_fragment:
            message = "a `shell-fragment` needs the shell that `contents.shell: forbid` keeps out"
            yield Fault(("entrypoint", "shell-fragment"), message)
        yield from owner_faults(self.payload, self.accounts)
        yield from repeated("architecture", "archs", [arch.apk for arch in self.archs])


IMAGE = Record(ImageConfig)
"""The kind of a whole file."""
