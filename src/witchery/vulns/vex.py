"""OpenVEX 0.2.0: statements about whether a vulnerability counts (https://github.com/openvex/spec).

A statement names a vulnerability, products, and a status. `not_affected` and `fixed` make that a finding does
not count; the justification is kept and shown. Of several statements about the same the last counts: that
with the latest time, else the one that stands last.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from witchery.canonical import encode
from witchery.errors import FormatError, located
from witchery.oci.document import Fields
from witchery.value import frozen
from witchery.vulns.finding import Dismissed, Finding
from witchery.vulns.purls import Purl

CONTEXT = "https://openvex.dev/ns/v0.2.0"
"""What a document of this version begins with."""

STATUSES = ("not_affected", "affected", "fixed", "under_investigation")
SETTLED = frozenset(("not_affected", "fixed"))
"""The statuses with which a finding does not count."""

_CONTEXTS = "https://openvex.dev/ns"
_JUSTIFICATIONS = frozenset(
    (
        "component_not_present",
        "vulnerable_code_not_present",
        "vulnerable_code_not_in_execute_path",
        "vulnerable_code_cannot_be_controlled_by_adversary",
        "inline_mitigations_already_exist",
    )
)


class Product(NamedTuple):
    """What a statement is about.

    Attributes:
        names: Its package URLs and other identifiers.
        parts: Package URLs of the parts of it that are meant; empty for all of it.
    """

    names: tuple[str, ...]
    parts: tuple[str, ...]


@frozen(kw_only=True)
class Statement:
    """One statement.

    Attributes:
        issues: The names of the vulnerability.
        products: What it is about.
        status: One of `STATUSES`.
        reason: Why, as it was given: the justification, and what is said in words.
        time: When it was made (RFC 3339), or an empty string.
        source: The document.
    """

    issues: frozenset[str]
    products: tuple[Product, ...]
    status: str
    reason: str
    time: str
    source: str

    def is_about(self, finding: Finding, image: Sequence[str]) -> bool:
        """Whether it speaks of a finding.

        Args:
            finding: The finding.
            image: The names of the image that it is in: package URLs and digests.
        """
        if self.issues.isdisjoint(finding.names):
            return False
        return any(_means(product, finding, image) for product in self.products)


def _means(product: Product, finding: Finding, image: Sequence[str]) -> bool:
    found = Purl.parse(finding.purl)
    if found is None:
        return False
    if any(_covers(name, found) for name in product.names):
        return True
    of_image = any(_names(name, each) for name in product.names for each in image)
    return of_image and (not product.parts or any(_covers(part, found) for part in product.parts))


def _covers(name: str, found: Purl) -> bool:
    purl = Purl.parse(name)
    return purl is not None and purl.covers(found)


def _names(name: str, image: str) -> bool:
    """Whether a product is an image: by the same text, its package URL, or one with its digest."""
    purl, other = Purl.parse(name), Purl.parse(image)
    if purl is None or purl.kind != "oci":
        return name == image
    return purl.version == image or (other is not None and purl.covers(other))


def read(document: object, source: str) -> tuple[Statement, ...]:
    """Reads a decoded document, of this version or 0.0.x, where names stand without objects around them.

    Args:
        document: The document.
        source: What to call it.

    Raises:
        FormatError: if it is something else, or exceeds a limit.
    """
    fields = Fields.of(document)
    context = fields.text("@context", "")
    if not context.startswith(_CONTEXTS):
        raise FormatError(
            f"expected an OpenVEX document, whose `@context` is `{CONTEXT}`: `{context[:80]}`",
            hint="CSAF and CycloneDX are not read; `vexctl` makes OpenVEX",
        )
    time = fields.text("timestamp", "")
    return fields.objects("statements", lambda each: _statement(each, time, source))


def _statement(fields: Fields, time: str, source: str) -> Statement:
    status = fields.text("status")
    if status not in STATUSES:
        raise FormatError(f"expected one of {', '.join(STATUSES)}: `{status[:80]}`", where=["status"])
    justification = fields.text("justification", "")
    if justification and justification not in _JUSTIFICATIONS:
        raise FormatError(f"not a justification of OpenVEX: `{justification[:80]}`", where=["justification"])
    words = (justification, fields.text("impact_statement", ""), fields.text("status_notes", ""))
    if status == "not_affected" and not any(words[:2]):
        raise FormatError("`not_affected` needs a `justification` or an `impact_statement`")
    return Statement(
        issues=_issues(fields.members.get("vulnerability")),
        products=_products(fields.members.get("products")),
        status=status,
        reason=": ".join(word for word in words if word),
        time=fields.text("timestamp", time),
        source=source,
    )


def _issues(value: object) -> frozenset[str]:
    if isinstance(value, str):
        return frozenset((value,))
    with located("vulnerability"):
        fields = Fields.of(value)
        return frozenset((fields.text("name"), *fields.texts("aliases")))


def _products(value: object) -> tuple[Product, ...]:
    if value is None:
        return ()
    with located("products"):
        found = Fields({"item": [each if isinstance(each, dict) else {"@id": each} for each in _list(value)]})
        return found.objects("item", _product)


def _list(value: object) -> list[object]:
    if not isinstance(value, list):
        raise FormatError("expected a list")
    return value


def _product(fields: Fields) -> Product:
    parts = fields.objects("subcomponents", _identifiers)
    return Product(_identifiers(fields), tuple(name for each in parts for name in each))


def _identifiers(fields: Fields) -> tuple[str, ...]:
    more = fields.text_map("identifiers")
    return tuple(name for name in (fields.text("@id", ""), *more.values()) if name)


def apply(
    findings: Iterable[Finding], statements: Sequence[Statement], image: Sequence[str] = ()
) -> tuple[tuple[Finding, ...], tuple[Dismissed, ...]]:
    """Takes out what does not count.

    Args:
        findings: What was found.
        statements: What is said about it.
        image: The names of the image that it is in.
    """
    ordered = sorted(statements, key=lambda each: each.time)  # stable: of one time the last stands last
    kept: list[Finding] = []
    dismissed: list[Dismissed] = []
    for finding in findings:
        said = [each for each in ordered if each.is_about(finding, image)]
        if said and said[-1].status in SETTLED:
            last = said[-1]
            dismissed.append(Dismissed(finding, last.status, last.reason, last.source))
        else:
            kept.append(finding)
    return tuple(kept), tuple(dismissed)


def document(
    findings: Sequence[Finding], dismissed: Sequence[Dismissed], *, author: str, time: str, digest: str
) -> Mapping[str, Any]:
    """A document about what was found: what counts is `affected`, what does not keeps its status.

    Products are package URLs without qualifiers, which every reader matches.

    Args:
        findings: What counts.
        dismissed: What does not.
        author: Who says so.
        time: When (RFC 3339).
        digest: Names the content, so that two documents of the same content have one name.
    """
    said = [_written(each, "affected", _action(each)) for each in findings]
    for each in dismissed:
        status = each.status if each.status in SETTLED else "not_affected"
        member = "impact_statement" if status == "not_affected" else "status_notes"
        said.append(_written(each.finding, status, {member: f"{each.reason} ({each.source})"}))
    statements = list({encode(each): each for each in said}.values())  # of several platforms one is enough
    return {
        "@context": CONTEXT,
        "@id": f"https://openvex.dev/docs/public/vex-{digest}",
        "author": author,
        "timestamp": time,
        "version": 1,
        "statements": statements,
    }


def _written(finding: Finding, status: str, more: Mapping[str, str]) -> dict[str, Any]:
    vulnerability: dict[str, Any] = {"name": finding.id}
    if finding.aliases:
        vulnerability["aliases"] = list(finding.aliases)
    product = finding.purl.partition("?")[0]
    return {"vulnerability": vulnerability, "products": [{"@id": product}], "status": status, **more}


def _action(finding: Finding) -> dict[str, str]:
    """What to do about it, which OpenVEX wants to be said of what is affected."""
    if finding.fixed:
        return {"action_statement": f"update {finding.package} to {finding.fixed}"}
    return {"action_statement": "no fixed version is known"}
