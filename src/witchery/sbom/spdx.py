"""SPDX 2.3 as JSON (https://spdx.github.io/spdx-spec/v2.3/), in the shape that scanners read.

Two conventions are Trivy's, and it finds nothing without them: the package for the operating system has an
identifier that begins with `SPDXRef-OperatingSystem` and contains all packages of apk (one that stands
outside of it makes Trivy 0.59 forget those inside), and `sourceInfo` begins with `built package from: `.

`checksums` of a package are those of its file, as the specification has it (7.10). What apk knows a package
by are hashes of parts of the file, so they are external references of types of their own: `apk-identity`,
`apk-control` and `apk-data`.
"""

from collections.abc import Iterator
from typing import Any

from witchery import canonical
from witchery.sbom.bill import Bill, Component, Item, Person
from witchery.sbom.identifiers import Names, content_uuid
from witchery.sbom.licence_ids import VERSION as LIST_VERSION
from witchery.sbom.licences import NOASSERTION

_DOCUMENT = "SPDXRef-DOCUMENT"
_NAMESPACE = "https://spdx.org/spdxdocs/"  # for documents whose makers have no place of their own (6.5)
_HASHES = {"sha1", "sha224", "sha256", "sha384", "sha512", "md5"}


def encode(bill: Bill) -> bytes:
    """The document; like any text file it ends with a line end."""
    return canonical.encode(document(bill)) + b"\n"


def document(bill: Bill) -> dict[str, Any]:
    """The document as JSON values."""
    content = _Writer(bill).document()
    return content | {"documentNamespace": f"{_NAMESPACE}{content['name']}-{content_uuid(content)}"}


