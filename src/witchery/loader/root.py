"""What a loader needs to know of an image: one of the few seams of the program."""

from typing import Protocol

from witchery.elf.file import Elf


class Root(Protocol):
    """The files of an image, or of a part of it."""

    def locate(self, path: str) -> str | None:
        """The real path of the file that a path leads to, symbolic links followed; None where there is none.

        Names of one file (hard links) give one path. Neither has a leading slash.
        """
        ...

    def elf(self, path: str) -> Elf | None:
        """The ELF file at a real path, or None where it is something else."""
        ...
