"""What came of verifying an image: a standing for every layer, and every problem with its place."""

from enum import Enum
from typing import NamedTuple

from witchery.digest import Digest
from witchery.oci.config import Execution
from witchery.value import frozen, replace


class Standing(Enum):
    """What the bytes of a layer rest on; the value is the word for it.

    `SIGNED`: a known key signed that the layer is the data segment of a package.
    `DERIVED`: it was written from packages that known keys signed, and every file was held against them.
    `TOP`: it was generated, and every file in it was recognised.
    `PAYLOAD`: it is the application, for which only whoever built the image can vouch.
    `UNEXPLAINED`: something in it is none of these.
    """

    SIGNED = "signed"
    DERIVED = "derived"
    TOP = "top"
    PAYLOAD = "payload"
    UNEXPLAINED = "unexplained"


class Problem(NamedTuple):
    """Something that speaks against an image.

    Attributes:
        rule: The name of the rule, such as `layer-unexplained`.
        message: What is wrong, in a sentence.
        subject: The layer, package or path that it is about, or an empty string.
        layer: The digest of the layer that it speaks against, or an empty string.
    """

    rule: str
    message: str
    subject: str = ""
    layer: str = ""

    def __str__(self) -> str:
        return f"{self.message}: `{self.subject}`" if self.subject else self.message


class Voucher(NamedTuple):
    """A package, and who signed it.

    Attributes:
        package: The package, as `name-version`.
        key: The name of the key; empty where nobody known signed it.
        algorithm: `RSA`, `RSA256` or `RSA512`, or what version 3 has; empty likewise.
    """

    package: str
    key: str
    algorithm: str


class FileNote(NamedTuple):
    """A file, folder or link that no package brings.

    Attributes:
        path: Where it is.
        what: What it was recognised as; empty where it was not.
    """

    path: str
    what: str


@frozen(kw_only=True)
class LayerVerdict:
    """What came of one layer.

    Attributes:
        digest: The blob.
        size: Its size, in bytes.
        standing: What it rests on.
        packages: The packages in it, as `name-version`.
        files: What no package brings, in a layer that was read.
        read: Whether the layer itself was read: its diff ID, and what is in it.
    """

    digest: Digest
    size: int
    standing: Standing
    packages: tuple[str, ...] = ()
    files: tuple[FileNote, ...] = ()
    read: bool = False


@frozen(kw_only=True)
class Verdict:
    """What came of an image for one platform.

    Attributes:
        digest: The image.
        platform: What it is for.
        layers: Its layers, the lowest first.
        vouchers: Its packages, in the order of their installation.
        execution: How it runs; whoever built it says so, and nobody else can.
        created: When it says it was made: RFC 3339, or an empty string.
        problems: What speaks against it.
        remarks: What a reader should know, a sentence each.
    """

    digest: Digest
    platform: str
    layers: tuple[LayerVerdict, ...]
    vouchers: tuple[Voucher, ...]
    execution: Execution
    created: str = ""
    problems: tuple[Problem, ...] = ()
    remarks: tuple[str, ...] = ()

    @property
    def settled(self) -> "Verdict":
        """The same, with what speaks against a layer in its standing."""
        blamed = {each.layer for each in self.problems}
        layers = tuple(
            replace(each, standing=Standing.UNEXPLAINED) if str(each.digest) in blamed else each
            for each in self.layers
        )
        return replace(self, layers=layers)

    @property
    def ok(self) -> bool:
        """Whether nothing speaks against it."""
        return not self.problems
