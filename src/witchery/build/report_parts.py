"""The parts of a report that other use cases answer: vulnerabilities and verification."""

from collections import Counter
from pathlib import Path

import witchery
from witchery.attest.verdict import Verdict
from witchery.build.vulns.examining import Examined
from witchery.errors import Refused
from witchery.report.findings import Remark, Verification, Vulnerabilities, Vulnerability
from witchery.report.model import NOWHERE, Report
from witchery.report.page import Assets
from witchery.value import replace
from witchery.vulns.finding import Dismissed, Finding

_ASSETS = Path(witchery.__file__).parent / "report"


def assets() -> Assets:
    """What the page is made with, as it comes with Witchery."""
    return Assets((_ASSETS / "report.css").read_text("utf-8"), (_ASSETS / "report.js").read_text("utf-8"))


def with_vulnerabilities(report: Report, examined: Examined) -> Report:
    """The report with what is known to be vulnerable."""
    positions = {each.name: number for number, each in enumerate(report.packages)}
    found = [_vulnerability(each, positions) for each in examined.findings]
    found += [_dismissed(each, positions) for each in examined.dismissed]
    known = Vulnerabilities(
        found=tuple(found),
        checked=examined.checked + examined.components,
        unchecked=tuple(
            (count, reason) for reason, count in Counter(each.reason for each in examined.unchecked).items()
        ),
        sources=tuple(each.secdb.name for each in examined.data.sources),
        warnings=examined.warnings,
    )
    return replace(report, vulnerabilities=known)


def with_verdict(report: Report, verdict: Verdict) -> Report:
    """The report with what verifying the image came to; who signed each package is known then."""
    settled = verdict.settled
    keys = {each.package: each.key for each in verdict.vouchers if each.key}
    problems = tuple(Remark("error", each.rule, each.message, each.subject) for each in verdict.problems)
    verified = Verification(
        ok=verdict.ok,
        standings=tuple(each.standing.value for each in settled.layers),
        signers=dict(sorted(Counter(keys.values()).items())),
        problems=problems,
        remarks=verdict.remarks,
    )
    packages = tuple(
        each._replace(signer=keys.get(f"{each.name}-{each.version}", each.signer)) for each in report.packages
    )
    return replace(report, verification=verified, packages=packages)


def with_refusal(report: Report, error: Refused) -> Report:
    """The report where the evidence beside the image is not acceptable."""
    problem = Remark("error", "evidence", str(error))
    return replace(report, verification=Verification(ok=False, standings=(), signers={}, problems=(problem,)))


def _vulnerability(finding: Finding, positions: dict[str, int]) -> Vulnerability:
    return Vulnerability(
        id=finding.id,
        package=positions.get(finding.package, NOWHERE) if finding.origin else NOWHERE,
        subject=finding.package,
        version=finding.version,
        fixed=finding.fixed,
        severity=finding.severity.value,
        summary=finding.summary,
        source=finding.source,
        exploited=finding.exploited is not None,
        probability=finding.likelihood.probability if finding.likelihood else "",
    )


def _dismissed(dismissed: Dismissed, positions: dict[str, int]) -> Vulnerability:
    why = f"{dismissed.status}, {dismissed.reason}" if dismissed.reason else dismissed.status
    said = f"{why} ({dismissed.source})" if dismissed.source else why
    return _vulnerability(dismissed.finding, positions)._replace(dismissed=said)
