"""Image configurations (image-spec, config.md), with the bytes they were read from."""

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Self

from witchery import canonical
from witchery.digest import Digest
from witchery.errors import FormatError
from witchery.oci import media
from witchery.oci.descriptor import Descriptor, Platform
from witchery.oci.document import Fields
from witchery.value import field, frozen

_PORT = re.compile(r"[0-9]{1,5}(-[0-9]{1,5})?(/(tcp|udp|sctp))?")


@frozen(kw_only=True)
class History:
    """How one layer came to be. All for people: nothing depends on it, except that the count has to fit.

    Attributes:
        created: RFC 3339 time, or an empty string.
        created_by: What made the layer.
        author: Who did.
        comment: Anything else.
        empty_layer: True where this step changed the configuration only, and there is no layer for it.
    """

    created: str = ""
    created_by: str = ""
    author: str = ""
    comment: str = ""
    empty_layer: bool = False

    @classmethod
    def read(cls, fields: Fields) -> Self:
        """Reads one item of `history`."""
        return cls(
            created=fields.text("created", ""),
            created_by=fields.text("created_by", ""),
            author=fields.text("author", ""),
            comment=fields.text("comment", ""),
            empty_layer=fields.flag("empty_layer"),
        )

    def document(self) -> dict[str, Any]:
        """The JSON object, without members that say nothing."""
        written = {
            "created": self.created,
            "created_by": self.created_by,
            "author": self.author,
            "comment": self.comment,
            "empty_layer": self.empty_layer,
        }
        return {name: value for name, value in written.items() if value}


@frozen(kw_only=True)
class Execution:
    """What a runtime does with the image unless told otherwise (config.md, "config").

    Attributes:
        user: `user`, `uid`, `user:group` and so on; empty means root.
        env: `NAME=VALUE`, in order.
        entrypoint: The program and its first arguments.
        cmd: Further arguments, which the caller's own take the place of; or the program without `entrypoint`.
        working_dir: Absolute path; empty means `/`.
        ports: Such as `80/tcp`.
        volumes: Absolute paths.
        stop_signal: Such as `SIGTERM`.
        labels: Free text by name.
    """

    user: str = ""
    env: tuple[str, ...] = ()
    entrypoint: tuple[str, ...] = ()
    cmd: tuple[str, ...] = ()
    working_dir: str = ""
    ports: tuple[str, ...] = ()
    volumes: tuple[str, ...] = ()
    stop_signal: str = ""
    labels: Mapping[str, str] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        texts = (self.user, self.working_dir, *self.env, *self.entrypoint, *self.cmd, *self.volumes)
        for text in texts:
            if "\0" in text:
                raise FormatError(f"a NUL cannot stand in: `{text[:80]!r}`", where=("config",))
        for port in self.ports:
            if not _PORT.fullmatch(port):
                raise FormatError(f"expected a port such as `80/tcp`: `{port[:80]}`", where=("config",))

    @classmethod
    def read(cls, fields: Fields) -> Self:
        """Reads the member `config`."""
        return cls(
            user=fields.text("User", ""),
            env=fields.texts("Env"),
            entrypoint=fields.texts("Entrypoint"),
            cmd=fields.texts("Cmd"),
            working_dir=fields.text("WorkingDir", ""),
            ports=fields.names("ExposedPorts"),
            volumes=fields.names("Volumes"),
            stop_signal=fields.text("StopSignal", ""),
            labels=fields.text_map("Labels"),
        )

    def document(self) -> dict[str, Any]:
        """The JSON object, without members that say nothing."""
        written: dict[str, Any] = {
            "User": self.user,
            "Env": list(self.env),
            "Entrypoint": list(self.entrypoint),
            "Cmd": list(self.cmd),
            "WorkingDir": self.working_dir,
            "ExposedPorts": {port: {} for port in self.ports},
            "Volumes": {volume: {} for volume in self.volumes},
            "StopSignal": self.stop_signal,
            "Labels": dict(self.labels),
        }
        return {name: value for name, value in written.items() if value}


@frozen(kw_only=True)
class Config:
    """The configuration of an image: how to run it, and the uncompressed digests of its layers.

    Attributes:
        raw: The bytes that the digest names.
        platform: What it runs on.
        execution: How to run it.
        diff_ids: Digests of the layers' uncompressed tars, the lowest first.
        history: How it came to be.
        created: RFC 3339 time, or an empty string.
        author: Who made it.
    """

    raw: bytes
    platform: Platform
    execution: Execution
    diff_ids: tuple[Digest, ...]
    history: tuple[History, ...] = ()
    created: str = ""
    author: str = ""

    @classmethod
    def read(cls, raw: bytes) -> Self:
        """Reads a configuration.

        Raises:
            FormatError: if it is malformed.
        """
        fields = Fields.decode(raw)
        rootfs = fields.nested("rootfs")
        if rootfs.text("type", "") != "layers":
            raise FormatError("expected `layers`", where=("rootfs", "type"))
        try:
            diff_ids = rootfs.digests("diff_ids")
        except FormatError as error:
            raise error.at("rootfs") from None
        return cls(
            raw=raw,
            platform=Platform.read(fields),
            execution=Execution.read(fields.nested("config")),
            diff_ids=diff_ids,
            history=fields.objects("history", History.read),
            created=fields.text("created", ""),
            author=fields.text("author", ""),
        )

    @classmethod
    def of(
        cls,
        *,
        platform: Platform,
        execution: Execution,
        diff_ids: Iterable[Digest],
        history: Iterable[History] = (),
        created: str = "",
        author: str = "",
    ) -> Self:
        """Writes a configuration; the same arguments always give the same bytes."""
        diff_ids, history = tuple(diff_ids), tuple(history)
        document: dict[str, Any] = {
            **platform.document(),
            "config": execution.document(),
            "rootfs": {"type": "layers", "diff_ids": [str(diff_id) for diff_id in diff_ids]},
        }
        if history:
            document["history"] = [step.document() for step in history]
        document |= {name: text for name, text in (("created", created), ("author", author)) if text}
        return cls(
            raw=canonical.encode(document),
            platform=platform,
            execution=execution,
            diff_ids=diff_ids,
            history=history,
            created=created,
            author=author,
        )

    @property
    def descriptor(self) -> Descriptor:
        """The descriptor of the bytes, as an OCI configuration."""
        return Descriptor.of(media.CONFIG, self.raw)


def rfc3339(seconds: int) -> str:
    """A time, in seconds since 1970, as manifests write it: `2024-01-26T17:53:06Z`.

    Raises:
        FormatError: if the year does not lie between 1970 and 9999.
    """
    try:
        moment = datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError, OSError):
        moment = None
    if moment is None or seconds < 0:
        raise FormatError(f"expected seconds between the years 1970 and 9999: {seconds}")
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
