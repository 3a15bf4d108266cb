"""Who has to have signed an image, and whether they have."""

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from witchery.attest.signatures import Candidate, Judged, check, check_keyless
from witchery.attest.verdict import Problem
from witchery.build.signatures import find_signatures
from witchery.digest import Digest
from witchery.signing_keys import VerifyingKey
from witchery.value import frozen

if TYPE_CHECKING:
    from witchery.build.registry.copying import Opened
    from witchery.build.registry.registries import Registries

_REASONS = 3


@frozen
class Signer:
    """Who has to have signed.

    Attributes:
        name: What they are called: the file of a key, or an identity.
        judge: Judges the candidates for a digest; the text is the repository that the image is in.
    """

    name: str
    judge: Callable[[Sequence[Candidate], Digest, str], tuple[Judged, ...]]

    @staticmethod
    def with_key(key: VerifyingKey) -> "Signer":
        """Whoever has the private half of a key."""
        return Signer(
            key.name, lambda candidates, digest, name: check(candidates, digest, key, reference=name)
        )

    @staticmethod
    def with_identity(name: str, vouched: Callable[[bytes], tuple[str, bytes]]) -> "Signer":
        """Whoever has an identity; see `witchery.net.keyless.verifier`."""
        return Signer(name, lambda candidates, digest, _: check_keyless(candidates, digest, vouched))


@frozen(kw_only=True)
class Signatures:
    """What the signatures of an image come to.

    Attributes:
        signed: Whether everybody signed who has to have; false where nobody has to.
        problems: Who did not, and what is there instead.
        remarks: Who did, and in which form; and what a reader should know about it.
    """

    signed: bool = False
    problems: tuple[Problem, ...] = ()
    remarks: tuple[str, ...] = ()


def signatures_on(
    opened: "Opened", digests: Iterable[Digest], signers: Sequence[Signer], registries: "Registries"
) -> Signatures:
    """Sees who signed an image.

    Args:
        opened: Where it is.
        digests: The image, and the index that names it: a signature of either counts.
        signers: Who has to have signed.
        registries: How registries are reached.

    Raises:
        Refused: if a list of signatures is malformed.
        WorldError: if something cannot be had.
    """
    if not signers:
        return Signatures()
    name = opened.origin.name if opened.origin else ""
    found = {digest: find_signatures(opened, registries, digest=digest) for digest in dict.fromkeys(digests)}
    problems, remarks = list[Problem](), list[str]()
    for signer in signers:
        judged = [each for digest in found for each in signer.judge(found[digest], digest, name)]
        good = [each for each in judged if each.verified]
        if good:
            forms = ", ".join(dict.fromkeys(each.candidate.form.value for each in good))
            remarks.append(f"signed by `{signer.name}` ({forms})")
            remarks += dict.fromkeys(warning for each in good for warning in each.warnings)
        else:
            problems.append(Problem("signature", _missing(judged), signer.name))
    return Signatures(signed=not problems, problems=tuple(problems), remarks=tuple(remarks))


def _missing(judged: Sequence[Judged]) -> str:
    reasons = list(dict.fromkeys(each.why for each in judged))
    if not reasons:
        return "nobody signed the image, and it has to be signed by"
    more = f" and {len(reasons) - _REASONS} more reasons" if len(reasons) > _REASONS else ""
    listed = "; ".join(reasons[:_REASONS])
    return f"none of its signatures counts ({listed}{more}); it has to be signed by"
