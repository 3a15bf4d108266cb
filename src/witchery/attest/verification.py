"""Verifying an image: from its manifest, its evidence and the keys to a verdict on every layer.

What is believed is what a known key signed, and what follows from it:

    a key  ──signs──  control segment  ──states──  data segment = layer

A signed layer is not read for that. A derived layer is read, and held against the data segments of its
packages, file by file; the top layer is read, and its few files recognised. The evidence is believed in
nothing: it says where to look. How the image runs is its builder's word; the evidence repeats it, so that a
change shows, and a signature of the image is what vouches for it.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from witchery.attest.evidence import Evidence, Proof, ProvenLayer, shown
from witchery.attest.layer_check import Sources, check
from witchery.attest.package_files import Fact, facts
from witchery.attest.recognition import Context, certificates_in
from witchery.attest.verdict import LayerVerdict, Problem, Standing, Verdict, Voucher
from witchery.digest import Digest
from witchery.errors import IntegrityError, Refused, TrustError, located
from witchery.keys import Keyring
from witchery.oci.image import Image, Layer
from witchery.oci.layer import uncompressed
from witchery.rootfs.accounts import Accounts
from witchery.rootfs.content import Content
from witchery.rootfs.entry import Kind
from witchery.rootfs.links import Links
from witchery.value import frozen

_AUTHORITIES: Final = "ca-certificates"
"""How the names of the packages begin that have certificates of authorities."""
_MAX_READ: Final = 4 << 30


@frozen(kw_only=True)
class Reach:
    """Where the bytes are that verifying reads.

    Attributes:
        layer: The blob of a layer.
        data: The data segment of a package (of version 3 its file), or None where it cannot be had.
        diff_id: The digest of the tar of a layer, where that is known of before, or None.
        full: Whether signed layers are read as well, and their diff IDs checked.
    """

    layer: Callable[[Layer], Content]
    data: Callable[[Proof], Content | None]
    diff_id: Callable[[Digest], Digest | None]
    full: bool = False


def verify(image: Image, evidence: Evidence, keys: Keyring, reach: Reach) -> Verdict:
    """Verifies an image for one platform.

    Args:
        image: The image, as its manifest and its configuration say.
        evidence: The evidence about it.
        keys: The keys that are trusted.
        reach: Where bytes are.

    Raises:
        FormatError: if a layer or a package cannot be read.
        IntegrityError: if bytes are not what their digest says.
        WorldError: if bytes cannot be had.
    """
    return _Verification(image, evidence, keys, reach).verdict()


class _Verification:
    """One image while it is verified."""

    def __init__(self, image: Image, evidence: Evidence, keys: Keyring, reach: Reach) -> None:
        self._image = image
        self._evidence = evidence
        self._keys = keys
        self._reach = reach
        self._problems: list[Problem] = []
        self._facts: dict[int, Mapping[str, Fact]] = {}
        self._accounts: Accounts | None = None
        self._whole = {
            datahash: position
            for position, proof in enumerate(evidence.packages)
            if (datahash := proof.head.datahash)
        }
        self._context = Context(
            packages=evidence.packages, keys=keys, certificates=self._certificates_of_packages
        )

    def verdict(self) -> Verdict:
        """Looks at everything once."""
        vouchers = tuple(self._voucher(proof) for proof in self._evidence.packages)
        self._compare_layers()
        self._look_for_layers()
        self._compare_execution()
        # The top layer has the accounts by which owners in the layers below are judged.
        found: dict[int, LayerVerdict] = {}
        for position in reversed(range(len(self._image.layers))):
            found[position] = self._layer(self._image.layers[position], vouchers)
        layers = tuple(found[position] for position in range(len(self._image.layers)))
        config = self._image.config
        return Verdict(
            digest=self._image.digest,
            platform=str(config.platform),
            layers=layers,
            vouchers=vouchers,
            execution=config.execution,
            created=config.created,
            problems=tuple(self._problems),
            remarks=tuple(self._remarks(layers, vouchers)),
        )

    def _voucher(self, proof: Proof) -> Voucher:
        """Who signed a package."""
        if proof.own:
            return Voucher(str(proof), "", "")
        try:
            trust = proof.head.trust(self._keys, allow_untrusted=False)
        except TrustError as error:
            self._object("key-unknown" if error.missing else "signature-bad", error.message, str(proof))
            return Voucher(str(proof), "", "")
        return Voucher(str(proof), trust.key.name if trust.key else "", trust.algorithm)

    def _compare_layers(self) -> None:
        """Holds the layers of the image against those of the evidence, in number and order."""
        stated = [layer.digest for layer in self._evidence.layers]
        there = [layer.descriptor.digest for layer in self._image.layers]
        if stated == there:
            return
        before = len(self._problems)
        for layer in self._evidence.layers:
            if layer.digest not in there:
                text = f"in the evidence, and not in the image ({self._names(layer) or layer.kind})"
                self._object("layer-missing", text, str(layer.digest))
        for digest in dict.fromkeys(there):
            if digest in self._whole and there.count(digest) != stated.count(digest):
                package = self._evidence.packages[self._whole[digest]]
                text = f"in the image another number of times than in the evidence ({package})"
                self._object("layer-added", text, str(digest))
        if len(self._problems) == before and len(there) == len(stated):
            first = next(digest for at, digest in enumerate(there) if digest != stated[at])
            self._object("layer-order", "the layers lie in another order than in the evidence", str(first))

    def _look_for_layers(self) -> None:
        """Every package with files is in a layer: else the database would list what is not there."""
        there = {layer.descriptor.digest for layer in self._image.layers}
        placed = {position for layer in self._evidence.layers for position in layer.packages}
        for position, proof in enumerate(self._evidence.packages):
            if position in placed or proof.head.datahash in there or not proof.head.info.installed_size:
                continue
            content = self._reach.data(proof)
            if content is None:
                self._object(
                    "package-absent", "no layer has it, and nothing shows that it is empty", str(proof)
                )
                continue
            with located(str(proof), Refused):
                if facts(proof.head, content.chunks()):
                    self._object("package-absent", "the package has files, and no layer has them", str(proof))

    def _compare_execution(self) -> None:
        """Holds how the image runs against what the evidence says of it."""
        stated, there = self._evidence.execution.document(), self._image.config.execution.document()
        for name in sorted({*stated, *there}):
            got, expected = there.get(name, "not set"), stated.get(name, "not set")
            if got != expected:
                self._object("configuration-changed", f"{name} is {got}, and {expected} in the evidence")
        if self._image.config.platform.arch != self._evidence.arch:
            text = f"the image is for {self._image.config.platform}, its evidence for {self._evidence.arch}"
            self._object("configuration-changed", text)

    def _layer(self, layer: Layer, vouchers: tuple[Voucher, ...]) -> LayerVerdict:
        digest = layer.descriptor.digest
        position = self._whole.get(digest)
        if position is not None:
            return self._whole_layer(layer, position, vouchers[position])
        stated = next((each for each in self._evidence.layers if each.digest == digest), None)
        if stated is None or stated.kind not in ("derived", "top"):
            self._object(
                "layer-unexplained",
                "no package has this layer, and the evidence does not know it",
                str(digest),
            )
            return LayerVerdict(digest=digest, size=layer.descriptor.size, standing=Standing.UNEXPLAINED)
        return self._written_layer(layer, stated, vouchers)

    def _whole_layer(self, layer: Layer, position: int, voucher: Voucher) -> LayerVerdict:
        """A layer that is the data segment of a package."""
        proof = self._evidence.packages[position]
        standing = Standing.PAYLOAD if proof.own else Standing.SIGNED if voucher.key else Standing.UNEXPLAINED
        known = self._read(layer) if self._reach.full else self._reach.diff_id(layer.descriptor.digest)
        self._check_diff_id(layer, known)
        return LayerVerdict(
            digest=layer.descriptor.digest,
            size=layer.descriptor.size,
            standing=standing,
            packages=(str(proof),),
            read=known is not None,
        )

    def _written_layer(
        self, layer: Layer, stated: ProvenLayer, vouchers: tuple[Voucher, ...]
    ) -> LayerVerdict:
        """A layer that was written: from packages, or out of nothing, or both."""
        digest = layer.descriptor.digest
        packages = {position: self._evidence.packages[position] for position in stated.packages}
        complete = self._load_facts(packages, digest)
        on_the_way = {position: self._evidence.packages[position] for position in stated.links.values()}
        complete = self._load_facts(on_the_way, digest) and complete
        sources = Sources(
            layer=stated,
            facts={position: self._facts[position] for position in packages if position in self._facts},
            names={position: str(proof) for position, proof in packages.items()},
            accounts=self._accounts,
            context=self._context,
            links=self._links(stated, digest),
        )
        with located(str(digest)):
            checked = check(self._reach.layer(layer).chunks(), layer.compression, sources)
        self._accounts = self._accounts or checked.accounts
        self._check_diff_id(layer, checked.diff_id)
        if complete:  # else what is missing is all that can be said
            self._problems += (each._replace(layer=str(digest)) for each in checked.problems)
        standing = Standing.DERIVED if packages else Standing.TOP
        if any(proof.own for proof in packages.values()):
            standing = Standing.PAYLOAD
        elif not all(vouchers[position].key for position in packages):
            standing = Standing.UNEXPLAINED
        return LayerVerdict(
            digest=digest,
            size=layer.descriptor.size,
            standing=standing,
            packages=tuple(str(proof) for proof in packages.values()),
            files=checked.notes,
            read=True,
        )

    def _load_facts(self, packages: Mapping[int, Proof], layer: Digest) -> bool:
        """Reads the packages of a layer; false where one cannot be had."""
        complete = True
        for position, proof in packages.items():
            if position in self._facts:
                continue
            content = self._reach.data(proof)
            if content is None:
                complete = False
                text = "a package that a rewritten layer is held against is not at hand"
                self._object("package-missing", text, str(proof), layer)
                continue
            with located(str(proof), Refused):
                self._facts[position] = facts(proof.head, content.chunks())
        return complete

    def _links(self, stated: ProvenLayer, layer: Digest) -> Links:
        """The links on the way to files of a layer, as the packages have them that the evidence names."""
        targets: dict[str, str] = {}
        for path, position in stated.links.items():
            files = {shown(each): fact.entry for each, fact in self._facts.get(position, {}).items()}
            entry = files.get(path)
            if entry is not None and entry.kind is Kind.SYMLINK:
                targets[entry.path] = entry.target
            elif position in self._facts:
                text = f"the evidence names a link that `{self._evidence.packages[position]}` has not"
                self._object("file-changed", text, path, layer)
        return Links(targets)

    def _check_diff_id(self, layer: Layer, found: Digest | None) -> None:
        if found is not None and found != layer.diff_id:
            text = f"the configuration says that its tar is `{layer.diff_id}`, and it is `{found}`"
            self._object("diff-id", text, str(layer.descriptor.digest), layer.descriptor.digest)

    def _read(self, layer: Layer) -> Digest:
        """The digest of the tar in a layer."""
        hasher, size = hashlib.sha256(), 0
        for chunk in uncompressed(self._reach.layer(layer).chunks(), layer.compression):
            size += len(chunk)
            if size > _MAX_READ:
                raise IntegrityError(f"more than {_MAX_READ} bytes", where=[str(layer.descriptor.digest)])
            hasher.update(chunk)
        return Digest("sha256", hasher.hexdigest())

    def _certificates_of_packages(self) -> frozenset[str]:
        """The certificates in the packages of the image that are there to have some."""
        found: set[str] = set()
        layers = {layer.descriptor.digest: layer for layer in self._image.layers}
        for proof in self._evidence.packages:
            datahash = proof.head.datahash
            if not proof.name.startswith(_AUTHORITIES) or datahash is None:
                continue
            layer = layers.get(datahash)
            content = self._reach.layer(layer) if layer else self._reach.data(proof)
            if content is not None:
                found |= certificates_in(b"".join(_inflated(content)))
        return frozenset(found)

    def _names(self, layer: ProvenLayer) -> str:
        return ", ".join(str(self._evidence.packages[position]) for position in layer.packages)

    def _object(self, rule: str, message: str, subject: str = "", layer: Digest | None = None) -> None:
        self._problems.append(Problem(rule, message, subject, str(layer or "")))

    def _remarks(self, layers: tuple[LayerVerdict, ...], vouchers: tuple[Voucher, ...]) -> Iterator[str]:
        weak = sum(each.algorithm == "RSA" for each in vouchers)
        if weak:
            yield (
                f"{weak} of {len(vouchers)} packages are signed with RSA over SHA-1, as Alpine signs; what"
                " is signed states SHA-256, and a lock pins what is signed by SHA-256 (`--lock`)"
            )
        unread = sum(not each.read for each in layers)
        if unread:
            yield (
                f"{unread} of {len(layers)} layers were not read: that they unpack to what the configuration"
                " says, whoever unpacks them checks, or `--full`"
            )
        missing = sum(len(paths) for layer in self._evidence.layers for paths in layer.missing.values())
        if missing:
            yield f"{missing} files of rewritten packages were left out, since other packages have them"


def _inflated(content: Content) -> Iterator[bytes]:
    """A data segment as a tar."""
    return uncompressed(content.chunks(), "gzip")
