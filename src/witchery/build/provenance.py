"""The use case: say what an image was made of, by whom, and how it was asked for (SLSA, provenance v1).

It is complete by construction: an image is made of the packages of a solution, the application, and what
follows from the configuration; nothing else is read. Nothing of this machine is in it: no time, no user, and
of folders only their last name, so that it is the same wherever the image is built.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import witchery
from witchery.attest.provenance import BUILDER, PREDICATE_TYPE, Material, Run, predicate
from witchery.attest.statement import Statement, Subject
from witchery.build.image import Built
from witchery.build.request import Request
from witchery.config.encode import document
from witchery.digest import Digest
from witchery.http import Url
from witchery.oci.config import rfc3339
from witchery.repository.location import Repository
from witchery.sbom.bill import Bill

THIS = Run(version=witchery.__version__, builder=BUILDER)
"""What is known where nobody says more."""


def provenance_of(
    built: Built, request: Request, bill: Bill, *, run: Run = THIS, name: str = ""
) -> Statement:
    """The provenance of an image for one platform.

    Args:
        built: The image.
        request: What was asked for.
        bill: What it consists of.
        run: Who built, and what is known of the run.
        name: What the image is called, such as `example.org/app`.
    """
    said = predicate(
        parameters=_parameters(request, bill),
        internal={
            "created": rfc3339(built.composition.created),
            "trusted": built.trusted,
        },
        materials=(*_packages(bill), *_indexes(built), *_keys(built)),
        run=run,
    )
    return Statement.of([Subject.of(built.image.digest, name)], PREDICATE_TYPE, said)


def _parameters(request: Request, bill: Bill) -> dict[str, Any]:
    """What whoever asked for the image has chosen."""
    found: dict[str, Any] = {
        "name": bill.name,
        "architecture": request.arch.apk,
        "configuration": document(request.config),
        "packages": sorted({*request.world, *(path.name for path in request.files)}),
        "repositories": [_line(each) for each in request.repositories],
        "application": [
            {"source": each.path.name, "destination": each.destination} for each in request.payload
        ],
        "lock": _lock(request),
    }
    return {name: content for name, content in found.items() if content}


def _lock(request: Request) -> dict[str, Any]:
    if request.lock is None:
        return {}
    from witchery.build.locks.locked import LockUse

    found: dict[str, Any] = {"name": request.lock.path.name}
    if isinstance(request.lock, LockUse):
        from witchery.lock.document import encode

        found["digest"] = {"sha256": Digest.sha256(encode(request.lock.lock)).hex}
    return found


def _line(repository: Repository) -> str:
    """A repository, without the folders above it that only this machine has."""
    tag = f"@{repository.tag} " if repository.tag else ""
    where = f"./{Path(repository.location).name}" if repository.is_local else repository.location
    return f"{tag}{where}"


def _packages(bill: Bill) -> Iterator[Material]:
    for item in bill.items:
        stated = {"control": str(item.control), "data": str(item.data), "identity": item.identity}
        yield Material(
            uri=item.purl(bill.distribution),
            digest=item.file or item.data,
            name=f"{item.name}-{item.version}",
            location=item.location,
            annotations={"data": str(item.data)} if item.own else stated,
        )


def _indexes(built: Built) -> Iterator[Material]:
    for index in built.gathered.resolution.indexes:
        place = index.repository.index(index.arch)
        key = index.trust.key
        yield Material(
            uri=str(place) if isinstance(place, Url) else "",
            digest=index.digest,
            name=_line(index.repository),
            annotations={
                "description": index.index.description,
                **({"key": f"{key.name} {key.fingerprint}"} if key else {}),
            },
        )


def _keys(built: Built) -> Iterator[Material]:
    """The keys that vouched, by the SHA-256 of their DER."""
    indexes = built.gathered.resolution.indexes
    keys = (*(index.trust.key for index in indexes), *(part.key for part in built.parts))
    found = {key.name: key.fingerprint for key in keys if key}
    for name, fingerprint in sorted(found.items()):
        yield Material(uri="", digest=Digest.parse(fingerprint.lower()), name=name)
