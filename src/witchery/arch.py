"""Architectures: one value, three names.

Alpine's name stands in indexes and folder names, the OCI platform in manifests (image-spec, image-index.md,
"platform"), the ELF machine in executables (gABI, chapter 4, "e_machine").
"""

from witchery.errors import UsageError
from witchery.value import frozen


@frozen
class Arch:
    """One architecture.

    Attributes:
        apk: Alpine's name, such as `x86_64`.
        oci: The OCI `architecture`, such as `amd64`.
        variant: The OCI `variant`, or an empty string.
        elf_machine: `e_machine` of its executables.
        elf_class: 32 or 64.
        elf_little: True where its executables are little-endian.
    """

    apk: str
    oci: str
    variant: str
    elf_machine: int
    elf_class: int
    elf_little: bool = True

    @staticmethod
    def parse(name: str) -> "Arch":
        """Finds an architecture by either world's name: `x86_64`, `amd64`, `arm/v7`, `linux/arm64`.

        Raises:
            UsageError: if no such architecture is known.
        """
        found = _BY_NAME.get(name.strip().lower().removeprefix("linux/"))
        if found is None:
            known = ", ".join(arch.apk for arch in ALL)
            raise UsageError(f"unknown architecture: `{name}`", hint=f"known are {known}")
        return found

    @property
    def platform(self) -> str:
        """The OCI platform in writing: `linux/arm/v7`."""
        return "/".join(part for part in ("linux", self.oci, self.variant) if part)

    def __str__(self) -> str:
        return self.apk


ALL: tuple[Arch, ...] = (
    Arch("x86_64", "amd64", "", 62, 64),
    Arch("aarch64", "arm64", "", 183, 64),
    Arch("armv7", "arm", "v7", 40, 32),
    Arch("armhf", "arm", "v6", 40, 32),
    Arch("x86", "386", "", 3, 32),
    Arch("ppc64le", "ppc64le", "", 21, 64),
    Arch("s390x", "s390x", "", 22, 64, elf_little=False),
    Arch("riscv64", "riscv64", "", 243, 64),
    Arch("loongarch64", "loong64", "", 258, 64),
)
"""Every architecture that Alpine publishes, the most used first."""

_ALIASES = {
    "arm": "armv7",
    "armv7l": "armv7",
    "armv6": "armhf",
    "armv6l": "armhf",
    "arm/v8": "aarch64",
    "arm64/v8": "aarch64",
    "i386": "x86",
    "i486": "x86",
    "i586": "x86",
    "i686": "x86",
}

_BY_NAME: dict[str, Arch] = {arch.apk: arch for arch in ALL}
_BY_NAME |= {arch.platform.removeprefix("linux/"): arch for arch in ALL}
_BY_NAME |= {alias: _BY_NAME[apk] for alias, apk in _ALIASES.items()}
