"""Bills of materials: what an image says, and is said, to consist of."""

from collections.abc import Iterator

from witchery.config.faults import Fault, repeated
from witchery.config.kinds import Choice, Flag, ListOf, Model, setting
from witchery.value import frozen

_FORMATS = ListOf(Choice(("spdx", "cyclonedx")))


@frozen(kw_only=True)
class Bills(Model):
    """Bills of materials, for scanners and auditors: SPDX 2.3 and CycloneDX 1.6."""

    formats: tuple[str, ...] = setting(
        _FORMATS,
        "Those that `build` keeps beside the image, unless `--sbom` says otherwise; `[]` for none.",
        default=("spdx",),
        whole=True,
    )
    in_image: tuple[str, ...] = setting(
        _FORMATS,
        "Those that go into the image, too: `/var/lib/db/sbom/NAME.spdx.json`, `NAME.cdx.json`. They cannot"
        " name the image's own digest.",
        key="in-image",
        whole=True,
    )
    files: bool = setting(Flag(), "List the files of every package in them.", default=False)

    def faults(self) -> Iterator[Fault]:
        """A format given twice."""
        yield from repeated("format", "formats", self.formats)
        yield from repeated("format", "in-image", self.in_image)
