"""The generated files of an image while they are thought up."""

from collections.abc import Sequence

from witchery.compose.files import Files
from witchery.compose.part import Generated
from witchery.errors import Refused
from witchery.rootfs import entry as entries
from witchery.rootfs.content import BytesContent
from witchery.rootfs.entry import Entry, Kind

_MAX_LINKS = 40  # as Linux has it (path_resolution(7))


class Draft:
    """Collects generated entries on top of what the packages bring.

    Paths may lead through links of the packages, such as `bin -> usr/bin`: each entry goes where its folder
    really is, and folders that are missing above it are made (0755, root).
    """

    def __init__(self, files: Files) -> None:
        self.files = files
        self._made: dict[str, Generated] = {}
        self._folders: dict[str, str] = {}  # where folders really are

    def entry(self, path: str) -> Entry | None:
        """What stands at a path, generated or from a package; the last part is not followed."""
        return self._at(self.real(path))

    def exists(self, path: str) -> bool:
        """Whether anything stands at a path."""
        return self.entry(path) is not None

    def leads_to(self, path: str) -> Entry | None:
        """What stands at a path after all links, or None where they lead nowhere."""
        for _ in range(_MAX_LINKS):
            path = self.real(path)
            found = self._at(path)
            if found is None or found.kind is not Kind.SYMLINK:
                return found
            path = _joined(found.parent, found.target)
        return None

    def read(self, path: str) -> bytes | None:
        """The content of the regular file at a path after all links, or None where there is none."""
        found = self.leads_to(path)
        if found is None or found.kind not in (Kind.FILE, Kind.HARDLINK):
            return None
        if found.path in self._made:
            return b"".join(self._made[found.path].content.chunks())
        return self.files.read([found.path]).get(found.path)

    def read_all(self, paths: Sequence[str]) -> dict[str, bytes]:
        """The contents of those paths that lead to regular files, in order; no package is read twice."""
        found = {path: entry for path in paths if (entry := self.leads_to(path)) is not None}
        places = {entry.path for entry in found.values()}
        contents = {
            place: b"".join(self._made[place].content.chunks()) for place in places & self._made.keys()
        }
        contents |= self.files.read(places - contents.keys())
        return {path: contents[entry.path] for path, entry in found.items() if entry.path in contents}

    def below(self, folder: str) -> list[str]:
        """The paths below a folder that packages bring, in order."""
        prefix = f"{self.real(folder)}/"
        return sorted(path for path in self.files.paths() if path.startswith(prefix))

    def real(self, path: str) -> str:
        """The path with the links among its folders followed, never above the top.

        Raises:
            Refused: if links lead in a circle.
        """
        folder, _, name = path.rpartition("/")
        if name in {"", ".", ".."}:
            return self._followed(path)
        if folder not in self._folders:
            self._folders[folder] = self._followed(folder)
        real = self._folders[folder]
        return f"{real}/{name}" if real else name

    def _followed(self, path: str) -> str:
        """The path with all links in it followed, its last part too."""
        done: list[str] = []
        todo = list(reversed(path.split("/")))
        links = 0
        while todo:
            part = todo.pop()
            if part in {"", "."}:
                continue
            if part == "..":
                del done[-1:]
                continue
            done.append(part)
            found = self._at("/".join(done))
            if found is not None and found.kind is Kind.SYMLINK:
                links += 1
                if links > _MAX_LINKS:
                    raise Refused(f"links lead in a circle: `{path}`")
                done = []
                todo += reversed(_joined(found.parent, found.target).split("/"))
        return "/".join(done)

    def directory(self, path: str, mode: int = 0o755, *, uid: int = 0, gid: int = 0, why: str) -> None:
        """Makes a folder, or gives one that is there this mode and owner."""
        self._put(entries.directory(self.real(path), mode, uid=uid, gid=gid), b"", why)

    def symlink(self, path: str, target: str, *, why: str) -> None:
        """Makes a symbolic link."""
        self._put(entries.symlink(self.real(path), target), b"", why)

    def file(
        self, path: str, data: bytes, mode: int = 0o644, *, uid: int = 0, gid: int = 0, why: str
    ) -> None:
        """Makes a file, or replaces one."""
        self._put(entries.file(self.real(path), len(data), mode, uid=uid, gid=gid), data, why)

    def rewrite(self, path: str, data: bytes, *, uid: int = 0, gid: int = 0, why: str) -> None:
        """Gives the file that a path leads to another content and owner; its mode stays."""
        found = self.leads_to(path)
        place = found.path if found is not None else path
        self.file(place, data, found.mode if found is not None else 0o644, uid=uid, gid=gid, why=why)

    def generated(self) -> tuple[Generated, ...]:
        """All that was made, by path."""
        return tuple(self._made[path] for path in sorted(self._made))

    def _at(self, path: str) -> Entry | None:
        made = self._made.get(path)
        return made.entry if made is not None else self.files.entry(path)

    def _put(self, entry: Entry, data: bytes, why: str) -> None:
        parent = entry.parent
        if parent and self._at(parent) is None:
            self.directory(parent, why=why)
        if entry.kind is Kind.SYMLINK and any(
            f"{folder}/".startswith(f"{entry.path}/") for folder in self._folders
        ):
            self._folders.clear()
        self._made[entry.path] = Generated(entry, BytesContent(data), why)


def _joined(folder: str, target: str) -> str:
    return target if target.startswith("/") else f"{folder}/{target}"
