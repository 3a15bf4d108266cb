"""The real repositories of the shared test data, as folders that can be served and changed."""

from pathlib import Path

from support.shared import SHARED

_MAX_LINK = 200


def real_file(path: Path) -> Path:
    """The file that a shared file stands for: a link that was checked out as a text is followed."""
    if path.stat().st_size <= _MAX_LINK:
        text = path.read_bytes()
        if text.startswith(b"../") and b"\n" not in text:
            return (path.parent / text.decode()).resolve()
    return path.resolve()


def repository(name: str, folder: Path) -> Path:
    """A copy of a shared repository in `folder`, made of symbolic links to its real files.

    Args:
        name: The folder below `shared/alpine`, such as `v3.19.1-boot-x86_64`.
        folder: Where to make it.

    Returns:
        The repository: the folder that holds one folder per architecture, and `keys`.
    """
    root = folder / name
    for path in (SHARED / "alpine" / name).rglob("*"):
        if path.suffix == ".apk" or path.suffix == ".pub" or path.name == "APKINDEX.tar.gz":
            link = root / path.relative_to(SHARED / "alpine" / name)
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(real_file(path))
    return root
