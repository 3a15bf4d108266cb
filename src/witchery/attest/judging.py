"""A verdict held against a policy: what is forgiven, and what is not enough."""

from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Final

from witchery.attest.evidence import Evidence
from witchery.attest.verdict import Problem, Standing, Verdict
from witchery.config.policy import Policy
from witchery.keys import Keyring, PublicKey
from witchery.value import replace

_DAY: Final = 86_400
_OF_THE_BUILDER: Final = ("file-unexplained", "mode-changed")
"""What a configuration can bring about, so that whoever built the image may vouch for it."""


def trusted(keys: Keyring, policy: Policy) -> Keyring:
    """The keys that count."""
    if not policy.keys:
        return keys
    return Keyring(key for key in keys.values() if _is_named(key, policy))


def judge(verdict: Verdict, evidence: Evidence, policy: Policy, *, now: int, signed: bool) -> Verdict:
    """A verdict with what the policy has to say.

    Args:
        verdict: What came of verifying.
        evidence: By what.
        policy: The policy.
        now: Seconds since 1970.
        signed: Whether a signature of the image itself was verified: who made it vouches for what is in it
            besides packages.
    """
    problems = [each for each in verdict.problems if not _forgiven(each, policy, signed=signed)]
    problems += _demanded(verdict, evidence, policy, now=now, signed=signed)
    return replace(verdict, problems=tuple(problems)).settled


def _forgiven(problem: Problem, policy: Policy, *, signed: bool) -> bool:
    if problem.rule not in _OF_THE_BUILDER:
        return False
    return signed or any(fnmatchcase(f"/{problem.subject}", f"/{each.lstrip('/')}") for each in policy.files)


def _demanded(
    verdict: Verdict, evidence: Evidence, policy: Policy, *, now: int, signed: bool
) -> Iterator[Problem]:
    derived = [each for each in verdict.layers if each.standing is Standing.DERIVED]
    if len(derived) > policy.derived:
        text = f"{len(derived)} layers are rewritten, and the policy allows {policy.derived}"
        yield Problem("policy-derived", text)
    for proof in evidence.packages:
        if any(fnmatchcase(proof.name, pattern) for pattern in policy.forbid):
            yield Problem("policy-forbidden", "the policy forbids this package", str(proof))
    newest = max((proof.head.info.build_time for proof in evidence.packages if not proof.own), default=0)
    age = (now - newest) // _DAY
    if policy.max_age and age > policy.max_age:
        text = f"the newest package was built {age} days ago, and the policy allows {policy.max_age}"
        yield Problem("policy-age", text)
    payload = [str(proof) for proof in evidence.packages if proof.own]
    if payload and policy.payload != "allow" and not (policy.payload == "signed" and signed):
        text = (
            "the policy forbids an application"
            if policy.payload == "forbid"
            else "no distribution vouches for the application; a signature of the image can (`--signature`)"
        )
        yield Problem("payload", text, payload[0])


def _is_named(key: PublicKey, policy: Policy) -> bool:
    return key.name in policy.keys or key.fingerprint in policy.keys
