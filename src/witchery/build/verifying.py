"""The use case: an image, wherever it is, verified back to the keys of its distribution."""

from collections.abc import Iterator

from witchery.apk import identity as identities
from witchery.apk.package import Package
from witchery.arch import Arch
from witchery.attest.evidence import DOCUMENT, Evidence, Proof
from witchery.attest.judging import judge, trusted
from witchery.attest.verdict import LayerVerdict, Problem, Standing, Verdict
from witchery.attest.verification import Reach, verify
from witchery.build.evidence import Found, evidence_about, images_of
from witchery.build.image_packages import take
from witchery.build.registry.copying import Opened, open_source
from witchery.build.registry.registries import Registries
from witchery.build.signers import Signer, signatures_on
from witchery.build.workshop import Workshop
from witchery.config.policy import Policy
from witchery.digest import Digest
from witchery.errors import FormatError, located
from witchery.lock.model import Lock
from witchery.oci.image import MAX_LAYERS, Image, Layer
from witchery.oci.transport import Transport
from witchery.repository.access import Access
from witchery.repository.location import Repository
from witchery.repository.packages import Wanted, fetch_packages
from witchery.rootfs.content import Content
from witchery.value import frozen, replace

_MAX_PLATFORMS = 64


@frozen(kw_only=True)
class Question:
    """What is asked about an image.

    Attributes:
        policy: What it has to be, beyond being verified.
        lock: The lock that it has to be made of, if any.
        arch: The one platform to look at; None for all.
        full: Whether signed layers are read, too.
        now: Seconds since 1970.
        mirrors: Where packages may be that the evidence does not hold.
        images: Images that may have them.
        signers: Who has to have signed the image, or the index that names it.
    """

    policy: Policy = Policy()
    lock: Lock | None = None
    arch: Arch | None = None
    full: bool = False
    now: int
    mirrors: tuple[Repository, ...] = ()
    images: tuple[Transport, ...] = ()
    signers: tuple[Signer, ...] = ()


def verify_image(
    place: Transport, question: Question, workshop: Workshop, registries: Registries
) -> tuple[Digest, tuple[Verdict, ...]]:
    """Verifies an image.

    Args:
        place: Where it is.
        question: What is asked.
        workshop: Which keys are trusted, and how packages are reached.
        registries: How registries are reached.

    Returns:
        The digest of the image or of its index, and a verdict for each platform.

    Raises:
        UsageError: if there is no image.
        Refused: if the image or its evidence is malformed.
        WorldError: if it cannot be read.
    """
    opened = open_source(place, registries, question.arch)
    verdicts: list[Verdict] = []
    for image in images_of(opened.source, opened.root):
        if len(image.layers) > MAX_LAYERS or len(verdicts) >= _MAX_PLATFORMS:
            what = f"more than {MAX_LAYERS} layers, or {_MAX_PLATFORMS} platforms"
            raise FormatError(f"{what}: `{image.digest}`", where=[str(place)])
        access = workshop.access(arch=image.config.platform.arch)
        signatures = signatures_on(opened, (image.digest, opened.root.digest), question.signers, registries)
        verdict = _Verifying(opened, image, question, access, registries, signed=signatures.signed).verdict()
        verdicts.append(
            replace(
                verdict,
                problems=(*verdict.problems, *signatures.problems),
                remarks=(*verdict.remarks, *signatures.remarks),
            )
        )
    return opened.root.digest, tuple(verdicts)