class _Writer:
    """Writes one document."""

    def __init__(self, bill: Bill) -> None:
        self._bill = bill
        names = Names()
        self._image = "SPDXRef-" + names.name("ContainerImage")
        self._system = "SPDXRef-" + names.name("OperatingSystem")
        self._items = {each.name: f"SPDXRef-{names.name('Package', each.name)}" for each in bill.items}
        self._components = [f"SPDXRef-{names.name('Component', each.name)}" for each in bill.components]
        self._names = names
        self._files: list[dict[str, Any]] = []
        self._relations: list[dict[str, str]] = []

    def document(self) -> dict[str, Any]:
        bill = self._bill
        packages = [self._image_package(), *self._system_package()]
        packages += [self._item(each) for each in bill.items]
        packages += map(self._component, bill.components, self._components)
        self._relate()
        creators = [f"Tool: witchery-{bill.tool}" if bill.tool else "Tool: witchery"]
        creators += [f"Organization: {bill.vendor}"] if bill.vendor else []
        made: dict[str, Any] = {
            "spdxVersion": "SPDX-2.3",
            "SPDXID": _DOCUMENT,
            "dataLicense": "CC0-1.0",
            "name": self._names.name(bill.name),
            "creationInfo": {
                "created": bill.created,
                "creators": creators,
                "licenseListVersion": LIST_VERSION,
                "comment": _comment(bill),
            },
            "packages": packages,
            "relationships": self._relations,
        }
        if extracted := self._extracted():
            made["hasExtractedLicensingInfos"] = extracted
        if self._files:
            made["files"] = self._files
        return made

    def _relation(self, one: str, kind: str, other: str, comment: str = "") -> None:
        found = {"spdxElementId": one, "relationshipType": kind, "relatedSpdxElement": other}
        self._relations.append(found | ({"comment": comment} if comment else {}))

    def _relate(self) -> None:
        bill = self._bill
        self._relation(_DOCUMENT, "DESCRIBES", self._image)
        if bill.distribution:
            self._relation(self._image, "CONTAINS", self._system)
        for item in bill.items:
            of_system = bill.distribution is not None and not item.own
            self._relation(self._system if of_system else self._image, "CONTAINS", self._items[item.name])
        for edge in bill.asked:
            self._relation(
                self._image, "DEPENDS_ON", self._items[edge.name], f"asked for: {' '.join(edge.because)}"
            )
        for item in bill.items:
            name = self._items[item.name]
            for edge in item.needs:
                self._relation(name, "DEPENDS_ON", self._items[edge.name], " ".join(edge.because))
            for edge in item.conditions:
                why = f"installed because of install_if: {' '.join(edge.because)}"
                self._relation(name, "OTHER", self._items[edge.name], why)
        owner = bill.application
        for component in self._components:
            self._relation(self._items[owner.name] if owner else self._image, "CONTAINS", component)

    def _image_package(self) -> dict[str, Any]:
        bill = self._bill
        found: dict[str, Any] = {
            "SPDXID": self._image,
            "name": bill.name,
            "supplier": f"Organization: {bill.vendor}" if bill.vendor else NOASSERTION,
            "downloadLocation": NOASSERTION,
            "filesAnalyzed": False,
            "primaryPackagePurpose": "CONTAINER",
        }
        if version := bill.version or (str(bill.digest) if bill.digest else ""):
            found["versionInfo"] = version
        if bill.digest:
            found["checksums"] = [_checksum(bill.digest.algorithm, bill.digest.hex)]
            found["externalRefs"] = [_purl(bill.purl)]
        return found

    def _system_package(self) -> Iterator[dict[str, Any]]:
        if found := self._bill.distribution:
            yield {
                "SPDXID": self._system,
                "name": found.id,
                "summary": found.name,
                "supplier": f"Organization: {found.name}",
                "downloadLocation": NOASSERTION,
                "filesAnalyzed": False,
                "primaryPackagePurpose": "OPERATING-SYSTEM",
            } | ({"versionInfo": found.version} if found.version else {})

    def _item(self, item: Item) -> dict[str, Any]:
        name = self._items[item.name]
        found: dict[str, Any] = {
            "SPDXID": name,
            "name": item.name,
            "versionInfo": item.version,
            "supplier": f"Organization: {item.vendor.name}" if item.vendor.name else NOASSERTION,
            "downloadLocation": item.location or NOASSERTION,
            "filesAnalyzed": False,
            "licenseDeclared": item.licence.expression,
            "externalRefs": [_purl(item.purl(self._bill.distribution)), *_apk_references(item)],
            "primaryPackagePurpose": "APPLICATION" if item.own else "INSTALL",
        }
        if item.file:
            found["checksums"] = [_checksum(item.file.algorithm, item.file.hex)]
        if item.maintainer:
            found["originator"] = _person(item.maintainer)
        if not item.own:
            found["sourceInfo"] = f"built package from: {item.source} {item.version}"
        if item.layer:
            found["comment"] = f"in the {item.layer.kind} layer {item.layer.digest}"
        texts = {"homepage": item.home, "summary": item.description}
        found |= {key: text for key, text in texts.items() if text}
        if item.files:
            found |= self._analyzed(item)
        return found

    def _analyzed(self, item: Item) -> dict[str, Any]:
        """The files of a package; SPDX knows none without SHA-1 (8.4)."""
        if any(each.algorithm != "SHA1" for each in item.files):
            return {}
        from hashlib import sha1

        for each in item.files:
            self._files.append(
                {
                    "SPDXID": f"SPDXRef-{self._names.name('File', item.name, each.checksum[:16])}",
                    "fileName": f"./{each.path}",
                    "checksums": [_checksum(each.algorithm, each.checksum)],
                }
            )
        # 7.9: the SHA-1 of all SHA-1s, sorted and put together
        code = sha1("".join(sorted(each.checksum for each in item.files)).encode()).hexdigest()
        return {
            "filesAnalyzed": True,
            "packageVerificationCode": {"packageVerificationCodeValue": code},
            "hasFiles": [each["SPDXID"] for each in self._files[-len(item.files) :]],
        }

    def _component(self, component: Component, name: str) -> dict[str, Any]:
        found: dict[str, Any] = {
            "SPDXID": name,
            "name": component.name,
            "supplier": NOASSERTION,
            "downloadLocation": NOASSERTION,
            "filesAnalyzed": False,
            "externalRefs": [_purl(component.purl)],
            "primaryPackagePurpose": "LIBRARY",
            "sourceInfo": "; ".join(f"{path}: {source}" for path, source in component.evidence),
        }
        if component.version:
            found["versionInfo"] = component.version
        known = [_checksum(kind, value) for kind, value in component.digests if kind.lower() in _HASHES]
        return found | ({"checksums": known} if known else {})

    def _extracted(self) -> list[dict[str, str]]:
        found: dict[str, dict[str, None]] = {}
        for item in self._bill.items:
            for name, text in item.licence.references:
                found.setdefault(name, {})[text] = None
        return [
            {
                "licenseId": name,
                "name": min(texts),
                "extractedText": "Packages state their licence in words that the SPDX list does not have: "
                + "; ".join(f"`{text}`" for text in sorted(texts)),
            }
            for name, texts in sorted(found.items())
        ]


def _comment(bill: Bill) -> str:
    """In which phase of its life it was looked at (CISA 2025, "generation context"), and what is doubtful."""
    said = "Made while the image was built, from the packages that were installed and the solution of their"
    said += " dependencies."
    return said if bill.trusted else f"{said} Not everything in the image is signed by a known key."


def _person(person: Person) -> str:
    return f"Person: {person.name} ({person.email})" if person.email else f"Person: {person.name}"


def _checksum(algorithm: str, value: str) -> dict[str, str]:
    return {"algorithm": algorithm.upper(), "checksumValue": value}


def _purl(address: str) -> dict[str, str]:
    return {
        "referenceCategory": "PACKAGE-MANAGER",
        "referenceType": "purl",
        "referenceLocator": address,
    }


def _apk_references(item: Item) -> Iterator[dict[str, str]]:
    known = (("identity", item.identity), ("control", str(item.control)), ("data", str(item.data)))
    for what, value in known:
        yield {
            "referenceCategory": "OTHER",
            "referenceType": f"apk-{what}",
            "referenceLocator": value,
        }
