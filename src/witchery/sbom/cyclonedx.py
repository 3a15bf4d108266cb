"""CycloneDX 1.6 as JSON (https://cyclonedx.org/docs/1.6/json/), in the shape that scanners read.

Trivy learns the source package from properties of its own, and judges by the release of the component of type
`operating-system` what this depends on. What apk knows a package by goes into properties, too: `hashes` are
those of the package file.
"""

from collections.abc import Iterator
from typing import Any

from witchery import canonical
from witchery.sbom.bill import Bill, Component, Item
from witchery.sbom.identifiers import content_uuid
from witchery.sbom.licences import NOASSERTION, Licence

_OWN = "dev.witchery:"
_TRIVY = "aquasecurity:trivy:"
_HASHES = {
    "md5": "MD5",
    "sha1": "SHA-1",
    "sha256": "SHA-256",
    "sha384": "SHA-384",
    "sha512": "SHA-512",
}


def encode(bill: Bill) -> bytes:
    """The document; like any text file it ends with a line end."""
    return canonical.encode(document(bill)) + b"\n"


def document(bill: Bill) -> dict[str, Any]:
    """The document as JSON values."""
    content = _Writer(bill).document()
    return content | {"serialNumber": f"urn:uuid:{content_uuid(content)}"}


class _Writer:
    """Writes one document."""

    def __init__(self, bill: Bill) -> None:
        self._bill = bill
        self._items = {each.name: each.purl(bill.distribution) for each in bill.items}
        self._system = "os"
        self._image = "image"

    def document(self) -> dict[str, Any]:
        bill = self._bill
        components = [*self._system_component()]
        components += [self._item(each) for each in bill.items]
        components += map(_component, bill.components)
        return {
            "bomFormat": "CycloneDX",
            "specVersion": "1.6",
            "version": 1,
            "metadata": self._metadata(),
            "components": components,
            "dependencies": list(self._dependencies()),
        }

    def _metadata(self) -> dict[str, Any]:
        bill = self._bill
        image: dict[str, Any] = {"type": "container", "bom-ref": self._image, "name": bill.name}
        if version := bill.version or (str(bill.digest) if bill.digest else ""):
            image["version"] = version
        if bill.digest:
            image["purl"] = bill.purl
            image["hashes"] = _hashes((bill.digest.algorithm, bill.digest.hex))
        if bill.vendor:
            image["supplier"] = {"name": bill.vendor}
        known = [(f"{_OWN}arch", bill.arch.platform)]
        known += [] if bill.trusted else [(f"{_OWN}untrusted", "true")]
        image["properties"] = _properties(*known)
        tool = {"type": "application", "name": "witchery"} | ({"version": bill.tool} if bill.tool else {})
        made: dict[str, Any] = {
            "timestamp": bill.created,
            "lifecycles": [{"phase": "build"}],
            "tools": {"components": [tool]},
            "component": image,
        }
        return made | ({"authors": [{"name": bill.vendor}]} if bill.vendor else {})

    def _system_component(self) -> Iterator[dict[str, Any]]:
        if found := self._bill.distribution:
            yield {
                "type": "operating-system",
                "bom-ref": self._system,
                "name": found.id,
                "description": found.name,
            } | ({"version": found.version} if found.version else {})

    def _item(self, item: Item) -> dict[str, Any]:
        address = self._items[item.name]
        made: dict[str, Any] = {
            "type": "application" if item.own else "library",
            "bom-ref": address,
            "name": item.name,
            "version": item.version,
            "purl": address,
            "properties": _properties(*self._facts(item)),
        }
        if item.vendor.name:
            made["supplier"] = {"name": item.vendor.name}
        if item.maintainer:
            person = item.maintainer
            made["authors"] = [{"name": person.name} | ({"email": person.email} if person.email else {})]
        if item.file:
            made["hashes"] = _hashes((item.file.algorithm, item.file.hex))
        if item.description:
            made["description"] = item.description
        if licences := _licences(item.licence):
            made["licenses"] = licences
        places = (("website", item.home), ("distribution", item.location))
        if references := [{"type": kind, "url": url} for kind, url in places if url]:
            made["externalReferences"] = references
        if item.files:
            made["components"] = [
                {
                    "type": "file",
                    "name": f"/{each.path}",
                    "hashes": _hashes((each.algorithm, each.checksum)),
                }
                for each in item.files
            ]
        return made

    def _facts(self, item: Item) -> Iterator[tuple[str, str]]:
        if not item.own:
            yield f"{_TRIVY}PkgType", self._bill.distribution.id if self._bill.distribution else ""
            yield f"{_TRIVY}SrcName", item.source
            yield f"{_TRIVY}SrcVersion", item.version
        yield f"{_OWN}apk:identity", item.identity
        yield f"{_OWN}apk:control", str(item.control)
        yield f"{_OWN}apk:data", str(item.data)
        yield f"{_OWN}apk:commit", item.commit
        yield f"{_OWN}installed-size", str(item.installed_size)
        if item.layer:
            yield f"{_OWN}layer", str(item.layer.digest)
            yield f"{_OWN}layer:kind", item.layer.kind

    def _dependencies(self) -> Iterator[dict[str, Any]]:
        bill = self._bill
        inside = [self._items[each.name] for each in bill.items if self._of_system(each)]
        outside = [self._items[each.name] for each in bill.items if not self._of_system(each)]
        system = [self._system] if bill.distribution else []
        owner = bill.application
        components = [each.purl for each in bill.components]
        yield _depends(self._image, [*system, *outside, *([] if owner else components)])
        if bill.distribution:
            yield _depends(self._system, inside)
        for item in bill.items:
            needs = [self._items[edge.name] for edge in item.needs]
            yield _depends(self._items[item.name], needs + (components if item.own else []))
        for address in components:
            yield _depends(address, [])

    def _of_system(self, item: Item) -> bool:
        return self._bill.distribution is not None and not item.own


def _component(component: Component) -> dict[str, Any]:
    made: dict[str, Any] = {
        "type": "library",
        "bom-ref": component.purl,
        "name": component.name,
        "purl": component.purl,
        "evidence": {
            "occurrences": [
                {"location": path, "additionalContext": source} for path, source in component.evidence
            ]
        },
    }
    if component.version:
        made["version"] = component.version
    hashes = _hashes(*component.digests)
    return made | ({"hashes": hashes} if hashes else {})


def _depends(address: str, needs: list[str]) -> dict[str, Any]:
    return {"ref": address} | ({"dependsOn": sorted(set(needs) - {address})} if needs else {})


def _hashes(*digests: tuple[str, str]) -> list[dict[str, str]]:
    return [
        {"alg": _HASHES[kind.lower()], "content": value} for kind, value in digests if kind.lower() in _HASHES
    ]


def _properties(*known: tuple[str, str]) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in known if value]


def _licences(licence: Licence) -> list[dict[str, Any]]:
    if licence.expression == NOASSERTION:
        return []
    if licence.is_whole:
        return [{"license": {"name": licence.references[0][1]}}]
    return [{"expression": licence.expression}]
