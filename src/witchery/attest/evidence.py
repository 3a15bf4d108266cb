"""Evidence: what leads from an image to the keys of its distribution, without a layer.

An artifact beside the image holds, for every package, the head with which the package file begins: its
signature and the control segment that this covers, byte for byte. The control segment states the digest of
the data segment, and that is the digest of the layer. So whoever has the image's manifest, the evidence and
the distribution's public keys can tell what the layers are, about 2 kB a package. A head and the layer of its
package are the file that the distribution published.

A derived layer is no data segment. Its packages' data segments may stand in the artifact as well, and the
document says which of their files went where. So does the data segment of a package that has no files, and
therefore no layer: it shows that there are none.

    blob 0     the document, `DOCUMENT`
    blob 1...  heads, `HEAD`, in the order of the packages that the document names
    then       data segments, `DATA`, of packages in derived layers

Nothing in the document is believed: it says where to look, and what is found there has to prove itself.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final, Self

from witchery import canonical
from witchery.apk.head import Head
from witchery.arch import Arch
from witchery.digest import Digest
from witchery.errors import FormatError, IntegrityError, UsageError, located
from witchery.oci.artifact import Artifact
from witchery.oci.config import Execution
from witchery.oci.descriptor import Descriptor
from witchery.oci.document import Fields
from witchery.rootfs.content import BytesContent, Content
from witchery.value import field, frozen

SCHEMA: Final = "dev.witchery.evidence/1"
"""The name of the document's format."""

DOCUMENT: Final = "application/vnd.witchery.evidence.v1+json"
"""The type of the artifact, and of its document."""

HEAD: Final = "application/vnd.witchery.apk.head.v1"
"""A signature segment, and the control segment behind it."""

DATA: Final = "application/vnd.witchery.apk.data.v1"
"""A data segment; of apk version 3 the whole file."""

MAX_PACKAGES: Final = 5_000
"""How many packages evidence may be about."""

MAX_HEADS: Final = 32 << 20
"""Bytes of all heads together; those of a real image of 100 packages come to 300 kB."""

_INFLATES: Final = (1 << 16, 64)
"""What a head may inflate to: so many bytes at least, and so many times its own size."""

MAX_PATHS: Final = 200_000
"""How many paths a document may name in all."""

_KINDS = ("signed", "payload", "derived", "top")
_WHOLE = ("signed", "payload")


@frozen(kw_only=True)
class Proof:
    """What is known of one package.

    Attributes:
        head: Its head.
        own: Whether it is the application, which no distribution signed.
        data: Its data segment, where that is in the artifact.
    """

    head: Head
    own: bool = False
    data: Descriptor | None = None

    @property
    def blob(self) -> bytes:
        """The head as it stands in the artifact."""
        return self.head.signature_segment + self.head.control_segment

    @property
    def name(self) -> str:
        """The package's name."""
        return self.head.info.name

    def __str__(self) -> str:
        return str(self.head)


@frozen(kw_only=True)
class ProvenLayer:
    """What a layer is made of, as its builder says.

    Attributes:
        digest: The blob.
        kind: `signed`, `payload`, `derived` or `top`.
        packages: The positions of its packages.
        links: Symbolic links, by the position of the package that has each, because of which files of a
            derived layer stand elsewhere than in their packages: these have a folder there.
        missing: For each position, the paths of the package that a derived layer leaves out.
    """

    digest: Digest
    kind: str
    packages: tuple[int, ...] = ()
    links: Mapping[str, int] = field(default_factory=dict, hash=False)
    missing: Mapping[int, tuple[str, ...]] = field(default_factory=dict, hash=False)


@frozen(kw_only=True)
class Evidence:
    """What is known of an image.

    Attributes:
        arch: What it runs on.
        execution: How it runs.
        packages: Its packages, in the order of their installation.
        layers: Its layers, the lowest first.
    """

    arch: Arch
    execution: Execution
    packages: tuple[Proof, ...]
    layers: tuple[ProvenLayer, ...]

    def artifact(self, subject: Descriptor, contents: Mapping[Digest, Content]) -> Artifact:
        """The artifact about an image; the same evidence always gives the same bytes.

        Args:
            subject: The image's manifest.
            contents: The data segments that are to be in it.
        """
        document = self.encode()
        blobs: list[tuple[Descriptor, Content]] = [
            (Descriptor.of(DOCUMENT, document), BytesContent(document))
        ]
        blobs += [(Descriptor.of(HEAD, each.blob), BytesContent(each.blob)) for each in self.packages]
        blobs += [(proof.data, contents[proof.data.digest]) for proof in self.packages if proof.data]
        return Artifact.of(subject, DOCUMENT, blobs)

    def encode(self) -> bytes:
        """The document."""
        return canonical.encode(
            {
                "schema": SCHEMA,
                "architecture": self.arch.apk,
                "config": self.execution.document(),
                "packages": [_proof_document(each) for each in self.packages],
                "layers": [_layer_document(each) for each in self.layers],
            }
        )

    @classmethod
    def read(cls, artifact: Artifact) -> Self:
        """Reads an artifact; data segments stay where they are.

        Raises:
            FormatError: if it is malformed, or larger than any image needs.
            IntegrityError: if a blob is not the one that its manifest names.
            WorldError: if a blob cannot be had.
        """
        blobs = {blob.digest: blob for blob in artifact.manifest.layers}
        documents = [each for each in blobs.values() if each.media_type == DOCUMENT]
        heads = [each for each in blobs.values() if each.media_type == HEAD]
        if len(documents) != 1:
            raise FormatError(f"expected one document of evidence: {len(documents)}")
        if len(heads) > MAX_PACKAGES or sum(each.size for each in heads) > MAX_HEADS:
            raise FormatError(f"more than {MAX_PACKAGES} packages, or {MAX_HEADS} bytes of heads")

        def load(blob: Descriptor) -> bytes:
            return b"".join(artifact.contents[blob.digest].chunks())

        fields = Fields.decode(load(documents[0]))
        if fields.text("schema") != SCHEMA:
            raise FormatError(f"expected `{SCHEMA}`, a later version may write another", where=("schema",))
        with located("architecture"):
            arch = _arch(fields.text("architecture"))
        if len(rows := fields.objects("packages", lambda each: each)) != len(heads):
            raise FormatError(f"names {len(rows)} packages, and has {len(heads)} heads")
        packages = tuple(_proof(row, load(head), blobs) for row, head in zip(rows, heads, strict=True))
        paths = _Budget(MAX_PATHS)
        layers = fields.objects("layers", lambda each: _layer(each, packages, paths))
        execution = Execution.read(fields.nested("config"))
        return cls(arch=arch, execution=execution, packages=packages, layers=layers)