class _Verifying:
    """One image for one platform."""

    def __init__(
        self,
        opened: Opened,
        image: Image,
        question: Question,
        access: Access,
        registries: Registries,
        *,
        signed: bool,
    ) -> None:
        self._opened = opened
        self._image = image
        self._question = question
        self._access = access
        self._registries = registries
        self._signed = signed
        self._keys = trusted(access.keys, question.policy)

    def verdict(self) -> Verdict:
        """By the evidence that explains it best: there should be but one."""
        best: Verdict | None = None
        with located(str(self._image.digest)):
            for found in evidence_about(self._opened, self._image, self._registries):
                verdict = self._by(found)
                if best is None or len(verdict.problems) < len(best.problems):
                    best = verdict
                if best.ok:
                    break
            return best or self._without_evidence()

    def _by(self, found: Found) -> Verdict:
        evidence, question = found.evidence, self._question
        reach = Reach(
            layer=lambda layer: self._opened.source.blob(layer.descriptor),
            data=lambda proof: self._data(proof, evidence.arch),
            diff_id=lambda digest: self._known_diff_id(digest, evidence),
            full=question.full,
        )
        verdict = verify(self._image, evidence, self._keys, reach)
        verdict = judge(verdict, evidence, question.policy, now=question.now, signed=self._signed)
        if question.lock is None:
            return verdict
        return replace(verdict, problems=(*verdict.problems, *_beside_lock(evidence, question.lock)))

    def _data(self, proof: Proof, arch: Arch) -> Content | None:
        """The data segment of a package: from the evidence, the image, the cache, or a mirror."""
        if proof.data:
            return self._opened.source.blob(proof.data)
        layer = next(
            (each for each in self._image.layers if each.descriptor.digest == proof.head.datahash), None
        )
        if layer:
            return self._opened.source.blob(layer.descriptor)
        cache, identity = self._access.cache, proof.head.identity
        known = cache.package(identity)
        for place in self._question.images:
            if known is None and take(place, {arch: [identity]}, self._registries):
                known = cache.package(identity)
        if known is None and self._question.mirrors:
            wanted = Wanted(package=_stub(proof), arch=arch, repositories=self._question.mirrors)
            known = fetch_packages(self._access, [wanted])[0].archive
        return cache.blobs.content(known.data) if known else None

    def _known_diff_id(self, digest: Digest, evidence: Evidence) -> Digest | None:
        """What the cache knows of a layer that is a package."""
        proof = next((each for each in evidence.packages if each.head.datahash == digest), None)
        known = self._access.cache.package(proof.head.identity) if proof else None
        return known.diff_id if known and known.data == digest else None

    def _without_evidence(self) -> Verdict:
        """Nothing can be told of an image that has no evidence."""
        listed = self._opened.source.artifact_entries(self._image.digest, DOCUMENT)
        text = (
            "the evidence that is listed for the image is about another one"
            if listed
            else "no evidence is kept beside the image"
        )
        layers = tuple(_unexplained(layer) for layer in self._image.layers)
        return Verdict(
            digest=self._image.digest,
            platform=str(self._image.config.platform),
            layers=layers,
            vouchers=(),
            execution=self._image.config.execution,
            created=self._image.config.created,
            problems=(Problem("no-evidence", text),),
        )


def _unexplained(layer: Layer) -> LayerVerdict:
    return LayerVerdict(
        digest=layer.descriptor.digest, size=layer.descriptor.size, standing=Standing.UNEXPLAINED
    )


def _beside_lock(evidence: Evidence, lock: Lock) -> Iterator[Problem]:
    """In what the packages of an image differ from a lock, which pins each head by SHA-256."""
    locked = lock.of(evidence.arch)
    if locked is None:
        yield Problem("lock-differs", f"the lock is not for {evidence.arch}")
        return
    there = {proof.name: proof for proof in evidence.packages if not proof.own}
    for package in locked.packages:
        proof = there.pop(package.name, None)
        if proof is None:
            yield Problem("lock-differs", "locked, and not in the image", str(package))
        elif Digest.sha256(proof.head.control_segment) != package.control:
            yield Problem("lock-differs", f"`{package}` is locked, and the image has", str(proof))
    for proof in there.values():
        yield Problem("lock-differs", "in the image, and not locked", str(proof))


def _stub(proof: Proof) -> Package:
    """As much of a package as fetching it needs."""
    info = proof.head.info
    lines = (f"C:{identities.encode(proof.head.identity)}", f"P:{info.name}", f"V:{info.version}")
    return Package.parse("\n".join(lines))
