"""One file of an image, and what a look into it has shown."""

import hashlib
from collections.abc import Iterable
from typing import NamedTuple

from witchery.elf import file as elf_file
from witchery.elf.exports import Export, exports
from witchery.elf.file import Elf
from witchery.elf.hardening import Hardening, hardening
from witchery.elf.header import MAGIC
from witchery.errors import FormatError
from witchery.rootfs.entry import Entry
from witchery.value import field, frozen

MAX_ELF = 512 << 20
"""The largest ELF file that is read, in bytes; of a larger one nothing is known but that."""
MAX_SYMBOLS = 2_000_000
"""How many symbols are kept of all files of an image."""
_SCRIPT = b"#!"
_LINE = 255
"""How much of a first line Linux reads (`BINPRM_BUF_SIZE` - 1)."""


@frozen(kw_only=True)
class Binary:
    """What is known of an ELF file.

    Attributes:
        hardening: How it is hardened.
        soname: The name it goes by as a library, or an empty string.
        needed: The libraries it wants.
        exports: What it promises to others, where it is a library.
        imports: The symbols that it does not load without, without their versions.
        versions: The versions of symbols that it defines.
    """

    hardening: Hardening
    soname: str = ""
    needed: tuple[str, ...] = ()
    exports: "dict[str, Export]" = field(default_factory=dict, repr=False, hash=False)
    imports: frozenset[str] = field(default=frozenset(), repr=False)
    versions: tuple[str, ...] = ()


class Look(NamedTuple):
    """What a look into a regular file has shown.

    Attributes:
        digest: SHA-256 of the content.
        binary: What it is, where it is ELF.
        interpreter: What its first line names as its interpreter, or an empty string.
        broken: Why it looks like ELF and cannot be read as such, or an empty string.
    """

    digest: bytes
    binary: Binary | None = None
    interpreter: str = ""
    broken: str = ""


class SurveyedFile(NamedTuple):
    """Something at a place in an image.

    Attributes:
        entry: Its place, kind, owner and mode. A hard link is a file with the attributes of the first name.
        layer: The number of the layer that it is from, from 0 on.
        look: What it holds, for a regular file.
        first: The path whose other name it is, where it is a hard link.
    """

    entry: Entry
    layer: int
    look: Look | None = None
    first: str = ""

    @property
    def path(self) -> str:
        """Its place, without a leading slash."""
        return self.entry.path

    @property
    def binary(self) -> Binary | None:
        """What it is, where it is an ELF file that can be read."""
        return self.look.binary if self.look else None


class Looking:
    """Looks into files, one after the other; keeps no more than the limits allow."""

    def __init__(self) -> None:
        self._symbols = 0

    def look(self, entry: Entry, chunks: Iterable[bytes]) -> Look:
        """Looks into a file.

        Args:
            entry: What it is.
            chunks: Its content.

        Raises:
            FormatError: if the image has more symbols than `MAX_SYMBOLS`.
        """
        hasher = hashlib.sha256()
        head = b""
        kept: list[bytes] | None = []
        for chunk in chunks:
            hasher.update(chunk)
            if len(head) < _LINE:
                head += chunk[: _LINE - len(head)]
            if kept is not None:
                kept.append(chunk)
                if len(head) >= len(MAGIC) and (not head.startswith(MAGIC) or entry.size > MAX_ELF):
                    kept = None
        digest = hasher.digest()
        if head.startswith(MAGIC):
            if kept is None:
                return Look(digest, broken=f"larger than the limit of {MAX_ELF} bytes")
            return self._elf(digest, b"".join(kept))
        return Look(digest, interpreter=_interpreter(head))

    def _elf(self, digest: bytes, data: bytes) -> Look:
        try:
            elf = elf_file.read(data)
            found = binary(elf)
        except FormatError as error:
            return Look(digest, broken=str(error))
        self._symbols += len(found.exports) + len(found.imports)
        if self._symbols > MAX_SYMBOLS:
            raise FormatError(f"more than {MAX_SYMBOLS} symbols in all")
        return Look(digest, found)


def binary(elf: Elf) -> Binary:
    """What is known of an ELF file, without its bytes."""
    return Binary(
        hardening=hardening(elf),
        soname=elf.soname or "",
        needed=elf.needed,
        exports=dict(exports(elf)) if elf.is_shared_library else {},
        imports=frozenset(each.name for each in elf.symbols if each.required),
        versions=elf.versions.definitions,
    )


def _interpreter(head: bytes) -> str:
    """The program that a script's first line names; the one that `env` is to find, by its name."""
    if not head.startswith(_SCRIPT):
        return ""
    words = head[len(_SCRIPT) :].split(b"\n", 1)[0].decode("utf-8", "surrogateescape").split()
    if words and words[0].rpartition("/")[2] == "env":
        words = [each for each in words[1:] if not each.startswith("-") and "=" not in each]
    return words[0] if words else ""
