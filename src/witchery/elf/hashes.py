"""How many dynamic symbols there are: no tag says so, but the hash tables know.

`DT_HASH` (gABI chapter 5, "Hash Table") has one chain word for each symbol. `DT_GNU_HASH` (GNU, by Jakub
Jelinek, 2006) lists what is defined, in the order of its buckets: the last symbol ends the chain that begins
last. Its chains are words side by side, and cannot loop.
"""

from struct import unpack

from witchery.elf.header import EM_S390
from witchery.elf.memory import Memory
from witchery.errors import FormatError

MAX_SYMBOLS = 1 << 20
"""How many dynamic symbols a file may have."""
_BLOCK = 4096
"""How much of a chain is looked at in one go, in bytes."""


def count_sysv(memory: Memory, address: int) -> int:
    """The number of symbols by `DT_HASH`.

    Raises:
        FormatError: if its first words do not lie in a loaded segment.
    """
    # The psABI of s390x has words of 64 bits here, and no other of Alpine's does.
    header = memory.header
    wide = header.machine == EM_S390 and header.bits == 64
    word = header.layout.xword if wide else header.layout.word
    (count,) = memory.unpack(word, address + word.size)
    return int(count)


def count_gnu(memory: Memory, address: int) -> int | None:
    """The number of symbols by `DT_GNU_HASH`; None where nothing is defined, so that it does not tell.

    Raises:
        FormatError: if the table leaves its segment or has more than `MAX_SYMBOLS`.
    """
    layout = memory.header.layout
    bucket_count, first, bloom_size, _ = memory.unpack(layout.gnu_hash, address)
    if bucket_count > MAX_SYMBOLS or first > MAX_SYMBOLS:
        raise FormatError(f"a hash table for more than {MAX_SYMBOLS} symbols")
    address += layout.gnu_hash.size + bloom_size * layout.word_bytes
    buckets = unpack(f"{layout.order}{bucket_count}I", memory.cut(address, 4 * bucket_count))
    last = max(buckets, default=0)
    if not last:
        return None
    if last < first:
        raise FormatError(f"a hash bucket names symbol {last}, and the first that it may is {first}")
    return _end_of_chain(memory, address + 4 * (bucket_count + last - first), last) + 1


def _end_of_chain(memory: Memory, address: int, index: int) -> int:
    word = memory.header.layout.word
    while index <= MAX_SYMBOLS:
        size = min(_BLOCK, memory.room(address)) & ~3
        if not size:
            raise FormatError("a hash chain leaves its segment")
        for (each,) in word.iter_unpack(memory.cut(address, size)):
            if each & 1:
                return index
            index += 1
        address += size
    raise FormatError(f"a hash table for more than {MAX_SYMBOLS} symbols")
