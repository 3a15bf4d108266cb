"""File capabilities: what a program may do whoever starts it (capabilities(7), linux/capability.h)."""

from typing import NamedTuple

from witchery.errors import FormatError

ATTRIBUTE = "security.capability"
"""The extended attribute that holds them."""

_NAMES = (
    "chown dac_override dac_read_search fowner fsetid kill setgid setuid setpcap linux_immutable"
    " net_bind_service net_broadcast net_admin net_raw ipc_lock ipc_owner sys_module sys_rawio sys_chroot"
    " sys_ptrace sys_pacct sys_admin sys_boot sys_nice sys_resource sys_time sys_tty_config mknod lease"
    " audit_write audit_control setfcap mac_override mac_admin syslog wake_alarm block_suspend audit_read"
    " perfmon bpf checkpoint_restore"
)
NAMES = tuple(f"cap_{each}" for each in _NAMES.split())
"""The names in the order of their numbers."""

ROOT = frozenset(
    f"cap_{each}"
    for each in (
        *("chown", "dac_override", "dac_read_search", "fowner", "setgid", "setuid", "setpcap", "setfcap"),
        *("sys_module", "sys_rawio", "sys_chroot", "sys_ptrace", "sys_admin", "mknod", "mac_admin", "bpf"),
    )
)
"""With each of these a program can come to all rights (false boundaries, capabilities(7))."""

_SIZES = {0x01000000: 12, 0x02000000: 20, 0x03000000: 24}
"""The revisions, and how long an attribute of each is."""
_EFFECTIVE = 1


class Capabilities(NamedTuple):
    """What one attribute says.

    Attributes:
        permitted: What the program gets.
        inheritable: What it gets if whoever starts it has it, too.
        effective: Whether it has them in hand from the start.
        root: The user who is root in the namespace that it holds in; None where it holds everywhere.
    """

    permitted: tuple[str, ...]
    inheritable: tuple[str, ...]
    effective: bool
    root: int | None = None

    def __str__(self) -> str:
        """As getcap(8) writes it: `cap_net_bind_service,cap_net_raw=ep`."""
        flags = "e" if self.effective else ""
        both = tuple(each for each in self.permitted if each in self.inheritable)
        texts = []
        for names, word in (
            (both, f"{flags}ip"),
            (tuple(each for each in self.permitted if each not in both), f"{flags}p"),
            (tuple(each for each in self.inheritable if each not in both), f"{flags}i"),
        ):
            if names:
                texts.append(f"{','.join(names)}={word}")
        return " ".join(texts) or "none"


def read(value: bytes) -> Capabilities:
    """Reads the attribute of a file.

    Raises:
        FormatError: if it is none that Linux knows.
    """
    magic = int.from_bytes(value[:4], "little")
    revision = magic & 0xFF000000
    if _SIZES.get(revision) != len(value):
        raise FormatError(f"malformed file capabilities: `{value[:24].hex()}`")
    words = [int.from_bytes(value[at : at + 4], "little") for at in range(4, len(value), 4)]
    permitted, inheritable = words[0], words[1]
    if revision != 0x01000000:
        permitted, inheritable = permitted | words[2] << 32, inheritable | words[3] << 32
    return Capabilities(
        _named(permitted),
        _named(inheritable),
        bool(magic & _EFFECTIVE),
        words[4] if revision == 0x03000000 else None,
    )


def _named(bits: int) -> tuple[str, ...]:
    return tuple(_name(number) for number in range(64) if bits >> number & 1)


def _name(number: int) -> str:
    return NAMES[number] if number < len(NAMES) else f"cap_{number}"
