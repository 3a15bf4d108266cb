"""Where an image goes or comes from, in the notation of skopeo (containers-transports(5)), and of apko.

| written | value |
| --- | --- |
| `oci:DIR[:TAG]` | `LayoutFolder` |
| `oci-archive:FILE[:TAG]`, `docker-archive:FILE[:REF]` | `ArchiveFile`; the two are one file form |
| `docker://REF` | `RegistryImage` |
| `rootfs:DIR` | `RootfsFolder` |
| `FILE.tar`, `-` | `ArchiveFile`, as with apko |
| any other path | `PlainFolder`: what it is, its contents tell |

Parsing is pure: whether a path exists is not looked at.
"""

import re

from witchery.errors import UsageError
from witchery.oci.reference import Reference, is_tag
from witchery.value import frozen

STDOUT = "-"
"""The path of an archive that goes to standard output."""


@frozen
class LayoutFolder:
    """A folder in the OCI image layout.

    Attributes:
        path: The folder.
        tag: The tag in its index, or an empty string.
    """

    path: str
    tag: str = ""

    def __str__(self) -> str:
        return f"oci:{self.path}" + (f":{self.tag}" if self.tag else "")


@frozen
class ArchiveFile:
    """A tar file that holds an OCI layout and Docker's `manifest.json`.

    Attributes:
        path: The file; `-` is standard output.
        name: Tag or reference of the image in it, or an empty string.
        docker: True where Docker is to load it, so that it holds one platform and no more.
    """

    path: str
    name: str = ""
    docker: bool = False

    def __str__(self) -> str:
        scheme = "docker-archive" if self.docker else "oci-archive"
        return f"{scheme}:{self.path}" + (f":{self.name}" if self.name else "")


@frozen
class RegistryImage:
    """An image in a registry.

    Attributes:
        reference: Its name, with a tag or a digest.
    """

    reference: Reference

    def __str__(self) -> str:
        return f"docker://{self.reference}"


@frozen
class RootfsFolder:
    """A folder that holds an unpacked image.

    Attributes:
        path: The folder.
    """

    path: str

    def __str__(self) -> str:
        return f"rootfs:{self.path}"


@frozen
class PlainFolder:
    """A folder without a word on what it holds: as a target an OCI layout, as a source whatever is in it.

    Attributes:
        path: The folder.
    """

    path: str

    def __str__(self) -> str:
        return self.path


Transport = LayoutFolder | ArchiveFile | RegistryImage | RootfsFolder | PlainFolder

_KNOWN = ("oci:", "oci-archive:", "docker-archive:", "docker://", "rootfs:")
_SCHEME = re.compile(r"[a-z][a-z0-9+-]+:")


def parse(text: str) -> Transport:
    """Reads a transport.

    Raises:
        UsageError: if its path, tag or reference is missing or malformed.
    """
    scheme, colon, rest = text.partition(":")
    match scheme if colon else "":
        case "oci":
            path, tag = _named(rest, text)
            return LayoutFolder(path, tag)
        case "oci-archive" | "docker-archive":
            return ArchiveFile(*_named(rest, text), docker=scheme == "docker-archive")
        case "docker":
            if not rest.startswith("//"):
                raise UsageError(f"expected `docker://REFERENCE`: `{text}`")
            return RegistryImage(Reference.parse(rest.removeprefix("//")).tagged())
        case "rootfs":
            return RootfsFolder(_path(rest, text))
    if _SCHEME.match(text):  # a folder of such a name can be written `./name:`
        known = ", ".join(f"`{name}`" for name in _KNOWN)
        raise UsageError(f"not a transport of witchery: `{text}`", hint=f"known are {known}")
    if text == STDOUT or text.endswith(".tar"):
        return ArchiveFile(text)
    return PlainFolder(_path(text, text))


def _named(rest: str, text: str) -> tuple[str, str]:
    """Path and name, apart at the first colon, as in skopeo."""
    path, colon, name = rest.partition(":")
    if colon and not is_tag(name):
        Reference.parse(name)
    return _path(path, text), name


def _path(path: str, text: str) -> str:
    if not path or "\0" in path:
        raise UsageError(f"expected a path: `{text!r}`" if "\0" in path else f"expected a path: `{text}`")
    return path
