"""Zip archives inside an application, as far as a scan looks into them (APPNOTE 6.3, sections 4.3 and 4.4).

An archive may stand behind something else, such as the first line of a script: its directory is found from
the end. Stored and deflated members are read; encrypted ones, several disks and zip64 are not.
"""

from struct import unpack_from
from typing import NamedTuple

from witchery import codec
from witchery.errors import FormatError
from witchery.rootfs.content import SeekableContent
from witchery.value import frozen

MAX_MEMBERS = 50_000
"""How many members an archive may have."""
MAX_DIRECTORY = 1 << 24
"""How long its directory may be, in bytes."""
_END, _MEMBER, _LOCAL = b"PK\x05\x06", b"PK\x01\x02", b"PK\x03\x04"
_END_SIZE, _MEMBER_SIZE, _LOCAL_SIZE = 22, 46, 30
_MAX_COMMENT = 0xFFFF
_STORED, _DEFLATED = 0, 8
_ENCRYPTED = 1
_CODES = 4096


class Member(NamedTuple):
    """One file in an archive.

    Attributes:
        name: Its path; what is not UTF-8 is replaced.
        size: How many bytes it has, as the directory says.
        packed: How many it takes up.
        method: How it is compressed.
        flags: Its general purpose bits.
        offset: Where its local header stands in the file.
    """

    name: str
    size: int
    packed: int
    method: int
    flags: int
    offset: int


@frozen
class Zip:
    """An archive.

    Attributes:
        content: The file that holds it.
        members: Its files by path, in the order of the directory. Of two at one path the last counts.
        start: Where it begins in the file.
    """

    content: SeekableContent
    members: dict[str, Member]
    start: int

    @staticmethod
    def of(content: SeekableContent) -> "Zip":
        """Reads the directory.

        Raises:
            FormatError: if there is none, or it contradicts itself or exceeds a limit.
            StorageError: if the file cannot be read.
        """
        begins = max(0, content.size - _END_SIZE - _MAX_COMMENT)
        tail = content.read_at(begins, content.size - begins)
        at = tail.rfind(_END, 0, max(0, len(tail) - _END_SIZE + len(_END)))
        if at < 0:
            raise FormatError("expected a zip archive: its directory is missing")
        count, size, offset = unpack_from("<HII", tail, at + 10)
        if count > MAX_MEMBERS or size > MAX_DIRECTORY:
            raise FormatError(f"a zip directory of more than {MAX_MEMBERS} members or {MAX_DIRECTORY} bytes")
        start = begins + at - size - offset
        if start < 0:
            raise FormatError("a zip directory that begins before the file")
        raw = content.read_at(start + offset, size)
        members: dict[str, Member] = {}
        place = 0
        for _ in range(count):
            member, place = _member(raw, place)
            if not member.name.endswith("/"):
                members[member.name] = member
        return Zip(content, members, start)

    def read(self, name: str, limit: int) -> bytes:
        """The whole content of a member.

        Raises:
            FormatError: if there is none of that name, it is longer than `limit` bytes, or malformed.
            StorageError: if the file cannot be read.
        """
        member = self.members.get(name)
        if member is None:
            raise FormatError(f"no such member: `{name}`")
        if member.size > limit or member.packed > limit + limit // 1000 + 64:  # deflate may lengthen a little
            raise FormatError(f"more than {limit} bytes", where=[name])
        data = self._packed(member, member.packed)
        if member.method != _STORED:
            data = codec.inflate(data, limit)
        if len(data) != member.size:
            raise FormatError("not as long as the directory says", where=[name])
        return data

    def head(self, name: str, size: int) -> bytes:
        """The first bytes of a member, `size` at most.

        Raises:
            FormatError: if there is none of that name, or it is malformed.
            StorageError: if the file cannot be read.
        """
        member = self.members.get(name)
        if member is None:
            raise FormatError(f"no such member: `{name}`")
        # The codes of a block stand before its bytes (RFC 1951 3.2.7): more than `size` may be wanted.
        data = self._packed(member, min(member.packed, size + _CODES))
        return data[:size] if member.method == _STORED else codec.inflate_start(data, size)

    def _packed(self, member: Member, size: int) -> bytes:
        """The first bytes of a member as they are in the archive."""
        if member.flags & _ENCRYPTED:
            raise FormatError("encrypted", where=[member.name])
        if member.method not in (_STORED, _DEFLATED):
            raise FormatError(f"compressed in an unknown way: {member.method}", where=[member.name])
        at = self.start + member.offset
        header = self.content.read_at(at, _LOCAL_SIZE)
        if len(header) < _LOCAL_SIZE or not header.startswith(_LOCAL):
            raise FormatError("expected a zip member", where=[member.name])
        name, extra = unpack_from("<HH", header, 26)
        return self.content.read_at(at + _LOCAL_SIZE + name + extra, size)


def _member(raw: bytes, at: int) -> tuple[Member, int]:
    """The member whose record stands there, and where the next does."""
    if raw[at : at + 4] != _MEMBER or len(raw) < at + _MEMBER_SIZE:
        raise FormatError("a zip directory that is cut off", where=[f"byte {at} of the directory"])
    flags, method = unpack_from("<HH", raw, at + 8)
    packed, size, name, extra, comment = unpack_from("<IIHHH", raw, at + 20)
    (offset,) = unpack_from("<I", raw, at + 42)
    begins = at + _MEMBER_SIZE
    text = raw[begins : begins + name].decode(errors="replace")
    return Member(text, size, packed, method, flags, offset), begins + name + extra + comment