def shown(path: str) -> str:
    """A path as it stands in the document: bytes that are not UTF-8 escaped, as Python does."""
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


class _Budget:
    """How much of something may still come."""

    def __init__(self, left: int) -> None:
        self._left = self._most = left

    def spend(self, count: int, what: str) -> None:
        self._left -= count
        if self._left < 0:
            raise FormatError(f"more than {self._most} {what}")


def _proof_document(proof: Proof) -> dict[str, Any]:
    written: dict[str, Any] = {"package": str(proof)}
    if proof.head.form == 3:  # version 2 says itself where the signature ends
        written |= {"form": 3, "signature": len(proof.head.signature_segment)}
    if proof.own:
        written["own"] = True
    if proof.data:
        written["data"] = str(proof.data.digest)
    return written


def _proof(fields: Fields, blob: bytes, blobs: Mapping[Digest, Descriptor]) -> Proof:
    name = fields.text("package")
    with located(name):
        if fields.integer("form", 2) == 3:
            cut = fields.integer("signature")
            head = Head.read(blob[:cut], blob[cut:], 3)
        else:
            head = Head.split(blob, limit=_INFLATES[0] + _INFLATES[1] * len(blob))
    if str(head) != name:
        raise IntegrityError(f"the head of another package, `{head}`: `{name}`")
    data = None
    if fields.has("data"):
        data = blobs.get(fields.digest("data"))
        if data is None or data.media_type != DATA:
            raise FormatError(f"not in the artifact: `{fields.digest('data')}`", where=("data",))
    return Proof(head=head, own=fields.flag("own"), data=data)


def _layer_document(layer: ProvenLayer) -> dict[str, Any]:
    written: dict[str, Any] = {"kind": layer.kind}
    optional = {
        "packages": list(layer.packages),
        "digest": "" if layer.kind in _WHOLE else str(layer.digest),
        "links": {shown(path): position for path, position in layer.links.items()},
        "missing": {str(number): [shown(path) for path in paths] for number, paths in layer.missing.items()},
    }
    return written | {name: value for name, value in optional.items() if value}


def _layer(fields: Fields, packages: Sequence[Proof], paths: _Budget) -> ProvenLayer:
    kind = fields.text("kind")
    if kind not in _KINDS:
        raise FormatError(f"expected one of {', '.join(_KINDS)}: `{kind[:40]}`", where=("kind",))
    listed = tuple(_position(str(each), len(packages)) for each in fields.integers("packages"))
    left_out = fields.nested("missing")
    missing = {_position(name, len(packages)): left_out.texts(name) for name in left_out.members}
    linked = fields.nested("links")
    links = {path: _position(str(linked.integer(path)), len(packages)) for path in linked.members}
    paths.spend(len(links) + sum(len(each) for each in missing.values()), "paths")
    return ProvenLayer(
        digest=_whole(packages, listed) if kind in _WHOLE else fields.digest("digest"),
        kind=kind,
        packages=listed,
        links=MappingProxyType(links),
        missing=MappingProxyType(missing),
    )


def _whole(packages: Sequence[Proof], listed: Sequence[int]) -> Digest:
    """The digest of a layer that is the data segment of its package."""
    datahash = packages[listed[0]].head.datahash if len(listed) == 1 else None
    if datahash is None:
        raise FormatError("expected the one package whose data segment the layer is", where=("packages",))
    return datahash


def _position(text: str, packages: int) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 6 or int(text) >= packages:
        raise FormatError(f"no such package: `{text[:40]}`")
    return int(text)


def _arch(name: str) -> Arch:
    try:
        return Arch.parse(name)
    except UsageError as error:
        raise FormatError(error.message) from None
