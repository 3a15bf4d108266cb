"""What an audit has found: as tables for a person, as documents for programs."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import witchery
from witchery.cli.console import Console, printable

if TYPE_CHECKING:
    from witchery.audit.audit import Audit
    from witchery.audit.finding import Finding
    from witchery.elf.hardening import Hardening

_SHOWN = 3
_WORDS = {"bytes": "bytes of files", "setuid": "setuid and setgid"}


def tell(found: "Audit", console: Console) -> None:
    """The findings by severity, what they cost, and the attack surface beside a stock Alpine's."""
    from witchery.audit import baseline
    from witchery.audit.rules import FULL
    from witchery.cli.rendering import counted_as, table

    if found.findings:
        console.result(printable(table(_finding_rows(found, verbose=console.verbose), right=(2, 3))))
        console.result("")
    console.result(table(_surface_rows(found), right=(1, 2)))
    if console.verbose:
        rows = _elf_rows(found)
        if len(rows) > 1:
            console.result("")
            console.result(printable(table(rows)))
    for each in found.waived if console.verbose else ():
        until = each.waiver.expires.isoformat()
        console.say(f"waived until {until}: {each.finding.rule} {each.finding}: {each.waiver.reason}")
    if found.waived and not console.verbose:
        console.say(f"{counted_as(len(found.waived), 'finding')} waived; `-v` shows which and why")
    taken = " - ".join(str(each.points) for each in found.lines if each.points)
    sum_ = f" = {FULL} - {taken}" if taken else ""
    stock = f"{baseline.NAME} has {baseline.SCORE}"
    console.result("")
    console.result(f"score {found.score} of {FULL}{sum_}; {stock}")


def _finding_rows(found: "Audit", *, verbose: bool) -> list[tuple[str, ...]]:
    """A row for each rule: what it found, what it costs, and where."""
    rows: list[tuple[str, ...]] = [("SEVERITY", "RULE", "FOUND", "POINTS", "WHERE")]
    last = ""
    for line in found.lines:
        severity = line.rule.severity.value
        shown = line.findings if verbose else line.findings[:_SHOWN]
        more = len(line.findings) - len(shown)
        points = f"-{line.points}" if line.points else ""
        head = ("" if severity == last else severity, line.rule.name, str(len(line.findings)), points)
        last = severity
        for number, each in enumerate(shown):
            rows.append((*(head if number == 0 else ("", "", "", "")), str(each)))
        if more:
            rows.append(("", "", "", "", f"and {more} more"))
    return rows


def _surface_rows(found: "Audit") -> list[tuple[str, ...]]:
    from witchery.audit import baseline

    rows: list[tuple[str, ...]] = [("ATTACK SURFACE", "HERE", baseline.NAME.upper())]
    for name, count in found.surface._asdict().items():
        stock = baseline.SURFACE._asdict()[name]
        rows.append((_WORDS.get(name, name.replace("_", " ")), f"{count:,}", f"{stock:,}"))
    return rows


def _elf_rows(found: "Audit") -> list[tuple[str, ...]]:
    """How each ELF file is hardened."""
    head = ("FILE", "KIND", "PIE", "RELRO", "NX", "SSP", "FORTIFY", "CPU", "REMARKS")
    every = (each for each in found.survey.every if not each.first)
    return [head, *(_elf_row(each.path, each.binary.hardening) for each in every if each.binary)]


def _elf_row(path: str, facts: "Hardening") -> tuple[str, ...]:
    remarks = [
        *(["rwx"] if facts.rwx else []),
        *(["textrel"] if facts.textrel else []),
        *facts.control_flow,
        *([f"runpath {':'.join(facts.run_path)}"] if facts.run_path else []),
        *([] if facts.stripped else ["not stripped"]),
    ]
    return (
        path,
        facts.sort.value,
        facts.pie.value,
        facts.relro.value,
        "yes" if facts.nx else "no",
        facts.stack_protector.value,
        facts.fortify.value,
        " ".join(facts.needs) or "-",
        ", ".join(remarks),
    )


def document(found: "Audit", failing: Sequence[str]) -> dict[str, Any]:
    """What was found, for a program (`dev.witchery.audit/1`)."""
    from witchery.audit import baseline
    from witchery.audit.rules import FULL

    survey = found.survey
    return {
        "schema": "dev.witchery.audit/1",
        "name": survey.name,
        "digest": survey.digest,
        "arch": survey.arch.apk,
        "score": found.score,
        "full": FULL,
        "lines": [
            {
                "rule": each.rule.name,
                "severity": each.rule.severity.value,
                "each": each.rule.points,
                "most": each.rule.most,
                "found": len(each.findings),
                "points": each.points,
            }
            for each in found.lines
        ],
        "findings": [finding_document(each) for each in found.findings],
        "waived": [
            {
                **finding_document(each.finding),
                "reason": each.waiver.reason,
                "expires": each.waiver.expires.isoformat(),
            }
            for each in found.waived
        ],
        "failing": list(failing),
        "surface": dict(found.surface._asdict()),
        "stock": {
            "name": baseline.NAME,
            "score": baseline.SCORE,
            "surface": dict(baseline.SURFACE._asdict()),
        },
        "files": [_elf(each.path, each.binary.hardening) for each in survey.every if each.binary],
        "notes": list(survey.notes),
    }


def finding_document(finding: "Finding") -> dict[str, Any]:
    """A finding for a program."""
    return {
        "rule": finding.rule,
        "severity": finding.severity.value,
        "path": finding.path,
        "package": finding.package,
        "evidence": finding.evidence,
    }


def _elf(path: str, facts: "Hardening") -> dict[str, Any]:
    return {
        "path": path,
        "kind": facts.sort.value,
        "machine": facts.machine,
        "libc": facts.libc,
        "pie": facts.pie.value,
        "relro": facts.relro.value,
        "nx": facts.nx,
        "rwx": facts.rwx,
        "textrel": facts.textrel,
        "stack_protector": facts.stack_protector.value,
        "fortify": facts.fortify.value,
        "control_flow": list(facts.control_flow),
        "cpu_needs": list(facts.needs),
        "cpu_uses": list(facts.uses),
        "run_path": list(facts.run_path),
        "stripped": facts.stripped,
    }


def sarif(found: "Audit") -> Mapping[str, Any]:
    """What was found, as SARIF: what is waived is in it as suppressed."""
    from witchery import sarif as form
    from witchery.audit.rules import RULES, Severity

    levels = {Severity.HIGH: "error", Severity.MEDIUM: "warning"}
    scores = {Severity.HIGH: "8.0", Severity.MEDIUM: "5.5", Severity.LOW: "2.0"}

    def result(each: "Finding", suppressed: str = "") -> form.Result:
        level = levels.get(each.severity, "note")
        text = f"{each.about.meaning}: {each.evidence}"
        key = f"{each.rule} {each.path}"
        return form.Result(each.rule, level, text, each.path, each.package, "", key, suppressed)

    waived = [
        result(each.finding, f"{each.waiver.reason} (until {each.waiver.expires.isoformat()})")
        for each in found.waived
    ]
    named = {each.rule for each in found.findings} | {each.finding.rule for each in found.waived}
    rules = [
        form.Rule(each.name, each.meaning, ("security", "hardening"), scores.get(each.severity, ""))
        for each in RULES.values()
        if each.name in named
    ]
    results = [*map(result, found.findings), *waived]
    return form.document(rules, results, subject=found.survey.name, version=witchery.__version__)
