"""Where paths lead when folders are symbolic links: resolved inside the image, whatever the links say.

`..` stops at the root and an absolute target begins there, as for a process that has the image for its root
(openat2(2), RESOLVE_IN_ROOT); nothing is looked up on the machine that composes.
"""

from collections.abc import Mapping

from witchery.errors import Refused

MAX_HOPS = 40
"""How many symbolic links one path may lead through (path_resolution(7), ELOOP)."""


class Links:
    """The symbolic links of a tree.

    Attributes:
        targets: What each points to, by its path in the tree.
    """

    def __init__(self, targets: Mapping[str, str]) -> None:
        self.targets = targets

    def follow(self, path: str) -> str:
        """Where a path leads, its last part followed too; empty for the root.

        Raises:
            Refused: naming the link, if links lead in a circle.
        """
        return self._walk(path, follow_last=True)

    def locate(self, path: str) -> str:
        """Where the entry of this path stands: its folders followed, its last part not.

        Raises:
            Refused: naming the link, if links lead in a circle.
        """
        return self._walk(path, follow_last=False)

    def beside(self, link: str, target: str) -> str:
        """The place that a link at a path names; it may be another link.

        Raises:
            Refused: naming the link, if links lead in a circle.
        """
        return self.locate(target if target.startswith("/") else f"{link.rpartition('/')[0]}/{target}")

    def _walk(self, path: str, *, follow_last: bool) -> str:
        ahead = [part for part in reversed(path.split("/")) if part not in ("", ".")]
        done: list[str] = []
        hops = 0
        while ahead:
            part = ahead.pop()
            if part == "..":
                del done[-1:]
                continue
            done.append(part)
            target = self.targets.get("/".join(done)) if ahead or follow_last else None
            if target is None:
                continue
            hops += 1
            if hops > MAX_HOPS:
                raise Refused(f"symbolic links lead in a circle: `{'/'.join(done)}`")
            if target.startswith("/"):
                done.clear()
            else:
                done.pop()
            ahead += [part for part in reversed(target.split("/")) if part not in ("", ".")]
        return "/".join(done)
