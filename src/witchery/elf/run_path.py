"""What may be wrong with the folders in which a file looks for libraries first (`DT_RPATH`, `DT_RUNPATH`).

Musl knows no variable but $ORIGIN: another one makes it ignore the whole path. It passes over empty folders.
"""

from collections.abc import Callable, Sequence

_ORIGINS = ("$ORIGIN", "${ORIGIN}")
_FOLDERS = ("lib", "usr", "opt", "srv")
"""Folders of an image in which an absolute path may lead, whether something is there or not."""
_SHOWN = 120
"""How many characters of a folder are shown."""


def problem(folders: Sequence[str], is_inside: Callable[[str], bool]) -> str:
    """What is wrong with the first of the folders that is not right; an empty string where all are.

    Args:
        folders: As the file has them.
        is_inside: Whether a path without a leading slash is the image's own.
    """
    unknown = next((each for each in folders if "$" in _without_origin(each)), None)
    if unknown is not None:
        return (
            f"musl ignores the whole search path for `{unknown[:_SHOWN]}`: it knows no variable but $ORIGIN"
        )
    return next(filter(None, (_wrong(each, is_inside) for each in dict.fromkeys(folders))), "")


def _without_origin(folder: str) -> str:
    for variable in reversed(_ORIGINS):
        folder = folder.replace(variable, "")
    return folder


def _wrong(folder: str, is_inside: Callable[[str], bool]) -> str:
    if not folder or folder.startswith(_ORIGINS):
        return ""
    if not folder.startswith("/"):
        return f"looks for libraries in `{folder[:_SHOWN]}`, which depends on the folder it is started in"
    inside = folder.strip("/")
    if any(f"{inside}/".startswith(f"{each}/") for each in _FOLDERS) or is_inside(inside):
        return ""
    return f"looks for libraries in `{folder[:_SHOWN]}`, which is a folder of the machine that built it"


def absolute(folder: str, path: str) -> str:
    """A folder of the search path of a file, as a path of the image without a leading slash.

    Args:
        folder: As the file has it; `$ORIGIN` is the folder of the file.
        path: Where the file stands.
    """
    parent = path.rpartition("/")[0]
    for variable in reversed(_ORIGINS):
        folder = folder.replace(variable, f"/{parent}")
    parts: list[str] = []
    for part in folder.split("/"):
        if part == "..":
            del parts[-1:]
        elif part not in ("", "."):
            parts.append(part)
    return "/".join(parts)
