"""Applications made of values: files at their places in the image, without a folder on disk."""

from collections.abc import Mapping

from witchery.arch import Arch
from witchery.payload.tree import Payload, PayloadFile
from witchery.rootfs.content import BytesContent
from witchery.rootfs.entry import directory, file, symlink


def make_payload(
    files: Mapping[str, bytes],
    *,
    links: Mapping[str, str] | None = None,
    modes: Mapping[str, int] | None = None,
    name: str = "hello",
    arch: str = "x86_64",
    root: str = "app",
) -> Payload:
    """A payload.

    Args:
        files: Contents by path below `root`. The folders above them are made.
        links: Targets of symbolic links, by path below `root`.
        modes: Permission bits by path; otherwise 0o755 for what begins like a program (ELF, `#!`) and is no
            library by its name, 0o644 for the rest.
        name: What the application is called.
        arch: What it is to run on.
        root: The folder that holds it in the image; empty for the top.
    """
    modes = modes or {}
    found: dict[str, PayloadFile] = {}

    def place(path: str) -> str:
        full = f"{root}/{path}" if root else path
        above = full.split("/")[:-1]
        for depth in range(1, len(above) + 1):
            folder = "/".join(above[:depth])
            found.setdefault(folder, PayloadFile.of(directory(folder), BytesContent(b"")))
        return full

    for path, content in files.items():
        entry = file(place(path), len(content), modes.get(path, _mode(path, content)))
        found[entry.path] = PayloadFile.of(entry, BytesContent(content))
    for path, target in (links or {}).items():
        link = symlink(place(path), target)
        found[link.path] = PayloadFile.of(link, BytesContent(b""))
    return Payload.of(name, Arch.parse(arch), found.values(), root)


def _mode(path: str, content: bytes) -> int:
    name = path.rpartition("/")[2]
    library = name.endswith((".so", ".node")) or ".so." in name
    return 0o755 if content.startswith((b"\x7fELF", b"#!")) and not library else 0o644
