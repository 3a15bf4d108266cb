"""What a 32-bit ARM file says of the processor that it was made for (`.ARM.attributes`).

Source: Addenda to the ABI for the Arm Architecture, "Build attributes". No loader reads them, so what makes
no sense counts as nothing said.
"""

from collections.abc import Iterator

_FORMAT = b"A"
_VENDOR = b"aeabi"
_FILE = 1
_ARCH, _FP, _SIMD, _ARGS = 6, 10, 12, 28
_TEXTS = (4, 5)
_BOTH = 32
"""The tag that has a number and a text. Above it odd tags have a text, below it only `_TEXTS` do."""
MAX_SIZE = 1 << 16
"""The largest section that is read, in bytes."""

_ARCHES = {
    **dict.fromkeys((0, 1, 2), "armv4"),
    **dict.fromkeys((3, 4, 5), "armv5"),
    **dict.fromkeys((6, 7, 8, 9), "armv6"),
    10: "armv7",
    **dict.fromkeys((11, 12, 13, 16, 17, 21), "arm-m"),
    **dict.fromkeys((14, 15), "armv8"),
    22: "armv9",
}
_FPS = {
    1: "vfpv1",
    2: "vfpv2",
    3: "vfpv3",
    4: "vfpv3-d16",
    5: "vfpv4",
    6: "vfpv4-d16",
    7: "fp-armv8",
    8: "fp-armv8-d16",
}
_SIMDS = {1: "neon", 2: "neon-fma", 3: "neon-armv8", 4: "neon-armv8.1"}


def processor(data: bytes) -> tuple[str, ...]:
    """What the processor has to have, such as `armv7`, `vfpv3-d16`, `neon`, `hard-float`."""
    try:
        found = dict(_attributes(data[:MAX_SIZE]))
    except IndexError:
        return ()
    words = (
        _ARCHES.get(found.get(_ARCH, -1)),
        _FPS.get(found.get(_FP, 0)),
        _SIMDS.get(found.get(_SIMD, 0)),
        "hard-float" if found.get(_ARGS) == 1 else None,
    )
    return tuple(word for word in words if word)


def _attributes(data: bytes) -> Iterator[tuple[int, int]]:
    """The attributes of the whole file that are numbers.

    Raises:
        IndexError: where they are cut off.
    """
    at = len(_FORMAT)
    if data[:at] != _FORMAT:
        return
    while at + 4 <= len(data):
        size = _word(data, at)
        vendor, _, inner = data[at + 4 : at + size].partition(b"\0")
        if vendor == _VENDOR and inner[0] == _FILE:
            yield from _pairs(inner[5 : _word(inner, 1)])
        at += max(size, 4)


def _pairs(data: bytes) -> Iterator[tuple[int, int]]:
    at = 0
    while at < len(data):
        tag, at = _number(data, at)
        is_text = tag in _TEXTS if tag < _BOTH else tag > _BOTH and tag % 2
        if tag == _BOTH:
            _, at = _number(data, at)
        if is_text or tag == _BOTH:
            end = data.find(b"\0", at)
            at = len(data) if end < 0 else end + 1
        else:
            value, at = _number(data, at)
            yield tag, value


def _number(data: bytes, at: int) -> tuple[int, int]:
    """A number in ULEB128, and where it ends."""
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        shift += 7
        at += 1
        if byte < 0x80 or shift > 63:
            return value, at


def _word(data: bytes, at: int) -> int:
    return int.from_bytes(data[at : at + 4], "little")
